"""Ending tokens and keys: here at once, elsewhere within a second, and once the database is back where it was away meanwhile."""

import contextlib
import hashlib
import json
import os
import random
import signal
import sqlite3
import threading
import time

import pytest

from support import raw
from support.control import Control, add_user, house_config
from support.gateway import run
from support.wait import pass_time, seconds, until

PASSWORD = "the engine weaves"
ROUNDS = 24 if os.environ.get("GATEHOUSE_SLOW") == "1" else 4


@pytest.fixture
def storage(postgres):
    database = postgres.make_database()
    return database, postgres.storage(database, pool={"min": 2, "max": 6, "acquire_timeout": "1s",
                                                      "statement_timeout": "20s"})


@pytest.fixture
def on_postgres(postgres, storage, start, tmp_path, make_upstream):
    config = house_config(tmp_path / "gateway0", [make_upstream()], storage=storage[1])
    postgres.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=postgres.env)
    for name, role in (("ada", "admin"), ("uli", "user"), ("kim", "user")):
        add_user(gateway.config_file, name, PASSWORD, role, env=postgres.env)
    return gateway


def sign_in(gateway, *names):
    return [Control(gateway).sign_in(name, PASSWORD) for name in names]


def make_key(admin, name="k"):
    return admin.ask("POST", "/api/v1/keys", {"name": name, "roles": ["user"]}).json()


def status(caller, gateway=None):
    return (gateway or caller.gateway).get("/auth/me", caller.fields).status


