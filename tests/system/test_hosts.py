"""Which names this house answers to."""

import pytest

from support.gateway import public_route


@pytest.mark.parametrize("host", ["localhost", "localhost:8443", "LocalHost", "127.0.0.1", "[::1]"])
def test_unset_the_loopback_names_are_allowed(gateway, upstream, host):
    assert gateway.get("/x", host=host).status == 200
    assert upstream.one_request().get("x-forwarded-host").lower() == host.lower()


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "127.0.0.2.evil.test", "notlocalhost"])
def test_another_host_gets_421_and_the_upstream_sees_nothing(gateway, upstream, host):
    response = gateway.get("/x", host=host)
    assert response.status == 421
    assert response.json()["status"] == 421
    assert response.get("x-request-id")
    upstream.saw_nothing()


def test_a_wrong_host_is_judged_before_credentials(start, configure, upstream):
    gateway = start(configure([upstream], [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": {"role": "user"}}]))
    assert gateway.get("/x", host="evil.test").status == 421


def test_only_listed_names_count_once_some_are_listed(start, configure, upstream):
    gateway = start(configure([upstream], allowed_hosts=["api.example.com", "*.apps.example.com"]))
    assert gateway.get("/", host="api.example.com").status == 200
    assert gateway.get("/", host="API.example.com:443").status == 200
    assert gateway.get("/", host="one.apps.example.com").status == 200
    assert gateway.get("/", host="example.com").status == 421
    assert gateway.get("/", host="api.example.com.evil.test").status == 421
    assert gateway.get("/", host="one.two.apps.example.com").status == 421


def test_certificate_names_are_allowed_when_nothing_is_listed(start, configure, upstream, authority):
    certificate, key = authority.issue("named", ("gateway.example.net", "localhost"))
    gateway = start(configure([upstream], tls={"certificate": {"cert_file": str(certificate), "key_file": str(key)}}))
    tls = authority.client_context()
    assert gateway.get("/", listener="public", tls=tls, host="gateway.example.net").status == 200
    assert gateway.get("/", listener="public", tls=tls, host="other.example.net").status == 421


def test_routes_by_host_go_their_ways(start, configure, make_upstream):
    one, two = make_upstream(name="one"), make_upstream(name="two")
    upstreams = [{"name": "one", "endpoints": [one.url]}, {"name": "two", "endpoints": [two.url]}]
    routes = [
        {"match": {"path_prefix": "/", "host": "one.test"}, "upstream": "one", "access": "public"},
        public_route(upstream="two"),
    ]
    gateway = start(configure(upstreams, routes, allowed_hosts=["one.test", "two.test"]))
    gateway.get("/", host="one.test")
    gateway.get("/", host="two.test")
    assert (one.one_request().get("x-forwarded-host"), two.one_request().get("x-forwarded-host")) == ("one.test", "two.test")
