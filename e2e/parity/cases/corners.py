"""Corners of the specification: one sentence, one configuration."""

import json
import signal

from case import Run, case
from cases.auth import jwt, once
from cases.config import AUTH, METHOD, SINK, one_login, start, valid
from cases.config import row as row_of_config
from cases.templates import render, sidecar, strict


def row(name: str, text, **options):
    row_of_config(name, text, **options)


LATE = "wrong values that `vault agent` meets"

# -- flags ----------------------------------------------------------------------------------------


@case("config")
def flag_with_a_blank_instead_of_an_equals_sign(c: Run):
    one_login(c, "-address", c.address, "--log-level", "warn")


@case("config")
def stray_words_are_ignored(c: Run):
    one_login(c, "stray", "words", vault={"address": c.address})


@case("config")
def header_flag(c: Run):
    one_login(c, "-header=X-Team=blue", "-header", "X-Other=1", vault={"address": c.address})


@case("config")
def header_flag_of_the_product(c: Run):
    one_login(c, "-header=X-Vault-Team=blue", vault={"address": c.address})


@case("config")
def bad_boolean_flag(c: Run):
    start(c, "-exit-after-auth=maybe", "-config=/nonexistent")
    c.agents[-1].out.write_text("")


@case("config")
def flags_that_mean_nothing_to_an_agent(c: Run):
    one_login(c, "-wrap-ttl=5m", "-policy-override", "-non-interactive", "-mfa=a:b", vault={"address": c.address})


@case("config")
def client_certificate_without_its_key(c: Run):
    one_login(c, vault={"address": c.address, "client_cert": str(c.server.authority.cert)})


@case("config")
def log_level_in_any_case(c: Run):
    one_login(c, "-log-level= WARN ", vault={"address": c.address})


for name, value in {"VAULT_SRV_LOOKUP": "maybe", "VAULT_DISABLE_REDIRECTS": "maybe", "VAULT_AGENT_DISABLE_IDLE_CONNECTIONS": "foo",
                    "VAULT_AGENT_DISABLE_KEEP_ALIVES": "foo", "VAULT_LOG_LEVEL": "loud", "VAULT_LOG_FORMAT": "xml", "VAULT_NAMESPACE": "team",
                    "VAULT_MAX_RETRIES": "-1", "VAULT_CLIENT_TIMEOUT": "5", "VAULT_RATE_LIMIT": "10:20", "VAULT_MFA": "x"}.items():
    def variable(c: Run, name=name, value=value):
        one_login(c, vault={"address": c.address}, env={name: value})

    variable.__name__ = f"variable_{name.lower()}_{value.replace('-', 'minus').replace(':', '_')}"
    case("config", differs={"stdout": "unknown values in `VAULT_AGENT_DISABLE_IDLE"} if value == "foo" else {})(variable)


@case("config")
def timeout_of_the_environment(c: Run):
    one_login(c, vault={"address": c.address}, env={"VAULT_CLIENT_TIMEOUT": "1500ms"})


