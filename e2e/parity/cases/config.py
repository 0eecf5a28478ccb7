"""What a configuration file may say, in both languages, and how each mistake is answered."""

import json

from case import Run, case


def load(c: Run, text: str | dict, *args: str, env=None, suffix: str | None = None):
    """Reads a configuration and stops before anything is started, as `-test-verify-only` does."""
    if isinstance(text, dict):
        text, suffix = json.dumps(text), "json"
    file = c.logs / f"config.{suffix or 'hcl'}"
    file.write_text(text)
    c.command("agent", f"-config={file}", "-test-verify-only", *args, env=env).exit()


def valid(**more) -> dict:
    return {"auto_auth": {"method": {"type": "token_file", "config": {"token_file_path": "/x"}},
                          "sink": [{"type": "file", "config": {"path": "/tmp/never-written"}}]}, **more}


METHOD = 'method "token_file" { config = { token_file_path = "/x" } }'
SINK = 'sink "file" { config = { path = "/tmp/never-written" } }'
AUTH = f"auto_auth {{ {METHOD} {SINK} }}\n"


def row(name: str, text, **options):
    """A case that only loads one configuration."""

    def drive(c: Run):
        load(c, text)

    drive.__name__ = name
    case("config", **options)(drive)


# -- the two languages ---------------------------------------------------------------------------
row("json_method_object_and_sink_list", valid())
row("json_method_list", {"auto_auth": {"method": [{"type": "token_file", "config": {"token_file_path": "/x"}}]}, "template": [{"contents": "x", "destination": "/x"}]})
row("json_template_object", valid(template={"contents": "x", "destination": "/x"}))
row("json_vault_list", valid(vault=[{"address": "http://127.0.0.1:1"}]))
row("json_listener_with_label", valid(listener={"tcp": {"address": "127.0.0.1:0", "tls_disable": True}}))
row("json_listener_list", valid(listener=[{"type": "tcp", "address": "127.0.0.1:0", "tls_disable": True}]))
row("json_env_template_list", valid(env_template=[{"NAME": {"contents": "x"}}], exec={"command": ["true"]}))
row("json_unknown_keys_are_ignored", valid(nonsense={"a": 1}, cluster_name="x"))
row("hcl_heredocs_and_comments", AUTH + '''
# one
// two
/* three */
template {
  contents = <<-EOT
    {{ with secret "a" }}${kept} %{kept}
    {{ end }}
    EOT
  destination = "/x"
}
template { contents = <<EOT
x
EOT
  destination = "/y" }
''')
row("hcl_quoted_keys_and_commas", '"auto_auth" { "method" "token_file" { config = { "token_file_path" = "/x", }, } ' + SINK + ' }')
row("hcl_keys_in_any_case", 'Auto_Auth { Method "Token_File" { Config = { token_file_path = "/x" } } ' + SINK + ' }')
row("hcl_sinks_block", 'auto_auth { ' + METHOD + ' sinks { sink { type = "file" config = { path = "/x" } } } }')
row("hcl_type_wins_over_label", 'auto_auth { method "kubernetes" { type = "token_file" config = { token_file_path = "/x" } } ' + SINK + ' }')
row("hcl_label_of_a_template_is_ignored", AUTH + 'template "name" { contents = "x" destination = "/x" }')
row("hcl_numbers_and_durations", AUTH + 'template_config { static_secret_render_interval = "1d" exit_on_retry_failure = true }\nlog_rotate_bytes = 0x10')
row("hcl_backtick_is_illegal", 'pid_file = `x`')
row("hcl_raw_newline_is_illegal", 'pid_file = "a\nb"', differs={"stdout": "wording of a syntax error"})
row("hcl_is_cut_off", 'auto_auth { method "x" {', differs={"stdout": "JSON or HCL that is cut off"})
row("json_is_cut_off", '{"auto_auth": {', differs={"stdout": "JSON or HCL that is cut off"})
row("empty_file", "")

