"""Dynamic credentials of a real PostgreSQL: renewed, replaced in time, revoked at the end.

An application logs in again and again with the rendered user and password. It must never be refused. (A static role,
whose password the server changes on its own clock, cannot promise that; how long its file was behind is printed.)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path

from postgres import PostgreSql
from server import ApiError, OpenBao

TTL, MAX_TTL, ROTATION = 10, 30, 20


def prepare(server: OpenBao, database: PostgreSql):
    api = server.api
    api.write("sys/mounts/database", type="database")
    api.write("database/config/app", plugin_name="postgresql-database-plugin", allowed_roles=["app", "fixed"], username="root", password=database.password,
              connection_url=f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{database.port}/postgres?sslmode=disable")
    api.write("database/roles/app", db_name="app", default_ttl=f"{TTL}s", max_ttl=f"{MAX_TTL}s",
              creation_statements=["CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"],
              renew_statements=["ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}'"])
    assert not database.login("root", database.password, "create role fixed login password 'first'")
    api.write("database/static-roles/fixed", db_name="app", username="fixed", rotation_period=f"{ROTATION}s")
    api.policy("app", 'path "database/creds/app" { capabilities = ["read"] }\npath "database/static-creds/fixed" { capabilities = ["read"] }\n'
                      'path "sys/internal/ui/mounts/*" { capabilities = ["read"] }')
    api.write("sys/auth/approle", type="approle")
    # A token that has to be renewed itself, but outlives the run.
    api.write("auth/approle/role/app", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"], token_policies=["app"], token_ttl="40s", token_max_ttl="1h")
    api.write("auth/approle/role/app/role-id", role_id="app-role-id")


class Application(threading.Thread):
    """Reads its file and logs in, over and over."""

    def __init__(self, file: Path, database: PostgreSql):
        super().__init__(daemon=True)
        self.file, self.database = file, database
        self.logins, self.refused, self.users, self.behind = 0, [], [], 0.0
        self.ending = threading.Event()

    def run(self):
        failing_since = None
        while not self.ending.wait(0.1):
            user, _, password = self.file.read_text().partition(" ")
            problem = self.database.login(user, password)
            now = time.monotonic()
            self.logins += 1
            if not self.users or self.users[-1] != (user, password):
                self.users.append((user, password))
            if problem:
                failing_since = failing_since or now
                self.behind = max(self.behind, now - failing_since)
                self.refused.append(f"{user}: {problem}")
            else:
                failing_since = None

    def stop(self):
        self.ending.set()
        self.join()


def moment(text: str) -> float:
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


def run(oracle: str, subject: str, folder: Path, seconds: int) -> int:
    folder.mkdir(parents=True)
    wrong: list[str] = []
    with PostgreSql(folder / "postgres") as database, OpenBao(oracle, folder / "server") as server:
        prepare(server, database)
        home, out = folder / "home", folder / "out"
        home.mkdir()
        out.mkdir()
        (folder / "role").write_text("app-role-id")
        config = {
            "vault": {"address": f"https://127.0.0.1:{server.tls_port}", "ca_cert": str(server.authority.cert)},
            "auto_auth": {"method": {"type": "approle", "config": {"role_id_file_path": str(folder / "role")}},
                          "sink": [{"type": "file", "config": {"path": str(home / ".vault-token")}}]},
            "template": [
                {"contents": '{{ with secret "database/creds/app" }}{{ .Data.username }} {{ .Data.password }}{{ end }}', "destination": str(out / "dynamic")},
                {"contents": '{{ with secret "database/static-creds/fixed" }}{{ .Data.username }} {{ .Data.password }}{{ end }}', "destination": str(out / "static")},
            ],
        }
        (folder / "config.json").write_text(json.dumps(config))
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "VAULT_CACERT": str(server.authority.cert)}
        with open(folder / "agent.stdout", "wb") as stdout, open(folder / "agent.stderr", "wb") as stderr:
            agent = subprocess.Popen([subject, "agent", f"-config={folder / 'config.json'}"], env=env, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 30
            while not ((out / "dynamic").exists() and (out / "static").exists()):
                if time.monotonic() > deadline or agent.poll() is not None:
                    print(f"FAILED: nothing was rendered, see {folder}/agent.stderr")
                    return 1
                time.sleep(0.05)
            applications = [Application(out / name, database) for name in ("dynamic", "static")]
            for application in applications:
                application.start()
            time.sleep(seconds)
            for application in applications:
                application.stop()
            dynamic, static = applications

            issued, renewed, leases = [], 0, {}
            for line in open(server.audit, encoding="utf-8"):
                entry = json.loads(line)
                if entry["type"] != "response" or entry.get("error"):
                    continue
                if entry["request"]["path"] == "database/creds/app":
                    issued.append(moment(entry["time"]))
                    leases[entry["response"]["secret"]["lease_id"]] = issued[-1]
                renewed += entry["request"]["path"] == "sys/leases/renew"
            gaps = [late - early for early, late in zip(issued, issued[1:])]
            user, password = dynamic.users[-1]
            print(f"{seconds} s, credentials of {TTL} s up to {MAX_TTL} s: {dynamic.logins} logins, {len(dynamic.refused)} refused, "
                  f"{len(dynamic.users)} credentials, {renewed} renewals, replaced after {min(gaps, default=0):.1f} to {max(gaps, default=0):.1f} s")
            print(f"static role rotated every {ROTATION} s: {static.logins} logins, {len(static.refused)} refused, at most {static.behind:.1f} s behind, "
                  f"{len(static.users)} passwords")
            if dynamic.refused:
                wrong.append(f"the application was refused: {dynamic.refused[0]}")
            if max(gaps, default=0) >= MAX_TTL:
                wrong.append("a credential was replaced after its end")
            if seconds > MAX_TTL and (len(dynamic.users) < 2 or not renewed):
                wrong.append("nothing was renewed and replaced")
            if static.behind > 3:
                wrong.append(f"the static password was behind for {static.behind:.1f} s")
            if agent.poll() is not None:
                wrong.append(f"the agent ended with {agent.returncode}")

            # The end, as the preStop hook of a pod with `agent-revoke-on-shutdown` does it.
            token = (home / ".vault-token").read_text()
            hook = subprocess.run([subject, "token", "revoke", f"-address=https://127.0.0.1:{server.tls_port}", "-self"], env=env, capture_output=True, text=True)
            agent.send_signal(signal.SIGTERM)
            code = agent.wait(20)
            (folder / "hook.stdout").write_text(hook.stdout + hook.stderr)
            print(f"revocation: {hook.stdout.strip() or hook.stderr.strip()}; the agent ended with {code}")
            if hook.returncode or code:
                wrong.append(f"the hook ended with {hook.returncode}, the agent with {code}")
            deadline = time.monotonic() + 10
            left = ["?"]
            while left and time.monotonic() < deadline:
                time.sleep(0.2)
                left = []
                for lease in leases:
                    try:
                        server.api.write("sys/leases/lookup", lease_id=lease)
                        left.append(lease)
                    except ApiError:
                        pass
            if left:
                wrong.append(f"{len(left)} leases are left")
            if server.api.alive(token):
                wrong.append("the token is left")
            if not database.login(user, password):
                wrong.append("the last credential still works")
            print(f"afterwards: {len(left)} leases, token {'alive' if server.api.alive(token) else 'gone'}, last credential refused")
        finally:
            if agent.poll() is None:
                agent.kill()
                agent.wait()
    for each in wrong:
        print(f"FAILED: {each}")
    return len(wrong)
