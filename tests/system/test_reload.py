"""A new configuration takes the place of the old one whole or not at all, under running requests."""

import copy
import json
import os
import threading

import pytest

from support import raw, websocket
from support import upstream as answers
from support.gateway import SANITIZED, api_key, public_route, upstream_config, write_config
from support.ports import free_port
from support.wait import until


def changed(config, **keys):
    new = copy.deepcopy(config)
    new.update(keys)
    return new


def test_sighup_brings_new_routes_and_takes_old_ones(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/old/")]))
    assert (gateway.get("/old/x").status, gateway.get("/new/x").status) == (200, 404)
    gateway.reload(changed(gateway.config, routes=[public_route("/new/")]))
    assert (gateway.get("/old/x").status, gateway.get("/new/x").status) == (404, 200)


def test_a_changed_file_is_noticed_by_itself(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/old/")]))
    write_config(gateway.config_file, changed(gateway.config, routes=[public_route("/new/")]))
    until(lambda: gateway.get("/new/x").status == 200, "the changed file to be read", timeout=10)


def test_a_file_rewritten_in_place_is_noticed_too(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/old/")]))
    gateway.config_file.write_text(json.dumps(changed(gateway.config, routes=[public_route("/new/")])))
    until(lambda: gateway.get("/new/x").status == 200, "the changed file to be read", timeout=10)


def bad_files(config):
    route = public_route()
    no_access = {key: value for key, value in route.items() if key != "access"}
    return {
        "no YAML": "listeners: [", "empty": "", "a list": "- a\n", "unknown key": changed(config, colour="blue"),
        "route without access": changed(config, routes=[no_access]),
        "unknown upstream": changed(config, routes=[public_route(upstream="nobody")]),
        "wrong type": changed(config, workers="many"),
        "missing certificate": changed(config, listeners=[*config["listeners"], {
            "name": "public", "bind": f"127.0.0.1:{free_port()}", "serve": ["gateway"],
            "tls": {"certificate": {"cert_file": "missing.pem", "key_file": "missing.key"}}}]),
    }


@pytest.mark.parametrize("case", ["no YAML", "empty", "a list", "unknown key", "route without access", "unknown upstream",
                                  "wrong type", "missing certificate"])
def test_a_bad_file_is_refused_and_the_old_configuration_stays(start, configure, upstream, case):
    gateway = start(configure([upstream], [public_route("/old/")]))
    gateway.reload(bad_files(gateway.config)[case], accepted=False)
    assert gateway.get("/old/x").status == 200
    gateway.reload(changed(gateway.config, routes=[public_route("/new/")]))
    assert gateway.get("/new/x").status == 200


def test_a_missing_file_is_refused(start, configure, upstream):
    gateway = start(configure([upstream]))
    os.rename(gateway.config_file, gateway.config_file.with_suffix(".away"))
    gateway.reload(accepted=False)
    assert gateway.get("/").status == 200


def test_a_port_that_is_taken_refuses_the_whole_file(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/old/")]))
    extra = {"name": "extra", "bind": f"127.0.0.1:{upstream.port}", "serve": ["gateway"]}
    gateway.reload(changed(gateway.config, listeners=[*gateway.config["listeners"], extra], routes=[public_route("/new/")]),
                   accepted=False)
    assert (gateway.get("/old/x").status, gateway.get("/new/x").status) == (200, 404)


def test_a_changed_data_dir_is_refused_by_name(start, configure, upstream, tmp_path):
    gateway = start(configure([upstream]))
    line = gateway.reload(changed(gateway.config, data_dir=str(tmp_path / "elsewhere")), accepted=False)
    assert "data_dir" in str(line)
    assert not (tmp_path / "elsewhere").exists()


def test_what_waits_for_the_next_start_is_named(start, configure, upstream):
    gateway = start(configure([upstream]))
    gateway.reload(changed(gateway.config, workers=2, telemetry={**gateway.config["telemetry"], "release": "2"}))
    waiting = [line["key"] for line in gateway.log() if "next start" in line["message"]]
    assert waiting == ["workers", "telemetry.release"]


def test_listeners_come_and_go(start, configure, upstream):
    gateway = start(configure([upstream]))
    old = gateway.config
    port = free_port()
    gateway.config = changed(old, listeners=[*old["listeners"], {"name": "extra", "bind": f"127.0.0.1:{port}", "serve": ["gateway"]}])
    gateway.reload(gateway.config)
    assert gateway.get("/", listener="extra").status == 200
    with gateway.connect("extra") as running:
        assert running.request("GET", "/").status == 200
        gateway.reload(old)

        def refuses():
            try:
                raw.Connection(port).close()
            except ConnectionRefusedError:
                return True
            return False
        until(refuses, "the listener to close")
    gateway.config = old
    assert gateway.get("/").status == 200


def test_limits_keys_and_hosts_change(start, configure, upstream):
    gateway = start(configure([upstream], [public_route(access={"role": "user"})],
                              auth={"api_keys": [api_key("a", "first-key-of-good-length-0123456789")]}))

    def status(key, **options):
        return gateway.get("/", [("X-API-Key", key)], **options).status
    first, second = "first-key-of-good-length-0123456789", "second-key-of-good-length-0123456789"
    assert (status(first), status(second)) == (200, 401)
    gateway.reload(changed(gateway.config, allowed_hosts=["new.test"], limits={"uri_bytes_max": "300B"},
                           auth={"api_keys": [api_key("b", second)]}))
    assert (status(first, host="new.test"), status(second, host="new.test")) == (401, 200)
    assert status(second) == 421
    assert gateway.get("/" + "a" * 400, host="new.test").status == 414


def test_more_connections_than_the_start_made_room_for_need_a_restart(start, configure, upstream):
    gateway = start(configure([upstream], limits={"connections_max": 100}))

    def warnings():
        return [line for line in gateway.log() if "limits.connections_max stays" in json.dumps(line)]
    gateway.reload(changed(gateway.config, limits={"connections_max": 50}))
    gateway.reload(changed(gateway.config, limits={"connections_max": 100}))
    assert not warnings()
    gateway.reload(changed(gateway.config, limits={"connections_max": 200}))
    line = until(warnings, "a warning")[0]
    assert line["level"] == "WARNING" and "restart" in json.dumps(line)
    assert (line["wanted"], line["connections_max"]) == (200, 100)
    assert gateway.get("/").status == 200


def test_a_kept_connection_sees_the_new_configuration(start, configure, upstream):
    gateway = start(configure([upstream], [public_route("/old/")], workers=2))
    connections = [gateway.connect() for _ in range(8)]
    assert all(connection.request("GET", "/old/x").status == 200 for connection in connections)
    gateway.reload(changed(gateway.config, routes=[public_route("/new/")]))
    assert [connection.request("GET", "/new/x").status for connection in connections] == [200] * 8
    for connection in connections:
        connection.close()


def test_running_streams_and_tunnels_live_on(start, configure, make_upstream):
    gates = [threading.Event() for _ in range(3)]
    events, sockets = make_upstream(answers.server_sent_events(gates)), make_upstream(answers.websocket_echo)
    upstreams = [upstream_config(events, "events"), upstream_config(sockets, "sockets")]
    gateway = start(configure(upstreams, [public_route("/events", "events"), public_route("/ws", "sockets")]))
    with gateway.connect() as stream, gateway.connect() as tunnel:
        stream.send(raw.encode_request("GET", "/events"))
        stream.read_head()
        gates[0].set()
        assert stream.read_chunk() == b"data: event 0\n\n"
        assert websocket.open_websocket(tunnel).status == 101
        assert websocket.echo(tunnel, b"before")[1] == b"before"
        other = make_upstream()
        gateway.reload(changed(gateway.config, upstreams=[upstream_config(other)], routes=[public_route()]))
        assert gateway.get("/x").status == 200 and len(other.requests) == 1
        gates[1].set()
        assert stream.read_chunk() == b"data: event 1\n\n"
        assert websocket.echo(tunnel, b"after")[1] == b"after"
        gates[2].set()
        assert stream.read_chunk() == b"data: event 2\n\n"
        assert stream.read_chunk() == b""


def test_no_request_is_lost_while_reloading_again_and_again(start, configure, upstream):
    gateway = start(configure([upstream], workers=2))
    results, stop = [], threading.Event()

    def client():
        while not stop.is_set():
            with gateway.connect() as connection:
                for _ in range(20):
                    results.append(connection.request("GET", "/").status)
    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(8):
            gateway.reload(changed(gateway.config, routes=[public_route(), public_route(f"/{number}/")]))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert results and set(results) == {200}


def test_counters_of_limits_survive_a_reload(start, configure, upstream):
    limit = [{"requests": 3, "per": "1m", "by": "client_ip"}]
    gateway = start(configure([upstream], [public_route(rate_limit=limit)]))
    assert [gateway.get("/").status for _ in range(3)] == [200] * 3
    gateway.reload(changed(gateway.config, limits={"uri_bytes_max": "4KiB"}))
    assert gateway.get("/").status == 429


def test_metrics_keep_counting_over_a_reload(start, configure, upstream):
    gateway = start(configure([upstream]))
    gateway.get("/")
    gateway.reload(changed(gateway.config, limits={"uri_bytes_max": "4KiB"}))
    gateway.get("/")
    until(lambda: gateway.metric("http_requests_total", handler="/") == 2, "two requests counted")


def test_reloads_leave_no_descriptors_or_memory_behind(start, configure, upstream, tls_files):
    gateway = start(configure([upstream], tls=tls_files))

    def reload(number):
        gateway.reload(changed(gateway.config, routes=[public_route(), public_route(f"/{number}/")]))
    for number in range(5):
        reload(number)
    descriptors, memory = gateway.open_descriptors(), gateway.resident_bytes()
    for number in range(25):
        reload(number)
    until(lambda: gateway.open_descriptors() <= descriptors + 2, "descriptors to be closed")
    assert SANITIZED or gateway.resident_bytes() - memory < 4 * 1024 * 1024


def test_a_refused_reload_leaves_no_new_listener_open(start, configure, upstream, tmp_path):
    gateway = start(configure([upstream]))
    port = free_port()
    more = [*gateway.config["listeners"], {"name": "more", "bind": f"127.0.0.1:{port}", "serve": ["gateway"]}]
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    secure = {"name": "secure", "endpoints": ["https://127.0.0.1:1"], "tls": {"ca_file": str(nonsense)}}
    gateway.reload(changed(gateway.config, listeners=more, upstreams=[*gateway.config["upstreams"], secure]),
                   accepted=False)
    with pytest.raises(ConnectionRefusedError):
        raw.Connection(port).close()
    gateway.config = changed(gateway.config, listeners=more)
    gateway.reload(gateway.config)
    assert gateway.get("/", listener="more").status == 200
