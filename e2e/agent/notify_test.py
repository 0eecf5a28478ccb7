"""The service manager's socket: ready, reloading, stopping."""

import signal
import socket

from e2e.agent.world import Case


class Notify(Case):
    def test_a_service_manager_is_told_each_step(self):
        path = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(path))
            manager.settimeout(10)

            def told() -> str:
                # Some add the time of a reload in a line of its own.
                return manager.recv(4096).decode().split("\n")[0]

            agent = self.agent({"auto_auth": self.login()}, env={"NOTIFY_SOCKET": str(path)})
            self.assertEqual(told(), "READY=1")
            # The banner was there before.
            self.assertIn("==> Vault Agent configuration:", agent.stdout.read_text())
            agent.process.send_signal(signal.SIGHUP)
            self.assertEqual((told(), told()), ("RELOADING=1", "READY=1"))
            self.assertEqual(agent.terminate(), 0)
            self.assertEqual(told(), "STOPPING=1")

    def test_a_socket_that_nobody_reads_is_no_obstacle(self):
        agent = self.agent({"auto_auth": self.login(), "exit_after_auth": True}, env={"NOTIFY_SOCKET": "/nonexistent/notify"})
        self.assertEqual(agent.exit(), 0)
