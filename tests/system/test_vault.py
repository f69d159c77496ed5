"""The vault: what opens it, what is refused, and secrets from the shell, beside a running house and without one."""

import base64
import json
import os
import shutil
import sqlite3

import pytest

from support.control import Control
from support.gateway import Gatehouse, run, write_config
from support.house import House
from support.killing import killed, length_of, moments

ROUNDS = 100 if os.environ.get("GATEHOUSE_SLOW") == "1" else 12
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "gateway0").migrate()


def key_file(path, seed=None):
    path.write_text(base64.b64encode(seed or os.urandom(32)).decode() + "\n")
    path.chmod(0o600)
    return path


def configure(house, **vault):
    """From now on its configuration says this of the vault."""
    house.config["vault"] = vault
    write_config(house.config_file, house.config)


def everything(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# --- secrets from the shell ---

def test_a_secret_is_written_read_listed_and_deleted(house):
    house.done("secrets", "set", "team/database", stdin="hunter2\n")
    assert house.done("secrets", "get", "team/database") == "hunter2\n"
    house.done("secrets", "set", "team/mail", "--json", stdin='{"user": "ada", "port": 25}')
    assert house.done("secrets", "get", "team/mail", "--field", "user") == "ada\n"
    assert house.done("secrets", "get", "team/mail", "--field", "port") == "25\n"
    assert json.loads(house.done("secrets", "get", "team/mail", "--json")) == {"user": "ada", "port": 25}
    assert house.done("secrets", "list") == "team/\n"
    assert house.done("secrets", "list", "team/").split() == ["database", "mail"]
    assert json.loads(house.done("secrets", "list", "team/", "--json")) == ["database", "mail"]
    house.done("secrets", "set", "team/database", "--cas", "1", stdin="hunter3")
    assert house.done("secrets", "get", "team/database", "--version", "1") == "hunter2\n"
    house.refused("the newest version is 2", "secrets", "set", "team/database", "--cas", "1", stdin="hunter4")
    house.done("secrets", "delete", "team/database")
    house.refused("was deleted", "secrets", "get", "team/database")
    house.done("secrets", "delete", "team/database", "--all")
    house.refused("there is no secret", "secrets", "get", "team/database")


def test_what_is_no_secret_or_no_path_is_refused(house):
    house.refused("no JSON object", "secrets", "set", "a", "--json", code=2, stdin="[1]")
    house.refused("segment", "secrets", "set", "a//b", stdin="x")
    house.refused("1 MiB", "secrets", "set", "a", stdin="x" * (2 << 20))
    house.done("secrets", "set", "a", stdin="x")
    house.refused('has no field "b"; it has: "value"', "secrets", "get", "a", "--field", "b")
    assert "--field" in run("secrets", "get", "--help").stdout


def test_no_value_is_in_any_file_or_in_the_audit_log(house):
    house.done("secrets", "set", "team/database", stdin="hunter2-is-nowhere")
    with sqlite3.connect(house.data / "gatehouse.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"team/database" in everything(house.data)
    for form in (b"hunter2", base64.b64encode(b"hunter2-is-nowhere").rstrip(b"=")):
        assert form not in everything(house.data)
    log = house.done("audit", "tail", "--action", "secret.put", "--json")
    assert json.loads(log.splitlines()[-1])["record"]["object"] == {"type": "secret", "id": "team/database"} and "hunter2" not in log


def test_secrets_are_sealed_anew_beside_a_running_house(start, tmp_path):
    house = House(tmp_path / "gateway0").migrate()
    gateway = start(house.config)
    for i in range(5):
        house.done("secrets", "set", f"s/{i}", stdin=str(i))
    said = house.verb("secrets", "rekey")
    assert said.returncode == 0 and "5 of 5" in said.stderr and "5 values" in said.stderr, said
    with sqlite3.connect(house.data / "gatehouse.db") as database:
        assert database.execute("SELECT DISTINCT key_id FROM vault_versions").fetchall() == [(2,)]
        assert database.execute("SELECT id FROM vault_keys").fetchall() == [(2,)]
    assert [house.done("secrets", "get", f"s/{i}") for i in range(5)] == [f"{i}\n" for i in range(5)]
    assert Control(gateway).get("/health/live").status == 200


# --- what opens it ---

def test_without_its_key_nothing_starts_and_the_message_says_what_to_do(house, tmp_path):
    house.done("secrets", "set", "a", stdin="1")
    master = house.data / "keys/master.key"
    kept = master.read_bytes()
    master.unlink()
    house.refused("is not there; put it back", "secrets", "get", "a")
    served = house.verb("serve", timeout=20)
    assert served.returncode == 1 and "put it back" in served.stderr, served
    assert not master.exists()
    master.write_bytes(base64.b64encode(os.urandom(32)))
    master.chmod(0o600)
    house.refused("does not open the seal", "secrets", "get", "a")
    elsewhere = tmp_path / "elsewhere.key"
    elsewhere.write_bytes(kept)
    elsewhere.chmod(0o600)
    configure(house, key_file=str(elsewhere))
    assert house.done("secrets", "get", "a") == "1\n"


def test_a_key_from_outside_can_be_demanded(house):
    house.done("secrets", "list")
    house.env["ENABLE_SECURE_SECRETS"] = "true"
    house.refused("wants a key from outside of data_dir", "secrets", "list", code=2)
    configure(house, key_file=str(house.data / "keys/../keys/master.key"))
    house.refused("lies in data_dir", "secrets", "list", code=2)
    del house.config["vault"]
    write_config(house.config_file, house.config)
    house.env["ENCRYPTION_KEY"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    house.refused("does not open the seal", "secrets", "list")
    house.done("secrets", "unseal")
    house.done("secrets", "list")
    del house.env["ENCRYPTION_KEY"], house.env["ENABLE_SECURE_SECRETS"]
    house.refused("does not open the seal", "secrets", "list")


def test_two_keys_are_a_contradiction(house, tmp_path):
    configure(house, key_file=str(key_file(tmp_path / "a.key")), kernel_keyring="x")
    house.refused("names key_file and kernel_keyring", "secrets", "list", code=2)


def test_the_seal_moves_from_one_to_the_other(house, tmp_path):
    house.done("secrets", "set", "a", stdin="1")
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    configure(house, passphrase="${file:%s}" % (tmp_path / "passphrase"))
    house.refused("gatehouse secrets unseal", "secrets", "get", "a")
    house.done("secrets", "unseal")
    assert house.done("secrets", "get", "a") == "1\n"
    file = key_file(tmp_path / "master.key")
    configure(house, key_file=str(file))
    house.refused("sealed for: passphrase", "secrets", "get", "a")
    house.refused("does not open the seal", "secrets", "unseal", "--old-passphrase-stdin", stdin="wrong horse battery")
    house.done("secrets", "unseal", "--old-passphrase-stdin", stdin=PASSPHRASE + "\n")
    assert house.done("secrets", "get", "a") == "1\n"
    assert PASSPHRASE.encode() not in everything(house.data)
    assert house.done("audit", "tail", "--action", "vault.unseal").count("vault.unseal") == 2


def test_a_recovery_key_opens_what_lost_every_other(house, tmp_path):
    house.done("secrets", "set", "a", stdin="1")
    recovery = house.done("secrets", "recovery-key")
    assert recovery.startswith("gatehouse-recovery-") and recovery.strip().encode() not in everything(house.data)
    (house.data / "keys/master.key").unlink()
    configure(house, key_file=str(key_file(tmp_path / "new.key")))
    house.refused("does not open the seal", "secrets", "get", "a")
    house.refused("recovery key begins with", "secrets", "unseal", "--recovery-key-stdin", stdin="x")
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
    assert house.done("secrets", "get", "a") == "1\n"


def test_a_credential_of_systemd_opens_it(tmp_path):
    house = House(tmp_path / "gateway0")
    configure(house, credential="vault-key")
    house.env["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    key_file(tmp_path / "vault-key")
    house.migrate()
    house.done("secrets", "set", "a", stdin="1")
    assert house.done("secrets", "get", "a") == "1\n" and not (house.data / "keys/master.key").exists()
    configure(house, credential="../vault-key")
    house.refused("no name of a credential", "secrets", "list", code=2)


def test_keys_and_placeholders_that_everybody_knows_open_nothing(tmp_path):
    house = House(tmp_path / "gateway0").migrate()
    for value in ("CHANGE_ME_IN_PRODUCTION", "0" * 64, "c2hvcnQ="):
        house.env["ENCRYPTION_KEY"] = value
        said = house.refused("the configured key", "user", "list")
        assert value not in said


# --- keys of before, and backups ---

def test_the_keys_of_before_are_sealed_at_the_first_start(start, tmp_path):
    house = House(tmp_path / "gateway0")
    keys = house.data / "keys"
    keys.mkdir(parents=True, mode=0o700)
    house.data.chmod(0o700)
    (keys / "api-key-hash").write_bytes(b"k" * 32)
    (keys / "api-key-hash").chmod(0o600)
    start(house.config).stop()
    assert b"k" * 32 not in everything(house.data)
    for path in keys.iterdir():
        sealed = path.read_bytes().startswith(b"gatehouse-sealed-key-1\n")
        assert sealed == (path.name not in ("seal.json", "seal.lock", "master.key")), path
        assert path.stat().st_mode & 0o777 == 0o600
    # What is put there in plain afterwards was put there by somebody else.
    (keys / "api-key-hash").write_bytes(b"x" * 32)
    house.refused("is not sealed", "user", "list")


def test_a_first_start_that_is_killed_loses_no_key(tmp_path):
    """A house of before the vault: its keys rest in plain, and an API key is good because one of them is what it was."""
    origin = House(tmp_path / "origin")
    origin.data.mkdir(mode=0o700)

    def put_keys_of_before(data):
        (data / "keys").mkdir(mode=0o700)
        for name in ("api-key-hash", *(f"key-{i}" for i in range(20))):
            path = data / "keys" / name
            path.write_bytes(b"k" * 32)
            path.chmod(0o600)
    put_keys_of_before(origin.data)
    text = origin.migrate().done("key", "create", "nightly", "--role", "user").split()[-1]

    def before(name):
        house = House(tmp_path / name)
        house.data.mkdir(mode=0o700)
        shutil.copy(origin.data / "gatehouse.db", house.data)
        put_keys_of_before(house.data)
        return house
    whole = before("whole")
    length = length_of(lambda: whole.done("user", "list"))
    ended = 0
    for i, moment in enumerate(moments(ROUNDS, length)):
        house = before(f"house{i}")
        ended += killed(house, moment, "user", "list")
        gateway = Gatehouse(house.directory, house.config)
        try:
            assert gateway.get("/auth/me", [("X-API-Key", text)]).status == 200
        finally:
            gateway.close()
        assert b"k" * 32 not in everything(house.data / "keys")
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in house.data.glob("keys/*"))
    assert 0 < ended < ROUNDS


def test_a_backup_opens_elsewhere_with_its_key_and_not_without(house, tmp_path):
    file = key_file(tmp_path / "master.key")
    configure(house, key_file=str(file))
    house.done("secrets", "set", "a", stdin="1")
    assert not (house.data / "keys/master.key").exists()
    backup = house.backup()
    assert file.read_bytes() not in backup.read_bytes()
    other = House(tmp_path / "gateway1")
    assert "its vault is sealed for: key" in other.verb("restore", backup).stderr
    other.refused("is not there; put it back", "secrets", "get", "a")
    configure(other, key_file=str(file))
    assert other.done("secrets", "get", "a") == "1\n"
