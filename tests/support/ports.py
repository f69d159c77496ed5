"""Ports for servers under test, taken below the range the kernel hands to clients."""

import os
import random
import socket

FIRST, END = 20000, 32000


def range_of_this_process():
    """Runners that work side by side have a range each: none takes a port that another has just found free."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    width = (END - FIRST) // count
    return FIRST + number * width, FIRST + (number + 1) * width - 1


_taken = set()


def free_port():
    first, last = range_of_this_process()
    for _ in range(500):
        port = random.randint(first, last)
        if port in _taken:
            continue
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            try:
                probe.bind(("::", port))
            except OSError:
                continue
        _taken.add(port)
        return port
    raise RuntimeError(f"no free port between {first} and {last}")
