"""Tokens and wrapped answers of the API that clients of KV stores speak, judged by hvac, node-vault and hashi-vault-js."""

import json
import os
import subprocess
import threading

import pytest

from support.control import Control, house_config
from support.gateway import api_key, run
from support.oauth import CLIENTS, node_clients
from support.wait import seconds, until

hvac = pytest.importorskip("hvac", reason="python3-hvac is not installed (tools/setup test)")

ADMIN = "key-of-admin-long-enough-0123456789abcdef"
USER = "key-of-user-long-enough-0123456789abcdef"


@pytest.fixture
def gateway(start, tmp_path):
    return start(house_config(tmp_path / "gateway0", auth={"api_keys": [
        api_key("admin", ADMIN, ["admin"]), api_key("user", USER, ["user"])]}))


def client(gateway, token=ADMIN):
    return hvac.Client(url=f"http://localhost:{gateway.port('plain')}", token=token)


@pytest.fixture
def admin(gateway):
    made = client(gateway)
    made.sys.create_or_update_policy("team", 'path "secret/data/team/*" { capabilities = ["create", "read", "update"] }\n'
                                     'path "auth/token/create" { capabilities = ["update"] }')
    made.secrets.kv.v2.create_or_update_secret("team/mail", {"user": "ada"})
    made.secrets.kv.v2.create_or_update_secret("other", {"user": "eve"})
    return made


def token_of(answer):
    return answer["auth"]["client_token"]


def works(gateway, token):
    try:
        client(gateway, token).auth.token.lookup_self()
        return True
    except hvac.exceptions.Forbidden:
        return False


# --- the life of a token ---

def test_a_token_is_made_used_renewed_and_ended(gateway, admin):
    made = admin.auth.token.create(policies=["team"], ttl="1h", meta={"for": "ci"}, display_name="ci")["auth"]
    assert made["policies"] == ["team"] and made["renewable"] is True and made["orphan"] is True
    assert 3590 < made["lease_duration"] <= 3600 and made["metadata"] == {"for": "ci"}
    team = client(gateway, made["client_token"])
    assert team.is_authenticated()
    assert team.secrets.kv.v2.read_secret_version("team/mail")["data"]["data"] == {"user": "ada"}
    with pytest.raises(hvac.exceptions.Forbidden):
        team.secrets.kv.v2.read_secret_version("other")

    seen = team.auth.token.lookup_self()["data"]
    assert seen["id"] == made["client_token"] and seen["accessor"] == made["accessor"]
    assert seen["display_name"] == "token-ci" and seen["creation_ttl"] == 3600 and seen["meta"] == {"for": "ci"}
    assert 3590 < seen["ttl"] <= 3600 and seen["policies"] == ["team"] and "last_renewal" not in seen
    renewed = team.auth.token.renew_self(increment="2h")["auth"]
    assert 7190 < renewed["lease_duration"] <= 7200 and renewed["client_token"] == made["client_token"]
    assert "last_renewal" in admin.auth.token.lookup(made["client_token"])["data"]
    assert made["accessor"] in admin.auth.token.list_accessors()["data"]["keys"]
    by_accessor = admin.auth.token.lookup_accessor(made["accessor"])["data"]
    assert by_accessor["id"] == "" and by_accessor["display_name"] == "token-ci"

    team.auth.token.revoke_self()
    assert not works(gateway, made["client_token"])
    with pytest.raises(hvac.exceptions.Forbidden, match="bad token"):
        admin.auth.token.lookup(made["client_token"])
    with pytest.raises(hvac.exceptions.InvalidRequest, match="invalid accessor"):
        admin.auth.token.lookup_accessor(made["accessor"])


def test_a_token_ends_by_itself_unless_it_is_renewed(gateway, admin):
    short, kept = (token_of(admin.auth.token.create(policies=["team"], ttl="2s")) for _ in range(2))
    assert works(gateway, short) and works(gateway, kept)
    client(gateway, kept).auth.token.renew_self(increment="1h")
    until(lambda: not works(gateway, short), "the token ends", seconds(20))
    assert works(gateway, kept)


def test_no_renewal_goes_beyond_the_maximum(gateway, admin):
    bounded = client(gateway, token_of(admin.auth.token.create(ttl="1m", explicit_max_ttl="5m")))
    assert bounded.auth.token.renew_self(increment="1h")["auth"]["lease_duration"] <= 300
    fixed = client(gateway, token_of(admin.auth.token.create(ttl="1m", renewable=False)))
    with pytest.raises(hvac.exceptions.InvalidRequest, match="lease is not renewable"):
        fixed.auth.token.renew_self()
    periodic = client(gateway, token_of(admin.auth.token.create(period="10m")))
    assert periodic.auth.token.lookup_self()["data"]["period"] == 600
    assert 590 < periodic.auth.token.renew_self(increment="9h")["auth"]["lease_duration"] <= 600
    with pytest.raises(hvac.exceptions.InvalidRequest, match="not renewable"):
        admin.auth.token.renew_self()


