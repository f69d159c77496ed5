"""Another master key: what it renews, what the one before opens afterwards (nothing), who is refused, and what is cut short."""

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import threading

import pytest

from support import jwt
from support.control import Control
from support.gateway import BINARY, environment, run, write_config
from support.house import House
from support.wait import seconds, until
from support.xaes import derived, master_of, value_open

REKEY = ("secrets", "rekey", "--master")
MAGIC = b"gatehouse-sealed-key-1\n"
REFUSES = "CREATE TRIGGER refuses BEFORE UPDATE ON vault_keys BEGIN SELECT RAISE(ABORT, 'no'); END"


@pytest.fixture(params=["sqlite", "postgres"])
def house(request, tmp_path):
    postgres = request.getfixturevalue("postgres") if request.param == "postgres" else None
    return with_secrets(House(tmp_path / "gateway0", postgres).migrate())


@pytest.fixture
def embedded(tmp_path):
    return with_secrets(House(tmp_path / "gateway0").migrate())


def with_secrets(house):
    for name in ("a", "b"):
        house.done("secrets", "set", name, stdin=name * 3)
    return house


def values(house):
    return [house.done("secrets", "get", name) for name in ("a", "b")]


PASSPHRASE = "correct horse battery staple"
VALUES = ["aaa\n", "bbb\n"]


def seal_of(house):
    return json.loads((house.data / "keys/seal.json").read_text())


def sealed_keys(house):
    return {path.name: path.read_bytes() for path in (house.data / "keys").iterdir() if path.read_bytes().startswith(MAGIC)}


def query(house, sql):
    with sqlite3.connect(house.data / "gatehouse.db") as database:
        return database.execute(sql).fetchall()


def records(house, action="vault.rekey_master"):
    lines = house.done("audit", "tail", "--action", action, "--json").splitlines()
    return [json.loads(line)["record"] for line in lines]


def interrupt(house):
    """A renewal that got as far as the database, which refuses."""
    query(house, REFUSES)
    said = house.refused("the new master key IS made", *REKEY)
    assert "run the same again" in said
    assert seal_of(house)["version"] == 2
    query(house, "DROP TRIGGER refuses")


# --- what it does ---

def test_everything_is_sealed_with_the_new_one(house, start):
    recovery = house.verb("secrets", "recovery-key")
    public = recovery.stderr.split()[-1]
    key = house.done("key", "create", "nightly", "--role", "user").split()[-1]
    before, old_seal = sealed_keys(house), seal_of(house)
    said = house.verb(*REKEY)
    assert said.returncode == 0, said
    assert f"{len(before)} of {len(before)} keys sealed with the new master key" in said.stderr
    assert "1 data keys sealed" in said.stderr and "2 of 2 values" in said.stderr and f"\n  {public}\n" in said.stderr
    after, seal = sealed_keys(house), seal_of(house)
    assert after.keys() == before.keys() and all(after[name] != before[name] for name in before)
    assert seal["version"] == 1 and "former" not in seal and seal["keys_sealed"] != old_seal["keys_sealed"]
    assert [each["kind"] for each in seal["recipients"]] == ["key", "recovery"]
    assert values(house) == VALUES
    told = records(house)
    assert len(told) == 1 and told[0]["severity"] == "high" and public in str(told[0]["details"])
    gateway = start(house.config, env=house.env)
    assert gateway.get("/auth/me", [("X-API-Key", key)]).status == 200
    assert "master key" not in gateway.output()
    gateway.stop()
    (house.data / "keys/master.key").unlink()
    house.env["ENCRYPTION_KEY"] = base64.b64encode(os.urandom(32)).decode()
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery.stdout)
    assert values(house) == VALUES, "recovery keys open what is new, too"
    assert house.done("audit", "verify")


def test_it_can_be_done_again_and_with_any_protector(embedded, tmp_path):
    house = embedded
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    house.config["vault"] = {"passphrase": "${file:%s}" % (tmp_path / "passphrase")}
    write_config(house.config_file, house.config)
    house.done("secrets", "unseal")
    for _ in range(2):
        house.done(*REKEY)
    assert values(house) == VALUES and len(records(house)) == 2
    assert len(query(house, "SELECT id FROM vault_keys")) == 1


