"""Looks for every secret of the run in every log of the run.

The secrets are what the servers' audit logs (which are raw here) say was given out: tokens, wrapping tokens, passwords,
private keys, secret ids, values of key-value secrets; and what was sent in: JSON web tokens, secret ids.
"""

from __future__ import annotations

import json
from pathlib import Path

# Shorter values would be found by chance.
SHORTEST = 12
SECRET_KEYS = {"client_token", "token", "password", "private_key", "secret_id", "jwt", "unseal_key"}


def secrets_of(audit: Path) -> set[str]:
    found: set[str] = set()

    def collect(value, inside_data: bool):
        if isinstance(value, dict):
            for key, each in value.items():
                if key in ("error", "errors"):
                    continue
                if isinstance(each, str) and (inside_data or key in SECRET_KEYS):
                    found.add(each)
                else:
                    collect(each, inside_data)
        elif isinstance(value, list):
            for each in value:
                collect(each, inside_data)

    for line in open(audit, encoding="utf-8"):
        entry = json.loads(line)
        if entry["type"] != "response":
            continue
        response, request = entry.get("response") or {}, entry["request"]
        for part in (entry.get("auth"), response.get("auth"), response.get("wrap_info"), request):
            collect({key: value for key, value in (part or {}).items() if key in SECRET_KEYS}, False)
        collect(request.get("data"), False)
        kv = request.get("mount_type") == "kv"
        if kv and request["path"].split("/")[1:2] != ["metadata"]:
            data = (request.get("data") or {}) if request["operation"] in ("create", "update") else response.get("data") or {}
            collect(data.get("data", data) if isinstance(data, dict) else {}, True)
        else:
            collect(response.get("data"), False)
    return {each.strip() for each in found if len(each.strip()) >= SHORTEST}


def logs_of(folder: Path):
    """What the subject printed and logged; not what it was asked to print by a template's command."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in (".stderr", ".stdout", ".log") and "oracle_" not in file.parts and not file.parent.name.startswith("server"):
            yield file


def run(folder: Path) -> int:
    secrets: set[str] = set()
    for audit in folder.rglob("audit.log"):
        secrets |= secrets_of(audit)
    # A private key spans lines; its first line of base64 is enough.
    needles = {each if "-----" not in each else each.splitlines()[1] for each in secrets}
    found, files, environments = 0, 0, 0
    for file in folder.rglob("*.environ"):
        environments += 1
        if file.read_bytes() and "oracle_" not in file.parts:
            found += 1
            print(f"LEAK {file.relative_to(folder)}: the process's environment has more than it was given")
    for file in logs_of(folder):
        files += 1
        text = file.read_text(errors="replace")
        for needle in needles:
            if needle in text:
                found += 1
                where = text.index(needle)
                line = text[:where].count("\n") + 1
                print(f"LEAK {file.relative_to(folder)}:{line}: a secret of {len(needle)} characters, starting {needle[:4]}")
    print(f"{len(needles)} secrets looked for in {files} logs and {environments} environments: {found} found")
    if not files:
        print("FAILED: there are no logs; run with --keep, or as part of `all`")
    return found + (not files)
