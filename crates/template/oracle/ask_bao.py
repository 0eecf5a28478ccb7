#!/usr/bin/env python3
"""Asks `bao agent` to render templates, and keeps what it answers as data for the tests.

    PANNIER_BAO=/path/to/bao crates/template/oracle/ask_bao.py [NAME...]

Each `cases/NAME.txt` has one template a line (a line that starts with `"` is a JSON string; `#` starts a comment) and
becomes `../tests/data/functions/NAME.json`: a list of {"t": template, "out": text} or {"t": template, "err": error}.
The server is filled with the data set that `server_data` below shows. Cases that have a `networks/NAME.sh` are asked in a
network of their own that this script lays (as root, or where users may make namespaces). Standard library only.
"""

import base64
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "tests" / "data" / "functions"
TOKEN = "root"
PART = 12
ENVIRONMENT = {"EXV": "hello", "EXE": "", "PATH": os.environ["PATH"], "HOME": tempfile.gettempdir(), "TZ": "UTC"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A development server with the data set of the worked examples."""

    def __init__(self, bao):
        self.address = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            [bao, "server", "-dev", f"-dev-root-token-id={TOKEN}", f"-dev-listen-address={self.address[7:]}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        for _ in range(100):
            try:
                urllib.request.urlopen(self.address + "/v1/sys/health")
                break
            except OSError:
                time.sleep(0.1)
        self.server_data()

    def put(self, path, body):
        request = urllib.request.Request(f"{self.address}/v1/{path}", json.dumps(body).encode(), method="POST",
                                         headers={"X-Vault-Token": TOKEN})
        urllib.request.urlopen(request).read()

    def raw(self, path, text):
        request = urllib.request.Request(f"{self.address}/v1/{path}", text.encode(), method="POST",
                                         headers={"X-Vault-Token": TOKEN})
        urllib.request.urlopen(request).read()

    def server_data(self):
        self.put("sys/mounts/ex", {"type": "kv", "options": {"version": "2"}})
        self.put("sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
        time.sleep(1)  # the upgrade of a new KV v2 mount
        data = json.loads((HERE / "secrets.json").read_text())
        for path, body in data.items():
            self.raw(path, body)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def run_agent(bao, server, folder, templates, missing_key=False):
    """Renders all at once. Returns the outputs, or the index of the template that failed and its error."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "token").write_text(TOKEN)
    stanzas = []
    for i, text in enumerate(templates):
        (folder / f"{i}.ctmpl").write_bytes(text.encode())
        stanzas.append({"source": str(folder / f"{i}.ctmpl"), "destination": str(folder / f"{i}.out"),
                        "error_on_missing_key": missing_key})
    config = {
        "vault": {"address": server.address, "retry": {"num_retries": -1}},
        "exit_after_auth": True,
        "auto_auth": {"method": [{"type": "token_file", "config": {"token_file_path": str(folder / "token")}}]},
        "template_config": {"exit_on_retry_failure": True},
        "template": stanzas,
    }
    (folder / "agent.json").write_text(json.dumps(config))
    done = subprocess.run([bao, "agent", "-config", str(folder / "agent.json")], env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    log = done.stdout.decode("utf-8", "surrogateescape")
    if done.returncode == 0:
        return [(folder / f"{i}.out").read_bytes() for i in range(len(templates))], None
    # The log quotes an error, writing a quote as \" and leaving backslashes alone; one of several lines it indents.
    found = re.search(r'runtime error encountered: error="(.*)" exitCode=', log, re.S)
    lines = re.search(r"runtime error encountered:\n  error=\n((?:  \|.*\n)*)", log)
    if lines:
        text = "\n".join(line[4:] for line in lines.group(1).splitlines())
    elif found:
        text = found.group(1).replace('\\"', '"')
    else:
        text = log
    text = text.removeprefix("template server: ")
    which = re.search(r"(\d+)\.ctmpl", text)
    # The source file's name stands where the text of `contents` would say (dynamic).
    text = re.sub(re.escape(str(folder)) + r"/\d+\.ctmpl", "(dynamic)", text)
    return None, (int(which.group(1)) if which else None, text.strip("\n"))


def answer(bao, server, folder, templates):
    """Answers for a list of templates; the failing ones are set aside one after another."""
    results = [None] * len(templates)
    pending = list(range(len(templates)))
    while pending:
        outputs, failure = run_agent(bao, server, folder, [templates[i] for i in pending])
        if outputs is not None:
            for i, out in zip(pending, outputs):
                try:
                    results[i] = {"t": templates[i], "out": out.decode()}
                except UnicodeDecodeError:
                    results[i] = {"t": templates[i], "base64": base64.b64encode(out).decode()}
            break
        which, text = failure
        if which is None:
            if len(pending) == 1:
                which = 0
            else:
                # The error does not say where: halve until it is alone.
                half = len(pending) // 2
                for part in (pending[:half], pending[half:]):
                    for i, r in zip(part, answer(bao, server, folder, [templates[i] for i in part])):
                        results[i] = r
                break
        results[pending[which]] = {"t": templates[pending[which]], "err": text}
        del pending[which]
    return results


def keep_unless_new(row, old):
    """The old row if the new one differs in an address or in the order of lines (maps that `spew` prints) alone."""
    def essence(r):
        text = r.get("out") or ""
        return r.get("err"), r.get("base64"), sorted(line.rstrip(",") for line in re.sub(r"0x[0-9a-f]{8,}", "0x", text).splitlines())

    return old if old and old["t"] == row["t"] and sorted(old) == sorted(row) and essence(old) == essence(row) else row


def in_own_network(name):
    """Asks the cases in a network of their own, if they want one."""
    network = HERE / "networks" / f"{name}.sh"
    if not network.exists():
        return False
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    subprocess.run(["unshare", *as_root, "--net", "sh", "-euc", 'sh -eu "$0"; exec "$@"', str(network), sys.executable, __file__, name],
                   env=os.environ | {"PANNIER_ORACLE_NETWORK": name}, check=True)
    return True


def read_cases(path):
    cases = []
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        cases.append(json.loads(line) if line.startswith('"') else line)
    return cases


def main():
    bao = os.environ.get("PANNIER_BAO")
    if not bao:
        sys.exit("PANNIER_BAO must name the `bao` program; `make test` sets it")
    names = sys.argv[1:] or sorted(p.stem for p in (HERE / "cases").glob("*.txt"))
    if "PANNIER_ORACLE_NETWORK" not in os.environ:
        names = [name for name in names if not in_own_network(name)]
    if not names:
        return
    OUT.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="pannier-oracle-"))
    server = Server(bao)
    try:
        for name in names:
            cases = read_cases(HERE / "cases" / f"{name}.txt")
            # Each error costs a run with all that is left of its part, so parts are small.
            parts = [cases[i:i + PART] for i in range(0, len(cases), PART)]
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda p: answer(bao, server, work / f"w{p[0]}", p[1]), enumerate(parts)))
            rows = [row for part in answers for row in part]
            target = OUT / f"{name}.json"
            old = {r["t"]: r for r in json.loads(target.read_text())} if target.exists() else {}
            rows = [keep_unless_new(r, old.get(r["t"])) for r in rows]
            text = ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows)
            target.write_text(f"[\n{text}\n]\n")
            print(f"{name}: {len(rows)} cases, {sum('err' in r for r in rows)} errors")
    finally:
        server.stop()
        shutil.rmtree(work, ignore_errors=True)


main()
