"""The example backend behind the gateway: what it says arrives unchanged, as it is said, and it is told who asks."""

import asyncio
import hashlib
import json
import os
import ssl

import pytest

from support import raw
from support.agent_backend import AgentBackend
from support.gateway import api_key, public_route, upstream_config
from support.h2 import Client
from support.tls import client_context
from support.wait import seconds, until

KEY = "k" * 43
MIB = 1024 * 1024
QUESTION = json.dumps({"query": "what does a circuit breaker do?"}).encode()
AS_JSON = [("content-type", "application/json")]
AS_USER = [("x-api-key", KEY)]
LONG = json.dumps({"query": "which status has a request over the rate limit?"}).encode()


@pytest.fixture(scope="module")
def backend():
    running = AgentBackend()
    yield running
    running.stop()


@pytest.fixture
def gateway(start, configure, backend):
    """As the README puts it: /health for everybody, all else for users, TLS of the internal CA."""
    routes = [public_route("/health", backend.name), {"match": {"path_prefix": "/"}, "upstream": backend.name, "access": {"role": "user"},
                                        "request_body_max": "16MiB"}]
    return start(configure([upstream_config(backend, backend.name)], routes, tls={"certificate": "internal"},
                           auth={"api_keys": [api_key("alice", KEY)]}))


class Http1:
    def __init__(self, gateway):
        self.connection = gateway.connect("public", tls=authority(gateway, "http/1.1"))

    def ask(self, method, path, fields=(), body=b""):
        self.connection.send_quietly(raw.encode_request(method, path, fields, body))  # a refusal may come before the end
        response = self.connection.read_response(method)
        return response.status, response.body, response.get

    def events(self, path, body, fields):
        self.connection.send(raw.encode_request("POST", path, fields, body))
        assert self.connection.read_head().get("content-type").startswith("text/event-stream")
        while part := self.connection.read_chunk():
            yield part

    def close(self):
        self.connection.close()


class Http2:
    def __init__(self, gateway):
        self.client = Client(gateway.port("public"), authority(gateway, "h2"))

    def ask(self, method, path, fields=(), body=b""):
        answer = self.client.request(method, path, fields, body)
        return answer.status, bytes(answer.body), answer.get

    def events(self, path, body, fields):
        stream = self.client.start("POST", path, fields, end=False)
        self.client.data(stream, body)
        answer, seen = self.client.answers[stream], 0
        while not answer.ended:
            assert self.client.pump()
            if len(answer.body) > seen:
                yield bytes(answer.body[seen:])
                seen = len(answer.body)
        assert answer.get("content-type").startswith("text/event-stream") and answer.reset is None

    def close(self):
        self.client.tcp.close()


def authority(gateway, protocol):
    return client_context(gateway.directory / "data" / "ca.pem", alpn=(protocol,))


@pytest.fixture(params=[Http1, Http2])
def client(request, gateway):
    made = request.param(gateway)
    yield made
    made.close()


def directly(backend, method, path, body):
    with raw.Connection(backend.port) as connection:
        return connection.request(method, path, AS_JSON, body)


@pytest.mark.parametrize("path", ["/api/query", "/api/query/ask", "/api/query/rag", "/api/query/hybrid"])
def test_an_answer_is_the_one_that_the_backend_gives(client, backend, path):
    for question in (QUESTION, LONG):
        status, body, get = client.ask("POST", path, AS_USER + AS_JSON, question)
        expected = directly(backend, "POST", path, question)
        assert (status, body, get("content-type")) == (200, expected.body, expected.get("content-type"))
        assert json.loads(body)["query"] == json.loads(question)["query"]


def test_what_the_backend_refuses_is_refused_in_its_own_words(client, backend):
    status, body, _ = client.ask("POST", "/api/query", AS_USER + AS_JSON, b'{"query": ""}')
    assert (status, body) == (422, directly(backend, "POST", "/api/query", b'{"query": ""}').body)


def test_a_stream_arrives_word_by_word_and_ends_with_done(client):
    pieces = list(client.events("/api/query/stream?pause_ms=60", b'{"query": "what is a tool?"}', AS_USER + AS_JSON))
    assert pieces[0].count(b"event: token") < 4 and len(pieces) > 3, "the words came all at once"
    blocks = b"".join(pieces).decode().strip().split("\n\n")
    events = [tuple(line.split(": ", 1)[1] for line in block.split("\n")) for block in blocks]
    spoken = [json.loads(data)["text"] for name, data in events if name == "token"]
    assert " ".join(spoken) == "A tool is a function that an agent may call."
    assert events[-1][0] == "done" and json.loads(events[-1][1])["tokens"] == len(spoken)


