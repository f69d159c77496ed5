"""At most N in any window, over all workers; several limits at once; clients are told how they stand."""

import re
import threading
import time

import pytest

from support.gateway import SANITIZED, api_key, public_route, upstream_config
from support.wait import pass_time

KEYS = {name: f"key-of-{name}-with-a-good-length-0123456789" for name in ("alice", "bob")}
API_KEYS = [api_key(name, value) for name, value in KEYS.items()]


def limited(configure, upstream, limits, access="public", **options):
    routes = [public_route("/limited/", rate_limit=limits, access=access), public_route("/free/")]
    return configure([upstream_config(upstream)], routes, **options)


def statuses(gateway, count, target="/limited/x", fields=(), source=None):
    """Each on its own connection, so that both workers take part."""
    return [gateway.get(target, fields, source=source).status for _ in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
def test_exactly_n_pass_in_a_window(start, configure, upstream, workers):
    gateway = start(limited(configure, upstream, [{"requests": 20, "per": "1m", "by": "client_ip"}], workers=workers))
    got = statuses(gateway, 40)
    assert got == [200] * 20 + [429] * 20
    assert len(upstream.requests) == 20, "what is refused is not sent on"
    assert statuses(gateway, 5, "/free/x") == [200] * 5, "other routes are untouched"


def test_n_holds_under_concurrent_clients_on_two_workers(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 100, "per": "1m", "by": "client_ip"}], workers=2))
    passed = []

    def client():
        with gateway.connect() as connection:
            for _ in range(25):
                passed.append(connection.request("GET", "/limited/x").status)
    threads = [threading.Thread(target=client) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 300 and set(passed) == {200, 429}
    assert 99 <= passed.count(200) <= 100
    assert len(upstream.requests) == passed.count(200)


def test_addresses_are_counted_apart(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 3, "per": "1m", "by": "client_ip"}], workers=2))
    for last in range(2, 8):
        assert statuses(gateway, 4, source=f"127.0.0.{last}") == [200, 200, 200, 429]


def test_responses_tell_how_the_client_stands(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 2, "per": "1m", "by": "client_ip"}]))
    first, second, third = (gateway.get("/limited/x") for _ in range(3))
    for response, left in ((first, 1), (second, 0), (third, 0)):
        policy, state = response.get("ratelimit-policy"), response.get("ratelimit")
        assert re.search(r"\bq=2\b", policy) and re.search(r"\bw=60\b", policy), policy
        assert re.search(rf"\br={left}\b", state) and re.search(r"\bt=\d+", state), state
    assert first.get("retry-after") is None
    assert third.status == 429 and 1 <= int(third.get("retry-after")) <= 61
    assert third.json()["status"] == 429
    assert gateway.get("/free/x").get("ratelimit") is None


def test_each_limit_has_a_name_of_its_own_that_outlives_a_reload(start, configure, upstream):
    limits = [{"requests": 5, "per": "1m", "by": "client_ip"}, {"requests": 3, "per": "1m", "by": "client_ip"},
              {"requests": 9, "per": "1m", "by": "route"}]
    gateway = start(limited(configure, upstream, limits))
    before = gateway.get("/limited/x")
    assert before.get("ratelimit-policy") == '"client-60s";q=5;w=60, "client-60s-2";q=3;w=60, "route-60s";q=9;w=60'
    assert re.findall(r'"([^"]+)"', before.get("ratelimit")) == ["client-60s", "client-60s-2", "route-60s"]
    gateway.reload(gateway.config)
    after = gateway.get("/limited/x")
    assert after.get("ratelimit-policy") == before.get("ratelimit-policy")
    assert '"client-60s-2";r=1;' in after.get("ratelimit"), "and goes on counting"


def test_a_retry_after_the_stated_time_succeeds(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 2, "per": "2s", "by": "client_ip"}], workers=2))
    assert statuses(gateway, 2) == [200, 200]
    refused = gateway.get("/limited/x")
    assert refused.status == 429
    pass_time(int(refused.get("retry-after")))
    assert gateway.get("/limited/x").status == 200


