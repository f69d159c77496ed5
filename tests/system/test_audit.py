"""The audit log of the real binary: read, exported and verified beside a running house, tampered with, killed and cut off."""

import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import threading

import pytest

from support import go_verifier, raw
from support.control import Control, add_user, house_config
from support.gateway import BINARY, environment, run
from support.wait import seconds, until

PASSWORD = "the engine weaves"
ROUNDS = 200 if os.environ.get("GATEHOUSE_SLOW") == "1" else 20


def audit(gateway, *arguments, code=0):
    done = run("audit", *arguments, "--config", gateway.config_file, timeout=60, env=gateway.env)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def records(gateway, *arguments):
    """Of the newest ones, the oldest first."""
    lines = audit(gateway, "tail", "--json", "--count", "1000", *arguments).splitlines()
    return [json.loads(line)["record"] for line in lines]


def make_key(admin, name):
    return admin.ask("POST", "/api/v1/keys", {"name": name, "roles": ["user"]})


@pytest.fixture
def house(start, tmp_path):
    """(gateway, an administrator)"""
    gateway = start(house_config(tmp_path / "gateway0"))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    return gateway, Control(gateway).sign_in("ada", PASSWORD)


# --- reading ---

def test_acts_are_told_with_who_did_them_and_from_where(house):
    gateway, admin = house
    response = make_key(admin, "bob")
    assert response.status == 201, response
    told = records(gateway, "--actor", "ada", "--action", "key.create")
    assert len(told) == 1
    assert told[0]["actor"] == {"type": "user", "subject": "ada"} and told[0]["outcome"] == "success"
    assert told[0]["client"] == "127.0.0.1" and told[0]["request_id"] == response.get("x-request-id")
    assert told[0]["object"] == {"type": "key", "id": response.json()["id"]}
    everything = audit(gateway, "tail", "--json", "--count", "1000")
    assert PASSWORD not in everything and response.json()["key"] not in everything


def test_tail_filters(house):
    gateway, admin = house
    assert Control(gateway).form("/auth/token", {"username": "nobody", "password": "x"}).status == 401
    make_key(admin, "bob")
    refused = records(gateway, "--severity", "low")
    assert [record["outcome"] for record in refused] == ["denied"]
    assert records(gateway, "--object-type", "agent") == []
    assert records(gateway, "--until", "1h") == []
    assert len(records(gateway, "--since", "1h")) == len(records(gateway)) >= 4
    text = audit(gateway, "tail")
    assert text.splitlines()[-1].split()[5] == "key.create"
    assert audit(gateway, "tail", "--count", "0") == ""


def test_tail_goes_on_with_what_comes(house):
    gateway, admin = house
    tail = subprocess.Popen([str(BINARY), "audit", "tail", "--json", "--follow", "--count", "1", "--config",
                             str(gateway.config_file)], stdout=subprocess.PIPE, text=True, env=environment())
    try:
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(itertools.islice(tail.stdout, 4)), daemon=True)
        reader.start()
        until(lambda: seen or not reader.is_alive(), "the first line")
        for name in ("bob", "eve", "kim"):
            assert make_key(admin, name).status == 201
        until(lambda: not reader.is_alive(), "what came")
        told = [json.loads(line)["record"] for line in seen]
        assert [record["details"]["name"] for record in told[1:]] == ["bob", "eve", "kim"]
    finally:
        tail.kill()
        tail.communicate()


@pytest.mark.parametrize(("arguments", "said"), [
    (["tail", "--since", "yesterday"], "--since"),
    (["tail", "--severity", "worst"], "--severity"),
    (["tail", "--count", "1001"], "--count"),
    (["verify", "--key", "nobody"], "--key"),
    (["export", "--follow"], "--follow"),
])
def test_wrong_usage_is_told(house, arguments, said):
    done = run("audit", *arguments, "--config", house[0].config_file)
    assert done.returncode == 2 and said in done.stdout + done.stderr


# --- verifying ---

