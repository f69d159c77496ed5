"""What a collector of OpenTelemetry is told about requests, statements and jobs, and what a collector that fails costs."""

import secrets
import time

import pytest

from support import upstream as answers
from support.collector import Collector
from support.control import Control, house_config
from support.gateway import api_key
from support.oauth import node_clients
from support.ports import free_port
from support.wait import pass_time, until

KEY = f"key-of-admin-{secrets.token_hex(16)}"
PARENT = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


@pytest.fixture
def collector():
    node_clients()
    made = Collector()
    yield made
    made.stop()


def traces(collector, **changes):
    return {"traces": {"otlp_endpoint": collector.url} | changes}


def of_routes(spans):
    """Of requests, without the probe that a start ends with and what the house does by itself."""
    asked = {span.trace for span in spans if span.kind == "server" and span.name != "GET /health/live"}
    return [span for span in spans if span.trace in asked]


def named(spans, name):
    return [span for span in spans if span.name == name]


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_request_is_a_trace_from_the_client_to_the_upstream(start, configure, upstream, collector, encoding):
    gateway = start(configure([upstream], profile="development", telemetry=traces(
        collector, encoding=encoding, service_name="front", headers={"X-Tenant": "blue"}) | {"environment": "staging", "release": "1.2.3"}))
    response = gateway.get("/a?b=c", [("User-Agent", "te\xe9st"), ("traceparent", f"00-{PARENT[0]}-{PARENT[1]}-01")])
    assert response.status == 200
    collector.until_spans(lambda spans: len(of_routes(spans)) >= 2)
    spans = collector.spans()
    server, client = [span for span in spans if span.trace == PARENT[0]]
    assert (server.kind, server.parent, client.kind, client.parent) == ("server", PARENT[1], "client", server.id)
    assert server.name.startswith("GET ") and "?" not in server.name
    assert server.start <= client.start <= client.end <= server.end
    assert abs(server.start - time.time_ns()) < 60 * 10 ** 9
    sent = upstream.one_request().get("traceparent").split("-")
    assert sent == ["00", PARENT[0], client.id, "01"], "the upstream's spans hang below our call"
    assert server.attributes["http.response.status_code"] == 200
    assert server.attributes["http.request.method"] == "GET"
    assert server.attributes["gatehouse.request_id"] == response.get("x-request-id")
    assert server.attributes["user_agent.original"] == "te\ufffdst"
    assert "b=c" not in str(spans), "queries hold secrets"
    assert client.attributes["server.address"] == f"127.0.0.1:{upstream.port}"
    assert server.resource["service.name"] == "front"
    assert server.resource["service.version"] == "1.2.3"
    assert server.resource["deployment.environment"] == server.resource["deployment.environment.name"] == "staging"
    assert collector.headers[0]["X-Tenant"] == "blue"


def test_spans_are_redacted_as_the_logs_are(start, configure, upstream, collector):
    gateway = start(configure([upstream], telemetry=traces(collector) | {"redaction": {"ip_addresses": True}}))
    gateway.get("/", [("User-Agent", "bot (bob@example.com) password=hunter22x " + "y" * 5000)])
    spans = collector.until_spans(lambda spans: len(of_routes(spans)) >= 2)
    server = next(span for span in of_routes(spans) if span.kind == "server")
    assert server.attributes["user_agent.original"].startswith("bot ([email]) password=[secret] y")
    assert len(server.attributes["user_agent.original"]) <= 1024
    assert server.attributes["client.address"] == "[ip]"
    assert "bob@" not in str(spans) and "hunter22x" not in str(spans)


def test_failures_have_a_name(start, configure, upstream, collector):
    upstream.answer = answers.normal(500)
    gateway = start(configure([upstream], telemetry=traces(collector)))
    gateway.request("BREW", "/")
    spans = collector.until_spans(lambda spans: len(of_routes(spans)) >= 2)
    server = next(span for span in of_routes(spans) if span.kind == "server")
    assert server.attributes["error.type"] == "500" and server.attributes["http.request.method"] == "_OTHER"


def test_a_collector_is_found_at_the_second_address_too(start, configure, upstream, collector):
    gateway = start(configure([upstream], telemetry={"traces": {"otlp_endpoint": f"http://localhost:{collector.port}"}}))
    gateway.get("/")
    collector.until_spans(lambda spans: len(of_routes(spans)) >= 2, timeout=20)


