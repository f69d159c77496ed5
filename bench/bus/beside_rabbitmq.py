#!/usr/bin/python3 -B
"""What a durable message costs in the queue of the house, and through RabbitMQ, in turns.

    bench/bus/beside_rabbitmq.py [--seconds 5] [--rounds 5] [--directory DIR]

Both on the disk of the directory, both durable before a sender is answered: SQLite that syncs each commit; quorum queues with
publisher confirms. Eight inboxes, sixty-four messages (or batches of twenty-five) under way at once, receivers that take up to a
hundred and acknowledge them. CPU is that of all processes, the broker's among them. Prints Markdown, of each the median round.
Wants `cmake --build build/release --target gh_bench_bus gh_bench_rabbitmq`.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.rabbitmq import RabbitMq  # noqa: E402

PROGRAMS = ROOT / "build/release/bench/bus"
BATCHES = (1, 25)
BROKER = "listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users.guest = true\n"


def processor_time(group):
    """Of all processes of a group, those that have ended among them where their parent is there; in seconds."""
    ticks = 0
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group:
            ticks += sum(int(each) for each in fields[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def by_house(directory, seconds):
    """Messages a second and CPU of each, by batch."""
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        done = subprocess.run([PROGRAMS / "gh_bench_bus", folder, str(seconds)], capture_output=True, text=True, check=True).stdout
    rows = [[each.strip() for each in line.strip("|").split("|")] for line in done.splitlines()[2:]]
    return {int(batch): (float(rate), float(cpu)) for batch, rate, cpu in rows}


def by_broker(broker, seconds):
    found = {}
    for batch in BATCHES:
        before = processor_time(broker.process.pid)
        done = subprocess.run([PROGRAMS / "gh_bench_rabbitmq", str(broker.port), str(batch), str(seconds)], capture_output=True, text=True,
                              check=True).stdout.split()
        took = 1e6 * (processor_time(broker.process.pid) - before) / int(done[0])
        found[batch] = (float(done[1]), float(done[2]) + took)
    return found


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, default=5)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--directory", default=tempfile.gettempdir())
    arguments = words.parse_args()
    tempfile.tempdir = arguments.directory
    broker = RabbitMq(BROKER)
    try:
        rounds = [(by_house(arguments.directory, arguments.seconds), by_broker(broker, arguments.seconds)) for _ in range(arguments.rounds)]
    finally:
        broker.close()
    print("| | a second | CPU each, us |\n| --- | ---: | ---: |")
    for batch in BATCHES:
        for place, name in enumerate(("Gatehouse on SQLite", "RabbitMQ")):
            rate, cpu = (statistics.median(each[place][batch][part] for each in rounds) for part in (0, 1))
            print(f"| {name}, {batch} a call | {rate:.0f} | {cpu:.1f} |")
    ratios = {batch: statistics.median(each[0][batch][1] / each[1][batch][1] for each in rounds) for batch in BATCHES}
    print("\nCPU of a message in the house, through RabbitMQ 1: " + ", ".join(f"{ratio:.2f} (by {batch})" for batch, ratio in ratios.items()))
    return 0 if max(ratios.values()) <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
