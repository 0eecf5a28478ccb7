"""The cache: what is kept, for whom and until when; what takes it out; and that equal requests share one."""

import threading
import time

from e2e.agent.world import Case, ask, curl

CREDS = "/v1/broker/creds/app"


def token_of(answer) -> str:
    return answer.json["auth"]["client_token"]


class Cache(Case):
    def cached(self, **config):
        return self.listening(cache={}, **{"api_proxy": {"use_auto_auth_token": True}, **config})

    def hits(self, port: int, method: str, path: str, times: int = 2, **how) -> list:
        return [ask(port, method, path, **how).headers.get("x-cache") for _ in range(times)]

    def test_a_leased_secret_is_issued_once_and_given_to_all_who_ask_alike(self):
        _, port = self.cached()
        first = ask(port, "GET", CREDS)
        time.sleep(1.1)
        second = ask(port, "GET", CREDS)
        self.assertEqual(first.json["data"], second.json["data"])
        self.assertEqual((first.headers["x-cache"], second.headers["x-cache"]), ("MISS", "HIT"))
        self.assertNotIn("age", first.headers)
        self.assertIn(second.headers["age"], ("1", "2"))
        self.assertIn("date", second.headers)
        self.assertEqual(self.paths().count("broker/creds/app"), 1)
        # Any other byte is another request.
        other = ask(port, "GET", CREDS, X_Other="1")
        self.assertNotEqual(other.json["lease_id"], first.json["lease_id"])
        # The lease is looked after from the start.
        self.assertIn("sys/leases/renew", self.paths())

    def test_key_values_are_read_anew_each_time(self):
        _, port = self.cached()
        self.assertEqual(self.hits(port, "GET", "/v1/secret/data/app", 3), ["MISS"] * 3)
        self.assertEqual(self.paths().count("secret/data/app"), 3)

    def test_without_the_agents_token_nothing_of_strangers_is_kept(self):
        _, port = self.listening(cache={})
        self.assertEqual(self.hits(port, "GET", CREDS, X_Vault_Token=self.api.token), ["MISS", "MISS"])
        # An orphan is nobody's child, and its leases are the agent's to look after from then on.
        logins = [ask(port, "POST", "/v1/auth/approle/login", {"role_id": "other-role-id"}) for _ in range(2)]
        self.assertEqual(token_of(logins[0]), token_of(logins[1]))
        self.assertEqual(self.hits(port, "GET", CREDS, X_Vault_Token=token_of(logins[0])), ["MISS", "HIT"])

    def test_revocation_takes_out_what_depends_on_it(self):
        _, port = self.cached()
        login = lambda: ask(port, "POST", "/v1/auth/approle/login", {"role_id": "other-role-id"})  # noqa: E731
        token = token_of(login())
        lease = lambda: ask(port, "GET", CREDS, X_Vault_Token=token)  # noqa: E731
        lease()
        for path, body in (("sys/leases/revoke", lambda: {"lease_id": lease().json["lease_id"]}), ("sys/leases/revoke-prefix/broker/creds/app", dict),
                           ("sys/leases/revoke-force/broker", dict)):
            with self.subTest(path):
                self.assertEqual(lease().headers["x-cache"], "HIT")
                self.assertEqual(ask(port, "PUT", f"/v1/{path}", body(), X_Vault_Token=token).status, 204)
                self.assertEqual(lease().headers["x-cache"], "MISS")
        child = ask(port, "POST", "/v1/auth/token/create", {"ttl": "5m"}, X_Vault_Token=token)
        self.assertEqual(ask(port, "POST", "/v1/auth/token/create", {"ttl": "5m"}, X_Vault_Token=token).headers["x-cache"], "HIT")
        self.assertEqual(ask(port, "PUT", "/v1/auth/token/revoke-self", X_Vault_Token=token).status, 204)
        self.assertFalse(self.api.alive(token_of(child)))
        self.assertEqual(login().headers["x-cache"], "MISS")

    def test_each_way_to_clear_takes_out_what_it_names(self):
        _, port = self.cached()
        for kind, value in (("lease", lambda a: a.json["lease_id"]), ("request_path", lambda _: "/v1/broker"), ("all", lambda _: "")):
            with self.subTest(kind):
                kept = ask(port, "GET", CREDS)
                self.assertEqual(ask(port, "GET", CREDS).headers["x-cache"], "HIT")
                clear = ask(port, "POST", "/agent/v1/cache-clear", {"type": kind, "value": value(kept)})
                self.assertEqual((clear.status, clear.text), (200, ""))
                self.assertEqual(ask(port, "GET", CREDS).headers["x-cache"], "MISS")
                # Clearing forgets, it does not revoke.
                self.assertEqual(self.api.write("sys/leases/lookup", lease_id=kept.json["lease_id"])["data"]["id"], kept.json["lease_id"])
        for kind, member in (("token", "client_token"), ("token_accessor", "accessor")):
            with self.subTest(kind):
                login = ask(port, "POST", "/v1/auth/approle/login", {"role_id": "other-role-id"})
                token = token_of(login)
                ask(port, "GET", CREDS, X_Vault_Token=token)
                self.assertEqual(ask(port, "GET", CREDS, X_Vault_Token=token).headers["x-cache"], "HIT")
                ask(port, "PUT", "/agent/v1/cache-clear", {"type": kind, "value": login.json["auth"][member]})
                self.assertEqual(ask(port, "GET", CREDS, X_Vault_Token=token).headers["x-cache"], "MISS")

    def test_clear_calls_that_mean_nothing_say_so(self):
        _, port = self.cached()
        url = f"http://127.0.0.1:{port}/agent/v1/cache-clear"
        for body, status, error in (
                ("", 400, "failed to parse JSON input: empty JSON provided"),
                ("{}", 400, "failed to parse clear input: no type provided"),
                ('{"type":"x"}', 400, "failed to clear cache: invalid type provided"),
                ('{"type":"token"}', 500, "failed to clear cache: token not provided"),
                ('{"type":"request_path"}', 500, "failed to clear cache: request path not provided"),
                ('{"type":"token_accessor"}', 500, "failed to clear cache: token accessor not provided"),
                ('{"type":"lease"}', 500, "failed to clear cache: lease not provided")):
            with self.subTest(body):
                self.assertEqual(curl("-X", "POST", "-d", body, url)[1].strip(), f'{{"errors":["{error}"]}}')
                answer = ask(port, "POST", "/agent/v1/cache-clear", body)
                self.assertEqual((answer.status, answer.json), (status, {"errors": [error]}))
        self.assertEqual(ask(port, "GET", "/agent/v1/cache-clear").status, 200)
        self.assertEqual(ask(port, "POST", "/agent/v1/cache-clear", {"type": "token", "value": "unknown"}).status, 200)

    def test_without_a_cache_there_is_nothing_to_clear_and_nothing_wrong(self):
        _, port = self.listening(api_proxy={"use_auto_auth_token": True})
        for body in ("", '{"type":"x"}'):
            answer = ask(port, "POST", "/agent/v1/cache-clear", body)
            self.assertEqual((answer.status, answer.text), (200, ""))

    def test_a_new_login_takes_out_what_came_with_the_old_token(self):
        # Its token lives 4 s and cannot outlive 4 s.
        self.api.write("auth/approle/role/brief", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"], token_policies=["everything"], token_ttl="4s", token_max_ttl="4s")
        self.api.write("auth/approle/role/brief/role-id", role_id="brief-role-id")
        agent, port = self.listening(role="brief", cache={}, api_proxy={"use_auto_auth_token": True})
        first = ask(port, "GET", CREDS)
        token = (self.folder / "token").read_text()
        while (self.folder / "token").read_text() == token:
            self.assertIsNone(agent.process.poll())
            time.sleep(0.1)
        second = ask(port, "GET", CREDS)
        self.assertEqual(second.headers["x-cache"], "MISS")
        self.assertNotEqual(first.json["lease_id"], second.json["lease_id"])


class Sharing(Case):
    def at_once(self, port: int, method: str, path: str, body=None, count: int = 20) -> list:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ask(port, method, path, body))) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def test_equal_requests_for_a_lease_become_one_with_the_cache(self):
        _, port = self.listening(cache={}, api_proxy={"use_auto_auth_token": True})
        answers = self.at_once(port, "GET", CREDS)
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({answer.json["lease_id"] for answer in answers}), 1)
        self.assertEqual(self.paths().count("broker/creds/app"), 1)

    def test_equal_logins_become_one_with_the_cache(self):
        _, port = self.listening(cache={}, api_proxy={"use_auto_auth_token": True})
        before = self.paths().count("auth/approle/login")
        answers = self.at_once(port, "POST", "/v1/auth/approle/login", {"role_id": "other-role-id"})
        self.assertEqual(len({token_of(answer) for answer in answers}), 1)
        self.assertEqual(self.paths().count("auth/approle/login") - before, 1)

    def test_without_a_cache_each_request_goes_to_the_server(self):
        _, port = self.listening(api_proxy={"use_auto_auth_token": True})
        answers = self.at_once(port, "GET", CREDS, count=5)
        self.assertEqual(len({answer.json["lease_id"] for answer in answers}), 5)
