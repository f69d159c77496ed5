"""What watches over the house in bad times: a clock that steps, a stop under load."""

import shutil
import subprocess
import threading

import pytest

from support import raw
from support.collector import Collector
from support.gateway import SANITIZED
from support.loki import Loki
from support.oauth import node_clients
from support.wait import pass_time, until


@pytest.fixture
def receivers():
    node_clients()
    made = Loki(), Collector()
    yield made
    for each in made:
        each.stop()


def watched(configure, upstream, loki, collector):
    config = configure([upstream])
    config["telemetry"] |= {"loki": {"url": loki.url, "interval": "100ms"}, "traces": {"otlp_endpoint": collector.url}}
    return config


@pytest.fixture
def clock(tmp_path):
    """Of one process: what it is asked to show from now on, such as "-1800" seconds."""
    found = shutil.which("faketime")
    if found is None or SANITIZED:
        pytest.skip("faketime is not installed, or cannot stand beside a sanitizer")
    library = subprocess.run([found, "-f", "+0s", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True).stdout.strip()

    class Clock:
        file = tmp_path / "clock"
        env = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
               "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

        def step(self, seconds):
            self.file.write_text(f"{seconds:+d}s")
    made = Clock()
    made.step(0)
    return made


def test_a_clock_that_steps_makes_no_line_no_span_and_no_time_wrong(start, configure, upstream, receivers, clock):
    loki, collector = receivers
    loki.behind_max = 3600
    gateway = start(watched(configure, upstream, loki, collector), env=clock.env)
    wanted = []
    for seconds in (0, 1800, 900, -900, 0):
        clock.step(seconds)
        for number in range(20):
            wanted.append(f"/{len(wanted)}")
            assert gateway.get(wanted[-1]).status == 200, (seconds, number)
    until(lambda: len(loki.targets()) >= len(wanted), "the access lines", timeout=20)
    assert sorted(loki.targets()) == sorted(wanted) and not loki.faults  # by their times, which is another order

    def written():
        return [line for line in gateway.access_log() if line["target"] in wanted]
    until(lambda: len(written()) >= len(wanted), "the file to have them", timeout=10)
    lines = written()
    assert [line["target"] for line in lines] == wanted
    assert all(0 <= line["duration_ms"] < 5000 and 0 <= line["upstream_duration_ms"] < 5000 for line in lines)
    times = [line["timestamp"] for line in lines]
    assert times != sorted(times), "the clock has not moved"
    spans = until(lambda: (found := collector.spans()) and len(found) >= 2 * len(wanted) and found, "all spans", timeout=20)
    assert all(0 <= span.end - span.start < 5 * 10 ** 9 for span in spans)
    assert gateway.metric("http_request_duration_seconds_count", handler="/") >= len(wanted)
    assert gateway.metric("http_request_duration_seconds_sum", handler="/") < 5 * len(wanted)
    assert gateway.get("/health/ready", listener="admin").status == 200


def test_a_stop_under_load_loses_no_line_and_no_span(start, configure, upstream, receivers):
    loki, collector = receivers
    gateway = start(watched(configure, upstream, loki, collector))
    over, answered = threading.Event(), [0] * 4

    def client(index):
        while not over.is_set():
            try:
                with gateway.connect() as connection:
                    while not over.is_set():
                        assert connection.request("GET", f"/load{index}").status == 200
                        answered[index] += 1
            except (OSError, raw.Closed):
                return
    threads = [threading.Thread(target=client, args=(index,)) for index in range(len(answered))]
    for thread in threads:
        thread.start()
    pass_time(1)
    assert gateway.stop() == 0
    over.set()
    for thread in threads:
        thread.join()
    assert min(answered) > 10
    of_load = [line for line in gateway.access_log() if line["target"].startswith("/load")]
    assert len(of_load) >= sum(answered)
    assert sorted(target for target in loki.targets() if target.startswith("/load")) == sorted(line["target"] for line in of_load)
    roots = {span.trace for span in collector.spans() if span.kind == "server"}
    assert {line["trace_id"] for line in of_load} <= roots
