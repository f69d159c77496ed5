"""kill -9 at any moment of a rotation: whoever starts next goes on, and what readers get is let in."""

import contextlib
import os
import sqlite3

import pytest

from support.control import house_config
from support.gateway import Gatehouse
from support.rotation import AUTH, Application, Rotations
from support.wait import pass_time, until

ROUNDS = 60 if os.environ.get("GATEHOUSE_SLOW") == "1" else 8


def database_of(gateway):
    return contextlib.closing(sqlite3.connect(gateway.directory / "data" / "gatehouse.db", timeout=10, isolation_level=None))


def stored(gateway, statement, *values):
    with database_of(gateway) as database:
        return database.execute(statement, values).fetchone()


def rotated(postgres, role):
    """What the server keeps of a password, if anything."""
    return postgres.psql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")


def begun(gateway):
    return stored(gateway, "SELECT claim <> '' FROM secret_rotations")[0]


def kill_before_the_server_is_told(gateway, postgres, _told):
    """The new version waits; the server has the change, and not begun with it."""
    with postgres.held("LOCK TABLE pg_authid IN SHARE MODE") as lock:
        until(lock.waiting, "the server to be asked", timeout=10)
        gateway.kill()
        # Or it would be told all the same, once the lock is gone.
        postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")


def kill_before_it_is_noted(gateway, postgres, told):
    """The server has the new password, and the database may not say so."""
    with postgres.held("LOCK TABLE pg_authid IN SHARE MODE") as lock, database_of(gateway) as database:
        until(lock.waiting, "the server to be asked", timeout=10)
        database.execute("BEGIN IMMEDIATE")
        lock.let_go()
        until(told, "the server to know", timeout=10)
        gateway.kill()


def kill_after(moment):
    def kill(gateway, _postgres, _told):
        # The work takes some tenths of a second, and begins within a second.
        until(lambda: begun(gateway), "the work to begin", timeout=10, pause=0.001)
        pass_time(moment)
        gateway.kill()
    return kill


STAGED = [(kill_before_the_server_is_told, ("pending", False)), (kill_before_it_is_noted, ("pending", True))]


@pytest.mark.parametrize("roles", [2, 1])
def test_the_current_version_is_let_in_after_kill_9(tmp_path, postgres, roles):
    application = Application(postgres)
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = Gatehouse(tmp_path / "gateway0", config)
    try:
        rotations = Rotations(gateway)
        rotations.write("team/admin", application.connection())
        rotations.set(application.rule(roles, every="1h", overlap="3s" if roles == 2 else "0s"))
        assert application.lets_in(rotations.until_version(1))
        for kill, wanted in [*STAGED, *((kill_after(0.3 * number / ROUNDS), None) for number in range(ROUNDS))]:
            before = rotations.until_state("idle")["current_version"]
            passwords = [rotated(postgres, role) for role in application.roles]

            def told(passwords=passwords):
                return passwords != [rotated(postgres, role) for role in application.roles]

            rotations.now()
            kill(gateway, postgres, told)
            state, claim, version = stored(gateway, "SELECT state, claim, current_version FROM secret_rotations")
            assert wanted in (None, (state, told()))
            if wanted is None:  # the others have it wait until the claim ends by itself
                stored(gateway, "UPDATE secret_rotations SET claimed_until = 0")
            gateway = Gatehouse(tmp_path / "gateway0", config)
            rotations = Rotations(gateway)
            if roles == 2:
                assert application.lets_in(rotations.read()), "at once, whatever was going on"
            read = rotations.until_version(before + 1, timeout=40)
            assert application.lets_in(read), (state, claim, version)
            rotations.until_state("idle", timeout=40)
            assert application.lets_in(rotations.read()) and rotations.read()["version"] == before + 1
            if roles == 2:
                assert [bool(rotated(postgres, role)) for role in application.roles].count(True) == 1
        assert all(run["state"] != "running" for run in rotations.runs())
        gateway.close()
    finally:
        gateway.kill()


def test_who_has_read_is_known_after_a_stop(tmp_path):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = Gatehouse(tmp_path / "gateway0", config)
    try:
        rotations = Rotations(gateway)
        rotations.write("team/db", {"value": "by hand"})
        rotations.set({"generator": {"kind": "random"}, "every": "1h", "overlap": "1m"})
        assert rotations.read("billing")["version"] == 1
        gateway.stop()
        gateway = Gatehouse(tmp_path / "gateway0", config)
        assert Rotations(gateway).consumers()["api_key:billing"]["version"] == 1
        gateway.close()
    finally:
        gateway.kill()
