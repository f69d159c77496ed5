"""Ten thousand idle connections cost little and hold nobody up."""

import resource

import pytest

from support import raw
from support.gateway import SANITIZED
from support.wait import until


def raise_descriptor_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def open_idle(gateway, count, listener="plain", tls=None, host="localhost"):
    """`count` connections from many addresses, each with one request behind it."""
    held = []
    for number in range(count):
        source = f"127.1.{number // 200}.{number % 200 + 1}"
        connection = gateway.connect(listener, source=source, tls=tls)
        held.append(connection)
        if number % 10 == 0:
            assert connection.request("GET", "/", host=host).status == 200
    return held


def test_ten_thousand_idle_connections(start, configure, upstream, record_property):
    count = 10000
    if raise_descriptor_limit(count + 500) < count + 500:
        pytest.skip("the limit of file descriptors is below 10,500")
    gateway = start(configure([upstream], workers=2, limits={"connections_max": 15000, "keep_alive_timeout": "10m",
                                                             "header_timeout": "10m"}))
    before = gateway.resident_bytes()
    held = open_idle(gateway, count)
    until(lambda: gateway.open_descriptors() > count, "all connections to be accepted")
    each = (gateway.resident_bytes() - before) / count
    record_property("bytes_per_idle_connection", round(each))
    print(f"{each:.0f} octets for each idle plain connection")
    assert SANITIZED or each < 8 * 1024
    assert [gateway.get("/").status for _ in range(20)] == [200] * 20
    assert all(connection.request("GET", "/").status == 200 for connection in held[::997])
    for connection in held:
        connection.close()
    until(lambda: gateway.open_descriptors() < 300, "their descriptors to be free again")


def test_an_idle_tls_connection_costs_at_most_24_kib(start, configure, upstream, tls_files, authority, record_property):
    count = 1000
    raise_descriptor_limit(4000)
    gateway = start(configure([upstream], tls=tls_files, limits={"keep_alive_timeout": "10m"}))
    context = authority.client_context()
    open_idle(gateway, 50, "public", context)
    before = gateway.resident_bytes()
    held = open_idle(gateway, count, "public", context)
    each = (gateway.resident_bytes() - before) / count
    record_property("bytes_per_idle_tls_connection", round(each))
    print(f"{each:.0f} octets for each idle TLS connection")
    assert SANITIZED or each < 24 * 1024
    for connection in held:
        connection.close()


def test_connections_come_and_go_without_a_trace(start, configure, upstream):
    gateway = start(configure([upstream]))

    def wave():
        for number in range(600):
            connection = raw.Connection(gateway.port("plain"), source=f"127.2.0.{number % 200 + 1}")
            if number % 3 == 0:
                connection.send(b"GET / HTTP/1.1\r\nHost: local")
            elif number % 3 == 1:
                assert connection.request("GET", "/").status == 200
            connection.close()
    wave()
    until(lambda: gateway.open_descriptors() < 60, "descriptors to be closed")
    descriptors, memory = gateway.open_descriptors(), gateway.resident_bytes()
    for _ in range(3):
        wave()
    until(lambda: gateway.open_descriptors() <= descriptors + 3, "descriptors to be closed again")
    assert SANITIZED or gateway.resident_bytes() - memory < 4 * 1024 * 1024
