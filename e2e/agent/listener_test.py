"""Listeners: TLS, client certificates, Unix sockets, and who may ask what."""

import http.client
import os
import socket
import ssl
import stat
import unittest

from e2e.agent.world import Authority, Case, OverSocket, ask, curl, free_port, wait_for


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.authority = self.world.authority
        self.certificate, self.key = self.issue("listener")

    def issue(self, name: str):
        return self.authority.issue(f"{name}-{self.folder.name[-8:]}", "IP:127.0.0.1,DNS:localhost")

    def serve(self, **more):
        return self.listening({"tls_disable": False, "tls_cert_file": str(self.certificate), "tls_key_file": str(self.key), **more},
                              api_proxy={"use_auto_auth_token": True})

    def context(self, pair=None, lowest=None, highest=None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.cert))
        if pair:
            context.load_cert_chain(*map(str, pair))
        if lowest:
            context.minimum_version = lowest
        if highest:
            context.maximum_version = highest
        return context

    def read(self, port: int, **how) -> int:
        """The status of a read; raises what TLS has against it."""
        return ask(port, "GET", "/v1/secret/data/app", connection=http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=self.context(**how))).status

    def test_serves_who_trusts_its_authority(self):
        agent, port = self.serve()
        self.assertEqual(self.read(port), 200)
        self.assertIn(f"Api Address 1: https://127.0.0.1:{port}\n", agent.stdout.read_text())
        code, text = curl("--cacert", self.authority.cert, f"https://localhost:{port}/v1/secret/data/app")
        self.assertIn('"password":"hunter2"', text)
        self.assertEqual(code, 0)
        # 60: curl does not trust the certificate.
        self.assertEqual(curl(f"https://127.0.0.1:{port}/v1/sys/health")[0], 60)
        # Plain HTTP is not answered with a secret.
        self.assertNotIn("hunter2", curl(f"http://127.0.0.1:{port}/v1/secret/data/app")[1])

    def test_a_rotated_certificate_is_used_from_the_next_connection_on(self):
        _, port = self.serve()

        def serial() -> str:
            plain = socket.create_connection(("127.0.0.1", port))
            with self.context().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                return connection.getpeercert()["serialNumber"]

        before = serial()
        self.certificate.write_text("half a certificate")
        self.assertEqual(serial(), before)
        self.issue("listener")
        self.assertNotEqual(serial(), before)

    def test_a_client_needs_a_certificate_of_the_right_authority_where_that_is_required(self):
        _, port = self.serve(tls_client_ca_file=str(self.authority.cert), tls_require_and_verify_client_cert=True)
        client = self.issue("client")
        stranger = Authority(self.folder / "stranger", "stranger").issue("client", "DNS:client")
        self.assertEqual(self.read(port, pair=client), 200)
        for pair in (None, stranger):
            with self.subTest(pair=pair), self.assertRaises((ssl.SSLError, OSError, http.client.HTTPException)):
                self.read(port, pair=pair)

    def test_a_certificate_that_nobody_asked_for_is_no_obstacle(self):
        stranger = Authority(self.folder / "stranger", "stranger").issue("client", "DNS:client")
        for more in ({"tls_client_ca_file": str(self.authority.cert)}, {"tls_client_ca_file": str(self.authority.cert), "tls_disable_client_certs": True}):
            with self.subTest(more):
                agent, port = self.serve(**more)
                self.assertEqual([self.read(port, pair=pair) for pair in (None, stranger)], [200, 200])
                agent.stop()

    def test_versions_outside_the_bounds_are_refused(self):
        old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        for bounds, good, bad in (({"tls_min_version": "tls13"}, new, old), ({"tls_max_version": "tls12"}, old, new)):
            with self.subTest(bounds):
                agent, port = self.serve(**bounds)
                self.assertEqual(self.read(port, lowest=good, highest=good), 200)
                with self.assertRaises((ssl.SSLError, OSError)):
                    self.read(port, lowest=bad, highest=bad)
                agent.stop()

    def test_only_the_suites_that_are_named_are_spoken(self):
        _, port = self.serve(tls_max_version="tls12", tls_cipher_suites="TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
        url = f"https://127.0.0.1:{port}/v1/secret/data/app"
        trust = ("--cacert", self.authority.cert, "--tls-max", "1.2", "--ciphers")
        self.assertEqual(curl(*trust, "ECDHE-ECDSA-AES256-GCM-SHA384", url)[0], 0)
        self.assertNotEqual(curl(*trust, "ECDHE-ECDSA-AES128-GCM-SHA256", url)[0], 0)

    def test_a_unix_socket_speaks_tls_where_it_has_a_certificate(self):
        path = self.folder / "socket"
        pair = {"tls_cert_file": str(self.certificate), "tls_key_file": str(self.key)}
        self.agent({"cache": {}, "listener": [{"type": "unix", "address": str(path), **pair}]})
        wait_for(path.exists, "the socket")
        health = "localhost/v1/sys/health"
        self.assertEqual(curl("--cacert", self.authority.cert, "--unix-socket", path, f"https://{health}")[0], 0)
        self.assertNotEqual(curl("--unix-socket", path, f"http://{health}")[0], 0)

    def test_files_that_cannot_be_used_stop_the_start(self):
        other = self.issue("other")
        for more, text in (({"tls_cert_file": "/nonexistent.pem"}, "/nonexistent.pem"),
                           ({"tls_key_file": str(other[1])}, str(other[1])),
                           ({"tls_client_ca_file": "/nonexistent-ca.pem", "tls_require_and_verify_client_cert": True}, "/nonexistent-ca.pem"),
                           ({"tls_require_and_verify_client_cert": True}, "tls_require_and_verify_client_cert needs tls_client_ca_file"),
                           ({"tls_client_ca_file": str(self.authority.cert), "tls_require_and_verify_client_cert": True, "tls_disable_client_certs": True},
                            "'tls_disable_client_certs' and 'tls_require_and_verify_client_cert' are mutually exclusive"),
                           ({"tls_min_version": "tls13", "tls_max_version": "tls12"}, "'tls_max_version' must be greater than or equal to 'tls_min_version'"),
                           ({"address": "127.0.0.1"}, "listen tcp: address 127.0.0.1: missing port in address")):
            with self.subTest(text):
                listener = {"type": "tcp", "address": f"127.0.0.1:{free_port()}", "tls_cert_file": str(self.certificate), "tls_key_file": str(self.key), **more}
                agent = self.agent({"listener": [listener]})
                self.assertEqual(agent.exit(), 1)
                self.assertIn("Error starting listener: ", agent.stdout.read_text())
                self.assertIn(text, agent.stdout.read_text())


class Sockets(Case):
    def test_a_socket_has_the_mode_and_owner_that_were_asked_for_and_goes_with_the_agent(self):
        path = self.folder / "socket"
        own = os.geteuid(), os.getegid()
        owner = (4321, 1234) if own[0] == 0 else own
        # What another run left behind is no obstacle.
        path.write_text("")
        agent = self.agent({"auto_auth": self.login(), "api_proxy": {"use_auto_auth_token": True},
                            "listener": [{"type": "unix", "address": str(path), "tls_disable": True, "socket_mode": "0620",
                                          "socket_user": str(owner[0]), "socket_group": str(owner[1])}]})
        agent.until_logged("renewed auth token")
        info = path.lstat()
        self.assertTrue(stat.S_ISSOCK(info.st_mode))
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid), (0o620, *owner))
        self.assertEqual(ask(0, "GET", "/v1/secret/data/app", connection=OverSocket(path)).json["data"]["data"]["user"], "ada")
        self.assertIn('"user":"ada"', curl("--unix-socket", path, "http://localhost/v1/secret/data/app")[1])
        self.assertIn(f"Api Address 1: unix://{path}\n", agent.stdout.read_text())
        self.assertEqual(agent.terminate(), 0)
        self.assertFalse(path.exists())

    def test_mode_and_owner_count_only_together(self):
        path = self.folder / "socket"
        self.agent({"listener": [{"type": "unix", "address": str(path), "tls_disable": True, "socket_mode": "0600"}], "cache": {}})
        wait_for(path.exists, "the socket")
        plain = self.folder / "plain"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(plain))
        self.assertEqual(stat.S_IMODE(path.lstat().st_mode), stat.S_IMODE(plain.lstat().st_mode))


