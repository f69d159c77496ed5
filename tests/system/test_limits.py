"""Everything a client can make large, long or many has an end, and the upstream pays for none of it."""

import pytest

from support import raw
from support import upstream as answers
from support.gateway import public_route
from support.wait import until

MIB = 1024 * 1024
LIMIT = 10 * MIB


def limited(configure, upstream, routes=None, **limits):
    return configure([upstream], routes, limits=limits)


@pytest.mark.parametrize("field", [b"X-A: " + b"a" * 40000, b"\r\n".join(b"X-%d: %s" % (i, b"b" * 400) for i in range(90))])
def test_a_head_beyond_32_kib_gets_431(gateway, upstream, field):
    with gateway.connect() as client:
        client.send_quietly(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + field + b"\r\n\r\n")
        assert client.read_response().status == 431
        assert client.is_closed_by_peer()
    upstream.saw_nothing()


def test_a_head_that_never_ends_is_cut_off_early(gateway, upstream):
    with gateway.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        for _ in range(1024):
            if not client.send_quietly(b"a" * 16384):
                break
        else:
            pytest.fail("16 MiB of head were taken")
    upstream.saw_nothing()
    gateway.assert_alive()


def test_more_than_a_hundred_fields_get_431(gateway, upstream):
    assert gateway.get("/", [(f"X-{i}", "1") for i in range(90)]).status == 200
    assert gateway.get("/", [(f"X-{i}", "1") for i in range(120)]).status == 431
    assert len(upstream.requests) == 1


def test_a_long_target_gets_414(gateway, upstream):
    assert gateway.get("/" + "a" * 7000).status == 200
    assert gateway.get("/" + "a" * 9000).status == 414
    assert gateway.get("/?" + "a" * 9000).status == 414
    assert len(upstream.requests) == 1


def test_a_slow_head_gets_408_and_the_connection_closes(start, configure, upstream):
    gateway = start(limited(configure, upstream, header_timeout="500ms"))
    with gateway.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: loc")
        assert client.read_response().status == 408
        assert client.is_closed_by_peer()
    upstream.saw_nothing()


def test_dripping_octets_do_not_extend_the_time_for_a_head(start, configure, upstream):
    gateway = start(limited(configure, upstream, header_timeout="800ms"))
    with gateway.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        client.socket.settimeout(0.05)

        def refused():
            client.send_quietly(b"a")
            try:
                return not client.fill() or b"408" in client.buffer
            except TimeoutError:
                return False
        until(refused, "the slow head to be refused", timeout=6)
    upstream.saw_nothing()


def test_an_idle_connection_closes_silently_after_its_time(start, configure, upstream):
    gateway = start(limited(configure, upstream, keep_alive_timeout="400ms"))
    with gateway.connect() as client:
        assert client.request("GET", "/").status == 200
        assert client.is_closed_by_peer()
    with gateway.connect() as silent:
        assert silent.is_closed_by_peer(timeout=15)


