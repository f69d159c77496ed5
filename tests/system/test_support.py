"""The witness and the strict client are judged first: a test stands on them only as firmly as they stand themselves."""

import subprocess
import threading

import pytest

from support import raw, upstream as answers
from support.gateway import parse_metrics
from support.jwt import Key, unb64
from support.upstream import Upstream
from support.wait import until


@pytest.fixture
def backend():
    backend = Upstream()
    yield backend
    backend.let_go.set()
    backend.stop()


def test_the_witness_keeps_every_octet(backend):
    with raw.Connection(backend.port) as client:
        response = client.request("POST", "/a?b", [("X-One", "1")], b"body")
    assert response.json()["length"] == 4
    assert backend.received == b"POST /a?b HTTP/1.1\r\nHost: localhost\r\nX-One: 1\r\nContent-Length: 4\r\n\r\nbody"
    assert backend.one_request().complete


def test_the_witness_knows_an_unfinished_request(backend):
    with raw.Connection(backend.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        client.finish_sending()
        assert client.is_closed_by_peer()
    assert not backend.one_request().complete


def test_trailers_travel_both_ways(backend):
    backend.answer = answers.chunked([b"one", b"two"], [("X-Sum", "6")])
    with raw.Connection(backend.port) as client:
        client.send(raw.encode_request("POST", "/", [("Transfer-Encoding", "chunked")])
                    + raw.chunked([b"12"], [("X-Check", "y")]))
        response = client.read_response()
    assert (response.body, response.trailers) == (b"onetwo", [("X-Sum", "6")])
    assert backend.one_request().trailers == [("X-Check", "y")]


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nX-Fold: a\r\n b\r\n\r\n",
    b"HTTP/1.1 99 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nBad Name: a\r\n\r\n",
])
def test_the_client_refuses_what_the_rfc_forbids(backend, data):
    backend.answer = answers.raw(data)
    with raw.Connection(backend.port) as client:
        with pytest.raises(raw.ProtocolError):
            client.request("GET", "/")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_reset_in_mid_body_is_seen_as_such(backend, framing):
    backend.answer = answers.reset_mid_body(framing)
    backend.let_go.set()
    with raw.Connection(backend.port) as client:
        with pytest.raises(raw.Closed):
            client.request("GET", "/")


def test_gates_hold_events_back(backend):
    gates = [threading.Event(), threading.Event()]
    backend.answer = answers.server_sent_events(gates)
    gates[0].set()
    with raw.Connection(backend.port) as client:
        client.send(raw.encode_request("GET", "/"))
        client.read_head()
        assert client.read_chunk() == b"data: event 0\n\n"
        gates[1].set()
        assert client.read_chunk() == b"data: event 1\n\n"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES512", "EdDSA"])
def test_tokens_verify_with_an_independent_library(algorithm):
    import jwt
    key = Key(algorithm)
    claims = jwt.decode(key.token(), key.public_pem(), algorithms=[algorithm], audience="api")
    assert claims["sub"] == "alice"
    assert len(unb64(key.token().split(".")[2])) > 60


def test_metrics_are_parsed_with_their_labels():
    text = '# HELP a b\n# TYPE a counter\na{x="1",y="a\\"b"} 3\nb 1e3\n'
    assert parse_metrics(text) == {("a", frozenset({("x", "1"), ("y", 'a\\"b')})): 3.0, ("b", frozenset()): 1000.0}


def test_the_database_server_is_interrupted_and_goes_on(postgres):
    name = postgres.make_database()
    postgres.psql("CREATE TABLE kept (x INTEGER)", "INSERT INTO kept VALUES (7)", database=name, user="gatehouse")
    with pytest.raises(AssertionError, match="permission denied"):
        postgres.psql("CREATE SCHEMA more", database=name, user="gatehouse")
    postgres.pause()
    with pytest.raises(subprocess.TimeoutExpired):
        postgres.psql("SELECT 1", timeout=0.3)
    postgres.resume()
    postgres.restart()
    assert postgres.psql("SELECT x FROM kept", database=name) == "7"
    postgres.set("ssl", "off")
    postgres.set("ssl", None)
    until(lambda: postgres.psql("SHOW ssl") == "on", "TLS again")
