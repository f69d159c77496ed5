"""Requests whose end or meaning two readers could judge differently: refused, closed, and nothing reaches the upstream."""

import json

import pytest

from support import raw
from support import upstream as answers

HEAD = b"POST /x HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /x HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

AMBIGUOUS = {
    "both lengths": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both lengths, the other order": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two unlike lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two equal lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": HEAD + b"Content-Length: 5, 5\r\n\r\nhello",
    "negative length": HEAD + b"Content-Length: -5\r\n\r\nhello",
    "signed length": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "length with a fraction": HEAD + b"Content-Length: 5.0\r\n\r\nhello",
    "hexadecimal length": HEAD + b"Content-Length: 0x5\r\n\r\nhello",
    "empty length": HEAD + b"Content-Length: \r\n\r\n",
    "length beyond 64 bits": HEAD + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "coding that is not chunked": HEAD + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked is not last": HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked with a vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked with a suffix": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /x HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "blank before the colon": HEAD + b"Content-Length : 5\r\n\r\nhello",
    "blank before the first field": b"GET /x HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "folded line": GET + b"X-A: one\r\n two\r\n\r\n",
    "folded line with a tab": GET + b"X-A: one\r\n\ttwo\r\n\r\n",
    "folded coding": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare LF after the request line": b"GET /x HTTP/1.1\nHost: localhost\r\n\r\n",
    "bare LF after a field": GET[:-2] + b"\nX-A: b\r\n\r\n",
    "bare LF ends the head": GET + b"X-A: b\r\n\n",
    "bare LFs only": b"GET /x HTTP/1.1\nHost: localhost\n\n",
    "bare CR in a value": GET + b"X-A: b\rc\r\n\r\n",
    "bare CR as a line end": GET + b"X-A: b\rX-B: c\r\n\r\n",
    "NUL in a value": GET + b"X-A: b\x00c\r\n\r\n",
    "NUL in a name": GET + b"X-\x00A: b\r\n\r\n",
    "control character in a value": GET + b"X-A: b\x01c\r\n\r\n",
    "empty name": GET + b": b\r\n\r\n",
    "blank in a name": GET + b"X A: b\r\n\r\n",
    "non-ASCII name": GET + b"X-\xc3\xa9: b\r\n\r\n",
    "parenthesis in a name": GET + b"X(A): b\r\n\r\n",
    "no colon": GET + b"X-A\r\n\r\n",
    "no Host": b"GET /x HTTP/1.1\r\nX-A: b\r\n\r\n",
    "two Hosts": GET + b"Host: localhost\r\n\r\n",
    "two unlike Hosts": GET + b"Host: other.test\r\n\r\n",
    "Host with a path": b"GET /x HTTP/1.1\r\nHost: localhost/evil\r\n\r\n",
    "Host with userinfo": b"GET /x HTTP/1.1\r\nHost: a@localhost\r\n\r\n",
    "Host with a list": b"GET /x HTTP/1.1\r\nHost: localhost, other\r\n\r\n",
    "empty Host": b"GET /x HTTP/1.1\r\nHost: \r\n\r\n",
    "Host unlike the absolute target": b"GET http://127.0.0.1/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two blanks in the request line": b"GET  /x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tab in the request line": b"GET\t/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "blank at the end of the request line": b"GET /x HTTP/1.1 \r\nHost: localhost\r\n\r\n",
    "blank in the target": b"GET /x y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /x\r\nHost: localhost\r\n\r\n",
    "lower-case version": b"GET /x http/1.1\r\nHost: localhost\r\n\r\n",
    "version with more digits": b"GET /x HTTP/1.10\r\nHost: localhost\r\n\r\n",
    "method with a separator": b"GE{T /x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "control character in the target": b"GET /x\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "non-ASCII target": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "fragment in the target": b"GET /x#y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target without a slash": b"GET x HTTP/1.1\r\nHost: localhost\r\n\r\n",
}