# -- what a file may say ----------------------------------------------------------------------------
row("hcl_last_scalar_wins", AUTH + 'pid_file = "/a"\npid_file = "/b"\nlog_level = "info"\nlog_level = "debug"')
row("hcl_object_instead_of_a_block", 'auto_auth = { ' + METHOD + ' ' + SINK + ' }')
row("hcl_colon_is_no_assignment", 'pid_file : "/x"', differs={"stdout": "wording of a syntax error"})
row("hcl_escapes", AUTH + 'template { contents = "a\\n\\t\\"\\\\\\u00e9\\x41${ "in" }" destination = "/x" }')
row("hcl_single_quotes", "pid_file = 'x'", differs={"stdout": "wording of a syntax error"})
row("hcl_unknown_top_level", AUTH + 'nonsense "a" "b" { c = 1 }\nother = [1, 2]')
row("hcl_unknown_in_method", 'auto_auth { method "token_file" { foo = 1 config = { token_file_path = "/x" } } ' + SINK + ' }')
row("hcl_unknown_in_exec", AUTH + 'env_template "A" { contents = "x" }\nexec { command = ["true"] foo = 1 }')
row("hcl_unknown_in_env_template", AUTH + 'env_template "A" { contents = "x" foo = 1 }\nexec { command = ["true"] }')
row("two_exec_blocks", AUTH + 'env_template "A" { contents = "x" }\nexec { command = ["true"] }\nexec { command = ["true"] }')
row("two_proxy_blocks", AUTH + 'api_proxy {}\napi_proxy {}\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("strict_boolean_exit_on_err", 'auto_auth { method "token_file" { exit_on_err = "true" config = { token_file_path = "/x" } } ' + SINK + ' }')
row("strict_boolean_in_template_config", AUTH + 'template_config { exit_on_retry_failure = "true" }\ntemplate { contents = "x" destination = "/x" }')
row("strict_boolean_one", AUTH + 'exit_after_auth = 1')
row("loose_boolean_tls_disable", AUTH + 'listener "tcp" { address = "127.0.0.1:0" tls_disable = "1" }')
row("loose_boolean_that_is_none", AUTH + 'listener "tcp" { address = "127.0.0.1:0" tls_disable = "maybe" }')
row("duration_in_digits", AUTH + 'template_config { static_secret_render_interval = "90" }\ntemplate { contents = "x" destination = "/x" }')
row("duration_of_a_command_needs_a_unit", AUTH + 'template { contents = "x" destination = "/x" command = "true" command_timeout = "5" }')
row("duration_of_an_exec_needs_a_unit", AUTH + 'template { contents = "x" destination = "/x" exec { command = "true" timeout = "5" } }')
row("bad_interval", AUTH + 'template_config { static_secret_render_interval = "abc" }\ntemplate { contents = "x" destination = "/x" }')
row("bad_wrap_ttl_of_a_method", 'auto_auth { method "token_file" { wrap_ttl = "abc" config = { token_file_path = "/x" } } ' + SINK + ' }')
row("bad_wrap_ttl_of_a_sink", 'auto_auth { ' + METHOD + ' sink "file" { wrap_ttl = "abc" config = { path = "/x" } } }')
row("bad_wait_text", AUTH + 'template { contents = "x" destination = "/x" wait = "a:b:c" }', differs=dict.fromkeys(["facts", "stdout"], LATE))
row("wait_as_text", AUTH + 'template { contents = "x" destination = "/x" wait = "1s:5s" }')
row("wait_of_one", AUTH + 'template { contents = "x" destination = "/x" wait = "5s" }')
row("two_waits", AUTH + 'template { contents = "x" destination = "/x" wait { min = "1s" } wait { min = "2s" } }')
row("exec_env_of_a_template", AUTH + 'template { contents = "x" destination = "/x" exec { command = "true" env = ["A=b"] } }')
row("perms_without_quotes", AUTH + 'template { contents = "x" destination = "/x" perms = 0600 }')
row("user_as_number", AUTH + 'template { contents = "x" destination = "/x" user = 1 group = 2 }', differs={"stdout": "a configuration with several mistakes"})
row("uid_as_text", AUTH + 'template { contents = "x" destination = "/x" uid = "1" }')
row("command_of_numbers", AUTH + 'template { contents = "x" destination = "/x" command = 5 }')
row("number_for_contents", AUTH + 'template { contents = 5 destination = "/x" }', differs={"stdout": "a configuration with several mistakes"})
row("template_with_three_mistakes", AUTH + 'template { contents = "x" destination = "/x" foo = 1 bar = 2 backup = "true" }', differs={"stdout": "a configuration with several mistakes"})
row("json_template_with_an_unknown_key", valid(template=[{"contents": "x", "destination": "/x", "foo": 1}]))
row("json_env_template_with_unknown_key", valid(env_template=[{"A": {"contents": "x", "foo": 1}}], exec={"command": ["true"]}))
row("json_mode_as_text", valid(auto_auth={"method": [{"type": "token_file", "config": {"token_file_path": "/x"}}], "sink": [{"type": "file", "config": {"path": "/x", "mode": "0600"}}]}), differs=dict.fromkeys(["facts", "stdout"], LATE))
row("json_null", valid(vault=None), differs=dict.fromkeys(["facts", "stdout"], "JSON `null`"))
row("json_number_for_text", valid(pid_file=5))
row("json_list_for_text", valid(pid_file=["a"]))
row("json_array_at_the_top", '[]')
row("sinks_labelled_in_sinks", 'auto_auth { ' + METHOD + ' sinks { sink "file" { config = { path = "/x" } } } }')
row("retry_zero", AUTH + 'vault { address = "http://a" retry { num_retries = 0 } }')
row("retry_text", AUTH + 'vault { address = "http://a" retry { num_retries = "x" } }')
row("two_retries", AUTH + 'vault { retry { num_retries = 1 } retry { num_retries = 2 } }')
row("telemetry_of_all_kinds", AUTH + 'telemetry { statsd_address = "127.0.0.1:1" disable_hostname = true prometheus_retention_time = "30s" prefix_filter = ["+a", "-b"] circonus_api_token = "x" }')
row("telemetry_filter_without_a_sign", AUTH + 'telemetry { prefix_filter = ["a"] }')
row("telemetry_bad_duration", AUTH + 'telemetry { prometheus_retention_time = "x" }')
row("cache_token_without_auth", 'cache { use_auto_auth_token = true }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("cache_token_with_wrapping", 'auto_auth { method "token_file" { wrap_ttl = 60 config = { token_file_path = "/x" } } ' + SINK + ' }\ncache { use_auto_auth_token = true }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("proxy_token_with_wrapping", 'auto_auth { method "token_file" { wrap_ttl = 60 config = { token_file_path = "/x" } } ' + SINK + ' }\napi_proxy { use_auto_auth_token = true }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("cache_token_needs_a_listener", AUTH + 'cache { use_auto_auth_token = true }\ntemplate { contents = "x" destination = "/x" }')
row("wrapping_with_two_sinks", 'auto_auth { method "token_file" { wrap_ttl = 60 config = { token_file_path = "/x" } } ' + SINK + SINK + ' }')
row("force_in_capitals", AUTH + 'api_proxy { use_auto_auth_token = "FORCE" }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("token_setting_of_any_boolean", AUTH + 'api_proxy { use_auto_auth_token = "t" }\nlistener "tcp" { address = "127.0.0.1:0" tls_disable = true }')
row("listener_of_two_labels", AUTH + 'listener "tcp" "x" { address = "127.0.0.1:0" tls_disable = true }')
row("listener_type_wins", AUTH + 'listener "udp" { type = "tcp" address = "127.0.0.1:0" tls_disable = true }')
row("second_listener_is_wrong", AUTH + 'listener "tcp" { address = "127.0.0.1:0" tls_disable = true }\nlistener "foo" { }')
row("persist_of_another_type", AUTH + 'cache { persist "foo" { path = "/x" } }\ntemplate { contents = "x" destination = "/x" }', differs=dict.fromkeys(["facts", "stdout"], LATE))
row("idle_connections_of_all_kinds", AUTH + 'disable_idle_connections = ["auto-auth", "caching", "proxying", "templating", ""]')
row("idle_connections_as_text", AUTH + 'disable_idle_connections = "auto-auth"')
row("env_template_of_two_names", AUTH + 'env_template "A" "B" { contents = "x" }\nexec { command = ["true"] }')
for key, value in {"backup": "true", "command": '"x"', "command_timeout": '"5s"', "create_dest_dirs": "true", "exec": '{ command = ["x"] }', "user": '"x"', "uid": "1",
                   "group": '"x"', "gid": "1", "wait": '{ min = "1s" }', "sandbox_path": '"/x"'}.items():
    row(f"env_template_with_{key}", AUTH + f'env_template "A" {{ contents = "x" {key}{" " if value.startswith("{") else " = "}{value} }}\nexec {{ command = ["true"] }}',
        differs={"stdout": "`command`, `exec`, `wait` of an `env_template`"} if key in ("command", "exec", "wait") else {})
row("env_template_with_everything_allowed", AUTH + 'env_template "A" { contents = "x" error_on_missing_key = true error_fatal = false left_delimiter = "[[" right_delimiter = "]]" function_denylist = ["env"] }\nexec { command = ["true", "a"] restart_on_secret_changes = "never" restart_stop_signal = "SIGUSR1" }')
row("exec_without_restart_rule", AUTH + 'env_template "A" { contents = "x" }\nexec { command = ["true"] restart_on_secret_changes = "" }')


# -- sinks -----------------------------------------------------------------------------------------
def hcl(c: Run, sink: str, more: str = "", method: str | None = None) -> str:
    role = c.approle()["config"]["role_id_file_path"]
    method = method or f'method "approle" {{ config = {{ role_id_file_path = "{role}" }} }}'
    return f'vault {{ address = "{c.address}" }}\nexit_after_auth = true\nauto_auth {{ {method} {sink} }}\n{more}'


@case("sinks")
def mode_without_the_leading_zero_is_decimal(c: Run):
    c.agent(hcl(c, f'sink "file" {{ config = {{ path = "{c.path("out/token")}" mode = 600 }} }}')).exit()


@case("sinks")
def mode_zero_means_the_usual(c: Run):
    c.agent(hcl(c, f'sink "file" {{ config = {{ path = "{c.path("out/token")}" mode = 0 }} }}')).exit()


@case("sinks")
def world_readable_mode(c: Run):
    c.agent(hcl(c, f'sink "file" {{ config = {{ path = "{c.path("out/token")}" mode = 0644 }} }}'), umask=0o077).exit()


@case("sinks", differs=dict.fromkeys(["requests", "methods"], "a token in a plain file sink"))
def sink_that_is_a_link(c: Run):
    c.put("in/target", "old")
    c.path("out/token").symlink_to("../in/target")
    once(c, c.approle()).exit()


@case("sinks", differs={"files": "a sink that is a folder"})
def sink_that_is_a_folder(c: Run):
    c.path("out/token").mkdir()
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}})
    c.until(lambda: agent.logged("error returned by sink function, retrying") or agent.process.poll() is not None, "the failure")
    c.fact("ended", agent.process.poll())
    agent.stop()


@case("sinks")
def wrapped_sink_as_digits(c: Run):
    once(c, c.approle(), [c.sink(wrap_ttl="300")]).exit()
    answer = json.loads(c.path("out/token").read_text())
    c.fact("wrapped", {key: answer[key] for key in ("ttl", "creation_path", "wrapped_accessor")})
    c.fact("keys", list(answer))
    c.skip_file("out/token")


@case("sinks")
def two_wrapped_sinks(c: Run):
    once(c, c.approle(), [c.sink("out/a", wrap_ttl="2m"), c.sink("out/b", wrap_ttl="3m")]).exit()
    for name in ("a", "b"):
        c.fact(name, json.loads(c.path(f"out/{name}").read_text())["ttl"])
        c.skip_file(f"out/{name}")


@case("sinks")
def aad_without_encryption_by_variable(c: Run):
    once(c, c.approle(), [c.sink(aad_env_var="AAD")]).exit()


@case("sinks")
def encryption_without_its_file_setting(c: Run):
    once(c, c.approle(), [c.sink(dh_type="curve25519")]).exit()


# -- auto-auth ---------------------------------------------------------------------------------------
@case("auth")
def mount_path_with_a_trailing_slash(c: Run):
    once(c, {**c.approle(), "mount_path": "auth/approle/"}).exit()


@case("auth")
def mount_path_without_auth(c: Run):
    once(c, {**c.approle(), "mount_path": "approle", "exit_on_err": True}).exit()


@case("auth")
def wrapped_login_is_not_for_token_files(c: Run):
    c.put("in/token", c.token())
    agent = once(c, {"type": "token_file", "wrap_ttl": "5m", "config": {"token_file_path": str(c.path("in/token"))}})
    c.until_logged("authentication returned nil wrap info")
    agent.terminate()


@case("auth")
def token_file_with_blanks_around(c: Run):
    c.put("in/token", f"\n  {c.token()}\n\n")
    once(c, {"type": "token_file", "config": {"token_file_path": str(c.path("in/token"))}}).exit()


@case("auth", differs=dict.fromkeys(["requests", "methods", "log"], "an empty token file"))
def token_file_that_is_empty(c: Run):
    c.put("in/token", "\n")
    once(c, {"type": "token_file", "exit_on_err": True, "config": {"token_file_path": str(c.path("in/token"))}}).exit()


@case("auth")
def token_file_with_a_line_break_in_it(c: Run):
    c.put("in/token", "s.abc\ndef")
    once(c, {"type": "token_file", "exit_on_err": True, "config": {"token_file_path": str(c.path("in/token"))}}).exit()


@case("auth")
def token_file_needs_its_setting(c: Run):
    once(c, {"type": "token_file", "config": {"foo": "x"}}).exit()


@case("auth")
def approle_file_setting_must_be_text(c: Run):
    once(c, {"type": "approle", "config": {"role_id_file_path": 5}}).exit()


@case("auth")
def approle_empty_file_setting(c: Run):
    once(c, {"type": "approle", "config": {"role_id_file_path": ""}}).exit()


@case("auth")
def approle_with_an_empty_secret_id(c: Run):
    c.put("in/role", "secret-role-id")
    c.put("in/secret", "\n")
    once(c, {"type": "approle", "exit_on_err": True, "config": {"role_id_file_path": str(c.path("in/role")), "secret_id_file_path": str(c.path("in/secret"))}}).exit()


@case("auth")
def approle_without_its_secret_id_file(c: Run):
    c.put("in/role", "secret-role-id")
    once(c, {"type": "approle", "exit_on_err": True, "config": {"role_id_file_path": str(c.path("in/role")), "secret_id_file_path": str(c.path("in/none"))}}).exit()


@case("auth")
def jwt_empty_file(c: Run):
    c.put("in/jwt", "")
    once(c, {**jwt(c), "exit_on_err": True}).exit()


@case("auth")
def jwt_that_is_a_folder(c: Run):
    c.path("in/jwt").mkdir()
    once(c, {**jwt(c), "exit_on_err": True}).exit()


@case("auth")
def jwt_bad_period(c: Run):
    c.jwt_file()
    once(c, jwt(c, jwt_read_period="abc")).exit()


@case("auth")
def jwt_bad_boolean(c: Run):
    c.jwt_file()
    once(c, jwt(c, remove_jwt_after_reading="maybe")).exit()


@case("auth")
def approle_bad_boolean(c: Run):
    once(c, {"type": "approle", "config": {"role_id_file_path": "/x", "secret_id_file_path": "/y", "remove_secret_id_file_after_reading": "maybe"}}).exit()


@case("auth")
def cert_bad_boolean(c: Run):
    once(c, {"type": "cert", "config": {"reload": "maybe"}}).exit()


@case("auth")
def jwt_period_of_another_kind(c: Run):
    c.jwt_file()
    once(c, jwt(c, jwt_read_period=[1])).exit()


@case("auth")
def wrapping_path_that_is_empty(c: Run):
    once(c, {"type": "approle", "config": {"role_id_file_path": "/x", "secret_id_file_path": "/y", "secret_id_response_wrapping_path": ""}}).exit()


@case("auth")
def a_login_without_auth_exits_on_error(c: Run):
    # A mount that answers a login with data instead of a token.
    once(c, {**c.approle(), "mount_path": f"kv1/{c.case.name}", "exit_on_err": True}).exit()


@case("auth")
def cert_name_must_be_text(c: Run):
    once(c, {"type": "cert", "config": {"name": 5}}).exit()


@case("auth")
def kubernetes_needs_config(c: Run):
    once(c, {"type": "kubernetes"}).exit()


@case("auth")
def kubernetes_role_must_be_text(c: Run):
    once(c, {"type": "kubernetes", "config": {"role": 5}}).exit()


@case("auth")
def kubernetes_token_path_must_be_text(c: Run):
    once(c, {"type": "kubernetes", "config": {"role": "app", "token_path": 5}}).exit()


@case("auth")
def min_backoff_above_max_backoff(c: Run):
    once(c, {**c.approle(), "min_backoff": "10s", "max_backoff": "1s"}).exit()


@case("auth")
def namespace_of_the_method_is_canonical(c: Run):
    once(c, {**c.approle(), "namespace": "/team"}).exit()


# -- templates ----------------------------------------------------------------------------------------
@case("templates")
def an_empty_template(c: Run):
    render(c, c.template(" \n"))


@case("templates")
def a_relative_destination(c: Run):
    render(c, {"contents": "x", "destination": "out/relative"})


@case("templates")
def two_templates_for_one_file(c: Run):
    render(c, c.template("same"), c.template("same"))


@case("templates")
def perms_of_three_digits(c: Run):
    render(c, c.template("x", perms="440"), c.template("x", "out/more", perms="01755"), c.template("x", "out/none", perms="0"))


@case("templates")
def permissions_of_a_link_s_target(c: Run):
    c.put("in/target", "old", 0o604)
    c.path("out/rendered").symlink_to("../in/target")
    render(c, c.template("new"))


@case("templates")
def a_secret_path_with_slashes_and_blanks(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret " /{c.data}/app/ " }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))


