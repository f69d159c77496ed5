#!/usr/bin/python3 -B
"""What the database costs through our interface, against PostgreSQL's own pgbench and against the bare disk.

    bench/storage/run.py [--rounds 7] [--seconds 2] [--scale 5] [--tools DIR] [--directory DIR] [--json FILE]

Starts a PostgreSQL of its own (Unix socket, no TLS, fsync off: reads only) and runs everybody in turns; the medians of the
rounds count. Prints Markdown. Wants `cmake --build build/release --target gh_bench_storage` and postgresql-15.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
CONNECTIONS = 8
START_SECONDS_MAX = 60
ROWS_PER_SCALE = 100_000


class Failed(Exception):
    """Something is missing or did not do its work; the text says what."""


def as_ordinary_user(command):
    """The server refuses root."""
    prefix = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() == 0:
        prefix += ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    return [*prefix, *map(str, command)]


class Server:
    """A PostgreSQL with the tables of pgbench."""

    def __init__(self, directory, scale):
        self.directory, data = directory, directory / "data"
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody", "nogroup")
        self.log = (directory / "log").open("wb")
        self.run("initdb", "-D", data, "-U", "bench", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8")
        self.process = subprocess.Popen(
            as_ordinary_user([POSTGRES / "postgres", "-D", data, "-c", "listen_addresses=", "-c",
                              f"unix_socket_directories={directory}", "-c", "fsync=off", "-c", "shared_buffers=256MB"]),
            stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while subprocess.run([POSTGRES / "pg_isready", "-q", "-h", directory], check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"PostgreSQL did not start, see {directory}/log")
            time.sleep(0.05)
        self.run("createdb", "-h", directory, "-U", "bench", "bench")
        self.run("pgbench", "-i", "-q", "-s", scale, *self.target())

    def run(self, program, *arguments):
        done = subprocess.run(as_ordinary_user([POSTGRES / program, *arguments]), stdout=self.log, stderr=self.log,
                              check=False)
        if done.returncode != 0:
            raise Failed(f"{program} failed, see {self.directory}/log")

    def target(self):
        return ["-h", self.directory, "-U", "bench", "bench"]

    def url(self):
        return f"postgresql://bench@/bench?host={self.directory}"

    def pgbench(self, seconds, threads):
        done = subprocess.run([POSTGRES / "pgbench", "-S", "-M", "prepared", "-n", "-c", str(CONNECTIONS), "-j",
                               str(threads), "-T", str(seconds), *map(str, self.target())],
                              capture_output=True, text=True, check=True)
        return {"per_second": float(re.search(r"tps = ([\d.]+)", done.stdout)[1]),
                "p50_us": 1000 * float(re.search(r"latency average = ([\d.]+)", done.stdout)[1])}

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        self.log.close()


def tool(chosen):
    for directory in [pathlib.Path(chosen)] if chosen else [ROOT / "build" / preset / "bench/storage"
                                                            for preset in ("release", "dev")]:
        if (directory / "gh_bench_storage").exists():
            return directory / "gh_bench_storage"
    raise Failed("the bench is not built: cmake --preset release && "
                 "cmake --build build/release --target gh_bench_storage")


class Bench:
    def __init__(self, options, directory):
        self.options, self.tool = options, tool(options.tools)
        self.files = directory / "sqlite"
        self.files.mkdir()
        (directory / "server").mkdir()
        directory.chmod(0o755)
        self.server = Server(directory / "server", options.scale)
        self.round = 0

    def ours(self, what, where, coroutines, connections=CONNECTIONS, seconds=None):
        done = subprocess.run([self.tool, what, where, str(coroutines), str(connections),
                               str(seconds or self.options.seconds), str(self.options.scale * ROWS_PER_SCALE)],
                              capture_output=True, text=True, check=True)
        result = json.loads(done.stdout)
        if result["failures"]:
            raise Failed(f"{what}: {result['failures']} of {result['count']} failed")
        return result

    def file(self, name):
        self.round += 1
        return str(self.files / f"{name}{self.round}")

    def contestants(self):
        url = self.server.url()
        return {
            "pgbench, 8 connections, 1 thread": lambda: self.server.pgbench(self.options.seconds, 1),
            "pgbench, 8 connections, 2 threads": lambda: self.server.pgbench(self.options.seconds, 2),
            "8 coroutines over 8 connections": lambda: self.ours("select", url, 8),
            "64 coroutines over 8 connections": lambda: self.ours("select", url, 64),
            "64 coroutines over 8 connections, each look-up a work": lambda: self.ours("work", url, 64),
            "1 coroutine, 1 connection": lambda: self.ours("select", url, 1, 1),
            "1 coroutine, a connection for each query": lambda: self.ours("connect", url, 1, 1),
            "borrow and return, a thousand times": lambda: self.ours("borrow", url, 1),
            "SQLite, 1 writer, durable": lambda: self.ours("append", self.file("one"), 1),
            "SQLite, 64 writers, durable": lambda: self.ours("append", self.file("many"), 64),
            "the disk alone: 4 KiB and fdatasync": lambda: self.ours("fsync", self.file("raw"), 1),
        }

    def run(self):
        contestants = self.contestants()
        rounds = {name: [] for name in contestants}
        for number in range(self.options.rounds):
            print(f"round {number + 1} of {self.options.rounds}", file=sys.stderr, flush=True)
            for name, measure in contestants.items():
                rounds[name].append(measure())
        return rounds


def median(rounds, name, key):
    return statistics.median(each[key] for each in rounds[name])


def report(rounds):
    print("| what | per second | median us | p99 us | CPU us of ours |\n| --- | ---: | ---: | ---: | ---: |")
    for name, each in rounds.items():
        def cell(key, digits=0, of=each):
            return f"{statistics.median(r[key] for r in of):.{digits}f}" if key in of[0] else ""
        print(f"| {name} | {cell('per_second')} | {cell('p50_us')} | {cell('p99_us')} | {cell('cpu_us', 1)} |")

    def ratio(ours, theirs):
        return statistics.median(a["per_second"] / b["per_second"] for a, b in zip(rounds[ours], rounds[theirs]))
    best = max((name for name in rounds if name.startswith("pgbench")), key=lambda name: median(rounds, name, "per_second"))
    print(f"\nAgainst the better pgbench ({best}), median of the rounds' ratios:\n")
    for name in ("8 coroutines over 8 connections", "64 coroutines over 8 connections",
                 "64 coroutines over 8 connections, each look-up a work"):
        print(f"- {name}: {ratio(name, best):.2f}")
    borrow = 1000 / median(rounds, "borrow and return, a thousand times", "per_second")
    one = 1e6 / median(rounds, "1 coroutine, 1 connection", "per_second")
    print(f"- borrow and return: {borrow:.2f} us, {100 * borrow / one:.2f} % of a lone query's {one:.0f} us")
    print(f"- a connection for each query: {1 / ratio('1 coroutine, a connection for each query', '1 coroutine, 1 connection'):.0f} "
          "times slower than a kept one")
    print(f"- SQLite, 64 writers: {ratio('SQLite, 64 writers, durable', 'the disk alone: 4 KiB and fdatasync'):.2f} rows for "
          "each fdatasync that the disk alone manages")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--scale", type=int, default=5)
    parser.add_argument("--tools", help="where gh_bench_storage lies")
    parser.add_argument("--directory", help="where files are written: the disk that is measured")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gh-bench-storage-", dir=options.directory) as directory:
        try:
            bench = Bench(options, pathlib.Path(directory))
            try:
                rounds = bench.run()
            finally:
                bench.server.stop()
        except Failed as failed:
            print(f"bench: {failed}", file=sys.stderr)
            return 1
    if options.json:
        options.json.write_text(json.dumps(rounds, indent=1))
    report(rounds)
    return 0


sys.exit(main())