def database_of(gateway):
    connection = sqlite3.connect(gateway.directory / "data/gatehouse.db", timeout=seconds(10))
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'audit%'"
                                      ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def test_a_log_that_is_right_is_found_right_beside_a_running_house(house):
    gateway, admin = house
    for i in range(30):
        assert make_key(admin, f"user{i}").status == 201
    assert "the audit log is what it was" in audit(gateway, "verify")
    gateway.stop()
    said = audit(gateway, "verify")  # with the checkpoint of the end
    assert "wrong" not in said and "1 checkpoints and 0 records that were kept elsewhere fit" in said
    total = int(said.split(" records", 1)[0].splitlines()[-1])
    assert f"\n{total}\n" in (gateway.directory / "data/audit/checkpoint").read_text()


@pytest.mark.parametrize(("sql", "said"), [
    ("UPDATE audit_records SET record = replace(record, 'ada', 'eve') WHERE leaf_index = 2",
     "record 2 is not the one that was recorded"),
    ("UPDATE audit_records SET actor = 'eve' WHERE leaf_index = 1", "record 1 is listed as another than it is"),
    ("DELETE FROM audit_records WHERE leaf_index = 2", "record 2 is missing"),
    ("DELETE FROM audit_checkpoints", None),
    ("UPDATE audit_tree SET hash = zeroblob(32) WHERE position = 2", "does not fit"),
])
def test_tampering_with_the_file_is_found(house, sql, said):
    gateway, admin = house
    for name in ("bob", "eve"):
        assert make_key(admin, name).status == 201
    gateway.stop()
    with database_of(gateway) as connection:
        assert connection.execute(sql).rowcount > 0
    connection.close()
    if said:
        assert said in audit(gateway, "verify", code=1)
    else:  # what was kept beside the database still speaks for the log
        assert "1 checkpoints and 0 records that were kept elsewhere fit" in audit(gateway, "verify")


def test_an_older_database_in_its_place_is_found_and_not_signed(house, start):
    gateway, admin = house
    gateway.stop()
    shutil.copy(gateway.directory / "data/gatehouse.db", gateway.directory / "older.db")
    again = start(gateway.config)
    again.config_file = gateway.config_file
    assert make_key(Control(again).sign_in("ada", PASSWORD), "bob").status == 201
    again.stop()
    for suffix in ("-wal", "-shm"):
        (gateway.directory / f"data/gatehouse.db{suffix}").unlink(missing_ok=True)
    shutil.copy(gateway.directory / "older.db", gateway.directory / "data/gatehouse.db")
    assert "records was kept, and the log has" in audit(gateway, "verify", code=1)
    third = start(gateway.config)
    failures = ("audit_checkpoint_failures_total", frozenset())
    until(lambda: third.metrics().get(failures), "a checkpoint that is refused")
    until(lambda: any(line.get("reason") == "audit.rolled_back" for line in third.log()), "the reason in the log")


# --- exporting ---

@pytest.fixture(scope="session")
def go():
    return go_verifier.program()