class Asking(Case):
    def test_force_drops_the_clients_token(self):
        _, port = self.listening(api_proxy={"use_auto_auth_token": "force"})
        self.assertEqual(ask(port, "GET", "/v1/secret/data/app", X_Vault_Token="none").status, 200)
        [request] = [r for r in self.world.audited(self.seen) if r["path"] == "secret/data/app"]
        self.assertEqual(request["client_token"], (self.folder / "token").read_text())

    def test_without_force_a_clients_own_token_counts(self):
        _, port = self.listening(api_proxy={"use_auto_auth_token": True})
        self.assertEqual(ask(port, "GET", "/v1/secret/data/app", X_Vault_Token="none").status, 403)
        self.assertEqual(ask(port, "GET", "/v1/secret/data/app", X_Vault_Token=self.api.token).status, 200)

    def test_the_request_header_is_required_of_what_is_passed_on(self):
        _, port = self.listening({"require_request_header": True, "agent_api": {"enable_quit": True}}, api_proxy={"use_auto_auth_token": True}, cache={})
        for headers, status in (({}, 412), ({"X_Vault_Request": "TRUE"}, 412), ({"X_Vault_Request": ""}, 412), ({"X_Vault_Request": "true"}, 200)):
            with self.subTest(headers):
                answer = ask(port, "GET", "/v1/secret/data/app", **headers)
                self.assertEqual(answer.status, status)
                if status == 412:
                    self.assertEqual(answer.json, {"errors": ['missing "X-Vault-Request" header']})
        # Twice is not once.
        self.assertIn("412", curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "X-Vault-Request: true", "-H", "X-Vault-Request: true", f"http://127.0.0.1:{port}/v1/sys/health")[1])
        # Vault asks for it only where something is passed on.
        self.assertEqual(ask(port, "GET", "/agent/v1/metrics").status, 200)
        self.assertEqual(ask(port, "POST", "/agent/v1/cache-clear", {"type": "all"}).status, 200)
        self.assertEqual(ask(port, "POST", "/agent/v1/quit").status, 200)

    def test_quit_ends_the_agent_where_it_is_enabled(self):
        agent, port = self.listening({"agent_api": {"enable_quit": True}})
        for method in ("GET", "PUT", "DELETE"):
            self.assertEqual(ask(port, method, "/agent/v1/quit").status, 405)
        answer = ask(port, "POST", "/agent/v1/quit")
        self.assertEqual((answer.status, answer.text), (200, ""))
        self.assertEqual(agent.exit(), 0)
        self.assertTrue(agent.logged("received quit request"))
        self.assertTrue(self.api.alive((self.folder / "token").read_text()))

    def test_quit_is_not_there_unless_it_is_enabled(self):
        agent, port = self.listening()
        for method in ("GET", "POST"):
            self.assertEqual(ask(port, method, "/agent/v1/quit").status, 404)
        self.assertIsNone(agent.process.poll())

    def test_a_listener_for_metrics_has_nothing_else(self):
        _, port = self.listening({"role": "metrics_only", "agent_api": {"enable_quit": True}}, api_proxy={"use_auto_auth_token": True}, cache={})
        self.assertEqual(ask(port, "GET", "/agent/v1/metrics").status, 200)
        self.assertEqual(ask(port, "POST", "/agent/v1/metrics").status, 405)
        for method, path in (("GET", "/v1/secret/data/app"), ("POST", "/agent/v1/quit"), ("POST", "/agent/v1/cache-clear"), ("GET", "/")):
            answer = ask(port, method, path)
            self.assertEqual((answer.status, answer.text.strip()), (404, "404 page not found"), path)

    def test_templates_are_one_more_address_in_the_banner(self):
        agent = self.agent({"auto_auth": {"method": self.method()}, "template": [{"contents": "x", "destination": str(self.folder / "x")}]}, "-exit-after-auth")
        self.assertEqual(agent.exit(), 0)
        self.assertIn("\n           Api Address 1: http://bufconn\n", agent.stdout.read_text())


if __name__ == "__main__":
    unittest.main()
