"""Who may do what to which path: policies as OpenBao has them, carried by keys of the house."""

import json

import pytest

from support.control import Control, add_user, house_config
from support.gateway import api_key, run
from support.wait import until

hvac = pytest.importorskip("hvac", reason="python3-hvac is not installed (tools/setup test)")

KEYS = {name: f"key-of-{name}-long-enough-0123456789abcdef" for name in ("admin", "team", "creator", "updater", "two", "none")}
TEAM = """
# What the team may.
path "secret/data/team/*"        { capabilities = ["create", "read", "update", "patch", "delete"] }
path "secret/data/team/locked"   { capabilities = ["deny"] }
path "secret/metadata/team/*"    { capabilities = ["list", "read"] }
path "secret/+/team/undo/*"      { capabilities = ["update"] }
path "sys/policies/acl/team"     { capabilities = ["read"] }
"""


def carrying(name, *policies):
    return api_key(name, KEYS[name], [], scopes=[f"policy:{policy}" for policy in policies])


@pytest.fixture
def gateway(start, tmp_path):
    return start(house_config(tmp_path / "gateway0", auth={"api_keys": [
        api_key("admin", KEYS["admin"], ["admin"]), carrying("team", "team"), carrying("creator", "creator"),
        carrying("updater", "updater"), carrying("two", "creator", "updater"), carrying("none", "never-made")]}))


def client(gateway, name="admin", token=None):
    return hvac.Client(url=f"http://localhost:{gateway.port('plain')}", token=token or KEYS[name])


def told(gateway, method, path, name="admin", body=None, token=None):
    answer = Control(gateway).ask(method, "/v1/" + path, body, [("X-Vault-Token", token or KEYS[name])])
    return answer.status, answer.json() if answer.body else None


DENIED = (403, {"errors": ["permission denied"]})


def test_policies_are_written_read_listed_and_removed(gateway):
    sys = client(gateway).sys
    assert told(gateway, "PUT", "sys/policies/acl/team", body={"policy": TEAM}) == (204, None)
    sys.create_or_update_policy("Other", {"path": {"secret/data/x": {"capabilities": ["read"]}}})
    for place in ("sys/policies/acl?list=true", "sys/policies/acl/"):
        assert told(gateway, "GET", place)[1]["data"] == {"keys": ["other", "team"]}
    assert told(gateway, "LIST", "sys/policies/acl")[1]["data"]["keys"] == ["other", "team"]
    assert told(gateway, "GET", "sys/policies/acl/team")[1]["data"] == {"name": "team", "policy": TEAM}
    old = sys.list_policies()
    assert old["policies"] == old["data"]["policies"] == old["data"]["keys"] == ["other", "team"]
    assert json.loads(sys.read_policy("other")["data"]["rules"])["path"] == {"secret/data/x": {"capabilities": ["read"]}}
    assert told(gateway, "DELETE", "sys/policies/acl/other") == (204, None)
    sys.delete_policy("other")
    assert sys.list_policies()["policies"] == ["team"]
    with pytest.raises(hvac.exceptions.InvalidPath):
        sys.read_policy("other")


