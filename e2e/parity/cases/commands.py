"""Commands that run after a template was rendered."""

import time

from case import Run, case
from cases.templates import render, sidecar, strict


# The names differ by product (agent behaviour, section 8.9), so their order would, too.
BY_VALUE = "sed 's/^BAO_/VAULT_/' | sort -u"

# The file was written, so the template counts as rendered and the agent leaves; the original often without a word.
LEAVES = {"log": "the command of the last template fails"}


@case("commands")
def text_runs_in_a_shell(c: Run):
    render(c, c.template("x", command=f"echo one > {c.path('out/a')}; echo two"))


@case("commands")
def one_word_runs_directly(c: Run):
    script = c.put("in/script", f"#!/bin/sh\necho ran > {c.path('out/a')}\n", 0o755)
    render(c, c.template("x", command=script))


@case("commands")
def list_runs_directly(c: Run):
    render(c, c.template("x", exec={"command": ["/bin/echo", "$HOME", "a  b"]}))


@case("commands")
def list_of_one_with_blanks_runs_in_a_shell(c: Run):
    render(c, c.template("x", exec={"command": ["echo $((1+1))"]}))


@case("commands")
def text_is_split_at_commas(c: Run):
    render(c, c.template("x", command="/bin/echo,a,b"))


@case("commands")
def equal_commands_run_once(c: Run):
    command = {"command": ["sh", "-c", f"echo ran >> {c.path('out/ran')}"]}
    render(c, c.template("x", "out/a", exec=command), c.template("y", "out/b", exec=command),
           c.template("z", "out/c", exec={"command": ["sh", "-c", f"echo other >> {c.path('out/ran')}"]}))


@case("commands")
def environment_of_a_command(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True,
             "template": [c.template("x", exec={"command": ["sh", "-c", f"env | grep -E '^(VAULT|BAO|COLOUR)' | {BY_VALUE}"]})]},
            env={"COLOUR": "green", "VAULT_ADDR": c.address}).exit()


@case("commands", tls=True)
def environment_of_a_command_over_tls(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True,
             "template": [c.template("x", exec={"command": ["sh", "-c", f"env | grep -E '^(VAULT|BAO)' | {BY_VALUE}"]})]}).exit()


@case("commands", differs=dict.fromkeys(['files'], 'templates: `env "BAO_ADDR"`'))
def environment_as_templates_see_it(c: Run):
    render(c, c.template('{{ env "BAO_ADDR" }}{{ env "VAULT_ADDR" }} {{ env "VAULT_TOKEN" }}'))


@case("commands", differs=LEAVES)
def a_failing_command_of_the_last_template(c: Run):
    render(c, c.template("x", command="exit 3"), **strict(c))


@case("commands", timed=True, races=["requests", "methods", "log"])
def a_failing_command_of_an_earlier_template(c: Run):
    agent = render(c, c.template("x", "out/first", command="exit 3"),
                   c.template(f'{{{{ with secret "{c.data}/later" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'),
                   template_config={"exit_on_retry_failure": True}, wait=False)
    agent.exit()


@case("commands", timed=True)
def a_failing_command_of_an_earlier_template_is_got_over(c: Run):
    agent = render(c, c.template("x", "out/first", command=f"echo ran >> {c.path('out/ran')}; exit 3"),
                   c.template(f'{{{{ with secret "{c.data}/later" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'), wait=False)
    c.until_logged("exited with a non-zero exit status")
    c.secret("later", user="u")
    agent.exit()


@case("commands", differs=LEAVES)
def a_command_that_takes_too_long(c: Run):
    render(c, c.template("x", exec={"command": ["sh", "-c", f"sleep 30; touch {c.path('out/late')}"], "timeout": "500ms"}), **strict(c))


@case("commands", timed=True)
def a_command_that_takes_too_long_is_killed_at_once(c: Run):
    """Whatever `splay` and `kill_timeout` say: it gets no signal that it could hear."""
    script = c.put("in/script", f"#!/bin/sh\nfor each in TERM INT HUP; do trap \"echo $each >> {c.path('out/heard')}\" $each; done\n"
                                f"echo began >> {c.path('out/heard')}\nfor n in 1 2 3 4; do sleep 0.5; done\necho ended >> {c.path('out/heard')}\n", 0o755)
    agent = sidecar(c, c.template("x", exec={"command": [script], "timeout": "500ms", "splay": "5s", "kill_timeout": "5s"}))
    c.until_logged("command did not exit within time limit")
    time.sleep(2)
    agent.terminate()


@case("commands", differs=LEAVES)
def old_spelling_of_the_timeout(c: Run):
    render(c, c.template("x", command="sleep 30", command_timeout="500ms"), **strict(c))


@case("commands")
def a_command_that_is_not_waited_for(c: Run):
    render(c, c.template("x", exec={"command": ["sh", "-c", f"touch {c.path('out/ran')}; exit 4"], "timeout": "0s"}))
    c.until_file("out/ran")


@case("commands", differs=LEAVES)
def a_program_that_does_not_exist(c: Run):
    render(c, c.template("x", exec={"command": ["/nonexistent/program"]}), **strict(c))


@case("commands", timed=True)
def a_command_runs_again_only_after_a_change(c: Run):
    c.secret("app", user="one")
    c.secret("other", user="one")
    agent = sidecar(c, *[c.template(f'{{{{ with secret "{c.data}/{n}" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}', f"out/{n}",
                                    command=f"echo {n} >> {c.path('out/ran')}") for n in ("app", "other")],
                    template_config={"static_secret_render_interval": "1s"})
    ran = lambda: sorted(c.path("out/ran").read_text().split()) if c.path("out/ran").exists() else []
    c.until(lambda: ran() == ["app", "other"], "both commands")
    c.secret("app", user="two")
    c.until(lambda: len(ran()) > 2, "another command")
    c.fact("which", ran())
    # Which of the first two was there first depends on which answer was.
    c.skip_file("out/ran")
    agent.terminate()


@case("commands", differs=dict.fromkeys(['files', 'log'], '`exec.enabled = false` of a template'))
def a_disabled_command(c: Run):
    render(c, c.template("x", exec={"command": ["touch", str(c.path("out/ran"))], "enabled": False}))
