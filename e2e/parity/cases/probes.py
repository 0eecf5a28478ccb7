"""Inputs that nobody had in mind when the agent was written: precedence, merging, odd text, odd files."""

import json
import os
import time

from case import Run, case
from cases.templates import render, sidecar, strict


def hold(c: Run, text: str, name: str = "out/rendered", **more) -> dict:
    return c.template(text, name, **more)


@case("probes")
def an_empty_address_in_the_environment_hides_the_stanza(c: Run):
    agent = c.agent({"auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}}, env={"VAULT_ADDR": ""})
    agent.exit()
    c.fact("where", agent.logged("https://127.0.0.1:8200"))


@case("probes")
def the_flag_beats_environment_and_stanza(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True, "vault": {"address": "http://127.0.0.1:1"}},
            f"-address={c.address}", env={"VAULT_ADDR": "http://127.0.0.1:2"}).exit()


@case("probes")
def the_environment_beats_the_stanza(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True, "vault": {"address": "http://127.0.0.1:1"}},
            env={"VAULT_ADDR": c.address}).exit()


@case("probes")
def retries_of_the_environment(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "template_config": {"exit_on_retry_failure": True}, "vault": {"retry": {"num_retries": 2}},
             "template": [hold(c, f'{{{{ with secret "{c.data}/none" }}}}{{{{ end }}}}')]}, env={"VAULT_MAX_RETRIES": "0"}).exit()


@case("probes")
def no_retries_at_all(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "template_config": {"exit_on_retry_failure": True}, "vault": {"retry": {"num_retries": -1}},
             "template": [hold(c, f'{{{{ with secret "{c.data}/none" }}}}{{{{ end }}}}')]}).exit()


@case("probes")
def a_version_in_the_query_of_a_secret(c: Run):
    c.secret("app", user="one")
    c.secret("app", user="two")
    render(c, hold(c, f'{{{{ with secret "{c.data}/app?version=1" }}}}{{{{ .Data.data.user }}}} {{{{ .Data.metadata.version }}}}{{{{ end }}}}'
                      f'{{{{ with secret "kv2/{c.case.name}/app?version=2" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))


@case("probes")
def a_destroyed_version_is_missing(c: Run):
    c.secret("app", user="one")
    c.api.write(f"kv2/destroy/{c.case.name}/app", versions=[1])
    render(c, hold(c, f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'), **strict(c))


@case("probes")
def crlf_and_a_byte_order_mark_in_a_source(c: Run):
    source = c.put("in/template", b"\xef\xbb\xbfa\r\n{{ \"b\" }}\r\n")
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True, "template": [{"source": source, "destination": str(c.path("out/rendered"))}]}).exit()


@case("probes")
def bytes_that_are_no_text_in_a_source(c: Run):
    source = c.put("in/template", b"\xff\xfe{{ \"b\" }}\x00z")
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True, "template": [{"source": source, "destination": str(c.path("out/rendered"))}]}).exit()


@case("probes", races=["requests", "methods", "log"])
def a_source_that_is_a_folder(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True, "template": [{"source": str(c.path("in")), "destination": str(c.path("out/rendered"))}]}).exit()


@case("probes")
def an_empty_source_file(c: Run):
    source = c.put("in/template", b"")
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True, "template": [{"source": source, "destination": str(c.path("out/rendered"))}]}).exit()


@case("probes")
def folders_get_modes_by_the_umask(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True, "template": [hold(c, "x", "out/a/b/c", perms="0640")]}, umask=0o027).exit()


@case("probes")
def a_mode_with_set_id_bits(c: Run):
    render(c, hold(c, "x", perms="4755"))


@case("probes")
def a_command_reads_nothing_and_runs_where_the_agent_runs(c: Run):
    render(c, hold(c, "x", exec={"command": ["sh", "-c", "pwd > out/cwd; cat > out/stdin; umask > out/umask"]}))


@case("probes")
def a_command_is_a_program_beside_the_path(c: Run):
    c.put("in/tool", "#!/bin/sh\necho ran > out/ran\n", 0o755)
    render(c, hold(c, "x", exec={"command": ["in/tool"]}))


@case("probes")
def a_sink_with_a_relative_path(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [{"type": "file", "config": {"path": "out/token"}}]}, "exit_after_auth": True}).exit()


@case("probes")
def a_sink_without_any_permission(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink(config={"mode": 0})]}, "exit_after_auth": True}).exit()


