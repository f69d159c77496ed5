"""A new master key where a database has several nodes: who is kept out, and what keys of before are good for. What must not be lost."""

import json
import shutil
import subprocess

import pytest

from support import jwt
from support.gateway import BINARY, environment
from support.house import House
from support.wait import seconds, until

REKEY = ("secrets", "rekey", "--master")
VALUE = "aaa\n"


@pytest.fixture
def one(tmp_path, postgres):
    return with_secret(House(tmp_path / "one", postgres).migrate())


@pytest.fixture
def other(tmp_path, postgres, one):
    """Another node of the same house."""
    node = House(tmp_path / "other", postgres, database=one.database())
    shutil.copytree(one.data, node.data)
    return node


def with_secret(house):
    house.done("secrets", "set", "a", stdin="aaa")
    return house


def value(house):
    return house.done("secrets", "get", "a")


def seal_of(house):
    return json.loads((house.data / "keys/seal.json").read_text())


def records(house):
    lines = house.done("audit", "tail", "--action", "vault.rekey_master", "--json").splitlines()
    return [json.loads(line)["record"] for line in lines]


KEEPS_OTHERS_OUT = "SELECT pg_advisory_lock(7163405281123042)"  # as a restore and a rekey do on another machine


def test_who_starts_meanwhile_on_another_node_is_refused(one, postgres):
    house, backup = one, one.backup()
    seal = seal_of(house)
    with postgres.held(KEEPS_OTHERS_OUT, house.database()):
        served = house.verb("serve", timeout=20)
        assert served.returncode == 1 and "is under way; wait until it has ended" in served.stderr, served
        house.refused("is under way", "secrets", "set", "a", stdin="x")
        house.refused("is under way", *REKEY)
        house.refused("is under way from another node", "restore", backup, "--force")
    assert seal_of(house) == seal and value(house) == VALUE
    house.done(*REKEY)
    assert value(house) == VALUE


def test_one_that_rekeys_keeps_others_out(one, other, postgres):
    """It waits for the rows of the data keys; meanwhile nobody starts, and the loser's keys are of no use afterwards."""
    seal = (other.data / "keys/seal.json").read_bytes()
    with postgres.held("LOCK TABLE vault_keys IN ROW EXCLUSIVE MODE; SELECT * FROM vault_keys FOR UPDATE", one.database()) as lock:
        rekey = subprocess.Popen([str(BINARY), *REKEY, "--config", str(one.config_file)], stderr=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, text=True, env=environment(one.env))
        until(lock.waiting, "it waits for the data keys", timeout=30)
        assert seal_of(one)["version"] == 2
        other.refused("is under way", *REKEY)
        served = other.verb("serve", timeout=20)
        assert served.returncode == 1 and "is under way" in served.stderr, served
        lock.let_go()
        said = rekey.communicate(timeout=seconds(60))[1]
    assert rekey.returncode == 0, said
    assert (other.data / "keys/seal.json").read_bytes() == seal
    other.refused("from another of its nodes", *REKEY)
    assert value(one) == VALUE


def test_a_backup_with_keys_that_open_nothing_says_so(one, other, tmp_path):
    other.backup()
    assert "make a new backup now" in one.verb(*REKEY).stderr
    other.refused("nothing opens what is sealed in this backup", "backup", tmp_path / "stale.backup")
    one.backup()


def test_a_copy_that_cannot_be_read_keeps_the_former_master_key(tmp_path):
    """Its folder is a file: whatever is there might be a copy."""
    house, file, secret = with_secret(House(tmp_path / "one").migrate()), tmp_path / ".env", jwt.new_secret()
    file.write_text(f"SERVICE_PASSWORD={secret}\n")
    house.done("secrets", "import", file, "--backup")
    kept = next((house.data / "backups").iterdir())
    (house.data / "backups").rename(tmp_path / "aside")
    (house.data / "backups").write_text("")
    said = house.refused("the new master key IS made", *REKEY)
    assert str(house.data / "backups") in said and seal_of(house)["version"] == 2 and value(house) == VALUE
    (house.data / "backups").unlink()
    (tmp_path / "aside").rename(house.data / "backups")
    assert "1 copies in backups/" in house.verb(*REKEY).stderr
    assert secret in house.done("secrets", "open-backup", kept)
    assert [record["details"].get("resumed") for record in records(house)] == [True]
