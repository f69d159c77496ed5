"""Errors on their way to Sentry: what arrives and what never does, and what a Sentry that forbids, refuses, hangs or is away costs."""

import http.server
import json
import os
import re
import secrets
import subprocess
import threading
import time

import pytest

from support.collector import Collector
from support.gateway import ROOT, run, write_config
from support.loki import Loki
from support.oauth import node_clients
from support.ports import free_port
from support.sentry import Sentry
from support.wait import seconds, until


@pytest.fixture
def sentry():
    made = Sentry()
    yield made
    made.stop()


def reporting(configure, upstream, **changes):
    config = configure([upstream])
    config["telemetry"] |= {"sentry_dsn": "${env:SENTRY_DSN}", "release": "1.4.2", "environment": "staging"} | changes
    return config


def started(start, configure, upstream, to, **changes):
    return start(reporting(configure, upstream, **changes), env={"SENTRY_DSN": to.dsn})


def break_it(gateway, key="colour"):
    """An error that says what the file says."""
    gateway.reload(gateway.config | {key: "blue"}, accepted=False)


def drops(gateway, reason):
    return gateway.metric("gatehouse_sentry_events_dropped_total", reason=reason)


def test_an_error_becomes_an_event_with_release_and_environment(start, configure, upstream, sentry):
    gateway = started(start, configure, upstream, sentry, sentry={"server_name": "node-a"})
    break_it(gateway)
    event, = sentry.until_events(1)
    assert {name: event[name] for name in ("release", "environment", "server_name", "level", "logger", "platform")} == {
        "release": "1.4.2", "environment": "staging", "server_name": "node-a", "level": "error", "logger": "app", "platform": "other"}
    line = next(line for line in gateway.log() if line["level"] == "ERROR")
    assert event["timestamp"] == line["timestamp"]
    assert event["fingerprint"] == ["app", line["message"], line["reason"]]
    assert event["tags"]["reason"] == line["reason"] == "config.invalid"
    assert "colour" in event["extra"]["detail"] and event["logentry"]["message"] == line["message"]
    until(lambda: gateway.metric("gatehouse_sentry_events_sent_total") == 1, "the count")
    assert sentry.key not in gateway.output() and sentry.dsn not in gateway.output()


def test_sentrys_own_reader_reads_the_same(start, configure, upstream):
    node_clients()
    sentry = Sentry(path="/tools/sentry", project="7")
    try:
        gateway = started(start, configure, upstream, sentry)
        break_it(gateway)
        break_it(gateway, "caf\u00e9 \"\\ \n\u2028 \U0001f511")
        events = sentry.until_events(2)
        endpoint, read = sentry.read_by_its_own()
        assert endpoint == f"http://127.0.0.1:{sentry.port}/tools/sentry/api/7/envelope/"
        assert read == events
    finally:
        sentry.stop()


def test_nothing_personal_is_ever_sent(start, configure, upstream, sentry):
    """Not even where the logs keep everything."""
    things = ["bob.keller@example.com", "4111111111111111", "078-05-1120", "gh" + "p_" + secrets.token_hex(18) + "aB3", "192.0.2.77",
              "2001:db8::77"]
    password = secrets.token_hex(12) + "aB3"
    gateway = started(start, configure, upstream, sentry, redaction={"enabled": False})
    for thing in [*things, "password=" + password]:
        gateway.get("/", [("Cookie", "sid=" + password), ("Authorization", "Bearer " + password), ("User-Agent", thing)])
        break_it(gateway, f"x {thing} y")
    assert things[0] in gateway.stderr_file.read_text()
    until(lambda: len(sentry.bodies) >= 5, "five events of one kind")
    until(lambda: drops(gateway, "repeated") == len(things) + 1 - 5, "the others")
    gateway.stop()
    said = b"".join(sentry.bodies) + "".join(sentry.heads).encode()
    for thing in [*things, password]:
        assert thing.encode() not in said, thing
    for event in sentry.until_events(5):
        assert not {"user", "request", "breadcrumbs", "server_name"} & set(event)
    assert b"[email]" in said and not sentry.faults


