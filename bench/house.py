"""A house of its own for a bench: on SQLite, over loopback, and callers that keep their connection."""

import asyncio
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = pathlib.Path(os.environ.get("GATEHOUSE_BIN", ROOT / "build/release/gatehouse"))
TICK = os.sysconf("SC_CLK_TCK")
READY_SECONDS_MAX = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class House:
    """`changes` of its configuration."""

    def __init__(self, directory, workers, **changes):
        self.directory, self.port = directory, free_port()
        (directory / "data").mkdir(parents=True, mode=0o700)
        self.config = directory / "gatehouse.yaml"
        self.config.write_text(json.dumps({
            "data_dir": str(directory / "data"), "workers": workers, "limits": {"connections_per_address_max": 20000},
            "telemetry": {"access_log": {"path": str(directory / "access.log")}},
            "listeners": [{"name": "control", "bind": f"127.0.0.1:{self.port}", "serve": ["health", "api"]}], "routes": []} | changes))
        self.verb("migrate", "up")

    def verb(self, *arguments):
        done = subprocess.run([BINARY, *arguments, "--config", self.config], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"gatehouse {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def __enter__(self):
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen([BINARY, "serve", "--config", self.config], stdout=log, stderr=log)
        began = time.monotonic()
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > began + READY_SECONDS_MAX:
                    raise SystemExit(f"the gateway did not start, see {self.directory}/log") from None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def own_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
        return 0


class Caller:
    """One connection that is kept."""

    """`credential` is the field it shows: "X-API-Key: ..."."""

    def __init__(self, house, credential):
        self.house, self.credential, self.reader, self.writer = house, credential, None, None

    async def ask(self, method, path, body=None):
        """Status and body."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.house.port)
        text = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{self.credential}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + text)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        status, length = int(answer[9:12]), 0
        for line in answer.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        return status, await self.reader.readexactly(length) if length else b""

    def close(self):
        if self.writer:
            self.writer.close()
