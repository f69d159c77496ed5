"""What the upstream is told about a request, and the client about an answer."""

import re
import uuid

import pytest

from support import upstream as answers
from support.gateway import api_key, public_route, upstream_config

REQUEST_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_the_upstream_is_told_who_asked_and_how(gateway, upstream):
    response = gateway.get("/a?b=c", [("User-Agent", "test"), ("Accept", "*/*")], host="localhost:1234")
    request = upstream.one_request()
    assert (request.method, request.target) == ("GET", "/a?b=c")
    assert request.get("x-forwarded-for") == "127.0.0.1"
    assert request.get("x-forwarded-proto") == "http"
    assert request.get("x-forwarded-host") == "localhost:1234"
    forwarded = request.get("forwarded")
    assert "for=127.0.0.1" in forwarded and "proto=http" in forwarded and 'host="localhost:1234"' in forwarded
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", request.get("traceparent"))
    assert request.get("x-request-id") == response.get("x-request-id")
    assert request.get("x-correlation-id") == response.get("x-correlation-id")
    assert request.get("user-agent") == "test" and request.get("accept") == "*/*"


def test_claims_about_forwarding_are_not_believed_of_strangers(gateway, upstream):
    gateway.get("/", [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.test"),
                      ("Forwarded", "for=1.2.3.4;proto=https;host=evil.test")])
    request = upstream.one_request()
    assert request.all("x-forwarded-for") == ["127.0.0.1"]
    assert request.all("x-forwarded-proto") == ["http"]
    assert request.all("x-forwarded-host") == ["localhost"]
    assert "1.2.3.4" not in " ".join(request.all("forwarded")) and "evil" not in " ".join(request.all("forwarded"))


def test_a_trusted_proxy_is_believed(start, configure, upstream):
    gateway = start(configure([upstream], trusted_proxies=["127.0.0.1/32"]))
    gateway.get("/", [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "https")])
    request = upstream.one_request()
    assert request.get("x-forwarded-for") == "198.51.100.7, 127.0.0.1"
    assert request.get("x-forwarded-proto") == "https"
    assert gateway.access_line("target", "/").get("client_ip", "198.51.100.7") == "198.51.100.7"


CLAIMS = ["X-Real-IP", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Prefix", "X-Client-IP",
          "Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Original-URL", "X-Rewrite-URL"]


def test_what_proxies_say_of_a_request_is_taken_from_trusted_ones_only(start, configure, upstream):
    gateway = start(configure([upstream], trusted_proxies=["127.0.0.50/32"]))
    for source in (None, "127.0.0.50"):
        gateway.get("/", [(name, "6.6.6.6") for name in CLAIMS] + [("Proxy", "evil.test:80")], source=source)
    stranger, proxy = upstream.requests
    assert [name for name in CLAIMS if stranger.all(name)] == []
    assert all(proxy.all(name) == ["6.6.6.6"] for name in CLAIMS)
    assert stranger.all("proxy") == proxy.all("proxy") == []


@pytest.mark.parametrize("name", ["Content_Length", "Transfer_Encoding", "X_Forwarded_For", "X_Real_IP", "X_Request_ID", "X_API_KEY",
                                  "X_Gatehouse_Roles", "X.Gatehouse.Roles", "Host_", "X_Beta", "X_User", "Authorization_"])
def test_a_backend_that_folds_names_reads_no_other_spelling_of_ours(start, configure, upstream, name):
    """WSGI and CGI know HTTP_X_USER and not how it was spelled."""
    routes = [{"match": {"path_prefix": "/", "header": {"X-Beta": "1"}}, "upstream": "backend", "access": {"role": "admin"}},
              public_route(inject={"headers": {"X-User": "${principal.subject}"}})]
    gateway = start(configure([upstream], routes))
    assert gateway.get("/", [(name, "1"), ("my_field", "2")]).status == 200
    request = upstream.one_request()
    kept = name in ("Host_", "Authorization_")  # variables of their own: HTTP_HOST_
    assert request.all(name) == (["1"] if kept else [])
    assert request.all("my_field") == ["2"], "other names with underscores pass"


def test_request_ids_are_always_new_and_correlation_ids_kept(gateway, upstream):
    mine = "order-66_a.b"
    first = gateway.get("/", [("X-Request-ID", "mine"), ("X-Correlation-ID", mine)])
    second = gateway.get("/", [("X-Request-ID", "mine")])
    assert first.get("x-request-id") != second.get("x-request-id")
    for response in (first, second):
        assert len(response.all("x-request-id")) == 1 and response.get("x-request-id") != "mine"
        assert REQUEST_ID.fullmatch(response.get("x-request-id"))
    assert first.get("x-correlation-id") == mine
    assert uuid.UUID(second.get("x-correlation-id")).version == 4


