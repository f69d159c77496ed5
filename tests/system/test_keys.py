"""API keys that were made here: over the API and from the shell."""

import json

import pytest

from support import jwt
from support.control import Control, add_user, house_config
from support.gateway import run
from support.wait import until

PASSWORD = "the engine weaves"


@pytest.fixture
def house(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    for name, role in (("ada", "admin"), ("uli", "user"), ("kim", "user")):
        add_user(gateway.config_file, name, PASSWORD, role)
    return Control(gateway)


def test_a_key_is_made_shown_once_and_listed_without_its_text(house):
    admin = house.sign_in("ada", PASSWORD)
    made = admin.ask("POST", "/api/v1/keys", {"name": "nightly", "roles": ["user"], "scopes": ["query"]})
    assert made.status == 201
    text, key_id = made.json()["key"], made.json()["id"]
    assert text.startswith(f"gh_{key_id}_") and len(text) > 60
    shown = admin.get(made.get("location"))
    assert "key" not in shown.json() and shown.get("etag") == '"1"'
    assert text not in str(admin.get("/api/v1/keys").body)
    assert shown.json()["owner"] == "ada"
    data = house.gateway.directory / "data"
    secret = text.split("_", 2)[2].encode()  # base64url has underscores of its own
    assert all(secret not in path.read_bytes() for path in data.glob("gatehouse.db*"))


def test_users_see_and_end_their_own_keys_only(house):
    uli, kim, admin = (house.sign_in(name, PASSWORD) for name in ("uli", "kim", "ada"))
    made = uli.ask("POST", "/api/v1/keys", {"name": "mine", "roles": ["user"]})
    assert made.status == 201 and made.json()["subject"] == "uli"
    path = made.get("location")
    assert [key["name"] for key in uli.get("/api/v1/keys").json()["items"]] == ["mine"]
    assert kim.get("/api/v1/keys").json()["items"] == []
    assert kim.get("/api/v1/keys?owner=uli").json()["items"] == []
    for method, where in (("GET", path), ("DELETE", path), ("POST", path + "/rotate")):
        assert kim.ask(method, where).status == 404, (method, where)
    assert admin.get(path).status == 200
    assert uli.ask("DELETE", path).status == 200


@pytest.mark.parametrize("wish", [{"roles": ["admin"]}, {"roles": ["manager"]}, {"roles": ["auditors"]},
                                  {"subject": "ada"}, {"kind": "service"}, {"scopes": ["users:read"]},
                                  {"scopes": ["payments:write"]}, {"roles": ["user"], "scopes": ["query", "keys:write"]}])
def test_nobody_makes_a_key_that_may_more_than_they_may(house, wish):
    response = house.sign_in("uli", PASSWORD).ask("POST", "/api/v1/keys", {"name": "more", **wish})
    assert response.status == 403, response


def test_nobody_rotates_a_key_that_may_more_than_they_may(house):
    admin = house.sign_in("ada", PASSWORD)
    wide = admin.ask("POST", "/api/v1/keys", {"name": "wide", "roles": ["admin"]})
    plain = admin.ask("POST", "/api/v1/keys", {"name": "plain", "roles": ["user"]})
    clerk = admin.ask("POST", "/api/v1/keys", {"name": "clerk", "roles": ["user"], "scopes": ["keys:write"]})
    assert clerk.status == 201, clerk
    keeper = admin.ask("POST", "/api/v1/keys", {"name": "keeper", "scopes": ["keys:write"]}).json()["key"]
    refused = Control(house.gateway, key=keeper).ask("POST", wide.get("location") + "/rotate")
    assert (refused.status, refused.json()["code"]) == (403, "role.above_own"), refused
    assert admin.ask("POST", plain.get("location") + "/rotate").status == 200
    assert Control(house.gateway, key=wide.json()["key"]).get("/api/v1/users").status == 200, "as it was"


def test_a_users_name_in_a_token_of_another_issuer_owns_no_key(start, tmp_path):
    secret = jwt.new_secret()
    config = house_config(tmp_path / "gateway0")
    config.setdefault("auth", {})["trusted_issuers"] = [
        {"issuer": "legacy", "algorithm": "HS256", "secret": "${env:LEGACY}", "audience": "any"}]
    gateway = start(config, env={"LEGACY": secret})
    add_user(gateway.config_file, "ada", PASSWORD, "admin", env={"LEGACY": secret})
    admin = Control(gateway).sign_in("ada", PASSWORD)
    made = admin.ask("POST", "/api/v1/keys", {"name": "hers", "roles": ["admin"]})
    legacy = jwt.Key("HS256", kid=None, secret=secret)
    stranger = Control(gateway, token=legacy.token(jwt.claims(iss="legacy", sub="ada", roles=["user"])))
    assert stranger.get("/auth/me").json()["username"] == "ada"
    assert stranger.get("/api/v1/keys").status == 403
    for method, path in (("GET", ""), ("POST", "/rotate"), ("DELETE", "")):
        assert stranger.ask(method, made.get("location") + path).status == 404, (method, path)
    assert stranger.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]}).status == 403
    chief = Control(gateway, token=legacy.token(jwt.claims(iss="legacy", sub="ada", roles=["admin"])))
    assert chief.ask("POST", "/api/v1/users", {"name": "max", "roles": ["user"]}).status == 201
    shown = run("audit", "tail", "--json", "--object-type", "user", "--config", gateway.config_file, env={"LEGACY": secret})
    told = json.loads(shown.stdout.splitlines()[-1])["record"]
    assert (told["action"], told["actor"]["subject"]) == ("user.create", "ada")
    assert (told["details"]["issuer"], told["details"]["name"]) == ("legacy", "max"), "not our ada"


