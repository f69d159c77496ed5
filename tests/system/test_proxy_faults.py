"""Upstreams that fail in every way: the client gets an honest answer, other requests do not suffer."""

import threading

import pytest

from support import raw
from support import upstream as answers
from support.gateway import public_route, upstream_config
from support.ports import free_port
from support.upstream import Upstream
from support.wait import pass_time, until

GARBAGE = {
    "no HTTP": b"hello, I am not HTTP\r\n\r\n",
    "nothing but a line": b"\r\n\r\n\r\n",
    "binary": bytes(range(256)) * 8,
    "bad status": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status beyond 599": b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2 status line": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "two unlike lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length no number": b"HTTP/1.1 200 OK\r\nContent-Length: three\r\n\r\nabc",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "bare LF in the middle": b"HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 3\r\n\r\nabc",
    "bare CR": b"HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\nContent-Length: 3\r\n\r\nabc",
    "NUL": b"HTTP/1.1 200 OK\r\nX-A: b\x00\r\nContent-Length: 3\r\n\r\nabc",
    "folded line": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 3\r\n\r\nabc",
    "bad name": b"HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 3\r\n\r\nabc",
    "blank before colon": b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" * 40000,
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    "interim answers without end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000,
}


def problem(response, status):
    assert response.status == status, response
    assert response.get("content-type") == "application/problem+json"
    body = response.json()
    assert body["status"] == status and body["code"] and body["request_id"] == response.get("x-request-id")
    return body


def alone(upstream, **changes):
    """An upstream judged by this request only: no retries, no breaker."""
    return upstream_config(upstream, **{"retry": {"attempts": 1}, "circuit_breaker": {"enabled": False}} | changes)


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_from_the_upstream_becomes_502(start, configure, make_upstream, data):
    upstream = make_upstream(answers.raw(data))
    gateway = start(configure([alone(upstream)]))
    problem(gateway.get("/"), 502)
    upstream.answer = answers.normal()
    assert gateway.get("/").status == 200


@pytest.mark.parametrize("answer", [answers.close_without_answer, answers.raw(b"HTTP/1.1 200 OK\r\nContent-Le")])
def test_an_upstream_that_hangs_up_becomes_502(start, configure, make_upstream, answer):
    gateway = start(configure([alone(make_upstream(answer))]))
    problem(gateway.get("/"), 502)


def test_a_refusing_upstream_becomes_502_without_leaking_its_address(start, configure):
    port = free_port()
    dead = {"name": "backend", "endpoints": [f"http://127.0.0.1:{port}"], "retry": {"attempts": 1}}
    gateway = start(configure([dead]))
    response = gateway.get("/")
    body = problem(response, 502)
    assert str(port) not in response.body.decode() and "127.0.0.1" not in str(body)


def test_a_slow_upstream_becomes_504(start, configure, make_upstream):
    upstream = make_upstream(answers.never)
    gateway = start(configure([alone(upstream, timeouts={"response": "300ms"})]))
    problem(gateway.get("/"), 504)
    until(lambda: upstream.connections[0].closed.is_set(), "the request to be given up")


