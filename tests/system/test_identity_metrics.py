"""Who is signed in, and what became of attempts to, as metrics tell it."""

import pytest

from support.control import Control, add_user, house_config
from support.gateway import run
from support.wait import until

PASSWORDS = {"ada": "the engine weaves", "mo": "middle of the house", "uli": "plain as day"}
ROLES = {"ada": "admin", "mo": "manager", "uli": "user"}


@pytest.fixture
def house(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    for name, password in PASSWORDS.items():
        add_user(gateway.config_file, name, password, ROLES[name])
    return Control(gateway)


def test_active_users_go_up_with_a_sign_in_and_down_with_its_end(house):
    def active(count):
        until(lambda: house.gateway.metric("active_users") == count, f"{count} active users", timeout=5)
    active(0)
    ada, uli = house.sign_in("ada", PASSWORDS["ada"]), house.sign_in("uli", PASSWORDS["uli"])
    elsewhere = house.sign_in("uli", PASSWORDS["uli"])
    active(2)
    assert uli.ask("POST", "/api/v1/auth/logout").status == 204
    active(2)  # uli is signed in elsewhere as well
    assert elsewhere.ask("POST", "/api/v1/auth/logout").status == 204
    active(1)
    assert house.ask("POST", "/api/v1/auth/login", {"username": "mo", "password": PASSWORDS["mo"]}).status == 200
    active(2)
    assert run("user", "disable", "mo", "--config", house.gateway.config_file).returncode == 0
    active(1)
    assert ada.get("/auth/me").status == 200


def test_active_users_are_those_whose_token_is_good(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth={"access_token_ttl": "10s"}))
    add_user(gateway.config_file, "uli", PASSWORDS["uli"], "user")
    uli = Control(gateway).sign_in("uli", PASSWORDS["uli"])
    assert gateway.metric("active_users") == 1
    until(lambda: uli.get("/auth/me").status == 401, "the token to expire", timeout=40)
    assert gateway.metric("active_users") == 0


def test_a_token_of_before_a_restart_is_counted_when_it_is_met(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    first = start(config)
    add_user(first.config_file, "uli", PASSWORDS["uli"], "user")
    caller = Control(first).sign_in("uli", PASSWORDS["uli"])
    first.close()
    second = start(config)
    assert second.metric("active_users") == 0
    caller.gateway = second
    assert caller.get("/auth/me").status == 200
    assert second.metric("active_users") == 1


def test_sign_ins_and_tokens_are_counted_by_what_became_of_them(house):
    house.sign_in("uli", PASSWORDS["uli"])
    assert house.form("/auth/token", {"username": "ada", "password": "wrong"}).status == 401
    metric = house.gateway.metric
    assert metric("gatehouse_sign_ins_total", outcome="accepted") == 1
    assert metric("gatehouse_sign_ins_total", outcome="refused") == 1
    assert metric("gatehouse_sign_ins_total", outcome="failed") == 0
    assert metric("gatehouse_tokens_issued_total", principal_type="user") == 1
    until(lambda: metric("http_requests_total", handler="/auth/token", status=401) == 1, "the operation to be counted")
    assert metric("http_request_duration_seconds_count", handler="/auth/token", method="POST") == 2
