"""Is the file of the database whole? What serve makes of one that is not."""

import contextlib
import os
import shutil
import sqlite3

import pytest

from support.control import house_config
from support.house import House
from support.wait import until


def write_over(house, content):
    """Instead of the database, and without its log: SQLite would read that."""
    for path in house.data.glob("gatehouse.db*"):
        path.unlink()
    (house.data / "gatehouse.db").write_bytes(content)


def readiness(gateway):
    return gateway.request("GET", "/health/ready", listener="admin").json()["checks"]["database"]["status"]


def test_a_whole_database_is_looked_at_and_healthy(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    until(lambda: gateway.metric("database_checked_timestamp_seconds") > 0, "the check", timeout=20)
    assert gateway.metric("database_damaged") == 0 and readiness(gateway) == "healthy"


def test_a_damaged_database_is_told(start, tmp_path):
    house = House(tmp_path / "gateway0").migrate()
    with contextlib.closing(sqlite3.connect(house.data / "gatehouse.db", isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute("INSERT INTO user_roles VALUES ('nobody', 'user')")
    gateway = start(house.config)
    until(lambda: gateway.metric("database_damaged") == 1, "the check to find it", timeout=20)
    assert readiness(gateway) == "degraded"
    line = until(lambda: [line for line in gateway.log() if "damaged" in line["message"]], "the log to tell")[0]
    assert line["level"] == "ERROR" and "restore" in line["message"] and "user_roles" in line["finding"]
    assert gateway.request("GET", "/health/ready", listener="admin").status == 200


@pytest.mark.parametrize("content", [b"\x5a" * 8192, os.urandom(8192), b"SQLite format 3\0" + b"\xff" * 4080],
                         ids=["noise", "encrypted", "header"])
def test_a_file_that_is_no_database_stops_the_start(start, tmp_path, content):
    house = House(tmp_path / "gateway0").migrate()
    write_over(house, content)
    gateway = start(house.config, ready=False)
    gateway.expected_exit = 1
    assert gateway.wait_for_exit() == 1
    assert "gatehouse restore" in gateway.output(), gateway.output()
    assert (house.data / "gatehouse.db").read_bytes() == content


def test_a_house_with_a_broken_database_is_restored(tmp_path):
    house = House(tmp_path / "house").migrate()
    house.add_user("ada")
    file = house.backup()
    write_over(house, os.urandom(8192))
    shutil.rmtree(house.data / "keys")
    assert house.verb("user", "list").returncode == 1
    house.done("restore", file, "--force")
    assert house.users() == {"ada"}
