"""The vault, killed with -9 in the middle of what changes it: nothing is lost, and the next one goes on."""

import base64
import collections
import json
import os
import shutil
import sqlite3

from support.gateway import Gatehouse, write_config
from support.house import House
from support.killing import killed, length_of, moments, stages

ROUNDS = 100 if os.environ.get("GATEHOUSE_SLOW") == "1" else 12


def copies_of(origin, tmp_path):
    """Houses like this one, each with a data directory of its own."""
    number = 0
    while True:
        number += 1
        house = House(tmp_path / f"house{number}")
        shutil.copytree(origin.data, house.data)
        yield house


def met_all(met):
    assert met["before"] and met["middle"] and met["after"], met


def test_a_first_start_loses_no_key(tmp_path):
    """A house of before the vault: its keys rest in plain, and an API key is good because one of them is what it was."""
    origin = House(tmp_path / "origin")
    origin.data.mkdir(mode=0o700)
    names = ("api-key-hash", *(f"key-{i}" for i in range(20)))

    def put_keys_of_before(data):
        (data / "keys").mkdir(mode=0o700)
        for name in names:
            path = data / "keys" / name
            path.write_bytes(b"k" * 32)
            path.chmod(0o600)
    put_keys_of_before(origin.data)
    text = origin.migrate().done("key", "create", "nightly", "--role", "user").split()[-1]
    shutil.rmtree(origin.data / "keys")
    put_keys_of_before(origin.data)
    houses = copies_of(origin, tmp_path)

    def attempt(moment):
        house = next(houses)
        killed(house, moment, "user", "list")
        sealed = sum((house.data / "keys" / name).read_bytes() != b"k" * 32 for name in names)
        gateway = Gatehouse(house.directory, house.config)
        try:
            assert gateway.get("/auth/me", [("X-API-Key", text)]).status == 200
        finally:
            gateway.close()
        assert all(b"k" * 32 not in (house.data / "keys" / name).read_bytes() for name in names)
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in house.data.glob("keys/*"))
        return "before" if sealed == 0 else "after" if sealed == len(names) else "middle"
    whole = next(houses)
    met_all(stages(ROUNDS, length_of(lambda: whole.done("user", "list")), attempt))


def test_a_change_of_the_data_key_is_gone_on_with(tmp_path):
    origin = House(tmp_path / "origin").migrate()
    values = {f"s/{i}": str(i) for i in range(60)}  # more than are sealed at once
    for path, value in values.items():
        origin.done("secrets", "set", path, stdin=value)
    houses = copies_of(origin, tmp_path)

    def look(house):
        with sqlite3.connect(house.data / "gatehouse.db") as database:
            keys = [row[0] for row in database.execute("SELECT id FROM vault_keys ORDER BY id")]
            return keys, {row[0] for row in database.execute("SELECT DISTINCT key_id FROM vault_versions")}

    def attempt(moment):
        house = next(houses)
        killed(house, moment, "secrets", "rekey")
        keys, used = look(house)
        for path in ("s/0", "s/59"):
            assert house.done("secrets", "get", path) == values[path] + "\n"
        house.done("secrets", "rekey")
        house.done("secrets", "rekey")  # opens every value, whoever sealed it
        after, used_after = look(house)
        assert len(after) == 1 and used_after == set(after)
        return "before" if keys == [1] else "after" if len(keys) == 1 and used == set(keys) else "middle"
    whole = next(houses)
    met_all(stages(ROUNDS, length_of(lambda: whole.done("secrets", "rekey")), attempt))