@pytest.mark.parametrize("bad", ["a" * 500, "a b", "x\tq", "\xe9t\xe9", '"quoted"', "{json}", "", "a,b;c=<script>"])
def test_an_invalid_correlation_id_is_replaced(gateway, upstream, bad):
    response = gateway.get("/", [("X-Correlation-ID", bad)])
    assert response.status == 200
    assert uuid.UUID(response.get("x-correlation-id")).version == 4
    assert upstream.one_request().all("x-correlation-id") == [response.get("x-correlation-id")]


def test_a_valid_trace_goes_on_and_an_invalid_one_does_not(gateway, upstream):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    gateway.get("/good", [("traceparent", f"00-{trace}-00f067aa0ba902b7-01"), ("tracestate", "a=b")])
    gateway.get("/bad", [("traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01")])
    good, bad = upstream.requests
    assert good.get("traceparent").startswith(f"00-{trace}-")
    assert good.get("tracestate") == "a=b"
    assert not bad.get("traceparent").startswith(f"00-{'0' * 32}")


def test_an_upstreams_own_ids_do_not_double(gateway, upstream):
    upstream.answer = answers.normal(fields=[("X-Request-ID", "theirs"), ("X-Correlation-ID", "theirs")])
    response = gateway.get("/")
    assert len(response.all("x-request-id")) == 1 and response.get("x-request-id") != "theirs"
    assert len(response.all("x-correlation-id")) == 1 and response.get("x-correlation-id") != "theirs"


