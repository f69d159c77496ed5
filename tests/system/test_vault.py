"""The vault: what opens it, what is refused, and secrets from the shell, beside a running house and without one."""

import base64
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import time

import pytest
from cryptography.fernet import Fernet

from support.control import Control
from support.gateway import BINARY, environment, run, write_config
from support.house import House
from support.wait import seconds

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
    house.refused("1 MiB", "secrets", "set", "a", "--json", stdin='{"a": "%s"}' % ("x" * (2 << 20)))
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
    assert house.done("secrets", "get", "team/database") == "hunter2-is-nowhere\n"
    read = json.loads(house.done("audit", "tail", "--action", "secret.read", "--json").splitlines()[-1])["record"]
    assert read["object"] == {"type": "secret", "id": "team/database"} and read["details"] == {"version": 1}
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


def test_a_value_that_does_not_open_stops_no_rekey(house):
    for i in range(5):
        house.done("secrets", "set", f"s/{i}", stdin=str(i))
    with sqlite3.connect(house.data / "gatehouse.db") as database:
        database.execute("UPDATE vault_versions SET sealed = (SELECT sealed FROM vault_versions WHERE path = 's/1') "
                         "WHERE path = 's/2'")
    for key in (2, 3):
        said = house.refused("1 stay as they are", "secrets", "rekey")
        assert "4 values are sealed with the new data key" in said and "version 1 of s/2 does not open" in said, said
        with sqlite3.connect(house.data / "gatehouse.db") as database:
            used = database.execute("SELECT DISTINCT key_id FROM vault_versions ORDER BY 1").fetchall()
        assert used == [(1,), (key,)]
    assert "version 1 of s/2" in house.refused("gatehouse secrets delete s/2 --all", "secrets", "get", "s/2")
    house.done("secrets", "delete", "s/2", "--all")
    house.done("secrets", "rekey")
    assert house.done("secrets", "get", "s/4") == "4\n"


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
    beside = house.data / "passphrase"
    beside.write_text(PASSPHRASE)
    beside.chmod(0o600)
    configure(house, passphrase="${file:%s}" % beside)
    house.refused("comes from a file in data_dir", "secrets", "list", code=2)
    del house.config["vault"]
    write_config(house.config_file, house.config)
    house.env["ENCRYPTION_KEY"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    house.refused("does not open the seal", "secrets", "list")
    house.done("secrets", "unseal")
    house.done("secrets", "list")
    del house.env["ENCRYPTION_KEY"], house.env["ENABLE_SECURE_SECRETS"]
    house.refused("is not there; put it back", "secrets", "list")


def test_two_keys_are_a_contradiction(house, tmp_path):
    configure(house, key_file=str(key_file(tmp_path / "a.key")), kernel_keyring="x")
    house.refused("names key_file and kernel_keyring", "secrets", "list", code=2)


def test_the_seal_moves_from_one_to_the_other(house, tmp_path):
    house.done("secrets", "set", "a", stdin="1")
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    configure(house, passphrase="${file:%s}" % (tmp_path / "passphrase"))
    house.refused("gatehouse secrets unseal", "secrets", "get", "a")
    master = house.data / "keys/master.key"
    first = master.read_bytes()
    said = house.verb("secrets", "unseal")
    assert said.returncode == 0 and "The master key is the same" in said.stderr, said
    assert house.done("secrets", "get", "a") == "1\n" and not master.exists()
    file = key_file(tmp_path / "master.key")
    configure(house, key_file=str(file))
    house.refused("sealed for: passphrase", "secrets", "get", "a")
    house.refused("does not open the seal", "secrets", "unseal", "--old-passphrase-stdin", stdin="wrong horse battery")
    house.done("secrets", "unseal", "--old-passphrase-stdin", stdin=PASSPHRASE + "\n")
    assert house.done("secrets", "get", "a") == "1\n"
    assert PASSPHRASE.encode() not in everything(house.data)
    # Back to a key of its own, which is another one; the key of before can come from anywhere.
    configure(house)
    house.refused("excludes", "secrets", "unseal", "--old-key-stdin", "--recovery-key-stdin", code=2, stdin="x")
    house.done("secrets", "unseal", "--old-key-stdin", stdin=file.read_text())
    assert house.done("secrets", "get", "a") == "1\n" and master.read_bytes() != first
    assert house.done("audit", "tail", "--action", "vault.unseal").count("vault.unseal") == 3


def test_a_move_whose_database_is_away_says_that_the_seal_moved_and_can_be_brought_to_its_end(house, tmp_path):
    house.done("secrets", "set", "a", stdin="1")
    configure(house, key_file=str(key_file(tmp_path / "master.key")))
    database = house.data / "gatehouse.db"
    database.rename(tmp_path / "aside.db")
    database.mkdir()
    said = house.refused("the vault IS sealed for the key file", "secrets", "unseal")
    assert "audit log was not told" in said and "run the same again" in said, said
    assert not (house.data / "keys/master.key").exists()
    database.rmdir()
    (tmp_path / "aside.db").rename(database)
    assert house.done("secrets", "get", "a") == "1\n"
    house.done("secrets", "unseal")
    assert house.done("audit", "tail", "--action", "vault.unseal").count("vault.unseal") == 1


def test_a_second_node_with_other_keys_is_refused_at_the_start(start, tmp_path, postgres):
    one = House(tmp_path / "one", postgres).migrate()
    one.done("secrets", "set", "a", stdin="1")
    other = House(tmp_path / "other", postgres, database=one.database())
    other.data.mkdir(mode=0o700)
    said = other.refused("from another of its nodes", "user", "list")
    assert "data key 1 of the database does not open" in said, said
    served = other.verb("serve", timeout=20)
    assert served.returncode == 1 and "from another of its nodes" in served.stderr, served
    shutil.rmtree(other.data / "keys")
    (other.data / "ca.pem").unlink()
    shutil.copytree(one.data / "keys", other.data / "keys")
    assert other.done("secrets", "get", "a") == "1\n"
    assert Control(start(other.config, env=other.env)).get("/health/live").status == 200


def test_a_recovery_key_opens_what_lost_every_other(house, tmp_path):
    house.done("secrets", "set", "a", stdin="1")
    recovery = house.done("secrets", "recovery-key")
    assert recovery.startswith("gatehouse-recovery-") and recovery.strip().encode() not in everything(house.data)
    (house.data / "keys/master.key").unlink()
    configure(house, key_file=str(key_file(tmp_path / "new.key")))
    house.refused("does not open the seal", "secrets", "get", "a")
    house.refused("recovery key begins with", "secrets", "unseal", "--recovery-key-stdin", stdin="x")
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery.strip() + "\r\n")
    assert house.done("secrets", "get", "a") == "1\n"


