"""Signals in each phase."""

import json
import os
import signal
import subprocess
import time

from case import Run, case
from cases.templates import sidecar


@case("signals", timed=True)
def terminate_while_idle(c: Run):
    c.secret("app", user="u")
    agent = sidecar(c, c.template(f'{{{{ with secret "{c.data}/app" }}}}{{{{ .Data.data.user }}}}{{{{ end }}}}'))
    c.until_file("out/rendered")
    c.until_logged("renewed auth token")
    agent.terminate()
    c.fact("the token lives on", c.api.alive(c.path("out/token").read_text()))


@case("signals", timed=True)
def interrupt_while_idle(c: Run):
    agent = sidecar(c, c.template("x"))
    c.until_file("out/rendered")
    c.until_logged("renewed auth token")
    agent.signal(signal.SIGINT)
    agent.exit()


@case("signals", timed=True)
def terminate_while_a_secret_is_missing(c: Run):
    agent = sidecar(c, c.template(f'{{{{ with secret "{c.data}/never" }}}}x{{{{ end }}}}'))
    c.until_logged("no secret exists at")
    c.until_logged("renewed auth token")
    agent.terminate()


@case("signals", timed=True)
def reload_changes_the_log_level(c: Run):
    """A secret fails again and again; once the level is `error`, its retries are not told any more."""
    config = {"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "vault": {"address": c.address},
              "template": [c.template(f'{{{{ with secret "{c.data}/never" }}}}x{{{{ end }}}}')]}
    file = c.put("in/config.json", json.dumps({**config, "log_level": "warn"}))
    agent = c.command("agent", f"-config={file}")
    c.until_logged("(retry attempt 2 ")
    c.put("in/config.json", json.dumps({**config, "log_level": "error"}))
    agent.signal(signal.SIGHUP)
    c.until(lambda: agent.printed("reload triggered"), "the reload message")
    time.sleep(4)
    c.fact("told at warn", (agent.logged("[WARN]"), agent.logged("[INFO]")))
    c.fact("told at error", agent.logged("(retry attempt 4 "))
    agent.terminate()


@case("signals", timed=True, differs=dict.fromkeys(['stdout'], 'wording of a syntax error'))
def reload_of_a_broken_file_changes_nothing(c: Run):
    agent = sidecar(c, c.template("x"))
    c.until_file("out/rendered")
    c.until_logged("renewed auth token")
    (c.logs / "config.json").write_text("{")
    agent.signal(signal.SIGHUP)
    c.until(lambda: agent.printed("error"), "the error")
    c.fact("still there", agent.process.poll() is None)
    agent.terminate()
    c.scrub(r"(error loading configuration from).*", r"\1 ...")


@case("signals", timed=True)
def pid_file(c: Run):
    agent = c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "pid_file": str(c.path("out/pid"))})
    c.until_file("out/token")
    c.until_logged("renewed auth token")
    c.fact("pid", c.path("out/pid").read_text() == str(agent.process.pid))
    c.fact("mode", oct(c.path("out/pid").stat().st_mode & 0o7777))
    agent.terminate()
    c.fact("removed", not c.path("out/pid").exists())


@case("signals")
def pid_file_in_a_missing_folder(c: Run):
    c.agent({"auto_auth": {"method": c.approle(), "sink": [c.sink()]}, "pid_file": str(c.path("out/none/pid"))}).exit()
