"""One configuration, run by one side, and what could be seen of it from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from server import Api, OpenBao
from wire import Relay, next_source

# Log lines that people grep for (agent behaviour, section 13.3).
KNOWN_LINES = (
    "authenticating", "authentication successful, sending token to sinks", "starting renewal process",
    "renewed auth token", "error authenticating", "lifetime watcher done channel triggered",
    "auth handler stopped", "creating file sink", "file sink configured", "token written",
    "starting sink server", "sink server stopped", "runtime error encountered",
    "starting template server", "template server received new token", "template server error",
    "template server stopped", "starting exec server", "exec server stopped", "stopping process",
    "authentication successful, sending wrapped token to sinks and pausing", "sinks finished, exiting",
)


@dataclass(frozen=True)
class Side:
    """The oracle or the subject."""

    name: str
    binary: str


@dataclass
class Case:
    """A scenario: a function that drives a `Run`."""

    name: str
    drive: object
    group: str
    # Aspect ("requests", "stdout", ...) -> the row of COMPATIBILITY.md that explains a difference in it.
    differs: dict[str, str] = field(default_factory=dict)
    # Whether how often a request is seen depends on the clock; then only which ones is compared.
    timed: bool = False
    # Aspects in which the oracle differs from itself, because two of its tasks race to the end.
    races: frozenset[str] = frozenset()
    tls: bool = False
    only_root: bool = False


CASES: list[Case] = []


def case(group: str, **options):
    """Registers a scenario."""

    def register(drive):
        options["races"] = frozenset(options.get("races", ()))
        CASES.append(Case(drive.__name__, drive, group, **options))
        return drive

    return register


class Stuck(Exception):
    """What a case waited for did not happen."""


class Agent:
    """A started process with its output in files."""

    def __init__(self, run: "Run", argv: list[str], env: dict[str, str], label: str, umask: int = -1):
        self.run, self.label, self.env = run, label, env
        # Whether it ends by itself, so that what else it was doing is cut off at some moment.
        self.once = False
        self.out, self.err = run.logs / f"{label}.stdout", run.logs / f"{label}.stderr"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(argv, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                            env=env, cwd=run.dir, umask=umask, start_new_session=True)

    def keep_environ(self):
        """Writes down what is in the process's environment beyond what was given: there should be nothing."""
        try:
            present = Path(f"/proc/{self.process.pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return
        given = {f"{name}={value}".encode() for name, value in self.env.items()}
        self.err.with_suffix(".environ").write_bytes(b"\n".join(each for each in present if each and each not in given))

    def exit(self, seconds: float = 20) -> int:
        """Waits for the end; negative for a signal."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Stuck(f"{self.label} did not exit within {seconds} s") from None
        self.run.facts[f"exit code of {self.label}"] = code
        return code

    def signal(self, number: int):
        self.process.send_signal(number)

    def terminate(self, seconds: float = 20) -> int:
        self.keep_environ()
        self.signal(signal.SIGTERM)
        return self.exit(seconds)

    def logged(self, text: str) -> bool:
        return text in self.err.read_text(errors="replace")

    def printed(self, text: str) -> bool:
        return text in self.out.read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Run:
    """What a scenario may use. Everything below `dir` is compared afterwards."""

    def __init__(self, case: Case, side: Side, server: OpenBao, world: dict, folder: Path):
        self.case, self.side, self.server, self.world = case, side, server, world
        # Both sides see paths of the same length and depth.
        self.dir = folder / case.name / side.name
        self.logs = folder / "logs" / case.name / side.name
        for each in (self.dir / "out", self.dir / "in", self.dir / "home", self.logs):
            each.mkdir(parents=True)
        self.source = next_source()
        self.relay = Relay(server.tls_port if case.tls else server.port, self.source)
        scheme = "https" if case.tls else "http"
        self.address = f"{scheme}://127.0.0.1:{self.relay.port}"
        self.api: Api = server.api
        self.agents: list[Agent] = []
        self.facts: dict[str, object] = {}
        self.scrubs: list[tuple[str, str]] = []
        self.uncompared: set[str] = set()
        self.data = f"kv2/{case.name}"
        self.data1 = f"kv1/{case.name}"

    # -- setting the scene ---------------------------------------------------------------------

    def path(self, name: str) -> Path:
        return self.dir / name

    def put(self, name: str, text: str | bytes, mode: int = 0o644) -> str:
        """Writes a file as an application or kubelet would: whole, by rename."""
        target = self.dir / name
        temporary = target.with_name(f".{target.name}.new")
        temporary.write_bytes(text.encode() if isinstance(text, str) else text)
        temporary.chmod(mode)
        temporary.rename(target)
        return str(target)

    def secret(self, name: str, **values):
        """A KV version 2 secret of this case."""
        self.api.write(f"kv2/data/{self.case.name}/{name}", data=values)

    def secret1(self, name: str, **values):
        """A KV version 1 secret of this case."""
        self.api.write(f"kv1/{self.case.name}/{name}", **values)

    def token(self, ttl: str = "1h", policies=("everything",), **more) -> str:
        return self.api.write("auth/token/create", ttl=ttl, policies=list(policies), no_default_policy=False, **more)["auth"]["client_token"]

    def approle(self, **method) -> dict:
        """Auto-auth that needs nothing but a role id; the shortest way to a token."""
        return {"type": "approle", "config": {"role_id_file_path": self.put("in/role", "plain-role-id\n")}, **method}

    def jwt_file(self, name: str = "in/jwt", subject: str = "app") -> str:
        return self.put(name, self.world["tokens"].sign(subject))

    def sink(self, name: str = "out/token", **more) -> dict:
        config = {"path": str(self.dir / name), **more.pop("config", {})}
        return {"type": "file", "config": config, **more}

    def template(self, contents: str, name: str = "out/rendered", **more) -> dict:
        return {"contents": contents, "destination": str(self.dir / name), **more}

    # -- running -------------------------------------------------------------------------------

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.dir / "home"), "TZ": "UTC", **(extra or {})}

    def command(self, *args: str, env=None, umask: int = -1, label: str = "") -> Agent:
        agent = Agent(self, [self.side.binary, *args], self.environment(env), label or f"run{len(self.agents) + 1}", umask)
        self.agents.append(agent)
        return agent

    def agent(self, config: dict | str, *args: str, env=None, umask: int = -1, name: str = "config", vault: bool = True) -> Agent:
        """Starts the agent with a configuration: a dict as JSON, a string as HCL."""
        if isinstance(config, dict):
            if vault:
                stanza = {"address": self.address, **config.get("vault", {})}
                if self.case.tls:
                    stanza.setdefault("ca_cert", str(self.server.authority.cert))
                config = {**config, "vault": stanza}
            text, suffix = json.dumps(config, indent=1), "json"
        else:
            text, suffix = config, "hcl"
        file = self.logs / f"{name}.{suffix}"
        file.write_text(text)
        agent = self.command("agent", f"-config={file}", *args, env=env, umask=umask)
        agent.once = isinstance(config, dict) and config.get("exit_after_auth") is True
        return agent

    def until(self, condition, what: str, seconds: float = 20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Stuck(f"{what} did not happen within {seconds} s")
            time.sleep(0.05)

    def until_file(self, name: str, text: str | None = None, seconds: float = 20):
        def there():
            try:
                content = (self.dir / name).read_text(errors="replace")
                return text is None or text in content
            except (FileNotFoundError, NotADirectoryError):
                return False

        self.until(there, f"{name} with {text!r}" if text else name, seconds)

    def until_logged(self, text: str, seconds: float = 20, agent: Agent | None = None):
        agent = agent or self.agents[-1]
        self.until(lambda: agent.logged(text), f"log line {text!r}", seconds)

    def fact(self, name: str, value):
        """Something else that both sides must agree on."""
        self.facts[name] = value

    def scrub(self, pattern: str, replacement: str):
        """Text of this case that legitimately differs from run to run."""
        self.scrubs.append((pattern, replacement))

    def skip_file(self, name: str):
        """A file whose content and existence depend on the moment."""
        self.uncompared.add(name)

    # -- what was seen -------------------------------------------------------------------------

    def clean(self, text: str) -> str:
        for pattern, replacement in self.scrubs:
            text = re.sub(pattern, replacement, text)
        text = text.replace(str(self.dir), "<dir>").replace(str(self.logs), "<logs>")
        text = text.replace(f"127.0.0.1:{self.relay.port}", "<server>")
        text = re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "<jwt>", text)
        text = re.sub(r"\b(hvs|hvb|s|b)\.[A-Za-z0-9._-]{20,}", "<token>", text)
        text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>", text)
        text = re.sub(r"-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----", r"<\1>", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>", text)
        return re.sub(r"\.tmp\.[0-9a-f]{8}\b", ".tmp.<random>", text)

    def observe(self) -> dict[str, object]:
        """Everything that is compared, by aspect. Called once the scenario is over."""
        return {
            "facts": {name: self.clean(value) if isinstance(value, str) else value
                      for name, value in sorted(self.facts.items())},
            "files": self.files(),
            "stdout": {agent.label: self.stdout(agent) for agent in self.agents},
            "requests": self.audited(),
            "methods": self.methods(),
            "log": {agent.label: self.log_lines(agent) for agent in self.agents},
        }

    def files(self) -> dict[str, str]:
        seen = {}
        for root, folders, names in os.walk(self.dir):
            for name in sorted(folders + names):
                path = Path(root) / name
                relative = str(path.relative_to(self.dir))
                if relative in ("out", "in", "home") or relative in self.uncompared:
                    continue
                info = path.lstat()
                line = f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid}"
                if path.is_symlink():
                    line += f" -> {self.clean(os.readlink(path))}"
                elif path.is_file():
                    line += " " + repr(self.clean(path.read_bytes().decode("utf-8", "backslashreplace")))
                seen[self.clean(relative)] = line
        return dict(sorted(seen.items()))

    def stdout(self, agent: Agent) -> list[str]:
        text = agent.out.read_text(errors="replace")
        # The banner: from "started!" up to the blank line that ends the key: value block.
        text = re.sub(r"==> \w+ Agent started!.*\n\n==> \w+ Agent configuration:\n\n(?:.*\S.*\n)*\n?", "", text)
        text = re.sub(r"(?m)^==> Note: .*(version does not match|will be deprecating).*\n", "", text)
        text = re.sub(r"\b(OpenBao|Vault)\b", "<product>", text)
        text = re.sub(r"\b(BAO|VAULT)_", "<PRODUCT>_", text)
        text = self.clean(text)
        # Pannier also says where in the file the mistake is, and what would have been right (see COMPATIBILITY.md).
        text = re.sub(r" \(<logs>/[^ ()]+:\d+:\d+\)", "", text)
        text = re.sub(r"(?m)^hint: .*\n?", "", text)
        return [line for line in text.splitlines() if line.strip()]

    def audited(self) -> list[str]:
        lines, lookups = [], set()
        for entry in self.server.requests(self.source):
            request = entry["request"]
            if request["path"] == "sys/health":
                continue
            # The first renewal happens right after the login and races with an agent that ends by itself.
            if not self.case.timed and request["path"] == "auth/token/renew-self" and (request.get("data") or {}).get("increment") == 0:
                continue
            # The original asks for the kind of mount once a secret, Pannier once a mount (see COMPATIBILITY.md).
            if request["path"].startswith("sys/internal/ui/mounts/"):
                lookups.add(f"read sys/internal/ui/mounts/... as {'a token' if request.get('client_token') else 'nobody'}")
                continue
            agent = " ".join(request.get("headers", {}).get("user-agent", []))
            parts = [
                request["operation"], request["path"],
                self.shape(request.get("data")),
                f"as {'a token' if request.get('client_token') else 'nobody'}",
                "by " + re.sub(r"^(OpenBao|Vault) ", "", agent.split("/")[0] or "?"),
            ]
            if request.get("namespace", {}).get("path"):
                parts.append("in " + request["namespace"]["path"])
            if request.get("wrap_ttl"):
                parts.append(f"wrapped {request['wrap_ttl']}")
            if not request.get("headers", {}).get("x-vault-request"):
                parts.append("without X-Vault-Request")
            if entry.get("error"):
                parts.append("refused: " + self.clean(entry["error"]).replace("\n", " "))
            lines.append(self.clean(" ".join(parts)))
        lines += lookups
        return sorted(set(lines)) if self.case.timed else sorted(lines)

    def shape(self, body) -> str:
        return self.clean(json.dumps(body, sort_keys=True)) if body else "-"

    def methods(self) -> list[str]:
        """Methods and targets as they went over a plain connection."""
        lines = [self.clean(line) for line in self.relay.request_lines() if " /v1/sys/health" not in line
                 and (self.case.timed or " /v1/auth/token/renew-self" not in line)]
        return sorted({re.sub(r"(/v1/sys/internal/ui/mounts/).*", r"\1...", line) for line in lines})

    def log_lines(self, agent: Agent) -> list[str]:
        found = set()
        for line in agent.err.read_text(errors="replace").splitlines():
            match = re.match(r"\S+ \[(\w+)\]\s+([\w.]+): (.*)", line)
            if not match:
                continue
            level, logger, message = match.groups()
            for known in KNOWN_LINES:
                if known == "renewed auth token" and (not self.case.timed or agent.once):
                    continue
                if message == known or message.startswith(known + ":"):
                    found.add(f"[{level}] {logger}: {known}")
            if rendered := re.match(r'\(runner\) rendered .*', message):
                found.add(f"[{level}] {logger}: {self.clean(rendered.group())}")
        return sorted(found)

    def close(self):
        for agent in self.agents:
            agent.stop()
        self.relay.close()
