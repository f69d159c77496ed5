"""Streams pass as they come, both ways, and end as they should."""

import threading
import time

import pytest

from support import raw, websocket
from support import upstream as answers
from support.gateway import public_route, upstream_config
from support.wait import pass_time, until

MIB = 1024 * 1024


@pytest.mark.parametrize("over", ["plain", "public"])
def test_server_sent_events_arrive_one_by_one(start, configure, make_upstream, tls_files, authority, over):
    gates = [threading.Event() for _ in range(4)]
    upstream = make_upstream(answers.server_sent_events(gates))
    gateway = start(configure([upstream], tls=tls_files))
    with gateway.connect(over, tls=authority.client_context() if over == "public" else None) as client:
        client.send(raw.encode_request("POST", "/api/query/stream", body=b"{}"))
        head = client.read_head()
        assert head.get("content-type") == "text/event-stream"
        for number, gate in enumerate(gates):
            opened = time.monotonic()
            gate.set()
            assert client.read_chunk() == b"data: event %d\n\n" % number
            assert time.monotonic() - opened < 2
        assert client.read_chunk() == b""
        assert client.read_trailers() == []


def test_a_stream_is_logged_when_its_last_octet_has_left(start, configure, make_upstream):
    gates = [threading.Event(), threading.Event()]
    gateway = start(configure([make_upstream(answers.server_sent_events(gates))]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/events"))
        client.read_head()
        gates[0].set()
        client.read_chunk()
        assert not [line for line in gateway.access_log() if line.get("target") == "/events"]
        gates[1].set()
        while client.read_chunk():
            pass
    assert gateway.access_line("target", "/events")["status"] == 200


def test_a_stream_outlives_the_response_timeout(start, configure, make_upstream):
    gates = [threading.Event() for _ in range(6)]
    upstream = make_upstream(answers.server_sent_events(gates))
    gateway = start(configure([upstream_config(upstream, timeouts={"response": "300ms", "idle": "2s"})]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/"))
        client.read_head()
        for gate in gates:
            gate.wait(0.15)
            gate.set()
            assert client.read_chunk()


def test_websockets_pass_both_ways(start, configure, make_upstream, tls_files, authority):
    upstream = make_upstream(answers.websocket_echo)
    gateway = start(configure([upstream], tls=tls_files))
    with gateway.connect("public", tls=authority.client_context()) as client:
        head = websocket.open_websocket(client, fields=[("Sec-WebSocket-Protocol", "chat")])
        assert head.status == 101 and head.get("upgrade").lower() == "websocket"
        assert head.get("sec-websocket-accept")
        for payload in (b"hello", b"", b"x" * 70000, "gr\u00fc\u00df".encode()):
            assert websocket.echo(client, payload) == (websocket.TEXT, payload)
        assert websocket.echo(client, bytes(range(256)), websocket.BINARY)[1] == bytes(range(256))
        client.send(b"".join(websocket.frame(b"%d" % i) for i in range(50)))
        assert [websocket.read_frame(client)[1] for i in range(50)] == [b"%d" % i for i in range(50)]
    request = upstream.one_request()
    assert request.get("upgrade").lower() == "websocket" and request.get("connection").lower() == "upgrade"
    assert request.get("sec-websocket-protocol") == "chat"
    until(lambda: upstream.connections[0].closed.is_set(), "the tunnel to end with the client")
    assert gateway.access_line("target", "/ws")["status"] == 101


def test_a_websocket_client_library_is_content(start, configure, make_upstream):
    import asyncio
    import websockets
    gateway = start(configure([make_upstream(answers.websocket_echo)]))

    async def talk():
        uri = f"ws://localhost:{gateway.port('plain')}/ws"
        async with websockets.connect(uri, compression=None, host="127.0.0.1") as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            await (await socket.ping())
    asyncio.run(asyncio.wait_for(talk(), 20))


def test_octets_behind_the_upgrade_are_part_of_the_tunnel(start, configure, make_upstream):
    gateway = start(configure([make_upstream(answers.websocket_echo)]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/ws", [
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]) + websocket.frame(b"early"))
        assert client.read_head().status == 101
        assert websocket.read_frame(client) == (websocket.TEXT, b"early")


def test_octets_behind_the_answer_to_an_upgrade_are_passed_on_once(start, configure, make_upstream):
    def greet(connection, request):
        connection.send(answers.encode(101, [("Upgrade", "websocket"), ("Connection", "Upgrade")],
                                       reason="Switching Protocols") + b"\x81\x05hello\x81\x03you")
        connection.wait_for_close()
    gateway = start(configure([make_upstream(greet)]))
    with gateway.connect() as client:
        assert websocket.open_websocket(client).status == 101
        client.finish_sending()
        assert client.read_to_end() == b"\x81\x05hello\x81\x03you"
    assert gateway.access_line("target", "/ws")["bytes_out"] == 12


def test_a_refused_upgrade_is_an_ordinary_answer(start, configure, make_upstream):
    gateway = start(configure([make_upstream(answers.normal(403, b"no"))]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/ws", [("Upgrade", "websocket"), ("Connection", "Upgrade"), (
            "Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]))
        assert client.read_response().status == 403


def test_a_protected_websocket_wants_credentials_first(start, configure, make_upstream):
    upstream = make_upstream(answers.websocket_echo)
    gateway = start(configure([upstream], [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": {"role": "user"}}]))
    with gateway.connect() as client:
        assert websocket.open_websocket(client).status == 401
    upstream.saw_nothing()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_large_bodies_arrive_whole(gateway, upstream, framing):
    upstream.answer = answers.stream(20 * MIB, framing)
    response = gateway.get("/large")
    assert len(response.body) == 20 * MIB
    assert response.body[:512] == bytes(range(256)) * 2 and response.body[-256:] == bytes(range(256))


def test_a_body_that_ends_with_the_connection_is_framed_for_the_client(gateway, upstream):
    upstream.answer = answers.until_close(b"to the end")
    with gateway.connect() as client:
        response = client.request("GET", "/")
        assert response.body == b"to the end" and response.framing in ("chunked", "until_close")
        if response.framing == "chunked":
            assert client.request("GET", "/").status == 200


def test_trailers_pass_both_ways(gateway, upstream):
    upstream.answer = answers.chunked([b"one", b"two"], [("X-Checksum", "abc")])
    with gateway.connect() as client:
        client.send(raw.encode_request("POST", "/", [("Transfer-Encoding", "chunked"), ("TE", "trailers"), ("Trailer", "X-Sum")])
                    + raw.chunked([b"hello"], [("X-Sum", "5")]))
        response = client.read_response()
    assert (response.body, response.trailers) == (b"onetwo", [("X-Checksum", "abc")])
    assert upstream.one_request().trailers in ([("X-Sum", "5")], [])


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding", "Host", "Authorization", "X-Gatehouse-Subject", "X-Request-ID",
                                  "X-Correlation-ID", "X_Request_Id", "X-Real-IP", "X-Forwarded-Port", "Content_Length", "Proxy"])
def test_trailers_cannot_carry_what_belongs_in_a_head(gateway, upstream, name):
    with gateway.connect() as client:
        client.send(raw.encode_request("POST", "/", [("Transfer-Encoding", "chunked")])
                    + raw.chunked([b"hello"], [(name, "5")]))
        assert client.read_response().status in (200, 400)
    for request in upstream.requests:
        assert not [key for key, _ in request.trailers if key.lower() == name.lower()]


def test_trailers_cannot_stand_in_for_what_a_route_injects(start, configure, upstream):
    gateway = start(configure([upstream], [public_route(inject={"headers": {"X-User": "${principal.subject}"}})]))
    with gateway.connect() as client:
        client.send(raw.encode_request("POST", "/", [("Transfer-Encoding", "chunked")])
                    + raw.chunked([b"hello"], [("X-User", "root"), ("X_User", "root"), ("X-Sum", "5")]))
        assert client.read_response().status == 200
    assert upstream.one_request().trailers == [("X-Sum", "5")]


def test_expect_100_is_answered_before_the_body(gateway, upstream):
    with gateway.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.read_head().status == 100
        client.send(b"hello")
        assert client.read_response().json()["length"] == 5


def test_expect_100_is_not_answered_for_a_body_too_large(gateway, upstream):
    with gateway.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
        response = client.read_response()
    assert response.status == 413 and not response.informational
    upstream.saw_nothing()


def test_an_unknown_expectation_gets_417(gateway, upstream):
    assert gateway.get("/", [("Expect", "miracles")]).status == 417
    upstream.saw_nothing()


def test_pipelined_requests_are_answered_in_order(gateway, upstream):
    with gateway.connect() as client:
        client.send(b"".join(raw.encode_request("POST", f"/{i}", body=b"%d" % i) for i in range(50)))
        for number in range(50):
            assert client.read_response().json()["target"] == f"/{number}"
    assert [request.target for request in upstream.requests] == [f"/{i}" for i in range(50)]


def test_connection_close_is_honoured(gateway, upstream):
    with gateway.connect() as client:
        response = client.request("GET", "/", [("Connection", "close")])
        assert response.get("connection").lower() == "close"
        assert client.is_closed_by_peer()


def test_http_1_0_gets_what_it_understands(gateway, upstream):
    upstream.answer = answers.chunked([b"one", b"two"])
    with gateway.connect() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        response = client.read_response()
        assert response.body == b"onetwo" and response.framing in ("until_close", "length")
        assert client.is_closed_by_peer()
