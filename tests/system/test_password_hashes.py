"""How passwords rest: hashed, by ours or another system, and nowhere in plain."""

import contextlib
import crypt
import json
import sqlite3

import pytest

from support.control import Control, add_user, house_config
from support.gateway import run

ADA, ULI = "the engine weaves", "plain as day"


@pytest.fixture
def house(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    add_user(gateway.config_file, "ada", ADA, "admin")
    add_user(gateway.config_file, "uli", ULI, "user")
    return Control(gateway)


def test_bcrypt_hashes_are_taken_and_replaced(start, tmp_path):
    config = house_config(tmp_path / "gateway0", auth={"password_hash": "bcrypt"})
    gateway = start(config)
    add_user(gateway.config_file, "uli", ULI, "user")
    assert b"$2b$12$" in database_bytes(gateway)
    Control(gateway).sign_in("uli", ULI)
    too_long = run("user", "add", "lang", "--password-stdin", "--config", gateway.config_file, stdin="x" * 73 + "\n")
    assert too_long.returncode == 1 and "password" in too_long.stderr
    gateway.stop()
    config["auth"]["password_hash"] = "argon2id"
    again = start(config)
    Control(again).sign_in("uli", ULI)
    assert b"$argon2id$" in database_bytes(gateway)


def test_users_of_another_system_keep_their_passwords(house):
    """Hashed by libxcrypt; ours takes its place at the first sign-in."""
    theirs = crypt.crypt(ULI, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=2 ** 12))
    file = house.gateway.config_file
    add = lambda name, line: run("user", "add", name, "--password-hash-stdin", "--config", file, stdin=line + "\n")  # noqa: E731
    made = add("imported", theirs)
    assert made.returncode == 0 and made.stdout == "", made
    assert theirs.encode() in database_bytes(house.gateway)
    assert house.form("/auth/token", {"username": "imported", "password": "another password"}).status == 401
    caller = house.sign_in("imported", ULI)
    assert caller.get("/auth/me").status == 200
    admin = house.sign_in("ada", ADA)
    user, = [each for each in admin.get("/api/v1/users").json()["items"] if each["name"] == "imported"]
    assert user["password_change_required"] is False
    with contextlib.closing(sqlite3.connect(house.gateway.directory / "data" / "gatehouse.db")) as database:
        stored, = database.execute("SELECT password_hash FROM users WHERE name = 'imported'").fetchone()
    assert stored.startswith("$argon2id$")
    house.sign_in("imported", ULI)
    for wrong in ("", "plain text", theirs[:-1], theirs.replace("$12$", "$31$"), "$1$salt$abcdefghijklmnopqrstuv"):
        answer = add("nobody", wrong)
        assert answer.returncode == 1 and "$2b$12$" in answer.stderr, answer
        assert not wrong or wrong not in answer.stderr
    assert len([1 for each in admin.get("/api/v1/users").json()["items"] if each["name"] == "nobody"]) == 0


def database_bytes(gateway):
    data = gateway.directory / "data"
    return b"".join(path.read_bytes() for path in data.glob("gatehouse.db*"))


def test_no_password_and_no_token_stands_in_log_or_database(house):
    token = house.sign_in("uli", ULI).fields[0][1].removeprefix("Bearer ")
    house.form("/auth/token", {"username": "uli", "password": "a wrong one to look for"})
    said = house.gateway.output() + json.dumps(house.gateway.access_log())
    for secret in (ULI, token, "a wrong one to look for"):
        assert secret not in said
        assert secret.encode() not in database_bytes(house.gateway)
