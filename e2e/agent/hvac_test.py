"""A Vault client library from PyPI through the listener, with and without the cache."""

import os
import sys
import unittest
import warnings

from e2e.agent.world import Case

sys.path.append(os.environ.get("PANNIER_HVAC", ""))

import hvac  # noqa: E402  (`make test` says where it is)
import hvac.exceptions  # noqa: E402


class Client(Case):
    cache = False

    def setUp(self):
        super().setUp()
        self.sub = self.folder.name[-8:]
        _, port = self.listening({"require_request_header": True}, api_proxy={"use_auto_auth_token": True}, **({"cache": {}} if self.cache else {}))
        self.url = f"http://127.0.0.1:{port}"
        self.vault = hvac.Client(url=self.url, token="")
        self.addCleanup(self.vault.adapter.close)

    def test_reads_writes_lists_and_deletes(self):
        kv = self.vault.secrets.kv.v2
        kv.create_or_update_secret(self.sub, secret={"password": "hunter2"})
        self.assertEqual(kv.read_secret_version(self.sub, raise_on_deleted_version=True)["data"]["data"], {"password": "hunter2"})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            kv.patch(self.sub, secret={"user": "ada"})
        self.assertEqual(kv.read_secret_version(self.sub, raise_on_deleted_version=True)["data"]["data"], {"password": "hunter2", "user": "ada"})
        self.assertEqual(kv.read_secret_version(self.sub, version=1, raise_on_deleted_version=True)["data"]["data"], {"password": "hunter2"})
        self.assertIn(self.sub, kv.list_secrets("")["data"]["keys"])
        kv.delete_metadata_and_all_versions(self.sub)
        self.assertNotIn(self.sub, kv.list_secrets("")["data"]["keys"])
        self.assertRaises(hvac.exceptions.InvalidPath, kv.read_secret_version, self.sub, raise_on_deleted_version=True)
        self.assertRaises(hvac.exceptions.InvalidRequest, self.vault.write_data, "auth/token/create", data={"ttl": "nonsense"})

    def test_reads_what_the_server_says_of_itself(self):
        self.assertTrue(self.vault.sys.is_initialized())
        self.assertFalse(self.vault.sys.is_sealed())
        self.assertIn("secret/", self.vault.sys.list_mounted_secrets_engines()["data"])

    def test_logs_in_and_uses_and_renews_its_own_token(self):
        other = hvac.Client(url=self.url)
        self.addCleanup(other.adapter.close)
        token = other.auth.approle.login("other-role-id")["auth"]["client_token"]
        self.assertEqual(other.token, token)
        own = other.auth.token.lookup_self()["data"]
        self.assertEqual((own["id"], own["meta"]["role_name"]), (token, "other"))
        self.assertEqual(other.auth.token.renew_self(increment="30m")["auth"]["client_token"], token)
        self.assertEqual(other.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)["data"]["data"]["user"], "ada")
        other.auth.token.revoke_self()
        self.assertFalse(self.api.alive(token))

    def test_the_agents_token_stays_hidden(self):
        own = self.vault.auth.token.lookup_self()["data"]
        self.assertEqual((own.get("id"), own.get("accessor")), (None, None))
        self.assertEqual(own["meta"]["role_name"], "app")
        self.assertFalse(self.vault.auth.token.renew_self()["auth"]["client_token"])

    def test_creates_and_revokes_tokens(self):
        create = lambda: self.vault.auth.token.create(ttl="10m", policies=["everything"])["auth"]["client_token"]  # noqa: E731
        first = create()
        self.assertEqual(create() == first, self.cache)
        self.assertEqual(self.vault.auth.token.lookup(first)["data"]["id"], first)
        self.vault.auth.token.revoke(first)
        self.assertFalse(self.api.alive(first))
        self.assertNotEqual(create(), first)

    def test_leases_are_issued_renewed_and_revoked(self):
        issue = lambda: self.vault.secrets.rabbitmq.generate_credentials("app", mount_point="broker")  # noqa: E731
        first = issue()
        self.assertEqual(issue()["lease_id"] == first["lease_id"], self.cache)
        self.assertEqual(self.vault.sys.read_lease(first["lease_id"])["data"]["id"], first["lease_id"])
        self.assertEqual(self.vault.sys.renew_lease(first["lease_id"], increment=1800)["lease_id"], first["lease_id"])
        self.vault.sys.revoke_lease(first["lease_id"])
        self.assertNotEqual(issue()["lease_id"], first["lease_id"])
        self.assertRaises(hvac.exceptions.InvalidRequest, self.vault.sys.renew_lease, first["lease_id"])

    def test_wraps_and_unwraps(self):
        wrapped = self.vault.auth.token.create(ttl="10m", wrap_ttl="60s")["wrap_info"]["token"]
        other = hvac.Client(url=self.url, token=wrapped)
        self.addCleanup(other.adapter.close)
        self.assertTrue(other.sys.unwrap()["auth"]["client_token"])


class ClientWithCache(Client):
    cache = True


if __name__ == "__main__":
    unittest.main()