def test_copies_of_env_files_are_sealed_anew(embedded, tmp_path):
    house, file, value = embedded, tmp_path / ".env", jwt.new_secret()
    file.write_text(f"SERVICE_PASSWORD={value}\n")
    house.done("secrets", "import", file, "--backup")
    kept = next((house.data / "backups").iterdir())
    (house.data / "backups/other.backup").write_text("no copy")
    aside = tmp_path / "aside"
    shutil.copy(kept, aside)
    assert "1 copies in backups/" in house.verb(*REKEY).stderr
    assert value in house.done("secrets", "open-backup", kept)
    assert (house.data / "backups/other.backup").read_text() == "no copy"
    house.refused("", "secrets", "open-backup", aside)


# --- what the one before opens ---

def old_and_new(house, tmp_path):
    """Copies of the data directory as it was before and as it is after."""
    before = tmp_path / "before"
    shutil.copytree(house.data, before)
    house.done(*REKEY)
    house.done("secrets", "set", "later", stdin="later")
    return before, house.data


def test_the_master_key_of_before_and_its_data_keys_open_nothing(embedded, tmp_path):
    """Looked at from outside, by an implementation of its own."""
    before, after = old_and_new(embedded, tmp_path)
    assert (before / "keys/master.key").read_text() == (after / "keys/master.key").read_text()
    old, new = master_of(before / "keys"), master_of(after / "keys")
    assert old and new and old != new

    def opened(master, folder):
        """Keys, data keys, and values by whichever of those data keys."""
        store, root = derived(master, "key store"), derived(master, "data keys")
        keys = [value_open(store, path.read_bytes()[len(MAGIC):], "key", path.name, 1)
                for path in sorted((folder / "keys").iterdir()) if path.read_bytes().startswith(MAGIC)]
        with sqlite3.connect(folder / "gatehouse.db") as database:
            rows = database.execute("SELECT id, sealed FROM vault_keys").fetchall()
            sealed = database.execute("SELECT path, version, sealed FROM vault_versions").fetchall()
        return keys, [value_open(root, blob, "data key", "", number) for number, blob in rows], sealed
    for master, folder in ((old, before), (new, after)):
        keys, data_keys, sealed = opened(master, folder)
        assert all(keys) and all(data_keys), "so this is how it opens"
        assert all(value_open(data_keys[0], blob, "secret", path, version) for path, version, blob in sealed)
    keys, data_keys, sealed = opened(old, after)
    assert keys and data_keys and not any(keys) and not any(data_keys)
    of_before = opened(old, before)[1]
    assert len(sealed) == 3 and not any(value_open(key, blob, "secret", path, version)
                                        for key in of_before for path, version, blob in sealed)


