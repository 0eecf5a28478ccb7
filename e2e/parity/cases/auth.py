"""Auto-auth methods, their files and their failures."""

import signal

from case import Run, case


def jwt(c: Run, role="app", file="in/jwt", **config) -> dict:
    return {"type": "jwt", "config": {"path": str(c.path(file)), "role": role, **config}}


def once(c: Run, method: dict, sinks=None, **config):
    """Logs in, writes the sinks, ends."""
    c.agent({"auto_auth": {"method": method, "sink": sinks or [c.sink()]}, "exit_after_auth": True, **config})
    return c.agents[-1]


@case("auth")
def jwt_removes_its_file(c: Run):
    c.jwt_file()
    once(c, jwt(c)).exit()


@case("auth")
def jwt_keeps_its_file_if_told(c: Run):
    c.jwt_file()
    once(c, jwt(c, remove_jwt_after_reading=False)).exit()


@case("auth")
def jwt_accepts_loose_booleans(c: Run):
    c.jwt_file()
    once(c, jwt(c, remove_jwt_after_reading="false")).exit()


@case("auth")
def jwt_removes_the_link_not_the_file(c: Run):
    c.jwt_file("in/real")
    c.path("in/jwt").symlink_to("real")
    once(c, jwt(c)).exit()


@case("auth")
def jwt_follows_links_if_told(c: Run):
    c.jwt_file("in/real")
    c.path("in/jwt").symlink_to(c.path("in/real"))
    once(c, jwt(c, remove_jwt_follows_symlinks=True)).exit()


@case("auth")
def jwt_sends_the_newline_of_its_file(c: Run):
    # The body is the file's text exactly, so OpenBao refuses it or not on its own.
    c.put("in/jwt", c.world["tokens"].sign("app") + "\n")
    once(c, jwt(c)).exit()


@case("auth")
def jwt_without_a_file_exits_on_error(c: Run):
    once(c, {**jwt(c), "exit_on_err": True}).exit()


@case("auth")
def jwt_with_an_unknown_role_exits_on_error(c: Run):
    c.jwt_file()
    once(c, {**jwt(c, role="nobody"), "exit_on_err": True}).exit()


@case("auth")
def jwt_needs_a_role(c: Run):
    c.jwt_file()
    once(c, {"type": "jwt", "config": {"path": str(c.path("in/jwt"))}}).exit()


@case("auth")
def jwt_needs_a_nonempty_role(c: Run):
    once(c, jwt(c, role="")).exit()


@case("auth")
def jwt_needs_a_path(c: Run):
    once(c, {"type": "jwt", "config": {"role": "app"}}).exit()


@case("auth")
def jwt_role_must_be_text(c: Run):
    once(c, jwt(c, role=5)).exit()


@case("auth")
def jwt_needs_config(c: Run):
    once(c, {"type": "jwt"}).exit()


@case("auth")
def jwt_waits_for_its_file(c: Run):
    agent = once(c, jwt(c))
    c.until_logged("latest known jwt is empty")
    c.jwt_file()
    agent.exit()


@case("auth", timed=True)
def jwt_reauthenticates_on_a_new_file(c: Run):
    c.jwt_file()
    agent = c.agent({"auto_auth": {"method": jwt(c, jwt_read_period="200ms"), "sink": [c.sink()],
                                   "enable_reauth_on_new_credentials": True}})
    c.until_file("out/token")
    first = c.path("out/token").read_text()
    c.jwt_file()
    c.until(lambda: c.path("out/token").read_text() != first, "a new token in the sink")
    c.fact("file consumed", not c.path("in/jwt").exists())
    agent.terminate()


@case("auth", timed=True)
def jwt_consumes_a_new_file_without_reauthentication(c: Run):
    c.jwt_file()
    agent = c.agent({"auto_auth": {"method": jwt(c, jwt_read_period="200ms"), "sink": [c.sink()]}})
    c.until_file("out/token")
    first = c.path("out/token").read_text()
    c.jwt_file()
    c.until(lambda: not c.path("in/jwt").exists(), "the new file is consumed")
    c.fact("same token", c.path("out/token").read_text() == first)
    agent.terminate()


@case("auth", timed=True)
def short_token_is_renewed_and_replaced(c: Run):
    # TTL 4 s, max 10 s: renewed at once and about every 3 s, then a new login before second 10.
    c.jwt_file()
    agent = c.agent({"auto_auth": {"method": jwt(c, role="short", remove_jwt_after_reading=False), "sink": [c.sink()]}})
    c.until_file("out/token")
    first = c.path("out/token").read_text()
    c.until(lambda: c.path("out/token").read_text() != first, "a second token", 15)
    c.fact("the second token works", c.api.alive(c.path("out/token").read_text()))
    agent.terminate()


@case("auth")
def approle_removes_its_secret_id(c: Run):
    secret = c.api.write("auth/approle/role/secret/secret-id")["data"]["secret_id"]
    method = {"type": "approle", "config": {"role_id_file_path": c.put("in/role", "secret-role-id\n"),
                                            "secret_id_file_path": c.put("in/secret", f" {secret}\n")}}
    once(c, method).exit()