# -- mistakes ----------------------------------------------------------------------------------
row("two_auto_auth_blocks", AUTH + AUTH)
row("two_vault_blocks", AUTH + 'vault { address = "http://a" }\nvault { address = "http://b" }')
row("two_cache_blocks", AUTH + "cache {}\ncache {}")
row("two_template_config_blocks", AUTH + "template_config {}\ntemplate_config {}")
row("two_telemetry_blocks", AUTH + "telemetry {}\ntelemetry {}")
row("two_methods", "auto_auth { " + METHOD + METHOD + SINK + " }")
row("no_method", "auto_auth { " + SINK + " }")
row("method_without_a_type", 'auto_auth { method { config = { token_file_path = "/x" } } ' + SINK + ' }')
row("sink_without_a_type", 'auto_auth { ' + METHOD + ' sink { config = { path = "/x" } } }')
row("text_where_a_boolean_is_wanted", AUTH + 'exit_after_auth = "true"')
row("text_where_a_template_wants_a_boolean", AUTH + 'template { contents = "x" destination = "/x" backup = "true" }')
row("bad_duration", 'auto_auth { method "token_file" { min_backoff = "abc" config = { token_file_path = "/x" } } ' + SINK + ' }')
row("unknown_template_key", AUTH + 'template { contents = "x" destination = "/x" foo = 1 }')
row("bad_perms", AUTH + 'template { contents = "x" destination = "/x" perms = "999" }')
row("bad_wait", AUTH + 'template { contents = "x" destination = "/x" wait { min = "5s" max = "1s" } }', differs=dict.fromkeys(["facts", "stdout"], "wrong values that `vault agent` meets"))
row("listener_without_a_type", AUTH + 'listener { address = "127.0.0.1:0" }')
row("unsupported_listener", AUTH + 'listener "udp" { address = "127.0.0.1:0" }')
row("unsupported_listener_role", AUTH + 'listener "tcp" { address = "127.0.0.1:0" tls_disable = true role = "x" }')
row("nothing_to_do", 'pid_file = "/x"')
row("auth_for_nobody", "auto_auth { " + METHOD + " }")
row("cache_without_a_user", AUTH + "cache {}")
row("proxy_without_a_listener", AUTH + "api_proxy {}")
row("proxy_without_auth", 'api_proxy { use_auto_auth_token = true }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("proxy_token_setting_of_no_kind", AUTH + 'api_proxy { use_auto_auth_token = "foo" }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("token_setting_twice", AUTH + 'api_proxy { use_auto_auth_token = true }\ncache { use_auto_auth_token = true }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("persist_without_a_type", AUTH + 'cache { persist {} }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }', differs={"stdout": "wrong values that `vault agent` meets"})
row("unknown_idle_connections", AUTH + 'disable_idle_connections = ["foo"]')
row("unknown_keep_alives", AUTH + 'disable_keep_alives = ["foo"]')
row("exec_without_env_template", AUTH + 'exec { command = ["true"] }')
row("env_template_without_exec", AUTH + 'env_template "A" { contents = "x" }')
row("env_template_without_a_name", AUTH + 'env_template { contents = "x" }\nexec { command = ["true"] }')
row("env_template_twice", AUTH + 'env_template "A" { contents = "x" }\nenv_template "A" { contents = "x" }\nexec { command = ["true"] }')
row("env_template_without_contents", AUTH + 'env_template "A" { }\nexec { command = ["true"] }')
row("env_template_with_both", AUTH + 'env_template "A" { contents = "x" source = "/x" }\nexec { command = ["true"] }')
row("env_template_with_a_destination", AUTH + 'env_template "A" { contents = "x" destination = "/x" }\nexec { command = ["true"] }')
row("env_template_beside_template", AUTH + 'template { contents = "x" destination = "/x" }\nenv_template "A" { contents = "x" }\nexec { command = ["true"] }')
row("env_template_beside_proxy", AUTH + 'api_proxy {}\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }\nenv_template "A" { contents = "x" }\nexec { command = ["true"] }')
row("exec_without_a_command", AUTH + 'env_template "A" { contents = "x" }\nexec { }')
row("exec_with_a_text_command", AUTH + 'env_template "A" { contents = "x" }\nexec { command = "true" }')
row("exec_with_a_bad_signal", AUTH + 'env_template "A" { contents = "x" }\nexec { command = ["true"] restart_stop_signal = "SIGFOO" }')
row("exec_with_a_bad_restart_rule", AUTH + 'env_template "A" { contents = "x" }\nexec { command = ["true"] restart_on_secret_changes = "maybe" }')


# -- several sources -----------------------------------------------------------------------------
def start(c: Run, *args: str, env=None):
    c.command("agent", *args, env=env).exit()


@case("config")
def a_folder_of_files(c: Run):
    folder = c.logs / "conf.d"
    folder.mkdir()
    role = c.approle()["config"]["role_id_file_path"]
    (folder / "1.hcl").write_text(f'exit_after_auth = true\nvault {{ address = "{c.address}" }}')
    (folder / "2.json").write_text(json.dumps({"auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": role}}, "sink": [c.sink()]}}))
    (folder / "3.hcl").write_text(f'template {{ contents = "a" destination = "{c.path("out/a")}" }}')
    (folder / "4.hcl").write_text(f'template {{ contents = "b" destination = "{c.path("out/b")}" }}')
    (folder / "5.hcl~").write_text("this is not read {")
    (folder / ".#6.hcl").write_text("this is not read {")
    (folder / "notes.txt").write_text("this is not read {")
    start(c, f"-config={folder}")


@case("config")
def several_files_merge(c: Run):
    role = c.approle()["config"]["role_id_file_path"]
    one, two = c.logs / "one", c.logs / "two"
    one.write_text(json.dumps({"vault": {"address": "http://127.0.0.1:1"}, "exit_after_auth": True,
                               "template": [{"contents": "a", "destination": str(c.path("out/a"))}],
                               "auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": role}}, "sink": [c.sink()]}}))
    two.write_text(f'vault {{ address = "{c.address}" }}\ntemplate {{ contents = "b" destination = "{c.path("out/b")}" }}')
    start(c, "-config", str(one), "--config", str(two))


