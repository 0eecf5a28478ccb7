"""A throw-away PostgreSQL on a loopback port, run by an unprivileged user."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

from server import free_port


def tool(name: str) -> str:
    """A program of the newest installed PostgreSQL; Debian keeps them out of PATH."""
    installed = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: float(path.split("/")[4]))
    found = installed[-1] if installed else shutil.which(name)
    if not found:
        raise SystemExit(f"PostgreSQL's `{name}` is not installed: apt-get install postgresql")
    return found


class PostgreSql:
    password = "correct-horse-battery-staple"

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        # `initdb` and the server refuse to run as root.
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user and any(entry.pw_name == "postgres" for entry in pwd.getpwall()):
            self.user = "postgres"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "PostgreSql":
        self.folder.mkdir(parents=True)
        (self.folder / "password").write_text(self.password)
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            for parent in self.folder.parents:
                # The unprivileged user must be able to walk down to its folder.
                if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
        as_user = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}
        data = self.folder / "data"
        (self.folder / "password").chmod(0o644)
        subprocess.run([tool("initdb"), "-D", str(data), "-U", "root", f"--pwfile={self.folder / 'password'}", "-A", "scram-sha-256",
                        "--no-sync", "-E", "UTF8", "--locale=C"], check=True, capture_output=True, cwd="/", **as_user)
        with open(self.folder.parent / "postgres.out", "wb") as log:
            self.process = subprocess.Popen([tool("postgres"), "-D", str(data), "-p", str(self.port), "-h", "127.0.0.1", "-k", "",
                                             "-c", "fsync=off"], stdout=log, stderr=log, cwd="/", **as_user)
        deadline = time.monotonic() + 30
        while self.login("root", self.password):
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.1)
        return self

    def login(self, user: str, password: str, sql: str = "select 1") -> str:
        """Empty on success, else what the server said."""
        done = subprocess.run([tool("psql"), "-X", "-q", "-At", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", "postgres", "-c", sql],
                              env={"PATH": os.environ["PATH"], "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"}, capture_output=True, cwd="/")
        return "" if done.returncode == 0 else (done.stderr.decode().strip() or f"psql ended with {done.returncode}")

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