def journal(gateway):
    folder = gateway.directory / "data" / "fallback_db"
    return [json.loads(line[17:]) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def recorded(postgres, database):
    rows = postgres.psql("SELECT kind, value FROM revocations ORDER BY created_at, id", database=database)
    return [tuple(row.split("|")) for row in rows.splitlines()]


def as_on(gateway, caller):
    other = Control(gateway)
    other.fields = caller.fields
    return other


# --- with the database ---

def test_what_one_node_ends_is_over_on_the_other_within_a_second(on_postgres, postgres, storage, start, tmp_path):
    one = on_postgres
    two = start(house_config(tmp_path / "gateway1", storage=storage[1], data_dir=one.config["data_dir"],
                             auth={"issuer": "http://" + one.config["listeners"][0]["bind"]}), env=postgres.env)
    admin, uli, kim, other = sign_in(one, "ada", "uli", "kim", "uli")
    key = Control(one, key=make_key(admin)["key"])
    for caller in (uli, kim, other, key):
        assert status(caller) == status(caller, two) == 200
    assert uli.ask("POST", "/api/v1/auth/logout").status == 204
    assert status(uli) == 401 and status(other) == 200  # this token, and not another
    user_id = next(user["id"] for user in admin.get("/api/v1/users").json()["items"] if user["name"] == "kim")
    assert admin.ask("DELETE", f"/api/v1/users/{user_id}/tokens").status == 204
    assert admin.ask("DELETE", f"/api/v1/keys/{key.fields[0][1].split('_')[1]}").status == 200
    ended = time.monotonic()
    assert status(kim) == 401 and status(key) == 401
    until(lambda: [status(caller, two) for caller in (uli, kim, key)] == [401] * 3, "the other node to hear")
    assert time.monotonic() - ended < seconds(1.2)
    assert status(other, two) == 200 and status(sign_in(one, "kim")[0], two) == 200
    assert len(recorded(postgres, storage[0])) == 3


def test_what_a_node_with_a_slow_clock_ends_is_over_as_well(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    add_user(gateway.config_file, "uli", PASSWORD, "user")
    uli, = sign_in(gateway, "uli")
    now = int(time.time() * 1_000_000)
    with contextlib.closing(sqlite3.connect(gateway.directory / "data" / "gatehouse.db", timeout=10)) as database, database:
        database.execute("INSERT INTO revocations (id, kind, value, issued_before, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                         ("01890000-0000-7000-8000-000000000001", "subject", "uli", now, now + 3_600_000_000, now - 600_000_000))
    until(lambda: status(uli) == 401, "the node to look at all of them", timeout=25)


@pytest.mark.parametrize("who, what, expected", [
    ("ada", "/api/v1/users/nobody/tokens", 404), ("ada", "/api/v1/users/01890000-0000-7000-8000-000000000000/tokens", 404),
    ("ada", "/api/v1/keys/nosuch", 404), ("uli", "/api/v1/users/kim/tokens", 403), ("uli", "/api/v1/keys/nosuch", 404)])
def test_who_may_not_end_it_or_names_nobody_is_told(on_postgres, who, what, expected):
    caller, kim = sign_in(on_postgres, who, "kim")
    assert caller.ask("DELETE", what).status == expected
    assert status(kim) == 200


# --- without it ---

@pytest.mark.parametrize("how", ["stopped", "hanging"])
def test_ending_needs_no_database_and_arrives_there_once_and_in_order(on_postgres, postgres, storage, start, how):
    gateway, (database, _) = on_postgres, storage
    admin, uli, kim, other = sign_in(gateway, "ada", "uli", "kim", "kim")
    made = make_key(admin)
    key, spared = Control(gateway, key=made["key"]), Control(gateway, key=make_key(admin, "spared")["key"])
    assert [status(caller) for caller in (uli, kim, other, key, spared)] == [200] * 5
    (postgres.stop if how == "stopped" else postgres.pause)()

    began = time.monotonic()
    assert admin.ask("DELETE", "/api/v1/users/ULI/tokens").status == 202
    assert time.monotonic() - began < seconds(3.5)  # two seconds of patience with one that hangs
    assert [line["kind"] for line in journal(gateway)] == ["identity.revoke"]  # before the answer
    began = time.monotonic()
    assert kim.ask("POST", "/api/v1/auth/logout").status == 202
    assert admin.ask("DELETE", f"/api/v1/keys/{made['id']}").status == 202
    assert time.monotonic() - began < seconds(1)  # now it is known to be away
    assert [status(caller) for caller in (uli, kim, key)] == [401] * 3
    assert [status(caller) for caller in (admin, other)] == [200] * 2  # tokens need nobody
    assert status(spared) == 200  # from the cache, up to five minutes
    waiting = gateway.get("/health/ready", listener="admin").json()["checks"]["database"]
    assert waiting["status"] != "healthy" and waiting["backlog"] == 3 and waiting["backlog_age_seconds"] >= 0
    assert gateway.metric("database_journal_backlog") == 3
    assert gateway.metric("database_journal_oldest_timestamp_seconds") == pytest.approx(time.time(), abs=60)

    gateway.kill()
    gateway.expected_exit = -signal.SIGKILL
    again = start(gateway.config, env=postgres.env)
    assert [status(caller, again) for caller in (uli, kim)] == [401] * 2
    assert status(key, again) in (401, 503) and status(other, again) == 503  # what else was revoked nobody can tell
    (postgres.start if how == "stopped" else postgres.resume)()
    until(lambda: again.metric("database_journal_backlog") == 0 and again.metric("database_journal_replayed_total") == 3,
          "the journal to be brought", timeout=15)
    until(lambda: status(other, again) == 200, "the revocations to be known")
    assert recorded(postgres, database) == [("subject", "uli"), ("token", recorded(postgres, database)[1][1]),
                                            ("key", made["id"])]
    assert postgres.psql(f"SELECT revoked_at IS NOT NULL FROM api_keys WHERE id = '{made['id']}'", database=database) == "t"
    assert [status(caller, again) for caller in (uli, kim, key, spared)] == [401, 401, 401, 200]
    assert not journal(gateway)
    until(lambda: any("writes that waited" in str(line) for line in again.log()), "a line about it")
    until(lambda: again.get("/health/ready", listener="admin").json()["checks"]["database"]["status"] == "healthy", "health to tell")
    assert status(sign_in(again, "uli")[0], again) == 200  # a new one is good


class Enders:
    """Each ends its own keys, one after the other, and remembers which it was told are ended."""

    def __init__(self, gateway, fields, keys):
        self.gateway, self.fields = gateway, fields
        self.told, self.wrong, self.statuses = [[] for _ in keys], [], set()
        self.threads = [threading.Thread(target=self.run, args=(mine, told)) for mine, told in zip(keys, self.told)]
        for thread in self.threads:
            thread.start()

    def run(self, keys, told):
        for key in keys:
            try:
                answer = self.gateway.request("DELETE", f"/api/v1/keys/{key}", self.fields, timeout=seconds(20))
            except (OSError, raw.Closed):
                return  # killed: nobody knows what became of this one
            self.statuses.add(answer.status)
            if answer.status not in (200, 202, 204):  # 204: ended, but the database left before it could show it
                self.wrong.append(answer)
                return
            told.append(key)

    def join(self):
        for thread in self.threads:
            thread.join()
        assert not self.wrong, self.wrong[:3]


def test_a_server_that_stops_under_load_and_a_kill_lose_nothing_and_double_nothing(on_postgres, postgres, storage, start):
    gateway, chance = on_postgres, random.Random(4)
    ended, waited = [], 0
    for number in range(ROUNDS):
        if number % 10 == 0:  # one owner has at most a thousand keys
            add_user(gateway.config_file, f"ada{number}", PASSWORD, "admin", env=postgres.env)
            admin, = sign_in(gateway, f"ada{number}")
        keys = [[make_key(admin)["id"] for _ in range(20)] for _ in range(4)]
        enders = Enders(gateway, admin.fields, keys)
        until(lambda: all(enders.told), "a first end by each", timeout=20)
        postgres.stop(signal.SIGINT if number % 2 else signal.SIGQUIT)
        until(lambda: 202 in enders.statuses or not any(thread.is_alive() for thread in enders.threads), "an end without it")
        pass_time(chance.uniform(0, 0.1))
        gateway.kill()
        gateway.expected_exit = -signal.SIGKILL
        enders.join()
        waited += 202 in enders.statuses
        ended += enders.told
        if number % 4 < 2:  # the database is there before the house, or the house before the database
            postgres.start()
        gateway = start(gateway.config, env=postgres.env)
        postgres.ensure_running()
        admin = as_on(gateway, admin)
        until(lambda: status(admin) == 200, "the database to be heard", timeout=20)
    until(lambda: gateway.metric("database_journal_backlog") == 0, "the journal to be brought", timeout=20)
    assert waited > 0 and sum(map(len, ended)) >= 4 * ROUNDS
    query = lambda sql: postgres.psql(sql, database=storage[0]).splitlines()  # noqa: E731
    revoked = query("SELECT value FROM revocations WHERE kind = 'key'")
    assert len(revoked) == len(set(revoked))
    assert {key for told in ended for key in told} <= set(revoked)
    assert set(query("SELECT id FROM api_keys WHERE revoked_at IS NOT NULL")) == set(revoked)
    # In flight, one each, when the kill came: as if they had been told, or as if they had not been asked.
    assert len(revoked) <= sum(map(len, ended)) + 4 * ROUNDS
    logged = query("SELECT object_id FROM audit_records WHERE action = 'key.revoke' ORDER BY leaf_index")
    assert sorted(logged) == sorted(revoked)
    place = {key: index for index, key in enumerate(logged)}
    for told in ended:
        assert [place[key] for key in told] == sorted(place[key] for key in told)
    verified = run("audit", "verify", "--config", gateway.config_file, env=postgres.env, timeout=60)
    assert verified.returncode == 0, verified
    assert not query("SELECT id FROM journal_rejects")


# --- what the database refuses ---

def line_of(sequence, kind, payload):
    record = json.dumps({"sequence": sequence, "id": f"01890000-0000-7000-8000-{sequence:012d}", "kind": kind,
                         "at": 1_700_000_000_000_000, "payload": payload}, separators=(",", ":"))
    return f"{hashlib.sha256(record.encode()).hexdigest()[:16]} {record}\n"


def told(number):
    """The line of the audit log that comes with a record."""
    return json.dumps({"v": 1, "id": f"01890000-0000-7000-9000-{number:012d}", "time": "2023-11-14T22:13:20.000Z",
                       "severity": "info", "actor": {"type": "user", "subject": "ada"}, "act": [], "action": "test.end",
                       "object": {"type": "token", "id": str(number)}, "outcome": "success", "request_id": "",
                       "correlation_id": "", "client": "", "details": {}}, separators=(",", ":"))


def test_a_record_that_the_database_refuses_is_set_aside_and_blocks_nobody(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    folder = tmp_path / "gateway0" / "data" / "fallback_db"
    folder.mkdir(parents=True, mode=0o700)
    (tmp_path / "gateway0" / "data").chmod(0o700)
    (folder / f"{1:020d}.jsonl").write_text(
        line_of(1, "identity.revoke", {"kind": "subject", "value": "nobody", "record": told(1)})
        + line_of(2, "identity.revoke", {"kind": "planet", "value": "mars", "record": told(2)})
        + line_of(3, "no.such.kind", {"a": "'; DROP TABLE users; --"})
        + line_of(4, "identity.revoke", {"kind": "token", "value": "a-token", "record": told(4)}))
    gateway = start(config)
    until(lambda: gateway.metric("database_journal_backlog") == 0, "the journal to be brought")
    database = sqlite3.connect(gateway.directory / "data" / "gatehouse.db")
    assert database.execute("SELECT kind, reason FROM journal_rejects ORDER BY id").fetchall() == [
        ("identity.revoke", "user.unknown"), ("identity.revoke", "revocation.malformed"), ("no.such.kind", "journal.kind")]
    assert database.execute("SELECT kind, value FROM revocations").fetchall() == [("token", "a-token")]
    assert database.execute("SELECT object_id FROM audit_records WHERE action = 'test.end'").fetchall() == [("4",)]
    refused = "SELECT count(*) FROM audit_records WHERE action = 'journal.reject'"
    until(lambda: database.execute(refused).fetchone() == (3,), "the audit log to tell of each")
    database.close()
    assert gateway.metric("database_journal_rejected_total") == 3
    # What the audit log tells of each may have waited, too.
    until(lambda: gateway.metric("database_journal_replayed_total")
          == 1 + gateway.metric("database_journal_records_total"), "one of the file, and what was told of the others")
    until(lambda: sum("kept in journal_rejects" in str(line) for line in gateway.log()) == 3, "a line for each")
    assert not journal(gateway)


def test_a_journal_that_was_tampered_with_stops_the_start(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    folder = tmp_path / "gateway0" / "data" / "fallback_db"
    folder.mkdir(parents=True, mode=0o700)
    lines = [line_of(n, "identity.revoke", {"kind": "token", "value": f"t{n}"}) for n in (1, 2)]
    (folder / f"{1:020d}.jsonl").write_text(lines[0].replace("t1", "t9") + lines[1])
    gateway = start(config, ready=False)
    gateway.expected_exit = 1
    assert gateway.wait_for_exit() == 1 and "fallback_db" in gateway.output()
