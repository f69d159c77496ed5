"""The example backend (examples/agent-backend) as a process of its own."""

import re
import signal
import subprocess
import threading
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "examples/agent-backend/app.py"
START_SECONDS_MAX = 60


class AgentBackend:
    """Running on a port of the kernel's choice; it must end by itself on SIGTERM."""

    name = "agent-backend"

    def __init__(self):
        self.process = subprocess.Popen(["/usr/bin/python3", "-B", APP, "--port", "0"], stdout=subprocess.PIPE, text=True)
        watchdog = threading.Timer(START_SECONDS_MAX, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:(\d+))\n", line)
        assert found, line
        self.url, self.port = found[1], int(found[2])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) in (0, -signal.SIGTERM)
        self.process.stdout.close()