def test_recovery_keys_are_listed_and_withdrawn(house):
    said = [house.verb("secrets", "recovery-key") for _ in range(2)]
    public = [each.stderr.split()[-1] for each in said]
    assert house.done("secrets", "recovery-key", "--list").split() == public
    house.done("secrets", "recovery-key", "--withdraw", public[0])
    assert house.done("secrets", "recovery-key", "--list").split() == public[1:]
    house.refused("no recovery key has the public key", "secrets", "recovery-key", "--withdraw", public[0])
    (house.data / "keys/master.key").unlink()
    house.env["ENCRYPTION_KEY"] = base64.b64encode(os.urandom(32)).decode()
    house.refused("does not open the seal", "secrets", "unseal", "--recovery-key-stdin", stdin=said[0].stdout)
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=said[1].stdout)
    log = house.done("audit", "tail")
    assert log.count("vault.recovery_key_withdraw") == 1 and log.count("vault.recovery_key") == 3


def test_what_standard_output_does_not_take_is_an_error(house):
    house.done("secrets", "set", "a", stdin="1")
    for verb in (["secrets", "recovery-key"], ["secrets", "get", "a"], ["version"]):
        where = [] if verb == ["version"] else ["--config", str(house.config_file)]
        with open("/dev/full", "wb") as full:
            said = subprocess.run([str(BINARY), *verb, *where], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=environment(house.env), timeout=seconds(20))
        assert said.returncode == 1 and "standard output took not all" in said.stderr, (verb, said)


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
    configure(house, credential="vault-key")
    del house.env["CREDENTIALS_DIRECTORY"]
    house.refused("systemd-run --pty --wait -p LoadCredentialEncrypted=vault-key:", "secrets", "list")


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
        assert sealed == (path.name not in ("ca.lock", "seal.json", "seal.lock", "master.key")), path
        assert path.stat().st_mode & 0o777 == 0o600
    # What is put there in plain afterwards was put there by somebody else.
    (keys / "api-key-hash").write_bytes(b"x" * 32)
    house.refused("is not sealed", "user", "list")


def test_a_backup_waits_for_who_makes_or_moves_the_seal(house):
    house.done("secrets", "set", "a", stdin="1")
    with open(house.data / "keys/seal.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = house.directory / "state.backup"
        backup = subprocess.Popen([str(BINARY), "backup", str(file), "--config", str(house.config_file)],
                                  env=environment(house.env), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            backup.wait(2)
        fcntl.flock(lock, fcntl.LOCK_UN)
    _, said = backup.communicate(timeout=seconds(20))
    assert backup.returncode == 0, said
    run("backup", "verify", file)


def test_a_backup_of_sealed_keys_without_their_seal_is_not_whole(house):
    house.done("secrets", "set", "a", stdin="1")
    good = house.backup("good.backup")
    (house.data / "keys/seal.json").unlink()
    bad = house.backup("bad.backup")
    assert run("backup", "verify", good).returncode == 0
    said = run("backup", "verify", bad)
    assert said.returncode == 1 and "not keys/seal.json" in said.stderr, said


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


# --- Fernet ---

def test_fernet_tokens_come_in_and_go_out(house, tmp_path):
    """Judged by python3-cryptography, both ways."""
    theirs, file = Fernet(Fernet.generate_key()), tmp_path / "fernet.key"
    key = base64.urlsafe_b64encode(theirs._signing_key + theirs._encryption_key)
    file.write_bytes(key + b"\n")
    option = ("--fernet-key-file", str(file))
    for value in ("hunter2", "gr\u00fc\u00df", "x" * 100_000):
        house.done("secrets", "set", "legacy", *option, stdin=theirs.encrypt(value.encode()).decode() + "\n")
        assert house.done("secrets", "get", "legacy") == value + "\n"
        token = house.done("secrets", "get", "legacy", *option).strip()
        assert theirs.decrypt(token.encode()).decode() == value
        assert abs(theirs.extract_timestamp(token.encode()) - time.time()) < 60
    assert theirs.encrypt(b"hunter2")[:6] not in everything(house.data)
    house.refused("made with another key", "secrets", "set", "legacy", *option, stdin=Fernet(Fernet.generate_key()).encrypt(b"x").decode())
    house.refused("is no Fernet token", "secrets", "set", "legacy", *option, stdin="hunter2")
    file.write_text("short")
    house.refused("32 bytes in base64url", "secrets", "set", "legacy", *option, stdin=theirs.encrypt(b"x").decode())
