"""How a house and its database begin and end with one another: in time, in order, and saying what to do."""

import json
import os
import sqlite3
import subprocess
import time

import pytest

from support.control import Control, add_user, house_config
from support.gateway import run, without_leak_check, write_config
from support.house import House
from support.wait import seconds, until

PASSWORD = "the engine weaves"


@pytest.fixture
def on_postgres(postgres, tmp_path):
    """A configuration on a database of its own that is up to date."""
    config = house_config(tmp_path / "gateway0", storage=postgres.storage(postgres.make_database()))
    postgres.migrate(tmp_path / "gateway0", config)
    return config


def database_of(config):
    return config["storage"]["url"].split("/")[3].split("?")[0]


# --- the end ---

def test_a_stop_leaves_no_log_of_sqlite_behind(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    Control(gateway).sign_in("ada", PASSWORD)
    data = gateway.directory / "data"
    assert (data / "gatehouse.db-wal").exists()
    assert gateway.stop() == 0
    assert [path.name for path in data.glob("gatehouse.db*")] == ["gatehouse.db"]


def test_a_stop_closes_connections_as_postgresql_wants_it(postgres, start, on_postgres):
    gateway = start(on_postgres, env=postgres.env)
    until(lambda: postgres.connections(database_of(on_postgres)) >= 2, "connections")
    before = len(postgres.log_file.read_bytes())
    assert gateway.stop() == 0
    until(lambda: postgres.connections(database_of(on_postgres)) == 0, "connections to end")
    said = postgres.log_file.read_bytes()[before:].decode(errors="replace")
    assert "could not receive data from client" not in said and "unexpected EOF" not in said, said


def test_a_stop_does_not_wait_for_a_database_that_hangs(postgres, start, on_postgres):
    gateway = start(on_postgres, env=postgres.env | without_leak_check())
    postgres.pause()
    began = time.monotonic()
    assert gateway.stop(timeout=20) == 0
    # Two seconds for what is left to write, two for the connections to end.
    assert time.monotonic() - began < seconds(7)


# --- the beginning ---

def test_a_start_does_not_wait_long_for_a_database_that_hangs(postgres, start, on_postgres):
    postgres.pause()
    began = time.monotonic()
    gateway = start(on_postgres, env=postgres.env | without_leak_check())
    assert time.monotonic() - began < seconds(7)
    assert gateway.get("/health/ready", listener="admin").json()["checks"]["database"]["status"] == "unhealthy"
    postgres.resume()
    until(lambda: gateway.get("/health/ready", listener="admin").json()["checks"]["database"]["status"] == "healthy",
          "the database to be seen", timeout=20)


def test_the_start_tells_the_storage_backend(postgres, start, on_postgres, tmp_path):
    for config, engine, place in ((on_postgres, "PostgreSQL", f"postgresql://gatehouse@127.0.0.1:{postgres.port}/"),
                                  (house_config(tmp_path / "gateway1"), "SQLite", "sqlite:")):
        gateway = start(config, env=postgres.env)
        line, = [line for line in gateway.log() if line["message"].startswith("Storage backend: ")]
        assert line["message"] == f"Storage backend: {engine}" and place in str(line), line


def test_variables_of_libpq_decide_nothing(postgres, on_postgres, tmp_path):
    nonsense = {name: "192.0.2.1" for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGSERVICEFILE", "PGUSER",
                                               "PGDATABASE", "PGPASSWORD", "PGSSLMODE", "PGREQUIREPEER", "PGTZ", "PGDATESTYLE",
                                               "PGSSLMAXPROTOCOLVERSION", "PGSSLCRL", "PGCHANNELBINDING", "PGOPTIONS")}
    file = tmp_path / "gateway0" / "gatehouse.yaml"
    done = run("migrate", "verify", "--config", file, env=postgres.env | nonsense)
    assert done.returncode == 0, done.stderr
    # What the configuration refers to is there all the same.
    write_config(file, on_postgres | {"storage": on_postgres["storage"] | {"password": "${env:PGPASSWORD}"}})
    done = run("migrate", "verify", "--config", file,
               env=nonsense | {"PGPASSWORD": next(iter(postgres.env.values()))})
    assert done.returncode == 0, done.stderr


def test_a_wrong_password_is_told_by_the_key_it_stands_in(postgres, on_postgres, tmp_path):
    done = run("migrate", "verify", "--config", tmp_path / "gateway0" / "gatehouse.yaml",
               env={name: "another" for name in postgres.env}, timeout=40)
    assert done.returncode == 1 and "correct storage.password" in done.stderr, done.stderr


