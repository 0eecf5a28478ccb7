"""The numbers, as Prometheus, statsd, people with curl and probes see them."""

import os
import re
import signal
import socket
import subprocess
import time

from e2e.agent.world import AGENT, Case, OverSocket, ask, curl, free_port, wait_for

GOOD = '{{ with secret "broker/creds/app" }}{{ .Data.username }}{{ end }}'


class Telemetry(Case):
    def templates(self, *contents: str) -> list[dict]:
        return [{"contents": each, "destination": str(self.folder / f"file-{number}")} for number, each in enumerate(contents)]

    def serving(self, *contents: str, telemetry=None, listener=None, **config):
        telemetry = {"prometheus_retention_time": "1h", "disable_hostname": True} if telemetry is None else telemetry
        return self.listening({"role": "metrics_only", **(listener or {})}, template=self.templates(*contents), telemetry=telemetry, **config)

    def scrape(self, port: int) -> dict[str, float]:
        code, text = curl(f"http://127.0.0.1:{port}/agent/v1/metrics?format=prometheus")
        self.assertEqual(code, 0)
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for line in lines:
            self.assertRegex(line, r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+0-9.eE]+$')
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    def test_prometheus_has_the_references_names_and_what_people_ask_for(self):
        agent, port = self.serving(GOOD, "plain")
        wait_for(lambda: (self.folder / "file-0").exists() and (self.folder / "file-1").exists(), "the files")
        seen = wait_for(lambda: (s := self.scrape(port)).get("vault_agent_templates_fresh") == 1 and s, "all fresh")
        # A login and the first renewal.
        self.assertEqual((seen["vault_agent_auth_success"], seen["vault_agent_authenticated"]), (2, 1))
        for number in range(2):
            label = f'{{destination="{self.folder}/file-{number}"}}'
            self.assertEqual(seen[f"vault_agent_template_fresh{label}"], 1)
            self.assertEqual(seen[f"vault_agent_template_failures{label}"], 0)
            self.assertEqual(seen[f"vault_agent_template_bytes{label}"], (self.folder / f"file-{number}").stat().st_size)
            self.assertLess(seen[f"vault_agent_template_age_seconds{label}"], 20)
            self.assertLess(abs(seen[f"vault_agent_template_last_success_timestamp_seconds{label}"] - time.time()), 20)
        self.assertTrue(3500 < seen["vault_agent_token_ttl_seconds"] <= 3600)
        self.assertTrue(3500 < seen['vault_agent_lease_ttl_seconds{dependency="vault.read(broker/creds/app)"}'] <= 3600)
        # The same by the header that Prometheus sends.
        for accept in ("application/openmetrics-text; version=1.0.0", "text/plain;version=0.0.4;q=0.3"):
            self.assertIn("# TYPE vault_agent_auth_success counter\n", curl("-H", f"Accept: {accept}", f"http://127.0.0.1:{port}/agent/v1/metrics")[1])
        self.assertEqual(agent.terminate(), 0)

    def test_a_template_that_fails_is_not_fresh_and_says_so_everywhere(self):
        agent, port = self.serving("fine", '{{ with secret "secret/data/none" }}{{ end }}')
        label = f'{{destination="{self.folder}/file-1"}}'
        seen = wait_for(lambda: (s := self.scrape(port)).get(f"vault_agent_template_failures{label}", 0) > 0 and s, "a failure")
        self.assertEqual((seen["vault_agent_templates_fresh"], seen[f"vault_agent_template_fresh{label}"]), (0, 0))
        self.assertNotIn(f"vault_agent_template_bytes{label}", seen)
        health = ask(port, "GET", "/agent/v1/health")
        self.assertEqual((health.status, health.json), (503, {"healthy": False, "authenticated": True, "stale_templates": [f"{self.folder}/file-1"]}))
        probe = subprocess.run([AGENT, "healthcheck", f"-address=http://127.0.0.1:{port}"], capture_output=True, text=True, check=False)
        self.assertEqual((probe.returncode, "file-1" in probe.stdout), (1, True))
        self.api.write("secret/data/none", data={"now": "there"})
        wait_for(lambda: ask(port, "GET", "/agent/v1/health").status == 200, "health")
        self.assertEqual(self.scrape(port)["vault_agent_templates_fresh"], 1)
        self.api.delete("secret/metadata/none")
        self.assertEqual(agent.terminate(), 0)

    def test_a_file_whose_secret_can_no_longer_be_read_is_not_fresh_although_another_part_of_it_is(self):
        name = self.folder.name[-8:]
        for each in ("a", "b"):
            self.api.write(f"secret/data/{name}-{each}", data={"x": "1"})
        text = "".join(f'{{{{ with secret "secret/data/{name}-{each}" }}}}{{{{ .Data.data.x }}}}{{{{ end }}}}' for each in ("a", "b"))
        _, port = self.serving(text, template_config={"static_secret_render_interval": "1s"})
        wait_for(lambda: self.scrape(port).get("vault_agent_templates_fresh") == 1, "all fresh")
        self.api.delete(f"secret/metadata/{name}-b")
        wait_for(lambda: self.scrape(port)["vault_agent_templates_fresh"] == 0, "trouble")
        # The other secret goes on being read and the file being rendered from both.
        for _ in range(20):
            self.assertEqual(self.scrape(port)["vault_agent_templates_fresh"], 0)
            time.sleep(0.1)
        self.assertEqual((self.folder / "file-0").read_text(), "11")
        self.api.write(f"secret/data/{name}-b", data={"x": "2"})
        wait_for(lambda: self.scrape(port)["vault_agent_templates_fresh"] == 1, "all fresh again")
        self.assertEqual((self.folder / "file-0").read_text(), "12")

    def test_counters_of_proxy_and_cache_count(self):
        _, port = self.listening(cache={}, api_proxy={"use_auto_auth_token": True}, telemetry={"disable_hostname": True})
        before = self.scrape(port)
        for path, token in (("/v1/broker/creds/app", None), ("/v1/broker/creds/app", None), ("/v1/secret/data/app", None), ("/v1/secret/data/app", "none")):
            ask(port, "GET", path, **({"X_Vault_Token": token} if token else {}))
        after = self.scrape(port)
        grown = {name: after.get(f"vault_agent_{name}", 0) - before.get(f"vault_agent_{name}", 0) for name in ("proxy_success", "proxy_client_error", "proxy_error", "cache_hit", "cache_miss")}
        self.assertEqual(grown, {"proxy_success": 3, "proxy_client_error": 1, "proxy_error": 0, "cache_hit": 1, "cache_miss": 3})

    def test_json_is_the_default_and_other_formats_are_refused(self):
        _, port = self.serving("x", telemetry={})
        snapshot = ask(port, "GET", "/agent/v1/metrics").json
        self.assertEqual(sorted(snapshot), ["Counters", "Gauges", "Points", "Samples", "Timestamp"])
        self.assertRegex(snapshot["Timestamp"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$")
        # With the host's name in front of gauges unless that is turned off.
        self.assertIn(f"vault.{socket.gethostname()}.agent.authenticated", [gauge["Name"] for gauge in snapshot["Gauges"]])
        self.assertIn("vault.agent.auth.success", [counter["Name"] for counter in snapshot["Counters"]])
        answer = ask(port, "GET", "/agent/v1/metrics?format=xx")
        self.assertEqual((answer.status, answer.text.strip()), (400, 'metric response format "xx" unknown'))

    def test_prometheus_is_off_without_the_stanza_or_with_no_retention(self):
        for more in ({}, {"telemetry": {"prometheus_retention_time": 0}}):
            with self.subTest(more):
                _, port = self.listening(**more)
                self.assertEqual(ask(port, "GET", "/agent/v1/metrics?format=prometheus").status, 400)
                self.assertEqual(ask(port, "GET", "/agent/v1/metrics").status, 200)

    def test_prefix_and_filters_decide_on_names(self):
        _, port = self.listening(cache={}, telemetry={"disable_hostname": True, "metrics_prefix": "mine", "prefix_filter": ["-mine.agent", "+mine.agent.auth."]})
        ask(port, "GET", "/v1/sys/health")
        self.assertEqual(list(self.scrape(port)), ["mine_agent_auth_success"])

    def test_statsd_is_told_what_grew(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
            statsd.bind(("127.0.0.1", 0))
            statsd.settimeout(10)
            self.serving("x", telemetry={"statsd_address": f"127.0.0.1:{statsd.getsockname()[1]}", "disable_hostname": True})
            lines = []
            while not any(line == "vault.agent.templates.fresh:1|g" for line in lines):
                packet = statsd.recv(65536)
                self.assertLessEqual(len(packet), 1432)
                lines += packet.decode().splitlines()
            for line in lines:
                self.assertRegex(line, r"^vault\.agent\.[a-zA-Z0-9_.-]+:[-0-9.]+\|[cg]$")
            self.assertEqual(sum(int(line.split(":")[1].split("|")[0]) for line in lines if line.startswith("vault.agent.auth.success:")) in (1, 2), True)

    def test_health_and_healthcheck_over_a_socket_and_before_the_login(self):
        path = self.folder / "socket"
        listener = {"type": "unix", "address": str(path), "tls_disable": True, "role": "metrics_only"}
        config = {"auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": "/nonexistent"}}, "sink": [{"type": "file", "config": {"path": str(self.folder / "t")}}]}, "listener": [listener]}
        agent = self.agent(config)
        agent.until_logged("authenticating")
        self.assertEqual(ask(0, "GET", "/agent/v1/health", connection=OverSocket(path)).json, {"healthy": False, "authenticated": False, "stale_templates": []})

        def probe(*words, **env):
            return subprocess.run([AGENT, "healthcheck", *words], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], **env})

        self.assertEqual(probe(f"-address=unix://{path}").returncode, 1)
        agent.stop()
        agent = self.agent({**config, "auto_auth": self.login()})
        agent.until_logged("renewed auth token")
        self.assertEqual(probe(f"-address=unix://{path}").returncode, 0)
        self.assertEqual(probe(VAULT_AGENT_ADDR=f"unix://{path}").returncode, 0)
        self.assertEqual(ask(0, "POST", "/agent/v1/health", connection=OverSocket(path)).status, 405)
        agent.stop()
        nobody = probe(f"-address=http://127.0.0.1:{free_port()}")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("hint: the agent's configuration needs a listener at this address", nobody.stdout)

    def test_sigusr1_writes_every_number_to_stderr(self):
        agent = self.agent({"auto_auth": self.login(), "template": self.templates("x")})
        agent.until_logged("renewed auth token")
        agent.until_logged("(runner) rendered")
        agent.process.send_signal(signal.SIGUSR1)
        agent.until_logged("'vault.agent.auth.success'")
        lines = [line for line in agent.stderr.read_text().splitlines() if re.match(r"\[[0-9: +-]+UTC\]\[[CG]\] ", line)]
        for line in (r"\[C\] 'vault\.agent\.auth\.success': Count: 2 Sum: 2\.000$", r"\[G\] 'vault\.agent\.authenticated': 1\.000$",
                     rf"\[G\] 'vault\.agent\.template\.fresh\.{self.folder}/file-0': 1\.000$"):
            self.assertTrue(any(re.search(line, each) for each in lines), f"{line}: {lines}")
        # And goes on.
        self.assertEqual(agent.terminate(), 0)