@case("templates")
def an_empty_secret_path(c: Run):
    agent = render(c, c.template('{{ with secret "" }}x{{ end }}'), wait=False, **strict(c))
    agent.exit()


@case("templates")
def a_kv1_secret_that_is_not_there(c: Run):
    render(c, c.template(f'{{{{ with secret "{c.data1}/none" }}}}x{{{{ end }}}}'), sinks=False, **strict(c))


@case("templates")
def query_parameters_are_sent(c: Run):
    c.secret("app", user="one")
    c.secret("app", user="two")
    render(c, c.template(f'{{{{ with secret "{c.data}/app?version=1&foo=bar" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))


@case("templates")
def a_write_without_values(c: Run):
    render(c, c.template('{{ with secret "auth/token/create" "" }}{{ .Auth.Renewable }}{{ end }}'))


@case("templates")
def values_of_a_write_are_trimmed(c: Run):
    render(c, c.template('{{ with secret "auth/token/create" " ttl = 90s " "display_name=x=y" }}{{ .Auth.LeaseDuration }}{{ end }}'))


@case("templates")
def a_write_without_an_equals_sign(c: Run):
    render(c, c.template('{{ with secret "auth/token/create" "nonsense" }}x{{ end }}'), **strict(c))


@case("templates")
def lists_of_kv2_with_metadata_in_the_path(c: Run):
    c.secret("b", user="u")
    c.secret("a", user="u")
    render(c, c.template(f'{{{{ range secrets "kv2/metadata/{c.case.name}" }}}}{{{{ . }}}},{{{{ end }}}}{{{{ range secrets "kv2/{c.case.name}/" }}}}{{{{ . }}}};{{{{ end }}}}'))


@case("templates")
def transit_encrypts(c: Run):
    c.api.write(f"transit/keys/{c.case.name}")
    render(c, c.template(f'{{{{ with secret "transit/encrypt/{c.case.name}" "plaintext=aGVsbG8=" }}}}{{{{ len .Data.ciphertext }}}}{{{{ end }}}}'))


@case("templates")
def fields_of_a_secret(c: Run):
    c.secret1("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data1}/app" }}}}{{{{ .LeaseID }}}}|{{{{ .LeaseDuration }}}}|{{{{ .Renewable }}}}|{{{{ len .Warnings }}}}|{{{{ .Data }}}}{{{{ end }}}}'))


