"""kill -9 at any moment of a rotation: whoever starts next goes on, and what readers get is let in."""

import collections
import contextlib
import os
import sqlite3

import pytest

from support.control import house_config
from support.gateway import Gatehouse
from support.rotation import AUTH, Application, Rotations
from support.wait import pass_time, until

ROUNDS = 60 if os.environ.get("GATEHOUSE_SLOW") == "1" else 14


def stored(gateway, statement, *values):
    with contextlib.closing(sqlite3.connect(gateway.directory / "data" / "gatehouse.db", timeout=10, isolation_level=None)) as database:
        return database.execute(statement, values).fetchone()


def rotated(postgres, role):
    """What the server keeps of a password, if anything."""
    return postgres.psql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")


@pytest.mark.parametrize("roles", [2, 1])
def test_the_current_version_is_let_in_after_kill_9(tmp_path, postgres, roles):
    application = Application(postgres)
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = Gatehouse(tmp_path / "gateway0", config)
    met = collections.Counter()
    early, late = 0.0, 0.3
    try:
        rotations = Rotations(gateway)
        rotations.write("team/admin", application.connection())
        rotations.set(application.rule(roles, every="1h", overlap="3s" if roles == 2 else "0s"))
        assert application.lets_in(rotations.until_version(1))
        for round_number in range(3 * ROUNDS):
            if round_number >= ROUNDS and met["pending", False] and met["pending", True]:
                break
            # Every third all over its length, the others between what came too early and what came too late.
            moment = 0.3 * round_number / ROUNDS % 0.3 if round_number % 3 == 0 else (early + late) / 2
            before = rotations.until_state("idle")["current_version"]
            passwords = [rotated(postgres, role) for role in application.roles]
            rotations.now()
            # The work takes some tenths of a second, and begins within a second.
            until(lambda: stored(gateway, "SELECT claim <> '' FROM secret_rotations")[0], "the work to begin", timeout=10, pause=0.001)
            pass_time(moment)
            gateway.kill()
            state, claim, version = stored(gateway, "SELECT state, claim, current_version FROM secret_rotations")
            told = passwords != [rotated(postgres, role) for role in application.roles]
            met[state, told] += 1
            if late - early < 0.001:
                early, late = 0.0, 0.3
            early, late = (early, moment) if version > before else (moment, late) if not told else (early, late)
            if round_number > 0:  # once the claim ends by itself
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
    assert met["pending", False] and met["pending", True], met


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
