"""What is personal or secret does not reach a log, whatever way a client sends it; and the level of the log while it runs."""

import json
import random
import re
import sqlite3

import pytest

from support.gateway import api_key
from support.wait import until

ADMIN = "key-of-admin-long-enough-0123456789abcdef"


def drawn(size, alphabet="abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"):
    return "".join(random.choices(alphabet, k=size)) + "aB3"


def hidden_things():
    """What must not be found again, by its kind."""
    return {"email": "bob.keller@example.com", "card": "4111111111111111", "ssn": "078-05-1120", "secret": drawn(20),
            "token": "gh" + "p_" + drawn(36)}


def lines_of(gateway):
    return (gateway.directory / "access.log").read_text()


def logs_of(gateway):
    return lines_of(gateway) + gateway.stderr_file.read_text()


def test_nothing_of_any_kind_survives_in_a_log(gateway):
    things = hidden_things()
    every = " ".join([things["email"], things["card"], things["ssn"], "password=" + things["secret"], things["token"]])
    encoded = every.replace(" ", "%20").replace("@", "%40")
    gateway.get(f"/path/{encoded}", [("User-Agent", "one " + every), ("X-Correlation-ID", "first")])
    gateway.get(f"/?q={encoded}&note=x", [("User-Agent", f'{{"password": "{things["secret"]}", "mail": "{things["email"]}"}}'),
                                          ("Authorization", "Bearer " + things["token"])])
    gateway.get("/", [("traceparent", every), ("X-Request-ID", things["email"]), ("Cookie", "sid=" + things["secret"]),
                      ("X-Correlation-ID", things["email"])])
    gateway.get(f"http://bob:{things['secret']}@localhost/x")
    gateway.get("/", host=things["email"])
    until(lambda: len(lines_of(gateway).splitlines()) >= 5, "five lines")
    for line in lines_of(gateway).splitlines():
        assert json.loads(line)["component"] == "access"
    for kind, thing in things.items():
        assert thing not in logs_of(gateway), kind
        assert thing.replace("@", "%40") not in logs_of(gateway), kind
    for kind in things:
        assert f"[{kind}]" in lines_of(gateway), kind
    first = json.loads(next(line for line in lines_of(gateway).splitlines() if "one " in line))
    assert first["client_ip"] == "127.0.0.1" and first["status"] == 200


def test_hostile_bytes_around_it_change_nothing(gateway):
    email = hidden_things()["email"]
    for before, behind in (('"', '"'), ("\\", "\\"), ("\\u0041", "\\n"), ("\x1b[31m", "\x1b[0m"), ("\xff", "\xfe"), ("{\"a\":\"", "\"}"),
                           ("@@@@", "@@@@"), ("[email]", "[email]")):
        gateway.get("/h", [("User-Agent", f"x {before} {email} {behind}")])
    until(lambda: len(gateway.access_log()) == 8, "eight lines")
    assert email not in lines_of(gateway) and lines_of(gateway).count("[email]") >= 8


def test_a_huge_header_costs_no_line(start, configure, upstream):
    gateway = start(configure([upstream]))
    email = hidden_things()["email"]
    with gateway.connect() as client:
        client.send(b"GET /huge HTTP/1.1\r\nHost: localhost\r\nUser-Agent: " + (email.encode() + b" ") * 45_000 + b"\r\n\r\n")
        try:
            client.read_head()
        except OSError:
            pass  # closed while it still sent
    gateway.get("/after")
    gateway.access_line("target", "/after")
    assert email not in logs_of(gateway)
    for line in lines_of(gateway).splitlines():
        json.loads(line)


def configured(configure, upstream, **redaction):
    config = configure([upstream])
    config["telemetry"]["redaction"] = redaction
    return config


def test_pseudonyms_know_a_person_again_and_outlive_a_restart(start, configure, upstream, tmp_path):
    config = configured(configure, upstream, pseudonyms=True, allow=["*@passes.example"])
    found = set()
    for life in (1, 2):
        gateway = start(config)
        gateway.get("/one", [("User-Agent", "Bob@Example.com")])
        gateway.get("/two?x=bob%40example.com", [("User-Agent", "eve@passes.example")])
        gateway.stop()
        log = (tmp_path / "gateway0" / "access.log").read_text()  # both write to it
        assert log.count("eve@passes.example") == life
        codes = re.findall(r"\[email:[0-9a-f]{8}\]", log)
        assert len(codes) == 2 * life
        found |= set(codes)
    assert len(found) == 1


def test_a_reload_changes_what_is_redacted(start, configure, upstream):
    gateway = start(configured(configure, upstream, enabled=False))
    agent = [("User-Agent", "bob@example.com 192.0.2.7")]
    gateway.get("/off", agent)
    assert gateway.access_line("target", "/off")["user_agent"] == "bob@example.com 192.0.2.7"
    gateway.reload(configured(configure, upstream, ip_addresses=True) | {"listeners": gateway.config["listeners"]})
    gateway.get("/on", agent)
    line = gateway.access_line("target", "/on")
    assert (line["user_agent"], line["client_ip"]) == ("[email] [ip]", "[ip]")
    gateway.reload(configured(configure, upstream, allow=["*"]) | {"listeners": gateway.config["listeners"]}, accepted=False)


@pytest.fixture
def house(start, configure, upstream):
    config = configure([upstream], auth={"api_keys": [api_key("ada", ADMIN, ["admin"])]})
    config["listeners"][0]["serve"] = ["gateway", "api"]
    return start(config)


def test_the_level_is_changed_while_it_runs(house):
    admin = [("X-API-Key", ADMIN)]
    assert house.get("/api/v1/log-level", admin).json() == {"level": "info"}
    assert house.get("/api/v1/log-level").status == 401
    body = [*admin, ("Content-Type", "application/json")]
    assert house.request("PUT", "/api/v1/log-level", body, b'{"level":"loud"}').status == 422
    assert house.request("PUT", "/api/v1/log-level", body, b'{"level":"error"}').json() == {"level": "error"}
    assert house.get("/api/v1/log-level", admin).json() == {"level": "error"}
    with sqlite3.connect(f"file:{house.directory / 'data' / 'gatehouse.db'}?mode=ro", uri=True) as database:
        records = [json.loads(row[0]) for row in database.execute("SELECT record FROM audit_records")]
    changes = [record for record in records if record["action"] == "log.level"]
    assert [change["details"] for change in changes] == [{"from": "info", "to": "error"}]
    quiet = len(house.log())
    house.signal(1)
    until(lambda: house.get("/api/v1/log-level", admin).json() == {"level": "info"}, "the level of the file")
    assert len(house.log()) >= quiet