def test_a_key_is_no_more_than_its_maker_is_today(house):
    admin = house.sign_in("ada", PASSWORD)
    made = admin.ask("POST", "/api/v1/users", {"name": "max", "roles": ["manager"]})
    one_time, user = made.json()["one_time_password"], made.get("location")
    Control(house.gateway).ask("POST", "/api/v1/auth/password",
                               {"username": "max", "password": one_time, "new_password": PASSWORD})
    key = house.sign_in("max", PASSWORD).ask("POST", "/api/v1/keys", {"name": "his", "roles": ["manager"]}).json()["key"]
    robot = Control(house.gateway, key=key)
    assert robot.get("/api/v1/users").status == 200
    tag = admin.get(user).get("etag")
    assert admin.ask("PATCH", user, {"roles": ["user"]}, fields=[("If-Match", tag)]).status == 200
    until(lambda: robot.get("/api/v1/users").status == 403, "the key to be less", timeout=3)
    assert robot.get("/auth/me").json()["roles"] == []


def test_the_keys_of_a_disabled_user_open_nothing(house):
    made = house.sign_in("uli", PASSWORD).ask("POST", "/api/v1/keys", {"name": "mine", "roles": ["user"]})
    robot = Control(house.gateway, key=made.json()["key"])
    assert robot.get("/auth/me").status == 200
    assert run("user", "disable", "uli", "--config", house.gateway.config_file).returncode == 0
    until(lambda: robot.get("/auth/me").status == 401, "the key to be out", timeout=3)
    assert run("user", "enable", "uli", "--config", house.gateway.config_file).returncode == 0
    until(lambda: robot.get("/auth/me").status == 200, "the key to be good again", timeout=3)


def test_a_key_is_rotated_and_ended(house):
    admin = house.sign_in("ada", PASSWORD)
    made = admin.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]})
    path = made.get("location")
    rotated = admin.ask("POST", path + "/rotate", fields=[("If-Match", '"1"')])
    assert rotated.status == 200 and rotated.json()["key"] != made.json()["key"]
    assert rotated.json()["id"] == made.json()["id"]
    assert admin.ask("POST", path + "/rotate", fields=[("If-Match", '"1"')]).status == 412
    ended = admin.ask("DELETE", path)
    assert ended.status == 200 and ended.json()["revoked_at"]
    assert admin.ask("POST", path + "/rotate").status == 409
    assert admin.ask("DELETE", path).status == 200  # twice is no error


@pytest.mark.parametrize("body, pointer", [
    ({"name": ""}, "/name"), ({"name": "k", "scopes": ["two words"]}, "/scopes"),
    ({"name": "k", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"), ({"name": "k", "expires_at": "soon"}, "/expires_at"),
    ({"name": "k", "kind": "agent"}, "/kind"), ({"name": "k", "roles": ["user", "user"]}, "/roles/1")])
def test_wrong_fields_are_pointed_at(house, body, pointer):
    response = house.sign_in("ada", PASSWORD).ask("POST", "/api/v1/keys", body)
    assert response.status == 422, response
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_the_shell_makes_lists_and_ends_keys(house):
    file = house.gateway.config_file
    made = run("key", "create", "nightly", "--role", "user", "--expires", "30d", "--config", file)
    assert made.returncode == 0 and made.stdout.startswith("gh_") and made.stdout.count("\n") == 1
    key_id = made.stdout.split("_")[1]
    assert key_id in run("key", "list", "--config", file).stdout
    assert made.stdout.strip() not in run("key", "list", "--json", "--config", file).stdout
    assert run("key", "rotate", key_id, "--config", file).stdout.startswith(f"gh_{key_id}_")
    assert run("key", "revoke", key_id, "--config", file).returncode == 0
    assert "revoked" in run("key", "list", "--config", file).stdout
    unknown = run("key", "revoke", "nosuch", "--config", file)
    assert unknown.returncode == 1 and "key list" in unknown.stderr


def test_inherited_keys_are_taken_over_once(start, tmp_path, upstream):
    config = house_config(tmp_path / "gateway0", [upstream])
    config["routes"] = [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": {"role": "user"}}]
    key = "3f1d7a9c5e2b8046d1c3f5a7092e4b68"
    first = start(config, env={"API_KEYS": f"{key},"})
    assert Control(first, key=key).get("/x").status == 200
    assert key.encode() not in b"".join(path.read_bytes() for path in (first.directory / "data").glob("gatehouse.db*"))
    key_id = next(word for word in run("key", "list", "--config", first.config_file).stdout.split() if "taken-" in word)
    assert run("key", "revoke", key_id, "--config", first.config_file).returncode == 0
    first.stop()
    second = start(config, env={"API_KEYS": key})
    assert Control(second, key=key).get("/x").status == 401
    assert Control(second, key="").get("/x").status == 401
