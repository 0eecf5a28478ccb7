"""The agent's own listener: proxy, token, cache, quit, hand-over."""

import http.client
import json

from case import Run, case
from server import free_port


def ask(port: int, method: str, path: str, body=None, **headers) -> tuple[int, dict, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, None if body is None else json.dumps(body), {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    # Names of headers are the same in any case.
    return answer.status, {name.title(): value for name, value in answer.getheaders()}, text


def listen(c: Run, listener=None, method=None, **config):
    port = free_port()
    agent = c.agent({"auto_auth": {"method": method or c.approle(), "sink": [c.sink()]},
                     "listener": [{"type": "tcp", "address": f"127.0.0.1:{port}", "tls_disable": True, **(listener or {})}], **config})
    c.scrub(f":{port}\\b", ":<listener>")
    c.until_file("out/token")
    c.until_logged("renewed auth token")
    return agent, port


def seen(c: Run, name: str, answer: tuple[int, dict, str], body=True):
    status, headers, text = answer
    try:
        parsed = json.loads(text)
        parsed.pop("request_id", None)
        text = json.dumps(parsed, sort_keys=True)
    except (ValueError, AttributeError):
        pass
    c.fact(name, f"{status} {headers.get('Content-Type')} cache={headers.get('X-Cache')} {text if body else ''}")


@case("listener", timed=True)
def proxy_with_the_agents_token(c: Run):
    c.secret1("app", user="u")
    agent, port = listen(c, api_proxy={"use_auto_auth_token": True})
    seen(c, "read", ask(port, "GET", f"/v1/{c.data1}/app"))
    seen(c, "missing", ask(port, "GET", f"/v1/{c.data1}/none"))
    seen(c, "list", ask(port, "GET", f"/v1/{c.data1}?list=true"))
    seen(c, "write", ask(port, "PUT", f"/v1/{c.data1}/new", {"a": "b"}))
    seen(c, "bad token of its own", ask(port, "GET", f"/v1/{c.data1}/app", X_Vault_Token="s.AAAAAAAAAAAAAAAAAAAAAAAA"))
    agent.terminate()


@case("listener", timed=True)
def proxy_without_a_token(c: Run):
    c.secret1("app", user="u")
    agent, port = listen(c)
    seen(c, "read", ask(port, "GET", f"/v1/{c.data1}/app"))
    seen(c, "read with a token", ask(port, "GET", f"/v1/{c.data1}/app", X_Vault_Token=c.api.token))
    agent.terminate()


@case("listener", timed=True)
def proxy_that_forces_its_token(c: Run):
    c.secret1("app", user="u")
    agent, port = listen(c, api_proxy={"use_auto_auth_token": "force"})
    seen(c, "read", ask(port, "GET", f"/v1/{c.data1}/app", X_Vault_Token="s.AAAAAAAAAAAAAAAAAAAAAAAA"))
    agent.terminate()


@case("listener", timed=True, differs=dict.fromkeys(['facts'], "listener: answers about the agent's own token"))
def the_agents_token_is_not_given_away(c: Run):
    agent, port = listen(c, api_proxy={"use_auto_auth_token": True})
    answer = ask(port, "GET", "/v1/auth/token/lookup-self")
    c.fact("lookup-self", sorted(json.loads(answer[2])["data"]))
    answer = ask(port, "PUT", "/v1/auth/token/renew-self", {})
    c.fact("renew-self", sorted(json.loads(answer[2])["auth"]))
    agent.terminate()


@case("listener", timed=True)
def request_header_is_required(c: Run):
    agent, port = listen(c, {"require_request_header": True})
    seen(c, "without", ask(port, "GET", "/v1/sys/seal-status"))
    c.fact("with", ask(port, "GET", "/v1/sys/seal-status", X_Vault_Request="true")[0])
    seen(c, "in capitals", ask(port, "GET", "/v1/sys/seal-status", X_Vault_Request="TRUE"))
    agent.terminate()


@case("listener", timed=True, differs={"stdout": "after `POST /agent/v1/quit`"})
def quit_call(c: Run):
    agent, port = listen(c, {"agent_api": {"enable_quit": True}})
    c.fact("get", ask(port, "GET", "/agent/v1/quit")[0])
    c.fact("post", ask(port, "POST", "/agent/v1/quit")[0])
    agent.exit()


@case("listener", timed=True)
def quit_call_is_off_by_default(c: Run):
    agent, port = listen(c)
    c.fact("post", ask(port, "POST", "/agent/v1/quit")[0])
    agent.terminate()


@case("listener", timed=True)
def metrics_only(c: Run):
    agent, port = listen(c, {"role": "metrics_only"}, telemetry={"prometheus_retention_time": "1h", "disable_hostname": True})
    c.fact("metrics", ask(port, "GET", "/agent/v1/metrics")[0])
    c.fact("prometheus", ask(port, "GET", "/agent/v1/metrics?format=prometheus")[0])
    seen(c, "unknown format", ask(port, "GET", "/agent/v1/metrics?format=xx"))
    c.fact("post", ask(port, "POST", "/agent/v1/metrics")[0])
    seen(c, "other path", ask(port, "GET", "/v1/sys/health"))
    agent.terminate()


@case("listener", timed=True)
def created_tokens_are_cached(c: Run):
    agent, port = listen(c, cache={}, api_proxy={"use_auto_auth_token": True})
    first = ask(port, "POST", "/v1/auth/token/create", {"ttl": "60s"})
    second = ask(port, "POST", "/v1/auth/token/create", {"ttl": "60s"})
    other = ask(port, "POST", "/v1/auth/token/create", {"ttl": "61s"})
    token = lambda answer: json.loads(answer[2])["auth"]["client_token"]
    c.fact("cache", [answer[1].get("X-Cache") for answer in (first, second, other)])
    c.fact("same token", token(first) == token(second))
    c.fact("another", token(first) != token(other))
    seen(c, "revoke", ask(port, "POST", "/v1/auth/token/revoke", {"token": token(first)}))
    # The original evicts a moment after it answered.
    c.until(lambda: token(ask(port, "POST", "/v1/auth/token/create", {"ttl": "60s"})) != token(first), "the revoked token leaves the cache")
    agent.terminate()


@case("listener", timed=True)
def key_values_are_not_cached(c: Run):
    c.secret1("app", user="u")
    agent, port = listen(c, cache={}, api_proxy={"use_auto_auth_token": True})
    c.fact("cache", [ask(port, "GET", f"/v1/{c.data1}/app")[1].get("X-Cache") for _ in range(2)])
    agent.terminate()


@case("listener", timed=True)
def cache_clear(c: Run):
    agent, port = listen(c, cache={}, api_proxy={"use_auto_auth_token": True})
    create = lambda: ask(port, "POST", "/v1/auth/token/create", {"ttl": "60s"})
    create()
    seen(c, "empty", ask(port, "POST", "/agent/v1/cache-clear"))
    seen(c, "no type", ask(port, "POST", "/agent/v1/cache-clear", {"value": "x"}))
    seen(c, "bad type", ask(port, "POST", "/agent/v1/cache-clear", {"type": "foo"}))
    seen(c, "no token", ask(port, "POST", "/agent/v1/cache-clear", {"type": "token"}))
    seen(c, "no path", ask(port, "POST", "/agent/v1/cache-clear", {"type": "request_path"}))
    c.fact("still there", create()[1].get("X-Cache"))
    seen(c, "by path", ask(port, "POST", "/agent/v1/cache-clear", {"type": "request_path", "value": "/v1/auth/token/create"}))
    c.fact("gone", create()[1].get("X-Cache"))
    seen(c, "all", ask(port, "PUT", "/agent/v1/cache-clear", {"type": "all"}))
    c.fact("gone again", create()[1].get("X-Cache"))
    agent.terminate()


@case("listener", timed=True, differs={"requests": "the `User-Agent` of templates that go through"})
def persistent_cache_hands_over(c: Run):
    c.path("out/cache").mkdir()
    c.put("in/sa", "account-token")
    cache = {"persist": {"type": "kubernetes", "path": str(c.path("out/cache")), "keep_after_import": True,
                         "service_account_token_file": str(c.path("in/sa"))}}
    text = '{{ with secret "auth/token/create" "ttl=10m" }}{{ .Auth.ClientToken }}{{ end }}'
    config = {"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "template": [c.template(text)], "cache": {**cache, "use_auto_auth_token": True},
              "listener": [{"type": "tcp", "address": f"127.0.0.1:{free_port()}", "tls_disable": True}]}
    c.agent({**config, "exit_after_auth": True}, name="init").exit()
    first = (c.path("out/token").read_text(), c.path("out/rendered").read_text())
    c.path("out/token").unlink()
    agent = c.agent(config, name="sidecar")
    c.until_file("out/token")
    c.until_logged("template server received new token")
    c.until_logged("renewed auth token")
    c.fact("same token", c.path("out/token").read_text() == first[0])
    c.fact("same secret", c.path("out/rendered").read_text() == first[1])
    c.fact("logins", sum("approle/login" in e["request"]["path"] for e in c.server.requests(c.source)))
    agent.terminate()
    c.fact("file", [p.name.replace("bao-", "vault-") for p in c.path("out/cache").iterdir()])
    for file in c.path("out/cache").iterdir():
        c.skip_file(f"out/cache/{file.name}")
    c.scrub(r"127\.0\.0\.1:\d+", "<listener>")


MET_LATER = dict.fromkeys(["stdout", "log"], "wrong values that `vault agent` meets")


def with_tls(c: Run, **settings):
    """Starts with a listener whose TLS settings cannot be used."""
    files = {"tls_cert_file": str(c.server.authority.cert), "tls_key_file": str(c.server.authority.key)}
    listener = {"type": "tcp", "address": f"127.0.0.1:{free_port()}", **files, **settings}
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "listener": [listener]}).exit()


@case("listener", differs=MET_LATER)
def tls_of_a_version_that_nobody_knows(c: Run):
    with_tls(c, tls_min_version="tls09")


@case("listener", differs=MET_LATER)
def tls_up_to_a_version_that_nobody_knows(c: Run):
    with_tls(c, tls_max_version="TLS12")


@case("listener", differs=MET_LATER)
def tls_versions_in_the_wrong_order(c: Run):
    with_tls(c, tls_min_version="tls13", tls_max_version="tls12")
