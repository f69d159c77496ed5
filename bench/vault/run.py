#!/usr/bin/python3 -B
"""What sealed secrets cost through the API: reads beside what an answer costs anyhow, and a vault of many secrets.

    bench/vault/run.py [--secrets 100000] [--seconds 4] [--rounds 5] [--directory DIR]

One worker and one connection a caller over loopback, SQLite, every read and every write an audit record on disk before it is
answered. CPU is the whole process's, by requests completed; the median of the rounds counts. Prints Markdown.
Wants wrk and `cmake --build build/release --target gatehouse`; GATEHOUSE_BIN names another binary.
"""

import argparse
import asyncio
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("GATEHOUSE_BIN", ROOT / "build/release/gatehouse"))
FOLDER_SIZE = 1000
CALLERS = 64
READY_SECONDS_MAX = 30
TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Something is missing or did not do its work; the text says what."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def path_of(number):
    return f"team{number // FOLDER_SIZE}/secret{number % FOLDER_SIZE}"


class House:
    def __init__(self, directory):
        self.directory, self.port = directory, free_port()
        (directory / "data").mkdir(parents=True, mode=0o700)
        self.config = directory / "gatehouse.yaml"
        self.config.write_text(json.dumps({
            "data_dir": str(directory / "data"), "workers": 1,
            "listeners": [{"name": "control", "bind": f"127.0.0.1:{self.port}", "serve": ["health", "api"]}], "routes": []}))
        self.process = None
        self.verb("migrate", "up")
        self.key = self.verb("key", "create", "bench", "--role", "admin").strip()

    def verb(self, *arguments):
        done = subprocess.run([BINARY, *arguments, "--config", self.config], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"gatehouse {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def __enter__(self):
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen([BINARY, "serve", "--config", self.config], stdout=log, stderr=log)
        began = time.monotonic()
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > began + READY_SECONDS_MAX:
                raise Failed(f"the gateway did not start, see {self.directory}/log")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(READY_SECONDS_MAX)

    def ready(self):
        try:
            return self.ask("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None):
        """One request: its status, its text, milliseconds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        began = time.monotonic()
        connection.request(method, path, json.dumps(body) if body else None, {"X-Vault-Token": self.key})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text, 1000 * (time.monotonic() - began)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK


async def put_all(house, numbers, word):
    """Writes each secret, CALLERS at a time; seconds."""
    left = iter(numbers)

    async def caller():
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        for number in left:
            body = json.dumps({"data": {"password": f"{word} {number} correct horse battery staple"}}).encode()
            writer.write(b"POST /v1/secret/data/%s HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: %s\r\n"
                         b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                         % (path_of(number).encode(), house.key.encode(), len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise Failed(f"a write was answered with {head[:40]!r}")
            await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
        writer.close()
    began = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return time.monotonic() - began


def load(house, target, seconds, secrets):
    """wrk on one kind of request: requests a second, CPU microseconds a request, p99 in ms."""
    script = house.directory / "load.lua"
    script.write_text(f'''
local fields = {{["X-API-Key"] = "{house.key}"}}
request = function()
    local n = math.random(0, {secrets - 1})
    return wrk.format("GET", string.format("{target}", math.floor(n / {FOLDER_SIZE}), n % {FOLDER_SIZE}), fields)
end''' if "%d" in target else f'''
wrk.headers["X-API-Key"] = "{house.key}"''')
    url = f"http://127.0.0.1:{house.port}"
    before = house.cpu_seconds()
    done = subprocess.run(["wrk", "-t1", f"-c{CALLERS}", f"-d{seconds}s", "--latency", "-s", script,
                           url if "%d" in target else url + target], capture_output=True, text=True, check=False)
    used = house.cpu_seconds() - before
    count = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    if not count or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise Failed(f"wrk on {target}: {done.stdout}{done.stderr}")
    worst = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    scale = {"us": 0.001, "ms": 1, "s": 1000}[worst[2]]
    return int(count[1]) / float(count[2]), 1e6 * used / int(count[1]), float(worst[1]) * scale


TARGETS = {"/health": "/health", "who is asking (`/auth/me`)": "/auth/me",
           "what is known of a secret": "/v1/secret/metadata/team%d/secret%d", "a secret": "/v1/secret/data/team%d/secret%d"}


def interleaved(house, options):
    figures = {name: [] for name in TARGETS}
    for _ in range(options.rounds):
        for name, target in TARGETS.items():
            figures[name].append(load(house, target, options.seconds, options.secrets))
    print(f"\n| what is read, {CALLERS} callers | a second | CPU, us | / health | p99, ms |\n| --- | --- | --- | --- | --- |")
    base = statistics.median(cpu for _, cpu, _ in figures["/health"])
    for name, rounds in figures.items():
        rate, cpu, worst = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {name} | {rate:,.0f} | {cpu:.1f} | {cpu / base:.2f} | {worst:.1f} |")


class Reader(threading.Thread):
    """Reads one secret after the other while something else goes on, and keeps how long each took."""

    def __init__(self, house, secrets):
        super().__init__(daemon=True)
        self.house, self.secrets, self.taken, self.over = house, secrets, [], False

    def run(self):
        while not self.over:
            status, _, took = self.house.ask("GET", f"/v1/secret/data/{path_of(random.randrange(self.secrets))}")
            if status != 200:
                raise Failed(f"a read was answered with {status}")
            self.taken.append(took)

    def stop(self):
        self.over = True
        self.join()
        return self.taken


def percentiles(taken):
    return f"p50 {statistics.median(taken):.1f} ms, p99 {statistics.quantiles(taken, n=100)[98]:.1f} ms, most {max(taken):.0f} ms"


def quiet_and_rekey(house, secrets):
    reader = Reader(house, secrets)
    reader.start()
    time.sleep(3)
    quiet = reader.stop()
    reader = Reader(house, secrets)
    reader.start()
    began = time.monotonic()
    house.verb("secrets", "rekey")
    took = time.monotonic() - began
    during = reader.stop()
    print(f"| every value sealed anew with another key (`secrets rekey`), beside a running house | {took:.1f} s, {secrets / took:,.0f} a second |")
    print(f"| one caller's reads meanwhile | {percentiles(during)} |")
    print(f"| the same while nothing else goes on | {percentiles(quiet)} |")


def many(house, options):
    secrets = options.secrets
    print(f"\n| {secrets:,} secrets | |\n| --- | --- |")
    filled = asyncio.run(put_all(house, range(secrets), "first"))
    print(f"| written, {CALLERS} callers | {filled:.1f} s, {secrets / filled:,.0f} a second |")
    again = asyncio.run(put_all(house, range(0, secrets, 10), "second"))
    print(f"| a new version of every tenth | {again:.1f} s, {secrets / 10 / again:,.0f} a second |")
    page = [house.ask("LIST", "/v1/secret/metadata/team0") for _ in range(50)]
    if page[0][0] != 200 or len(json.loads(page[0][1])["data"]["keys"]) != min(secrets, FOLDER_SIZE):
        raise Failed(f"a list was answered with {page[0][0]}")
    print(f"| a folder of {min(secrets, FOLDER_SIZE):,} names listed | {statistics.median(took for *_, took in page):.1f} ms |")
    folders = [house.ask("LIST", "/v1/secret/metadata") for _ in range(20)]
    print(f"| the folders above them listed | {statistics.median(took for *_, took in folders):.1f} ms |")
    quiet_and_rekey(house, secrets)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--secrets", type=int, default=100_000)
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--directory", type=pathlib.Path, help="where the data directory is made; one that is removed, otherwise")
    options = options.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-vault-", dir=options.directory))
    try:
        with House(directory) as house:
            many(house, options)
            interleaved(house, options)
    except Failed as failed:
        sys.exit(f"bench/vault: {failed}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
