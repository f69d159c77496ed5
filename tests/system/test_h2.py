"""HTTP/2 in front, HTTP/1.1 behind: good clients are served, bad translations refused, floods ended."""

import re
import struct
import subprocess

import pytest

from support import h2
from support import upstream as answers
from support.gateway import Gatehouse, basic_config, public_route
from support.wait import seconds, until

MIB = 1024 * 1024
REFUSALS = {
    "connection": [("connection", "keep-alive")],
    "keep-alive": [("keep-alive", "timeout=5")],
    "proxy-connection": [("proxy-connection", "keep-alive")],
    "transfer-encoding": [("transfer-encoding", "chunked")],
    "upgrade": [("upgrade", "websocket")],
    "te beyond trailers": [("te", "gzip")],
    "CR LF in a value": [("x-a", "b\r\nx-gatehouse-roles: admin")],
    "LF in a value": [("x-a", "b\nc")],
    "CR in a value": [("x-a", "b\rc")],
    "NUL in a value": [("x-a", "b\x00c")],
    "LF in a name": [("x-a\nx-b", "c")],
    "blank in a name": [("x a", "b")],
    "colon in a name": [("x:a", "b")],
    "upper case in a name": [("X-A", "b")],
    "empty name": [("", "b")],
    "blank around a value": [("x-a", " b ")],
    "host unlike authority": [("host", "other.test")],
    "two hosts": [("host", "localhost"), ("host", "localhost")],
    "pseudo field after ordinary ones": [("x-a", "b"), (":path", "/other")],
    "unknown pseudo field": [(":proto", "x")],
    "status in a request": [(":status", "200")],
    "content-length that is none": [("content-length", "x")],
    "two content-lengths": [("content-length", "0"), ("content-length", "1")],
}
PSEUDO = {
    "no path": [(":method", "GET"), (":scheme", "https"), (":authority", "localhost")],
    "empty path": [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "")],
    "path without slash": [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "x")],
    "path with blank": [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/x HTTP/1.1")],
    "path with CR LF": [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/x\r\nA: b")],
    "two paths": [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/a"), (":path", "/b")],
    "no method": [(":scheme", "https"), (":authority", "localhost"), (":path", "/")],
    "method with blank": [(":method", "GET /x"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")],
    "no scheme": [(":method", "GET"), (":authority", "localhost"), (":path", "/")],
    "authority with userinfo": [(":method", "GET"), (":scheme", "https"), (":authority", "a@localhost"), (":path", "/")],
    "authority with path": [(":method", "GET"), (":scheme", "https"), (":authority", "localhost/x"), (":path", "/")],
    "plain CONNECT": [(":method", "CONNECT"), (":authority", "localhost:443")],
}


@pytest.fixture(scope="module")
def house(tmp_path_factory, tls_files):
    directory = tmp_path_factory.mktemp("h2")
    backend = answers.Upstream()
    routes = [public_route("/small/", request_body_max="1KiB"), public_route()]
    gateway = Gatehouse(directory, basic_config(directory, [backend], routes, tls=tls_files, workers=2))
    yield gateway, backend
    gateway.assert_alive()
    gateway.close()
    backend.stop()


@pytest.fixture
def client(house, authority):
    with h2.Client(house[0].port("public"), authority.client_context(alpn=("h2", "http/1.1"))) as client:
        yield client


@pytest.fixture
def raw_client(house, authority):
    with h2.RawClient(house[0].port("public"), authority.client_context(alpn=("h2",))) as client:
        yield client


def test_requests_are_translated(house, client):
    _, backend = house
    answer = client.request("POST", "/a?b=c", [("x-one", "1"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers")],
                            b"hello")
    assert answer.status == 200
    request = backend.requests[-1]
    assert (request.method, request.target, request.body) == ("POST", "/a?b=c", b"hello")
    assert request.all("cookie") == ["a=1; b=2"]
    assert request.get("x-one") == "1" and request.get("x-forwarded-proto") == "https"
    assert request.get("x-forwarded-host") == "localhost"
    assert not [name for name, _ in request.fields if name.startswith(":")]
    assert not answer.get("connection") and not answer.get("transfer-encoding")
    assert answer.get("x-request-id") and answer.get("strict-transport-security")


def test_many_streams_at_once(house, client):
    streams = [client.start(path=f"/{number}") for number in range(60)]
    assert [client.wait(stream).status for stream in streams] == [200] * 60


def test_large_bodies_both_ways(house, client):
    _, backend = house
    backend.on("/down", answers.stream(8 * MIB))
    assert len(client.request(path="/down").body) == 8 * MIB
    answer = client.request("POST", "/up", [("content-length", str(3 * MIB))], bytes(3 * MIB))
    assert answer.status == 200
    assert [request.body == bytes(3 * MIB) for request in backend.requests if request.target == "/up"] == [True]


def test_trailers_and_head(house, client):
    _, backend = house
    backend.on("/trailers", answers.chunked([b"one"], [("X-Sum", "3")]))
    answer = client.request(path="/trailers", fields=[("te", "trailers")])
    assert answer.body == b"one" and ("x-sum", "3") in [(str(n), str(v)) for n, v in answer.trailers]
    head = client.request("HEAD", "/x")
    assert head.status == 200 and head.body == b"" and int(head.get("content-length")) > 0


def refused(client, backend, before, answer):
    """The stream was reset or answered 400, and nothing of it was sent on."""
    assert answer.reset is not None or answer.status in (400, 501) or client.goaway is not None, answer.fields
    assert answer.status in (0, 400, 501)
    assert backend.requests[before:] == []


@pytest.mark.parametrize("fields", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_said_in_http_1_is_refused(house, client, fields):
    before = len(house[1].requests)
    refused(client, house[1], before, client.request(path="/bad", fields=fields))


@pytest.mark.parametrize("pseudo", PSEUDO.values(), ids=PSEUDO.keys())
def test_malformed_pseudo_fields_are_refused(house, client, pseudo):
    before = len(house[1].requests)
    refused(client, house[1], before, client.request(pseudo=pseudo))


@pytest.mark.parametrize("declared, sent", [(5, b"hell"), (5, b"hello!"), (0, b"x"), (10, b"")])
def test_a_content_length_unlike_the_data_is_refused(house, raw_client, declared, sent):
    """Hand-made, since h2 itself would refuse to send it."""
    gateway, backend = house
    before = len(backend.requests)
    head = raw_client.head("POST", "/length", [("content-length", str(declared))])
    raw_client.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 1, head), h2.frame(h2.DATA, h2.END_STREAM, 1, sent))
    while True:
        kind, _, stream, payload = raw_client.read_frame()
        if kind in (h2.RST_STREAM, h2.GOAWAY) or (kind == h2.HEADERS and stream == 1):
            break
    gateway.assert_alive()
    until(lambda: all(not request.complete for request in backend.requests[before:]), "no complete request upstream", 1)


def test_a_host_like_the_authority_is_fine(house, client):
    assert client.request(path="/x", fields=[("host", "localhost")]).status == 200


def test_a_wrong_authority_gets_421(house, client):
    assert client.request(path="/x", authority="evil.test").status == 421


def test_a_body_beyond_the_limit_gets_413_and_is_never_complete(house, client):
    _, backend = house
    declared = client.request("POST", "/small/declared", [("content-length", "2000")], bytes(2000))
    assert declared.status == 413 and not [r for r in backend.requests if r.target == "/small/declared"]
    stream = client.start("POST", "/small/counted", end=False)
    client.data(stream, bytes(2000), end=False)
    assert client.wait(stream).status == 413
    assert client.request(path="/x").status == 200, "other streams of the connection go on"
    assert not any(r.complete for r in backend.requests if r.target == "/small/counted")


def test_a_reset_stream_ends_the_upstream_request(house, client):
    _, backend = house
    backend.on("/never", answers.never)
    stream = client.start(path="/never")
    request = until(lambda: [c for c in backend.connections if c.requests and c.requests[-1].target == "/never"], "the request")
    client.h2.reset_stream(stream)
    client.flush()
    until(lambda: request[-1].closed.is_set(), "the upstream request to be given up")
    assert client.request(path="/x").status == 200


def test_one_slow_stream_does_not_hold_the_others(house, authority):
    gateway, backend = house
    backend.on("/huge", answers.stream(64 * MIB))
    with h2.Client(gateway.port("public"), authority.client_context(alpn=("h2",))) as client:
        slow = client.start(path="/huge")
        client.paused.add(slow)
        while len(client.answers[slow].body) < 60000:
            assert client.pump()
        client.h2.increment_flow_control_window(10 * MIB)  # the connection has room, the stream has none
        client.flush()
        for number in range(5):
            assert client.request(path=f"/{number}").status == 200
        assert len(client.answers[slow].body) <= 70000
    until(lambda: gateway.get("/health/live", listener="admin").status == 200, "the gateway")


# --- floods: the connection ends, the process lives -----------------------------------------------------------------

def ended(house, client, make, rounds=3000):
    assert client.flood_until_ended(make, rounds), "the flood was taken in full"
    house[0].assert_alive()


def test_rapid_reset_ends_the_connection(house, raw_client):
    _, backend = house
    backend.on("/reset", answers.never)
    before = len(backend.connections)

    def make(number):
        stream = 2 * number + 1
        return (h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream, raw_client.head(path="/reset"))
                + h2.frame(h2.RST_STREAM, 0, stream, struct.pack(">I", 8)))
    ended(house, raw_client, make, 20000)
    assert len(backend.connections) - before < 5000


def test_endless_continuations_end_the_connection(house, raw_client):
    raw_client.send(h2.frame(h2.HEADERS, 0, 1, raw_client.head()))
    ended(house, raw_client, lambda _: h2.frame(h2.CONTINUATION, 0, 1, b"\x40\x01a\x01b" * 100))


def test_empty_continuations_end_the_connection(house, raw_client):
    raw_client.send(h2.frame(h2.HEADERS, 0, 1, raw_client.head()))
    ended(house, raw_client, lambda _: h2.frame(h2.CONTINUATION, 0, 1) * 100)


def test_a_settings_flood_ends_the_connection(house, raw_client):
    ended(house, raw_client, lambda n: h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 4, 65535 - n % 2)) * 100)


def test_a_ping_flood_ends_the_connection(house, raw_client):
    ended(house, raw_client, lambda _: h2.frame(h2.PING, 0, 0, b"12345678") * 100)


def test_empty_data_frames_end_the_connection(house, raw_client):
    raw_client.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 1, raw_client.head("POST", "/empty")))
    ended(house, raw_client, lambda _: h2.frame(h2.DATA, 0, 1) * 100)