def test_what_a_token_made_ends_with_it(gateway, admin):
    parent = client(gateway, token_of(admin.auth.token.create(policies=["team"])))
    child = parent.auth.token.create(policies=["team"])["auth"]
    assert child["orphan"] is False
    grandchild = token_of(client(gateway, child["client_token"]).auth.token.create())
    assert works(gateway, grandchild)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="sudo privileges required"):
        parent.auth.token.create(policies=["team"], no_parent=True)
    with pytest.raises(hvac.exceptions.Forbidden):
        parent.adapter.post("/v1/auth/token/create-orphan", json={"policies": ["team"]})

    admin.auth.token.revoke(parent.token)
    for gone in (parent.token, child["client_token"], grandchild):
        until(lambda token=gone: not works(gateway, token), "the whole line ends", seconds(20))

    parent = client(gateway, token_of(admin.auth.token.create(policies=["team"])))
    child = token_of(parent.auth.token.create())
    admin.auth.token.revoke_and_orphan_children(parent.token)
    until(lambda: not works(gateway, parent.token), "the parent ends", seconds(20))
    until(lambda: works(gateway, child), "it goes on by itself", seconds(20))
    assert client(gateway, child).auth.token.lookup_self()["data"]["orphan"] is True


def test_nobody_hands_out_more_than_they_have(gateway, admin):
    admin.sys.create_or_update_policy("all", 'path "secret/*" { capabilities = ["read"] }')
    team = client(gateway, token_of(admin.auth.token.create(policies=["team"])))
    with pytest.raises(hvac.exceptions.InvalidRequest, match="child policies must be subset of parent"):
        team.auth.token.create(policies=["all"])
    with pytest.raises(hvac.exceptions.InvalidRequest, match="no policy's name"):
        admin.auth.token.create(policies=["root"])
    with pytest.raises(hvac.exceptions.Forbidden):
        client(gateway, USER).auth.token.create(policies=["team"])
    with pytest.raises(hvac.exceptions.Forbidden):
        team.auth.token.lookup(ADMIN)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="create periodic token"):
        team.auth.token.create(policies=["team"], period="1h")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="not kept here"):
        admin.auth.token.revoke(USER)
    admin.auth.token.revoke("gh_0123456789abcdef_" + "A" * 43)  # as often as one likes
    assert team.auth.token.lookup_self()["data"]["policies"] == ["team"]
    assert Control(gateway, key=team.token).get("/auth/me").json()["username"] == team.auth.token.lookup_self()["data"]["accessor"]
    with pytest.raises(hvac.exceptions.Forbidden):
        team.auth.token.list_accessors()
    for wrong in ({"num_uses": 3}, {"type": "batch"}, {"id": "mine"}, {"ttl": "soon"}, {"meta": {"a": 1}}, {"more": 1}):
        answer = Control(gateway).ask("POST", "/v1/auth/token/create", wrong, [("X-Vault-Token", ADMIN)])
        assert answer.status == 400 and answer.json()["errors"][0], wrong


def test_tokens_go_no_further_than_the_user_at_their_beginning(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth={"api_keys": [api_key("admin", ADMIN, ["admin"])]}))
    house = Control(gateway, key=ADMIN)
    assert run("user", "add", "boss", "--role", "admin", "--password-stdin", "--config", gateway.config_file,
               stdin="a long enough passphrase\n").returncode == 0
    signed = house.sign_in("boss", "a long enough passphrase")
    key = signed.ask("POST", "/api/v1/keys", {"name": "robot", "subject": "robot", "roles": ["admin"]}).json()["key"]
    of_key = token_of(client(gateway, key).auth.token.create())
    by_hand = Control(gateway, key=key).ask("POST", "/api/v1/keys", {"name": "second", "subject": "other", "roles": ["admin"]})
    assert by_hand.status == 201
    second = by_hand.json()["key"]
    for each in (of_key, second):
        assert client(gateway, each).secrets.kv.v2.create_or_update_secret("a", {"n": 1})
    assert run("user", "roles", "boss", "--role", "guest", "--config", gateway.config_file).returncode == 0
    for each in (of_key, second):
        def is_refused(token=each):
            try:
                client(gateway, token).secrets.kv.v2.create_or_update_secret("a", {"n": 2})
            except hvac.exceptions.Forbidden:
                return True
            return False
        until(is_refused, "what the user is no more, the keys of their keys are no more", seconds(20))


# --- wrapped answers ---

def test_a_wrapped_answer_is_for_the_first_who_asks(gateway, admin):
    wrapped = admin.secrets.kv.v2.read_secret_version  # hvac wraps by header
    answer = admin.adapter.request("get", "/v1/secret/data/team/mail", wrap_ttl="60")
    info = answer["wrap_info"]
    assert answer["data"] is None and info["ttl"] == 60 and info["creation_path"] == "secret/data/team/mail"
    assert wrapped("team/mail")["data"]["data"] == {"user": "ada"}
    nobody = client(gateway, None)
    look = Control(gateway).ask("POST", "/v1/sys/wrapping/lookup", {"token": info["token"]})
    assert look.json()["data"]["creation_path"] == "secret/data/team/mail" and look.json()["data"]["creation_ttl"] == 60
    opened = nobody.sys.unwrap(info["token"])
    assert opened["data"]["data"] == {"user": "ada"}
    with pytest.raises(hvac.exceptions.InvalidRequest, match="not valid or does not exist"):
        nobody.sys.unwrap(info["token"])
    log = run("audit", "tail", "--json", "--count", "50", "--config", gateway.config_file)
    records = [json.loads(line)["record"] for line in log.stdout.splitlines()]
    actions = [each["action"] for each in records if each["object"]["type"] == "wrapped_answer"]
    assert actions == ["answer.wrap", "answer.unwrap"], log


