"""Keys of the database on the path of a request: known from their making on, ended at once, and good for a while without it."""

import json
import threading
import time

import pytest

from support import raw, websocket
from support import upstream as answers
from support.gateway import basic_config, run
from support.wait import seconds, until

ROUTES = [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": {"role": "user"}}]


def key_header(key):
    return [("X-API-Key", key)]


def verb(gateway, *arguments):
    done = run(*arguments, "--config", gateway.config_file, env=gateway.env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_key(gateway, *arguments):
    return verb(gateway, "key", "create", "test", "--role", "user", *arguments).strip()


def id_of(key):
    return key.split("_")[1]


def listed(gateway, key):
    return next(item for item in json.loads(verb(gateway, "key", "list", "--json")) if item["id"] == id_of(key))


@pytest.fixture
def two_workers(start, configure, make_upstream):
    """(gateway, upstream), with connections on two workers."""
    upstream = make_upstream()
    return start(configure([upstream], ROUTES, workers=2)), upstream


def test_a_key_works_from_its_making_to_its_end(two_workers):
    gateway, upstream = two_workers
    key = make_key(gateway)
    for _ in range(8):  # on both workers
        assert gateway.get("/x", key_header(key)).status == 200
    assert upstream.requests[-1].get("x-gatehouse-subject") == id_of(key)
    assert upstream.requests[-1].get("x-gatehouse-principal-type") == "api_key"
    other = key[:-1] + ("A" if key[-1] != "A" else "B")
    assert gateway.get("/x", key_header(other)).status == 401

    verb(gateway, "key", "revoke", id_of(key))  # by another process: heard of within a second
    ended = time.monotonic()
    # A worker that asked for it again knows before the others hear of it.
    until(lambda: all(gateway.get("/x", key_header(key)).status == 401 for _ in range(8)), "the key to end on both workers")
    assert time.monotonic() - ended < seconds(1)
    for _ in range(8):
        assert gateway.get("/x", key_header(key)).all("www-authenticate") == ["Bearer"]


def test_a_key_that_expires_ends_what_it_has_open(start, configure, make_upstream):
    gates = [threading.Event()]
    gateway = start(configure([make_upstream(answers.server_sent_events(gates))], ROUTES))
    key = make_key(gateway, "--expires", "2s")
    with gateway.connect() as client:
        client.send(raw.encode_request("GET", "/events", key_header(key)))
        assert client.read_head().status == 200
        began = time.monotonic()
        with pytest.raises(raw.Closed):
            client.read_chunk()
        assert time.monotonic() - began < seconds(3)
    assert gateway.access_line("target", "/events")["outcome"] == "expired"
    assert gateway.get("/x", key_header(key)).status == 401


def test_revoking_ends_streams_and_tunnels_within_a_second(two_workers):
    gateway, upstream = two_workers
    upstream.paths["/events"] = answers.server_sent_events([threading.Event()])
    upstream.paths["/ws"] = answers.websocket_echo
    upstream.paths["/later"] = answers.server_sent_events([threading.Event()])
    key, spared = make_key(gateway), make_key(gateway)
    streams = [gateway.connect() for _ in range(6)]
    tunnels = [gateway.connect() for _ in range(6)]
    other = gateway.connect()
    try:
        for client in streams:
            client.send(raw.encode_request("GET", "/events", key_header(key)))
            assert client.read_head().status == 200
        for client in tunnels:
            assert websocket.open_websocket(client, fields=key_header(key)).status == 101
            assert websocket.echo(client, b"hello")[1] == b"hello"
        assert websocket.open_websocket(other, fields=key_header(spared)).status == 101

        verb(gateway, "key", "revoke", id_of(key))
        revoked = time.monotonic()
        for client in streams:
            with pytest.raises(raw.Closed):
                client.read_chunk()
        for client in tunnels:
            with pytest.raises(raw.Closed):
                client.read_exactly(1)
        assert time.monotonic() - revoked < seconds(1)
        assert websocket.echo(other, b"still here")[1] == b"still here"
    finally:
        for client in (*streams, *tunnels, other):
            client.close()
    outcomes = until(lambda: [line["outcome"] for line in gateway.access_log() if line.get("status") in (101, 200)
                              and line["outcome"] == "revoked"][11:] and [1], "twelve lines")
    assert outcomes


def test_the_last_use_is_written_without_being_waited_for(start, configure, upstream):
    gateway = start(configure([upstream], ROUTES))
    key, unused = make_key(gateway), make_key(gateway)
    writes = gateway.metric("database_query_duration_seconds_count", kind="update")
    reads = gateway.metric("database_query_duration_seconds_count", kind="select")
    for _ in range(50):
        assert gateway.get("/x", key_header(key)).status == 200
    assert gateway.metric("database_query_duration_seconds_count", kind="select") > reads
    assert gateway.metric("database_query_duration_seconds_count", kind="update") == writes
    gateway.stop()
    assert listed(gateway, key)["last_used_at"]
    assert listed(gateway, unused).get("last_used_at") is None


@pytest.fixture
def storage(postgres):
    """What the configuration says of a database that is ready."""
    return postgres.storage(postgres.make_database(), pool={"min": 2, "max": 8})


@pytest.fixture
def on_postgres(postgres, storage, start, tmp_path, upstream):
    config = basic_config(tmp_path / "gateway0", [upstream], ROUTES, workers=2, storage=storage)
    postgres.migrate(tmp_path / "gateway0", config)
    return start(config, env=postgres.env)


@pytest.mark.parametrize("how", ["stopped", "hanging"])
def test_without_the_database_known_keys_go_on_and_unknown_ones_wait(on_postgres, postgres, how):
    gateway = on_postgres
    known, unknown = make_key(gateway), make_key(gateway)
    with gateway.connect() as client:
        assert client.request("GET", "/x", key_header(known)).status == 200
        (postgres.stop if how == "stopped" else postgres.pause)()
        until_stale = time.monotonic() + 2.5
        slowest = 0
        while time.monotonic() < until_stale:
            began = time.monotonic()
            assert client.request("GET", "/x", key_header(known)).status == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < seconds(2)
        response = client.request("GET", "/x", key_header(unknown))
        assert response.status == 503
        assert response.get("retry-after")
        assert response.json()["code"] == "auth.unavailable"
        assert client.request("GET", "/x", key_header("gh_broken")).status == 401  # needs nobody to tell

        (postgres.start if how == "stopped" else postgres.resume)()
        until(lambda: client.request("GET", "/x", key_header(unknown)).status == 200, "the database to be back",
              timeout=15)


def test_a_key_revoked_on_one_node_ends_on_the_other(on_postgres, start, postgres, storage, upstream, tmp_path):
    one = on_postgres
    two = start(basic_config(tmp_path / "gateway1", [upstream], ROUTES, workers=2, data_dir=one.config["data_dir"],
                             storage=storage), env=postgres.env)
    key = make_key(one)
    for gateway in (one, two):
        assert gateway.get("/x", key_header(key)).status == 200
    verb(one, "key", "revoke", id_of(key))
    revoked = time.monotonic()
    for gateway in (one, two):
        until(lambda: gateway.get("/x", key_header(key)).status == 401, "the key to end")
    assert time.monotonic() - revoked < seconds(1.2)