@case("probes", timed=True)
def a_pid_file_that_is_there(c: Run):
    c.put("out/pid", "4711\nold\n", 0o666)
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "pid_file": "out/pid"})
    c.until_file("out/token")
    c.until_logged("renewed auth token")
    c.fact("pid", c.path("out/pid").read_text() == str(agent.process.pid))
    c.fact("mode", oct(c.path("out/pid").stat().st_mode & 0o7777))
    agent.terminate()


@case("probes")
def two_files_of_configuration(c: Run):
    one = {"vault": {"address": "http://127.0.0.1:1"}, "auto_auth": {"method": [c.approle()]}, "template": [hold(c, "a", "out/a")], "log_level": "error", "exit_after_auth": True}
    two = {"vault": {"address": c.address}, "template": [hold(c, "b", "out/b")], "log_level": "info"}
    files = [c.put("in/one.json", json.dumps(one)), c.put("in/two.json", json.dumps(two))]
    c.command("agent", *[f"-config={each}" for each in files]).exit()
    c.skip_file("in/one.json"), c.skip_file("in/two.json")


@case("probes")
def a_folder_of_configuration(c: Run):
    os.mkdir(c.path("in/conf"))
    for name, content in {"a.json": {"vault": {"address": c.address}, "exit_after_auth": True}, "b.json": {"auto_auth": {"method": [c.approle()]}},
                          "c.json": {"template": [hold(c, "c", "out/c")]}, "d.txt": {"template": [hold(c, "d", "out/d")]},
                          "e.json~": {"template": [hold(c, "e", "out/e")]}, ".#f.json": {"template": [hold(c, "f", "out/f")]}, "#g.json#": {}, ".h.json": {"template": [hold(c, "h", "out/h")]}}.items():
        c.put(f"in/conf/{name}", json.dumps(content))
        c.skip_file(f"in/conf/{name}")
    os.mkdir(c.path("in/conf/sub.json"))
    c.command("agent", f"-config={c.path('in/conf')}").exit()


@case("probes", differs={"stdout": "the unix socket of a listener at the end"})
def exit_after_auth_with_a_listener(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True, "listener": [{"type": "unix", "address": str(c.path("out/socket")), "tls_disable": True}], "cache": {}}).exit()


@case("probes")
def only_a_token_of_the_environment_for_templates(c: Run):
    """Without auto-auth nobody renders anything."""
    agent = c.agent({"template": [hold(c, "x")], "exit_after_auth": True}, env={"VAULT_TOKEN": "s.x"})
    try:
        agent.exit(4)
    except Exception:
        c.fact("exit", "none")