def test_the_window_slides(start, configure, upstream):
    """Ten per two seconds, asked for without pause over six: no two seconds hold more than ten."""
    gateway = start(limited(configure, upstream, [{"requests": 10, "per": "2s", "by": "client_ip"}], workers=2))
    passed = []
    with gateway.connect() as one, gateway.connect() as two:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for connection in (one, two):
                before = time.monotonic()
                if connection.request("GET", "/limited/x").status == 200:
                    passed.append((before, time.monotonic()))
            pass_time(0.01)
    assert len(passed) >= 18, "the limit lets its share through"
    for earlier, later in zip(passed, passed[10:]):
        assert later[1] - earlier[0] >= 1.98, "eleven passed within one window"


def test_several_limits_hold_at_once(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 3, "per": "1s", "by": "client_ip"},
                                                  {"requests": 5, "per": "1m", "by": "client_ip"}]))
    assert statuses(gateway, 4) == [200, 200, 200, 429]
    pass_time(1.1)
    assert statuses(gateway, 3) == [200, 200, 429]
    refused = gateway.get("/limited/x")
    assert int(refused.get("retry-after")) > 1, "the longer limit is the one to wait for"


def test_principals_are_counted_apart_and_after_authentication(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 2, "per": "1m", "by": "principal"}], access={"role": "user"},
                            auth={"api_keys": API_KEYS}))
    alice, bob = ([("X-API-Key", value)] for value in KEYS.values())
    assert statuses(gateway, 5) == [401] * 5, "strangers drain nobody's share"
    assert statuses(gateway, 3, fields=alice) == [200, 200, 429]
    assert statuses(gateway, 1, fields=alice, source="127.0.0.77") == [429], "the address does not matter"
    assert statuses(gateway, 3, fields=bob) == [200, 200, 429]


def test_limits_by_address_come_before_authentication(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 3, "per": "1m", "by": "client_ip"}], access={"role": "user"},
                            auth={"api_keys": API_KEYS}))
    assert statuses(gateway, 4, fields=[("X-API-Key", "guess")]) == [401, 401, 401, 429]
    assert statuses(gateway, 1, fields=[("X-API-Key", KEYS["alice"])]) == [429]


def test_a_claimed_address_counts_only_from_a_trusted_proxy(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 2, "per": "1m", "by": "client_ip"}],
                            trusted_proxies=["127.0.0.50/32"]))
    for number in range(2):
        assert statuses(gateway, 1, fields=[("X-Forwarded-For", f"10.0.0.{number}")]) == [200]
    assert statuses(gateway, 1, fields=[("X-Forwarded-For", "10.0.0.9")]) == [429], "anyone could say so"
    for address in ("10.1.1.1", "10.1.1.2"):
        got = statuses(gateway, 3, fields=[("X-Forwarded-For", f"6.6.6.6, {address}")], source="127.0.0.50")
        assert got == [200, 200, 429], "the last address in front of the proxies counts"
    forwarded = upstream.requests[-1]
    assert forwarded.get("x-forwarded-for").endswith("10.1.1.2, 127.0.0.50")


def test_many_addresses_do_not_grow_the_process_without_bound(start, configure, upstream):
    gateway = start(limited(configure, upstream, [{"requests": 1, "per": "1h", "by": "client_ip"}],
                            trusted_proxies=["127.0.0.0/8"]))
    with gateway.connect() as connection:
        def ask(first, last):
            for number in range(first, last):
                address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
                connection.send(b"GET /limited/x HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: %s\r\n\r\n" % address.encode())
                assert connection.read_response().status == 200
        ask(0, 2000)
        before = gateway.resident_bytes()
        ask(2000, 8000)
        assert SANITIZED or gateway.resident_bytes() - before < 64 * 1024 * 1024
