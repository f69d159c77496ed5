"""The API that clients of KV stores speak, judged by those that others wrote: hvac, node-vault and hashi-vault-js."""

import json
import os
import subprocess

import pytest

from support.control import Control, house_config
from support.gateway import api_key, run
from support.oauth import CLIENTS, node_clients
from support.wait import seconds, until

hvac = pytest.importorskip("hvac", reason="python3-hvac is not installed (tools/setup test)")

KEYS = {name: f"key-of-{name}-long-enough-0123456789abcdef" for name in ("admin", "user", "reader")}


@pytest.fixture
def gateway(start, tmp_path):
    return start(house_config(tmp_path / "gateway0", auth={"api_keys": [
        api_key("admin", KEYS["admin"], ["admin"]), api_key("user", KEYS["user"], ["user"]),
        api_key("reader", KEYS["reader"], [], scopes=["secrets:read"])]}))


def client(gateway, token=KEYS["admin"]):
    return hvac.Client(url=f"http://localhost:{gateway.port('plain')}", token=token)


@pytest.fixture
def kv(gateway):
    return client(gateway).secrets.kv.v2


def value(kv, path, version=None):
    return kv.read_secret_version(path, version=version)["data"]["data"]


def told(gateway, method, path, token=KEYS["admin"], body=None, fields=()):
    """Status and body of a request without hvac."""
    sent = ([("X-Vault-Token", token)] if token else []) + list(fields)
    answer = Control(gateway).ask(method, path, body, sent)
    return answer.status, answer.json() if answer.body else None


# --- the life of a secret ---

def test_a_secret_is_written_read_patched_and_listed(kv):
    made = kv.create_or_update_secret("team/database", {"user": "ada", "port": 5432})
    assert made["data"]["version"] == 1 and made["data"]["destroyed"] is False
    assert made["data"]["created_time"].endswith("Z") and made["data"]["deletion_time"] == ""
    assert value(kv, "team/database") == {"user": "ada", "port": 5432}
    kv.patch("team/database", {"port": 6432})
    assert value(kv, "team/database") == {"user": "ada", "port": 6432}
    assert value(kv, "team/database", 1) == {"user": "ada", "port": 5432}
    kv.create_or_update_secret("team/deep/down", {"x": None})
    kv.create_or_update_secret("top", {})
    assert kv.list_secrets("")["data"]["keys"] == ["team/", "top"]
    assert kv.list_secrets("team")["data"]["keys"] == ["database", "deep/"]
    assert kv.list_secrets("team/deep/")["data"]["keys"] == ["down"]


def test_writes_name_the_version_they_know(kv):
    with pytest.raises(hvac.exceptions.InvalidRequest, match="check-and-set parameter did not match"):
        kv.create_or_update_secret("a", {"n": 1}, cas=1)
    kv.create_or_update_secret("a", {"n": 1}, cas=0)
    kv.create_or_update_secret("a", {"n": 2}, cas=1)
    kv.update_metadata("a", max_versions=2, cas_required=True)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="check-and-set parameter required"):
        kv.create_or_update_secret("a", {"n": 3})
    kv.create_or_update_secret("a", {"n": 3}, cas=2)
    facts = kv.read_secret_metadata("a")["data"]
    assert facts["cas_required"] is True and facts["max_versions"] == 2
    assert facts["current_version"] == 3 and facts["oldest_version"] == 2 and set(facts["versions"]) == {"2", "3"}
    with pytest.raises(hvac.exceptions.InvalidPath):
        value(kv, "a", 1)


def test_versions_are_deleted_taken_back_and_destroyed(kv):
    for n in (1, 2, 3):
        kv.create_or_update_secret("a", {"n": n})
    kv.delete_latest_version_of_secret("a")
    with pytest.raises(hvac.exceptions.InvalidPath):
        value(kv, "a")
    kv.delete_secret_versions("a", [1])
    versions = kv.read_secret_metadata("a")["data"]["versions"]
    assert [bool(versions[n]["deletion_time"]) for n in "123"] == [True, False, True]
    kv.undelete_secret_versions("a", [1, 3])
    assert value(kv, "a") == {"n": 3} and value(kv, "a", 1) == {"n": 1}
    kv.destroy_secret_versions("a", [3])
    assert kv.read_secret_metadata("a")["data"]["versions"]["3"]["destroyed"] is True
    kv.undelete_secret_versions("a", [3])
    with pytest.raises(hvac.exceptions.InvalidPath):
        value(kv, "a", 3)
    kv.delete_metadata_and_all_versions("a")
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_metadata("a")
    kv.create_or_update_secret("a", {"n": 9}, cas=0)
    assert value(kv, "a") == {"n": 9}


