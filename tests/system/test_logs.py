"""What is written about requests, and what happens when it cannot be written."""

import json
import os
import re
import signal
import subprocess

import pytest

from support import raw
from support import upstream as answers
from support.gateway import public_route
from support.wait import until


def test_an_access_line_tells_the_whole_story(gateway):
    response = gateway.request("POST", "/api/x?y=1", [("X-Correlation-ID", "order-7"), ("User-Agent", "tester/1")], b"12345")
    line = gateway.access_line("correlation_id", "order-7")
    assert line["request_id"] == response.get("x-request-id")
    assert (line["method"], line["target"], line["status"]) == ("POST", "/api/x?y=1", 200)
    assert (line["protocol"], line["host"], line["user_agent"]) == ("HTTP/1.1", "localhost", "tester/1")
    assert (line["bytes_in"], line["bytes_out"]) == (5, len(response.body))
    assert (line["client_ip"], line["route"], line["upstream"]) == ("127.0.0.1", "/", "backend")
    assert 0 < line["upstream_duration_ms"] <= line["duration_ms"] < 10000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])
    assert line["level"] == "INFO" and line["message"] and line["outcome"] == "ok"


def test_every_line_of_the_log_parses_and_has_the_common_fields(gateway):
    gateway.get("/")
    for text in gateway.stderr_file.read_text().splitlines() + gateway.stdout_file.read_text().splitlines():
        line = json.loads(text)
        assert {"timestamp", "level", "message"} <= line.keys()


def test_each_request_has_one_line_in_the_order_of_its_end(gateway):
    with gateway.connect() as client:
        for number in range(100):
            client.request("GET", f"/{number}")
    until(lambda: len(gateway.access_log()) == 100, "a hundred lines")
    assert [line["target"] for line in gateway.access_log()] == [f"/{number}" for number in range(100)]


def test_refusals_are_logged_too(gateway):
    gateway.get("/x", host="evil.test")
    gateway.get("/%zz")
    statuses = until(lambda: sorted(line["status"] for line in gateway.access_log()) if len(gateway.access_log()) == 2 else None,
                     "two lines")
    assert statuses == [400, 421]


def test_a_client_that_leaves_is_told_apart(start, configure, make_upstream):
    upstream = make_upstream(answers.stream(1 << 30))
    gateway = start(configure([upstream]))
    client = gateway.connect()
    client.send(raw.encode_request("GET", "/gone"))
    client.read_head()
    client.reset()
    line = gateway.access_line("target", "/gone", timeout=8)
    assert line["outcome"] != "ok" and line["bytes_out"] < 1 << 30


@pytest.mark.parametrize("query, hidden", [("token=s3cr3t", "s3cr3t"), ("a=1&api_key=s3cr3t&b=2", "s3cr3t"),
                                           ("password=s3cr3t", "s3cr3t"), ("access_token=s3cr3t", "s3cr3t")])
def test_secrets_in_a_query_are_masked(gateway, query, hidden):
    gateway.get(f"/x?{query}")
    until(lambda: gateway.access_log(), "the line")
    assert hidden not in (gateway.directory / "access.log").read_text()


def test_nothing_a_client_sends_can_forge_a_line(gateway):
    gateway.get("/%0a%7B%22level%22:%22forged%22%7D", [("User-Agent", 'x"}\\u000a{"level":"forged"}'),
                                                       ("X-Correlation-ID", '"},{"level":"forged')])
    gateway.get("/caf%c3%a9", [("User-Agent", "\x1b[31mred\x1b[0m\xff\xfe")])
    until(lambda: len((gateway.directory / "access.log").read_bytes().splitlines()) >= 1, "lines")
    for text in (gateway.directory / "access.log").read_bytes().splitlines():
        assert json.loads(text)["level"] == "INFO"
        assert b"\x1b" not in text


