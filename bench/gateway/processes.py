"""Starts what a bench needs, pins it, reads what it costs, and stops it by its process id."""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONNECTIONS_MAX = 6000
ATTEMPTS = 5


class Failed(Exception):
    """Something did not start or did not do its work; the text says what."""


def tools_directory(chosen=None):
    """Where gh_bench_loadgen and gh_bench_origin lie."""
    candidates = [pathlib.Path(chosen)] if chosen else [ROOT / "build" / preset / "bench/gateway"
                                                        for preset in ("release", "dev")]
    for path in candidates:
        if (path / "gh_bench_loadgen").exists() and (path / "gh_bench_origin").exists():
            return path
    raise Failed("the bench is not built: cmake --preset release && "
                 "cmake --build build/release --target gatehouse gh_bench_gateway")


def gatehouse_binary():
    path = pathlib.Path(os.environ.get("GATEHOUSE_BIN", ROOT / "build/release/gatehouse"))
    if not path.exists():
        raise Failed(f"{path} is missing: cmake --build build/release --target gatehouse, or set GATEHOUSE_BIN")
    return path


_handed_out = set()


def free_port():
    """Below the range that the kernel hands to clients, so that no client takes it meanwhile."""
    for _ in range(500):
        port = random.randint(20000, 31999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _handed_out:
            _handed_out.add(port)
            return port
    raise Failed("no free port between 20000 and 31999")


class Cores:
    """Which core is the server's and which that of everybody else; none where the machine has only one."""

    def __init__(self, server=0, client=1):
        usable = os.sched_getaffinity(0)
        self.server, self.client = (server, client) if {server, client} <= usable else (None, None)

    def on(self, core, command):
        return command if core is None else ["taskset", "-c", str(core), *map(str, command)]


class Server:
    """One process, with its children, from start to stop."""

    def __init__(self, command, directory, environment=None):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        with (directory / "stdout").open("wb") as out, (directory / "stderr").open("wb") as err:
            self.process = subprocess.Popen([*map(str, command)], cwd=directory, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err,
                                            env={"PATH": os.environ["PATH"], **(environment or {})})

    def wait_for_port(self, port, seconds_max=15):
        until = time.monotonic() + seconds_max
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failed(f"{self.process.args[0]} does not listen on {port}:\n{self.said()}")

    def said(self):
        return "".join((self.directory / name).read_text(errors="replace")[-1500:] for name in ("stdout", "stderr"))

    def pids(self):
        """The process and all below it."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                todo += map(int, children.read_text().split())
        return found

    def own_bytes(self):
        """Proportional set size without that of files: a page shared by several of these processes counts once, and
        who else maps the same libraries changes nothing."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self, grace_seconds=5):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Origin(Server):
    """The backend; `answers` maps paths to files. Silent: it takes requests and never answers."""

    def __init__(self, tools, cores, directory, answers, port=0, silent=False):
        serve = [word for path, file in answers.items() for word in ("--serve", f"{path}={file}")]
        command = [tools / "gh_bench_origin", "--port", port, *serve, *(["--silent"] if silent else [])]
        super().__init__(cores.on(cores.client, command), directory)
        until = time.monotonic() + 10
        while not (text := (self.directory / "stdout").read_text()).endswith("\n"):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise Failed(f"the origin does not start: {self.said()}")
            time.sleep(0.01)
        self.port = int(text.split()[1])


def load_command(tools, cores, port, options):
    return cores.on(cores.client, [str(tools / "gh_bench_loadgen"), "--port", str(port), *map(str, options)])


def load(tools, cores, port, options, warm, seconds):
    """The figures of one timed window as a dict; warm and seconds as for the load generator. Every answer has to be the
    right one.

    On a busy machine a short window may pass without a single answer; then one twice as long follows."""
    for attempt in range(ATTEMPTS):
        figures = load_once(tools, cores, port, [*options, "--warm", warm, "--seconds", seconds * 2**attempt])
        if wrong := {name: figures[name] for name in ("wrong_status", "wrong_body", "broken") if figures[name]}:
            raise Failed(f"{wrong}, statuses {figures['statuses']}")
        if figures["requests"]:
            return figures
    raise Failed(f"no answer in {ATTEMPTS} windows; in the last the server ran {figures['server_busy']:.0%} and waited "
                 f"{figures['server_waited']:.0%} of the time")


def load_once(tools, cores, port, options, seconds_max=600):
    try:
        done = subprocess.run(load_command(tools, cores, port, options), capture_output=True, text=True,
                              timeout=seconds_max, check=False)
    except subprocess.TimeoutExpired as slow:
        raise Failed(f"the load generator was not done after {seconds_max} s") from slow
    if done.returncode != 0:
        raise Failed(done.stderr.strip() or f"the load generator ended with {done.returncode}")
    return json.loads(done.stdout)


def end_on_sigterm():
    """SIGTERM ends the bench as Ctrl-C does, so that what it started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def machine():
    """One line about where the figures come from."""
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown processor")
    return f"{model}, {os.cpu_count()} cores, Linux {os.uname().release}"


def version_of(command):
    program = shutil.which(command[0]) or command[0]
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=10, check=False)
    return ((done.stdout + done.stderr).strip().splitlines() or ["unknown"])[0]