def test_what_is_not_there_is_said_as_its_clients_expect(gateway, kv):
    for ask in (lambda: value(kv, "a"), lambda: kv.read_secret_metadata("a"), lambda: kv.list_secrets("a")):
        with pytest.raises(hvac.exceptions.InvalidPath):
            ask()
    assert told(gateway, "GET", "/v1/secret/data/a") == (404, {"errors": []})
    assert told(gateway, "DELETE", "/v1/secret/data/a") == (204, None)
    kv.create_or_update_secret("a", {"n": 1})
    kv.delete_latest_version_of_secret("a")
    status, body = told(gateway, "GET", "/v1/secret/data/a")
    assert status == 404 and body["data"]["data"] is None and body["data"]["metadata"]["deletion_time"]
    assert told(gateway, "GET", "/v1/secret/metadata?list=true")[1]["data"]["keys"] == ["a"]


def test_a_path_has_one_spelling_and_a_body_no_surprises(gateway):
    for path in ("a/", "a/%2e%2e%2fb", "a%2Fb", "a%5Cb", "%0A", "%00", "%C3%28"):
        assert told(gateway, "GET", "/v1/secret/data/" + path)[0] == 400, path
    assert told(gateway, "GET", "/v1/secret/data/" + "a" * 513)[0] == 400
    for body in ([], {}, {"data": 1}, {"data": {}, "more": 1}, {"data": {}, "options": {"cas": -1}}):
        status, said = told(gateway, "POST", "/v1/secret/data/a", body=body)
        assert status == 400 and len(said["errors"]) == 1, body
    for body in ({"delete_version_after": "soon"}, {"delete_version_after": "36501d"}, {"max_versions": 1001},
                 {"custom_metadata": {"a": 1}}, {"custom_metadata": {"a": "x" * 513}}, {"other": 1}, []):
        status, said = told(gateway, "POST", "/v1/secret/metadata/a", body=body)
        assert status == 400 and len(said["errors"]) == 1, body
    assert told(gateway, "POST", "/v1/secret/data/a", body={"data": {"x": "y" * (1 << 20)}})[0] == 400
    assert told(gateway, "POST", "/v1/secret/data/a", body={"data": {"x": "y" * (2 << 20)}})[0] == 413
    exact = '{"n": 12345678901234567890, "f": 0.10000000000000000001}'
    put = gateway.request("PUT", "/v1/secret/data/exact", [("X-Vault-Token", KEYS["admin"]),
                                                           ("Content-Type", "application/json")],
                          ('{"data": %s}' % exact).encode())
    assert put.status == 200
    assert exact.encode() in gateway.get("/v1/secret/data/exact", [("X-Vault-Token", KEYS["admin"])]).body


def test_what_is_not_supported_is_refused_and_not_passed_over(gateway, kv):
    kv.create_or_update_secret("a", {"n": 1})
    status, said = told(gateway, "GET", "/v1/secret/data/a", fields=[("X-Vault-Namespace", "other")])
    assert status == 400 and "not supported" in said["errors"][0]
    assert told(gateway, "POST", "/v1/secret/data/a", body={"data": {}, "options": {"cas": 1, "more": 1}})[0] == 400
    assert told(gateway, "GET", "/v1/secret/data/a", fields=[("X-Vault-Namespace", "")])[0] == 200


def test_a_secret_is_patched_where_it_lies(gateway, kv):
    def patch(body, path="a"):
        return told(gateway, "PATCH", "/v1/secret/data/" + path, body=body,
                    fields=[("Content-Type", "application/merge-patch+json")])

    assert patch({"data": {"x": 1}}) == (404, {"errors": []})
    kv.create_or_update_secret("a", {"user": "ada", "deep": {"x": 1, "y": 2}, "gone": True})
    status, said = patch({"data": {"gone": None, "deep": {"y": 3, "z": None}, "new": []}, "options": {"cas": 1}})
    assert status == 200 and said["data"]["version"] == 2
    assert value(kv, "a") == {"user": "ada", "deep": {"x": 1, "y": 3}, "new": []}
    status, said = patch({"data": {}, "options": {"cas": 1}})
    assert status == 400 and "did not match" in said["errors"][0]
    assert patch({"data": {"big": "x" * (1 << 20)}})[0] == 400
    kv.delete_latest_version_of_secret("a")
    assert patch({"data": {"x": 1}}) == (404, {"errors": []})


