#!/usr/bin/python3 -B
"""What messages cost: durable ones from sender to acknowledgement, and many that wait for one.

    bench/bus/run.py [--seconds 5] [--rounds 3] [--inboxes 8] [--senders 16] [--batch 50] [--polls 1000] [--directory DIR]

SQLite on the disk of the directory, callers over loopback, an API key for each inbox. `one by one` sends a message a
request, `in batches` so many a request; receivers take up to a hundred at once and acknowledge them. A message counts when its
acknowledgement was answered. `waiting` is the memory of the process by long polls, after a second of them. CPU is the whole
process's. Prints Markdown. Wants `cmake --build build/release --target gatehouse`; GATEHOUSE_BIN names another binary.
"""

import argparse
import asyncio
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("GATEHOUSE_BIN", ROOT / "build/release/gatehouse"))
TICK = os.sysconf("SC_CLK_TCK")
READY_SECONDS_MAX = 60
MESSAGES_MIN, POLL_BYTES_MAX = 5000, 40 * 1024


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class House:
    def __init__(self, directory, inboxes, workers):
        self.directory, self.port = directory, free_port()
        (directory / "data").mkdir(parents=True, mode=0o700)
        self.config = directory / "gatehouse.yaml"
        self.config.write_text(json.dumps({
            "data_dir": str(directory / "data"), "workers": workers, "limits": {"connections_per_address_max": 20000},
            "telemetry": {"access_log": {"path": str(directory / "access.log")}},
            "bus": {"inbox_messages_max": 1_000_000, "sender_messages_max": 1_000_000, "sender_bytes_max": "4GiB"},
            "listeners": [{"name": "control", "bind": f"127.0.0.1:{self.port}", "serve": ["health", "api"]}], "routes": []}))
        self.verb("migrate", "up")
        self.keys = [self.verb("key", "create", f"inbox{i}", "--role", "user").strip() for i in range(inboxes)]

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

    def __init__(self, house, key):
        self.house, self.key, self.reader, self.writer = house, key, None, None

    async def ask(self, method, path, body=None):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.house.port)
        text = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {self.key}\r\n"
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


class Flow:
    """Messages from senders to the inboxes of receivers."""

    def __init__(self, house, arguments, batch):
        self.house, self.arguments, self.batch = house, arguments, batch
        self.over, self.sent, self.done, self.refused = False, 0, 0, 0

    async def addresses(self):
        found = []
        for key in self.house.keys:
            caller = Caller(self.house, key)
            status, body = await caller.ask("GET", "/auth/me")
            assert status == 200, (status, body)
            found.append("api_key:" + json.loads(body)["username"])
            caller.close()
        return found

    async def send(self, number, addresses):
        caller = Caller(self.house, self.house.keys[number % len(self.house.keys)])
        turn = number
        body = {"text": "x" * 100}
        while not self.over:
            turn += 1
            message = {"recipient": addresses[turn % len(addresses)], "body": body}
            if self.batch == 1:
                status, _ = await caller.ask("POST", "/api/v1/messages", message)
            else:
                status, _ = await caller.ask("POST", "/api/v1/messages/batch", {"messages": [message] * self.batch})
            if status in (200, 201):
                self.sent += self.batch
            else:
                self.refused += 1
        caller.close()

    async def receive(self, key):
        caller = Caller(self.house, key)
        while True:
            status, body = await caller.ask("GET", "/api/v1/messages/receive?max=100&wait=1")
            assert status == 200, (status, body)
            ids = [each["id"] for each in json.loads(body)["messages"]]
            if not ids and self.over:
                break
            if ids:
                status, body = await caller.ask("POST", "/api/v1/messages/ack", {"ids": ids})
                assert status == 204, (status, body)
                self.done += len(ids)
        caller.close()

    async def run(self):
        addresses = await self.addresses()
        receivers = [asyncio.create_task(self.receive(key)) for key in self.house.keys]
        began, cpu = time.monotonic(), self.house.cpu_seconds()
        senders = [asyncio.create_task(self.send(i, addresses)) for i in range(self.arguments.senders)]
        await asyncio.sleep(self.arguments.seconds)
        self.over = True
        await asyncio.gather(*senders)
        while self.done < self.sent:  # to the last acknowledgement
            await asyncio.sleep(0.005)
        took = time.monotonic() - began
        cpu = self.house.cpu_seconds() - cpu
        await asyncio.gather(*receivers)
        return {"rate": self.done / took, "cpu": cpu / max(self.done, 1) * 1e6, "refused": self.refused}


async def waiting(house, polls):
    before = house.own_bytes()
    callers = [Caller(house, house.keys[i % len(house.keys)]) for i in range(polls)]
    tasks = [asyncio.create_task(each.ask("GET", "/api/v1/messages/receive?wait=20")) for each in callers]
    await asyncio.sleep(4)
    alive = sum(not each.done() for each in tasks)
    grown = house.own_bytes() - before
    cpu = house.cpu_seconds()
    await asyncio.sleep(5)
    cpu = (house.cpu_seconds() - cpu) / 5
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for each in callers:
        each.close()
    return {"alive": alive, "bytes": grown / max(alive, 1), "cpu": cpu}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("seconds", 5), ("rounds", 3), ("inboxes", 8), ("senders", 16), ("batch", 50), ("polls", 1000), ("workers", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--directory", type=pathlib.Path)
    arguments = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(dir=arguments.directory) as folder:
        house = House(pathlib.Path(folder) / "house", arguments.inboxes, arguments.workers)
        with house:
            print(f"| messages, {arguments.senders} senders, {arguments.inboxes} inboxes | a second | CPU each |\n| --- | --- | --- |")
            for name, batch in (("one by one", 1), (f"in batches of {arguments.batch}", arguments.batch)):
                runs = [asyncio.run(Flow(house, arguments, batch).run()) for _ in range(arguments.rounds)]
                rate = statistics.median(run["rate"] for run in runs)
                cpu = statistics.median(run["cpu"] for run in runs)
                refused = sum(run["refused"] for run in runs)
                print(f"| {name} | {rate:,.0f} | {cpu:.0f} µs |{f' {refused} requests were refused' if refused else ''}", flush=True)
                good = good and not refused and (batch == 1 or rate >= MESSAGES_MIN)
            polls = asyncio.run(waiting(house, arguments.polls))
            print(f"\n{polls['alive']} long polls wait: {polls['bytes'] / 1024:.1f} KiB each, {polls['cpu'] * 100:.1f} % of a core")
            good = good and polls["alive"] == arguments.polls and polls["bytes"] <= POLL_BYTES_MAX
    return 0 if good else 1


sys.exit(main())