def test_status_reason_fields_and_body_pass_unchanged(gateway, upstream):
    upstream.answer = answers.normal(418, b"short and stout", [("X-Pot", "tea"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
                                                              ("Content-Type", "text/plain"), ("ETag", '"1"')])
    response = gateway.get("/")
    assert (response.status, response.body) == (418, b"short and stout")
    assert response.all("set-cookie") == ["a=1", "b=2"]
    assert (response.get("x-pot"), response.get("etag"), response.get("content-type")) == ("tea", '"1"', "text/plain")


def test_hop_by_hop_fields_of_an_answer_end_here(gateway, upstream):
    upstream.answer = answers.normal(fields=[("Connection", "keep-alive, X-Private"), ("X-Private", "1"),
                                            ("Keep-Alive", "timeout=5"), ("Proxy-Authenticate", "Basic")])
    response = gateway.get("/")
    assert response.status == 200
    for name in ("x-private", "keep-alive", "proxy-authenticate", "proxy-connection"):
        assert response.get(name) is None


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_have_none(gateway, upstream, status):
    upstream.answer = answers.normal(status)
    with gateway.connect() as client:
        assert client.request("GET", "/").status == status
        upstream.answer = answers.normal()
        assert client.request("GET", "/").status == 200


def test_head_has_the_fields_of_get_and_no_body(gateway, upstream):
    with gateway.connect() as client:
        head = client.request("HEAD", "/x")
        assert (head.status, head.body) == (200, b"")
        assert int(head.get("content-length")) > 0
        assert client.request("GET", "/x").status == 200
    assert [request.method for request in upstream.requests] == ["HEAD", "GET"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_every_method_passes_where_none_is_named(gateway, upstream, method):
    assert gateway.request(method, "/").json()["method"] == method


def test_methods_that_no_route_names_get_405_or_404(start, configure, upstream):
    route = public_route("/api/")
    route["match"]["methods"] = ["GET", "POST"]
    gateway = start(configure([upstream], [route]))
    assert gateway.get("/api/x").status == 200
    response = gateway.request("DELETE", "/api/x")
    assert response.status == 405
    assert {method.strip() for method in response.get("allow").split(",")} >= {"GET", "POST"}
    assert gateway.request("DELETE", "/elsewhere").status == 404
    assert len(upstream.requests) == 1


def test_a_405_tells_only_of_the_methods_that_would_have_helped(start, configure, upstream):
    routes = [public_route("/"), public_route("/")]
    routes[0]["match"]["methods"] = ["GET", "DELETE", "PURGE"]
    routes[1]["match"] |= {"methods": ["PUT"], "host": "127.0.0.1"}
    config = configure([upstream], routes)
    config["listeners"][0]["serve"] = ["gateway", "health"]
    gateway = start(config)
    ours = gateway.request("DELETE", "/health")
    assert (ours.status, ours.get("allow")) == (405, "GET, HEAD"), "the routes behind our own path are nobody's business"
    assert gateway.request("POST", "/x").get("allow") == "GET, DELETE, PURGE"
    assert gateway.request("POST", "/x", host="127.0.0.1").get("allow") == "GET, DELETE, PURGE, PUT"
    upstream.saw_nothing()


def test_the_first_matching_route_wins(start, configure, make_upstream):
    one, two = make_upstream(name="one"), make_upstream(name="two")
    routes = [
        {"match": {"path": "/exact"}, "upstream": "one", "access": "public"},
        {"match": {"path_prefix": "/", "header": {"X-Beta": "yes"}}, "upstream": "one", "access": "public"},
        public_route(upstream="two"),
    ]
    gateway = start(configure([{"name": "one", "endpoints": [one.url]}, {"name": "two", "endpoints": [two.url]}], routes))
    gateway.get("/exact")
    gateway.get("/exact/more")
    gateway.get("/other", [("X-Beta", "yes")])
    gateway.get("/other", [("X-Beta", "no")])
    assert [r.target for r in one.requests] == ["/exact", "/other"]
    assert [r.target for r in two.requests] == ["/exact/more", "/other"]


def test_fields_are_injected_and_the_clients_own_removed(start, configure, upstream):
    key = "key-of-robot-with-a-good-length-0123456789"
    route = {"match": {"path_prefix": "/"}, "upstream": "backend", "access": {"role": "user"},
             "inject": {"headers": {"X-User": "${principal.subject}", "X-Fixed": "yes"}}}
    gateway = start(configure([upstream], [route], auth={"api_keys": [api_key("robot", key)]}))
    gateway.get("/", [("X-API-Key", key), ("X-User", "root"), ("x-user", "admin")])
    request = upstream.one_request()
    assert request.all("x-user") == ["robot"] and request.all("x-fixed") == ["yes"]


@pytest.mark.parametrize("balance, expected", [("round_robin", {10}), ("least_requests", {8, 9, 10, 11, 12})])
def test_requests_are_spread_over_endpoints(start, configure, make_upstream, balance, expected):
    backends = [make_upstream(), make_upstream()]
    pool = {"name": "backend", "endpoints": [backend.url for backend in backends], "balance": balance}
    gateway = start(configure([pool]))
    with gateway.connect() as client:
        for _ in range(20):
            assert client.request("GET", "/").status == 200
    assert len(backends[0].requests) + len(backends[1].requests) == 20
    assert len(backends[0].requests) in expected


def test_a_hash_sends_one_key_to_one_endpoint_over_all_workers(start, configure, make_upstream):
    backends = [make_upstream() for _ in range(3)]
    pool = {"name": "backend", "endpoints": [backend.url for backend in backends], "balance": "hash:header:X-Tenant"}
    gateway = start(configure([pool], workers=2))
    for round_ in range(3):
        for tenant in range(30):
            assert gateway.get(f"/{tenant}", [("X-Tenant", f"tenant-{tenant}")]).status == 200
    homes = [{request.target for request in backend.requests} for backend in backends]
    assert sum(map(len, homes)) == 30, "no tenant has two homes"
    assert all(homes)


def test_upstream_connections_are_kept_and_used_again(gateway, upstream):
    with gateway.connect() as client:
        for _ in range(20):
            assert client.request("GET", "/").status == 200
    for _ in range(5):
        gateway.get("/")
    assert len(upstream.connections) == 1


def test_an_https_upstream_is_verified(start, configure, make_upstream, authority, server_certificate, tmp_path):
    from support.tls import Authority
    right = make_upstream(tls=authority.server_context(*server_certificate))
    other_name = make_upstream(tls=authority.server_context(*authority.issue("othername", ("other.test",))))
    stranger_authority = Authority(tmp_path / "stranger")
    stranger = make_upstream(tls=stranger_authority.server_context(*stranger_authority.issue("stranger")))
    trust = {"ca_file": str(authority.certificate)}
    upstreams = [upstream_config(item, name, tls=trust)
                 for name, item in (("right", right), ("othername", other_name), ("stranger", stranger))]
    upstreams.append(upstream_config(right, "untrusted"))
    routes = [public_route(f"/{item['name']}/", item["name"]) for item in upstreams]
    gateway = start(configure(upstreams, routes))
    assert gateway.get("/right/x").status == 200
    for name in ("othername", "stranger", "untrusted"):
        assert gateway.get(f"/{name}/x").status == 502
    assert len(right.requests) == 1 and not other_name.requests and not stranger.requests
