"""`exit_after_auth`: what is waited for, and which code comes out."""

from case import Run, case
from cases.templates import render, strict


@case("exits")
def sinks_only(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True}).exit()


@case("exits")
def flag_instead_of_setting(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}}, "-exit-after-auth").exit()


@case("exits", timed=True)
def flag_can_switch_the_setting_off(c: Run):
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True}, "-exit-after-auth=false")
    c.until_file("out/token")
    c.until_logged("renewed auth token")
    agent.terminate()


@case("exits")
def templates_without_sinks(c: Run):
    render(c, c.template("x"), sinks=False)


@case("exits")
def templates_and_sinks(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))


@case("exits")
def identical_files_count_as_rendered(c: Run):
    c.put("out/rendered", "x")
    render(c, c.template("x"))


@case("exits", timed=True, races=["requests", "methods", "log"])
def templates_do_not_wait_for_a_failing_sink(c: Run):
    # The write check passes; by the time the token is there the folder is gone.
    c.path("out/gone").mkdir()
    agent = c.agent({"auto_auth": {"method": {**c.approle(), "config": {"role_id_file_path": str(c.path("in/later"))}, "min_backoff": "500ms"},
                                   "sink": [c.sink("out/gone/token")]}, "template": [c.template("x")], "exit_after_auth": True})
    c.until_logged("no known role ID")
    c.path("out/gone").rmdir()
    c.put("in/later", "plain-role-id")
    agent.exit()


@case("exits")
def the_proxy_alone_needs_the_token(c: Run):
    from server import free_port

    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True, "api_proxy": {"use_auto_auth_token": True},
             "listener": [{"type": "tcp", "address": f"127.0.0.1:{free_port()}", "tls_disable": True}]}).exit()


@case("exits", races=["log"])
def the_child_is_never_started(c: Run):
    c.secret("app", user="u")
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True,
             "env_template": [{"USER": {"contents": "x"}}], "exec": {"command": ["touch", str(c.path("out/ran"))]}}).exit()


@case("exits", timed=True)
def a_failing_login_is_tried_for_ever(c: Run):
    c.put("in/role", "unknown-role-id")
    agent = c.agent({"auto_auth": {"method": {"type": "approle", "min_backoff": "200ms", "config": {"role_id_file_path": str(c.path("in/role"))}},
                                   "sink": [c.sink()]}, "exit_after_auth": True})
    logins = lambda: sum("login" in e["request"]["path"] for e in c.server.requests(c.source))
    c.until(lambda: logins() >= 3, "three logins")
    agent.terminate()


@case("exits", timed=True)
def a_missing_secret_is_tried_for_ever(c: Run):
    agent = render(c, c.template(f'{{{{ with secret "{c.data}/never" }}}}x{{{{ end }}}}'), wait=False)
    reads = lambda: sum("never" in e["request"]["path"] and "data" in e["request"]["path"] for e in c.server.requests(c.source))
    c.until(lambda: reads() >= 4, "four reads")
    agent.terminate()


@case("exits", timed=True)
def error_fatal_false_is_never_done(c: Run):
    agent = render(c, c.template('{{ parseInt "x" }}', "out/bad", error_fatal=False), c.template("fine"), wait=False)
    c.until_file("out/rendered", "fine")
    c.until_logged("renewed auth token")
    c.fact("still there", agent.process.poll() is None)
    agent.terminate()


@case("exits", races=["requests", "methods", "log"])
def one_bad_template_of_three_exits_on_retry_failure(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}', "out/good"),
           c.template(f'{{{{ with secret "{c.data}/never" }}}}x{{{{ end }}}}', "out/never"), **strict(c))
    # Whether the good one was still written is a race between two answers.
    c.skip_file("out/good")
