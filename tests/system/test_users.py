"""Users: made from the shell or over the API, signing in, and what ends their rights."""

import base64
import json
import statistics
import time
import urllib.request

import jwt
import pytest

from support.control import Control, add_user, house_config
from support.gateway import run
from support.wait import until

PASSWORDS = {"ada": "the engine weaves", "mo": "middle of the house", "uli": "plain as day", "gast": "only looking"}
ROLES = {"ada": "admin", "mo": "manager", "uli": "user", "gast": "guest"}
REFUSED = {"login": "Invalid username or password", "token": "Invalid authentication token",
           "missing": "Missing or invalid authentication credentials"}


@pytest.fixture
def house(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    for name, password in PASSWORDS.items():
        add_user(gateway.config_file, name, password, ROLES[name])
    return Control(gateway)


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def refused(response, text, status=401):
    assert response.status == status, response
    assert response.all("www-authenticate") == ["Bearer"]
    assert response.json()["detail"] == text
    return True


# --- the ten that every build of this API has had ---

def test_the_status_wants_no_credentials_and_holds_no_secret(house):
    response = house.get("/auth/status")
    assert response.status == 200
    assert response.json() == {"auth_enabled": True, "methods": ["password", "bearer", "api_key", "client_certificate"],
                               "token_url": "/auth/token", "algorithm": "ES256", "token_lifetime_seconds": 1800}


@pytest.mark.parametrize("name", ["ada", "uli", "gast"])
def test_signing_in_gives_a_token(house, name):
    response = house.form("/auth/token", {"username": name, "password": PASSWORDS[name]})
    assert response.status == 200 and response.get("cache-control") == "no-store"
    answer = response.json()
    assert set(answer) == {"access_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 1800)
    claims = claims_of(answer["access_token"])
    assert claims["sub"] == name and claims["roles"] == [ROLES[name]]
    assert claims["exp"] - claims["iat"] == 1800
    assert isinstance(claims["jti"], str) and claims["iss"] in claims["aud"]


def test_a_wrong_password_is_refused(house):
    refused(house.form("/auth/token", {"username": "ada", "password": "wrong"}), REFUSED["login"])


@pytest.mark.parametrize("name", ["ada", "uli", "gast"])
def test_me_is_who_signed_in(house, name):
    me = house.sign_in(name, PASSWORDS[name]).get("/auth/me").json()
    assert (me["username"], me["roles"], me["type"]) == (name, [ROLES[name]], "user")


def test_a_token_that_is_none_is_refused(house):
    refused(Control(house.gateway, token="a.b.c").get("/auth/me"), REFUSED["token"])


def test_no_token_is_refused(house):
    refused(house.get("/auth/me"), REFUSED["missing"])


# --- signing in ---

def test_the_other_login_lasts_a_day(house):
    response = house.ask("POST", "/api/v1/auth/login", {"username": "uli", "password": PASSWORDS["uli"]})
    assert response.status == 200
    answer = response.json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 86400)
    claims = claims_of(answer["access_token"])
    assert claims["exp"] - claims["iat"] == 86400


def test_a_form_of_an_oauth_client_is_taken_and_json_is_not(house):
    form = {"grant_type": "password", "username": "uli", "password": PASSWORDS["uli"], "scope": "", "client_id": "x"}
    assert house.form("/auth/token", form).status == 200
    assert house.ask("POST", "/auth/token", {"username": "uli", "password": PASSWORDS["uli"]}).status == 415
    assert house.form("/auth/token", {"username": "uli"}).status == 422
    assert house.form("/auth/token", {**form, "grant_type": "client_credentials"}).status == 422


@pytest.mark.parametrize("name", ["' OR 1=1 --", "ada\0", "ada' --", "\u202eada", "a" * 128, "admin\" --", "%", "_"])
def test_a_strange_name_is_nobodys(house, name):
    response = house.ask("POST", "/api/v1/auth/login", {"username": name, "password": "x"})
    assert response.status in (401, 422), response


def test_bytes_that_are_no_text_are_refused(house):
    response = house.gateway.request("POST", "/auth/token", [("Content-Type", "application/x-www-form-urlencoded")],
                                     b"username=%ff%fe&password=x")
    assert response.status == 400


def test_who_does_not_exist_cannot_be_told_from_who_mistypes(house):
    def took(name):
        begun = time.monotonic()
        answer = house.form("/auth/token", {"username": name, "password": "wrong"})
        assert answer.status == 401
        body = answer.json()
        body.pop("request_id")
        return time.monotonic() - begun, json.dumps(body)
    known, unknown = [], []
    for i in range(4):  # below what is slowed down
        known.append(took("uli"))
        unknown.append(took(f"nobody{i}"))
    assert {body for _, body in known} == {body for _, body in unknown}
    ratio = statistics.median(t for t, _ in known) / statistics.median(t for t, _ in unknown)
    assert 0.5 < ratio < 2, ratio


def test_guessing_is_slowed_down_for_the_guesser_alone(house):
    for _ in range(5):
        house.form("/auth/token", {"username": "uli", "password": "wrong"})
    slowed = house.form("/auth/token", {"username": "uli", "password": PASSWORDS["uli"]})
    assert slowed.status == 429 and int(slowed.get("retry-after")) >= 1
    assert slowed.json()["code"] == "login.throttled"
    house.sign_in("gast", PASSWORDS["gast"])  # the same address, another name
    waited = until(lambda: house.form("/auth/token", {"username": "uli", "password": PASSWORDS["uli"]}).status == 200,
                   "the wait to be over", timeout=10)
    assert waited


# --- tokens of ours, judged by others ---

def test_pyjwt_verifies_our_token_with_our_keys(house):
    token = house.form("/auth/token", {"username": "uli", "password": PASSWORDS["uli"]}).json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "ES256" and header["typ"] == "at+jwt"
    assert "jku" not in header and "jwk" not in header and "x5u" not in header


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA", "RS256"])
def test_every_algorithm_makes_tokens_that_are_taken(start, tmp_path, algorithm):
    gateway = start(house_config(tmp_path / "gateway0", auth={"signing_algorithm": algorithm}))
    add_user(gateway.config_file, "uli", PASSWORDS["uli"], "user")
    caller = Control(gateway).sign_in("uli", PASSWORDS["uli"])
    token = caller.fields[0][1].removeprefix("Bearer ")
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    assert caller.get("/auth/me").status == 200


def test_a_token_outlives_a_restart(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    first = start(config)
    add_user(first.config_file, "uli", PASSWORDS["uli"], "user")
    caller = Control(first).sign_in("uli", PASSWORDS["uli"])
    first.stop()
    second = start(config)
    assert Control(second, token=caller.fields[0][1].removeprefix("Bearer ")).get("/auth/me").status == 200


def test_our_token_opens_a_route_of_the_gateway(start, tmp_path, upstream):
    config = house_config(tmp_path / "gateway0", [upstream])
    config["routes"] = [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": {"role": "user"}}]
    gateway = start(config)
    for name in ("uli", "gast"):
        add_user(gateway.config_file, name, PASSWORDS[name], ROLES[name])
    house = Control(gateway)
    assert house.sign_in("uli", PASSWORDS["uli"]).get("/x").status == 200
    assert upstream.requests[-1].get("x-gatehouse-subject") == "uli"
    assert house.sign_in("gast", PASSWORDS["gast"]).get("/x").status == 403
    assert house.get("/x").status == 401


# --- users over the API ---

def test_users_are_made_listed_and_changed(house):
    admin = house.sign_in("ada", PASSWORDS["ada"])
    made = admin.ask("POST", "/api/v1/users", {"name": "neu", "email": "neu@example.com", "roles": ["user"]})
    assert made.status == 201 and made.get("location") == f"/api/v1/users/{made.json()['id']}"
    one_time = made.json()["one_time_password"]
    assert house.form("/auth/token", {"username": "neu", "password": one_time}).status == 403
    shown = admin.get(made.get("location"))
    assert shown.json()["name"] == "neu" and "one_time_password" not in shown.json()
    assert shown.get("etag") == made.get("etag") == '"1"'
    assert admin.get(made.get("location"), fields=[("If-None-Match", '"1"')]).status == 304
    path = made.get("location")
    assert admin.ask("PATCH", path, {"roles": ["manager"]}).status == 428
    changed = admin.ask("PATCH", path, {"roles": ["manager"], "email": None}, [("If-Match", '"1"')])
    assert changed.status == 200 and changed.json()["roles"] == ["manager"] and "email" not in changed.json()
    assert admin.ask("PATCH", path, {"roles": ["user"]}, [("If-Match", '"1"')]).status == 412


def test_lists_page_and_filter(house):
    admin = house.sign_in("ada", PASSWORDS["ada"])
    seen, cursor = [], ""
    for _ in range(10):
        page = admin.get(f"/api/v1/users?limit=2{cursor}").json()
        seen += [user["name"] for user in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert seen == ["admin", "ada", "mo", "uli", "gast"]
    assert [user["name"] for user in admin.get("/api/v1/users?role=guest").json()["items"]] == ["gast"]
    assert [user["name"] for user in admin.get("/api/v1/users?offset=3").json()["items"]] == ["uli", "gast"]
    assert admin.get("/api/v1/users?cursor=nonsense").status == 422


def walk(caller, path, limit=2):
    items, cursor = [], ""
    for _ in range(10):
        page = caller.get(f"{path}&limit={limit}{cursor}").json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = "&cursor=" + page["next_cursor"]
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("path, orders", [
    ("/api/v1/users?", {"created_at": ["admin", "ada", "mo", "uli", "gast"], "-created_at": ["gast", "uli", "mo", "ada", "admin"],
                        "name": ["ada", "admin", "gast", "mo", "uli"], "-name": ["uli", "mo", "gast", "admin", "ada"]}),
    ("/api/v1/users?role=user&", {"-name": ["uli"]}),
    ("/api/v1/keys?owner=ada&", {"created_at": ["k0", "k1", "k2"], "-created_at": ["k2", "k1", "k0"]}),
])
def test_lists_are_sorted_as_asked(house, path, orders):
    admin = house.sign_in("ada", PASSWORDS["ada"])
    for number in range(3):
        assert admin.ask("POST", "/api/v1/keys", {"name": f"k{number}", "roles": ["user"]}).status == 201
    for sort, names in orders.items():
        assert [item["name"] for item in walk(admin, f"{path}sort={sort}")] == names, sort
    cursor = admin.get(f"{path}limit=1&sort=-created_at").json()["next_cursor"]
    if cursor is not None:
        refused = admin.get(f"{path}sort=created_at&cursor={cursor}")
        assert refused.status == 422 and "same order" in json.dumps(refused.json())
    assert admin.get(f"{path}sort=password").status == 422


@pytest.mark.parametrize("body, pointer", [
    ({"name": "no spaces"}, "/name"), ({"name": "x", "roles": ["no such role"]}, "/roles/0"),
    ({"name": "x", "roles": ["nosuch"]}, "/roles"), ({"name": "x", "email": "nowhere"}, "/email"),
    ({"name": "x", "colour": "blue"}, "/colour"), ({}, "/name"), ({"name": "x", "password": ""}, "/password")])
def test_wrong_fields_are_pointed_at(house, body, pointer):
    response = house.sign_in("ada", PASSWORDS["ada"]).ask("POST", "/api/v1/users", body)
    assert response.status == 422, response
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_a_name_is_taken_whatever_its_case(house):
    response = house.sign_in("ada", PASSWORDS["ada"]).ask("POST", "/api/v1/users", {"name": "ULI"})
    assert response.status == 409 and response.json()["code"] == "user.name_taken"


def test_each_role_may_what_those_below_it_may(house):
    for name, (listing, making) in {"ada": (200, 201), "mo": (200, 403), "uli": (403, 403), "gast": (403, 403)}.items():
        caller = house.sign_in(name, PASSWORDS[name])
        assert caller.get("/api/v1/users").status == listing, name
        assert caller.ask("POST", "/api/v1/users", {"name": f"of-{name}"}).status == making, name


def test_taking_a_role_away_voids_the_tokens_made_before(house):
    admin, uli = house.sign_in("ada", PASSWORDS["ada"]), house.sign_in("uli", PASSWORDS["uli"])
    user = next(user for user in admin.get("/api/v1/users").json()["items"] if user["name"] == "uli")
    assert uli.get("/auth/me").status == 200
    changed = admin.ask("PATCH", f"/api/v1/users/{user['id']}", {"roles": ["guest"]},
                        [("If-Match", f"\"{user['version']}\"")])
    assert changed.status == 200 and changed.json()["roles"] == ["guest"]
    refused(uli.get("/auth/me"), REFUSED["token"])  # at once
    assert house.sign_in("uli", PASSWORDS["uli"]).get("/auth/me").json()["roles"] == ["guest"]


def test_disabling_voids_the_tokens_made_before(house):
    admin, uli = house.sign_in("ada", PASSWORDS["ada"]), house.sign_in("uli", PASSWORDS["uli"])
    user = next(user for user in admin.get("/api/v1/users").json()["items"] if user["name"] == "uli")
    changed = admin.ask("PATCH", f"/api/v1/users/{user['id']}", {"disabled": True},
                        [("If-Match", f"\"{user['version']}\"")])
    assert changed.status == 200 and changed.json()["disabled"] is True
    refused(uli.get("/auth/me"), REFUSED["token"])  # at once
    refused(house.form("/auth/token", {"username": "uli", "password": PASSWORDS["uli"]}), REFUSED["login"])


def test_the_shell_voids_tokens_of_a_running_gateway_within_a_second(house):
    uli = house.sign_in("uli", PASSWORDS["uli"])
    assert run("user", "disable", "uli", "--config", house.gateway.config_file).returncode == 0
    until(lambda: uli.get("/auth/me").status == 401, "the token to be void", timeout=2)


def test_the_last_admin_stays(house):
    admin = house.sign_in("ada", PASSWORDS["ada"])
    for name in ("admin", "ada"):
        done = run("user", "roles", name, "--role", "user", "--config", house.gateway.config_file)
        assert (done.returncode == 0) == (name == "admin"), done.stderr
    assert admin.get("/api/v1/users").status == 200


def test_a_forgotten_password_is_replaced_by_one_for_one_use(house):
    admin, uli = house.sign_in("ada", PASSWORDS["ada"]), house.sign_in("uli", PASSWORDS["uli"])
    user = next(user for user in admin.get("/api/v1/users").json()["items"] if user["name"] == "uli")
    answer = admin.ask("POST", f"/api/v1/users/{user['id']}/password")
    assert answer.status == 200
    refused(uli.get("/auth/me"), REFUSED["token"])
    refused(house.form("/auth/token", {"username": "uli", "password": PASSWORDS["uli"]}), REFUSED["login"])
    login = {"username": "uli", "password": answer.json()["one_time_password"]}
    assert house.ask("POST", "/api/v1/auth/password", {**login, "new_password": "new and long"}).status == 204
    house.sign_in("uli", "new and long")


def test_a_role_of_ones_own_holds_what_it_was_given(house):
    admin = house.sign_in("ada", PASSWORDS["ada"])
    made = admin.ask("PUT", "/api/v1/roles/auditor", {"permissions": ["users:read"]})
    assert made.status == 200 and made.json() == {"name": "auditor", "built_in": False, "permissions": ["users:read"]}
    assert run("user", "roles", "gast", "--role", "guest", "--role", "auditor", "--config",
               house.gateway.config_file).returncode == 0
    gast = house.sign_in("gast", PASSWORDS["gast"])
    until(lambda: gast.get("/api/v1/users").status == 200, "the role to be known", timeout=3)
    assert gast.ask("POST", "/api/v1/users", {"name": "x"}).status == 403
    assert admin.ask("DELETE", "/api/v1/roles/auditor").json()["code"] == "role.in_use"
    assert admin.ask("PUT", "/api/v1/roles/auditor", {"permissions": []}).status == 200
    until(lambda: gast.get("/api/v1/users").status == 403, "the role to hold nothing", timeout=3)
    assert [role["name"] for role in admin.get("/api/v1/roles").json()["items"]] == [
        "guest", "user", "manager", "admin", "auditor"]
    assert admin.ask("PUT", "/api/v1/roles/admin", {"permissions": []}).status == 422
    assert admin.ask("PUT", "/api/v1/roles/x", {"permissions": ["everything"]}).status == 422


def test_who_may_make_users_makes_none_with_more_rights(house):
    admin = house.sign_in("ada", PASSWORDS["ada"])
    admin.ask("PUT", "/api/v1/roles/registrar", {"permissions": ["users:read", "users:write"]})
    run("user", "roles", "gast", "--role", "user", "--role", "registrar", "--config", house.gateway.config_file)
    gast = house.sign_in("gast", PASSWORDS["gast"])
    until(lambda: gast.ask("POST", "/api/v1/users", {"name": "plain"}).status in (201, 409), "the role", timeout=3)
    for roles in (["manager"], ["admin"], ["user", "auditor"]):
        admin.ask("PUT", "/api/v1/roles/auditor", {"permissions": ["audit:read"]})
        assert gast.ask("POST", "/api/v1/users", {"name": "more", "roles": roles}).status == 403, roles
    assert gast.ask("PUT", "/api/v1/roles/mine", {"permissions": ["audit:read"]}).status == 403
    ada = next(user for user in admin.get("/api/v1/users").json()["items"] if user["name"] == "ada")
    assert gast.ask("POST", f"/api/v1/users/{ada['id']}/password").status == 403


def test_inherited_routes_of_a_backend_want_the_role_user(start, tmp_path, upstream):
    """The query routes and the list of agents: nobody, a guest, a user."""
    gateway = start(house_config(tmp_path / "gateway0", [upstream], routes=[
        {"match": {"path_prefix": "/api/"}, "upstream": "backend", "access": {"role": "user"}}]))
    house = Control(gateway)
    for name in ("uli", "gast"):
        add_user(gateway.config_file, name, PASSWORDS[name], ROLES[name])
    guest, user = (house.sign_in(name, PASSWORDS[name]) for name in ("gast", "uli"))
    queries = ["query", "query/ask", "query/rag", "query/hybrid", "query/stream"]
    for method, path in [*(("POST", f"/api/{query}") for query in queries), ("GET", "/api/agent/list")]:
        before = len(upstream.requests)
        refused(gateway.request(method, path), REFUSED["missing"])
        assert guest.ask(method, path).status == 403 and len(upstream.requests) == before, path
        assert user.ask(method, path).status == 200 and len(upstream.requests) == before + 1, path
