"""The first five minutes: one command, one URL, and the backend is behind TLS, identified and logged."""

import json
import os
import re
import signal
import stat
import subprocess
import threading

import pytest

from support import raw, tls
from support import upstream as answers
from support.gateway import Gatehouse, run
from support.ports import free_port
from support.wait import seconds, until


class Quick(Gatehouse):
    """`serve --upstream` with no file."""

    def __init__(self, directory, backend, *arguments, env=None):
        self.listen = free_port()
        super().__init__(directory, None, ["--upstream", backend.url, "--listen", f"127.0.0.1:{self.listen}", *arguments],
                         env=env, ready=False)
        self.data = self.directory / "data"
        self.ca = self.data / "ca.pem"
        until(self.answers, f"an answer on TLS:\n{self.output()}", timeout=15)

    def port(self, listener):
        return self.listen

    def answers(self):
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output()}"
        try:
            return self.ca.exists() and self.ask("/").status
        except (OSError, raw.Closed):
            return False

    def ask(self, target, fields=(), **options):
        return self.get(target, fields, tls=tls.client_context(self.ca), **options)


@pytest.fixture
def quick(tmp_path, upstream):
    running = []

    def starter(*arguments, directory="quick", backend=upstream, env=None):
        running.append(Quick(tmp_path / directory, backend, *arguments, env=env))
        return running[-1]
    yield starter
    for gateway in running:
        gateway.close()


def printed_key(gateway):
    """The API key as printed, whatever stands around it."""
    found = re.findall(r"X-API-Key: ?([^\s'\"]{20,})", gateway.output())
    assert found, gateway.output()
    return found[0]


def test_one_command_puts_a_backend_behind_tls_and_a_key(quick, upstream):
    gateway = quick()
    refused = gateway.ask("/hello")
    assert refused.status == 401 and refused.get("www-authenticate") == "Bearer"
    upstream.saw_nothing()
    key = printed_key(gateway)
    served = gateway.ask("/hello?a=b", [("X-API-Key", key)])
    assert served.status == 200 and served.json()["target"] == "/hello?a=b"
    assert upstream.one_request().get("x-forwarded-proto") == "https"
    assert served.get("strict-transport-security") == "max-age=31536000; includeSubDomains"


def test_curl_with_the_printed_authority_is_content(quick):
    gateway = quick()
    done = subprocess.run(["curl", "-sS", "--cacert", gateway.ca, "-H", f"X-API-Key: {printed_key(gateway)}", "-w", "%{http_code}",
                           "-o", os.devnull, f"https://localhost:{gateway.listen}/"], capture_output=True, text=True,
                          timeout=seconds(20), check=False)
    assert (done.returncode, done.stdout) == (0, "200"), done.stderr


def test_the_printed_curl_line_works_as_pasted(quick):
    gateway = quick()
    line = next(line for line in gateway.output().splitlines() if re.search(r"\bcurl\b.*--cacert", line))
    command = line[line.index("curl"):]
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=seconds(20), cwd=gateway.directory, check=False)
    assert done.returncode == 0, command + done.stderr
    assert '"method"' in done.stdout or "200" in done.stdout, done.stdout


def test_the_key_is_printed_once_and_goes_on_working(quick):
    first = quick()
    key = printed_key(first)
    assert first.stop() == 0
    second = quick()
    assert key not in second.output()
    assert second.ask("/", [("X-API-Key", key)]).status == 200


def test_the_authority_stays_and_nothing_secret_lies_open(quick):
    gateway = quick()
    root = gateway.ca.read_bytes()
    key = printed_key(gateway)
    gateway.stop()
    assert stat.S_IMODE(gateway.data.stat().st_mode) == 0o700
    for path in gateway.data.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes() if path.is_file() else b""
        assert key.encode() not in content, f"{path} holds the key itself"
        if b"PRIVATE KEY" in content:
            assert mode == 0o600, path
        assert not mode & 0o022, path
    assert quick().ca.read_bytes() == root


def test_public_wants_no_key(quick):
    gateway = quick("--public")
    assert gateway.ask("/open").status == 200


def test_health_answers_on_loopback_only_not_on_the_public_listener(quick, upstream):
    gateway = quick("--public")
    assert gateway.ask("/health").json()["target"] == "/health", "the backend's own"
    assert len([r for r in upstream.requests if r.target == "/health"]) == 1


def test_the_internal_certificate_names_what_is_allowed(start, configure, upstream):
    config = configure([upstream], tls={"certificate": "internal"}, allowed_hosts=["api.example.com", "localhost"])
    gateway = start(config)
    ca = gateway.directory / "data" / "ca.pem"
    with gateway.connect("public", tls=tls.client_context(ca), server_name="api.example.com") as client:
        assert client.request("GET", "/", host="api.example.com").status == 200
        names = {value for _, value in client.socket.getpeercert()["subjectAltName"]}
    assert {"api.example.com", "localhost"} <= names


