"""File sinks: modes, owners, wrapping, encryption."""

import base64
import json

import sealed
from case import Run, case


def once(c: Run, *sinks: dict, method=None, **config):
    c.agent({"auto_auth": {"method": method or c.approle(), "sink": list(sinks)}, "exit_after_auth": True, **config}).exit()


@case("sinks")
def default_mode(c: Run):
    once(c, c.sink())


@case("sinks")
def decimal_mode_in_json(c: Run):
    once(c, c.sink(config={"mode": 0o600}))


@case("sinks")
def octal_mode_in_hcl(c: Run):
    role = c.approle()["config"]["role_id_file_path"]
    c.agent(f"""
exit_after_auth = true
vault {{ address = "{c.address}" }}
auto_auth {{
  method "approle" {{
    config = {{ role_id_file_path = "{role}" }}
  }}
  sink "file" {{
    config = {{ path = "{c.path("out/token")}" mode = 0644 }}
  }}
}}
""").exit()


@case("sinks")
def umask_applies_to_the_mode(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink(config={"mode": 0o666})]}, "exit_after_auth": True},
            umask=0o077).exit()


@case("sinks", differs={"log": "wrong values that `vault agent` meets"})
def text_mode_is_refused(c: Run):
    once(c, c.sink(config={"mode": "0600"}))


@case("sinks", differs={"log": "wrong values that `vault agent` meets"})
def impossible_mode_is_refused(c: Run):
    once(c, c.sink(config={"mode": 0o20000000000}))


@case("sinks", only_root=True)
def owner_by_uid_and_gid(c: Run):
    once(c, c.sink(config={"uid": 1234, "gid": 2345}))


@case("sinks")
def two_sinks(c: Run):
    once(c, c.sink(), c.sink("out/second", config={"mode": 0o400}))
    c.fact("same token", c.path("out/token").read_text() == c.path("out/second").read_text())


@case("sinks", differs=dict.fromkeys(['facts', 'requests', 'methods', 'log'], 'a token in a plain file sink'))
def an_existing_file_is_replaced(c: Run):
    c.put("out/token", "old", 0o604)
    once(c, c.sink())


@case("sinks", differs=dict.fromkeys(['facts', 'requests', 'methods', 'log'], 'a token in a plain file sink'))
def no_token_survives_two_runs(c: Run):
    once(c, c.sink())
    first = c.path("out/token").read_text()
    once(c, c.sink())
    c.fact("replaced", first != c.path("out/token").read_text())


@case("sinks")
def wrapped_sink(c: Run):
    once(c, c.sink(wrap_ttl="5m"))
    info = json.loads(c.path("out/token").read_text())
    c.fact("keys", list(info))
    data = c.api.call("PUT", "sys/wrapping/unwrap", {}, token=info["token"])["data"]
    c.fact("unwrapped", sorted(data))
    c.fact("the token works", c.api.alive(data["token"]))
    hide_wrap(c)


@case("sinks")
def missing_folder_fails_the_write_check(c: Run):
    once(c, c.sink("out/none/token"))


@case("sinks", differs={"log": "wrong values that `vault agent` meets"})
def path_is_required(c: Run):
    once(c, {"type": "file", "config": {"mode": 384}})


@case("sinks", differs={"log": "wrong values that `vault agent` meets"})
def path_must_be_text(c: Run):
    once(c, {"type": "file", "config": {"path": 5}})


@case("sinks")
def unknown_sink_type(c: Run):
    once(c, {"type": "foo", "config": {"path": "/x"}})


@case("sinks")
def a_token_is_needed_for_no_sink_at_all(c: Run):
    c.agent({"auto_auth": {"method": [c.approle()]}, "exit_after_auth": True}).exit()


def encrypted(c: Run, **more):
    private, public = sealed.key_pair()
    c.put("in/dh.json", json.dumps({"curve25519_public_key": base64.b64encode(public).decode()}))
    once(c, c.sink(dh_type="curve25519", dh_path=str(c.path("in/dh.json")), **more), **({}))
    envelope = json.loads(c.path("out/token").read_text())
    c.fact("keys of the envelope", list(envelope))
    aad = more.get("aad", "")
    plain = sealed.open_envelope(envelope, private, public, bool(more.get("derive_key")), aad.encode())
    if "wrap_ttl" in more:
        info = json.loads(plain)
        c.fact("keys of the wrap info", list(info))
        c.fact("ends in a newline", plain.endswith(b"\n"))
        plain = c.api.call("PUT", "sys/wrapping/unwrap", {}, token=info["token"])["data"]["token"].encode()
    c.fact("the token works", c.api.alive(plain.decode()))
    c.scrub(r'\\?"(curve25519_public_key|nonce|encrypted_payload)\\?": ?\\?"[^"\\]+\\?"', r"<\1>")


def hide_wrap(c: Run):
    c.scrub(r'"accessor":"[^"]*"', '"accessor":"<accessor>"')


@case("sinks")
def encrypted_sink(c: Run):
    encrypted(c)


@case("sinks")
def encrypted_sink_with_derived_key_and_aad(c: Run):
    encrypted(c, derive_key=True, aad="bound to this")


@case("sinks")
def encrypted_and_wrapped_sink(c: Run):
    encrypted(c, wrap_ttl="60s", derive_key=True)


@case("sinks", timed=True)
def encrypted_sink_waits_for_the_key_file(c: Run):
    private, public = sealed.key_pair()
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [
        c.sink(dh_type="curve25519", dh_path=str(c.path("in/dh.json")))]}, "exit_after_auth": True})
    c.until_logged("no dh parameters file found")
    c.put("in/dh.json", json.dumps({"curve25519_public_key": base64.b64encode(public).decode()}))
    agent.exit()
    envelope = json.loads(c.path("out/token").read_text())
    c.fact("the token works", c.api.alive(sealed.open_envelope(envelope, private, public, False, b"").decode()))
    c.scrub(r'"(curve25519_public_key|nonce|encrypted_payload)": ?"[^"]+"', r"<\1>")


@case("sinks")
def encryption_settings_belong_together(c: Run):
    once(c, c.sink(dh_type="curve25519"))


@case("sinks")
def unknown_encryption(c: Run):
    once(c, c.sink(dh_type="rsa", dh_path="/x"))


@case("sinks")
def derive_key_needs_encryption(c: Run):
    once(c, c.sink(derive_key=True))


@case("sinks")
def aad_needs_encryption(c: Run):
    once(c, c.sink(aad="x"))


@case("sinks")
def wrapping_twice_is_refused(c: Run):
    once(c, c.sink(wrap_ttl="1m"), method={**c.approle(), "wrap_ttl": "1m"})


@case("sinks")
def wrapped_login_takes_one_sink(c: Run):
    once(c, c.sink(), c.sink("out/second"), method={**c.approle(), "wrap_ttl": "1m"})


@case("sinks")
def sinks_form_of_json(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sinks": [{"sink": c.sink()}]}, "exit_after_auth": True}).exit()
