"""`exec` with `env_template`: the agent as the parent of the application, and as process 1."""

import os
import signal
import sys
import time
import unittest
from pathlib import Path

from e2e.agent.world import Case, wait_for

PYTHON = sys.executable

#: Says what it hears and goes on; ends with 3 at SIGTERM and with 4 at SIGUSR2.
LISTENER = """
import os, signal, sys, time
def say(text):
    with open("heard", "a") as log: log.write(text + "\\n")
def heard(number, _):
    say(signal.Signals(number).name)
    if number == signal.SIGTERM: sys.exit(3)
    if number == signal.SIGUSR2: sys.exit(4)
for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
    signal.signal(each, heard)
say("started " + os.environ["USER_NAME"])
while True: time.sleep(0.05)
"""


class Supervised(Case):
    def setUp(self):
        super().setUp()
        self.name = f"exec-{self.folder.name[-8:]}"
        self.change("one")

    def change(self, user: str):
        self.api.write(f"secret/data/{self.name}", data={"user": user})

    def config(self, command: list[str], **execute) -> dict:
        text = f'{{{{ with secret "secret/data/{self.name}" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'
        return {"auto_auth": self.login(), "template_config": {"static_secret_render_interval": "1s"},
                "env_template": [{"USER_NAME": {"contents": text}}], "exec": {"command": command, **execute}}

    def supervise(self, command: list[str], before=(), env=None, **execute):
        return self.agent(self.config(command, **execute), before=before, env=env)

    def heard(self, agent) -> list[str]:
        file = agent.folder / "heard"
        return file.read_text().split("\n")[:-1] if file.exists() else []

    def listening_program(self, **execute):
        agent = self.supervise([PYTHON, "-c", LISTENER], **execute)
        wait_for(lambda: "started one" in self.heard(agent), "the program")
        return agent


class Supervisor(Supervised):
    def test_the_program_sees_its_variables_and_the_agents_but_no_token(self):
        agent = self.supervise(["env"], env={"COLOUR": "green", "USER_NAME": "inherited", "VAULT_TOKEN": self.api.token})
        self.assertEqual(agent.exit(), 0, agent.told())
        lines = agent.stdout.read_text().splitlines()
        for line in ("USER_NAME=one", "COLOUR=green"):
            self.assertIn(line, lines)
        self.assertNotIn("USER_NAME=inherited", lines)
        self.assertEqual([line for line in lines if line.startswith(("VAULT_ADDR", "BAO_ADDR", "VAULT_SKIP"))], [])

    def test_the_programs_code_is_the_agents(self):
        cases = (("exit 0", 0), ("exit 7", 7), ("exit 254", 254), ("kill -9 $$", 255), ("kill -TERM $$", 255))
        agents = [self.supervise(["sh", "-c", line]) for line, _ in cases]
        for agent, (line, code) in zip(agents, cases):
            with self.subTest(line):
                self.assertEqual(agent.exit(), code)
                shown = -1 if code == 255 else code
                self.assertEqual(agent.logged(f'runtime error encountered: error="process exited with {shown}" exitCode={code}'), code != 0, agent.told())

    def test_a_program_that_is_not_there_ends_the_agent(self):
        agent = self.supervise(["/nonexistent/program"])
        self.assertEqual(agent.exit(), 1)
        self.assertIn("/nonexistent/program", agent.stderr.read_text())

    def test_a_change_restarts_the_program_with_its_stop_signal(self):
        agent = self.listening_program(restart_stop_signal="SIGUSR2")
        self.change("two")
        wait_for(lambda: self.heard(agent) == ["started one", "SIGUSR2", "started two"], "a restart")
        self.assertTrue(agent.logged("stopping process: process_id="))
        # The same values again are no change.
        self.change("two")
        time.sleep(4)
        self.assertEqual(self.heard(agent), ["started one", "SIGUSR2", "started two"])
        self.assertEqual(agent.terminate(), 0)
        self.assertEqual(self.heard(agent)[-1], "SIGUSR2")

    def test_a_change_leaves_the_program_alone_where_it_is_told_to(self):
        agent = self.listening_program(restart_on_secret_changes="never")
        self.change("two")
        agent.until_logged("detected update, but not restarting process: process_id=")
        self.assertEqual(self.heard(agent), ["started one"])
        self.assertEqual(agent.terminate(), 0)

    def test_terminate_and_interrupt_reach_the_program_as_its_stop_signal_and_other_signals_do_not(self):
        agents = [self.supervise([PYTHON, "-c", LISTENER]) for _ in range(2)]
        for agent, number in zip(agents, (signal.SIGTERM, signal.SIGINT)):
            with self.subTest(number):
                wait_for(lambda: "started one" in self.heard(agent), "the program")  # noqa: B023
                for other in (signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH):
                    agent.process.send_signal(other)
                time.sleep(0.5)
                self.assertIsNone(agent.process.poll())
                agent.process.send_signal(number)
                self.assertEqual(agent.exit(), 0)
                self.assertEqual(self.heard(agent), ["started one", "SIGTERM"])

    def test_a_shells_line_gets_the_signal_in_its_group(self):
        agent = self.supervise([f"{PYTHON} -c '{LISTENER}' ; true"])
        wait_for(lambda: "started one" in self.heard(agent), "the program")
        self.assertEqual(agent.terminate(), 0)
        self.assertEqual(self.heard(agent), ["started one", "SIGTERM"])

    def test_with_exit_after_auth_the_program_never_starts(self):
        config = {**self.config(["touch", str(self.folder / "ran")]), "exit_after_auth": True}
        agent = self.agent(config)
        self.assertEqual(agent.exit(), 0)
        self.assertFalse((self.folder / "ran").exists())

    def test_splay_and_kill_timeout_of_a_templates_command_are_read(self):
        done = self.folder / "done"
        execute = {"command": ["touch", str(done)], "splay": "1s", "kill_timeout": "1s"}
        agent = self.agent({"auto_auth": {**self.login()}, "template": [{"contents": "x", "destination": str(self.folder / "x"), "exec": execute}]}, "-exit-after-auth")
        self.assertEqual(agent.exit(), 0, agent.told())
        self.assertTrue(done.exists())