@case("templates", races=["log"])
def error_on_missing_key_names_the_key(c: Run):
    c.secret("app", user="u")
    render(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.nope }}}}{{{{ end }}}}', error_on_missing_key=True), sinks=False, **strict(c))


@case("templates", timed=True)
def a_chain_that_grows_is_followed(c: Run):
    c.secret("list/a", v="1")
    text = f'{{{{ range secrets "{c.data}/list" }}}}{{{{ with secret (printf "{c.data}/list/%s" .) }}}}{{{{ .Data.data.v }}}}{{{{ end }}}}{{{{ end }}}}'
    agent = sidecar(c, c.template(text), template_config={"static_secret_render_interval": "1s"})
    c.until_file("out/rendered", "1")
    c.until_logged("renewed auth token")
    c.secret("list/b", v="2")
    c.until_file("out/rendered", "12")
    agent.terminate()


@case("templates", timed=True)
def source_file_is_read_once(c: Run):
    source = c.put("in/source", "first")
    agent = sidecar(c, {"source": source, "destination": str(c.path("out/rendered"))})
    c.until_file("out/rendered", "first")
    c.until_logged("renewed auth token")
    c.put("in/source", "second")
    agent.signal(signal.SIGHUP)
    c.until(lambda: agent.printed("reload triggered"), "the reload")
    agent.terminate()


