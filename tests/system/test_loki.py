"""Log lines on their way to Loki: what arrives, in which order, and what a Loki that is away, hangs, refuses or comes back costs."""

import json
import time

import pytest

from support.disk import disk, fill
from support.loki import Loki
from support.ports import free_port
from support.wait import until


@pytest.fixture
def loki():
    made = Loki()
    yield made
    made.stop()


def pushing(configure, upstream, url, **changes):
    config = configure([upstream])
    config["telemetry"]["loki"] = {"url": url, "interval": "100ms"} | changes
    return config


def ask(gateway, targets):
    with gateway.connect() as client:
        for target in targets:
            assert client.request("GET", target).status == 200
    return targets


def numbered(prefix, count):
    return [f"/{prefix}{number}" for number in range(count)]


def spool_of(gateway):
    return sorted((gateway.directory / "data" / "loki").glob("*.batches"))


def test_lines_arrive_with_labels_and_in_order(start, configure, upstream, loki):
    loki.tenant = "team-1"
    gateway = start(pushing(configure, upstream, loki.url, container="vos_api_gateway", service="front", labels={"node": "a"},
                            tenant="team-1"))
    wanted = ask(gateway, numbered("", 200))
    loki.until_targets(wanted)
    assert {tuple(sorted(line.labels)) for line in loki.lines} == {("container", "level", "node", "service", "stream")}
    selected = loki.select(container="vos_api_gateway")
    assert selected and len(selected) == len(loki.lines)
    assert {line.labels["stream"] for line in selected} == {"stdout", "stderr"}
    assert all(line.fields["level"].lower() == line.labels["level"] for line in selected)
    assert any(line.fields["message"] for line in loki.select(stream="stderr", level="info"))
    assert abs(selected[-1].nanoseconds - time.time_ns()) < 60 * 10 ** 9
    until(lambda: gateway.metric("gatehouse_loki_lines_sent_total") == len(loki.lines), "the count", timeout=10)
    assert gateway.metric("gatehouse_loki_lines_dropped_total") == 0
    assert spool_of(gateway) == []


def test_what_arrives_is_redacted_and_one_entry_whatever_is_sent(start, configure, upstream, loki):
    gateway = start(pushing(configure, upstream, loki.url))
    gateway.get("/one%0a%7B%22level%22:%22forged%22%7D", [("User-Agent", 'bob.keller@example.com "}\\u000a{"level":"forged"}')])
    gateway.get("/caf%c3%a9", [("User-Agent", "\x1b[31mred\x1b[0m\xff\xfe\\")])
    until(lambda: len(loki.access_lines()) == 2, "two lines")
    assert not loki.faults
    text = "".join(line.text for line in loki.lines)
    assert "bob.keller" not in text and "[email]" in text and "\x1b" not in text
    access = loki.select(stream="stdout")
    assert {line.labels["level"] for line in access} == {"info"}
    assert all("\n" not in line.text and json.loads(line.text)["level"] == "INFO" for line in access)


def test_a_loki_that_is_away_at_the_start_gets_each_line_once_when_it_comes(start, configure, upstream):
    port = free_port()
    gateway = start(pushing(configure, upstream, f"http://127.0.0.1:{port}"))
    wanted = ask(gateway, numbered("a", 100))
    until(lambda: gateway.metric("gatehouse_loki_spool_bytes") > 0, "the spool", timeout=10)
    loki = Loki(port)
    try:
        wanted += ask(gateway, numbered("b", 100))
        loki.until_targets(wanted)
        until(lambda: gateway.metric("gatehouse_loki_spool_bytes") == 0, "an empty spool", timeout=10)
        assert spool_of(gateway) == []
    finally:
        gateway.stop()
        loki.stop()


def test_what_a_killed_process_left_is_sent_by_the_next_one(start, configure, upstream):
    port = free_port()
    config = pushing(configure, upstream, f"http://127.0.0.1:{port}")
    gateway = start(config)
    wanted = ask(gateway, numbered("killed", 300))
    gateway.access_line("target", wanted[-1])
    until(lambda: b"killed299" in b"".join(path.read_bytes() for path in spool_of(gateway)), "the last line in the spool")
    gateway.kill()
    gateway.expected_exit = -9
    loki = Loki(port)
    try:
        another = start(config | {"data_dir": config["data_dir"]})
        loki.until_targets(wanted)
        another.stop()
    finally:
        loki.stop()


