"""Runs every case on both sides and prints what differs."""

from __future__ import annotations

import difflib
import importlib
import json
import os
import threading
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from case import CASES, Case, Run, Side, Stuck
from server import Api, ApiError, Authority, OpenBao, Tokens

GROUPS = ("auth", "sinks", "templates", "commands", "exits", "config", "signals", "supervisor", "listener", "proxying", "cli", "corners", "probes")
PROBLEM = ("error loading configuration", "error validating configuration")
COMPATIBILITY = Path(__file__).parents[2] / "COMPATIBILITY.md"


class TokenReview(BaseHTTPRequestHandler):
    """The one call of a Kubernetes API server that OpenBao's kubernetes method makes."""

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = review["spec"]["token"] not in self.server.strangers
        status = {"authenticated": known, "audiences": review["spec"].get("audiences", [])}
        if known:
            status["user"] = {"username": "system:serviceaccount:demo:app", "uid": "0b1c", "groups": []}
        answer = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def prepare(api: Api, world: dict, authority: Authority):
    """What all cases of one server share: mounts, roles, policies."""
    api.write("sys/mounts/kv2", type="kv", options={"version": "2"})
    api.write("sys/mounts/kv1", type="kv", options={"version": "1"})
    api.write("sys/mounts/deep/er/kv2", type="kv", options={"version": "2"})
    api.write("sys/mounts/pki", type="pki")
    api.write("sys/mounts/transit", type="transit")
    api.policy("everything", 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }')
    api.policy("kv-only", 'path "kv2/*" { capabilities = ["read", "list"] }')

    api.write("pki/root/generate/internal", common_name="parity", ttl="720h")
    api.write("pki/roles/web", allow_any_name=True, max_ttl="700h", ttl="600h")
    api.write("pki/roles/short", allow_any_name=True, max_ttl="10s", ttl="10s")

    api.write("sys/auth/approle", type="approle")
    for name, more in {
        "plain": {"bind_secret_id": False},
        "secret": {"bind_secret_id": True},
        "short": {"bind_secret_id": False, "token_ttl": "6s", "token_max_ttl": "15s"},
        "batch": {"bind_secret_id": False, "token_type": "batch"},
        "narrow": {"bind_secret_id": False, "token_policies": ["kv-only"]},
    }.items():
        # OpenBao wants some constraint where no secret id is asked for.
        more = {**more, **({} if more["bind_secret_id"] else {"token_bound_cidrs": ["127.0.0.0/8"]})}
        api.write(f"auth/approle/role/{name}", **{"token_policies": ["everything"], "token_ttl": "1h", **more})
        api.write(f"auth/approle/role/{name}/role-id", role_id=f"{name}-role-id")

    api.write("sys/auth/jwt", type="jwt")
    api.write("auth/jwt/config", jwt_validation_pubkeys=[world["tokens"].public])
    api.write("auth/jwt/role/app", role_type="jwt", bound_audiences=["pannier"], user_claim="sub",
              token_policies=["everything"], token_ttl="1h")
    api.write("auth/jwt/role/short", role_type="jwt", bound_audiences=["pannier"], user_claim="sub",
              token_policies=["everything"], token_ttl="4s", token_max_ttl="10s")

    for mount in ("kubernetes", "clusters/blue"):
        api.write(f"sys/auth/{mount}", type="kubernetes")
        api.write(f"auth/{mount}/config", kubernetes_host=world["review"], disable_local_ca_jwt=True,
                  kubernetes_ca_cert=authority.cert.read_text())
        api.write(f"auth/{mount}/role/app", bound_service_account_names=["app"],
                  bound_service_account_namespaces=["demo"], token_policies=["everything"], token_ttl="1h")

    api.write("sys/auth/cert", type="cert")
    api.write("auth/cert/certs/web", certificate=authority.cert.read_text(), token_policies=["everything"], token_ttl="1h")

    api.write("sys/namespaces/team")
    team = api.within("team/")
    team.write("sys/mounts/kv2", type="kv", options={"version": "2"})
    # A new key-value mount upgrades itself for a moment.
    for _ in range(100):
        try:
            team.write("kv2/data/app", data={"where": "team"})
            break
        except ApiError:
            time.sleep(0.1)
    team.policy("everything", 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }')
    team.write("sys/auth/approle", type="approle")
    team.write("auth/approle/role/plain", bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"],
               token_policies=["everything"], token_ttl="1h")
    team.write("auth/approle/role/plain/role-id", role_id="plain-role-id")


def drive(case: Case, side: Side, server: OpenBao, world: dict, folder: Path) -> dict:
    run = Run(case, side, server, world, folder)
    try:
        case.drive(run)
    except Stuck as stuck:
        run.facts["stuck"] = str(stuck)
    except Exception:  # one broken case must not hide the other hundred
        run.facts["broken"] = traceback.format_exc()
    finally:
        run.close()
    return run.observe()