@case("probes", differs={"facts": "log in JSON: `mode` of a sink"})
def lines_in_json(c: Run):
    c.secret("app", user="u")
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True, "log_format": "json",
                     "template": [hold(c, f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}')]})
    agent.exit()
    wanted = ("authenticating", "authentication successful", "token written", "creating file sink", "file sink configured", "starting", "rendered \"")
    lines = [json.loads(line) for line in agent.err.read_text().splitlines() if line.startswith("{")]
    c.fact("lines", sorted({c.clean(json.dumps({key: value for key, value in line.items() if key != "@timestamp"}, sort_keys=True)) for line in lines if line["@message"].startswith(wanted)}))
    c.fact("times", all(len(line["@timestamp"]) == len("2026-11-24T13:04:39.169000Z") and line["@timestamp"].endswith("Z") for line in lines))


@case("probes", differs=dict.fromkeys(["files", "log"], "templates beside a wrapped login"))
def a_wrapped_login_beside_templates(c: Run):
    c.agent({"auto_auth": {"method": {**c.approle(), "wrap_ttl": "5m"}, "sink": [c.sink()]}, "exit_after_auth": True, "template": [hold(c, "x")]})
    agent = c.agents[-1]
    try:
        agent.exit(5)
    except Exception:
        c.fact("exit", "none")
    c.skip_file("out/token")


@case("probes", timed=True)
def a_template_with_wait_is_rendered_once_settled(c: Run):
    c.secret("app", user="u")
    render(c, hold(c, f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}', wait={"min": "1s", "max": "2s"}))


@case("probes", differs={"requests": "a write of a template that is answered with nothing"})
def writes_answered_with_nothing_are_empty(c: Run):
    render(c, hold(c, f'a{{{{ with secret "kv1/{c.case.name}/new" "a=b" "c=d=e" }}}}{{{{ .Data }}}}{{{{ end }}}}b{{{{ with secret "kv1/{c.case.name}/new" }}}}{{{{ .Data.c }}}}{{{{ end }}}}'))


@case("probes")
def wrapping_by_template(c: Run):
    render(c, hold(c, '{{ with secret "sys/wrapping/wrap" "a=b" }}{{ if .WrapInfo }}wrapped {{ .WrapInfo.TTL }}{{ else }}{{ .Data }}{{ end }}{{ end }}'))


@case("probes")
def secrets_of_the_server_itself(c: Run):
    render(c, hold(c, '{{ with secret "sys/policies/acl/kv-only" }}{{ .Data.name }}{{ .Data.policy }}{{ end }}{{ with secret "auth/token/lookup-self" }}{{ .Data.policies }} {{ .Data.path }}{{ end }}'))


@case("probes")
def numbers_and_nesting_of_a_secret(c: Run):
    c.api.write(f"kv2/data/{c.case.name}/app", data={"int": 12345678901234567890, "float": 1.10, "exp": 1e21, "bool": True, "null": None, "list": [1, "a", None], "map": {"z": 1, "a": {"b": []}}})
    render(c, hold(c, f'{{{{ with secret "{c.data}/app" }}}}{{{{ range $k, $v := .Data.data }}}}{{{{ $k }}}}={{{{ $v }}}}\n{{{{ end }}}}{{{{ .Data.data | toJSONPretty }}}}{{{{ .Data.data | toYAML }}}}{{{{ end }}}}'))


@case("probes")
def a_key_with_odd_letters(c: Run):
    c.api.write(f"kv1/{c.case.name}/app", **{"a-b": "1", "grün": "2", "with blank": "3", "": "4", "a.b": "5"})
    render(c, hold(c, f'{{{{ with secret "{c.data1}/app" }}}}{{{{ index .Data "a-b" }}}}{{{{ .Data.grün }}}}{{{{ index .Data "with blank" }}}}{{{{ index .Data "" }}}}{{{{ index .Data "a.b" }}}}{{{{ end }}}}'))


@case("probes")
def a_secret_path_of_odd_letters(c: Run):
    c.api.write(f"kv1/{c.case.name}/gr%C3%BCn", a="1")
    c.api.write(f"kv1/{c.case.name}/a+b", a="2")
    render(c, hold(c, f'{{{{ with secret "{c.data1}/grün" }}}}{{{{ .Data.a }}}}{{{{ end }}}}{{{{ with secret "{c.data1}/a+b" }}}}{{{{ .Data.a }}}}{{{{ end }}}}'))


@case("probes")
def a_secret_path_with_a_leading_v1(c: Run):
    c.secret("app", user="u")
    render(c, hold(c, f'{{{{ with secret "/{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'), **strict(c))


@case("probes")
def secret_fields_of_a_plain_read(c: Run):
    c.secret("app", user="u")
    render(c, hold(c, f'{{{{ with secret "{c.data}/app" }}}}{{{{ .LeaseID }}}}|{{{{ .LeaseDuration }}}}|{{{{ .Renewable }}}}|{{{{ .Warnings }}}}|{{{{ .Auth }}}}|{{{{ .WrapInfo }}}}|{{{{ len .RequestID }}}}{{{{ end }}}}'))


@case("probes")
def exit_on_retry_failure_with_a_template_that_cannot_be_written(c: Run):
    c.put("out/file", "x")
    render(c, hold(c, "x", "out/file/below"), **strict(c))


@case("probes")
def create_dest_dirs_false_and_error_fatal_false(c: Run):
    agent = render(c, hold(c, "x", "out/none/below", create_dest_dirs=False, error_fatal=False), hold(c, "y", "out/good"), wait=False)
    c.until_file("out/good")
    agent.terminate()


@case("probes", differs=dict.fromkeys(["facts", "files", "requests", "methods", "log"], "`VAULT_WRAP_TTL` in the agent's environment"))
def a_wrapping_time_in_the_environment(c: Run):
    c.secret("app", user="u")
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True,
             "template": [hold(c, f'{{{{ with secret "{c.data}/app" }}}}{{{{ if .WrapInfo }}}}wrapped{{{{ else }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}{{{{ end }}}}')]}, env={"VAULT_WRAP_TTL": "60s"})
    try:
        c.agents[-1].exit(6)
    except Exception:
        c.fact("exit", "none")


@case("probes", differs={"requests": "a write of a template that is answered with nothing"})
def a_write_of_several_values(c: Run):
    render(c, hold(c, f'a{{{{ with secret "kv1/{c.case.name}/new" "a=b" "c=d=e" }}}}{{{{ .Data }}}}{{{{ end }}}}b'))
