"""Ports for servers under test, taken below the range the kernel hands to clients."""

import random
import socket

_taken = set()


def free_port():
    for _ in range(500):
        port = random.randint(20000, 31999)
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
    raise RuntimeError("no free port between 20000 and 31999")
