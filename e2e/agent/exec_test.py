"""`exec -env-file FILE -- COMMAND`: an application that reads only its environment, beside an agent that writes files."""

import os
import signal
import subprocess
import time

from e2e.agent.world import AGENT, Case


class Exec(Case):
    def run_it(self, *words: str, **env) -> subprocess.CompletedProcess:
        return subprocess.run([AGENT, "exec", *map(str, words)], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], **env}, cwd=self.folder)

    def file(self, text: str, name: str = "env"):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_a_rendered_file_becomes_the_programs_environment(self):
        text = '{{ with secret "secret/data/app" }}# made by the agent\nUSER_NAME={{ .Data.data.user }}\nexport PASSWORD="{{ .Data.data.password }}"\n{{ end }}'
        path = self.folder / "env"
        agent = self.agent({"auto_auth": self.login(), "template": [{"contents": text, "destination": str(path)}], "exit_after_auth": True})
        self.assertEqual(agent.exit(), 0)
        done = self.run_it("-env-file", path, "--", "env", USER_NAME="inherited", OTHER="kept")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in ("USER_NAME=ada", "PASSWORD=hunter2", "OTHER=kept"):
            self.assertIn(line, done.stdout.splitlines())

    def test_every_way_to_write_a_line(self):
        path = self.file("# comment\n\nPLAIN=two words # not a comment\n  SPACED= x\nEMPTY=\nQUOTED=\"a\\tb \\\"c\\\" $HOME\"\nLITERAL='$x \\n \"q\"'\nexport EQUALS=a=b=c\nUML=grün\nTWICE=1\nTWICE=2\n")
        done = self.run_it(f"--env-file={path}", "--", "env", "-0")
        seen = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
        self.assertEqual({name: seen[name] for name in seen if name != "PATH"},
                         {"PLAIN": "two words # not a comment", "SPACED": " x", "EMPTY": "", "QUOTED": 'a\tb "c" $HOME', "LITERAL": '$x \\n "q"',
                          "EQUALS": "a=b=c", "UML": "grün", "TWICE": "2"})

    def test_later_files_win(self):
        first, second = self.file("A=1\nB=1\n", "first"), self.file("B=2\n", "second")
        done = self.run_it("-env-file", first, "-env-file", second, "--", "sh", "-c", "echo $A $B")
        self.assertEqual(done.stdout, "1 2\n")

    def test_code_output_and_signals_are_the_programs_own(self):
        path = self.file("A=1\n")
        self.assertEqual(self.run_it("-env-file", path, "--", "sh", "-c", "exit 42").returncode, 42)
        process = subprocess.Popen([AGENT, "exec", "-env-file", str(path), "--", "sleep", "60"])
        time.sleep(0.3)
        # It has become the program: nobody stands between.
        with open(f"/proc/{process.pid}/comm") as name:
            self.assertEqual(name.read(), "sleep\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(5), -signal.SIGTERM)

    def test_mistakes_are_named_without_the_secret(self):
        bad = self.file("A=1\nsuper-secret\n", "bad")
        quote = self.file('A="super-secret\n', "quote")
        good = self.file("A=1\n", "good")
        nul = self.file("A=super\0secret\n", "nul")
        for words, code, text in (
                (("-env-file", "nowhere", "--", "env"), 125, "`nowhere`: "),
                (("-env-file", bad, "--", "env"), 125, f"`{bad}` line 2: expected `NAME=value`"),
                (("-env-file", quote, "--", "env"), 125, f"`{quote}` line 1: the quote is not closed"),
                (("-env-file", nul, "--", "env"), 125, f"`{nul}` line 1: "),
                (("-env-file", good, "--", "no-such-program"), 127, "`no-such-program`: "),
                (("-env-file", good, "--", "/etc/passwd"), 126, "`/etc/passwd`: "),
                (("-env-file", good), 125, "no command: expected `exec -env-file FILE -- COMMAND`"),
                (("-env-file", good, "env"), 125, "unexpected `env`"),
                ((), 125, "no command")):
            with self.subTest(words):
                done = self.run_it(*words)
                self.assertEqual(done.returncode, code)
                self.assertTrue(done.stderr.startswith(f"exec: {text}"), done.stderr)
                self.assertNotIn("super-secret", done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