@case("signals", timed=True)
def usr1_is_survived(c: Run):
    agent = sidecar(c, c.template("x"))
    c.until_file("out/rendered")
    c.until_logged("renewed auth token")
    agent.signal(signal.SIGUSR1)
    c.until_file("out/rendered")
    c.fact("alive", agent.process.poll() is None)
    agent.terminate()


@case("signals", timed=True)
def terminate_while_nobody_answers(c: Run):
    agent = c.agent({"vault": {"address": "http://127.0.0.1:1"}, "auto_auth": {"method": c.approle(), "sink": [c.sink()]}})
    c.until_logged("error authenticating")
    agent.terminate()


@case("cli")
def revoke_with_an_accessor_only(c: Run):
    c.command("token", "revoke", "-self=false").exit()


@case("cli", timed=True, differs={"requests": "`User-Agent` of a `cert` login"})
def revoke_without_a_token(c: Run):
    c.command("token", "revoke", f"-address={c.address}", "-self").exit()


@case("cli", timed=True, tls=True, differs={"requests": "`User-Agent` of a `cert` login"})
def revoke_over_tls_of_a_stranger(c: Run):
    c.command("token", "revoke", f"-address={c.address}", "-self", env={"VAULT_TOKEN": "x", "VAULT_MAX_RETRIES": "0"}).exit()