def test_invalid_contexts_begin_a_new_trace(start, configure, upstream, collector):
    gateway = start(configure([upstream], telemetry=traces(collector)))
    bad = ["", "00", f"00-{'0' * 32}-{PARENT[1]}-01", f"00-{PARENT[0]}-{'0' * 16}-01", f"00-{PARENT[0].upper()}-{PARENT[1]}-01",
           f"ff-{PARENT[0]}-{PARENT[1]}-01", f"00-{PARENT[0]}-{PARENT[1]}-01-x", f"00-{PARENT[0][:-1]}g-{PARENT[1]}-01"]
    for text in bad:
        gateway.get("/", [("traceparent", text), ("tracestate", "a=b")])
    spans = collector.until_spans(lambda spans: len(of_routes(spans)) >= 2 * len(bad))
    servers = [span for span in of_routes(spans) if span.kind == "server"]
    assert all(span.parent == "" and span.trace != PARENT[0] for span in servers)
    assert len({span.trace for span in servers}) == len(bad)
    assert all(request.get("tracestate") is None for request in upstream.requests)


def test_statements_are_spans_without_values(start, tmp_path, engine, collector):
    config = house_config(tmp_path / "gateway0", telemetry=traces(collector), auth={"api_keys": [api_key("admin", KEY, ["admin"])]})
    if engine:
        config["storage"] = engine.storage(engine.make_database())
        engine.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=engine.env if engine else None)
    name = f"ada-{secrets.token_hex(8)}"
    control = Control(gateway, key=KEY)
    assert control.ask("POST", "/api/v1/users", {"name": name, "roles": ["user"]}).status == 201
    spans = collector.until_spans(lambda spans: named(spans, "POST /api/v1/users"))
    server = named(spans, "POST /api/v1/users")[0]
    below = [span for span in spans if span.trace == server.trace and span is not server]
    write = next(span for span in below if span.name == "db.write")
    assert write.parent == server.id and write.kind == "client"
    statements = [span for span in below if span.parent == write.id]
    assert len(statements) >= 2, "the user and the record of it"
    assert all(span.attributes["db.system.name"] in ("sqlite", "postgresql") for span in statements)
    assert all(write.start <= span.start <= span.end <= write.end for span in statements)
    assert name not in str([span for span in below]) and KEY not in str(spans)


def slow(connection, request):
    pass_time(0.4)
    answers.normal()(connection, request)


def test_failures_and_slow_ones_are_kept_whatever_the_sample(start, configure, upstream, collector):
    gateway = start(configure([upstream], telemetry=traces(collector, sample=0, slow="300ms")))
    trace = "5bf92f3577b34da6a3ce929d0e0e473"
    for number, (answer, flags) in enumerate([(answers.normal(), "00"), (answers.normal(500), "00"), (slow, "00"), (answers.normal(), "01")]):
        upstream.answer = answer
        gateway.get("/", [("traceparent", f"00-{trace}{number}-{PARENT[1]}-{flags}")])
    spans = collector.until_spans(lambda spans: len({span.trace for span in spans}) >= 3)
    assert {span.trace for span in spans if span.kind == "server"} == {f"{trace}{number}" for number in (1, 2, 3)}


def dead(collector, kind):
    """A collector's address at which something else is."""
    if kind == "hangs":
        collector.hang()
        return collector.url
    return f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("kind", ["away", "hangs"])
def test_a_dead_collector_slows_nobody_and_what_is_dropped_is_counted(start, configure, upstream, collector, kind):
    gateway = start(configure([upstream], telemetry={"traces": {"otlp_endpoint": dead(collector, kind)}}))
    took = []
    for _ in range(300):
        began = time.monotonic()
        assert gateway.get("/", [("User-Agent", "x" * 400)]).status == 200
        took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < 0.1
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 12, "it does not wait for what does not come"
    if kind == "away":
        assert "spans could not be sent" in gateway.output()


def test_a_collector_that_comes_back_gets_what_waited(start, configure, upstream, collector):
    collector.statuses = [503, 429, 502]
    gateway = start(configure([upstream], telemetry=traces(collector)))
    for _ in range(5):
        gateway.get("/")
    collector.until_spans(lambda spans: len(of_routes(spans)) == 10, timeout=30)
    sent = gateway.metric("gatehouse_trace_spans_exported_total")
    collector.statuses = [400]
    gateway.get("/refused")
    until(lambda: gateway.metric("gatehouse_trace_spans_dropped_total", reason="refused"), "the refusal to be counted", timeout=20)
    assert gateway.metric("gatehouse_trace_spans_exported_total") >= sent >= 10
    assert gateway.metric("gatehouse_trace_export_failures_total") == 4


def test_spans_of_the_last_requests_arrive_at_a_stop(start, configure, upstream, collector):
    gateway = start(configure([upstream], telemetry=traces(collector)))
    for _ in range(20):
        assert gateway.get("/").status == 200
    gateway.stop()
    assert len(of_routes(collector.spans())) == 40
