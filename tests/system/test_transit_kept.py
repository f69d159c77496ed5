"""Keys that encrypt for others, where things go wrong beside them: a change of the data key, kill -9, other nodes, a hand in the
database."""

import base64
import concurrent.futures
import json
import shutil
import sqlite3

import pytest

from support.control import Control, house_config
from support.gateway import Gatehouse, api_key, run, write_config
from support.house import House
from support.wait import until

KEY = "key-of-admin-long-enough-0123456789abcdef"
AUTH = {"api_keys": [api_key("admin", KEY, ["admin"])]}
TEXT = base64.b64encode(b"hello").decode()


def told(gateway, method, path, body=None):
    answer = Control(gateway).ask(method, "/v1/transit/" + path, body, [("X-Vault-Token", KEY)])
    return answer.status, answer.json() if answer.body else None


def does(gateway, path, body):
    status, said = told(gateway, "POST", path, body)
    assert status == 200, said
    return said["data"]


def encrypted(gateway, name="a"):
    return does(gateway, f"encrypt/{name}", {"plaintext": TEXT})["ciphertext"]


def decrypted(gateway, ciphertext, name="a"):
    return does(gateway, f"decrypt/{name}", {"ciphertext": ciphertext})["plaintext"]


def database_of(gateway):
    return gateway.directory / "data" / "gatehouse.db"


def test_the_data_key_changes_while_keys_are_used(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth=AUTH))
    sealed = [encrypted(gateway)]
    for _ in range(60):  # more than are sealed anew at once
        does(gateway, "keys/a/rotate", {})
    sealed.append(encrypted(gateway))

    def uses(_):
        return decrypted(gateway, encrypted(gateway)) == TEXT and does(gateway, "keys/b", {})["latest_version"] == 1
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        used = pool.map(uses, range(100))
        for _ in range(2):
            done = run("secrets", "rekey", "--config", gateway.config_file)
            assert done.returncode == 0, done.stderr
        assert all(used)
    with sqlite3.connect(f"file:{database_of(gateway)}?mode=ro", uri=True) as database:
        assert database.execute("SELECT DISTINCT key_id FROM transit_versions").fetchall() == [(3,)]
        assert database.execute("SELECT id FROM vault_keys").fetchall() == [(3,)]
    gateway.close()
    again = start(house_config(tmp_path / "gateway0", auth=AUTH))
    assert [decrypted(again, each) for each in sealed] == [TEXT, TEXT]


def test_a_rotation_that_was_answered_is_there_after_kill_9(tmp_path):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    sealed = []
    for version in range(1, 6):
        gateway = Gatehouse(tmp_path / "gateway0", config)
        try:
            if version > 1:
                assert does(gateway, "keys/a/config", {})["latest_version"] == version - 1
                assert all(decrypted(gateway, each) == TEXT for each in sealed)
                assert does(gateway, "keys/a/rotate", {})["latest_version"] == version
            sealed.append(encrypted(gateway))
            assert sealed[-1].startswith(f"vault:v{version}:")
        finally:
            gateway.kill()


def test_what_somebody_changed_in_the_database_is_not_used(start, tmp_path):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = start(config)
    for name in "abcd":
        encrypted(gateway, name)
    gateway.close()
    with sqlite3.connect(database_of(gateway)) as database:
        sealed = database.execute("SELECT sealed FROM transit_versions WHERE name = 'a'").fetchone()[0]
        database.execute("UPDATE transit_versions SET sealed = ? WHERE name = 'b'", (sealed,))
        database.execute("UPDATE transit_keys SET exportable = 1 WHERE name = 'c'")
        database.execute("UPDATE transit_versions SET sealed = ? WHERE name = 'd'", (sealed[:-1] + bytes([sealed[-1] ^ 1]),))
    gateway = start(config)
    assert decrypted(gateway, encrypted(gateway)) == TEXT
    for name in "bcd":
        assert told(gateway, "POST", f"encrypt/{name}", {"plaintext": TEXT})[0] == 500, name
    assert told(gateway, "GET", "export/encryption-key/c")[0] == 500
    until(lambda: "barrier.open" in gateway.stderr_file.read_text() + gateway.stdout_file.read_text(), "the log to tell of it")


