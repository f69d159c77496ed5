"""Who may have a secret replaced, and through which connection: permissions, policies, and a server that is the one that was meant."""

import socket

import pytest

from support.control import Control, house_config
from support.gateway import api_key
from support.rotation import AUTH, KEYS, Application, Rotations


@pytest.fixture
def application(postgres):
    return Application(postgres)


def test_a_password_goes_where_it_was_meant_to(start, tmp_path, application):
    auth = {"api_keys": AUTH["api_keys"] + [api_key("writer", KEYS["writer"], [], scopes=["secrets:write"])]}
    rotations = Rotations(start(house_config(tmp_path / "gateway0", auth=auth)))
    rotations.write("team/admin", application.connection())
    writer = Control(rotations.gateway, key=KEYS["writer"])
    path, rule = f"/api/v1/secrets/rotations/{rotations.path}", application.rule(every="1h")
    assert writer.ask("PUT", path, rule).status == 403, "does not read the connection"
    assert writer.ask("PUT", path, {"generator": {"kind": "random"}}).status == 200
    rotations.set(rule)

    def elsewhere(url):
        answer = Control(rotations.gateway).ask("PATCH", "/v1/secret/data/team/admin", {"data": {"url": url}}, [("X-Vault-Token", KEYS["writer"])])
        assert answer.status == 200, answer
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        elsewhere(f"postgresql://{application.admin}@127.0.0.1:{listener.getsockname()[1]}/app?sslmode=disable")
        assert writer.ask("POST", path.replace("rotations", "rotation-runs"), {"kind": "rotate"}).status == 202
        assert rotations.until_run("rotate", "failed")["reason"] == "rotation.connection_changed"
        with pytest.raises(TimeoutError):
            listener.accept()
    elsewhere(application.connection()["url"])
    assert application.lets_in(rotations.until_version(1, timeout=40))


def test_what_a_policy_denies_is_denied_here(start, tmp_path, application):
    denied = api_key("denied", KEYS["denied"], [], scopes=["secrets:read", "secrets:write", "policy:no-prod"])
    rotations = Rotations(start(house_config(tmp_path / "gateway0", auth={"api_keys": [*AUTH["api_keys"], denied]})), "prod/db")
    answer = Control(rotations.gateway).ask("POST", "/v1/sys/policies/acl/no-prod", {"policy": 'path "secret/data/prod/*" { capabilities = ["deny"] }'},
                                   [("X-Vault-Token", KEYS["admin"])])
    assert answer.status == 204, answer
    rotations.write("prod/admin", application.connection())
    rotations.set({"generator": {"kind": "random"}, "every": "1h", "overlap": "1m"})
    rotations.until_version(1)
    other = Rotations(rotations.gateway, "team/db")
    for each in (rotations, other):
        each.control = Control(rotations.gateway, key=KEYS["denied"])
    random = {"generator": {"kind": "random"}}
    for method, noun, body in (("GET", "rotations", None), ("PUT", "rotations", random), ("GET", "rotation-runs", None), ("GET", "consumers", None),
                               ("POST", "rotation-runs", {"kind": "rotate"}), ("DELETE", "rotations", None)):
        refused = rotations.ask(method, noun, body)
        assert refused.status == 403 and refused.json()["code"] == "access.policy", (method, noun)
    assert rotations.ask("DELETE", "consumers", query="?consumer=a").status == 403
    assert rotations.control.ask("GET", "/api/v1/secrets/rotations").json()["items"] == []
    other.set(random)
    refused = other.ask("PUT", "rotations", {"generator": application.rule()["generator"] | {"connection": "vault:prod/admin"}})
    assert refused.status == 403 and refused.json()["code"] == "access.policy"
    assert [each["path"] for each in rotations.control.ask("GET", "/api/v1/secrets/rotations").json()["items"]] == ["team/db"]