@case("config")
def no_configuration(c: Run):
    start(c)


@case("config")
def a_missing_file(c: Run):
    start(c, f"-config={c.path('in/none')}")


@case("config")
def an_unknown_flag(c: Run):
    start(c, "-foo")
    # The original prints its whole usage after the sentence.
    c.facts["sentence"] = c.agents[-1].printed("flag provided but not defined: -foo") or c.agents[-1].logged("flag provided but not defined: -foo")


# -- precedence ----------------------------------------------------------------------------------
def one_login(c: Run, *args, vault=None, env=None, **config):
    c.agent({"auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}, "exit_after_auth": True,
             **({"vault": vault} if vault else {}), **config}, *args, env=env, vault=False).exit()


@case("config")
def address_of_the_environment(c: Run):
    one_login(c, env={"VAULT_ADDR": c.address})


@case("config")
def address_of_the_environment_wins_over_the_file(c: Run):
    one_login(c, vault={"address": "http://127.0.0.1:1"}, env={"VAULT_ADDR": c.address})


@case("config")
def address_of_the_flag_wins_over_the_environment(c: Run):
    one_login(c, f"-address={c.address}", env={"VAULT_ADDR": "http://127.0.0.1:1"})


@case("config")
def empty_address_in_the_environment_counts(c: Run):
    one_login(c, vault={"address": c.address}, env={"VAULT_ADDR": ""})


@case("config", tls=True)
def ca_of_the_environment(c: Run):
    one_login(c, vault={"address": c.address}, env={"VAULT_CACERT": str(c.server.authority.cert)})


@case("config", tls=True)
def ca_bytes_of_the_environment(c: Run):
    one_login(c, vault={"address": c.address}, env={"VAULT_CACERT_BYTES": c.server.authority.cert.read_text()})


@case("config", tls=True)
def ca_folder(c: Run):
    c.path("in/ca").mkdir()
    (c.path("in/ca") / "ca.pem").write_bytes(c.server.authority.cert.read_bytes())
    one_login(c, vault={"address": c.address, "ca_path": str(c.path("in/ca"))})
    c.skip_file("in/ca/ca.pem")


@case("config", tls=True)
def server_name(c: Run):
    one_login(c, vault={"address": c.address, "ca_cert": str(c.server.authority.cert), "tls_server_name": "localhost"})


@case("config", tls=True)
def wrong_server_name(c: Run):
    one_login(c, vault={"address": c.address, "ca_cert": str(c.server.authority.cert), "tls_server_name": "other.example"})


@case("config", tls=True)
def skip_verify_of_the_environment(c: Run):
    one_login(c, vault={"address": c.address}, env={"VAULT_SKIP_VERIFY": "true"})


@case("config", tls=True, differs=dict.fromkeys(["facts", "files", "requests", "stdout", "log"], "`VAULT_SKIP_VERIFY=false`"))
def skip_verify_false_of_the_environment(c: Run):
    one_login(c, vault={"address": c.address}, env={"VAULT_SKIP_VERIFY": "false"})


@case("config")
def ca_file_that_does_not_exist(c: Run):
    one_login(c, vault={"address": c.address, "ca_cert": str(c.path("in/none.pem"))})


for name, value in {"VAULT_SKIP_VERIFY": "perhaps", "VAULT_CLIENT_TIMEOUT": "soon", "VAULT_MAX_RETRIES": "x", "VAULT_RATE_LIMIT": "fast"}.items():
    def bad(c: Run, name=name, value=value):
        one_login(c, vault={"address": c.address}, env={name: value})

    bad.__name__ = f"bad_{name.lower()}"
    case("config")(bad)


@case("config")
def unknown_log_level(c: Run):
    one_login(c, "-log-level=loud", vault={"address": c.address})


@case("config")
def unknown_log_format(c: Run):
    one_login(c, vault={"address": c.address}, log_format="xml")


@case("config")
def json_log(c: Run):
    one_login(c, "-log-format=json", vault={"address": c.address})
    lines = [json.loads(line) for line in c.agents[-1].err.read_text().splitlines()]
    c.fact("keys", sorted({key for line in lines for key in line if key.startswith("@")}))
    c.fact("levels", sorted({line["@level"] for line in lines}))


@case("config")
def log_file(c: Run):
    one_login(c, vault={"address": c.address}, log_file=str(c.path("out/agent-log.log")))
    c.fact("mode", oct(c.path("out/agent-log.log").stat().st_mode))
    c.fact("same as stderr", c.path("out/agent-log.log").read_text() == c.agents[-1].err.read_text())
    c.skip_file("out/agent-log.log")


@case("config")
def log_file_in_a_missing_folder(c: Run):
    one_login(c, vault={"address": c.address}, log_file=str(c.path("out/none/agent.log")))


@case("config")
def combined_logs(c: Run):
    one_login(c, "-combine-logs", vault={"address": c.address})
    c.fact("log on stdout", c.agents[-1].printed("[INFO]  agent.auth.handler: authenticating"))
    c.fact("nothing on stderr", not c.agents[-1].err.read_text())
    c.agents[-1].out.write_text("")
