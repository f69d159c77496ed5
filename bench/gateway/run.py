#!/usr/bin/python3 -B
"""The same work through Gatehouse, nginx and haproxy, in turns: what a request costs each of them.

    bench/gateway/run.py [--rounds 9] [--seconds 0.7] [--scenarios plain,tls,...] [--json FILE]

Prints Markdown. Wants `cmake --build build/release --target gatehouse gh_bench_gateway`, nginx and haproxy.
docs/performance.md says what is measured and what the figures do not tell.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import checks
import contestants
from contestants import Setup, started
from material import Material
from processes import (CONNECTIONS_MAX, Cores, Failed, Origin, end_on_sigterm, load, load_command, machine,
                       tools_directory)

SOURCES = 16  # client addresses, so that a rate limiter has several to keep apart


@dataclasses.dataclass(frozen=True)
class Scenario:
    title: str
    listener: str
    options: tuple = ()
    body: str = "small"
    tokens: str = ""
    wants_token_check: bool = False


SCENARIOS = {
    "plain": Scenario("Plain HTTP/1.1, keep-alive, small answer", "plain", ("--connections", 32)),
    "tls": Scenario("TLS 1.3, HTTP/1.1, small answer", "tls", ("--tls", "--connections", 32)),
    "full": Scenario("Everything on, TLS 1.3, HTTP/1.1, 256 tokens in turn", "full", ("--tls", "--connections", 32),
                     tokens="tokens"),
    "new-tokens": Scenario("Everything on, each token unknown to any cache", "full", ("--tls", "--connections", 32),
                           tokens="new_tokens", wants_token_check=True),
    "h2": Scenario("Everything on, TLS 1.3, HTTP/2 (8 connections of 4 streams)", "full",
                   ("--tls", "--h2", "--connections", 8, "--streams", 4), tokens="tokens"),
    "large": Scenario("1 MiB answer, TLS 1.3, HTTP/1.1", "tls", ("--tls", "--connections", 8), body="large"),
}
MEMORY = "memory"


class Bench:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.tools, self.cores = tools_directory(options.tools), Cores()
        self.material = Material(directory)
        self.entrants = {name: contestants.ALL[name] for name in options.contestants}
        self.failed = {}
        self.starts = 0

    def setup(self, name, **changes):
        self.starts += 1
        return Setup(self.directory / f"{name}-{self.starts}", self.material, self.origin.port, **changes)

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def fail(self, name, scenario, why):
        self.failed[name, scenario] = str(why)
        self.say(f"{name} is not measured ({scenario}): {why}")

    def run(self):
        self.origin = Origin(self.tools, self.cores, self.directory / "origin", self.material.answers)
        try:
            self.verify()
            results = {key: self.measure(key) for key in self.options.scenarios if key != MEMORY}
            if MEMORY in self.options.scenarios:
                results[MEMORY] = self.measure_memory()
            return results
        finally:
            self.origin.stop()

    # --- correctness first ---

    def verify(self):
        for name, contestant in list(self.entrants.items()):
            try:
                self.verify_one(name, contestant)
                self.say(f"{name} answers as it should")
            except (Failed, OSError) as problem:
                self.fail(name, "checks", problem)
                del self.entrants[name]

    def verify_one(self, name, contestant):
        for rate in (contestants.NEVER_REACHED, 5):
            setup = self.setup(name, rate=rate)
            server = started(contestant, setup, self.cores)
            try:
                if rate == contestants.NEVER_REACHED:
                    checks.check(setup, contestant, self.tools, self.cores)
                else:
                    checks.check_rate_limit(setup, self.tools, self.cores)
            finally:
                server.stop()

    # --- then time ---

    def measure(self, key):
        """{contestant: figures of each round}, all contestants running, one at a time under load."""
        scenario, running, cells = SCENARIOS[key], {}, {}
        try:
            for name, contestant in self.entrants.items():
                if contestant.checks_tokens or not scenario.wants_token_check:
                    setup = self.setup(name)
                    running[name] = setup, started(contestant, setup, self.cores)
                    cells[name] = []
            for number in range(self.options.rounds):
                for name in rotated(list(running), number):
                    if (name, key) not in self.failed:
                        self.measure_cell(key, name, *running[name], cells[name])
                self.say(f"{key}: round {number + 1} of {self.options.rounds}")
        finally:
            for _, server in running.values():
                server.stop()
        return {name: rounds for name, rounds in cells.items() if (name, key) not in self.failed}

    def measure_cell(self, key, name, setup, server, rounds):
        scenario = SCENARIOS[key]
        pids = ",".join(map(str, server.pids()))
        command = [*scenario.options, "--path", f"/{scenario.body}", "--body", getattr(self.material, scenario.body),
                   "--sources", SOURCES, "--pids", pids]
        if scenario.tokens:
            command += ["--tokens", getattr(self.material, scenario.tokens)]
        try:
            rounds.append(load(self.tools, self.cores, setup.ports[scenario.listener], command,
                               self.options.warm, self.options.seconds))
        except Failed as problem:
            self.fail(name, key, problem)

    def measure_memory(self):
        figures = {}
        for name, contestant in self.entrants.items():
            setup = self.setup(name)
            server = started(contestant, setup, self.cores)
            try:
                figures[name] = self.idle_bytes(setup, server)
            except Failed as problem:
                self.fail(name, MEMORY, problem)
            finally:
                server.stop()
        return figures

    def idle_bytes(self, setup, server):
        """What each of many connections adds to the server, each having served one request."""
        with self.idle(setup, 64):
            pass  # what the first connections make is not the price of the next
        before = server.own_bytes()
        with self.idle(setup, self.options.idle_connections):
            return (server.own_bytes() - before) / self.options.idle_connections

    def idle(self, setup, count):
        command = load_command(self.tools, self.cores, setup.ports["tls"],
                               ["--tls", "--connections", count, "--sources", SOURCES, "--body", self.material.small,
                                "--idle", 60])
        return Idle(command, count)


class Idle:
    """Connections that have served one request each and now wait; leaving checks that all are still open."""

    def __init__(self, command, count):
        self.command, self.count = command, count

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if line != f"ready {self.count} wrong 0\n":
            self.process.kill()
            self.process.communicate()
            raise Failed(f"idle connections: {line!r}")

    def __exit__(self, kind, *_):
        out, _ = self.process.communicate("\n", timeout=30)
        if kind is None and out != f"open {self.count}\n":
            raise Failed(f"of {self.count} idle connections: {out!r}")


def rotated(names, by):
    by %= len(names) or 1
    return names[by:] + names[:by]


# --- the page ---

def ratio(rounds, peer):
    """The median of what each round says: drift of the machine between rounds cancels."""
    return statistics.median(mine["cpu_us"] / other["cpu_us"] for mine, other in zip(rounds, peer))


def table(cells):
    peers = [name for name in ("nginx", "haproxy") if name in cells]
    yield ("| | CPU µs/request | requests/s | p50 ms | p99 ms | busy | waited | "
           + "".join(f"÷ {peer} | " for peer in peers)).rstrip()
    yield "|---|" + "---:|" * (6 + len(peers))
    for name, rounds in cells.items():
        def median(figure, rounds=rounds):
            return statistics.median(cell[figure] for cell in rounds)
        ratios = "".join(f" {ratio(rounds, cells[peer]):.2f} |" if peer != name else " |" for peer in peers)
        yield (f"| {name} | {median('cpu_us'):.1f} | {median('rps'):,.0f} | {median('p50_us') / 1000:.2f} | "
               f"{median('p99_us') / 1000:.2f} | {median('server_busy') * 100:.0f} % | "
               f"{median('server_waited') * 100:.0f} % |{ratios}")


def page(bench, results, load_before):
    options = bench.options
    yield (f"{datetime.date.today()}; {machine()}; {options.rounds} rounds of {options.seconds} s; load average "
           f"{load_before[0]:.1f} before and {os.getloadavg()[0]:.1f} after"
           + ("; not pinned: fewer than two cores" if bench.cores.server is None else ""))
    yield ""
    for name in bench.entrants:
        contestant = contestants.ALL[name]
        yield f"- {name}: {contestant.version()}" + (f"; {contestant.note}" if contestant.note else "")
    for key, cells in results.items():
        yield ""
        if key == MEMORY:
            yield f"**Memory of an idle TLS connection** ({options.idle_connections:,}, one request served by each)"
            yield ""
            yield "| | KiB a connection |"
            yield "|---|---:|"
            yield from (f"| {name} | {size / 1024:.1f} |" for name, size in cells.items())
        else:
            yield f"**{SCENARIOS[key].title}**"
            yield ""
            yield from table(cells)
    for (name, where), why in bench.failed.items():
        yield ""
        yield f"{name} was not measured ({where}): {why}"


def read_options(arguments):
    known = [*SCENARIOS, MEMORY]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.7, help="the timed window of each round (0.7)")
    parser.add_argument("--warm", type=float, default=0.3, help="seconds of load before each window (0.3)")
    parser.add_argument("--scenarios", default=",".join(known), help="of " + ",".join(known))
    parser.add_argument("--contestants", default=",".join(contestants.ALL), help="of " + ",".join(contestants.ALL))
    parser.add_argument("--idle-connections", type=int, default=2500)
    parser.add_argument("--tools", help="where gh_bench_loadgen and gh_bench_origin lie")
    parser.add_argument("--json", type=pathlib.Path, help="every figure of every round, into this file")
    options = parser.parse_args(arguments)
    for name, allowed in (("scenarios", known), ("contestants", contestants.ALL)):
        chosen = getattr(options, name).split(",")
        if unknown := set(chosen) - set(allowed):
            parser.error(f"unknown {name}: {', '.join(sorted(unknown))}")
        setattr(options, name, chosen)
    if not (0 < options.rounds <= 1000 and 0 < options.seconds <= 30 and 0 <= options.warm <= 30
            and 0 < options.idle_connections <= CONNECTIONS_MAX - 100):
        parser.error("rounds 1 to 1000, seconds up to 30, idle connections up to 5900")
    return options


def main(arguments):
    options = read_options(arguments)
    end_on_sigterm()
    load_before = os.getloadavg()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    try:
        bench = Bench(options, directory)
        results = bench.run()
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(*page(bench, results, load_before), sep="\n")
    if options.json:
        failed = {f"{name} {where}": why for (name, where), why in bench.failed.items()}
        options.json.write_text(json.dumps({"results": results, "failed": failed}, indent=1) + "\n")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