# --- the folder ---

@pytest.mark.parametrize("linked", ["the folder itself", "a folder above it"])
def test_a_data_directory_may_be_reached_through_a_link(start, tmp_path, linked):
    real, link = tmp_path / "real", tmp_path / "link"
    (real / "data").mkdir(parents=True)
    link.symlink_to(real / "data" if linked == "the folder itself" else real)
    data = link if linked == "the folder itself" else link / "data"
    gateway = start(house_config(tmp_path / "gateway0", data_dir=str(data)))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    Control(gateway).sign_in("ada", PASSWORD)
    assert (real / "data" / "gatehouse.db").exists()
    assert gateway.stop() == 0
    file = tmp_path / "state.backup"
    done = run("backup", file, "--config", gateway.config_file)
    assert done.returncode == 0, done.stderr
    done = run("restore", file, "--config", gateway.config_file, "--force")
    assert done.returncode == 0, done.stderr
    start(gateway.config)


def test_a_data_directory_that_others_may_read_is_told(start, tmp_path):
    for name, mode, told in (("gateway0", 0o755, 1), ("gateway1", 0o700, 0)):
        data = tmp_path / name / "data"
        data.mkdir(parents=True)
        data.chmod(mode)
        gateway = start(house_config(tmp_path / name))
        assert sum("chmod 0700" in str(line) for line in gateway.log()) == told


def test_looking_at_the_schema_makes_nothing(tmp_path):
    house = House(tmp_path / "house")
    assert "CREATE TABLE users" in house.done("migrate", "up", "--dry-run")
    assert "pending" in house.done("migrate", "status")
    house.refused("are pending", "migrate", "verify")
    assert not house.data.exists()
    house.migrate()
    before = sorted(path.name for path in house.data.iterdir())
    assert house.done("migrate", "up", "--dry-run") == ""
    assert sorted(path.name for path in house.data.iterdir()) == before


# --- backups ---

@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_is_a_reason_to_have_a_backup(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=False,
                      capture_output=True).returncode != 0:
        pytest.skip("mount is not allowed here")
    try:
        house = House(tmp_path / "house")
        write_config(house.config_file, house.config | {"data_dir": str(disk / "data")})
        house.done("migrate", "up")
        house.add_user("ada")
        with (disk / "ballast").open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096) == 4096:
                    pass
            except OSError:
                pass
        # What an open of the file wants by itself; not enough for a record.
        os.truncate(disk / "ballast", os.path.getsize(disk / "ballast") - 36_864)
        done = house.verb("backup", tmp_path / "state.backup")
        assert done.returncode == 0, done.stderr
        assert "WARNING: the database took no record" in done.stderr and "make room" in done.stderr, done.stderr
        assert run("backup", "verify", tmp_path / "state.backup").returncode == 0
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_verifying_wants_a_folder_for_temporary_files(tmp_path):
    house = House(tmp_path / "house").migrate()
    file = house.backup()
    done = run("backup", "verify", file, env={"TMPDIR": str(tmp_path / "missing")})
    assert done.returncode == 1 and "TMPDIR" in done.stderr, done


def test_the_log_of_a_restored_house_is_signed_again(start, tmp_path):
    house = House(tmp_path / "gateway0")
    gateway = start(house.migrate().config)
    house.add_user("ada")
    file = house.backup()
    house.add_user("uli")
    assert gateway.stop() == 0  # signs a checkpoint
    newest = house.data / "audit" / "checkpoint"
    before = newest.read_text()
    done = house.verb("restore", file, "--force")
    assert done.returncode == 0 and "checkpoint.before-restore" in done.stderr, done.stderr
    assert (house.data / "audit" / "checkpoint.before-restore").read_text() == before and not newest.exists()
    with sqlite3.connect(house.data / "gatehouse.db") as database:
        told = [json.loads(row[0]) for row in database.execute("SELECT record FROM audit_records ORDER BY leaf_index")][-1]
    assert told["action"] == "backup.restore" and told["details"]["checkpoint_before"].split() == before.splitlines()[1:3]
    again = start(house.config)
    until(newest.exists, "a checkpoint of the restored log", timeout=10)
    assert not [line for line in again.log() if "no checkpoint was signed" in str(line)]
    assert again.stop() == 0
    house.done("audit", "verify")