def test_a_reader_who_leaves_a_stream_is_noticed(gateway):
    client = Http1(gateway)
    next(client.events("/api/query/stream?pause_ms=5000", b'{"query": "what is a tool?"}', AS_USER + AS_JSON))
    client.connection.reset()
    until(lambda: gateway.metric("vos_http_requests_inprogress") == 0, "the stream to be given up", timeout=4)
    assert gateway.metric("gatehouse_upstream_connections_open") == 0


@pytest.mark.parametrize("method, path", [("POST", "/api/query"), ("POST", "/api/query/stream"), ("GET", "/whoami"),
                                          ("POST", "/upload"), ("GET", "/api/agent/list"), ("GET", "/system/info")])
def test_without_a_key_nobody_comes_in(client, method, path):
    assert client.ask(method, path, AS_JSON, QUESTION if method == "POST" else b"")[0] == 401


def test_what_is_public_answers_without_a_key(client):
    status, body, _ = client.ask("GET", "/health")
    assert status == 200 and json.loads(body)["status"] == "healthy"


def test_the_backend_is_told_who_asks_and_believes_nobody_else(client):
    status, body, get = client.ask("GET", "/whoami", [*AS_USER, ("x-gatehouse-subject", "admin"),
                                                      ("x-gatehouse-roles", "admin")])
    told = json.loads(body)
    assert status == 200 and told["request_id"] == get("x-request-id")
    assert "alice" in told["subject"] and told["roles"] == ["user"] and told["principal_type"]


def test_a_raw_upload_is_measured_whole(client):
    data = os.urandom(5 * MIB + 3)
    status, body, _ = client.ask("POST", "/upload", [*AS_USER, ("content-type", "application/octet-stream")], data)
    assert (status, json.loads(body)) == (200, {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()})


def test_a_chunked_upload_is_measured_whole(gateway):
    data = os.urandom(2 * MIB)
    client = Http1(gateway)
    client.connection.send(raw.encode_request("POST", "/upload", [*AS_USER, ("Transfer-Encoding", "chunked")])
                           + raw.chunked(data[at:at + 70_000] for at in range(0, len(data), 70_000)))
    assert client.connection.read_response().json() == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    client.close()


def test_a_multipart_upload_is_measured_file_by_file(client):
    parts = [("a", "one.txt", b"first"), ("b", "two.bin", os.urandom(300_000))]
    body = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n' % (
            name.encode(), file.encode(), data) for name, file, data in parts) + b"--edge--\r\n"
    _, answer, _ = client.ask("POST", "/upload", [*AS_USER, ("content-type", "multipart/form-data; boundary=edge")], body)
    assert json.loads(answer)["files"] == [
        {"field": name, "name": file, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, file, data in parts]


def test_an_upload_over_the_limit_does_not_reach_the_backend_whole(client):
    assert client.ask("POST", "/upload", AS_USER, bytes(16 * MIB + 1))[0] == 413


def websocket(gateway, fields):
    import websockets
    return websockets.connect(f"wss://localhost:{gateway.port('public')}/ws/echo", host="127.0.0.1", max_size=None,
                              ssl=authority(gateway, "http/1.1"), extra_headers=fields)


def test_the_websocket_echoes_text_and_bytes_and_closes_in_order(gateway):
    async def talk():
        async with websocket(gateway, AS_USER) as peer:
            for message in ("hello", b"\x00\x01\xff", "\u00fc" * 5000, os.urandom(300_000)):
                await peer.send(message)
                assert await peer.recv() == message
            await (await peer.ping())
            await peer.close(1000, "enough")
        assert peer.close_code == 1000
    asyncio.run(asyncio.wait_for(talk(), seconds(30)))
    assert gateway.access_line("target", "/ws/echo")["status"] == 101


def test_the_websocket_wants_a_key_too(gateway):
    import websockets

    async def talk():
        with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
            async with websocket(gateway, []):
                pass
        assert refused.value.status_code == 401
    asyncio.run(asyncio.wait_for(talk(), seconds(30)))


def test_a_client_that_does_not_know_the_authority_does_not_come_in(gateway):
    with pytest.raises(ssl.SSLCertVerificationError):
        gateway.connect("public", tls=ssl.create_default_context())