def test_go_believes_an_export_of_the_running_house(house, go, tmp_path):
    gateway, admin = house
    for i in range(20):
        assert make_key(admin, f"user{i}").status == 201
        if i % 7 == 0:
            audit(gateway, "export", "--out", tmp_path / "early.jsonl")
    audit(gateway, "export", "--out", tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o777 == 0o600
    key = json.loads((tmp_path / "all.jsonl").read_text().splitlines()[0])["verifier_key"]
    done = subprocess.run([go, "-key", key, tmp_path / "all.jsonl"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0 and "every root was computed anew" in done.stdout, done.stdout + done.stderr
    some = tmp_path / "some.jsonl"
    some.write_text(audit(gateway, "export", "--action", "key.create", "--actor", "ada"))
    done = subprocess.run([go, "-key", key, some], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "20 of " in done.stdout, done.stdout + done.stderr
    said = audit(gateway, "verify", "--export", tmp_path / "early.jsonl", "--key", key)
    assert "wrong" not in said and "that were kept elsewhere fit" in said
    changed = tmp_path / "changed.jsonl"
    changed.write_text((tmp_path / "early.jsonl").read_text().replace("user3", "user4"))
    assert "is not the one that was exported" in audit(gateway, "verify", "--export", changed, code=1)
    other = tmp_path / "other.jsonl"
    other.write_text("{}\n")
    assert run("audit", "verify", "--export", other, "--config", gateway.config_file).returncode == 1


# --- kill -9 ---

def test_nothing_acknowledged_is_lost_when_it_is_killed(house, start):
    gateway, _ = house
    gateway.stop()
    acknowledged = []
    for round_number in range(ROUNDS):
        running = start(gateway.config)
        running.expected_exit = -9
        admin = Control(running).sign_in("ada", PASSWORD)

        def make_many(number, caller=admin, prefix=f"r{round_number}"):
            for i in itertools.count():
                try:
                    response = make_key(caller, f"{prefix}-{number}-{i}")
                except (OSError, raw.Closed):
                    return
                if response.status == 201:
                    acknowledged.append(response.json()["id"])
        callers = [threading.Thread(target=make_many, args=(number,)) for number in range(2)]
        wanted = len(acknowledged) + 3
        for caller in callers:
            caller.start()
        until(lambda wanted=wanted: len(acknowledged) >= wanted, "acts", timeout=20)
        running.kill()
        for caller in callers:
            caller.join()
    assert "the audit log is what it was" in audit(gateway, "verify")
    lines = audit(gateway, "export", "--action", "key.create").splitlines()
    told = [json.loads(line)["record"]["object"]["id"] for line in lines if line.startswith('{"index"')]
    assert len(told) == len(set(told)) and set(acknowledged) <= set(told)


# --- PostgreSQL ---

numbers = itertools.count()


def sign_in_while(gateway, names, act):
    """Wrong passwords for all names at once, and `act` when the first of them was answered: who was told 401."""
    refused = []

    def one(name):
        # Each from a network of its own: there is a limit to failures from one.
        number = next(numbers)
        response = Control(gateway).form("/auth/token", {"username": name, "password": "wrong"}, timeout=30,
                                         fields=[("X-Forwarded-For", f"10.{number}.0.1")])
        assert response.status in (401, 503), response
        if response.status == 401:
            refused.append(name)
    callers = [threading.Thread(target=one, args=(name,)) for name in names]
    for caller in callers:
        caller.start()
    until(lambda: refused, "the first answer", timeout=20)
    act()
    for caller in callers:
        caller.join()
    return refused


def test_records_of_refused_requests_wait_while_the_server_is_away(postgres, start, tmp_path, go):
    config = house_config(tmp_path / "gateway0", storage=postgres.storage(postgres.make_database()),
                          trusted_proxies=["127.0.0.1/32"])
    postgres.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=postgres.env)
    refused = []
    for attempt in range(10):  # until the server went between a look at a user and the record of it
        refused += sign_in_while(gateway, [f"u{attempt}-{i}" for i in range(10)], postgres.stop)
        waiting = gateway.metric("database_journal_backlog")
        postgres.start()
        until(lambda: gateway.get("/health/ready", listener="admin").status == 200, "the server to be seen again",
              timeout=30)
        until(lambda: gateway.metric("database_journal_backlog") == 0, "the journal to be empty", timeout=30)
        if waiting:
            break
    assert gateway.metric("database_journal_replayed_total") >= 1
    told = [record["details"]["name"] for record in records(gateway, "--action", "user.sign_in")]
    assert sorted(name for name in told if name in refused) == sorted(refused)  # each once
    audit(gateway, "export", "--out", tmp_path / "all.jsonl")
    key = json.loads((tmp_path / "all.jsonl").read_text().splitlines()[0])["verifier_key"]
    done = subprocess.run([go, "-key", key, tmp_path / "all.jsonl"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the audit log is what it was" in audit(gateway, "verify")
