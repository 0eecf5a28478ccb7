"""`exec` with `env_template`: the agent as the parent of the application."""

import signal

from case import Run, case


def supervise(c: Run, command: list[str], names=("USER_NAME",), env=None, **execute):
    return c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "template_config": {"static_secret_render_interval": "1s"},
                    "env_template": [{name: {"contents": f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'}} for name in names],
                    "exec": {"command": command, **execute}}, env=env)


@case("supervisor", timed=True, differs=dict.fromkeys(["files", "log"], "two `env_template`s with equal text"))
def environment_of_the_child(c: Run):
    c.secret("app", user="from vault")
    agent = supervise(c, ["sh", "-c", f"env | grep -E '^(USER_NAME|OTHER|COLOUR|VAULT|BAO)' | sort > {c.path('out/env')}"], ("USER_NAME", "OTHER"),
                      env={"COLOUR": "green", "OTHER": "inherited"})
    agent.exit()


@case("supervisor", timed=True)
def code_of_the_child(c: Run):
    c.secret("app", user="u")
    supervise(c, ["sh", "-c", "exit 7"]).exit()


@case("supervisor", timed=True)
def child_killed_by_a_signal(c: Run):
    c.secret("app", user="u")
    supervise(c, ["sh", "-c", "kill -9 $$"]).exit()


@case("supervisor", timed=True)
def child_that_does_not_exist(c: Run):
    c.secret("app", user="u")
    supervise(c, ["/nonexistent/program"]).exit()


@case("supervisor", timed=True)
def output_of_the_child(c: Run):
    c.secret("app", user="u")
    supervise(c, ["sh", "-c", "echo to stdout; echo to stderr >&2"]).exit()
    c.fact("stderr", c.agents[-1].logged("to stderr"))


@case("supervisor", timed=True)
def one_text_with_blanks_runs_in_a_shell(c: Run):
    c.secret("app", user="u")
    supervise(c, ["echo $((40+2))"]).exit()


CHILD = """trap 'echo stopped >> {log}; exit 0' {signal}
echo started $USER_NAME >> {log}
while :; do sleep 0.1; done"""


@case("supervisor", timed=True)
def a_change_restarts_the_child(c: Run):
    c.secret("app", user="one")
    agent = supervise(c, ["sh", "-c", CHILD.format(log=c.path("out/log"), signal="TERM")])
    c.until_file("out/log", "started one")
    c.secret("app", user="two")
    c.until_file("out/log", "started two")
    agent.terminate()


@case("supervisor", timed=True)
def another_stop_signal(c: Run):
    c.secret("app", user="one")
    agent = supervise(c, ["sh", "-c", CHILD.format(log=c.path("out/log"), signal="USR1")], restart_stop_signal="SIGUSR1")
    c.until_file("out/log", "started one")
    c.secret("app", user="two")
    c.until_file("out/log", "started two")
    agent.terminate()


@case("supervisor", timed=True)
def never_restart(c: Run):
    c.secret("app", user="one")
    agent = supervise(c, ["sh", "-c", CHILD.format(log=c.path("out/log"), signal="TERM")], restart_on_secret_changes="never")
    c.until_file("out/log", "started one")
    c.secret("app", user="two")
    c.until_logged("not restarting")
    agent.terminate()


@case("supervisor", timed=True)
def interrupt_stops_the_child(c: Run):
    c.secret("app", user="one")
    agent = supervise(c, ["sh", "-c", CHILD.format(log=c.path("out/log"), signal="TERM") + "; exit 9"])
    c.until_file("out/log", "started one")
    agent.signal(signal.SIGINT)
    agent.exit()
    c.until_file("out/log", "stopped")


@case("supervisor", timed=True)
def terminate_before_the_child_started(c: Run):
    agent = supervise(c, ["touch", str(c.path("out/ran"))])
    c.until_logged("no secret exists at")
    agent.terminate()