def test_a_key_that_is_in_use_is_not_used_for_what_somebody_made_of_it(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth=AUTH))
    sealed = encrypted(gateway)
    with sqlite3.connect(database_of(gateway), timeout=10) as database:
        database.execute("UPDATE transit_keys SET type = 'ed25519'")
    until(lambda: told(gateway, "POST", "sign/a", {"input": TEXT})[0] == 500, "the change to be seen", timeout=5)
    with sqlite3.connect(database_of(gateway), timeout=10) as database:
        database.execute("UPDATE transit_keys SET type = 'aes256-gcm96'")
    until(lambda: told(gateway, "POST", "decrypt/a", {"ciphertext": sealed})[0] == 200, "it to be as it was", timeout=5)


def test_a_version_that_does_not_open_is_shown_and_does_not_hide_what_was_done(start, tmp_path):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = start(config)
    does(gateway, "keys/a", {"type": "ecdsa-p256"})
    does(gateway, "keys/a/rotate", {})
    gateway.close()
    with sqlite3.connect(database_of(gateway)) as database:
        database.execute("UPDATE transit_versions SET sealed = (SELECT sealed FROM transit_versions WHERE version = 2) WHERE version = 1")
    gateway = start(config)
    status, shown = told(gateway, "GET", "keys/a")
    assert status == 200
    assert [each["public_key"] == "" for each in shown["data"]["keys"].values()] == [True, False]
    until(lambda: "does not open" in gateway.stderr_file.read_text() + gateway.stdout_file.read_text(), "the log to tell of it")
    done = does(gateway, "keys/a/rotate", {})
    assert done["latest_version"] == 3 and done["keys"]["3"]["public_key"]
    assert does(gateway, "keys/a/config", {"deletion_allowed": True})["deletion_allowed"] is True
    assert does(gateway, "sign/a", {"input": TEXT})["signature"].startswith("vault:v3:")


def test_a_key_with_all_its_versions_is_told_of_and_hides_no_other(start, tmp_path):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = start(config)
    for name in ("due", "above"):
        does(gateway, f"keys/{name}", {"auto_rotate_period": "24h"})
    gateway.close()
    with sqlite3.connect(database_of(gateway)) as database:
        database.execute("UPDATE transit_keys SET rotated_at = rotated_at - 86400000000")
        database.execute("UPDATE transit_keys SET latest_version = 1000 WHERE name = 'above'")
    again = start(config)
    until(lambda: encrypted(again, "due").startswith("vault:v2:"), "the other key to be rotated")
    until(lambda: "the key above has 1000 versions" in again.stderr_file.read_text() + again.stdout_file.read_text(), "the log to tell")
    status, said = told(again, "POST", "keys/above/rotate", {})
    assert status == 400 and "trim" in said["errors"][0]
    does(again, "keys/above/config", {"min_decryption_version": 1000, "min_encryption_version": 1000})
    does(again, "keys/above/trim", {"min_available_version": 1000})
    assert does(again, "keys/above/rotate", {})["latest_version"] == 1001


def test_who_makes_many_slow_keys_waits_for_them_alone(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth=AUTH))
    does(gateway, "keys/signer", {"type": "rsa-2048"})
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        made = [pool.submit(told, gateway, "POST", f"keys/slow-{i}", {"type": "rsa-4096"}) for i in range(12)]
        for _ in range(5):
            assert does(gateway, "sign/signer", {"input": TEXT})["signature"].startswith("vault:v1:")
        statuses = [each.result()[0] for each in made]
    assert set(statuses) == {200, 503}, statuses


def test_rotations_at_the_same_time_each_make_a_version(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth=AUTH))
    encrypted(gateway)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        latest = list(pool.map(lambda _: does(gateway, "keys/a/rotate", {})["latest_version"], range(12)))
    assert max(latest) == 13 and does(gateway, "keys/a", {})["latest_version"] == 13
    assert set(does(gateway, "keys/a", {})["keys"]) == {str(i) for i in range(1, 14)}


