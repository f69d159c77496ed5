"""A route's injected secret reaches the upstream and never the client, whatever the upstream does with it."""

import base64
import gzip
import html
import json
import urllib.parse

import pytest

from support import raw, upstream as answers, websocket
from support.gateway import public_route, run, write_config
from support.h2 import Client as H2Client

SECRET = "Jq8Zs5Lw/2Xc9+Vb4N m7Rt1Kp6&Hd3\"Gf0Ya"
HIDDEN = "*" * len(SECRET)


def seen(text):
    """Is any form of it there?"""
    forms = {SECRET, urllib.parse.quote(SECRET), urllib.parse.quote(SECRET, safe=""), urllib.parse.quote_plus(SECRET),
             json.dumps(SECRET)[1:-1], html.escape(SECRET)}
    if any(form in text for form in forms):
        return True
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            inner = encode(b"\0" * shift + SECRET.encode()).decode().rstrip("=")[4:-4]
            if inner in text:
                return True
    return False


@pytest.fixture
def guarded(start, configure, make_upstream, tmp_path):
    """A gateway whose route injects a secret of the vault, before an upstream that answers as the test says."""
    def make(answer, tls=None, **inject):
        upstream = make_upstream(answer)
        route = public_route(inject={"headers": {"Authorization": "Bearer ${secret:apps/models}"}} | inject)
        config = configure([upstream], [route], tls=tls)
        (tmp_path / "gateway0").mkdir()
        file = tmp_path / "gateway0" / "gatehouse.yaml"
        write_config(file, config)
        for verb, stdin in ((("migrate", "up"), None), (("secrets", "set", "apps/models"), SECRET)):
            assert run(*verb, "--config", file, stdin=stdin).returncode == 0
        return start(config), upstream
    return make


