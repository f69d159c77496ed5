#!/usr/bin/python3 -B
"""One upstream dies: what do the routes to another one notice?

    bench/gateway/dead_upstream.py [--rounds 9] [--seconds 0.7] [--deaths refused,silent] [--json FILE]

One gateway, upstreams A and B. Requests to B arrive at a constant rate all the while; A is measured twice a round:
saturated, for the CPU time of a request, and at a constant rate, for its latency. Rounds take turns: no requests to B,
B alive, B dead. Prints Markdown; ends with 1 when A's median CPU or latency with B dead is more than 1.2 of that with
B alive.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import checks
from material import Material
from processes import (Cores, Failed, Origin, Server, end_on_sigterm, free_port, gatehouse_binary, load,
                       load_command, machine, tools_directory)

RATIO_MAX = 1.2
RECOVERY_SECONDS = 60
RATE_A, CONNECTIONS_A = 2000, 32
RATE_B, CONNECTIONS_B = 500, 300
TIMEOUT = "500ms"  # how long B may take, and how long its circuit stays open: both happen several times a round
STATES = ("alone", "alive", "dead")


@dataclasses.dataclass(frozen=True)
class Death:
    title: str
    silent: bool = False
    breaker: bool = True


DEATHS = {
    "refused": Death("B refuses connections"),
    "silent": Death("B takes requests and never answers", silent=True),
    "refused-no-breaker": Death("B refuses connections, circuit breaker off", breaker=False),
    "silent-no-breaker": Death("B takes requests and never answers, circuit breaker off", silent=True, breaker=False),
}


def configuration(directory, ports, origins, breaker):
    def route(name):
        return {"match": {"path_prefix": f"/{name}/"}, "upstream": name, "access": "public"}
    return {
        "data_dir": str(directory / "data"),
        "workers": 1,
        "limits": {"connections_per_address_max": 2000, "requests_per_connection_max": 1_000_000_000},
        "listeners": [{"name": "plain", "bind": f"127.0.0.1:{ports['plain']}", "serve": ["gateway"]},
                      {"name": "admin", "bind": f"127.0.0.1:{ports['admin']}", "serve": ["health", "metrics"]}],
        "upstreams": [
            {"name": "a", "endpoints": [f"http://127.0.0.1:{origins['a']}"]},
            {"name": "b", "endpoints": [f"http://127.0.0.1:{origins['b']}"],
             "timeouts": {"connect": TIMEOUT, "response": TIMEOUT},
             "circuit_breaker": {"enabled": breaker, "failures": 5, "window": "10s", "open_for": TIMEOUT}}],
        "routes": [route("a"), route("b")],
        "telemetry": {"access_log": {"path": str(directory / "access.log"), "format": "json"}},
    }


class Trial:
    """One way of dying, from start to stop."""

    def __init__(self, options, tools, cores, directory, death):
        self.options, self.tools, self.cores, self.death = options, tools, cores, death
        self.directory = directory
        directory.mkdir(parents=True)
        self.material = Material(directory)
        self.b, self.b_state, self.starts = None, None, 0

    def run(self):
        """{state: [figures of each round]}"""
        self.port_b = free_port()
        self.ports = {"plain": free_port(), "admin": free_port()}
        a = Origin(self.tools, self.cores, self.directory / "a", {"/a/small": self.material.small})
        gateway = None
        try:
            config = configuration(self.directory, self.ports, {"a": a.port, "b": self.port_b}, self.death.breaker)
            file = self.directory / "gatehouse.yaml"
            file.write_text(json.dumps(config, indent=1))
            command = [gatehouse_binary(), "serve", "--config", file]
            gateway = Server(self.cores.on(self.cores.server, command), self.directory / "gateway")
            gateway.wait_for_port(self.ports["plain"])
            gateway.wait_for_port(self.ports["admin"])
            rounds = {state: [] for state in STATES}
            for number in range(self.options.rounds):
                for step in range(len(STATES)):
                    state = STATES[(number + step) % len(STATES)]
                    self.put_b("dead" if state == "dead" else "alive")
                    rounds[state].append(self.measure(gateway, with_b=state != "alone"))
                print(f"{self.death.title}: round {number + 1} of {self.options.rounds}", file=sys.stderr, flush=True)
            return rounds
        finally:
            for server in (gateway, a, self.b):
                if server:
                    server.stop()

    def put_b(self, state):
        if state == self.b_state:
            return
        if self.b:
            self.b.stop()
            self.b = None
        self.starts += 1
        if state == "alive" or self.death.silent:
            self.b = Origin(self.tools, self.cores, self.directory / f"b{self.starts}",
                            {"/b/small": self.material.small}, self.port_b, silent=state == "dead")
        self.b_state = state
        if state == "alive":
            self.wait_until_b_answers()

    def wait_until_b_answers(self):
        """Through an open circuit, until it is closed again for good."""
        statuses, until = [], time.monotonic() + RECOVERY_SECONDS
        while statuses[-20:] != [200] * 20:
            if time.monotonic() > until:
                raise Failed(f"B lives again, and {RECOVERY_SECONDS} s later its clients get {statuses[-20:]}")
            answer = checks.get(self.ports["plain"], "/b/small")
            statuses.append(answer.status)
            time.sleep(0.01)

    def measure(self, gateway, with_b):
        """A's figures, with the load on B running before, during and after; then what the gateway holds."""
        background = self.load_b() if with_b else None
        try:
            time.sleep(0.2)
            figures = self.load_a(gateway, "--rate", RATE_A)
            figures["cpu_us"] = self.load_a(gateway)["cpu_us"]
            figures["holds"] = self.holds()
            figures["b"] = json.loads(background.communicate(timeout=60)[0]) if background else None
            return figures
        finally:
            if background and background.poll() is None:
                background.kill()
                background.communicate()

    def load_a(self, gateway, *more):
        command = ["--path", "/a/small", "--body", self.material.small, "--connections", CONNECTIONS_A, *more,
                   "--pids", ",".join(map(str, gateway.pids()))]
        try:
            return load(self.tools, self.cores, self.ports["plain"], command, self.options.warm, self.options.seconds)
        except Failed as problem:
            raise Failed(f"A suffers: {problem}") from problem

    def load_b(self):
        """Longer than both windows of A; any answer will do."""
        seconds = 2 * (self.options.warm + self.options.seconds) + 1.0
        command = ["--path", "/b/small", "--status", "any", "--connections", CONNECTIONS_B, "--rate", RATE_B,
                   "--skip-late", "--warm", 0, "--seconds", seconds]
        return subprocess.Popen(load_command(self.tools, self.cores, self.ports["plain"], command),
                                stdout=subprocess.PIPE, text=True)

    def holds(self):
        text = checks.get(self.ports["admin"], "/metrics").body.decode()

        def total(name):
            return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))
        return {"connections": total("gatehouse_connections_open"), "in_flight": total("vos_http_requests_inprogress"),
                "upstream_connections": total("gatehouse_upstream_connections_open"),
                "resident_bytes": total("process_resident_memory_bytes")}