def test_a_key_is_rotated_by_itself_when_it_is_due(start, tmp_path):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = start(config)
    for name in ("due", "not-yet"):
        assert does(gateway, f"keys/{name}", {"auto_rotate_period": "24h"})["auto_rotate_period"] == 86400
    sealed = encrypted(gateway, "due")
    gateway.close()
    with sqlite3.connect(database_of(gateway)) as database:
        database.execute("UPDATE transit_keys SET rotated_at = rotated_at - 86400000000 WHERE name = 'due'")
    again = start(config)
    until(lambda: encrypted(again, "due").startswith("vault:v2:"), "the key to be rotated")
    assert decrypted(again, sealed, "due") == TEXT
    assert encrypted(again, "not-yet").startswith("vault:v1:")
    again.close()
    with sqlite3.connect(database_of(gateway)) as database:
        told = [json.loads(row[0]) for row in database.execute("SELECT record FROM audit_records ORDER BY id")]
    rotated = [record for record in told if record["action"] == "transit.rotate"]
    assert len(rotated) == 1 and rotated[0]["object"] == {"type": "transit key", "id": "due"}
    assert rotated[0]["actor"]["subject"] == "gatehouse"


def test_a_backup_holds_them_for_either_engine(start, tmp_path, postgres):
    one = House(tmp_path / "gateway0").migrate()
    one.config["auth"] = AUTH
    write_config(one.config_file, one.config)
    gateway = start(one.config)
    sealed = encrypted(gateway)
    does(gateway, "keys/a/rotate", {})
    gateway.close()
    file = tmp_path / "backup"
    one.done("backup", file)
    other = House(tmp_path / "gateway1", postgres)
    other.done("restore", file)
    other.config["auth"] = AUTH
    gateway = start(other.config, env=other.env)
    assert decrypted(gateway, sealed) == TEXT and encrypted(gateway).startswith("vault:v2:")


@pytest.fixture
def nodes(start, tmp_path, postgres):
    """Two of them over one database, with the same keys."""
    storage = postgres.storage(postgres.make_database())

    def node(name):
        config = house_config(tmp_path / name, storage=storage, auth=AUTH)
        if name == "gateway0":
            postgres.migrate(tmp_path / name, config)
        else:
            data = tmp_path / name / "data"
            data.mkdir(parents=True, mode=0o700)
            (data / "keys").symlink_to(tmp_path / "gateway0" / "data" / "keys")
            shutil.copy(tmp_path / "gateway0" / "data" / "ca.pem", data / "ca.pem")
        return start(config, env=postgres.env)
    return node("gateway0"), node("gateway1")


def test_another_node_opens_at_once_what_a_new_version_sealed(nodes):
    one, other = nodes
    first = encrypted(one)
    assert decrypted(other, first) == TEXT
    for version in range(2, 7):
        does(one, "keys/a/rotate", {})
        sealed = encrypted(one)
        assert sealed.startswith(f"vault:v{version}:")
        assert decrypted(other, sealed) == TEXT, "without a wait"
    does(one, "keys/a/rotate", {})
    until(lambda: encrypted(other).startswith("vault:v7:"), "the other node to seal with the new version", timeout=3)
    sealed = encrypted(other)
    does(one, "keys/a/config", {"min_decryption_version": 7, "deletion_allowed": True})
    until(lambda: told(other, "POST", "decrypt/a", {"ciphertext": first})[0] == 400, "the old version to be refused", timeout=3)
    assert told(one, "DELETE", "keys/a")[0] == 204
    until(lambda: told(other, "POST", "decrypt/a", {"ciphertext": sealed})[0] == 400, "the key to be gone", timeout=3)
    # A key of the same name is another one, on either node.
    renewed = encrypted(one)
    assert renewed.startswith("vault:v1:") and decrypted(other, renewed) == TEXT
    assert told(other, "POST", "decrypt/a", {"ciphertext": first})[0] == 400
