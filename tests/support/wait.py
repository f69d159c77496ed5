"""Waiting for events with a deadline: the only place in the tests that sleeps."""

import os
import time

SLOW = 6.0 if os.environ.get("GATEHOUSE_SLOW") == "1" else 1.0


def seconds(value):
    """A deadline for the build under test: sanitizer builds get several times as long."""
    return value * SLOW


def until(condition, what, timeout=5.0, pause=0.01):
    """Polls until condition() is truthy and returns its value; fails the test when the deadline passes."""
    deadline = time.monotonic() + seconds(timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {seconds(timeout):g} s in vain for {what}")
        time.sleep(pause)


def pass_time(duration):
    """Lets real time go by, for what is defined by time: windows, open breakers, slow senders."""
    time.sleep(duration)