# -- logs -----------------------------------------------------------------------------------------
def logged_error(c: Run, message: str):
    """The first line with this message and what belongs to it, without the time and the pause."""
    text = c.agents[-1].err.read_text()
    start = text.index(message)
    end = text.index(" backoff=", start)
    c.fact("error", text[start:end])


@case("auth")
def error_of_a_login_is_printed_in_lines(c: Run):
    c.jwt_file()
    once(c, {**jwt(c, role="nobody"), "exit_on_err": True}).exit()
    logged_error(c, "error authenticating")


@case("auth")
def error_within_a_namespace_names_it(c: Run):
    c.jwt_file()
    once(c, {**jwt(c, role="nobody"), "exit_on_err": True, "namespace": "team"}).exit()
    logged_error(c, "error authenticating")


@case("auth")
def error_of_a_missing_file_is_quoted(c: Run):
    once(c, {"type": "kubernetes", "exit_on_err": True, "config": {"role": "app", "token_path": str(c.path("in/none"))}}).exit()
    logged_error(c, "error getting path or data from method")


@case("auth")
def error_of_a_closed_port(c: Run):
    c.agent({"vault": {"address": "http://127.0.0.1:1"}, "auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}}, vault=False).exit()
    logged_error(c, "error authenticating")


@case("auth", tls=True)
def error_of_a_strange_certificate(c: Run):
    c.agent({"vault": {"address": c.address, "ca_cert": str(c.world["stranger"].cert)}, "auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}}).exit()
    logged_error(c, "error authenticating")


@case("auth", tls=True)
def error_of_a_wrong_name(c: Run):
    c.agent({"vault": {"address": c.address, "ca_cert": str(c.server.authority.cert), "tls_server_name": "other.example"},
             "auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}}).exit()
    logged_error(c, "error authenticating")


@case("auth", tls=True)
def error_of_plain_words_to_tls(c: Run):
    c.agent({"vault": {"address": c.address.replace("https", "http")}, "auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}}, vault=False).exit()
    logged_error(c, "error authenticating")


@case("auth", differs={"facts": "the error when a server speaks no TLS"})
def error_of_tls_to_plain_words(c: Run):
    c.agent({"vault": {"address": c.address.replace("http", "https")}, "auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}}, vault=False).exit()
    logged_error(c, "error authenticating")


@case("auth")
def error_of_an_unknown_host(c: Run):
    c.agent({"vault": {"address": "http://no-such-host.invalid:8200"}, "auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]}}, vault=False).exit()
    # The original names the name server it asked.
    c.scrub(r" on [\d.]+:\d+", "")
    logged_error(c, "error authenticating")


NO_ADDRESS = dict.fromkeys(["stdout", "log"], "an address that is none")


@case("config", differs=NO_ADDRESS)
def address_that_is_none(c: Run):
    one_login(c, vault={"address": "not an address"})


@case("config")
def address_with_a_path(c: Run):
    one_login(c, vault={"address": c.address + "/"})


@case("config", differs=NO_ADDRESS)
def address_of_a_strange_scheme(c: Run):
    one_login(c, vault={"address": "ftp://127.0.0.1:1"})


@case("config")
def log_file_in_a_folder(c: Run):
    c.path("out/logs").mkdir()
    one_login(c, vault={"address": c.address}, log_file=str(c.path("out/logs")) + "/")
    files = list(c.path("out/logs").iterdir())
    c.fact("files", [file.suffix for file in files])
    for file in files:
        c.skip_file(f"out/logs/{file.name}")


@case("config", differs={"stdout": "`log_file` with `*`, `?` or `[`"})
def log_file_with_a_star(c: Run):
    one_login(c, vault={"address": c.address}, log_file=str(c.path("out/a*.log")))


@case("config")
def log_file_is_appended_to(c: Run):
    file = c.put("out/agent.log", "before\n")
    one_login(c, "-log-file", file, vault={"address": c.address})
    c.fact("kept", c.path("out/agent.log").read_text().startswith("before\n"))
    c.skip_file("out/agent.log")


def rotated(name: str, kept: int | None, files: int):
    def drive(c: Run):
        more = {} if kept is None else {"log_rotate_max_files": kept}
        one_login(c, vault={"address": c.address}, log_file=str(c.path("out/agent.log")), log_rotate_bytes=300, **more)
        found = sorted(c.path("out").glob("agent*"))
        c.fact("as many files", len(found) == files if files else len(found) > 2)
        c.fact("names", all(json.dumps(each.name).strip('"').startswith("agent") and each.suffix == ".log" for each in found))
        for each in found:
            c.skip_file(f"out/{each.name}")

    drive.__name__ = name
    case("config")(drive)


rotated("log_rotation_keeps_all", None, 0)
rotated("log_rotation_keeps_one", 1, 2)
rotated("log_rotation_keeps_none", -1, 1)


@case("config", differs={"stdout": "a wrong value of `-log-rotate-duration`"})
def log_rotation_of_a_strange_duration(c: Run):
    one_login(c, "-log-rotate-duration=abc", vault={"address": c.address}, log_file=str(c.path("out/agent.log")))
    c.agents[-1].out.write_text(c.agents[-1].out.read_text().split("\n")[0] + "\n")
    for each in c.path("out").glob("agent*"):
        c.skip_file(f"out/{each.name}")