def test_a_seal_of_before_that_is_put_back_is_refused(house, tmp_path):
    recovery = house.done("secrets", "recovery-key")
    seal = (house.data / "keys/seal.json").read_bytes()
    house.done(*REKEY)
    new = (house.data / "keys/seal.json").read_bytes()
    (house.data / "keys/seal.json").write_bytes(seal)
    for verb in (("secrets", "get", "a"), ("user", "list"), ("secrets", "set", "c"), ("secrets", "rekey"), REKEY):
        house.refused("was changed, or sealed in another house", *verb, stdin="x")
    files = house.files()
    served = house.verb("serve", timeout=20)
    assert served.returncode == 1 and "sealed in another house" in served.stderr, served
    assert house.files() == files, "and nothing is made with it"
    house.config["vault"] = {"key": "${env:ENCRYPTION_KEY}"}
    house.env["ENCRYPTION_KEY"] = base64.b64encode(os.urandom(32)).decode()
    write_config(house.config_file, house.config)
    house.refused("sealed in another house", "secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
    house.config["vault"] = {}
    write_config(house.config_file, house.config)
    del house.env["ENCRYPTION_KEY"]
    (house.data / "keys/seal.json").write_bytes(new)
    assert values(house) == VALUES


def test_all_keys_of_before_do_not_open_the_database(house, tmp_path):
    kept = tmp_path / "keys"
    shutil.copytree(house.data / "keys", kept)
    house.done(*REKEY)
    shutil.rmtree(house.data / "keys")
    shutil.copytree(kept, house.data / "keys")
    house.refused("of the database does not open with keys/seal.json", "secrets", "get", "a")
    house.refused("of the database does not open with keys/seal.json", *REKEY)


def test_a_backup_of_before_opens_with_its_own_seal(embedded, tmp_path):
    backup = embedded.backup()
    embedded.done(*REKEY)
    other = House(tmp_path / "gateway1")
    other.done("restore", backup)
    assert values(other) == VALUES
    embedded.done("restore", backup, "--force")
    assert values(embedded) == VALUES
    later = embedded.backup("later.backup")
    assert "whole" in run("backup", "verify", later).stdout


# --- who is refused ---

def test_it_wants_the_house_for_itself(house, start):
    gateway = start(house.config, env=house.env)
    seal = (house.data / "keys/seal.json").read_bytes()
    house.refused("gatehouse serve, or another gatehouse command, uses", *REKEY)
    assert (house.data / "keys/seal.json").read_bytes() == seal
    assert Control(gateway).get("/health/live").status == 200 and values(house) == VALUES


def test_other_nodes_stop_it_and_want_the_new_keys(start, tmp_path, postgres):
    one = with_secrets(House(tmp_path / "one", postgres).migrate())
    other = House(tmp_path / "other", postgres, database=one.database())
    shutil.copytree(one.data, other.data)
    node = start(other.config, env=other.env)
    until(lambda: Control(node).get("/health/ready").status == 200, "it is connected", timeout=20)
    seal = (one.data / "keys/seal.json").read_bytes()
    one.refused("connections of other nodes to this database are open", *REKEY)
    assert (one.data / "keys/seal.json").read_bytes() == seal
    node.stop()
    one.done(*REKEY)
    served = other.verb("serve", timeout=20)
    assert served.returncode == 1 and "from another of its nodes" in served.stderr, served
    other.refused("from another of its nodes", "secrets", "set", "c", stdin="x")
    other.refused("from another of its nodes", *REKEY)
    shutil.rmtree(other.data / "keys")
    shutil.copytree(one.data / "keys", other.data / "keys")
    assert values(other) == VALUES


def test_two_at_once_are_one_after_the_other(embedded):
    before = seal_of(embedded)
    processes = [subprocess.Popen([str(BINARY), *REKEY, "--config", str(embedded.config_file)], stderr=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, text=True, env=environment(embedded.env)) for _ in range(4)]
    said = [process.communicate(timeout=seconds(60))[1] for process in processes]
    codes = [process.returncode for process in processes]
    refused = [text for code, text in zip(codes, said) if code != 0]
    assert all("uses" in text or "under way" in text for text in refused), said
    assert len(records(embedded)) <= 4 - len(refused) + sum("IS made" in text for text in refused)
    if 0 not in codes:
        embedded.done(*REKEY)
    assert seal_of(embedded)["version"] == 1 and seal_of(embedded) != before and values(embedded) == VALUES


def test_a_recovery_key_that_nothing_proves_gets_no_new_master_key(embedded):
    house = embedded
    own = house.verb("secrets", "recovery-key").stderr.split()[-1]
    whole = seal_of(house)
    planted = base64.b64encode(os.urandom(32)).decode()
    for parameters in ({"public_key": planted, "ephemeral": planted},
                       {"public_key": planted, "ephemeral": planted, "proof": whole["recipients"][1]["parameters"]["proof"]}):
        seal = {**whole, "recipients": [*whole["recipients"], {"kind": "recovery", "parameters": parameters, "sealed": "eA=="}]}
        (house.data / "keys/seal.json").write_text(json.dumps(seal))
        assert values(house) == VALUES
        said = house.refused("nothing proves that the recovery key " + planted, *REKEY)
        assert "--withdraw" in said and seal_of(house) == seal
        house.refused("nothing proves", *REKEY, "--keep-recovery-key", own)
    house.refused("--master", "secrets", "rekey", "--keep-recovery-key", planted, code=2)
    house.done("secrets", "recovery-key", "--withdraw", planted)
    house.done(*REKEY)
    assert house.done("secrets", "recovery-key", "--list").split() == [own]
    # One that an older gatehouse made has no proof: whoever knows it says so.
    seal = seal_of(house)
    seal["recipients"][1]["parameters"].pop("proof")
    (house.data / "keys/seal.json").write_text(json.dumps(seal))
    house.done(*REKEY, "--keep-recovery-key", own)
    house.done(*REKEY)
    assert house.done("secrets", "recovery-key", "--list").split() == [own] and values(house) == VALUES


def test_a_key_that_does_not_open_stops_it_before_anything_is_changed(embedded):
    whole = {path.name: path.read_bytes() for path in (embedded.data / "keys").iterdir()}
    (embedded.data / "keys/planted").write_bytes(MAGIC + os.urandom(80))
    (embedded.data / "keys/planted").chmod(0o600)
    embedded.refused("keys/planted was changed", *REKEY)
    (embedded.data / "keys/planted").unlink()
    assert {path.name: path.read_bytes() for path in (embedded.data / "keys").iterdir()} == whole
    embedded.done(*REKEY)


def test_values_that_do_not_open_stay_and_are_named(embedded):
    query(embedded, "UPDATE vault_versions SET sealed = (SELECT sealed FROM vault_versions WHERE path = 'b') WHERE path = 'a'")
    said = embedded.refused("version 1 of a does not open", *REKEY)
    assert "the master key is new" in said and seal_of(embedded)["version"] == 1
    assert embedded.done("secrets", "get", "b") == VALUES[1]
    embedded.done("secrets", "delete", "a", "--all")
    embedded.done(*REKEY)


# --- what was cut short ---

def test_a_renewal_that_was_cut_short_leaves_a_house_that_works_and_is_gone_on_with(embedded, start, tmp_path):
    house = embedded
    recovery = house.verb("secrets", "recovery-key")
    interrupt(house)
    assert values(house) == VALUES and not records(house)
    gateway = start(house.config)
    until(lambda: "rekey --master" in gateway.output(), "the warning", timeout=10)
    house.done("secrets", "set", "c", stdin="ccc")
    house.refused("uses", *REKEY)
    gateway.stop()
    backup = house.backup()
    other = House(tmp_path / "gateway1")
    other.done("restore", backup)
    assert values(other) == VALUES
    other.done(*REKEY)
    assert values(other) == VALUES and seal_of(other)["version"] == 1
    # A recovery key, a move and a withdrawal do not end it.
    house.env["ENCRYPTION_KEY"] = base64.b64encode(os.urandom(32)).decode()
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery.stdout)
    assert seal_of(house)["version"] == 2 and values(house) == VALUES
    said = house.verb(*REKEY)
    assert said.returncode == 0 and "going on with the new master key that was begun" in said.stderr, said
    assert seal_of(house)["version"] == 1 and values(house) == VALUES and len(records(house)) == 1
    assert house.done("secrets", "get", "c") == "ccc\n"


