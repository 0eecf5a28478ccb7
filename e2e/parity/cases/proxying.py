"""What passes the proxy and what the cache makes of it, request by request."""

import http.client
import json
import re
import time

from case import Run, case
from cases.listener import listen
from server import free_port

#: Of the headers of an answer those that mean something; the others are the HTTP server's own.
TOLD = ("Content-Type", "X-Cache", "Age", "Cache-Control", "Strict-Transport-Security", "Location", "Retry-After", "Allow", "Content-Encoding")
VOLATILE = {"request_id", "client_token", "accessor", "token", "id", "creation_time", "created_time", "expire_time", "issue_time", "lease_id", "entity_id", "ttl", "wrapped_accessor",
            "lease_duration", "last_renewal", "last_renewal_time", "mount_accessor", "server_time_utc", "cluster_name", "cluster_id", "path"}


def steady(value):
    if isinstance(value, dict):
        return {k: ("?" if k in VOLATILE and v not in ("", None, 0) else steady(v)) for k, v in value.items() if v is not None}
    return [steady(v) for v in value] if isinstance(value, list) else value


def raw(port: int, method: str, target: str, headers=(), body: bytes | None = None) -> str:
    """One request, headers as given and in their order; what is told of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None and not any(name.lower() == "transfer-encoding" for name, _ in headers):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "backslashreplace")
        told = {name: answer.headers[name] for name in TOLD if answer.headers[name] is not None}
        if "Age" in told:
            told["Age"] = "?"
    except (http.client.HTTPException, OSError) as error:
        return f"{type(error).__name__}"
    finally:
        connection.close()
    try:
        text = json.dumps(steady(json.loads(text)), sort_keys=True)
    except ValueError:
        pass
    return f"{answer.status} {told} {text}"


def tell(c: Run, port: int, requests):
    for number, (method, target, *more) in enumerate(requests):
        headers, body = (more + [(), None])[:2]
        body = body.encode() if isinstance(body, str) else body
        shown = f"{number:02} {method} {target} {[name for name, _ in headers] or ''} {(body or b'')[:60]!r}"
        c.fact(re.sub(r"kv[12]/proxy\w+", "kv/<case>", shown), raw(port, method, target, headers, body))


@case("proxying", timed=True, differs=dict.fromkeys(["methods"], "listener: how a path and its query are spelt"))
def proxy_odd_requests(c: Run):
    c.secret1("app", user="u")
    c.secret("app", user="u")
    agent, port = listen(c, api_proxy={"use_auto_auth_token": True})
    one, two = f"/v1/{c.data1}", f"/v1/{c.data}"
    token = [("X-Vault-Token", c.api.token)]
    tell(c, port, [
        ("HEAD", f"{one}/app"), ("LIST", one), ("OPTIONS", f"{one}/app"), ("PATCH", f"{two}/app", [("Content-Type", "application/merge-patch+json")], '{"data":{"b":"c"}}'),
        ("GET", f"{one}/app?a=1&a=2&b"), ("GET", f"{one}/app?list=true"), ("GET", f"{one}/a%2Fpp"),
        ("GET", f"{one}/%61pp"), ("GET", f"{one}/gr%C3%BCn"), ("GET", f"{one}/a b".replace(" ", "%20")), ("GET", "/"), ("GET", "/v1"), ("GET", "/v2/x"), ("GET", "/ui/"),
        ("POST", f"{one}/new", [], "{}"), ("POST", f"{one}/new", [], "not JSON"), ("POST", f"{one}/new", [], ""), ("POST", f"{one}/new"),
        ("PUT", f"{one}/new", [("Content-Type", "text/plain")], '{"a":"b"}'), ("PUT", f"{one}/chunked", [("Transfer-Encoding", "chunked")], b'9\r\n{"a":"b"}\r\n0\r\n\r\n'),
        ("GET", f"{one}/chunked"), ("DELETE", f"{one}/chunked"), ("DELETE", f"{one}/none"),
        ("GET", f"{one}/app", [("Accept-Encoding", "gzip")]), ("GET", f"{one}/app", [("X-Vault-Token", "")]), ("GET", f"{one}/app", [*token, *token]), ("GET", f"{one}/app", [("Authorization", f"Bearer {c.api.token}")]),
        ("GET", f"{one}/app", [("X-Vault-Request", "true")]), ("GET", f"{one}/app", [("X-Vault-Wrap-TTL", "60s")]), ("GET", f"{one}/app", [("X-Vault-Wrap-TTL", "soon")]),
        ("GET", f"{one}/app", [("X-Vault-Namespace", "none/")]), ("GET", "/v1/kv2/data/app", [("X-Vault-Namespace", "team")]), ("GET", "/v1/team/kv2/data/app"), ("GET", "/v1/team/kv2/data/app", token),
        ("GET", "/v1/sys/seal-status"), ("GET", "/v1/sys/leader"), ("GET", "/v1/sys/health?standbyok=true"), ("GET", "/v1/sys/internal/ui/mounts/kv1"),
    ])
    agent.terminate()


@case("proxying", timed=True, differs=dict.fromkeys(["methods"], "listener: how a path and its query are spelt"))
def proxy_own_paths(c: Run):
    agent, port = listen(c, {"agent_api": {"enable_quit": True}}, cache={}, api_proxy={"use_auto_auth_token": True})
    clear = "/agent/v1/cache-clear"
    tell(c, port, [
        ("GET", "/agent/v1/quit"), ("PUT", "/agent/v1/quit"), ("HEAD", "/agent/v1/quit"), ("GET", "/agent/v1/quit/"), ("POST", "/agent/v1/quitx"), ("GET", "/agent/v1/"), ("GET", "/agent/v1"), ("GET", "/agent"),
        ("GET", "/agent/v1/unknown"), ("HEAD", "/agent/v1/metrics"), ("DELETE", "/agent/v1/metrics"), ("GET", "/agent/v1/metrics?format=foo"), ("GET", "/agent/v1/metrics/"),
        ("POST", clear, [], ' {"type":"all"} '), ("POST", clear, [], '{"type":"ALL"}'), ("POST", clear, [], '{"Type":"all"}'), ("POST", clear, [], "null"), ("POST", clear, [], "[]"),
        ("POST", clear, [], '"x"'), ("POST", clear, [], '{"type":null}'), ("POST", clear, [], '{"type":"lease","value":7}'), ("POST", clear, [], '{"type":"lease","value":"x","namespace":"team/"}'),
        ("POST", clear, [], '{"type":"request_path","value":"/v1/x","namespace":"team"}'), ("POST", clear, [], '{"type":"request_path","value":"/v1/x","more":1}'), ("POST", clear + "?type=all", [], ""),
        ("POST", clear, [], '{"type":"token_accessor","value":"x"}'), ("DELETE", clear, [], '{"type":"all"}'), ("PATCH", clear, [], "x"),
    ])
    agent.terminate()


@case("proxying", timed=True, races=["methods"], differs={"facts": "listener: answers about the agent's own token", "requests": "cache: answers to `auth/token/renew*`"})
def proxy_own_token(c: Run):
    agent, port = listen(c, cache={}, api_proxy={"use_auto_auth_token": True})
    own = c.path("out/token").read_text()
    other = [("X-Vault-Token", c.api.token)]
    c.scrub(re.escape(own), "<own>")
    hidden = {}
    for name, method, path, headers, body in (
            ("lookup-self", "GET", "lookup-self", [], None), ("lookup by name", "POST", "lookup", [], json.dumps({"token": own})), ("lookup without a name", "POST", "lookup", [], "{}"),
            ("lookup by another", "POST", "lookup", other, json.dumps({"token": own})), ("lookup of another", "POST", "lookup", [], json.dumps({"token": c.api.token})),
            ("renew-self", "PUT", "renew-self", [], "{}"), ("renew by name", "PUT", "renew", [], json.dumps({"token": own})), ("renew without a name", "PUT", "renew", [], "{}"), ("renew by another", "PUT", "renew", other, json.dumps({"token": own}))):
        hidden[name] = own not in raw_text(port, method, f"/v1/auth/token/{path}", headers, body)
    c.fact("hidden", str(hidden))
    agent.terminate()


def raw_text(port: int, method: str, target: str, headers, body) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, target, body, dict(headers))
    text = connection.getresponse().read().decode()
    connection.close()
    return text


@case("proxying", timed=True)
def cache_of_tokens(c: Run):
    agent, port = listen(c, cache={}, api_proxy={"use_auto_auth_token": True})
    login, create = "/v1/auth/approle/login", "/v1/auth/token/create"
    plain, short, batch, secret = (json.dumps({"role_id": f"{name}-role-id"}) for name in ("plain", "narrow", "batch", "secret"))
    tell(c, port, [
        ("POST", login, [], plain), ("POST", login, [], plain), ("PUT", login, [], plain), ("POST", login, [("X-Other", "1")], plain), ("POST", login, [], plain + " "), ("POST", login + "?a=b", [], plain),
        ("POST", login, [("User-Agent", "x")], plain), ("POST", login, [], short), ("POST", login, [], short), ("POST", login, [], batch), ("POST", login, [], batch), ("POST", login, [], secret), ("POST", login, [], secret),
        ("POST", login, [("X-Vault-Wrap-TTL", "60s")], plain), ("POST", login, [("X-Vault-Wrap-TTL", "60s")], plain),
        ("POST", create, [], '{"ttl":"60s","renewable":false}'), ("POST", create, [], '{"ttl":"60s","renewable":false}'), ("POST", create, [], '{"type":"batch","ttl":"60s"}'), ("POST", create, [], '{"type":"batch","ttl":"60s"}'),
        ("POST", create, [], '{"ttl":"60s","no_parent":true}'), ("POST", create, [], '{"ttl":"60s","no_parent":true}'), ("POST", "/v1/auth/token/create-orphan", [], '{"ttl":"60s"}'), ("POST", "/v1/auth/token/create-orphan", [], '{"ttl":"60s"}'),
        ("POST", create, [], '{"ttl":"60s","num_uses":2}'), ("POST", create, [], '{"ttl":"60s","num_uses":2}'), ("POST", create, [], '{"period":"60s"}'), ("POST", create, [], '{"period":"60s"}'),
        ("POST", create, [("X-Vault-Token", c.api.token)], '{"ttl":"60s"}'), ("POST", create, [("X-Vault-Token", c.api.token)], '{"ttl":"60s"}'),
    ])
    agent.terminate()


@case("proxying", timed=True)
def cache_evictions(c: Run):
    agent, port = listen(c, cache={}, api_proxy={"use_auto_auth_token": True})
    create, login = "/v1/auth/token/create", "/v1/auth/approle/login"

    def answer(method, path, body=None, token=None) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, None if body is None else json.dumps(body), {"X-Vault-Token": token} if token else {})
        got = connection.getresponse()
        text = got.read().decode()
        connection.close()
        return {"status": got.status, "cache": got.headers["X-Cache"], "auth": json.loads(text).get("auth") if text.strip() else None}

    def kept(path, body, token=None) -> str:
        return answer("POST", path, body, token)["cache"]

    for how in ("revoke", "revoke-self", "revoke-accessor", "revoke-orphan"):
        body = {"role_id": "plain-role-id", "how": how}
        parent = answer("POST", login, body)["auth"]
        c.scrub(re.escape(parent["accessor"]), "<accessor>")
        mine = {"ttl": "90s", "meta": {"how": how}}
        answer("POST", create, mine, parent["client_token"])
        c.fact(f"{how}: before", [kept(login, body), kept(create, mine, parent["client_token"])])
        # Each token is renewed once as soon as it is kept; that must not come after its end.
        time.sleep(1)
        argument = {"revoke": {"token": parent["client_token"]}, "revoke-orphan": {"token": parent["client_token"]}, "revoke-accessor": {"accessor": parent["accessor"]}, "revoke-self": {}}[how]
        c.fact(f"{how}: status", answer("PUT", f"/v1/auth/token/{how}", argument, parent["client_token"] if how == "revoke-self" else None)["status"])
        c.until(lambda: kept(login, body) == "MISS", "the login is gone")  # noqa: B023
        c.fact(f"{how}: the child's", kept(create, mine, parent["client_token"]))
    agent.terminate()


@case("proxying", timed=True)
def cache_without_the_agents_token(c: Run):
    agent, port = listen(c, cache={})
    create, login = "/v1/auth/token/create", "/v1/auth/approle/login"
    plain = json.dumps({"role_id": "plain-role-id"})
    tell(c, port, [("POST", create, [], "{}"), ("POST", login, [], plain), ("POST", login, [], plain), ("POST", create, [("X-Vault-Token", c.api.token)], '{"ttl":"9m"}'), ("POST", create, [("X-Vault-Token", c.api.token)], '{"ttl":"9m"}'),
                   ("POST", create, [("X-Vault-Token", c.path("out/token").read_text())], '{"ttl":"9m"}'), ("POST", create, [("X-Vault-Token", c.path("out/token").read_text())], '{"ttl":"9m"}')])
    c.scrub(re.escape(c.path("out/token").read_text()), "<own>")
    agent.terminate()


@case("proxying", timed=True)
def cache_stanza_that_forces_the_token(c: Run):
    c.secret1("app", user="u")
    agent, port = listen(c, cache={"use_auto_auth_token": "Force"})
    tell(c, port, [("GET", f"/v1/{c.data1}/app", [("X-Vault-Token", "none")]), ("POST", "/v1/auth/token/create", [("X-Vault-Token", "none")], '{"ttl":"60s"}'), ("POST", "/v1/auth/token/create", [], '{"ttl":"60s"}')])
    agent.terminate()


@case("proxying", timed=True)
def proxy_before_the_login(c: Run):
    port = free_port()
    agent = c.agent({"auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": str(c.path("in/none"))}}, "sink": [c.sink()]}, "api_proxy": {"use_auto_auth_token": True}, "cache": {},
                     "listener": [{"type": "tcp", "address": f"127.0.0.1:{port}", "tls_disable": True}]})
    c.scrub(f":{port}\\b", ":<listener>")
    c.until_logged("no known role ID")
    tell(c, port, [("GET", "/v1/kv1/x"), ("GET", "/v1/sys/seal-status"), ("GET", "/v1/auth/token/lookup-self"), ("GET", "/v1/auth/token/lookup-self", [("X-Vault-Token", c.api.token)])])
    agent.terminate()


@case("proxying", timed=True)
def proxy_to_nobody(c: Run):
    port, nobody = free_port(), free_port()
    c.scrub(f":{nobody}\\b", ":<nobody>")
    c.scrub(f":{port}\\b", ":<listener>")
    agent = c.agent({"vault": {"address": f"http://127.0.0.1:{nobody}", "retry": {"num_retries": -1}}, "cache": {}, "listener": [{"type": "tcp", "address": f"127.0.0.1:{port}", "tls_disable": True}]})
    c.until(lambda: raw(port, "GET", "/agent/v1/metrics").startswith("200"), "the listener")
    tell(c, port, [("GET", "/v1/kv1/x"), ("POST", "/v1/kv1/x", [], "{}"), ("POST", "/agent/v1/cache-clear", [], '{"type":"all"}')])
    agent.terminate()
