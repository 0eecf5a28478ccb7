"""Logins with the identity of a cloud: the program against stand-ins of the metadata services and of Vault.

The stand-in of Vault checks what Vault would: the signature of AWS is computed anew from what was sent, by the steps of
AWS's documentation ("Create a signed AWS API request") and with nothing of ours.
"""

import base64
import hashlib
import hmac
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from e2e.agent.world import Case

SECRET = {"AKIDENV": "secret-env", "ASIAWEB": "secret-web", "ASIAPOD": "secret-pod", "ASIAECS": "secret-ecs", "ASIANODE": "secret-node", "AKIDOWN": "secret-own"}


def credentials(key: str) -> str:
    return json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": SECRET[key], "Token": f"session-{key}", "Expiration": "2030-01-01T00:00:00Z"})


class Cloud(BaseHTTPRequestHandler):
    """All services at one address."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        path = urllib.parse.urlsplit(self.path).path
        header = self.headers.get
        metadata = header("X-aws-ec2-metadata-token") == "imds"
        pages = {
            ("PUT", "/latest/api/token"): ("imds", header("X-aws-ec2-metadata-token-ttl-seconds")),
            ("GET", "/latest/meta-data/iam/security-credentials/"): ("node-role", metadata),
            ("GET", "/latest/meta-data/iam/security-credentials/node-role"): (credentials("ASIANODE"), metadata),
            ("GET", "/latest/dynamic/instance-identity/document"): ('{"instanceId": "i-1"}', metadata),
            ("GET", "/latest/dynamic/instance-identity/signature"): ("c2ln\nbmF0dXJl", metadata),
            ("GET", "/pod-identity"): (credentials("ASIAPOD"), header("Authorization") == "pod-token"),
            ("GET", "/ecs"): (credentials("ASIAECS"), header("Authorization") == "ecs-token"),
            ("POST", "/"): ("<AssumeRoleWithWebIdentityResponse><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>secret-web</SecretAccessKey>"
                            "<SessionToken>session-ASIAWEB</SessionToken></Credentials></AssumeRoleWithWebIdentityResponse>", "WebIdentityToken=account.token" in body),
            ("POST", "/tenant/oauth2/v2.0/token"): ('{"access_token":"azure.jwt"}', "client_assertion=account.token" in body),
            ("GET", "/computeMetadata/v1/instance/service-accounts/default/identity"): ("gcp.jwt", header("Metadata-Flavor") == "Google"),
        }
        if path.startswith("/v1/auth/"):
            token = {"auth": {"client_token": "s.granted", "accessor": "a", "lease_duration": 3600, "renewable": False, "policies": ["app"]}}
            return self.reply(200, json.dumps(token))
        page, allowed = pages.get((self.command, path), ("", False))
        return self.reply(200 if allowed else 403, page if allowed else "refused by the stand-in")

    do_GET = do_PUT = do_POST = answer

    def reply(self, status: int, text: str):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def check_aws(body: dict) -> tuple[str, dict]:
    """The key that signed the identity call, and the call's headers; raises if the signature is wrong."""
    headers = {name.lower(): value[0] for name, value in json.loads(base64.b64decode(body["iam_request_headers"])).items()}
    url = urllib.parse.urlsplit(base64.b64decode(body["iam_request_url"]).decode())
    payload = base64.b64decode(body["iam_request_body"])
    assert payload == b"Action=GetCallerIdentity&Version=2011-06-15" and body["iam_http_request_method"] == "POST"
    assert headers["host"] == url.netloc
    kind, rest = headers["authorization"].split(" ", 1)
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    key, scope = parts["Credential"].split("/", 1)
    date, region, service, end = scope.split("/")
    assert (kind, service, end) == ("AWS4-HMAC-SHA256", "sts", "aws4_request") and headers["x-amz-date"].startswith(date)
    names = parts["SignedHeaders"].split(";")
    assert names == sorted(names) and {"host", "x-amz-date"} <= set(names)
    assert ("x-vault-aws-iam-server-id" in headers) == ("x-vault-aws-iam-server-id" in names)
    canonical = "\n".join(["POST", url.path, url.query, *(f"{name}:{headers[name].strip()}" for name in names), "", ";".join(names), hashlib.sha256(payload).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing = f"AWS4{SECRET[key]}".encode()
    for part in (date, region, service, end):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    assert hmac.new(signing, text.encode(), hashlib.sha256).hexdigest() == parts["Signature"], "the signature is wrong"
    return key, headers


class Methods(Case):
    def setUp(self):
        super().setUp()
        self.cloud = ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
        self.cloud.seen = []
        threading.Thread(target=self.cloud.serve_forever, daemon=True).start()
        self.addCleanup(self.cloud.server_close)
        self.addCleanup(self.cloud.shutdown)
        self.base = f"http://127.0.0.1:{self.cloud.server_address[1]}"
        (self.folder / "account").write_text("account.token\n")
        self.account = str(self.folder / "account")

    def log_in(self, kind: str, config: dict, env=None) -> tuple[str, dict]:
        """Path and body of the login."""
        token = self.folder / f"token-{self.agents}"
        agent = self.agent({"vault": {"address": self.base}, "auto_auth": {"method": {"type": kind, "config": config, "exit_on_err": True},
                                                                          "sink": [{"type": "file", "config": {"path": str(token)}}]}, "exit_after_auth": True}, env=env)
        self.assertEqual(agent.exit(), 0, agent.told())
        self.assertEqual(token.read_text(), "s.granted")
        [login] = [(path, json.loads(body), headers) for _, path, headers, body in self.cloud.seen if path.startswith("/v1/auth/") and path.partition("login")[1]]
        for method, path, headers, _ in self.cloud.seen:
            if not path.startswith("/v1/"):
                self.assertFalse([name for name in headers if name.lower().startswith("x-vault")], f"{method} {path} carries something of Vault's")
        self.cloud.seen.clear()
        return login[0], login[1]

    def test_aws_signs_with_the_keys_of_every_place(self):
        pod = self.folder / "pod-token"
        pod.write_text("pod-token\n")
        plain = {"type": "iam", "role": "app"}
        for key, region, config, env in (
                ("AKIDOWN", "us-east-1", {**plain, "access_key": "AKIDOWN", "secret_key": "secret-own"}, {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "secret-env"}),
                ("AKIDENV", "eu-central-1", {**plain, "region": "eu-central-1", "header_value": "vault.example"}, {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "secret-env"}),
                ("ASIAWEB", "us-east-1", plain, {"AWS_ROLE_ARN": "arn:aws:iam::1:role/app", "AWS_WEB_IDENTITY_TOKEN_FILE": self.account, "AWS_ENDPOINT_URL_STS": self.base}),
                ("ASIAPOD", "us-east-1", plain, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.base}/pod-identity", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(pod)}),
                ("ASIAECS", "us-east-1", plain, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.base}/ecs", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "ecs-token"}),
                ("ASIANODE", "us-east-1", plain, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.base})):
            with self.subTest(key):
                path, body = self.log_in("aws", config, env)
                self.assertEqual((path, body["role"]), ("/v1/auth/aws/login", "app"))
                signer, headers = check_aws(body)
                self.assertEqual(signer, key)
                self.assertIn(f"/{region}/sts/", headers["authorization"])
                self.assertEqual(headers.get("x-amz-security-token"), f"session-{key}" if key.startswith("ASIA") else None)
                self.assertEqual(headers.get("x-vault-aws-iam-server-id"), config.get("header_value"))

    def test_aws_shows_the_document_of_the_machine(self):
        _, body = self.log_in("aws", {"type": "ec2", "role": "app", "nonce": "once"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.base})
        self.assertEqual(base64.b64decode(body["identity"]), b'{"instanceId": "i-1"}')
        self.assertEqual((body["signature"], body["nonce"]), ("c2lnbmF0dXJl", "once"))

    def test_azure_exchanges_the_service_account_token(self):
        env = {"AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client", "AZURE_FEDERATED_TOKEN_FILE": self.account, "AZURE_AUTHORITY_HOST": self.base + "/"}
        _, body = self.log_in("azure", {"role": "app", "resource": "https://vault", "authenticate_from_environment": True}, env)
        self.assertEqual(body, {"role": "app", "jwt": "azure.jwt"})

    def test_gcp_shows_the_identity_of_the_machine(self):
        _, body = self.log_in("gcp", {"type": "gce", "role": "app"}, {"GCE_METADATA_HOST": self.base.removeprefix("http://")})
        self.assertEqual(body, {"role": "app", "jwt": "gcp.jwt"})

    def test_ldap_sends_the_whole_file_and_removes_it(self):
        password = self.folder / "password"
        password.write_text("p w\n")
        path, body = self.log_in("ldap", {"username": "Ada Löw@corp?", "password_file_path": str(password)})
        self.assertEqual((path, body), ("/v1/auth/ldap/login/Ada%20L%C3%B6w@corp%3F", {"password": "p w\n"}))
        self.assertFalse(password.exists())

    def test_what_is_not_built_says_so_in_one_sentence_and_names_the_way_out(self):
        for kind in ("alicloud", "cf", "kerberos", "oci", "tpm"):
            with self.subTest(kind):
                config = {"auto_auth": {"method": {"type": kind, "config": {"role": "app"}}, "sink": [{"type": "file", "config": {"path": str(self.folder / "t")}}]}}
                for words in ((), ("-test-verify-only",)):
                    agent = self.agent(config, *words)
                    self.assertEqual(agent.exit(10), 1)
                    told = agent.stdout.read_text().strip()
                    self.assertEqual(told, f'Error creating {kind} auth method: auth method "{kind}" is not built into this agent: '
                                           "run the original agent in this pod (annotation `agent-image`, or another image)")
        self.assertEqual(self.cloud.seen, [])

    def test_a_cloud_that_refuses_is_named(self):
        agent = self.agent({"vault": {"address": self.base}, "auto_auth": {"method": {"type": "aws", "config": {"type": "iam", "role": "app"}, "exit_on_err": True},
                                                                          "sink": [{"type": "file", "config": {"path": str(self.folder / "t")}}]}},
                           env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.base}/ecs", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong"})
        self.assertEqual(agent.exit(), 1)
        self.assertIn(f"container credentials: GET {self.base}/ecs: status 403: refused by the stand-in", agent.stderr.read_text())
