"""A real server behind the gateway: nginx, with its own ideas of framing, keeping alive, errors and the end."""

import hashlib
import os
import shutil
import signal
import threading

import pytest

from support import raw
from support.gateway import public_route, upstream_config
from support.h2 import Client
from support.nginx import UPLOAD_MAX, Nginx
from support.wait import pass_time, until

MIB = 1024 * 1024
LARGE = os.urandom(MIB) * 24
PAGE_LINES = 20_000


@pytest.fixture
def make_nginx(tmp_path):
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed (Debian's nginx-light)")
    running = []

    def make(**settings):
        nginx = Nginx(tmp_path / f"nginx{len(running)}", **settings)
        running.append(nginx)
        (nginx.root / "small.txt").write_bytes(b"small\n")
        (nginx.root / "large.bin").write_bytes(LARGE)
        (nginx.root / "page.shtml").write_text('<!--# echo var="uri" -->\n' + "0123456789\n" * PAGE_LINES)
        return nginx
    yield make
    for nginx in running:
        nginx.stop(signal.SIGKILL)


@pytest.fixture
def nginx(make_nginx):
    return make_nginx()


@pytest.fixture
def gateway(start, configure, nginx, tls_files):
    """Judged by each request only: no breaker that stays open; retries as they are by default."""
    return start(configure([upstream_config(nginx, circuit_breaker={"enabled": False})], [public_route(
        request_body_max="64MiB")], tls=tls_files))


def test_a_file_passes_with_its_validators_and_conditional_and_partial_requests_work(gateway):
    with gateway.connect() as client:
        full = client.request("GET", "/small.txt")
        assert (full.status, full.body, full.framing) == (200, b"small\n", "length")
        tag = full.get("etag")
        unchanged = client.request("GET", "/small.txt", [("If-None-Match", tag)])
        assert (unchanged.status, unchanged.body, unchanged.get("etag")) == (304, b"", tag)
        part = client.request("GET", "/large.bin", [("Range", "bytes=1048570-1048585")])
        assert (part.status, part.body) == (206, LARGE[1048570:1048586])
        assert part.get("content-range") == f"bytes 1048570-1048585/{len(LARGE)}"
        head = client.request("HEAD", "/large.bin")
        assert (head.status, head.body, int(head.get("content-length"))) == (200, b"", len(LARGE))


@pytest.mark.parametrize("over", ["HTTP/1.1", "HTTP/2"])
def test_large_and_chunked_bodies_arrive_whole(gateway, authority, over):
    page = b"/page.shtml\n" + b"0123456789\n" * PAGE_LINES
    if over == "HTTP/2":
        with Client(gateway.port("public"), authority.client_context(alpn=("h2",))) as client:
            large, chunked = client.request(path="/large.bin"), client.request(path="/page.shtml")
            assert bytes(chunked.body) == page and chunked.get("content-length") is None
            assert (large.status, chunked.status) == (200, 200) and bytes(large.body) == LARGE
        return
    with gateway.connect() as client:
        chunked, large = client.request("GET", "/page.shtml"), client.request("GET", "/large.bin")
    assert (chunked.status, chunked.framing, chunked.body) == (200, "chunked", page)
    assert (large.status, large.framing, large.body) == (200, "length", LARGE)


def test_a_client_of_http_1_0_gets_a_chunked_page_that_ends_with_the_connection(gateway):
    with gateway.connect() as client:
        client.send(b"GET /page.shtml HTTP/1.0\r\nHost: localhost\r\n\r\n")
        response = client.read_response()
    assert response.framing == "until_close" and response.body.count(b"0123456789\n") == PAGE_LINES


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_is_stored_as_it_was_sent(gateway, nginx, chunked):
    body = os.urandom(3 * MIB + 17)
    with gateway.connect() as client:
        if chunked:
            client.send(raw.encode_request("PUT", "/store/file", [("Transfer-Encoding", "chunked")])
                        + raw.chunked(body[at:at + 50_000] for at in range(0, len(body), 50_000)))
            created = client.read_response()
        else:
            created = client.request("PUT", "/store/file", body=body)
        assert created.status == 201
        assert client.request("PUT", "/store/file", body=body).status == 204  # replaced: an answer without a body
    assert hashlib.sha256((nginx.root / "store/file").read_bytes()).digest() == hashlib.sha256(body).digest()


def test_an_upload_that_nginx_finds_too_large_is_answered_by_nginx(gateway, nginx):
    with gateway.connect() as client:
        client.send_quietly(raw.encode_request("PUT", "/store/large", body=bytes(UPLOAD_MAX + 1)))
        refused = client.read_response()
    assert refused.status == 413 and b"<center>nginx" in refused.body
    assert not (nginx.root / "store/large").exists()
    assert gateway.get("/small.txt").status == 200


@pytest.mark.parametrize("path, status, asked", [("/nowhere", 404, 1), ("/broken", 500, 1), ("/dead-end", 502, 2)])
def test_an_error_page_is_passed_on_as_it_is(gateway, nginx, path, status, asked):
    response = gateway.get(path)
    assert response.status == status and response.get("content-type") == "text/html"
    assert b"<center>nginx" in response.body
    assert {line[2:] for line in nginx.logged(asked, path)} == {(status, "GET", path)}  # 502 is retried once


def test_a_connection_closed_without_an_answer_is_a_502_of_our_own(gateway):
    response = gateway.request("POST", "/hang-up", body=b"once")
    assert response.status == 502 and response.get("content-type") == "application/problem+json"
    assert gateway.get("/small.txt").status == 200


def test_one_connection_is_kept_for_many_clients(gateway, nginx):
    for _ in range(30):
        assert gateway.get("/small.txt").status == 200
    asked = nginx.logged(30, "/small.txt")
    assert len({line[0] for line in asked}) == 1 and [line[1] for line in asked] == list(range(1, 31))


def test_nginx_may_end_a_connection_after_a_few_requests(start, configure, make_nginx):
    nginx = make_nginx(keepalive_requests=5)
    gateway = start(configure([upstream_config(nginx, retry={"attempts": 1})]))
    for number in range(20):
        assert gateway.get("/page.shtml" if number % 3 else "/small.txt").status == 200
        assert gateway.request("PUT", "/store/file", body=b"x").status in (201, 204)
    asked = nginx.logged(40)
    assert max(line[1] for line in asked) == 5 and len({line[0] for line in asked}) == 8


def test_a_connection_that_nginx_closed_while_idle_is_not_used_for_a_post(start, configure, make_nginx):
    nginx = make_nginx(keepalive_timeout="1s")
    gateway = start(configure([upstream_config(nginx, retry={"attempts": 1})]))
    for _ in range(3):
        assert gateway.request("PUT", "/store/again", body=b"x").status in (201, 204)
        pass_time(1.5)
    assert len({line[0] for line in nginx.logged(3)}) == 3


class Clients:
    """Threads that ask again and again until told to stop; what they got, in order of the end. Each may see one answer cut
    off where `cuts` says so: its head had passed when the server was killed, and then there is no other honest end."""

    def __init__(self, gateway, count=4, path="/small.txt", cuts=False):
        self.gateway, self.path, self.cuts = gateway, path, cuts
        self.enough, self.statuses, self.broken = threading.Event(), [], []
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        for may_be_cut in (self.cuts, False):
            try:
                with self.gateway.connect() as client:
                    while not self.enough.is_set():
                        self.statuses.append(client.request("GET", self.path).status)
                    return
            except (OSError, raw.Closed, raw.ProtocolError) as problem:
                if not (may_be_cut and isinstance(problem, raw.Closed)):
                    self.broken.append(repr(problem))
                    return

    def more(self, count):
        """Waits for so many further answers."""
        goal = len(self.statuses) + count
        until(lambda: len(self.statuses) >= goal or self.broken, f"{count} more answers", timeout=30)

    def end(self):
        self.enough.set()
        for thread in self.threads:
            thread.join(30)
        assert not self.broken


def test_nginx_is_reloaded_while_clients_ask_and_none_notices(gateway, nginx):
    clients = Clients(gateway)
    clients.more(50)
    for _ in range(3):
        nginx.reload()
        clients.more(50)
    clients.end()
    assert set(clients.statuses) == {200}


@pytest.mark.parametrize("sign", [signal.SIGQUIT, signal.SIGKILL])
def test_nginx_is_restarted_while_clients_ask_and_they_are_told_and_served_again(gateway, nginx, sign):
    clients = Clients(gateway, cuts=sign == signal.SIGKILL)
    clients.more(50)
    nginx.stop(sign)
    until(lambda: {502, 503} & set(clients.statuses), "an honest answer while nginx is away", timeout=15)
    clients.more(20)
    nginx.start()
    until(lambda: clients.statuses[-50:] == [200] * 50 or clients.broken, "nothing but 200 again", timeout=30)
    clients.end()
    assert set(clients.statuses) <= {200, 502, 503}


@pytest.mark.parametrize("over", ["HTTP/1.1", "HTTP/2"])
def test_a_file_whose_server_is_killed_midway_does_not_look_complete(gateway, nginx, authority, over):
    if over == "HTTP/1.1":
        with gateway.connect(receive_buffer=65536) as client:
            client.send(raw.encode_request("GET", "/large.bin"))
            assert client.read_head().status == 200
            nginx.stop(signal.SIGKILL)
            with pytest.raises(raw.Closed):
                client.read_exactly(len(LARGE))
    else:
        with Client(gateway.port("public"), authority.client_context(alpn=("h2",)), receive_buffer=65536) as client:
            stream = client.start(path="/large.bin")
            answer = client.answers[stream]
            until(lambda: client.pump() and answer.body, "the first octets")
            nginx.stop(signal.SIGKILL)
            client.wait(stream)
            assert answer.reset is not None and len(answer.body) < len(LARGE)
    nginx.start()
    assert gateway.get("/small.txt").status == 200