def test_a_key_may_what_its_policy_allows_and_nothing_else(gateway):
    assert told(gateway, "GET", "secret/data/team/a", "team") == DENIED, "the policy is not there yet"
    admin = client(gateway)
    for path in ("team/a", "team/locked", "other"):
        admin.secrets.kv.v2.create_or_update_secret(path, {"of": path})
    admin.sys.create_or_update_policy("team", TEAM)
    kv = client(gateway, "team").secrets.kv.v2
    assert kv.read_secret_version("team/a")["data"]["data"] == {"of": "team/a"}
    kv.create_or_update_secret("team/new", {"n": 1})
    assert told(gateway, "PATCH", "secret/data/team/new", "team", {"data": {"m": 2}})[0] == 200
    kv.delete_latest_version_of_secret("team/new")
    assert kv.list_secrets("team")["data"]["keys"] == ["a", "locked", "new"]
    assert kv.read_secret_metadata("team/a")["data"]["current_version"] == 1
    assert told(gateway, "POST", "secret/undelete/team/undo/x", "team", {"versions": [1]})[0] == 204
    for method, path, body in (
            ("GET", "secret/data/other", None), ("GET", "secret/data/team/locked", None), ("GET", "secret/data/team", None),
            ("POST", "secret/data/team/locked", {"data": {}}), ("LIST", "secret/metadata", None),
            ("GET", "secret/metadata/?list=true", None), ("LIST", "secret/metadata/teams", None),
            ("POST", "secret/metadata/team/a", {"max_versions": 1}), ("DELETE", "secret/metadata/team/a", None),
            ("POST", "secret/undelete/team/a", {"versions": [1]}), ("POST", "secret/destroy/team/a", {"versions": [1]}),
            ("GET", "sys/policies/acl", None), ("GET", "sys/policies/acl/other", None), ("GET", "sys/policy/team", None),
            ("POST", "sys/policies/acl/team", {"policy": ""}), ("DELETE", "sys/policies/acl/team", None)):
        assert told(gateway, method, path, "team", body) == DENIED, (method, path)
    assert told(gateway, "GET", "sys/policies/acl/team", "team")[0] == 200
    for spelling in ("team/../other", "team%2F..%2Fother", "team/%2e%2e/other", "team//../other", "team/./../other"):
        status, said = told(gateway, "GET", "secret/data/" + spelling, "team")
        assert status in (400, 403, 404) and "data" not in said, spelling


def test_a_policy_counts_from_the_next_request_on(gateway):
    admin = client(gateway)
    admin.secrets.kv.v2.create_or_update_secret("team/a", {"n": 1})
    read = 'path "secret/data/team/a" { capabilities = ["read"] }'
    for policy, status in ((read, 200), ("", 403), (read, 200), (read.replace("read", "deny"), 403), (read, 200)):
        admin.sys.create_or_update_policy("team", policy)
        assert told(gateway, "GET", "secret/data/team/a", "team")[0] == status, policy
    admin.sys.delete_policy("team")
    assert told(gateway, "GET", "secret/data/team/a", "team") == DENIED


def test_to_create_is_not_to_update(gateway):
    admin = client(gateway)
    for name in ("creator", "updater"):
        right = name.replace("or", "e").replace("er", "e")
        admin.sys.create_or_update_policy(
            name, f'path "secret/*" {{ capabilities = ["{right}"] }}')

    def put(name, path, cas=None):
        body = {"data": {"by": name}} | ({"options": {"cas": cas}} if cas is not None else {})
        return told(gateway, "POST", "secret/data/" + path, name, body)[0]

    assert put("updater", "a") == 403 and put("creator", "a") == 200
    assert put("creator", "a") == 403 and put("updater", "a") == 200
    assert put("creator", "b", 0) == 200 and put("creator", "c", 1) == 400 and put("updater", "c", 0) == 403
    assert put("two", "a") == 200 and put("two", "d") == 200
    settings = {"cas_required": True}
    assert told(gateway, "POST", "secret/metadata/a", "creator", settings) == DENIED
    assert told(gateway, "POST", "secret/metadata/e", "updater", settings) == DENIED
    assert told(gateway, "POST", "secret/metadata/e", "creator", settings)[0] == 204
    assert told(gateway, "POST", "secret/metadata/e", "updater", settings)[0] == 204
    assert told(gateway, "GET", "secret/data/a", "two") == DENIED