def test_a_route_may_do_without_access_lines(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/quiet/", access_log=False), public_route()]))
    gateway.get("/quiet/x")
    gateway.get("/loud")
    gateway.access_line("target", "/loud")
    assert len(gateway.access_log()) == 1


def test_sigusr1_opens_the_file_anew(gateway):
    path = gateway.directory / "access.log"
    gateway.get("/before")
    gateway.access_line("target", "/before")
    path.rename(path.with_suffix(".1"))
    gateway.get("/between")
    gateway.signal(signal.SIGUSR1)
    until(path.exists, "the new file")
    gateway.get("/after")
    gateway.access_line("target", "/after")
    text = path.with_suffix(".1").read_text() + path.read_text()
    assert [json.loads(line)["target"] for line in text.splitlines()] == ["/before", "/between", "/after"]


def test_what_was_logged_is_flushed_at_the_end(start, configure, upstream):
    gateway = start(configure([upstream]))
    with gateway.connect() as client:
        for number in range(200):
            client.request("GET", f"/{number}")
    assert gateway.stop() == 0
    assert len(gateway.access_log()) == 200


def test_access_lines_go_to_standard_output_by_default(start, configure, upstream):
    config = configure([upstream])
    del config["telemetry"]
    gateway = start(config)
    gateway.get("/out")
    until(lambda: '"/out"' in gateway.stdout_file.read_text(), "the line on standard output")


@pytest.mark.parametrize("level, wanted", [("DEBUG", True), ("ERROR", False)])
def test_the_log_level_can_be_set(start, configure, upstream, level, wanted):
    gateway = start(configure([upstream]), env={"LOG_LEVEL": level})
    gateway.get("/")
    assert bool([line for line in gateway.log() if line["level"] in ("DEBUG", "INFO")]) == wanted


def test_labels_stand_in_every_line_of_the_server_log(start, configure, upstream):
    gateway = start(configure([upstream]), env={"ENVIRONMENT": "staging", "RELEASE_VERSION": "1.4.2"})
    until(gateway.log, "the first lines")
    assert {(line.get("environment"), line.get("release")) for line in gateway.log()} == {("staging", "1.4.2")}


def serve_many(gateway, count=3000):
    with gateway.connect() as client:
        for number in range(count):
            assert client.request("GET", f"/{number}?{'x' * 200}").status == 200


def test_a_full_device_under_the_log_does_not_stop_the_service(start, configure, upstream):
    config = configure([upstream])
    config["telemetry"] = {"access_log": {"path": "/dev/full"}}
    gateway = start(config)
    serve_many(gateway, 500)
    until(lambda: gateway.metric("gatehouse_log_write_errors_total") > 0, "failed writes to be counted")
    gateway.assert_alive()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(path)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting a small tmpfs wants more rights than this user has: {done.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_costs_lines_never_requests_and_no_half_line_stays(start, configure, upstream, small_disk):
    config = configure([upstream])
    log = small_disk / "access.log"
    config["telemetry"] = {"access_log": {"path": str(log)}}
    gateway = start(config)
    serve_many(gateway, 450)  # more than the disk takes, less than it takes twice
    until(lambda: gateway.metric("gatehouse_log_write_errors_total") > 0, "the disk to be full")
    os.truncate(log, 0)
    gateway.get("/room-again")
    until(lambda: '/room-again"' in log.read_text(), "lines to be written again", timeout=12)
    for line in log.read_text().splitlines():
        json.loads(line)


def test_a_reader_that_stalls_does_not_hold_requests_up(start, configure, upstream, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    config = configure([upstream])
    config["telemetry"] = {"access_log": {"path": str(pipe)}}
    gateway = start(config)
    serve_many(gateway)
    gateway.assert_alive()
    os.close(reader)
    assert gateway.get("/after").status == 200


def test_an_access_log_that_cannot_be_opened_refuses_the_start(start, configure, upstream, tmp_path):
    config = configure([upstream])
    config["telemetry"] = {"access_log": {"path": str(tmp_path / "missing" / "access.log")}}
    gateway = start(config, ready=False)
    gateway.expected_exit = gateway.wait_for_exit()
    assert gateway.expected_exit in (1, 2)
    assert "access.log" in gateway.output()