def test_a_body_that_stops_coming_gets_408_and_no_complete_request(start, configure, upstream):
    gateway = start(limited(configure, upstream, body_idle_timeout="500ms"))
    with gateway.connect() as client:
        client.send(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello")
        assert client.read_response().status == 408
        assert client.is_closed_by_peer()
    until(lambda: all(c.closed.is_set() for c in upstream.connections), "the upstream connection to be cut")
    assert not any(request.complete for request in upstream.requests)


def test_a_client_that_takes_nothing_is_let_go(start, configure, make_upstream):
    upstream = make_upstream(answers.stream(256 * MIB))
    gateway = start(limited(configure, upstream, send_timeout="700ms"))
    with gateway.connect(receive_buffer=4096) as client:
        client.send(raw.encode_request("GET", "/huge"))
        until(lambda: upstream.connections and upstream.connections[0].closed.is_set(),
              "the upstream connection to end", timeout=15)


def test_connections_of_one_address_are_limited(start, configure, upstream):
    gateway = start(limited(configure, upstream, connections_per_address_max=5))
    held = [gateway.connect(source="127.0.0.9") for _ in range(5)]
    assert all(connection.request("GET", "/").status == 200 for connection in held)
    with gateway.connect(source="127.0.0.9") as extra:
        extra.send_quietly(raw.encode_request("GET", "/"))
        try:
            assert extra.read_response().status in (429, 503)
        except raw.Closed:
            pass
    assert gateway.get("/", source="127.0.0.10").status == 200
    held.pop().close()

    def admitted():
        try:
            return gateway.get("/", source="127.0.0.9").status == 200
        except (raw.Closed, OSError):
            return False
    until(admitted, "a free place after one connection ended")
    for connection in held:
        connection.close()


def test_connections_over_all_are_limited(start, configure, upstream):
    gateway = start(limited(configure, upstream, connections_max=8))
    held = []
    refused = 0
    for number in range(20):
        connection = gateway.connect(source=f"127.0.0.{20 + number}")
        held.append(connection)
        connection.send_quietly(raw.encode_request("GET", "/"))
        try:
            refused += connection.read_response().status != 200
        except raw.Closed:
            refused += 1
    assert 12 <= refused <= 14, "eight places, of which the health probes may hold one or two"
    for connection in held:
        connection.close()

    def served():
        try:
            return gateway.get("/").status == 200
        except raw.Closed:  # nobody has seen yet that the others are gone
            return False
    until(served, "places to be free again")


def test_a_connection_ends_in_good_order_after_its_share_of_requests(start, configure, upstream):
    gateway = start(limited(configure, upstream, requests_per_connection_max=3))
    with gateway.connect() as client:
        headers = [client.request("GET", "/").get("connection") for _ in range(3)]
        assert [value and value.lower() for value in headers] == [None, None, "close"]
        assert client.is_closed_by_peer()


def test_a_declared_body_beyond_the_limit_gets_413_and_the_upstream_sees_nothing(gateway, upstream):
    with gateway.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1))
        response = client.read_response()
    assert response.status == 413
    assert response.json()["status"] == 413
    upstream.saw_nothing()


def test_a_body_of_exactly_the_limit_passes(gateway, upstream):
    body = bytes(LIMIT)
    assert gateway.request("POST", "/", body=body).json()["length"] == LIMIT


def send_chunks(client, total, piece=65536):
    block = b"%x\r\n%s\r\n" % (piece, bytes(piece))
    for _ in range(total // piece):
        if not client.send_quietly(block):
            return
    client.send_quietly(b"1\r\nx\r\n0\r\n\r\n")


def test_a_chunked_body_beyond_the_limit_gets_413_and_is_never_complete(gateway, upstream):
    with gateway.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        send_chunks(client, LIMIT)
        assert client.read_response().status == 413
    until(lambda: all(c.closed.is_set() for c in upstream.connections), "the unfinished request to be cut off")
    assert not any(request.complete for request in upstream.requests)
    assert b"\r\n0\r\n\r\n" not in upstream.received


def test_chunked_at_exactly_the_limit_passes(start, configure, upstream):
    gateway = start(configure([upstream], [public_route(request_body_max="64KiB")]))
    request = [("Transfer-Encoding", "chunked")]
    assert gateway.request("POST", "/", request, raw.chunked([bytes(65535), b"x"])).json()["length"] == 65536
    assert gateway.request("POST", "/", request, raw.chunked([bytes(65535), b"xy"])).status == 413


def test_with_buffering_an_oversized_body_never_reaches_the_upstream(start, configure, upstream):
    gateway = start(configure([upstream], [public_route(request_body="buffer")]))
    with gateway.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        send_chunks(client, LIMIT)
        assert client.read_response().status == 413
    upstream.saw_nothing()


def test_with_buffering_the_upstream_is_dialled_when_the_body_is_whole(start, configure, upstream):
    gateway = start(configure([upstream], [public_route(request_body="buffer")]))
    body = bytes(range(256)) * 20000  # beyond what stays in memory
    with gateway.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:-1])
        assert client.is_closed_by_peer(timeout=0.3) is False
        assert upstream.connections == []
        client.socket.settimeout(20)
        client.send(body[-1:])
        assert client.read_response().json()["length"] == len(body)
    assert upstream.one_request().body == body


def test_routes_have_limits_of_their_own(start, configure, upstream):
    routes = [public_route("/small/", request_body_max="1KiB"), public_route("/large/", request_body_max="20MiB")]
    gateway = start(configure([upstream], routes))
    assert gateway.request("POST", "/small/", body=bytes(1025)).status == 413
    assert gateway.request("POST", "/large/", body=bytes(LIMIT + 1)).status == 200