def test_an_answer_that_stops_in_mid_body_is_cut_not_completed(start, configure, make_upstream):
    def stall(connection, request):
        connection.read_body()
        connection.send(answers.encode(200, [("Content-Length", 100)], b"half"))
        connection.wait_for_close()
    gateway = start(configure([alone(make_upstream(stall), timeouts={"idle": "400ms"})]))
    with gateway.connect() as client, pytest.raises(raw.Closed):
        client.request("GET", "/")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upstream_killed_in_mid_body_never_looks_complete(start, configure, make_upstream, framing):
    upstream = make_upstream(answers.reset_mid_body(framing))
    gateway = start(configure([alone(upstream)]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/cut"))
        head = client.read_head()
        assert head.status == 200
        assert upstream.half_sent.wait(5)
        upstream.let_go.set()
        rest = client.read_to_end()
    assert b"0\r\n\r\n" not in rest and len(rest) < 6000
    assert gateway.access_line("target", "/cut")["status"] == 200
    upstream.answer = answers.normal()
    assert gateway.get("/").status == 200


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX", b"fffffffffffffffff\r\n"])
def test_a_bad_chunk_from_the_upstream_never_looks_complete(start, configure, make_upstream, chunk):
    upstream = make_upstream(answers.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + chunk, close=False))
    gateway = start(configure([alone(upstream)]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/"))
        data = client.read_to_end()
    assert not data.endswith(b"0\r\n\r\n")


def test_octets_behind_an_answer_never_answer_the_next_request(start, configure, make_upstream):
    planted = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted"
    upstream = make_upstream(answers.in_turn(answers.raw(answers.encode(200, [("Content-Length", 4)], b"mine") + planted, close=False),
                                             answers.normal(body=b"honest")))
    gateway = start(configure([alone(upstream)]))
    with gateway.connect() as client:
        assert client.request("GET", "/").body == b"mine"
        assert client.request("GET", "/").body == b"honest"


@pytest.mark.parametrize("close", ["close", "reset"])
def test_a_client_gone_in_mid_upload_ends_the_upstream_request(gateway, upstream, close):
    client = gateway.connect()
    client.send(b"POST /gone HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
    until(lambda: upstream.requests, "the head to be sent on")
    getattr(client, close)()
    until(lambda: upstream.connections[0].closed.is_set(), "the upstream request to be cut off")
    assert not upstream.one_request().complete


def test_a_client_gone_in_mid_answer_ends_the_upstream_request(gateway, upstream):
    upstream.answer = answers.stream(1 << 40)
    client = gateway.connect(receive_buffer=8192)
    client.send(raw.encode_request("GET", "/gone"))
    client.read_head()
    client.reset()
    until(lambda: upstream.connections[0].closed.is_set(), "the upstream answer to be cut off")


def test_a_client_that_leaves_before_the_answer_ends_the_upstream_request(gateway, upstream):
    upstream.answer = answers.never
    client = gateway.connect()
    client.send(raw.encode_request("GET", "/gone"))
    until(lambda: upstream.requests, "the request")
    client.reset()
    until(lambda: upstream.connections[0].closed.is_set(), "the upstream request to be given up", timeout=8)


# --- retries --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("method, body, asked", [("GET", b"", 2), ("HEAD", b"", 2), ("PUT", b"", 2), ("DELETE", b"", 2),
                                                 ("OPTIONS", b"", 2), ("POST", b"", 1), ("PATCH", b"", 1)])
@pytest.mark.parametrize("first", ["503", "hang up"])
def test_only_idempotent_requests_are_tried_again(start, configure, make_upstream, method, body, asked, first):
    bad = answers.normal(503) if first == "503" else answers.close_without_answer
    upstream = make_upstream(answers.in_turn(bad, answers.normal()))
    gateway = start(configure([upstream_config(upstream, circuit_breaker={"enabled": False},
                                               retry={"attempts": 2, "on": ["connect", 503]})]))
    with gateway.connect() as client:
        response = client.request(method, "/", body=body)
    assert len(upstream.requests) == asked
    assert response.status == (200 if asked == 2 else 503 if first == "503" else 502)


def test_a_retry_goes_to_another_endpoint(start, configure, make_upstream):
    alive = make_upstream()
    dead = f"http://127.0.0.1:{free_port()}"
    gateway = start(configure([{"name": "backend", "endpoints": [dead, alive.url], "balance": "round_robin"}]))
    assert [gateway.get("/").status for _ in range(10)] == [200] * 10
    assert len(alive.requests) == 10


def test_a_post_that_never_left_may_go_to_another_endpoint_once(start, configure, make_upstream):
    """Nothing was sent to an endpoint that refuses the connection, so nothing is asked for twice."""
    alive = make_upstream()
    dead = f"http://127.0.0.1:{free_port()}"
    gateway = start(configure([{"name": "backend", "endpoints": [dead, alive.url], "balance": "round_robin"}]))
    got = [gateway.request("POST", "/", body=b"once").status for _ in range(6)]
    assert set(got) <= {200, 502}
    assert len(alive.requests) == got.count(200)


def test_retries_have_a_budget(start, configure, make_upstream):
    upstream = make_upstream(answers.normal(503))
    gateway = start(configure([upstream_config(upstream, circuit_breaker={"enabled": False},
                                               retry={"attempts": 2, "on": [503], "budget_percent": 20})]))
    with gateway.connect() as client:
        for _ in range(100):
            client.request("GET", "/")
    # 20 % of 100, and the floor of three a second over the ten seconds that count
    assert 100 <= len(upstream.requests) <= 150, "a failing upstream is not hammered"


def test_a_kept_connection_that_the_upstream_closed_is_no_failure(gateway, upstream):
    assert gateway.get("/").status == 200
    for connection in upstream.connections:
        connection.socket.shutdown(2)
    until(lambda: all(c.closed.is_set() for c in upstream.connections), "idle connections to end")
    assert gateway.get("/").status == 200
    assert gateway.request("POST", "/", body=b"x").status == 200


# --- the circuit breaker --------------------------------------------------------------------------------------------

BREAKER = {"failures": 3, "window": "10s", "open_for": "1s", "half_open_requests": 1}


def broken(start, configure, make_upstream, **options):
    upstream = make_upstream(answers.normal(503))
    gateway = start(configure([upstream_config(upstream, circuit_breaker=BREAKER, retry={"attempts": 1})], **options))
    return gateway, upstream


def test_the_circuit_opens_and_closes_again(start, configure, make_upstream):
    gateway, upstream = broken(start, configure, make_upstream, workers=2)
    until(lambda: gateway.get("/").json().get("code") if gateway.get("/").get("retry-after") else None, "the circuit to open")
    seen = len(upstream.requests)
    assert seen <= 4, "over all workers"
    response = gateway.get("/")
    problem(response, 503)
    assert int(response.get("retry-after")) >= 1
    assert len(upstream.requests) == seen, "an open circuit asks nobody"
    upstream.answer = answers.normal()
    pass_time(1.1)
    assert gateway.get("/").status == 200
    assert [gateway.get("/").status for _ in range(5)] == [200] * 5


def test_half_open_lets_one_request_find_out(start, configure, make_upstream):
    gateway, upstream = broken(start, configure, make_upstream, workers=2)
    for _ in range(4):
        gateway.get("/")
    gate = threading.Event()
    upstream.answer = answers.gated(gate, answers.normal(503))
    seen = len(upstream.requests)
    pass_time(1.1)
    results = []
    threads = [threading.Thread(target=lambda: results.append(gateway.get("/").status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(results) == 7, "seven to be refused while one finds out")
    assert len(upstream.requests) == seen + 1
    gate.set()
    for thread in threads:
        thread.join()
    assert results == [503] * 8
    assert gateway.get("/").get("retry-after"), "open again after the failed trial"


def test_an_open_circuit_is_told_in_ready_metrics_and_log(start, configure, make_upstream):
    gateway, _ = broken(start, configure, make_upstream)
    for _ in range(4):
        gateway.get("/")
    ready = gateway.get("/health/ready", listener="admin")
    assert b"open" in ready.body or ready.status == 503
    breaker = [(name, dict(labels), value) for (name, labels), value in gateway.metrics().items() if "circuit" in name or "breaker" in name]
    assert any("backend" in labels.values() and value >= 1 for _, labels, value in breaker), breaker
    until(lambda: any("circuit" in str(line).lower() and "backend" in str(line) for line in gateway.log()),
          "a line about the circuit")
    assert gateway.get("/health/live", listener="admin").status == 200


def test_a_clients_4xx_does_not_open_the_circuit(start, configure, make_upstream):
    gateway, upstream = broken(start, configure, make_upstream)
    upstream.answer = answers.normal(404)
    assert [gateway.get("/").status for _ in range(10)] == [404] * 10


def test_one_dead_upstream_leaves_other_routes_alone(start, configure, make_upstream):
    healthy, silent = make_upstream(), make_upstream(answers.never)
    upstreams = [upstream_config(healthy), upstream_config(silent, "silent", connections_max=4, pending_max=4,
                                                           timeouts={"response": "2s"})]
    gateway = start(configure(upstreams, [public_route("/silent/", "silent"), public_route()]))
    waiting = [gateway.connect() for _ in range(30)]
    for client in waiting:
        client.send(raw.encode_request("GET", "/silent/x"))
    assert [gateway.get("/").status for _ in range(20)] == [200] * 20
    got = [client.read_response().status for client in waiting]
    assert set(got) <= {503, 504} and got.count(503) >= 20, "beyond connections and queue nobody waits"
    assert len(silent.connections) <= 9
    for client in waiting:
        client.close()


# --- health checks --------------------------------------------------------------------------------------------------

CHECK = {"path": "/probe", "interval": "150ms", "timeout": "300ms", "unhealthy_after": 2, "healthy_after": 2}


def test_an_endpoint_that_fails_its_checks_is_left_out_until_it_passes(start, configure, make_upstream):
    good, sick = make_upstream(), make_upstream()
    pool = {"name": "backend", "endpoints": [good.url, sick.url], "balance": "round_robin", "health_check": CHECK}
    sick.on("/probe", answers.normal(500))
    gateway = start(configure([pool]))

    def only_good():
        before = len(sick.requests)
        return [gateway.get("/").status for _ in range(6)] == [200] * 6 and len(sick.requests) == before
    until(only_good, "the sick endpoint to be left out")
    sick.on("/probe", answers.normal(200))
    before = len(sick.requests)
    until(lambda: gateway.get("/").status == 200 and len(sick.requests) > before, "the endpoint to come back")


def test_without_a_healthy_endpoint_the_answer_is_503_at_once(start, configure, make_upstream):
    sick = make_upstream()
    sick.on("/probe", answers.normal(500))
    gateway = start(configure([upstream_config(sick, health_check=CHECK)]))
    until(lambda: gateway.get("/").status == 503, "the endpoint to be left out")
    assert gateway.get("/").get("retry-after")
    assert gateway.get("/health/ready", listener="admin").status == 503
    assert gateway.get("/health/live", listener="admin").status == 200


def test_an_upstream_that_restarts_is_found_again(start, configure, make_upstream):
    port = free_port()
    first = Upstream(port=port)
    gateway = start(configure([{"name": "backend", "endpoints": [f"http://127.0.0.1:{port}"], "retry": {"attempts": 1},
                                "circuit_breaker": {"failures": 3, "open_for": "500ms"}}]))
    assert gateway.get("/").status == 200
    first.stop()
    until(lambda: gateway.get("/").status in (502, 503), "the loss to be noticed")
    make_upstream(port=port)
    until(lambda: gateway.get("/").status == 200, "the upstream to be found again")


def test_a_client_that_leaves_after_an_interim_answer_is_sent_nothing_of_it(start, configure, make_upstream):
    told = threading.Event()

    def hint(connection, request):
        connection.send(b"HTTP/1.1 103 Early")
        pass_time(0.2)  # so that the gateway keeps the first half
        connection.send(b" Hints\r\nLink: </a>\r\n\r\n")
        told.set()
        connection.wait_for_close()
    gateway = start(configure([alone(make_upstream(hint))]))
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/"))
        assert told.wait(10)
        pass_time(0.2)
        client.finish_sending()
        assert client.read_to_end() == b""
    assert gateway.access_line("target", "/")["outcome"] == "client_gone"
