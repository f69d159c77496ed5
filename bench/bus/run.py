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
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from house import Caller, House  # noqa: E402

MESSAGES_MIN, POLL_BYTES_MAX = 5000, 40 * 1024
WAITS_MAX = 16  # at one inbox


class Inboxes(House):
    """A key for each inbox: of those that messages go to, and as many more as polls wait at."""

    def __init__(self, directory, inboxes, polls, workers):
        super().__init__(directory, workers, bus={"inbox_messages_max": 1_000_000, "sender_messages_max": 1_000_000, "sender_bytes_max": "4GiB"})
        keys = [self.verb("key", "create", f"inbox{i}", "--role", "user").strip() for i in range(max(inboxes, -(-polls // WAITS_MAX)))]
        self.waiting = [f"X-API-Key: {key}" for key in keys]
        self.credentials = self.waiting[:inboxes]


class Flow:
    """Messages from senders to the inboxes of receivers."""

    def __init__(self, house, arguments, batch):
        self.house, self.arguments, self.batch = house, arguments, batch
        self.over, self.sent, self.done, self.refused = False, 0, 0, 0

    async def addresses(self):
        found = []
        for credential in self.house.credentials:
            caller = Caller(self.house, credential)
            status, body = await caller.ask("GET", "/auth/me")
            assert status == 200, (status, body)
            found.append("api_key:" + json.loads(body)["username"])
            caller.close()
        return found

    async def send(self, number, addresses):
        caller = Caller(self.house, self.house.credentials[number % len(self.house.credentials)])
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

    async def receive(self, credential):
        caller = Caller(self.house, credential)
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
        receivers = [asyncio.create_task(self.receive(each)) for each in self.house.credentials]
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
    callers = [Caller(house, house.waiting[i % len(house.waiting)]) for i in range(polls)]
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
        house = Inboxes(pathlib.Path(folder) / "house", arguments.inboxes, arguments.polls, arguments.workers)
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
