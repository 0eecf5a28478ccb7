"""The persistent cache: what an init agent has, its sidecar takes over. The witness is the server's audit log."""

import stat

from e2e.agent.world import Case, free_port, wait_for


class HandOver(Case):
    def setUp(self):
        super().setUp()
        self.cache = self.folder / "cache"
        self.cache.mkdir()
        self.file = self.cache / "vault-agent-cache.db"
        self.account = self.folder / "service-account"
        self.account.write_text("service-account-token\n")

    def config(self, name: str, once: bool, own_token=True, **persist) -> dict:
        return {
            "auto_auth": self.login(name=f"{name}-token"),
            "cache": {"use_auto_auth_token": own_token, "persist": {"type": "kubernetes", "path": str(self.cache), "service_account_token_file": str(self.account), **persist}},
            "listener": [{"type": "tcp", "address": f"127.0.0.1:{free_port()}", "tls_disable": True}],
            "template": [{"contents": '{{ with secret "broker/creds/app" }}{{ .Data.username }}:{{ .Data.password }}{{ end }}', "destination": str(self.folder / f"{name}-secret")}],
            "exit_after_auth": once,
        }

    def init(self, **persist):
        agent = self.agent(self.config("init", True, **persist))
        self.assertEqual(agent.exit(), 0, agent.told())
        self.assertIn("configured persistent storage", agent.told())
        return agent

    def sidecar(self, **persist):
        agent = self.agent(self.config("sidecar", False, **persist))
        agent.until_logged("renewed auth token")
        agent.until_logged("(runner) rendered")
        return agent

    def counted(self) -> dict:
        paths = self.paths()
        return {"logins": paths.count("auth/approle/login"), "credentials": paths.count("broker/creds/app")}

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def test_neither_a_second_login_nor_a_second_credential(self):
        users = len(self.world.rabbit.users)
        self.init()
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        token, secret = self.read("init-token"), self.read("init-secret")
        kept = self.file.read_bytes()
        for plain in (token, *secret.split(":"), "service-account-token"):
            self.assertNotIn(plain.encode(), kept)
        sidecar = self.sidecar()
        self.assertEqual(self.counted(), {"logins": 1, "credentials": 1})
        self.assertEqual(len(self.world.rabbit.users) - users, 1)
        self.assertEqual((self.read("sidecar-token"), self.read("sidecar-secret")), (token, secret))
        for line in ("loaded memcache from persistent storage", "using preloaded token", "lookup-self with preloaded token"):
            self.assertTrue(sidecar.logged(line), line)
        self.assertFalse(self.file.exists())

    def test_key_values_are_fetched_again(self):
        config = self.config("init", True)
        config["template"][0]["contents"] = '{{ with secret "secret/data/app" }}{{ .Data.data.user }}{{ end }}'
        agent = self.agent(config)
        self.assertEqual(agent.exit(), 0, agent.told())
        config["exit_after_auth"] = False
        self.agent(config).until_logged("(runner) starting")
        self.assertEqual(self.paths().count("auth/approle/login"), 1)
        wait_for(lambda: self.paths().count("secret/data/app") == 2, "a second read")

    def test_the_file_stays_where_it_is_to_be_kept(self):
        self.init()
        first = self.sidecar(keep_after_import=True)
        self.assertTrue(self.file.exists())
        # A restarted sidecar finds all of it again, too.
        first.stop()
        for name in ("sidecar-token", "sidecar-secret"):
            (self.folder / name).unlink()
        self.sidecar(keep_after_import=True)
        self.assertEqual(self.counted(), {"logins": 1, "credentials": 1})
        self.assertEqual((self.read("sidecar-token"), self.read("sidecar-secret")), (self.read("init-token"), self.read("init-secret")))

    def test_another_service_account_token_means_an_ordinary_login(self):
        self.init()
        self.account.write_text("rotated")
        sidecar = self.sidecar()
        self.assertEqual(self.counted(), {"logins": 2, "credentials": 2})
        self.assertTrue(sidecar.logged("error in fetching previous auto-auth token: error=\"failed to decrypt auto-auth token: cipher: message authentication failed\""), sidecar.told())
        self.assertTrue(sidecar.logged("error restoring in-memory cache from persisted file"))

    def test_another_service_account_token_ends_the_agent_where_errors_are_to(self):
        self.init()
        self.account.write_text("rotated")
        agent = self.agent(self.config("sidecar", False, exit_on_err=True))
        self.assertEqual(agent.exit(), 1)
        self.assertIn("Error creating persistent cache: exiting with error as exit_on_err is set to true\n", agent.stdout.read_text())
        self.assertEqual(self.counted(), {"logins": 1, "credentials": 1})

    def test_a_file_that_is_none_of_ours_is_treated_alike(self):
        for content in (b"", b"no cache", b"\x00\x01" * 4096):
            for strict in (False, True):
                with self.subTest(content=content[:8], strict=strict):
                    self.file.write_bytes(content)
                    agent = self.agent(self.config("sidecar", True, exit_on_err=strict))
                    self.assertEqual(agent.exit(), 1 if strict else 0, agent.told())

    def test_a_token_that_was_revoked_meanwhile_is_replaced(self):
        self.init()
        self.api.write("auth/token/revoke", token=self.read("init-token"))
        sidecar = self.sidecar()
        self.assertEqual(self.counted()["logins"], 2)
        self.assertTrue(sidecar.logged("could not look up token"), sidecar.told())
        self.assertNotEqual(self.read("sidecar-token"), self.read("init-token"))

    def test_what_is_missing_is_told_before_anything_starts(self):
        for persist, text in (({"service_account_token_file": "/nonexistent"}, "Error creating persistent cache: failed to read service account token from /nonexistent: open /nonexistent: no such file or directory"),
                              ({"path": ""}, "Error creating persistent cache: must specify persistent cache path"),
                              ({"type": "foo"}, 'Error creating persistent cache: persistent key protection type "foo" not supported')):
            with self.subTest(text):
                agent = self.agent(self.config("sidecar", True, **persist))
                self.assertEqual(agent.exit(), 1)
                self.assertIn(text, agent.stdout.read_text())
        self.assertEqual(self.counted()["logins"], 0)