def test_each_kind_of_what_is_personal_is_replaced(start, configure, upstream, sentry):
    things = ["192.0.2.77", "2001:db8::77", "bob.keller@example.com"]
    gateway = started(start, configure, upstream, sentry, redaction={"allow": ["*@example.com", "192.0.2.0/24"]})
    break_it(gateway, "x " + " ".join(things) + " y")
    event, = sentry.until_events(1)
    assert event["extra"]["detail"].count("[ip]") == 2 and "[email]" in event["extra"]["detail"]
    assert not any(thing in json.dumps(event) for thing in things)


def test_a_flood_of_one_kind_is_a_few_events_and_a_count(start, configure, upstream, sentry):
    gateway = started(start, configure, upstream, sentry)
    for _ in range(30):
        break_it(gateway)
    until(lambda: drops(gateway, "repeated") == 25, "the count of the others")
    assert len(sentry.until_events(5)) == 5
    gateway.stop()
    assert len(sentry.bodies) == 5


@pytest.mark.parametrize("answer", [
    (429, {"Retry-After": "3"}), (429, {}), (200, {"X-Sentry-Rate-Limits": "3:error;default:organization"}),
    (429, {"X-Sentry-Rate-Limits": "1:transaction:key, 3::organization", "Retry-After": "1"})])
def test_what_it_forbids_is_not_sent(start, configure, upstream, sentry, answer):
    sentry.answers = [answer]
    gateway = started(start, configure, upstream, sentry)
    break_it(gateway)
    until(lambda: sentry.bodies, "the first")
    forbidden = time.monotonic()
    refused = 1 if answer[0] == 429 else 0
    until(lambda: drops(gateway, "rate_limited") == refused, "its count")
    break_it(gateway)
    until(lambda: drops(gateway, "rate_limited") == refused + 1, "the second")
    assert len(sentry.bodies) == 1
    if not answer[1]:
        return  # a minute is too long to wait for
    until(lambda: time.monotonic() > forbidden + 4.5, "the end of that", timeout=10)
    break_it(gateway)
    until(lambda: len(sentry.bodies) == 2, "events again")
    assert sentry.events(level="error")[-1]["extra"]["held_back"] == refused + 1
    assert not sentry.faults


def test_a_limit_for_others_is_none(start, configure, upstream, sentry):
    sentry.answers = [(200, {"X-Sentry-Rate-Limits": "600:transaction;session:key"})]
    gateway = started(start, configure, upstream, sentry)
    break_it(gateway)
    break_it(gateway)
    sentry.until_events(2)


def test_what_it_refuses_is_dropped(start, configure, upstream, sentry):
    sentry.answers = [(413, {}), (500, {})]
    gateway = started(start, configure, upstream, sentry)
    break_it(gateway)
    break_it(gateway)
    until(lambda: drops(gateway, "refused") == 2, "two refused")
    assert gateway.metric("gatehouse_sentry_failures_total") == 2 and len(sentry.bodies) == 2
    assert [line["level"] for line in gateway.log() if line.get("message", "").startswith("errors could not be sent")] == ["WARNING"]


def test_one_that_is_away_costs_nothing_and_gets_what_waited(start, configure, upstream):
    port = free_port()
    absent = Sentry()
    absent.stop()
    dsn = absent.dsn.replace(str(absent.port), str(port))
    gateway = start(reporting(configure, upstream), env={"SENTRY_DSN": dsn})
    break_it(gateway)
    until(lambda: gateway.metric("gatehouse_sentry_failures_total") > 0, "a failed attempt")
    assert gateway.get("/").status == 200
    sentry = Sentry(port)
    sentry.key = absent.key
    try:
        assert len(sentry.until_events(1, timeout=40)) == 1
    finally:
        sentry.stop()


def test_one_that_hangs_slows_nobody_and_holds_up_no_stop(start, configure, upstream, sentry):
    sentry.hang()
    gateway = started(start, configure, upstream, sentry)
    break_it(gateway)
    took = []
    for number in range(200):
        began = time.monotonic()
        assert gateway.get(f"/{number}").status == 200
        took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < 0.1
    began = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - began < 6


def test_all_that_leaves_has_one_time_to_leave(start, configure, upstream, sentry):
    """Everything hangs at once: a stop waits for all of them together, at most as long as an attempt under way takes (5 s)."""
    loki, collector = Loki(), Collector()
    try:
        for each in (sentry, loki, collector):
            each.hang()
        gateway = started(start, configure, upstream, sentry, loki={"url": loki.url, "interval": "100ms"},
                          traces={"otlp_endpoint": collector.url})
        break_it(gateway)
        gateway.get("/")
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < seconds(6.5)
    finally:
        loki.stop()
        collector.stop()