def test_a_new_master_key_is_gone_on_with(tmp_path):
    """Every value, key and recovery key is good whenever it is killed; the next one goes on, and the audit log tells of it."""
    origin = House(tmp_path / "origin").migrate()
    values = {f"s/{i}": str(i) for i in range(60)}
    for path, value in values.items():
        origin.done("secrets", "set", path, stdin=value)
    text = origin.done("key", "create", "nightly", "--role", "user").split()[-1]
    recovery = origin.done("secrets", "recovery-key")
    seal = (origin.data / "keys/seal.json").read_bytes()
    houses = copies_of(origin, tmp_path)

    def version(house):
        return json.loads((house.data / "keys/seal.json").read_text())["version"]

    def attempt(moment):
        house = next(houses)
        killed(house, moment, "secrets", "rekey", "--master")
        begun, stage = (house.data / "keys/seal.json").read_bytes() != seal, version(house)
        for path in ("s/0", "s/59"):
            assert house.done("secrets", "get", path) == values[path] + "\n"
        gateway = Gatehouse(house.directory, house.config)
        try:
            assert gateway.get("/auth/me", [("X-API-Key", text)]).status == 200
        finally:
            gateway.close()
        house.done("secrets", "rekey", "--master")
        masters = 2 if begun and stage == 1 else 1
        told = house.done("audit", "tail", "--action", "vault.rekey_master").count("vault.rekey_master")
        assert told in (masters, masters + (stage == 2)), "once, and again where only its end was missing"
        assert version(house) == 1
        house.done("secrets", "rekey")
        with sqlite3.connect(house.data / "gatehouse.db") as database:
            keys = [row[0] for row in database.execute("SELECT id FROM vault_keys")]
            used = {row[0] for row in database.execute("SELECT DISTINCT key_id FROM vault_versions")}
        assert len(keys) == 1 and used == set(keys)
        (house.data / "keys/master.key").unlink()
        house.config["vault"] = {"key": "${env:ENCRYPTION_KEY}"}
        house.env["ENCRYPTION_KEY"] = base64.b64encode(os.urandom(32)).decode()
        write_config(house.config_file, house.config)
        house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
        assert house.done("secrets", "get", "s/59") == "59\n"
        return "before" if not begun else "middle" if stage == 2 else "after"
    whole = next(houses)
    met_all(stages(ROUNDS, length_of(lambda: whole.done("secrets", "rekey", "--master")), attempt))


def moved_house(houses, key):
    house = next(houses)
    house.config["vault"] = {"key_file": str(key)}
    write_config(house.config_file, house.config)
    return house


def test_a_move_of_the_seal_is_brought_to_its_end(tmp_path):
    origin = House(tmp_path / "origin").migrate()
    origin.done("secrets", "set", "a", stdin="1")
    seal = (origin.data / "keys/seal.json").read_bytes()
    key = tmp_path / "outside.key"
    key.write_bytes(base64.b64encode(os.urandom(32)))
    key.chmod(0o600)
    houses = copies_of(origin, tmp_path)

    def attempt(moment):
        house = moved_house(houses, key)
        killed(house, moment, "secrets", "unseal")
        master = house.data / "keys/master.key"
        moved, dropped = (house.data / "keys/seal.json").read_bytes() != seal, not master.exists()
        assert moved or not dropped, "a key goes only once another opens the seal"
        house.done("secrets", "unseal")
        assert house.done("secrets", "get", "a") == "1\n" and not master.exists()
        assert "vault.unseal" in house.done("audit", "tail", "--action", "vault.unseal")
        return "before" if not moved else "after" if dropped else "middle"
    whole = moved_house(houses, key)
    met_all(stages(ROUNDS, length_of(lambda: whole.done("secrets", "unseal")), attempt))


def test_a_recovery_key_is_there_or_not(tmp_path):
    origin = House(tmp_path / "origin").migrate()
    origin.done("secrets", "set", "a", stdin="1")
    houses = copies_of(origin, tmp_path)

    def attempt(moment):
        house = next(houses)
        ended = killed(house, moment, "secrets", "recovery-key")
        recipients = len(json.loads((house.data / "keys/seal.json").read_text())["recipients"])
        assert house.done("secrets", "get", "a") == "1\n"
        assert len(house.done("secrets", "recovery-key", "--list").split()) == recipients - 1
        assert recipients in (1, 2)
        assert recipients == 2 or not ended
        return recipients
    whole = next(houses)
    length = length_of(lambda: whole.done("secrets", "recovery-key"))
    met = collections.Counter(attempt(moment) for moment in moments(ROUNDS, length))
    assert met[1] and met[2], met