BAD_CHUNKS = {
    "size is no number": b"zz\r\nhello\r\n0\r\n\r\n",
    "size with a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "signed size": b"+5\r\nhello\r\n0\r\n\r\n",
    "negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "blank before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "blank after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "empty size": b"\r\nhello\r\n0\r\n\r\n",
    "size beyond 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size with endless zeros": b"0" * 70000 + b"5\r\nhello\r\n0\r\n\r\n",
    "bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
    "bare LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "data longer than its size": b"5\r\nhello!\r\n0\r\n\r\n",
    "data shorter than its size": b"6\r\nhello\r\n0\r\n\r\n",
    "bare LF in an extension": b"5;a=b\nc\r\nhello\r\n0\r\n\r\n",
    "endless extension": b"5;" + b"a" * 70000 + b"\r\nhello\r\n0\r\n\r\n",
    "bare LF ends the trailers": b"5\r\nhello\r\n0\r\n\n",
    "bad trailer name": b"5\r\nhello\r\n0\r\nX A: b\r\n\r\n",
    "folded trailer": b"5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n",
    "endless trailers": b"5\r\nhello\r\n0\r\n" + b"X-A: b\r\n" * 20000 + b"\r\n",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One gateway for the whole table; every case looks at what the witness saw since."""
    from support.gateway import Gatehouse, basic_config
    directory = tmp_path_factory.mktemp("framing")
    backend = answers.Upstream()
    gateway = Gatehouse(directory, basic_config(directory, [backend]))
    yield gateway, backend
    gateway.close()
    backend.stop()


def refused(gateway, data):
    """Sends `data` and a request behind it: one answer, 400, then the end."""
    with gateway.connect() as client:
        client.send_quietly(data + GET.replace(b"/x", b"/smuggled") + b"\r\n")
        response = client.read_response()
        assert client.is_closed_by_peer(), "the connection stays open"
    return response


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_an_ambiguous_head_gets_400_and_the_connection_closes(house, data):
    gateway, backend = house
    before = len(backend.received)
    response = refused(gateway, data)
    assert response.status == 400
    assert response.get("connection", "").lower() == "close"
    problem = json.loads(response.body)
    assert response.get("content-type") == "application/problem+json"
    assert problem["status"] == 400 and problem["code"] and problem["request_id"] == response.get("x-request-id")
    assert backend.received[before:] == b""


@pytest.mark.parametrize("data", BAD_CHUNKS.values(), ids=BAD_CHUNKS.keys())
def test_a_bad_chunk_never_makes_a_complete_request(house, data):
    gateway, backend = house
    before = len(backend.requests)
    response = refused(gateway, CHUNKED + data)
    assert response.status in (400, 413, 431), response
    for request in backend.requests[before:]:
        assert not request.complete
        assert request.target == "/x"


@pytest.mark.parametrize("data, status", [
    (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    (b"GET /x HTTP/2.0\r\nHost: localhost\r\n\r\n", (400, 505)),
    (b"GET /x HTTP/3.1\r\nHost: localhost\r\n\r\n", (400, 505)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    (b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n", (400, 405, 501)),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n", (400,)),
])
def test_what_is_not_http_1_is_refused(house, data, status):
    gateway, backend = house
    before = len(backend.requests)
    assert refused(gateway, data).status in status
    assert not any(request.complete for request in backend.requests[before:])


@pytest.mark.parametrize("data", [
    GET + b"Host2: a\r\n\r\n",
    b"\r\n" + GET + b"\r\n",
    GET + b"X-A:b\r\nX-B: \t c \t\r\nX-C:\r\n\r\n",
    GET + b"X-A: caf\xe9\r\n\r\n",
    b"GET http://localhost/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    CHUNKED + b"5;name=value\r\nhello\r\n000\r\nX-T: 1\r\n\r\n",
    HEAD + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    HEAD + b"Content-Length: 0005\r\n\r\nhello",
    b"PATCH /x HTTP/1.1\r\nHost: LOCALHOST\r\nContent-Length: 5\r\n\r\nhello",
    b"PURGE /x HTTP/1.1\r\nHost: localhost\r\n\r\n",
])
def test_the_unusual_but_unambiguous_is_served(house, data):
    gateway, backend = house
    with gateway.connect() as client:
        client.send(data)
        response = client.read_response()
        assert response.status == 200, response
        assert response.json()["target"] == "/x"
        client.send(GET + b"\r\n")
        assert client.read_response().status == 200, "the connection goes on"


def test_a_request_in_single_octets_is_the_same_request(house):
    gateway, _ = house
    with gateway.connect() as client:
        for octet in CHUNKED + b"5\r\nhello\r\n0\r\n\r\n":
            client.send(bytes([octet]))
        assert client.read_response().json()["length"] == 5


def test_a_body_on_get_stays_with_its_request(house):
    gateway, backend = house
    with gateway.connect() as client:
        body = b"GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n"
        client.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        assert client.read_response().json()["length"] == len(body)
        client.send(GET + b"\r\n")
        assert client.read_response().json()["length"] == 0
    assert not [r for r in backend.requests if r.target == "/inner"]


@pytest.mark.parametrize("fields", [
    [("Connection", "X-Secret"), ("X-Secret", "1")],
    [("Connection", "keep-alive, X-Secret"), ("X-Secret", "1"), ("Keep-Alive", "timeout=5")],
    [("Proxy-Connection", "keep-alive")], [("TE", "trailers")],
    [("Proxy-Authorization", "Basic YTpi")], [("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"),
                                              ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")],
])
def test_hop_by_hop_fields_end_here(house, fields):
    gateway, backend = house
    assert gateway.get("/hop", fields).status == 200
    request = backend.requests[-1]
    assert request.target == "/hop"
    for name, _ in fields:
        assert request.get(name, "") in ("", "keep-alive", "close") and (name == "Connection" or not request.get(name))


@pytest.mark.parametrize("named", ["Host", "Content-Length", "Transfer-Encoding", "Authorization", "X-Forwarded-For",
                                   "X-Request-ID", "X-Gatehouse-Subject"])
def test_connection_cannot_name_away_what_the_upstream_relies_on(house, named):
    gateway, backend = house
    with gateway.connect() as client:
        client.send(HEAD + f"Connection: {named}\r\nContent-Length: 5\r\n\r\nhello".encode())
        status = client.read_response().status
    if status == 200:
        request = backend.requests[-1]
        assert request.complete and request.body == b"hello"
        assert request.get("host") and request.get("x-forwarded-for") and request.get("x-request-id")
    else:
        assert status == 400