def answer_with(body, fields=(), chunks=None, status=200):
    def answer(connection, request):
        list(connection.body_parts())
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        if chunks is None:
            connection.send(f"HTTP/1.1 {status} OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            return
        connection.send(f"HTTP/1.1 {status} OK\r\n{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for at in range(0, len(body), chunks):
            piece = body[at:at + chunks]
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.send(b"0\r\nX-Trailer: " + SECRET.encode() + b"\r\n\r\n")
    return answer


def bodies():
    basic = base64.b64encode(b"user:" + SECRET.encode()).decode()
    return {"plain": f"before {SECRET} after", "twice": SECRET * 2, "URL": f"?k={urllib.parse.quote(SECRET, safe='')}&x=1",
            "path": urllib.parse.quote(SECRET), "twice escaped": urllib.parse.quote(urllib.parse.quote(SECRET)),
            "JSON in JSON": json.dumps({"body": json.dumps({"key": SECRET})}), "hex": SECRET.encode().hex(),
            "form": urllib.parse.urlencode({"k": SECRET}), "JSON": json.dumps({"headers": {"authorization": f"Bearer {SECRET}"}}),
            "HTML": f"<p>{html.escape(SECRET)}</p>", "base64": base64.b64encode(SECRET.encode()).decode(),
            "within base64": f"Basic {basic}", "base64url": base64.urlsafe_b64encode(b"k=" + SECRET.encode()).decode()}


@pytest.mark.parametrize("form", bodies())
def test_it_is_written_over_in_bodies(guarded, form):
    body = bodies()[form].encode()
    answers = {"length": None, "whole": len(body), "split": 7, "octets": 1}
    current = {}
    gateway, upstream = guarded(lambda connection, request: current["answer"](connection, request))
    for chunks in answers.values():
        current["answer"] = answer_with(body, chunks=chunks)
        response = gateway.get("/")
        text = response.body.decode()
        assert response.status == 200 and len(text) == len(body) and not seen(text) and "***" in text, text
    assert upstream.requests[0].all("authorization") == [f"Bearer {SECRET}"]


def test_it_is_written_over_in_heads_and_redirects(guarded):
    quoted = urllib.parse.quote(SECRET, safe="")
    gateway, _ = guarded(answer_with(b"", [("Location", f"https://elsewhere.example/?k={quoted}"), ("X-Echo", f"Bearer {SECRET}"),
                                          ("Set-Cookie", f"k={quoted}; Path=/")], status=302))
    response = gateway.get("/")
    assert response.status == 302 and response.get("location") == f"https://elsewhere.example/?k={'*' * len(quoted)}"
    assert response.get("x-echo") == f"Bearer {HIDDEN}" and not any(seen(value) for _, value in response.fields)


def test_it_is_written_over_in_answers_that_end_with_the_connection(guarded):
    def answer(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nbefore " + SECRET[:10].encode())
        connection.send(SECRET[10:].encode() + b" after " + SECRET[:5].encode())
        connection.keep = False
    gateway, _ = guarded(answer)
    assert gateway.get("/").body.decode() == f"before {HIDDEN} after {SECRET[:5]}"


def test_events_are_not_held_back(guarded):
    def answer(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for data in (b"data: one\n\n", b"data: " + SECRET.encode() + b"\n\n"):
            connection.send(b"%x\r\n%b\r\n" % (len(data), data))
            connection.upstream.let_go.wait(20)
            connection.upstream.let_go.clear()
        connection.send(b"0\r\n\r\n")
    gateway, upstream = guarded(answer)
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/"))
        client.read_head()
        assert client.read_chunk() == b"data: one\n\n"
        upstream.let_go.set()
        assert client.read_chunk() == f"data: {HIDDEN}\n\n".encode()
        upstream.let_go.set()


def test_over_http_2_too(guarded, tls_files, authority):
    gateway, _ = guarded(answer_with(bodies()["JSON"].encode(), chunks=5), tls=tls_files)
    with H2Client(gateway.port("public"), authority.client_context(alpn=("h2",))) as client:
        response = client.request()
        assert response.status == 200 and not seen(response.body.decode()) and not seen(str(response.trailers))


def test_another_route_of_the_upstream_does_not_bring_it_to_light(guarded):
    gateway, _ = guarded(answer_with(SECRET.encode()))
    gateway.reload(gateway.config | {"routes": [public_route("/history"), *gateway.config["routes"]]})
    assert gateway.get("/history").body.decode() == HIDDEN


def test_the_upstream_is_asked_for_what_can_be_looked_through(guarded):
    gateway, upstream = guarded(answer_with(b"x"))
    gateway.get("/", [("Accept-Encoding", "gzip"), ("Range", "bytes=0-3"), ("If-Range", '"x"')])
    request = upstream.one_request()
    assert request.all("accept-encoding") == ["identity"] and not request.all("range") and not request.all("if-range")


def test_what_cannot_be_looked_through_is_not_passed_on(guarded):
    body = gzip.compress(SECRET.encode())
    gateway, _ = guarded(answer_with(body, [("Content-Encoding", "gzip")]))
    response = gateway.get("/")
    assert response.status == 502 and json.loads(response.body)["code"] == "upstream.opaque"
    assert gateway.access_line("status", 502)["code"] == "upstream.opaque"


def test_no_tunnel_where_a_secret_is_hidden(guarded):
    gateway, _ = guarded(answers.websocket_echo)
    with gateway.connect() as client:
        assert websocket.open_websocket(client).status == 502
    assert gateway.access_line("status", 502)["code"] == "upstream.opaque"


def test_an_operator_may_let_it_be_seen(guarded):
    gateway, _ = guarded(answer_with(SECRET.encode()), hide=False)
    assert gateway.get("/").body.decode() == SECRET


def test_it_is_in_no_log_and_no_page(guarded):
    gateway, _ = guarded(answer_with(SECRET.encode()))
    gateway.get(f"/{urllib.parse.quote(SECRET, safe='')[:20]}")
    assert not seen(gateway.output()) and not seen(gateway.directory.joinpath("access.log").read_text())
    assert not seen(run("config", "show", gateway.config_file).stdout)