def test_the_wrapping_token_itself_is_a_credential_for_unwrapping_alone(gateway, admin):
    answer = admin.auth.token.create(policies=["team"], wrap_ttl="5m")
    token = answer["wrap_info"]["token"]
    assert answer["auth"] is None and answer["wrap_info"]["wrapped_accessor"]
    holder = client(gateway, token)
    assert not holder.is_authenticated()
    with pytest.raises(hvac.exceptions.Forbidden):
        holder.secrets.kv.v2.read_secret_version("team/mail")
    inner = holder.sys.unwrap()["auth"]
    assert inner["accessor"] == answer["wrap_info"]["wrapped_accessor"]
    assert works(gateway, inner["client_token"])


def test_of_many_who_unwrap_at_once_one_gets_it(gateway, admin):
    token = admin.adapter.request("post", "/v1/sys/wrapping/wrap", json={"n": 1}, wrap_ttl="1m")["wrap_info"]["token"]
    got = []

    def ask():
        got.append(Control(gateway).ask("POST", "/v1/sys/wrapping/unwrap", {"token": token}).status)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [200] + [400] * 7


def test_a_wrapped_answer_is_wrapped_anew_and_ends(gateway, admin):
    def wrap(ttl):
        return admin.adapter.request("post", "/v1/sys/wrapping/wrap", json={"n": 1}, wrap_ttl=ttl)["wrap_info"]["token"]
    house = Control(gateway)
    first = wrap("1m")
    second = house.ask("POST", "/v1/sys/wrapping/rewrap", {"token": first}).json()["wrap_info"]["token"]
    assert house.ask("POST", "/v1/sys/wrapping/unwrap", {"token": first}).status == 400
    assert house.ask("POST", "/v1/sys/wrapping/unwrap", {"token": second}).json()["data"] == {"n": 1}
    short = wrap("1s")
    until(lambda: house.ask("POST", "/v1/sys/wrapping/lookup", {"token": short}).status == 400, "it ends", seconds(20))
    for wrong in ("", "gh_wrap.", short[:-1] + ("A" if short[-1] != "A" else "B"), "gh_wrap." + "0" * 16 + "." + "A" * 43, "x" * 5000):
        assert house.ask("POST", "/v1/sys/wrapping/unwrap", {"token": wrong}).status == 400, wrong
    before = len(admin.auth.token.list_accessors()["data"]["keys"])
    answer = house.ask("POST", "/v1/auth/token/create", {}, [("X-Vault-Token", ADMIN), ("X-Vault-Wrap-TTL", "33d")])
    assert answer.status == 400 and len(admin.auth.token.list_accessors()["data"]["keys"]) == before, "nothing is made for nobody"
    assert house.ask("POST", "/v1/sys/wrapping/wrap", {}, [("X-Vault-Token", USER), ("X-Vault-Wrap-TTL", "60")]).status == 403
    for ttl in ("0", "soon", "33d"):
        answer = house.ask("POST", "/v1/sys/wrapping/wrap", {"n": 1}, [("X-Vault-Token", ADMIN), ("X-Vault-Wrap-TTL", ttl)])
        assert answer.status == 400, ttl
    for fields in ([("X-Vault-Wrap-TTL", ""), ("X-Vault-Wrap-TTL", "1m"), ("X-Vault-Wrap-TTL", "2m")],
                   [("X-Vault-Namespace", ""), ("X-Vault-Namespace", "team")]):
        answer = house.ask("GET", "/v1/secret/data/team/mail", None, [("X-Vault-Token", ADMIN), *fields])
        assert answer.status == 400, fields


def test_what_is_wrapped_lies_sealed(gateway, admin, tmp_path):
    mark = "a-value-that-is-nowhere-to-be-seen"
    token = admin.adapter.request("post", "/v1/sys/wrapping/wrap", json={"n": mark}, wrap_ttl="1m")["wrap_info"]["token"]
    secret = token.rsplit(".", 1)[1]
    for file in (tmp_path / "gateway0").rglob("*"):
        if file.is_file():
            octets = file.read_bytes()
            assert mark.encode() not in octets and secret.encode() not in octets, file


# --- other clients ---

@pytest.mark.parametrize("name", ["node-vault", "hashi-vault-js"])
def test_clients_of_node_make_renew_and_end_tokens(gateway, name):
    node_clients()
    given = {"url": f"http://localhost:{gateway.port('plain')}", "token": ADMIN}
    done = subprocess.run(["node", str(CLIENTS / "tokens.mjs"), name, json.dumps(given)], env={"PATH": os.environ["PATH"]},
                          capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