def test_what_was_done_meanwhile_is_no_reason_to_tell_nobody(embedded):
    interrupt(embedded)
    embedded.done("secrets", "rekey")  # a data key that the new master key seals, and no other any more
    assert not records(embedded)
    embedded.done(*REKEY)
    assert len(records(embedded)) == 1 and seal_of(embedded)["version"] == 1 and values(embedded) == VALUES


def test_values_that_wait_are_sealed_by_the_next_rekey(embedded):
    query(embedded, "CREATE TRIGGER refuses BEFORE UPDATE ON vault_versions BEGIN SELECT RAISE(ABORT, 'no'); END")
    said = embedded.verb(*REKEY)
    assert said.returncode == 1 and "the master key is new" in said.stderr and "secrets rekey goes on" in said.stderr, said
    query(embedded, "DROP TRIGGER refuses")
    assert values(embedded) == VALUES
    embedded.done("secrets", "rekey")
    assert query(embedded, "SELECT count(*) FROM vault_keys") == [(1,)] and len(records(embedded)) == 1


def test_readers_and_writers_before_and_after_lose_nothing(embedded):
    """Verbs go on all the time: each is done before, or after, or is told to try again; a renewal wants its moment alone."""
    wrong, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            got = embedded.verb("secrets", "get", "a")
            if got.returncode != 0 and "under way" not in got.stderr and "uses" not in got.stderr:
                wrong.append(got)
    reader = threading.Thread(target=read)
    reader.start()
    done = 0
    try:
        for _ in range(60):
            said = embedded.verb(*REKEY)
            assert said.returncode == 0 or any(word in said.stderr for word in ("uses", "locked", "under way")), said
            done += said.returncode == 0
            if done == 2:
                break
    finally:
        stop.set()
        reader.join()
    assert not wrong, wrong[0]
    assert values(embedded) == VALUES
