"""Upstreams that say more, less or something else than was asked for, and what must not come of it."""

import socket

from support import raw, websocket
from support.upstream import encode
from support.wait import pass_time, until


def switched(data=b""):
    return encode(101, [("Upgrade", "websocket"), ("Connection", "Upgrade")], data, reason="Switching Protocols")


def test_octets_that_come_with_a_101_reach_the_client_once(gateway, upstream):
    def speaks_first(connection, request):
        connection.send(switched(b"first;"))
        connection.wait_for_close(10)
        connection.keep = False
    upstream.answer = speaks_first
    with gateway.connect() as client:
        assert websocket.open_websocket(client).status == 101
        assert client.read_exactly(6) == b"first;"
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_to_end() == b""


def test_a_tunnel_whose_client_ended_first_still_gets_everything(gateway, upstream):
    size = 3_000_000

    def answers_after_the_end(connection, request):
        connection.send(switched())
        connection.wait_for_close(10)
        connection.send(b"z" * size)
        connection.keep = False
    upstream.answer = answers_after_the_end
    with gateway.connect() as client:
        assert websocket.open_websocket(client).status == 101
        client.socket.shutdown(socket.SHUT_WR)
        pass_time(0.5)  # the answer is to stand in buffers everywhere before the first octet is read
        assert len(client.read_to_end()) == size


def test_half_a_head_is_no_answer_for_a_client_that_said_its_last_word(gateway, upstream):
    def half(connection, request):
        connection.send(b"HTTP/1.1 200 Half\r\nX-A: b")
        connection.wait_for_close(10)
        connection.keep = False
    upstream.answer = half
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/"))
        until(lambda: upstream.requests, "the request upstream")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_to_end() == b""
    line = gateway.access_line("outcome", "client_gone")
    assert line["status"] == 0


def test_what_an_upstream_says_unasked_answers_nobody(gateway, upstream):
    def says_more_later(connection, request):
        connection.read_body()
        connection.send(encode(200, [("Content-Length", "2")], b"ok"))
        pass_time(0.2)
        connection.send(encode(200, [("Content-Length", "6")], b"POISON"))
    upstream.answer = says_more_later
    assert gateway.get("/a").body == b"ok"
    pass_time(0.5)
    assert gateway.get("/b").body == b"ok"
    assert len(upstream.connections) == 2


def test_kept_connections_are_let_go_when_the_upstream_closes_them(gateway, upstream):
    clients = [gateway.connect() for _ in range(10)]
    for client in clients:
        client.send(raw.encode_request("GET", "/"))
    for client in clients:
        assert client.read_response().status == 200
        client.socket.close()
    with_idle = gateway.open_descriptors()
    opened = len(upstream.connections)
    upstream.stop()
    until(lambda: gateway.open_descriptors() <= with_idle - opened, "descriptors given back", timeout=15)


def test_a_request_nobody_could_read_is_logged_with_its_client(gateway):
    with gateway.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.read_response().status == 400
    assert gateway.access_line("outcome", "client_malformed")["client_ip"] == "127.0.0.1"
