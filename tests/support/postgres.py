"""A PostgreSQL of the test's own: in a folder, on a Unix socket, stopped and started as the test likes."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from support.wait import seconds, until

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def installed():
    return (PROGRAMS / "initdb").exists()


def _as_ordinary_user():
    """The server refuses root, and ends when the test does, however that comes about."""
    user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "QUIT", *user]


class Postgres:
    """Trusts whoever reaches its socket. `url` is what storage.url takes."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # short: sockets have short names
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        self.url = f"postgresql://postgres@/postgres?host={self.folder}"
        self.process = None
        self._run("initdb", "-D", self.folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
                  "--no-sync")
        self.start()

    def _run(self, program, *arguments):
        subprocess.run([*_as_ordinary_user(), str(PROGRAMS / program), *map(str, arguments)], check=True,
                       capture_output=True, timeout=seconds(60))

    def start(self):
        settings = {"listen_addresses": "", "unix_socket_directories": self.folder, "fsync": "off", "max_connections": 60,
                    "shared_buffers": "32MB"}
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_as_ordinary_user(), str(PROGRAMS / "postgres"), "-D", str(self.folder / "data"),
                 *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, "PostgreSQL to answer", timeout=60)

    def _answers(self):
        assert self.process.poll() is None, "PostgreSQL ended"
        return subprocess.run([str(PROGRAMS / "pg_isready"), "-q", "-h", str(self.folder)], check=False).returncode == 0

    def stop(self):
        """At once: connections break."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(seconds(30))

    def pause(self, paused=True):
        """It neither answers nor goes: every process of it stands still, or goes on."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, children)]:
            os.kill(pid, signal.SIGSTOP if paused else signal.SIGCONT)

    def close(self):
        if self.process and self.process.poll() is None:
            self.pause(False)
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder.parent / f"{self.folder.name}.log").unlink(missing_ok=True)
