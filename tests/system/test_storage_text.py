"""What is written into every field of the API comes back as it was, or is refused: no text is ever SQL, on either engine."""

import urllib.parse

import pytest

from support.control import Control, add_user, house_config
from support.wait import until

ADMIN = "the engine weaves"
NASTY = ["'; DROP TABLE users; --", "' OR '1'='1", '"; DELETE FROM api_keys; --', "$1", "%(name)s", "{}", "\\'; SELECT 1", "a\\",
         "/* x */", "ä'ß\"", "\u2028'", "x' UNION SELECT password_hash FROM users --", "𝕏'", "COPY users TO PROGRAM 'id'"]
NUL = "a\0b"


@pytest.fixture(params=["sqlite", "postgres"])
def admin(request, start, tmp_path):
    changes, env = {}, None
    config = house_config(tmp_path / "gateway0")
    if request.param == "postgres":
        postgres = request.getfixturevalue("postgres")
        env = postgres.env
        config = house_config(tmp_path / "gateway0", storage=postgres.storage(postgres.make_database()))
        postgres.migrate(tmp_path / "gateway0", config)
    gateway = start(config | changes, env=env)
    add_user(gateway.config_file, "ada", ADMIN, "admin", env=env)
    return Control(gateway).sign_in("ada", ADMIN)


def names(admin):
    return [user["name"] for user in admin.get("/api/v1/users").json()["items"]]


def test_fields_of_bodies(admin):
    before = names(admin)
    kept = refused = made = 0
    for text in [*NASTY, NUL]:
        key = {"name": "k", "roles": ["user"]}
        for field, value in [("name", text), ("subject", text), ("scopes", [text]), ("roles", [text]), ("expires_at", text),
                             ("kind", text)]:
            answer = admin.ask("POST", "/api/v1/keys", key | {field: value})
            assert answer.status in (201, 400, 422), (field, text, answer)
            kept, refused = kept + (answer.status == 201), refused + (answer.status != 201)
            if answer.status == 201 and field != "scopes":
                assert answer.json()[field] == value
                assert admin.get(answer.get("location")).json()[field] == value
        for field, value in [("name", text), ("email", f"{text}@example.com"), ("roles", [text])]:
            wanted = {"name": f"u{made}", "roles": ["user"]} | {field: value}
            answer = admin.ask("POST", "/api/v1/users", wanted)
            assert answer.status in (201, 400, 422), (field, text, answer)
            if answer.status == 201:
                made += 1
                path, tag = answer.get("location"), answer.get("etag")
                assert answer.json()[field] == value and admin.get(path).json()[field] == value
                changed = admin.ask("PATCH", path, {"email": f"b{text}@x.y"}, [("If-Match", tag)])
                assert changed.json()["email"] == f"b{text}@x.y"
        sign_in = admin.form("/auth/token", {"username": text, "password": text})
        assert sign_in.status in (400, 401, 422, 429), (text, sign_in)
    assert kept >= len(NASTY) and refused >= len(NASTY)
    assert set(before) <= set(names(admin)) and Control(admin.gateway).sign_in("ada", ADMIN)


def test_names_and_passwords_that_sign_in(admin):
    add_user(admin.gateway.config_file, "uli", "plain as day", "user", env=admin.gateway.env)
    anybody = Control(admin.gateway)
    for text in [*NASTY, NUL]:
        for path, body in (("/api/v1/auth/login", {"username": text, "password": text}),
                           ("/api/v1/auth/password", {"username": text, "password": text, "new_password": "x" + text}),
                           ("/api/v1/auth/password", {"username": "uli", "password": text, "new_password": "x" + text})):
            answer = anybody.ask("POST", path, body)
            assert answer.status in (400, 401, 422, 429), (path, text, answer)
    # As a password any text is good, and is the one that was given.
    passwords = ["plain as day", *[f"as good as any {text}" for text in NASTY]]
    for old, new in zip(passwords, [*passwords[1:], "in the end"], strict=True):
        until(lambda old=old, new=new: anybody.ask(
            "POST", "/api/v1/auth/password", {"username": "uli", "password": old, "new_password": new}).status != 429,
            "the failures before to be forgiven", timeout=40)
        assert anybody.ask("POST", "/api/v1/auth/login", {"username": "uli", "password": old}).status == 401
        assert anybody.ask("POST", "/api/v1/auth/login", {"username": "uli", "password": new}).status == 200, new


def test_roles_and_preconditions(admin):
    assert admin.ask("PUT", "/api/v1/roles/auditor", {"permissions": ["users:read"]}).status == 200
    user = admin.ask("POST", "/api/v1/users", {"name": "bob", "roles": ["user"]})
    key = admin.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]})
    for text in [*NASTY, NUL]:
        quoted = urllib.parse.quote(text, safe="")
        path = f"/api/v1/roles/{quoted}"
        assert admin.ask("PUT", path, {"permissions": ["users:read"]}).status in (400, 404, 422), text
        assert admin.ask("DELETE", path).status in (400, 404), text
        assert admin.ask("PUT", "/api/v1/roles/auditor", {"permissions": [text]}).status in (400, 422), text
        assert admin.ask("POST", f"/api/v1/users/{quoted}/password").status in (400, 404), text
        if not text.isascii() or "\0" in text:
            continue  # no field of HTTP carries it
        for value in (text, f'"{text}"', f"W/{text}"):
            for method, where, body in (("PATCH", user.get("location"), {"email": "b@x.y"}),
                                        ("POST", key.get("location") + "/rotate", None), ("DELETE", key.get("location"), None)):
                answer = admin.ask(method, where, body, [("If-Match", value)])
                assert answer.status in (400, 412), (method, value, answer)
    held = {role["name"]: role["permissions"] for role in admin.get("/api/v1/roles").json()["items"]}
    assert held["auditor"] == ["users:read"] and len(held) == 5
    assert admin.get(user.get("location")).get("etag") == user.get("etag")
    assert "revoked_at" not in admin.get(key.get("location")).json()


def test_parameters_of_paths_and_queries(admin):
    everybody = names(admin)
    for text in [*NASTY, NUL]:
        quoted = urllib.parse.quote(text, safe="")
        for path in (f"/api/v1/users/{quoted}", f"/api/v1/keys/{quoted}"):
            assert admin.get(path).status in (400, 404), (path, text)
        assert admin.ask("DELETE", f"/api/v1/keys/{quoted}").status in (400, 404), text
        assert admin.ask("DELETE", f"/api/v1/users/{quoted}/tokens").status in (400, 404), text
        assert admin.ask("POST", f"/api/v1/keys/{quoted}/rotate").status in (400, 404), text
        for query in (f"role={quoted}", f"cursor={quoted}", f"limit={quoted}", f"offset={quoted}"):
            answer = admin.get(f"/api/v1/users?{query}")
            assert answer.status in (400, 422) or answer.json()["items"] == [], (query, answer)
        answer = admin.get(f"/api/v1/keys?owner={quoted}")
        assert answer.status in (400, 422) or answer.json()["items"] == [], (text, answer)
    assert names(admin) == everybody