def forgive_more_problems(left: dict, right: dict):
    """Drops problems of a configuration that only the subject reports: the original stops at the first."""
    for label, lines in right["stdout"].items():
        theirs = left["stdout"].get(label, [])
        if any(line.startswith(PROBLEM) for line in theirs):
            right["stdout"][label] = [line for line in lines if line in theirs or not line.startswith(PROBLEM)]


def differences(left: dict, right: dict, races: frozenset[str]) -> dict[str, list[str]]:
    """Aspect -> a unified diff; empty where both sides agree."""
    found = {}
    forgive_more_problems(left, right)
    for aspect in left:
        if aspect in races or left[aspect] == right[aspect]:
            continue
        texts = [json.dumps(each[aspect], indent=1, sort_keys=True).splitlines() for each in (left, right)]
        found[aspect] = list(difflib.unified_diff(*texts, "oracle", "subject", lineterm="", n=0))[2:]
    return found


def run(oracle: str, subject: str, folder: Path, only: str, jobs: int) -> int:
    for group in GROUPS:
        importlib.import_module(f"cases.{group}")
    chosen = [case for case in CASES if only in case.name or only in (case.group, case.drive.__module__.removeprefix("cases."))]
    folder.mkdir(parents=True, exist_ok=True)
    rows = COMPATIBILITY.read_text()
    authority = Authority(folder / "tls")
    stranger = Authority(folder / "stranger", "stranger")
    review = ThreadingHTTPServer(("127.0.0.1", 0), TokenReview)
    review.strangers = set()
    threading.Thread(target=review.serve_forever, daemon=True).start()
    world = {"tokens": Tokens(folder / "jwt"), "review": f"http://127.0.0.1:{review.server_address[1]}",
             "stranger": stranger, "strangers": review.strangers}
    results: dict[str, dict] = {}
    started = time.monotonic()
    with OpenBao(oracle, folder / "server-oracle", authority) as left, \
            OpenBao(oracle, folder / "server-subject", authority) as right:
        for server in (left, right):
            prepare(server.api, world, authority)
        sides = (Side("oracle_", oracle), Side("subject", subject))

        def both(case: Case) -> dict[str, list[str]]:
            with ThreadPoolExecutor(2) as pair:
                seen = [pair.submit(drive, case, side, server, world, folder / "cases")
                        for side, server in zip(sides, (left, right))]
                left_seen, right_seen = (each.result() for each in seen)
            results[case.name] = {"oracle": left_seen, "subject": right_seen}
            return differences(left_seen, right_seen, case.races)

        failed, explained, broken, table = 0, Counter(), [], {}
        with ThreadPoolExecutor(jobs) as pool:
            todo = [case for case in chosen if os.geteuid() == 0 or not case.only_root]
            for case in chosen:
                if case not in todo:
                    print(f"not run: {case.name}: needs root to change owners")
            for case, found in zip(todo, pool.map(both, todo)):
                stuck = [side for side, seen in results[case.name].items()
                         if "stuck" in seen["facts"] or "broken" in seen["facts"]]
                excused = {aspect: row for aspect, row in case.differs.items() if aspect in found and f"\n| {row}" in rows}
                rest = {aspect: diff for aspect, diff in found.items() if aspect not in excused}
                if "oracle" in stuck:
                    broken.append(case.name)
                verdict = "equal" if not found else "explained" if not rest else "DIFFERS"
                if stuck and not rest:
                    verdict = "STUCK ON BOTH SIDES"
                print(f"{verdict:10} {case.group}: {case.name}", flush=True)
                table.setdefault(case.group, Counter())[verdict if verdict in ("equal", "explained") else "different"] += 1
                for aspect, row in excused.items():
                    explained[row] += 1
                    print(f"             {aspect}: see COMPATIBILITY.md, {row}")
                if verdict not in ("equal", "explained"):
                    failed += 1
                    for aspect, diff in rest.items():
                        print(f"    {aspect}:")
                        for line in diff[:40]:
                            print(f"        {line[:400]}")
    review.shutdown()
    (folder / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True))
    print(f"\n{'group':12} {'equal':>9} {'explained':>9} {'different':>9}")
    for group, counts in table.items():
        print(f"{group:12} " + " ".join(f"{counts[verdict]:9}" for verdict in ("equal", "explained", "different")))
    print(f"{len(todo)} configurations in {time.monotonic() - started:.0f} s: {len(todo) - failed} equal or explained, {failed} not")
    for row, count in sorted(explained.items()):
        print(f"  {count} explained by: {row}")
    if broken:
        print(f"  cases in which the oracle itself got stuck (the case is wrong): {', '.join(broken)}")
    return failed