def test_a_key_can_ask_what_it_may(gateway):
    sys = client(gateway).sys
    sys.create_or_update_policy("team", TEAM)
    said = client(gateway, "team").sys.get_capabilities(["secret/data/team/a", "secret/data/team/locked", "other"])["data"]
    assert said == {"secret/data/team/a": ["create", "delete", "patch", "read", "update"],
                    "secret/data/team/locked": ["deny"], "other": ["deny"]}
    one = told(gateway, "POST", "sys/capabilities-self", "team", {"path": "secret/metadata/team/"})[1]
    assert one["capabilities"] == one["data"]["capabilities"] == ["list", "read"]
    assert sys.get_capabilities(["secret/data/any"])["capabilities"] == ["create", "delete", "list", "patch", "read", "update"]
    assert told(gateway, "POST", "sys/capabilities-self", "none", {"paths": ["secret/data/a"]})[1]["capabilities"] == ["deny"]
    assert told(gateway, "POST", "sys/capabilities-self", token="wrong", body={"paths": ["a"]}) == DENIED
    assert told(gateway, "POST", "sys/capabilities-self", body={"paths": []})[0] == 400
    assert client(gateway, "team").lookup_token()["data"]["policies"] == ["team"]


def test_policies_that_cannot_be_kept_are_refused_with_the_line(gateway):
    for policy, says in (('\npath "a" {', "line 2"), ('path "a" { capabilities = ["reed"] }', "none of"),
                         ('path "a" { capabilities = ["read"] expiration = "2030" }', "not supported"),
                         ('{"path": 1}', "no object"), ("x" * (1 << 16) + "x", "64 KiB")):
        status, said = told(gateway, "PUT", "sys/policies/acl/team", body={"policy": policy})
        assert status == 400 and says in said["errors"][0], policy[:60]
    for body in ({}, [], {"policy": 1}, {"policy": "", "ttl": "1h"}):
        assert told(gateway, "PUT", "sys/policies/acl/team", body=body)[0] == 400, body
    for name in ("root", "a%20b", "%C3%A4", "a" * 129):
        assert told(gateway, "PUT", "sys/policies/acl/" + name, body={"policy": ""})[0] == 400, name
    assert told(gateway, "GET", "sys/policies/acl/team") == (404, {"errors": []})


def test_who_may_not_do_everything_with_secrets_hands_out_no_policies(gateway):
    add_user(gateway.config_file, "root", "the engine weaves", "admin")
    root = Control(gateway).sign_in("root", "the engine weaves")
    client(gateway).sys.create_or_update_policy("team", TEAM)
    client(gateway).secrets.kv.v2.create_or_update_secret("team/a", {"n": 1})
    assert root.ask("PUT", "/api/v1/roles/keeper", {"permissions": ["keys:write", "users:read"]}).status == 200
    add_user(gateway.config_file, "keeper", "the engine weaves", "keeper")
    keeper = Control(gateway).sign_in("keeper", "the engine weaves")
    wanted = {"name": "mine", "scopes": ["policy:team"]}
    assert keeper.ask("POST", "/api/v1/keys", wanted).status == 403
    made = root.ask("POST", "/api/v1/keys", wanted)
    assert made.status == 201
    key = made.json()["key"]
    assert told(gateway, "GET", "secret/data/team/a", token=key)[0] == 200
    # The key goes no further than whoever made it goes today.
    users = root.get("/api/v1/users").json()["items"]
    path = "/api/v1/users/" + next(user["id"] for user in users if user["name"] == "root")
    tag = root.get(path).get("etag")
    assert root.ask("PATCH", path, {"roles": ["manager"]}, [("If-Match", tag)]).status == 200
    # It is believed for a second.
    until(lambda: told(gateway, "GET", "secret/data/team/a", token=key) == DENIED, "the key may no more", timeout=10)


def test_the_audit_log_says_who_wrote_which_policy(gateway):
    client(gateway).sys.create_or_update_policy("team", TEAM)
    client(gateway).sys.delete_policy("team")
    tail = run("audit", "tail", "--json", "--count", "10", "--config", gateway.config_file).stdout
    records = [json.loads(line)["record"] for line in tail.splitlines()]
    acts = [(record["action"], record["object"], record["actor"]["subject"]) for record in records]
    team = {"type": "policy", "id": "team"}
    assert [act for act in acts if act[1]["type"] == "policy"] == [("policy.put", team, "admin"), ("policy.delete", team, "admin")]