@pytest.mark.parametrize("dsn", ["nonsense", "https://o1.ingest.sentry.io/42", "https://hush-hush@o1.ingest.sentry.io/"])
def test_a_malformed_dsn_is_refused_and_not_repeated(tmp_path, configure, upstream, dsn):
    write_config(tmp_path / "gatehouse.yaml", reporting(configure, upstream))
    done = run("config", "check", tmp_path / "gatehouse.yaml", env={"SENTRY_DSN": dsn})
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "https://PUBLIC_KEY@HOST/PROJECT_ID" in said
    assert "telemetry.sentry_dsn" in said and "hush-hush" not in said


def test_plain_http_to_elsewhere_wants_to_be_said(tmp_path, configure, upstream):
    config = reporting(configure, upstream)
    for insecure, code in ((False, 1), (True, 0)):
        config["telemetry"]["sentry"] = {"insecure": insecure}
        write_config(tmp_path / "gatehouse.yaml", config)
        done = run("config", "check", tmp_path / "gatehouse.yaml", env={"SENTRY_DSN": "http://abc@sentry.example/42"})
        assert (done.returncode != 0) == bool(code), done.stderr
        assert ("plain http" in done.stdout + done.stderr) == bool(code)


def test_an_empty_dsn_is_none_and_a_shown_one_is_hidden(tmp_path, configure, upstream):
    write_config(tmp_path / "gatehouse.yaml", reporting(configure, upstream, sentry_dsn=""))
    assert run("config", "check", tmp_path / "gatehouse.yaml").returncode == 0
    write_config(tmp_path / "gatehouse.yaml", reporting(configure, upstream, sentry_dsn="${env:ERRORS_TO}"))
    shown = run("config", "show", tmp_path / "gatehouse.yaml", env={"ERRORS_TO": "https://hush-hush@sentry.example/42"})
    assert shown.returncode == 0 and "hush-hush" not in shown.stdout + shown.stderr


RULES = {
    "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition": set(),
    "sentry.rules.conditions.regression_event.RegressionEventCondition": set(),
    "sentry.rules.conditions.event_frequency.EventFrequencyCondition": {"value", "comparisonType", "interval"},
    "sentry.rules.filters.level.LevelFilter": {"match", "level"},
    "sentry.rules.filters.tagged_event.TaggedEventFilter": {"key", "match", "value"},
    "sentry.mail.actions.NotifyEmailAction": {"targetType", "fallthroughType"},
}


def test_its_alert_rules_are_loaded_as_the_manual_says():
    """The API is Sentry's for issue alert rules: members, ranges and the parts that a rule is made of."""
    given = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            given.append((self.path, self.headers["Authorization"], self.headers["Content-Type"], json.loads(body)))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shell, = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/operations/errors.md").read_text(), re.S)
    token = secrets.token_hex(32)
    subprocess.run(["bash", "-euc", shell], cwd=ROOT, check=True, timeout=60, env={
        "PATH": os.environ["PATH"], "SENTRY_URL": f"http://127.0.0.1:{server.server_port}", "SENTRY_ORG": "acme", "SENTRY_PROJECT": "gate",
        "SENTRY_TOKEN": token})
    server.shutdown()
    server.server_close()
    assert len(given) == len(list((ROOT / "deploy/sentry").iterdir())) == len({rule["name"] for *_, rule in given}) >= 4
    for path, authorization, kind, rule in given:
        assert (path, authorization, kind) == ("/api/0/projects/acme/gate/rules/", f"Bearer {token}", "application/json")
        assert set(rule) == {"name", "frequency", "actionMatch", "filterMatch", "conditions", "filters", "actions"}
        assert 5 <= rule["frequency"] <= 43200 and {rule["actionMatch"], rule["filterMatch"]} <= {"all", "any", "none"}
        assert rule["conditions"] and rule["actions"]
        for part in rule["conditions"] + rule["filters"] + rule["actions"]:
            assert set(part) == {"id"} | RULES[part["id"]], part
            assert part.get("level", "40") in {"50", "40"} and part.get("interval", "1h") in {"1m", "5m", "15m", "1h", "1d", "1w", "30d"}
