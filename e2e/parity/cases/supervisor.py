"""`exec` with `env_template`: the agent as the parent of the application."""

import signal

from case import Run, case
from cases.listener import ask
from server import free_port


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


def env_templates(c: Run, templates: list[dict], command: list[str], **config):
    return c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "template_config": {"static_secret_render_interval": "1s"},
                    "env_template": templates, "exec": {"command": command}, **config})


@case("supervisor", timed=True)
def values_with_line_breaks_and_odd_names(c: Run):
    env_templates(c, [{"LINES": {"contents": "a\nb\n"}}, {"lower.case-name": {"contents": "x"}}, {"EQUALS": {"contents": "a=b"}}, {"UML": {"contents": "grün"}}],
                  ["sh", "-c", f"env -0 | tr '\\0' '|' | tr '\\n' '^' | tr '|' '\\n' | grep -aE '^(LINES|lower|EQUALS|UML)' | sort > {c.path('out/env')}"]).exit()


@case("supervisor", timed=True)
def a_variable_from_a_file_with_other_delimiters(c: Run):
    c.secret("app", user="u")
    source = c.put("in/template", f'<< with secret "{c.data}/app" >><< .Data.data.user >><< end >>')
    env_templates(c, [{"A": {"source": source, "left_delimiter": "<<", "right_delimiter": ">>"}}], ["sh", "-c", f"echo $A > {c.path('out/env')}"]).exit()


@case("supervisor", timed=True)
def a_missing_key_is_an_error_where_it_is_to_be(c: Run):
    c.secret("app", user="u")
    text = f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.none }}}}{{{{ end }}}}'
    env_templates(c, [{"A": {"contents": text, "error_on_missing_key": True}}], ["touch", str(c.path("out/ran"))], template_config={"exit_on_retry_failure": True}).exit()


@case("supervisor", timed=True)
def a_missing_key_is_no_value_otherwise(c: Run):
    c.secret("app", user="u")
    text = f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.none }}}}{{{{ end }}}}'
    env_templates(c, [{"A": {"contents": text}}], ["sh", "-c", f"echo \"$A\" > {c.path('out/env')}"]).exit()


@case("supervisor", timed=True)
def retries_that_are_used_up_end_the_supervisor_where_they_are_to(c: Run):
    env_templates(c, [{"A": {"contents": f'{{{{ with secret "{c.data}/none" }}}}{{{{ end }}}}'}}], ["touch", str(c.path("out/ran"))],
                  template_config={"exit_on_retry_failure": True}, vault={"retry": {"num_retries": 1}}).exit()


@case("supervisor", timed=True, races=["requests", "methods", "log"])
def exit_after_auth_starts_no_program(c: Run):
    c.secret("app", user="u")
    env_templates(c, [{"A": {"contents": "x"}}], ["touch", str(c.path("out/ran"))], exit_after_auth=True).exit()


@case("supervisor", timed=True)
def a_program_that_stops_with_a_code_of_its_own(c: Run):
    c.secret("app", user="one")
    agent = supervise(c, ["sh", "-c", CHILD.format(log=c.path("out/log"), signal="TERM").replace("exit 0", "exit 9")])
    c.until_file("out/log", "started one")
    agent.terminate()


@case("supervisor", timed=True, differs={"stdout": "after `POST /agent/v1/quit`"})
def quit_call_stops_the_program(c: Run):
    c.secret("app", user="one")
    port = free_port()
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "env_template": [{"USER_NAME": {"contents": "one"}}],
                     "exec": {"command": ["sh", "-c", CHILD.format(log=c.path("out/log"), signal="TERM")]},
                     "listener": [{"type": "tcp", "address": f"127.0.0.1:{port}", "tls_disable": True, "agent_api": {"enable_quit": True}}], "cache": {}})
    c.scrub(f":{port}\\b", ":<listener>")
    c.until_file("out/log", "started one")
    c.fact("quit", ask(port, "POST", "/agent/v1/quit")[0])
    agent.exit()