def ratio(rounds, figure, other):
    return statistics.median(dead[figure] / before[figure] for dead, before in zip(rounds["dead"], rounds[other]))


def statuses(rounds):
    """What B's clients got, in all rounds together."""
    total = {}
    for cell in rounds:
        for status, count in (cell["b"] or {"statuses": {}})["statuses"].items():
            total[status] = total.get(status, 0) + count
    return ", ".join(f"{count} x {status}" for status, count in sorted(total.items())) or "nothing asked"


def page(death, rounds):
    yield f"**{death.title}**"
    yield ""
    yield ("| B is | A: CPU µs/request | p50 µs | p99 µs | in flight | connections | to upstreams | "
           "memory MiB | B's clients got |")
    yield "|---|" + "---:|" * 7 + "---|"
    for state, cells in rounds.items():
        def median(figure, cells=cells):
            return statistics.median(cell[figure] for cell in cells)

        def most(what, cells=cells):
            return max(cell["holds"][what] for cell in cells)
        memory = [cells[index]["holds"]["resident_bytes"] / 2**20 for index in (0, -1)]
        yield (f"| {state} | {median('cpu_us'):.1f} | {median('p50_us'):.0f} | {median('p99_us'):.0f} | "
               f"{most('in_flight'):.0f} | {most('connections'):.0f} | {most('upstream_connections'):.0f} | "
               f"{memory[0]:.1f}, {memory[1]:.1f} | {statuses(cells)} |")
    for other in ("alive", "alone"):
        yield (f"| dead ÷ {other} | {ratio(rounds, 'cpu_us', other):.2f} | {ratio(rounds, 'p50_us', other):.2f} | "
               f"{ratio(rounds, 'p99_us', other):.2f} | | | | | |")
    yield ""


def read_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.7, help="the timed window of each round (0.7)")
    parser.add_argument("--warm", type=float, default=0.3, help="seconds of load before each window (0.3)")
    parser.add_argument("--deaths", default=",".join(DEATHS), help="of " + ",".join(DEATHS))
    parser.add_argument("--tools", help="where gh_bench_loadgen and gh_bench_origin lie")
    parser.add_argument("--json", type=pathlib.Path, help="every figure of every round, into this file")
    options = parser.parse_args(arguments)
    options.deaths = options.deaths.split(",")
    if unknown := set(options.deaths) - set(DEATHS):
        parser.error(f"unknown deaths: {', '.join(sorted(unknown))}")
    if not (0 < options.rounds <= 1000 and 0 < options.seconds <= 30 and 0 <= options.warm <= 30):
        parser.error("rounds 1 to 1000, seconds up to 30")
    return options


def main(arguments):
    options = read_options(arguments)
    end_on_sigterm()
    load_before = os.getloadavg()[0]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    results = {}
    try:
        tools, cores = tools_directory(options.tools), Cores()
        for name in options.deaths:
            results[name] = Trial(options, tools, cores, directory / name, DEATHS[name]).run()
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{machine()}; {options.rounds} rounds of {options.seconds} s; load average {load_before:.1f} before and "
          f"{os.getloadavg()[0]:.1f} after\n")
    for name, rounds in results.items():
        print(*page(DEATHS[name], rounds), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    above = [f"{name}: {figure} {worst:.2f}" for name, rounds in results.items() for figure in ("cpu_us", "p50_us")
             if (worst := ratio(rounds, figure, "alive")) > RATIO_MAX]
    print(f"above {RATIO_MAX}: {'; '.join(above)}" if above else f"No median above {RATIO_MAX} of that with B alive.")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