def test_what_is_said_of_a_secret_is_told_with_it(gateway, kv):
    def say(body, method="POST", path="a"):
        return told(gateway, method, "/v1/secret/metadata/" + path, body=body)[0]

    assert say({"custom_metadata": {"owner": "ada"}}, "PATCH") == 404
    assert say({"custom_metadata": {"owner": "ada", "team": "b"}, "max_versions": 3}) == 204
    assert kv.create_or_update_secret("a", {"n": 1})["data"]["custom_metadata"] == {"owner": "ada", "team": "b"}
    assert say({"custom_metadata": {"team": None, "ticket": "7"}}, "PATCH") == 204
    facts = kv.read_secret_metadata("a")["data"]
    assert facts["custom_metadata"] == {"owner": "ada", "ticket": "7"} and facts["max_versions"] == 3
    assert kv.read_secret_version("a")["data"]["metadata"]["custom_metadata"] == facts["custom_metadata"]
    assert say({"custom_metadata": {"only": "this"}}) == 204
    assert kv.read_secret_metadata("a")["data"]["custom_metadata"] == {"only": "this"}
    assert say({"custom_metadata": None, "max_versions": None}, "PATCH") == 204
    facts = kv.read_secret_metadata("a")["data"]
    assert facts["custom_metadata"] is None and facts["max_versions"] == 0


def test_a_version_deletes_itself_after_its_time(gateway, kv):
    kv.update_metadata("a", delete_version_after="2s")
    assert kv.read_secret_metadata("a")["data"]["delete_version_after"] == "2s"
    assert kv.create_or_update_secret("a", {"n": 1})["data"]["deletion_time"]
    until(lambda: told(gateway, "GET", "/v1/secret/data/a")[0] == 404, "the version is gone", timeout=10)
    kv.undelete_secret_versions("a", [1])
    assert value(kv, "a") == {"n": 1}
    kv.update_metadata("a", delete_version_after="1h1m")
    assert kv.create_or_update_secret("a", {"n": 2})["data"]["deletion_time"] > "2"
    assert value(kv, "a") == {"n": 2}


def test_a_body_is_json_whatever_its_client_calls_it(gateway):
    for kind in ([], [("Content-Type", "application/x-www-form-urlencoded")], [("Content-Type", "text/plain")]):
        put = gateway.request("POST", "/v1/secret/data/a", [("X-Vault-Token", KEYS["admin"]), *kind], b'{"data":{"n":1}}')
        assert put.status == 200, (kind, put)
    coded = gateway.request("POST", "/v1/secret/data/a", [("X-Vault-Token", KEYS["admin"]), ("Content-Encoding", "gzip")],
                            b'{"data":{"n":1}}')
    assert coded.status == 415 and coded.json()["errors"]


