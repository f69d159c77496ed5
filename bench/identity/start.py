#!/usr/bin/python3 -B
"""How long `serve` takes until it answers, with many keys and users in its database and with none.

    bench/identity/start.py [--keys 1000000] [--users 10000] [--rounds 9] [--at-most 300] [--directory DIR]

From the start of the process to the first 200 of /health/ready, in turns; the medians of the rounds count. Prints Markdown and
ends with 1 when the median with many is above the bound, in milliseconds. Wants `cmake --build build/release --target
gatehouse gh_bench_identity`.
"""

import argparse
import http.client
import json
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build" / "release"
READY_SECONDS_MAX = 30


class Failed(Exception):
    """Something is missing or did not do its work; the text says what."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class House:
    """A data directory and a configuration that serves the control plane on loopback."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        (directory / "data").mkdir(parents=True, mode=0o700)
        self.config = directory / "gatehouse.yaml"
        self.config.write_text(json.dumps({
            "data_dir": str(directory / "data"),
            "listeners": [{"name": "control", "bind": f"127.0.0.1:{self.port}", "serve": ["health", "api"]}],
        }))

    def fill(self, keys, users):
        done = subprocess.run([RELEASE / "bench/identity/gh_bench_identity", "lookups",
                               f"sqlite:{self.directory}/data/gatehouse.db", str(keys), str(users)],
                              capture_output=True, text=True, check=False)
        if "| a key recognised |" not in done.stdout:
            raise Failed(f"filling the database failed: {done.stdout}{done.stderr}")
        return self

    def start(self):
        """Milliseconds from the start of the process to its first good answer; then it is stopped."""
        with (self.directory / "log").open("ab") as log:
            began = time.monotonic()
            process = subprocess.Popen([RELEASE / "gatehouse", "serve", "--config", self.config], stdout=log, stderr=log)
            try:
                while not self.ready():
                    if process.poll() is not None or time.monotonic() > began + READY_SECONDS_MAX:
                        raise Failed(f"the gateway did not start, see {self.directory}/log:\n{(self.directory / 'log').read_text()[-500:]}")
                    time.sleep(0.001)
                return 1000 * (time.monotonic() - began)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(READY_SECONDS_MAX)

    def ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def measure(options, directory):
    empty = House(directory / "empty")
    full = House(directory / "full").fill(options.keys, options.users)
    for house in (empty, full):
        house.start()  # the first start makes keys and the first user
    took = {"empty": [], "full": []}
    for _ in range(options.rounds):
        took["empty"].append(empty.start())
        took["full"].append(full.start())
    medians = {name: statistics.median(times) for name, times in took.items()}
    print(f"{options.keys} keys and {options.users} users on SQLite, medians of {options.rounds} starts in turns.\n")
    print("| database | ms from start to ready |\n| --- | --- |")
    print(f"| empty | {medians['empty']:.0f} |\n| full | {medians['full']:.0f} |\n")
    holds = medians["full"] <= options.at_most
    print("| | is | at most | holds |\n| --- | --- | --- | --- |")
    print(f"| start of the full one, ms | {medians['full']:.0f} | {options.at_most} | {'yes' if holds else 'no'} |")
    return holds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--at-most", type=int, default=300, help="milliseconds")
    parser.add_argument("--directory", type=pathlib.Path, help="kept; otherwise a temporary one, removed")
    options = parser.parse_args()
    directory = options.directory or pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-start-"))
    try:
        return 0 if measure(options, directory) else 1
    except Failed as failure:
        print(f"start.py: {failure}", file=sys.stderr)
        return 2
    finally:
        if not options.directory:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