@case("auth")
def approle_keeps_its_secret_id_if_told(c: Run):
    secret = c.api.write("auth/approle/role/secret/secret-id")["data"]["secret_id"]
    method = {"type": "approle", "config": {"role_id_file_path": c.put("in/role", "secret-role-id"),
                                            "secret_id_file_path": c.put("in/secret", secret),
                                            "remove_secret_id_file_after_reading": False}}
    once(c, method).exit()


@case("auth")
def approle_without_secret_id(c: Run):
    once(c, c.approle()).exit()


@case("auth")
def approle_unwraps_its_secret_id(c: Run):
    wrapped = c.api.call("PUT", "auth/approle/role/secret/secret-id", {}, headers={"X-Vault-Wrap-TTL": "60s"})
    method = {"type": "approle", "config": {
        "role_id_file_path": c.put("in/role", "secret-role-id"),
        "secret_id_file_path": c.put("in/secret", wrapped["wrap_info"]["token"]),
        "secret_id_response_wrapping_path": "auth/approle/role/secret/secret-id"}}
    once(c, method).exit()


@case("auth")
def approle_refuses_a_wrapping_token_made_elsewhere(c: Run):
    wrapped = c.api.call("PUT", "auth/token/create", {}, headers={"X-Vault-Wrap-TTL": "60s"})
    method = {"type": "approle", "exit_on_err": True, "config": {
        "role_id_file_path": c.put("in/role", "secret-role-id"),
        "secret_id_file_path": c.put("in/secret", wrapped["wrap_info"]["token"]),
        "secret_id_response_wrapping_path": "auth/approle/role/secret/secret-id"}}
    once(c, method).exit()
    c.fact("the wrapping token survives", c.api.alive(wrapped["wrap_info"]["token"]))


@case("auth")
def approle_without_its_role_file_exits_on_error(c: Run):
    method = {"type": "approle", "exit_on_err": True, "config": {"role_id_file_path": str(c.path("in/role"))}}
    once(c, method).exit()


@case("auth")
def approle_with_an_empty_role_file_exits_on_error(c: Run):
    method = {"type": "approle", "exit_on_err": True, "config": {"role_id_file_path": c.put("in/role", "\n")}}
    once(c, method).exit()


@case("auth")
def approle_needs_a_role_file_setting(c: Run):
    once(c, {"type": "approle", "config": {"secret_id_file_path": "/x"}}).exit()


@case("auth", tls=True, differs=dict.fromkeys(['requests'], '`User-Agent` of a `cert` login'))
def cert_of_the_method(c: Run):
    cert, key = c.server.authority.issue(f"web-{c.side.name}", "DNS:web")
    method = {"type": "cert", "config": {"name": "web", "client_cert": str(cert), "client_key": str(key),
                                         "ca_cert": str(c.server.authority.cert)}}
    once(c, method).exit()


@case("auth", tls=True)
def cert_of_the_vault_stanza(c: Run):
    cert, key = c.server.authority.issue(f"stanza-{c.side.name}", "DNS:web")
    once(c, {"type": "cert"}, vault={"address": c.address, "ca_cert": str(c.server.authority.cert),
                                     "client_cert": str(cert), "client_key": str(key)}).exit()


@case("auth", tls=True, differs=dict.fromkeys(['requests'], '`User-Agent` of a `cert` login'))
def cert_of_a_stranger_exits_on_error(c: Run):
    cert, key = c.world["stranger"].issue(f"stranger-{c.side.name}", "DNS:web")
    method = {"type": "cert", "exit_on_err": True,
              "config": {"name": "web", "client_cert": str(cert), "client_key": str(key)}}
    once(c, method).exit()


@case("auth", tls=True)
def server_of_a_stranger_is_refused(c: Run):
    once(c, {**c.approle(), "exit_on_err": True},
         vault={"address": c.address, "ca_cert": str(c.world["stranger"].cert)}).exit()


@case("auth", tls=True)
def skip_verify_accepts_any_server(c: Run):
    once(c, c.approle(), vault={"address": c.address, "ca_cert": str(c.world["stranger"].cert), "tls_skip_verify": True}).exit()


@case("auth")
def token_file_is_looked_up(c: Run):
    c.put("in/token", c.token() + "\n")
    once(c, {"type": "token_file", "config": {"token_file_path": str(c.path("in/token"))}}).exit()


@case("auth", timed=True)
def token_file_with_a_root_token_is_never_renewed(c: Run):
    c.put("in/token", c.api.token)
    agent = c.agent({"auto_auth": {"method": {"type": "token_file", "config": {"token_file_path": str(c.path("in/token"))}},
                                   "sink": [c.sink()]}})
    c.until_logged("unlimited TTL")
    agent.terminate()


@case("auth")
def token_file_missing_exits_on_error(c: Run):
    once(c, {"type": "token_file", "exit_on_err": True, "config": {"token_file_path": str(c.path("in/token"))}}).exit()


@case("auth")
def token_file_with_a_dead_token_exits_on_error(c: Run):
    c.put("in/token", "s.AAAAAAAAAAAAAAAAAAAAAAAA")
    once(c, {"type": "token_file", "exit_on_err": True, "config": {"token_file_path": str(c.path("in/token"))}}).exit()