def auth_lines(gateway):
    return [line for line in gateway.log() if line.get("component") == "auth" and "authentication is" in
            line["message"].lower()]


def test_the_start_says_how_authentication_stands(quick):
    gateway = quick()
    until(lambda: auth_lines(gateway), "a line about authentication")
    [line] = auth_lines(gateway)
    assert (line["level"], line["message"], line["profile"]) == ("INFO", "authentication is on", "production")
    assert (line["issuers"], line["api_keys"]) == (0, 1)


def test_development_without_authentication_is_loud(start, configure, upstream):
    gateway = start(configure([upstream], profile="development", auth={"enabled": False}))
    until(lambda: auth_lines(gateway), "a warning about authentication")
    [line] = auth_lines(gateway)
    assert (line["level"], line["profile"]) == ("WARNING", "development")
    assert line["message"].startswith("AUTHENTICATION IS OFF")


def test_enable_auth_false_is_refused_in_production(configure, upstream, tmp_path):
    from support.gateway import write_config
    path = tmp_path / "gatehouse.yaml"
    write_config(path, configure([upstream]))
    done = run("serve", "--config", path, env={"ENABLE_AUTH": "false"})
    assert done.returncode == 2
    assert "ENABLE_AUTH" in done.stdout + done.stderr


# --- the end --------------------------------------------------------------------------------------------------------

def test_sigterm_finishes_what_is_in_flight_and_accepts_nothing_new(start, configure, make_upstream):
    gate = threading.Event()
    upstream = make_upstream(answers.gated(gate, answers.normal(body=b"finished")))
    gateway = start(configure([upstream], workers=2))
    with gateway.connect() as client, gateway.connect() as idle:
        client.send(raw.encode_request("GET", "/slow"))
        until(lambda: upstream.requests, "the request in flight")
        gateway.signal(signal.SIGTERM)
        assert idle.is_closed_by_peer(), "idle connections are closed at once"

        def refused():
            try:
                gateway.connect().close()
            except ConnectionRefusedError:
                return True
            return False
        until(refused, "new connections to be refused")
        gate.set()
        response = client.read_response()
        assert (response.status, response.body) == (200, b"finished")
        assert client.is_closed_by_peer()
    assert gateway.wait_for_exit() == 0
    assert gateway.access_log()[-1]["target"] == "/slow"


def test_an_upload_in_flight_is_finished_too(start, configure, upstream):
    gateway = start(configure([upstream]))
    with gateway.connect() as client:
        client.send(b"POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello")
        until(lambda: upstream.requests, "the request in flight")
        gateway.signal(signal.SIGTERM)
        client.send(b"world")
        assert client.read_response().json()["length"] == 10
    assert gateway.wait_for_exit() == 0


def test_the_drain_ends_after_its_time(start, configure, make_upstream):
    upstream = make_upstream(answers.never)
    gateway = start(configure([upstream], limits={"drain_timeout": "500ms"}))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/never"))
        until(lambda: upstream.requests, "the request in flight")
        gateway.signal(signal.SIGTERM)
        assert gateway.wait_for_exit(5) == 0


def test_a_second_signal_does_not_wait(start, configure, make_upstream):
    upstream = make_upstream(answers.never)
    gateway = start(configure([upstream]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/never"))
        until(lambda: upstream.requests, "the request in flight")
        gateway.signal(signal.SIGTERM)
        until(lambda: not listening(gateway), "the drain to begin")
        gateway.signal(signal.SIGTERM)
        gateway.expected_exit = gateway.wait_for_exit(5)


def listening(gateway):
    try:
        gateway.connect().close()
    except (ConnectionRefusedError, ConnectionResetError):  # the second: queued as the listener closed
        return False
    return True


def test_sigint_ends_it_as_well(start, configure, upstream):
    gateway = start(configure([upstream]))
    gateway.signal(signal.SIGINT)
    assert gateway.wait_for_exit() == 0


def test_a_taken_port_refuses_the_start_and_names_it(start, configure, upstream):
    config = configure([upstream])
    config["listeners"][0]["bind"] = f"127.0.0.1:{upstream.port}"
    gateway = start(config, ready=False)
    gateway.expected_exit = gateway.wait_for_exit()
    assert gateway.expected_exit == 1
    assert str(upstream.port) in gateway.output()


def test_two_processes_do_not_share_listeners_by_accident(start, configure, upstream):
    first = start(configure([upstream], workers=2))
    second = start(dict(first.config, data_dir=str(first.directory / "other")), ready=False)
    second.expected_exit = second.wait_for_exit()
    assert second.expected_exit == 1, "SO_REUSEPORT must not let a second process steal half of the connections"
    assert first.get("/").status == 200


def test_start_with_an_existing_data_directory_is_quick(quick, upstream):
    import time
    quick().stop()
    began = time.monotonic()
    quick()
    assert time.monotonic() - began < seconds(1.5)