def test_a_header_bomb_is_refused(house, raw_client):
    """A 4 KiB field put in the dynamic table once and named many times: small on the wire, large in memory."""
    bomb = b"\x40\x05x-big\x7f\xa1\x1e" + b"a" * 4000 + b"\xbe" * 10000
    before = house[0].resident_bytes()
    raw_client.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, raw_client.head() + bomb))
    kinds = set()
    while not kinds & {h2.GOAWAY, h2.RST_STREAM, h2.HEADERS}:
        kinds.add(raw_client.read_frame()[0])
    assert house[0].resident_bytes() - before < 8 * MIB
    house[0].assert_alive()


@pytest.mark.parametrize("frames", [
    h2.frame(h2.DATA, 0, 0, b"x"), h2.frame(h2.HEADERS, h2.END_HEADERS, 0, b"\x82"), h2.frame(h2.HEADERS, h2.END_HEADERS, 2, b"\x82"),
    h2.frame(h2.SETTINGS, 0, 0, b"12345"), h2.frame(h2.SETTINGS, 0, 1), h2.frame(h2.PING, 0, 0, b"1"),
    h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\0\0"), h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"),
    h2.frame(h2.PUSH_PROMISE, h2.END_HEADERS, 1, b"\0\0\0\x02\x82"), h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, b"\x82"),
    h2.frame(h2.RST_STREAM, 0, 7, b"\0\0\0\0"), h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, b"\xff" * 20),
    struct.pack(">I", 1 << 20)[1:] + bytes([h2.DATA, 0]) + struct.pack(">I", 1),
])
def test_protocol_errors_end_the_connection(house, raw_client, frames):
    raw_client.send(frames)
    assert [frame for frame in raw_client.read_to_end() if frame[0] == h2.GOAWAY]
    house[0].assert_alive()


# --- other people's clients -----------------------------------------------------------------------------------------

def tool(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_curl_speaks_http_2(house, authority):
    url = f"https://localhost:{house[0].port('public')}/x"
    got = tool("curl", "-sS", "--http2", "--cacert", authority.certificate, "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
               "--resolve", f"localhost:{house[0].port('public')}:127.0.0.1", url)
    assert got == "2 200"


def test_nghttp_is_content(house):
    out = tool("nghttp", "-nv", f"https://127.0.0.1:{house[0].port('public')}/x")
    assert ":status: 200" in out and set(re.findall(r"error_code=(\S+?)\(0x(\d+)\)", out)) <= {("NO_ERROR", "00")}


def test_h2load_gets_every_answer(house):
    out = tool("h2load", "-n", "2000", "-c", "4", "-m", "32", f"https://127.0.0.1:{house[0].port('public')}/x")
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in out
    assert "status codes: 2000 2xx" in out