@case("auth")
def kubernetes_trims_its_token(c: Run):
    c.put("in/sa", c.world["tokens"].service_account() + "\n")
    once(c, {"type": "kubernetes", "config": {"role": "app", "token_path": str(c.path("in/sa"))}}).exit()


@case("auth")
def kubernetes_at_another_mount(c: Run):
    c.put("in/sa", c.world["tokens"].service_account())
    once(c, {"type": "kubernetes", "mount_path": "auth/clusters/blue/",
             "config": {"role": "app", "token_path": str(c.path("in/sa"))}}).exit()


@case("auth")
def kubernetes_refused_exits_on_error(c: Run):
    token = c.world["tokens"].service_account()
    c.world["strangers"].add(token)
    c.put("in/sa", token)
    once(c, {"type": "kubernetes", "exit_on_err": True, "config": {"role": "app", "token_path": str(c.path("in/sa"))}}).exit()


@case("auth")
def kubernetes_without_its_token_exits_on_error(c: Run):
    once(c, {"type": "kubernetes", "exit_on_err": True, "config": {"role": "app", "token_path": str(c.path("in/sa"))}}).exit()


@case("auth")
def kubernetes_needs_a_role(c: Run):
    once(c, {"type": "kubernetes", "config": {"token_path": "/x"}}).exit()


@case("auth")
def kubernetes_needs_a_nonempty_role(c: Run):
    once(c, {"type": "kubernetes", "config": {"role": ""}}).exit()


@case("auth")
def a_missing_mount_exits_on_error(c: Run):
    once(c, {**c.approle(), "mount_path": "auth/nowhere", "exit_on_err": True}).exit()


@case("auth", timed=True, races=["log", "requests", "methods"])
def login_is_tried_again_until_the_role_exists(c: Run):
    role = c.case.name
    method = {"type": "approle", "min_backoff": "300ms", "config": {"role_id_file_path": c.put("in/role", role)}}
    agent = c.agent({"auto_auth": {"method": method, "sink": [c.sink()]}, "exit_after_auth": True})
    c.until_logged("error authenticating")
    c.api.write(f"auth/approle/role/{role}", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"], token_policies=["everything"])
    c.api.write(f"auth/approle/role/{role}/role-id", role_id=role)
    agent.exit()


@case("auth")
def login_answer_is_wrapped(c: Run):
    once(c, {**c.approle(), "wrap_ttl": "5m"}, [c.sink()])
    c.agents[-1].exit()
    c.scrub(r'"(wrapped_)?accessor":"[^"]*"', r'"\1accessor":"<accessor>"')


@case("auth")
def namespace_of_the_method(c: Run):
    once(c, {**c.approle(), "namespace": "team"},
         template=[c.template('{{ with secret "kv2/app" }}{{ .Data.data.where }}{{ end }}')]).exit()


@case("auth")
def namespace_of_the_environment(c: Run):
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True,
                     "template": [c.template('{{ with secret "kv2/app" }}{{ .Data.data.where }}{{ end }}')]},
                    env={"VAULT_NAMESPACE": "/team"})
    agent.exit()


@case("auth")
def namespace_of_the_flag_wins(c: Run):
    agent = c.agent({"auto_auth": {"method": c.approle(namespace="wrong"), "sink": [c.sink()]}, "exit_after_auth": True,
                     "template": [c.template('{{ with secret "kv2/app" }}{{ .Data.data.where }}{{ end }}')]},
                    "-namespace=team", env={"VAULT_NAMESPACE": "other"})
    agent.exit()


@case("auth")
def unknown_method(c: Run):
    once(c, {"type": "foo", "config": {}}).exit()


@case("auth")
def equal_backoffs_are_refused(c: Run):
    once(c, {**c.approle(), "min_backoff": "2s", "max_backoff": "2s"}).exit()


@case("auth")
def unreachable_server_exits_on_error(c: Run):
    c.relay.close()
    c.agent({"vault": {"address": c.address}, "auto_auth": {"method": {**c.approle(), "exit_on_err": True}, "sink": [c.sink()]},
             "exit_after_auth": True}).exit()


@case("auth", timed=True)
def unreachable_server_is_waited_for(c: Run):
    c.relay.close()
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True})
    c.until_logged("error authenticating")
    agent.terminate()


@case("auth", timed=True)
def batch_token_is_replaced_not_renewed(c: Run):
    c.put("in/role", "batch-role-id")
    agent = c.agent({"auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": str(c.path("in/role"))}},
                                   "sink": [c.sink()]}})
    c.until_file("out/token")
    agent.terminate()


@case("auth")
def environment_token_is_not_used_instead_of_the_login(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "exit_after_auth": True},
            env={"VAULT_TOKEN": c.token()}).exit()


@case("auth", timed=True)
def interrupt_during_login_backoff(c: Run):
    agent = once(c, jwt(c))
    c.until_logged("latest known jwt is empty")
    agent.signal(signal.SIGINT)
    agent.exit()
