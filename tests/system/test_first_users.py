"""Whom a first start makes: the admin, those of the environment, and a user and a guest where they are wanted."""

import sqlite3

import pytest

from support.control import Control, house_config
from support.gateway import Gatehouse, run, write_config
from support.wait import until


def test_the_first_start_makes_an_admin_whose_password_is_for_one_use(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    file = gateway.directory / "data" / "admin-password"
    assert file.stat().st_mode & 0o777 == 0o600
    password = file.read_text().strip()
    assert len(password) >= 20 and password not in gateway.output()
    house = Control(gateway)
    login = {"username": "admin", "password": password}
    response = house.form("/auth/token", login)
    assert response.status == 403 and response.json()["code"] == "password.change_required"
    unchanged = house.ask("POST", "/api/v1/auth/password", {**login, "new_password": password})
    assert unchanged.status == 422 and unchanged.json()["errors"][0]["pointer"] == "/new_password"
    assert house.ask("POST", "/api/v1/auth/password", {**login, "new_password": "mine alone"}).status == 204
    assert house.form("/auth/token", login).status == 401
    assert house.sign_in("admin", "mine alone").get("/api/v1/users").status == 200


def test_a_second_start_makes_nobody(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    first = start(config)
    (first.directory / "data" / "admin-password").unlink()
    first.stop()
    second = start(config)
    assert not (second.directory / "data" / "admin-password").exists()


def test_inherited_users_are_taken_over_once(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    environment = {"VALID_USERS": "uli:plain as day,kim:colon:inside", "ADMIN_INITIAL_PASSWORD": "first of all"}
    gateway = start(config, env=environment)
    house = Control(gateway)
    assert house.sign_in("kim", "colon:inside").get("/auth/me").json()["roles"] == ["user"]
    assert house.form("/auth/token", {"username": "admin", "password": "first of all"}).status == 403
    assert "plain as day" not in gateway.output() and "first of all" not in gateway.output()
    assert b"plain as day" not in (gateway.directory / "data" / "gatehouse.db").read_bytes()
    run("user", "disable", "kim", "--config", gateway.config_file)
    gateway.stop()
    again = start(config, env=environment)
    assert Control(again).form("/auth/token", {"username": "kim", "password": "colon:inside"}).status == 401


def test_one_bad_password_of_the_environment_and_nobody_is_made(start, tmp_path):
    config = house_config(tmp_path / "gateway0", auth={"password_hash": "bcrypt"})
    users = "alice:correct horse,bob:" + "battery staple " * 6
    (tmp_path / "gateway0").mkdir()
    write_config(tmp_path / "gateway.yaml", config)
    for words in (("config", "check", tmp_path / "gateway.yaml"), ("serve", "--config", tmp_path / "gateway.yaml")):
        done = run(*words, env={"VALID_USERS": users})
        said = done.stdout + done.stderr
        assert done.returncode == 2 and "VALID_USERS" in said and "bob" in said and "staple" not in said, said
    gateway = start(config, env={"VALID_USERS": "alice:correct horse,bob:battery staple"})
    for name, password in (("alice", "correct horse"), ("bob", "battery staple")):
        Control(gateway).sign_in(name, password)
    assert (gateway.directory / "data" / "admin-password").exists()


@pytest.mark.parametrize("weak", ["admin123", "short", "aaaaaaaaaaaaaaaa", "please change-me"])
def test_a_weak_password_of_the_environment_is_refused(tmp_path, weak):
    config = house_config(tmp_path / "gateway0")
    write_config(tmp_path / "gateway.yaml", config)
    for variable, value in (("VALID_USERS", f"admin:{weak}"), ("ADMIN_INITIAL_PASSWORD", weak)):
        done = run("serve", "--config", tmp_path / "gateway.yaml", env={variable: value})
        assert done.returncode == 2 and variable in done.stderr and weak not in done.stderr, done.stderr


def test_an_imported_admin_has_to_change_their_password(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"), env={"VALID_USERS": "admin:plain as day"})
    house, login = Control(gateway), {"username": "admin", "password": "plain as day"}
    refusal = house.form("/auth/token", login)
    assert refusal.status == 403 and refusal.json()["code"] == "password.change_required"
    assert house.ask("POST", "/api/v1/auth/password", {**login, "new_password": "mine alone"}).status == 204
    assert house.sign_in("admin", "mine alone").get("/api/v1/users").status == 200
    assert not (gateway.directory / "data" / "admin-password").exists()


def test_a_user_and_a_guest_are_made_where_they_are_wanted(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth={"first_users": ["user", "guest"]}))
    house = Control(gateway)
    for name in ("admin", "user", "guest"):
        file = gateway.directory / "data" / f"{name}-password"
        assert file.stat().st_mode & 0o777 == 0o600
        login = {"username": name, "password": file.read_text().strip()}
        assert house.form("/auth/token", login).status == 403
        assert house.ask("POST", "/api/v1/auth/password", {**login, "new_password": f"mine, says {name}"}).status == 204
        assert house.sign_in(name, f"mine, says {name}").get("/auth/me").json()["roles"] == [name]


def test_a_first_start_that_is_killed_has_made_all_or_nobody(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    env = {"VALID_USERS": ",".join(f"u{i}:correct horse {i}" for i in range(20))}
    database = tmp_path / "gateway0" / "data" / "gatehouse.db"

    def users():
        with sqlite3.connect(f"file:{database}?mode=rw", uri=True) as connection:  # it brings in what the log still holds
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'roles'").fetchall():
                return 0
            return connection.execute("SELECT count(*) FROM users").fetchone()[0]
    for _ in range(3):
        dying = Gatehouse(tmp_path / "gateway0", config, env=env, ready=False)
        until(database.exists, "the database to be there")
        dying.kill()
        assert users() in (0, 21)
    gateway = start(config, env=env)
    assert users() == 21
    Control(gateway).sign_in("u19", "correct horse 19")
