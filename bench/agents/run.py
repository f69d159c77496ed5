#!/usr/bin/python3 -B
"""What agents cost: many that beat, and how long a token, a heartbeat and a report take with a hundred of them and with a thousand.

    bench/agents/run.py [--agents 10000] [--interval 5] [--seconds 30] [--asked 100 1000] [--questions 2000] [--directory DIR]

SQLite on the disk of the directory, callers over loopback. Each agent has a token of its own and enrols as agents do. `beating`:
all of them beat once in the interval, evenly, over so many connections; CPU is the whole process's. `asked`: so many agents
beat every interval in the background, and one after another is asked for its answer: the time as its caller sees it. Prints
Markdown. Wants `cmake --build build/release --target gatehouse`; GATEHOUSE_BIN names another binary.
"""

import argparse
import asyncio
import json
import pathlib
import statistics
import sys
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from house import Caller, House  # noqa: E402

CONNECTIONS = 50
CPU_SHARE_MAX = 0.25
MANY = 10_000
EVERY = "5s"


class Agents(House):
    """Agents with their tokens, of as many as were asked for."""

    def __init__(self, directory, workers):
        super().__init__(directory, workers, agents={"heartbeat_interval": EVERY, "offline_after": "60s"})
        self.operator = "X-API-Key: " + self.verb("key", "create", "operator", "--role", "admin").strip()
        key = ec.generate_private_key(ec.SECP256R1())
        self.request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(
            key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        self.known = []

    async def enrol(self, count):
        """Until there are so many; eight at a time."""
        numbers = iter(range(len(self.known), count))

        async def some():
            caller = Caller(self, self.operator)
            for number in numbers:
                status, body = await caller.ask("POST", "/api/v1/agents", {"hostname": f"agent-{number}"})
                assert status == 201, (status, body)
                announced = json.loads(body)
                status, body = await caller.ask("POST", "/api/v1/agents/enrol", {"token": announced["enrolment_token"], "csr": self.request})
                assert status == 201, (status, body)
                self.known.append((announced["id"], "Authorization: Bearer " + json.loads(body)["tokens"]["access_token"]))
            caller.close()
        await asyncio.gather(*(some() for _ in range(8)))


async def beat(house, agents, interval, until, late):
    """These, evenly in each interval, until then. Adds by how much each was behind its time."""
    caller, turn, began = Caller(house, ""), 0, time.monotonic()
    while time.monotonic() < until:
        due = began + turn * interval / len(agents)
        await asyncio.sleep(max(0, due - time.monotonic()))
        agent, caller.credential = agents[turn % len(agents)]
        status, body = await caller.ask("POST", f"/api/v1/agents/{agent}/heartbeat", {"status": "online"})
        assert status in (200, 204), (status, body)
        late.append(time.monotonic() - due)
        turn += 1
    caller.close()
    return turn


async def beating(house, arguments):
    began = time.monotonic()
    await house.enrol(arguments.agents)
    enrolled = time.monotonic() - began
    shares = [house.known[i:arguments.agents:CONNECTIONS] for i in range(CONNECTIONS)]
    late = []
    cpu, began = house.cpu_seconds(), time.monotonic()
    beats = sum(await asyncio.gather(*(beat(house, share, arguments.interval, began + arguments.seconds, late) for share in shares if share)))
    took = time.monotonic() - began
    cpu = house.cpu_seconds() - cpu
    return {"enrolled": enrolled, "rate": beats / took, "share": cpu / took, "each": cpu / beats * 1e6,
            "late": statistics.quantiles(late, n=100)[98]}


async def asked(house, count, arguments):
    """p50 and p99 in milliseconds, by what was asked."""
    await house.enrol(count)
    agents = house.known[:count]
    questions = {"a token is judged": lambda agent: ("GET", "/api/v1/agents/self", None),
                 "a heartbeat": lambda agent: ("POST", f"/api/v1/agents/{agent}/heartbeat", {"status": "online"}),
                 "a threat is reported": lambda agent: ("POST", "/api/v1/threats", {"type": "port.scan", "severity": "low"})}
    over = time.monotonic() + 3600
    background = [asyncio.create_task(beat(house, agents[i::10], arguments.interval, over, [])) for i in range(10)]
    rows = {}
    caller = Caller(house, "")
    for name, question in questions.items():
        times = []
        for turn in range(arguments.questions):
            agent, caller.credential = agents[turn * 7 % count]
            began = time.perf_counter()
            status, body = await caller.ask(*question(agent))
            times.append(time.perf_counter() - began)
            assert status < 300, (name, status, body)
        rows[name] = [statistics.median(times) * 1000, statistics.quantiles(times, n=100)[98] * 1000]
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    caller.close()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("agents", MANY), ("interval", 5), ("seconds", 30), ("questions", 2000), ("workers", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--asked", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--directory", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as folder, Agents(pathlib.Path(folder) / "house", arguments.workers) as house:
        print("| asked of one of | p50, ms | p99, ms |\n| --- | --- | --- |")
        for count in arguments.asked:
            for name, (half, most) in asyncio.run(asked(house, count, arguments)).items():
                print(f"| {count} agents: {name} | {half:.2f} | {most:.2f} |", flush=True)
        found = asyncio.run(beating(house, arguments))
    print(f"\n| agents that beat every {arguments.interval} s | beats a second | of a core, % | CPU each, µs |\n| --- | --- | --- | --- |")
    print(f"| {arguments.agents} | {found['rate']:,.0f} | {found['share'] * 100:.1f} | {found['each']:.0f} |")
    print(f"\n{found['late'] * 1000:.1f} ms behind its time is p99 of the beats' answers; to enrol took {found['enrolled']:.0f} s.")
    return 0 if found["share"] <= CPU_SHARE_MAX or arguments.agents < MANY else 1


sys.exit(main())
