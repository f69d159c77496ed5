"""kill -9 all over the length of some work."""

import collections
import signal
import subprocess
import time

from support.gateway import BINARY, environment
from support.wait import seconds


def killed(house, after, *arguments):
    """Runs a verb and kills it that many seconds after its start, None: not at all; whether it ended by itself."""
    process = subprocess.Popen([str(BINARY), *map(str, arguments), "--config", str(house.config_file)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(house.env))
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate(timeout=seconds(30))
    return process.returncode != -signal.SIGKILL


def moments(rounds, length):
    """When to kill: all over the length of the work, and now and then not at all."""
    return [length * i / (rounds - 2) if i < rounds - 2 else None for i in range(rounds)]


def stages(rounds, length, attempt):
    """Kills all over the length of the work, then between what came too early and what came too late, until its middle
    was met twice. `attempt(moment)` says how far it had come: "before", "middle" or "after"; how often each was met."""
    met = collections.Counter(attempt(moment) for moment in moments(rounds, length))
    early, late = 0, length
    for _ in range(40):
        if met["middle"] >= 2:
            break
        if late - early < 0.0005:  # the machine was busy
            early, late = 0, length
        moment = (early + late) / 2
        stage = attempt(moment)
        met[stage] += 1
        early, late = (moment, late) if stage == "before" else (early, moment)
    return met


def length_of(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
