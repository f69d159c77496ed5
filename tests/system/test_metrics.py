"""Counts are exact, names are the promised ones, and no client can make series grow."""

import re
import shutil
import subprocess
import threading
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support import raw
from support import upstream as answers
from support.gateway import free_port, public_route
from support.wait import until


def test_the_content_type_is_prometheus_text(gateway):
    response = gateway.get("/metrics", listener="admin")
    assert response.status == 200
    assert re.match(r"text/plain; ?version=0\.0\.4", response.get("content-type"))


def test_every_request_is_counted_once_over_two_workers(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/a/"), public_route("/b/")], workers=2))

    def client():
        with gateway.connect() as connection:
            for number in range(50):
                connection.request("GET", f"/a/{number}")
                connection.request("POST", f"/b/{number}", body=b"12345")
    threads = [threading.Thread(target=client) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: gateway.metric("http_requests_total", handler="/b/") == 300, "the last requests to be counted")
    assert gateway.metric("http_requests_total", handler="/a/", method="GET", status=200) == 300
    assert gateway.metric("http_requests_total", handler="/b/", method="POST", status=200) == 300
    assert gateway.metric("http_requests_total") == 600
    assert gateway.metric("http_request_duration_seconds_count") == 600
    assert gateway.metric("http_request_duration_seconds_bucket", le="+Inf") == 600
    assert gateway.metric("vos_http_requests_inprogress") == 0
    assert gateway.metric("gatehouse_http_request_bytes_total", handler="/b/") == 1500


def test_statuses_are_not_grouped(start, configure, upstream):
    for status in (201, 204, 404, 405, 418, 503):
        upstream.on(f"/{status}", answers.normal(status))
    gateway = start(configure([upstream]))
    for status in (201, 204, 404, 404, 405, 418):
        gateway.get(f"/{status}")
    until(lambda: gateway.metric("http_requests_total") == 6, "six requests")
    for status, count in ((201, 1), (204, 1), (404, 2), (405, 1), (418, 1)):
        assert gateway.metric("http_requests_total", status=status) == count


def test_labels_are_templates_never_paths(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/api/"), public_route("/named/", name="named")]))
    for number in range(30):
        gateway.get(f"/api/users/{number}/secret-{number}")
        gateway.get(f"/nowhere/{number}")
        gateway.request(f"VERB{number}", "/api/x")
        gateway.get("/x", host=f"host-{number}.test")
    gateway.get("/named/x")
    until(lambda: gateway.metric("http_requests_total", handler="named") == 1, "the last request")
    handlers = {dict(labels).get("handler") for name, labels in gateway.metrics() if name == "http_requests_total"}
    assert {"/api/", "named"} <= handlers and len(handlers) <= 4
    methods = {dict(labels).get("method") for name, labels in gateway.metrics() if name == "http_requests_total"}
    assert methods <= {"GET", "OTHER"}
    text = gateway.get("/metrics", listener="admin").body.decode()
    for leaked in ("secret-", "VERB", "nowhere", "host-1"):
        assert leaked not in text


def test_asking_for_health_and_metrics_is_not_counted(gateway):
    for _ in range(5):
        gateway.get("/health", listener="admin")
        gateway.get("/metrics", listener="admin")
    assert gateway.metric("http_requests_total") == 0


def test_requests_in_progress_are_seen(start, configure, make_upstream):
    gate = threading.Event()
    upstream = make_upstream(answers.gated(gate, answers.normal()))
    gateway = start(configure([upstream]))
    clients = [gateway.connect() for _ in range(3)]
    for client in clients:
        client.send(raw.encode_request("GET", "/"))
    until(lambda: gateway.metric("vos_http_requests_inprogress", method="GET", handler="/") == 3, "three in progress")
    gate.set()
    for client in clients:
        assert client.read_response().status == 200
        client.close()
    until(lambda: gateway.metric("vos_http_requests_inprogress") == 0, "none in progress")


def test_a_client_that_leaves_is_counted_and_not_left_in_progress(start, configure, make_upstream):
    upstream = make_upstream(answers.never)
    gateway = start(configure([upstream]))
    client = gateway.connect()
    client.send(raw.encode_request("GET", "/"))
    until(lambda: upstream.requests, "the request")
    client.reset()
    until(lambda: gateway.metric("vos_http_requests_inprogress") == 0 and gateway.metric("http_requests_total") == 1,
          "the request to be given up and counted", timeout=8)


def test_process_figures_are_those_of_proc(gateway):
    samples = {name: value for (name, labels), value in gateway.metrics().items() if not labels}
    assert abs(samples["process_resident_memory_bytes"] - gateway.resident_bytes()) < 4 * 1024 * 1024
    assert abs(samples["process_open_fds"] - gateway.open_descriptors()) <= 3
    assert samples["process_cpu_seconds_total"] >= 0
    assert samples["process_start_time_seconds"] > 1.6e9
    assert samples["process_threads"] >= 2


def test_upstreams_limits_and_connections_have_series(start, configure, upstream):
    route = public_route(rate_limit=[{"requests": 2, "per": "1m", "by": "client_ip"}])
    gateway = start(configure([upstream], [route]))
    for _ in range(4):
        gateway.get("/")
    names = {name for name, _ in gateway.metrics()}
    for word in ("upstream", "circuit", "rate_limit", "connections"):
        assert [name for name in names if word in name], f"no series about {word}: {sorted(names)}"
    until(lambda: gateway.metric("http_requests_total", status=429) == 2, "refusals to be counted")
    assert upstream.port and str(upstream.port) not in "".join(names)


def test_metrics_on_a_public_listener_want_permission(start, configure, upstream):
    config = configure([upstream])
    config["listeners"][0]["serve"] = ["gateway", "health"]
    gateway = start(config)
    assert gateway.get("/metrics").status in (200, 401, 403, 404)
    assert b"process_resident_memory_bytes" not in gateway.get("/metrics").body
    assert gateway.get("/health").json() == {"status": "healthy", "service": "api_gateway"}


def test_metrics_can_be_switched_off(start, configure, upstream):
    gateway = start(configure([upstream]), env={"ENABLE_METRICS": "false"})
    assert gateway.get("/metrics", listener="admin").status == 404
    assert gateway.get("/health/live", listener="admin").status == 200


def test_promtool_has_nothing_to_say(gateway):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (Debian's prometheus)")
    gateway.get("/")
    text = gateway.get("/metrics", listener="admin").body
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


OPEN_METRICS = [("Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")]


def test_openmetrics_is_what_its_own_parser_takes_and_says_the_same(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/ask/", kind="query"), public_route("/")]))
    for _ in range(7):
        gateway.get("/ask/me")
    gateway.get("/plain")
    response = gateway.request("GET", "/metrics", OPEN_METRICS, listener="admin")
    assert response.get("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(response.body.decode())}
    asked = {sample.labels["status"]: sample.value for sample in families["queries"].samples if sample.name == "queries_total"}
    assert asked == {"success": 7, "error": 0}
    assert families["http_requests"].type == "counter"
    plain = gateway.metrics()
    for name in ("queries_total", "query_duration_seconds_count"):
        assert sum(value for (series, _), value in plain.items() if series == name) == 7
    assert not [sample for family in families.values() for sample in family.samples if sample.exemplar], "nobody keeps traces"


def test_a_failed_question_counts_apart(start, configure, upstream):
    upstream.answer = answers.normal(500)
    gateway = start(configure([upstream], [public_route(kind="query")]))
    gateway.get("/")
    assert gateway.metric("queries_total", status="error") == 1 and gateway.metric("queries_total", status="success") == 0


def test_exemplars_lead_to_traces_that_are_kept(start, configure, upstream):
    trace = "5bf92f3577b34da6a3ce929d0e0e4736"
    dead = f"http://127.0.0.1:{free_port()}"
    gateway = start(configure([upstream], telemetry={"traces": {"otlp_endpoint": dead, "sample": 0, "slow": "0s"}}))
    gateway.get("/", [("traceparent", f"00-{trace[::-1]}-00f067aa0ba902b7-00")])
    began = time.time()
    gateway.get("/", [("traceparent", f"00-{trace}-00f067aa0ba902b7-01")])
    page = gateway.request("GET", "/metrics", OPEN_METRICS, listener="admin").body.decode()
    found = [sample.exemplar for family in text_string_to_metric_families(page) for sample in family.samples if sample.exemplar]
    assert [exemplar.labels["trace_id"] for exemplar in found] == [trace]
    assert 0 < found[0].value < 10 and abs(float(found[0].timestamp) - began) < 10
    assert trace not in gateway.get("/metrics", listener="admin").body.decode(), "the older format knows none"


def test_health_answers_are_the_promised_ones(gateway):
    assert gateway.get("/health", listener="admin").json() == {"status": "healthy", "service": "api_gateway"}
    assert gateway.get("/health/live", listener="admin").json() == {"status": "alive", "service": "api_gateway"}
    ready = gateway.get("/health/ready", listener="admin")
    assert ready.status == 200 and ready.json()["status"]
    for path in ("/api/system/health", "/system/info"):
        assert gateway.get(path, listener="admin").status == 200
    assert gateway.request("HEAD", "/health", listener="admin").status == 200
    assert gateway.request("POST", "/health", listener="admin").status == 405
    assert gateway.get("/", listener="admin").status == 404