@pytest.mark.parametrize("name", ["node-vault", "hashi-vault-js"])
def test_clients_of_node_live_the_same_life(gateway, name):
    node_clients()
    given = {"url": f"http://localhost:{gateway.port('plain')}", "token": KEYS["admin"], "weak": KEYS["user"]}
    done = subprocess.run(["node", str(CLIENTS / "kv.mjs"), name, json.dumps(given)], env={"PATH": os.environ["PATH"]},
                          capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- who may ---

def test_nobody_without_the_permission_reads_or_writes(gateway, kv):
    kv.create_or_update_secret("a", {"n": 1})
    for token in (None, "wrong", "", "eyJhbGciOiJub25lIn0.e30.", KEYS["user"]):
        for method, path, body in (("GET", "data/a", None), ("POST", "data/a", {"data": {}}), ("LIST", "metadata", None),
                                   ("GET", "metadata/a", None), ("DELETE", "metadata/a", None),
                                   ("POST", "destroy/a", {"versions": [1]}), ("GET", "data/other", None)):
            assert told(gateway, method, "/v1/secret/" + path, token, body) == (
                403, {"errors": ["permission denied"]}), (token, method, path)
    with pytest.raises(hvac.exceptions.Forbidden):
        value(client(gateway, "wrong").secrets.kv.v2, "a")
    reader = client(gateway, KEYS["reader"]).secrets.kv.v2
    assert value(reader, "a") == {"n": 1}
    with pytest.raises(hvac.exceptions.Forbidden):
        reader.create_or_update_secret("a", {"n": 2})
    assert value(kv, "a") == {"n": 1}


def test_any_credential_of_the_house_is_a_token(gateway, kv):
    kv.create_or_update_secret("a", {"n": 1})
    assert run("user", "add", "ada", "--role", "admin", "--password-stdin", "--config", gateway.config_file,
               stdin="the engine weaves\n").returncode == 0
    token = Control(gateway).sign_in("ada", "the engine weaves").fields[0][1].removeprefix("Bearer ")
    assert value(client(gateway, token).secrets.kv.v2, "a") == {"n": 1}
    for fields in ([("Authorization", "Bearer " + token)], [("Authorization", "Bearer " + KEYS["admin"])],
                   [("X-API-Key", KEYS["admin"])]):
        assert told(gateway, "GET", "/v1/secret/data/a", None, fields=fields)[0] == 200, fields
    # Two of a kind, and somebody may believe the other one.
    for more in (("Authorization", "Bearer " + token), ("X-Vault-Token", KEYS["admin"]), ("X-API-Key", KEYS["user"])):
        assert told(gateway, "GET", "/v1/secret/data/a", fields=[more])[0] == 403, more


def test_the_token_of_that_api_is_none_of_any_other(start, tmp_path, upstream):
    gateway = start(house_config(tmp_path / "gateway0", [upstream],
                                 auth={"api_keys": [api_key("admin", KEYS["admin"], ["admin"])]}))
    assert gateway.get("/auth/me", [("X-Vault-Token", KEYS["admin"])]).status == 401
    assert gateway.get("/v1/other", [("X-Vault-Token", "theirs")]).status == 200
    assert dict(upstream.requests[-1].fields).get("X-Vault-Token") == "theirs"


def test_where_everybody_is_let_in_secrets_are_nobodys(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", profile="development", auth={"enabled": False}))
    for method, path in (("GET", "data/a"), ("LIST", "metadata"), ("DELETE", "metadata/a")):
        assert told(gateway, method, "/v1/secret/" + path, None)[0] == 403
    assert told(gateway, "GET", "/v1/auth/token/lookup-self", None)[0] == 403


def test_clients_find_out_where_they_are(gateway):
    asked = client(gateway)
    assert asked.is_authenticated() and not client(gateway, "wrong").is_authenticated()
    assert asked.sys.read_health_status(method="GET")["sealed"] is False
    assert asked.sys.read_health_status(method="HEAD").status_code == 200
    assert asked.lookup_token()["data"]["policies"] == ["admin"]
    assert asked.sys.is_initialized() and not asked.sys.is_sealed()
    assert asked.sys.read_leader_status()["ha_enabled"] is False
    mounts = asked.sys.list_mounted_secrets_engines()
    assert mounts["secret/"] == mounts["data"]["secret/"] and mounts["secret/"]["options"] == {"version": "2"}
    assert told(gateway, "GET", "/v1/sys/mounts", KEYS["user"])[0] == 403
    for path in ("secret", "secret/team/a"):
        assert told(gateway, "GET", f"/v1/sys/internal/ui/mounts/{path}", KEYS["user"])[1]["data"]["path"] == "secret/"
    status, said = told(gateway, "GET", "/v1/sys/internal/ui/mounts/secrets/a")
    assert status == 403 and "preflight" in said["errors"][0]


# --- beside the shell ---

def test_shell_and_api_see_the_same_and_the_audit_log_both(gateway, kv):
    kv.create_or_update_secret("team/a", {"value": "hunter2"})
    verb = ("--config", gateway.config_file)
    assert run("secrets", "get", "team/a", *verb).stdout == "hunter2\n"
    assert run("secrets", "set", "team/b", *verb, stdin="from the shell").returncode == 0
    assert value(kv, "team/b") == {"value": "from the shell"}
    assert run("secrets", "rekey", *verb).returncode == 0
    assert value(kv, "team/a") == {"value": "hunter2"}
    lines = [json.loads(line)["record"] for line in run("audit", "tail", "--json", "--count", "50", *verb).stdout.splitlines()]
    acts = {(line["action"], line["object"]["id"], line["actor"]["subject"]) for line in lines if line["object"]["type"] == "secret"}
    assert {("secret.put", "team/a", "admin"), ("secret.get", "team/b", "admin"),
            ("secret.get", "team/a", "admin")} <= acts
    assert "hunter2" not in gateway.output() + json.dumps(lines) + json.dumps(gateway.access_log())
