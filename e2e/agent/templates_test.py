"""Templates: how many round trips they cost, and that one which fails, or a server that does, harms nothing else."""

import json
import re
import time

from e2e.agent.world import Case, ask, free_port, wait_for  # first, because it says where the next ones are

from faulty import Fault, FaultyProxy, answer, cut
from server import LOCAL, Authority

READ = '{{ with secret "secret/data/%s" }}{{ .Data.data.v }}{{ end }}'


class Templates(Case):
    def setUp(self):
        super().setUp()
        certificates = {"good": self.world.authority.issue("proxy", LOCAL)}
        self.proxy = FaultyProxy(self.world.bao.port, certificates, self._testMethodName)
        self.addCleanup(self.proxy.close)
        self.name = f"t/{self._testMethodName}"

    def put(self, name: str, value: str):
        self.api.write(f"secret/data/{self.name}/{name}", data={"v": value})

    def template(self, name: str, contents: str | None = None, **more) -> dict:
        return {"contents": contents or READ % f"{self.name}/{name}", "destination": str(self.folder / name), **more}

    def read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text()
        except OSError:
            return ""

    def through_proxy(self) -> dict:
        return {"address": f"https://127.0.0.1:{self.proxy.port}", "ca_cert": str(self.world.authority.cert)}

    def rounds(self, *templates: dict) -> tuple[int, list[str]]:
        """Runs an init agent against a server that takes its time: how many requests had to wait for one another, and all paths."""
        trips: list[tuple[float, float, str]] = []

        def slowly(proxy, client, request):
            began = time.monotonic()
            time.sleep(0.25)
            reply = proxy.forward(request)
            trips.append((began, time.monotonic(), request.split(b" ", 2)[1].decode().removeprefix("/v1/")))
            client.sendall(reply)

        self.proxy.break_with(Fault("slow", "request", slowly))
        agent = self.agent({"vault": self.through_proxy(), "auto_auth": {"method": self.method()}, "template": list(templates), "exit_after_auth": True})
        self.assertEqual(agent.exit(40), 0, agent.told())
        depths: list[tuple[float, int]] = []
        for began, ended, _ in sorted(trips):
            depths.append((ended, 1 + max((depth for end, depth in depths if end <= began), default=0)))
        return max(depth for _, depth in depths), [path for *_, path in trips]

    def test_twenty_secrets_cost_as_many_round_trips_as_one(self):
        for number in range(20):
            self.put(str(number), f"value-{number}")
        depth, paths = self.rounds(*[self.template(str(number)) for number in range(20)])
        self.assertEqual([self.read(str(number)) for number in range(20)], [f"value-{number}" for number in range(20)])
        # The login, what kind of mount it is, all secrets at once.
        self.assertEqual(depth, 3, paths)
        self.assertEqual(sum(path.startswith("secret/data/") for path in paths), 20)
        self.assertEqual(sum(path.startswith("sys/internal/ui/mounts/") for path in paths), 1)

    def test_a_chain_costs_its_links(self):
        self.put("a", "b")
        self.put("b", "c")
        self.put("c", "end")
        first, rest = f'(secret "secret/data/{self.name}/a").Data.data.v', 'secret (printf "secret/data/%s/%%s"' % self.name
        chain = "{{ with %s }}{{ with %s .) }}{{ with %s .Data.data.v) }}{{ .Data.data.v }}{{ end }}{{ end }}{{ end }}" % (first, rest, rest)
        depth, paths = self.rounds(self.template("chain", chain), self.template("a"))
        self.assertEqual(self.read("chain"), "end")
        self.assertEqual(depth, 5, paths)

    def test_equal_requests_share_one_answer(self):
        self.put("a", "one")
        _, paths = self.rounds(*[self.template("a", destination=str(self.folder / f"copy-{n}")) for n in range(5)])
        self.assertEqual({self.read(f"copy-{n}") for n in range(5)}, {"one"})
        self.assertEqual(sum(path.startswith("secret/data/") for path in paths), 1, paths)

    def test_templates_that_fail_stop_no_other_and_come_back_by_themselves(self):
        self.put("good", "1")
        (self.folder / "unwritable").mkdir()
        self.api.policy("almost", f'path "secret/data/{self.name}/denied" {{ capabilities = ["deny"] }}\npath "secret/*" {{ capabilities = ["read"] }}\n'
                                  'path "sys/internal/ui/mounts/*" { capabilities = ["read"] }')
        self.api.write("auth/approle/role/almost", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"], token_policies=["almost"], token_ttl="1h")
        self.api.write("auth/approle/role/almost/role-id", role_id="almost-role-id")
        port = free_port()
        agent = self.agent({
            "auto_auth": self.login("almost"), "template_config": {"static_secret_render_interval": "1s"},
            "listener": [{"type": "tcp", "address": f"127.0.0.1:{port}", "tls_disable": True}],
            "template": [self.template("denied"), self.template("missing"), self.template("bad", "{{ nonsense }}"),
                         self.template("function", '{{ "x" | parseInt }}'), self.template("key", '{{ with secret "secret/data/%s/good" }}{{ .Data.data.none }}{{ end }}' % self.name,
                                                                                         error_on_missing_key=True),
                         self.template("unwritable", READ % f"{self.name}/good"), self.template("good")]})
        for value in ("2", "3"):
            wait_for(lambda: self.read("good"), "the good file")
            self.put("good", value)
            wait_for(lambda: self.read("good") == value, f"the good file with {value}", 10)
        log = agent.told()
        for text in (f"vault.read(secret/data/{self.name}/denied)", "permission denied", f"no secret exists at secret/data/{self.name}/missing",
                     'nonsense', "parseInt", "map has no entry for key", "is a directory"):
            self.assertIn(text, log)
        health = ask(port, "GET", "/agent/v1/metrics").json
        failing = {each["Labels"]["destination"] for each in health["Counters"] if each["Name"].endswith("agent.template.failures") and each["Count"]}
        for name in ("bad", "function", "key", "unwritable"):
            self.assertIn(str(self.folder / name), failing, json.dumps(health)[:3000])
        self.assertNotIn(str(self.folder / "good"), failing)
        # No busy loop: what fails is tried again with growing pauses.
        self.assertLess(log.count("nonsense"), 12, log)
        # What was wrong is put right from outside; nobody restarts anything.
        self.put("missing", "there")
        (self.folder / "unwritable").rmdir()
        wait_for(lambda: self.read("missing") == "there", "the secret that was missing", 30)
        wait_for(lambda: self.read("unwritable") == "3", "the file that could not be written", 30)

    def test_retry_after_is_kept_to(self):
        self.put("a", "1")
        turned_away: list[float] = []

        def busy(proxy, client, request):
            if b"/v1/secret/data/" in request.split(b"\r\n", 1)[0] and not turned_away:
                turned_away.append(time.monotonic())
                return answer("429 Too Many Requests", '{"errors":["slow down"]}', Retry_After="2")(proxy, client, request)
            if b"/v1/secret/data/" in request.split(b"\r\n", 1)[0]:
                turned_away.append(time.monotonic())
            client.sendall(proxy.forward(request))

        self.proxy.break_with(Fault("busy", "request", busy))
        agent = self.agent({"vault": self.through_proxy(), "auto_auth": {"method": self.method()}, "template": [self.template("a")], "exit_after_auth": True})
        self.assertEqual(agent.exit(), 0, agent.told())
        self.assertEqual(len(turned_away), 2)
        self.assertGreaterEqual(turned_away[1] - turned_away[0], 1.95)
        self.assertLess(turned_away[1] - turned_away[0], 6)

    def test_half_an_answer_never_becomes_a_file(self):
        self.put("a", "first " * 500)
        agent = self.agent({"vault": self.through_proxy(), "auto_auth": self.login(), "template": [self.template("a")],
                            "template_config": {"static_secret_render_interval": "1s"}})
        wait_for(lambda: self.read("a") == "first " * 500, "the first file")
        self.proxy.break_with(Fault("cut", "request", cut(0.6)))
        self.put("a", "second " * 500)
        until = time.monotonic() + 4
        while time.monotonic() < until:
            self.assertEqual(self.read("a"), "first " * 500)
            time.sleep(0.02)
        self.proxy.mend()
        wait_for(lambda: self.read("a") == "second " * 500, "the second file", 20)
        self.assertIsNone(agent.process.poll())

    def test_a_changed_authority_is_trusted_without_a_restart(self):
        self.put("a", "1")
        ca = self.folder / "ca.pem"
        ca.write_text(self.world.authority.cert.read_text())
        agent = self.agent({"vault": {**self.through_proxy(), "ca_cert": str(ca)}, "auto_auth": self.login(), "template": [self.template("a")],
                            "template_config": {"static_secret_render_interval": "1s"}})
        wait_for(lambda: self.read("a") == "1", "the first file")
        other = Authority(self.folder / "other", "other")
        served = FaultyProxy(self.world.bao.port, {"good": other.issue("proxy", LOCAL)}, "other")
        self.addCleanup(served.close)
        # The server gets a certificate of the new authority before the file does.
        self.proxy.contexts = served.contexts
        self.proxy._drop_clients()
        self.put("a", "2")
        agent.until_logged("x509: certificate signed by unknown authority")
        self.assertEqual(self.read("a"), "1")
        ca.with_suffix(".new").write_text(other.cert.read_text())
        ca.with_suffix(".new").rename(ca)
        wait_for(lambda: self.read("a") == "2", "the file, read over the new certificate", 20)

    def test_no_error_shows_a_secret(self):
        self.put("a", "s3cr3t-of-twenty-chars")
        agent = self.agent({"auto_auth": self.login(), "vault": {"address": f"http://127.0.0.1:{self.world.bao.port}", "retry": {"num_retries": -1}},
                            "template_config": {"exit_on_retry_failure": True},
                            "template": [self.template("a", '{{ with secret "secret/data/%s/a" }}{{ .Data.data.v | parseInt }}{{ end }}' % self.name)]})
        self.assertEqual(agent.exit(), 1)
        self.assertIsNotNone(re.search(r"parseInt.*\[redacted\]", agent.told()), agent.told())
        self.assertNotIn("s3cr3t", agent.told())