@unittest.skipUnless(os.geteuid() == 0, "a namespace of process numbers needs root")
class ProcessOne(Supervised):
    """The agent as the first process of a container, where orphans are its children."""

    BEFORE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

    def children(self, pid: int) -> list[int]:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def inside(self, agent) -> int:
        """The agent's own process, behind `unshare`."""
        return wait_for(lambda: self.children(agent.process.pid), "the process in the namespace")[0]

    def states(self, agent) -> str:
        """The state letters of the agent's children."""
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in self.children(self.inside(agent))]
        return "".join(stat.rsplit(")", 1)[1].split()[0] for stat in stats)

    def test_orphans_are_reaped_and_the_programs_code_is_kept(self):
        # Three orphans, whose parents end at once; the program itself goes on.
        orphans = "for i in 1 2 3; do (sh -c 'while ! [ -e end ]; do sleep 0.1; done; exit 5' &) ; done"
        agent = self.supervise(["sh", "-c", f"{orphans}; while ! [ -e go ]; do sleep 0.1; done; exit 9"], before=self.BEFORE)
        wait_for(lambda: len(self.states(agent)) == 4, "the program and three orphans")
        (agent.folder / "end").touch()
        wait_for(lambda: len(self.states(agent)) == 1, "only the program is left", 15)
        (agent.folder / "go").touch()
        self.assertEqual(agent.exit(), 9)

    def test_terminate_ends_process_one_before_and_after_the_program_started(self):
        agent = self.agent({**self.config(["sleep", "100"]), "env_template": [{"A": {"contents": '{{ with secret "secret/data/none" }}{{ end }}'}}]}, before=self.BEFORE)
        agent.until_logged("no secret exists at")
        os.kill(self.inside(agent), signal.SIGTERM)
        self.assertEqual(agent.exit(), 0)
        agent = self.supervise([PYTHON, "-c", LISTENER], before=self.BEFORE)
        wait_for(lambda: "started one" in self.heard(agent), "the program")
        os.kill(self.inside(agent), signal.SIGTERM)
        self.assertEqual(agent.exit(), 0)
        self.assertEqual(self.heard(agent), ["started one", "SIGTERM"])
