"""CAs that are silent, talk nonsense or too much, and an inherited environment that names one and no host."""

import http.server
import socket
import threading
import time

import pytest

from support.ca_listener import Ports, client_config, ready, state, told, trusted_get
from support.gateway import without_leak_check
from support.ports import free_port
from support.wait import seconds, until

NO_ANSWER, REFUSED = "the CA could not be asked", "the CA gave no certificate"


def serves_its_own(gateway):
    root = gateway.directory / "data" / "ca.pem"
    return trusted_get(gateway, root).startswith(b"HTTP/1.1 200") and gateway.get("/", host="a.test").status == 301


class Nonsense:
    """A web server that answers everything alike, over http as a directory on loopback may."""

    def __init__(self, status, body, fields=()):
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):  # noqa: N805
                self.asked.append(handler.path)
                handler.send_response(status)
                for name, value in (*fields, ("Content-Length", str(len(body)))):
                    handler.send_header(name, value)
                handler.end_headers()
                try:
                    handler.wfile.write(body)
                except OSError:
                    pass

            do_POST = do_GET

            def log_message(handler, *arguments):  # noqa: N805
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/dir"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


ELSEWHERE = b'{"newNonce":"https://127.0.0.1:1/n","newAccount":"https://127.0.0.1:1/a","newOrder":"https://127.0.0.1:1/o"}'
PLAIN = b'{"newNonce":"http://ca.example/n","newAccount":"http://ca.example/a","newOrder":"http://ca.example/o"}'


@pytest.mark.parametrize(("status", "body", "fields", "message", "reason"), [
    (200, b"<html>not here</html>", (), REFUSED, "acme_client.malformed"),
    (200, b"[" * 100000, (), REFUSED, "acme_client.malformed"),
    (200, b" " * 1_000_000, (), REFUSED, "fetch.too_large"),
    (200, PLAIN, (), REFUSED, "acme_client.malformed"),
    (200, ELSEWHERE, (), NO_ANSWER, "fetch.connect"),
    (404, b"", (), REFUSED, "acme_client.refused"),
    (301, b"", (("Location", "https://ca.example/"),), REFUSED, "acme_client.refused"),
    (503, b"", (("Retry-After", "7200"),), NO_ANSWER, "acme_client.away"),
    (500, b'{"detail":"a\\r\\nb"}', (), NO_ANSWER, "acme_client.away"),
], ids=["html", "deep", "long", "plain", "elsewhere", "absent", "moved", "busy", "broken"])
def test_nonsense_leaves_the_internal_certificate(start, tmp_path, upstream, status, body, fields, message, reason):
    ca = Nonsense(status, body, fields)
    try:
        gateway = start(client_config(tmp_path / "gateway0", Ports(), upstream, directory=ca.url))
        (line,) = until(lambda: told(gateway, message), "a warning")
        assert line["reason"] == reason, line
        if fields and fields[0][0] == "Retry-After":
            assert line["next_try_seconds"] == 7200
        assert ready(gateway) == (200, {"status": "degraded", "served": "internal"})
        assert serves_its_own(gateway)
    finally:
        ca.close()


def test_a_ca_that_accepts_and_says_nothing_holds_nobody_up(start, tmp_path, upstream):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        directory = f"https://127.0.0.1:{silent.getsockname()[1]}/dir"
        gateway = start(client_config(tmp_path / "gateway0", Ports(), upstream, directory=directory), env=without_leak_check())
        silent.settimeout(seconds(10))
        connection, _ = silent.accept()
        assert state(gateway) == "internal" and serves_its_own(gateway)
        before = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - before < seconds(4)
        connection.close()


def test_an_inherited_environment_with_a_ca_that_is_away_and_no_host(start, tmp_path, upstream):
    config = client_config(tmp_path / "gateway0", Ports(), upstream)
    next(each for each in config["listeners"] if each["name"] == "public")["tls"]["certificate"] = "internal"
    del config["pki"]
    gateway = start(config, env={"PKI_SERVER_URL": f"https://localhost:{free_port()}", "VCC_CA_PASSWORD": "kid:c2FtcGxl"})
    (line,) = until(lambda: told(gateway, NO_ANSWER), "a warning")
    assert line["directory"].endswith("/acme/directory")
    assert ready(gateway) == (200, {"status": "degraded", "served": "internal"})
    assert gateway.metric("gatehouse_acme_client_failures_total") >= 1
    until(lambda: gateway.metric("gatehouse_acme_client_failures_total") >= 2, "another try", timeout=15)
    assert gateway.get("/", host="localhost").status == 301