def test_a_stop_leaves_in_the_spool_what_could_not_be_sent(start, configure, upstream):
    port = free_port()
    config = pushing(configure, upstream, f"http://127.0.0.1:{port}", interval="60s")
    gateway = start(config)
    wanted = ask(gateway, numbered("s", 200))
    assert gateway.stop() == 0
    assert spool_of(gateway)
    loki = Loki(port)
    try:
        another = start(config)
        wanted += ask(another, numbered("t", 200))
        another.stop()  # what waits is sent, though the interval is long
        assert loki.targets() == wanted and not loki.faults
    finally:
        loki.stop()


def test_a_loki_that_hangs_slows_nobody(start, configure, upstream, loki):
    loki.hang()
    gateway = start(pushing(configure, upstream, loki.url))
    took = []
    for number in range(300):
        began = time.monotonic()
        assert gateway.get(f"/{number}").status == 200
        took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < 0.1
    until(lambda: gateway.metric("gatehouse_loki_spool_bytes") > 0, "the spool", timeout=10)
    loki.released.set()
    until(lambda: set(loki.targets()) == {f"/{number}" for number in range(300)}, "all lines", timeout=40)


def test_it_waits_as_long_as_it_is_told(start, configure, upstream, loki):
    loki.statuses, loki.retry_after = [429], 3
    gateway = start(pushing(configure, upstream, loki.url))
    until(lambda: loki.pushes, "the first push")
    refused = time.monotonic()
    wanted = ask(gateway, numbered("", 20))
    loki.until_targets(wanted)
    assert time.monotonic() - refused > 2, "told 3 s, a little before it was noticed"
    assert gateway.metric("gatehouse_loki_push_failures_total") == 1


def test_what_is_refused_is_dropped_and_counted(start, configure, upstream, loki):
    gateway = start(pushing(configure, upstream, loki.url))
    until(lambda: loki.lines, "the first lines")
    loki.statuses = [400] * 1000  # whatever else is pushed meanwhile
    ask(gateway, ["/refused"])
    until(lambda: any(b"/refused" in push for push in list(loki.pushes)), "the push of it")
    until(lambda: gateway.metric("gatehouse_loki_lines_dropped_total", reason="refused") > 0, "the count", timeout=10)
    loki.statuses = []
    loki.until_targets(ask(gateway, ["/taken"]))


def test_a_full_disk_costs_no_request_and_what_waits_in_memory_arrives(start, configure, upstream, tmp_path):
    port = free_port()
    with disk(tmp_path / "disk", 8) as folder:
        config = pushing(configure, upstream, f"http://127.0.0.1:{port}")
        config["data_dir"] = str(folder / "data")
        gateway = start(config)
        wanted = ask(gateway, ["/before"])
        until(lambda: gateway.metric("gatehouse_loki_spool_bytes") > 0, "the spool", timeout=10)
        ballast = fill(folder)
        wanted += ask(gateway, numbered("full", 100))
        until(lambda: "cannot be spooled" in gateway.output(), "the warning", timeout=10)
        loki = Loki(port)
        try:
            until(lambda: len(loki.targets()) == len(wanted), "all lines", timeout=40)
            assert loki.targets() == wanted and not loki.faults
            ballast.unlink()
            gateway.stop()
        finally:
            loki.stop()


def test_the_oldest_lines_go_when_the_spool_is_full(start, configure, upstream):
    port = free_port()
    gateway = start(pushing(configure, upstream, f"http://127.0.0.1:{port}", batch_bytes="64KiB", spool={"bytes_max": "1MiB"}))
    targets = ask(gateway, [f"/{number}?{'x' * 1500}" for number in range(900)])
    until(lambda: gateway.metric("gatehouse_loki_lines_dropped_total", reason="spool_full") > 0, "lines dropped", timeout=20)
    assert gateway.metric("gatehouse_loki_spool_bytes") <= 1 << 20
    loki = Loki(port)
    try:
        until(lambda: targets[-1] in loki.targets(), "the newest line", timeout=40)
        dropped = gateway.metric("gatehouse_loki_lines_dropped_total", reason="spool_full")
        assert loki.targets() == targets[-len(loki.targets()):] and dropped >= 900 - len(loki.targets()) > 0
    finally:
        gateway.stop()
        loki.stop()
