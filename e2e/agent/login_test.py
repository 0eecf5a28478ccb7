"""Logging in: each method against the real server, what is read again and what is kept."""

import os
import shutil
import subprocess
import threading
import time
from http.server import ThreadingHTTPServer

from e2e.agent.world import Case, wait_for, world  # first, because it says where the next ones are

from compare import TokenReview
from server import LOCAL, Tokens

#: Tokens that end soon, so that the next login comes while the test waits.
SOON = {"token_policies": ["everything"], "token_ttl": "2s", "token_max_ttl": "3s"}
LATER = {"token_policies": ["everything"], "token_ttl": "1h"}


class Login(Case):
    @classmethod
    def setUpClass(cls):
        api, folder = world().api, world().folder
        cls.tokens = Tokens(folder / "jwt")
        cls.review = ThreadingHTTPServer(("127.0.0.1", 0), TokenReview)
        cls.review.strangers = set()
        threading.Thread(target=cls.review.serve_forever, daemon=True).start()
        api.write("sys/auth/kubernetes", type="kubernetes")
        api.write("auth/kubernetes/config", kubernetes_host=f"http://127.0.0.1:{cls.review.server_address[1]}", disable_local_ca_jwt=True,
                  kubernetes_ca_cert=world().authority.cert.read_text())
        api.write("sys/auth/jwt", type="jwt")
        api.write("auth/jwt/config", jwt_validation_pubkeys=[cls.tokens.public])
        api.write("sys/auth/cert", type="cert")
        for name, lasts in (("soon", SOON), ("later", LATER)):
            api.write(f"auth/kubernetes/role/{name}", bound_service_account_names=["app"], bound_service_account_namespaces=["demo"], **lasts)
            api.write(f"auth/jwt/role/{name}", role_type="jwt", bound_audiences=["pannier"], user_claim="sub", **lasts)
            api.write(f"auth/approle/role/{name}-secret", bind_secret_id=True, **lasts)
            api.write(f"auth/approle/role/{name}-secret/role-id", role_id=f"{name}-secret-role-id")
        for name, lasts in (("first", SOON), ("second", SOON)):
            cert, _ = world().authority.issue(f"client-{name}", LOCAL)
            api.write(f"auth/cert/certs/{name}", certificate=cert.read_text(), **lasts)

    @classmethod
    def tearDownClass(cls):
        cls.review.shutdown()

    def put(self, name: str, text: str) -> str:
        """As the kubelet does it: whole, by rename."""
        target = self.folder / name
        target.with_name(f".{name}").write_text(text)
        target.with_name(f".{name}").rename(target)
        return str(target)

    def token(self) -> str:
        return (self.folder / "token").read_text()

    def with_method(self, method: dict, once=False, **more):
        return self.agent({"auto_auth": {"method": method, "sink": [{"type": "file", "config": {"path": str(self.folder / "token")}}]},
                           "exit_after_auth": once, **more})

    def logins(self, path: str) -> list[dict]:
        return [request for request in self.world.audited(self.seen) if request["path"] == path]

    def secret_id(self, wrapped: bool = False, role: str = "later-secret") -> str:
        headers = {"X-Vault-Wrap-TTL": "60s"} if wrapped else {}
        answer = self.api.call("PUT", f"auth/approle/role/{role}/secret-id", {}, headers=headers)
        return answer["wrap_info"]["token"] if wrapped else answer["data"]["secret_id"]

    def test_every_method_of_the_server_gives_a_token_that_works(self):
        secret = "auth/approle/role/later-secret/secret-id"
        role_id = self.put("role-id", "later-secret-role-id\n")
        cert, key = self.world.authority.folder / "client-first.pem", self.world.authority.folder / "client-first.key"
        tls = {"address": f"https://127.0.0.1:{self.world.bao.tls_port}", "ca_cert": str(self.world.authority.cert)}
        created = self.api.write("auth/token/create", policies=["everything"], ttl="1h")["auth"]["client_token"]
        for name, kind, config, more in (
                ("kubernetes", "kubernetes", lambda: {"role": "later", "token_path": self.put("k8s", self.tokens.service_account())}, {}),
                ("jwt", "jwt", lambda: {"role": "later", "path": self.put("jwt", self.tokens.sign("app"))}, {}),
                ("approle", "approle", lambda: {"role_id_file_path": role_id, "secret_id_file_path": self.put("sid", self.secret_id())}, {}),
                ("approle, wrapped", "approle", lambda: {"role_id_file_path": role_id, "secret_id_file_path": self.put("sid", self.secret_id(True)),
                                                         "secret_id_response_wrapping_path": secret}, {}),
                ("cert", "cert", lambda: {"name": "first", "ca_cert": tls["ca_cert"], "client_cert": str(cert), "client_key": str(key)}, {"vault": tls}),
                ("token_file", "token_file", lambda: {"token_file_path": self.put("own", created + "\n")}, {})):
            with self.subTest(name):
                agent = self.with_method({"type": kind, "config": config()}, once=True, **more)
                self.assertEqual(agent.exit(), 0, agent.told())
                self.assertTrue(self.api.alive(self.token()))
                (self.folder / "token").unlink()
        # What may be used once is gone; what is not the agent's is still there.
        self.assertFalse((self.folder / "jwt").exists())
        self.assertFalse((self.folder / "sid").exists())
        self.assertTrue((self.folder / "k8s").exists())
        self.assertTrue((self.folder / "own").exists())

    def test_a_wrapped_secret_id_of_another_origin_is_refused_and_told(self):
        role_id = self.put("role-id", "later-secret-role-id")
        agent = self.with_method({"type": "approle", "exit_on_err": True, "config": {
            "role_id_file_path": role_id, "secret_id_file_path": self.put("sid", self.secret_id(True)), "secret_id_response_wrapping_path": "auth/other/role/x/secret-id"}})
        self.assertEqual(agent.exit(), 1)
        self.assertTrue(agent.logged("SECURITY:"), agent.told())

    def test_a_rotated_service_account_token_is_what_the_next_login_brings(self):
        old, new = self.tokens.service_account(), self.tokens.service_account()
        path = self.put("k8s", old)
        self.with_method({"type": "kubernetes", "config": {"role": "soon", "token_path": path}})
        sent = lambda: [login["data"]["jwt"] for login in self.logins("auth/kubernetes/login")]  # noqa: E731
        wait_for(sent, "the first login")
        self.put("k8s", new + "\n")
        wait_for(lambda: sent()[-1] == new, "a login with the new token")
        self.assertEqual(sent()[0], old)

    def test_a_rotated_client_certificate_is_what_the_next_login_shows(self):
        cert, key = self.folder / "tls.crt", self.folder / "tls.key"

        def show(name: str):
            folder = self.world.authority.folder
            for source, target in ((folder / f"client-{name}.key", key), (folder / f"client-{name}.pem", cert)):
                shutil.copy(source, f"{target}.new")
                os.rename(f"{target}.new", target)

        show("first")
        tls = {"address": f"https://127.0.0.1:{self.world.bao.tls_port}", "ca_cert": str(self.world.authority.cert), "client_cert": str(cert), "client_key": str(key)}
        agent = self.with_method({"type": "cert"}, vault=tls)
        who = lambda: self.api.write("auth/token/lookup", token=self.token())["data"]["meta"]["cert_name"]  # noqa: E731
        wait_for(lambda: who() == "first", "the first login")
        show("second")
        wait_for(lambda: who() == "second", "a login with the new certificate")
        self.assertIsNone(agent.process.poll())

    def test_a_restart_takes_the_token_of_the_sink_and_does_not_log_in(self):
        for number in (1, 2, 3):
            agent = self.agent({"auto_auth": self.login()})
            agent.until_logged("renewed auth token")
            token = self.token()
            if number == 1:
                first = token
            self.assertEqual(agent.terminate(), 0)
        self.assertEqual(token, first)
        self.assertEqual(self.paths().count("auth/approle/login"), 1)
        # A revoked one is found out, and the login is made after all.
        self.api.write("auth/token/revoke", token=token)
        agent = self.agent({"auto_auth": self.login()})
        agent.until_logged("renewed auth token")
        self.assertNotEqual(self.token(), token)
        self.assertEqual(self.paths().count("auth/approle/login"), 2)

    def test_a_token_that_was_revoked_is_replaced_at_once(self):
        agent = self.agent({"auto_auth": self.login(), "template_config": {"static_secret_render_interval": "1s"},
                            "template": [{"contents": '{{ with secret "secret/data/app" }}{{ .Data.data.user }}{{ end }}', "destination": str(self.folder / "out")}]})
        agent.until_logged("(runner) rendered")
        agent.until_logged("renewed auth token")
        token = self.token()
        self.api.write("auth/token/revoke", token=token)
        wait_for(lambda: self.token() != token, "another token", 10)
        self.assertTrue(self.api.alive(self.token()))

    def test_others_of_the_same_user_see_nothing_of_the_process(self):
        before = () if os.geteuid() else ("setpriv", "--reuid=65534", "--clear-groups")
        if before:
            for folder in (self.world.folder, self.folder, self.folder / "agent-1"):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o777)
        agent = self.agent({"auto_auth": self.login()}, before=before, env={"VAULT_TOKEN": "hvs.not-for-others"})
        agent.until_logged("renewed auth token")
        # Files of a process that cannot be dumped belong to root, whoever runs it.
        self.assertEqual(os.stat(f"/proc/{agent.process.pid}/environ").st_uid, 0)
        self.assertNotIn("hvs.", agent.told())

    def test_the_hook_revokes_the_token_of_the_home_folder(self):
        agent = self.agent({"auto_auth": {"method": self.method(), "sink": [{"type": "file", "config": {"path": str(self.folder / ".vault-token")}}]}})
        agent.until_logged("renewed auth token")
        token = (self.folder / ".vault-token").read_text()
        hook = subprocess.run([os.environ["PANNIER_AGENT"], "token", "revoke", f"-address=http://127.0.0.1:{self.world.bao.port}", "-self"],
                              env={"HOME": str(self.folder)}, capture_output=True, text=True, check=False)
        self.assertEqual((hook.returncode, hook.stdout), (0, "Success! Revoked token (if it existed)\n"), hook.stderr)
        self.assertFalse(self.api.alive(token))
        time.sleep(0.3)
        self.assertEqual(agent.terminate(), 0)
