"""What a configuration does not use costs nothing: no socket, no thread, no memory."""

import re
from pathlib import Path

from e2e.agent.world import Case, free_port


class Footprint(Case):
    def measured(self, **config) -> dict:
        """Threads, listening sockets and own memory (KiB) of an agent that has rendered and rests."""
        agent = self.agent({"auto_auth": self.login(), "template": [{"contents": '{{ with secret "secret/data/app" }}{{ .Data.data.user }}{{ end }}', "destination": str(self.folder / f"file-{self.agents}")}], **config})
        agent.until_logged("renewed auth token")
        agent.until_logged("(runner) rendered")
        process = Path(f"/proc/{agent.process.pid}")
        status = dict(re.findall(r"^(\w+):\s+(\d+)", (process / "status").read_text(), re.MULTILINE))
        inodes = {match[1] for each in (process / "fd").iterdir() if (match := re.match(r"socket:\[(\d+)\]", str(each.readlink())))}
        listening = sum(1 for line in (process / "net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A" and line.split()[9] in inodes)
        return {"threads": int(status["Threads"]), "listening": listening, "memory": int(status["RssAnon"])}

    def test_an_agent_without_listener_cache_and_telemetry_is_no_larger_than_one_with_them(self):
        plain = [self.measured() for _ in range(2)]
        serving = self.measured(cache={}, api_proxy={"use_auto_auth_token": True}, telemetry={"disable_hostname": True},
                                listener=[{"type": "tcp", "address": f"127.0.0.1:{free_port()}", "tls_disable": True}])
        self.assertEqual([(each["threads"], each["listening"]) for each in plain], [(1, 0), (1, 0)])
        self.assertEqual((serving["threads"], serving["listening"]), (1, 1))
        # Pages, not bytes, are counted: two runs of the same may differ by a few.
        self.assertLessEqual(min(each["memory"] for each in plain), serving["memory"] + 16, (plain, serving))
