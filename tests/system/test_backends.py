"""The same calls on every place where secrets may rest: the sealed store on both engines, an Azure Key Vault, the environment."""

import json
import os
import subprocess

import pytest

from support import jwt
from support.azure import Azure
from support.gateway import basic_config, write_config
from support.house import House
from support.oauth import CLIENTS, node_clients
from support.wait import seconds, until

SECRET = jwt.new_secret()


@pytest.fixture
def azure(authority, tmp_path):
    vault = Azure(authority, tmp_path)
    yield vault
    vault.stop()


def house_with(tmp_path, vault, env=None, postgres=None):
    house = House(tmp_path / "gateway0", postgres)
    house.env.update(env or {})
    house.config["vault"] = vault
    write_config(house.config_file, house.config)
    return house


@pytest.fixture
def on_azure(tmp_path, azure):
    return house_with(tmp_path, azure.config(), {"AZURE_CLIENT_SECRET": azure.client_secret})


@pytest.fixture(params=["sqlite", "postgres", "azure"])
def house(request, tmp_path):
    if request.param == "azure":
        return request.getfixturevalue("on_azure")
    postgres = request.getfixturevalue("postgres") if request.param == "postgres" else None
    return house_with(tmp_path, {}, postgres=postgres).migrate()


# --- the contract ---

def test_what_is_set_is_read_listed_and_deleted(house):
    house.done("secrets", "set", "team/database", stdin="hunter2\n")
    assert house.done("secrets", "get", "team/database") == "hunter2\n"
    house.done("secrets", "set", "team/database", stdin='hunter3 "\\ ä\n')
    assert house.done("secrets", "get", "team/database") == 'hunter3 "\\ ä\n'
    house.done("secrets", "set", "team/mail", "--json", stdin='{"user": "ada", "port": 25}')
    assert house.done("secrets", "get", "team/mail", "--field", "port") == "25\n"
    house.refused('has no field "value"', "secrets", "get", "team/mail")
    house.done("secrets", "set", "env/JWT_SECRET_KEY", stdin=SECRET)
    for number in range(8):  # more than a page, where there are pages
        house.done("secrets", "set", f"many/{number}", stdin=str(number))
    assert house.done("secrets", "list").split() == ["env/", "many/", "team/"]
    assert house.done("secrets", "list", "team/").split() == ["database", "mail"]
    assert json.loads(house.done("secrets", "list", "many/", "--json")) == [str(number) for number in range(8)]
    house.done("secrets", "delete", "team/mail")
    house.refused("", "secrets", "get", "team/mail")
    house.refused("none", "secrets", "get", "none")
    house.refused("path", "secrets", "get", "../x")


def test_a_check_makes_a_secret_and_leaves_none(house):
    shown = house.verb("secrets", "check")
    assert shown.returncode == 0, shown
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["written", "good"], ["read", "back", "good"], ["listed", "good"], ["deleted", "good"], ["gone", "good"]]


def test_a_configuration_takes_its_secrets_from_there(house, start, tmp_path, upstream):
    house.done("secrets", "set", "apps/jwt", stdin=SECRET)
    house.config["auth"] = {"trusted_issuers": [{"issuer": "https://idp.test", "audience": "api", "algorithm": "HS256",
                                                 "secret": "${secret:apps/jwt}"}]}
    house.config["upstreams"] = basic_config(tmp_path, [upstream])["upstreams"]
    house.config["routes"] = [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": "authenticated"}]
    gateway = start(house.config, env=house.env)
    good = jwt.Key("HS256", secret=SECRET).token(jwt.claims(iss="https://idp.test"))
    other = jwt.Key("HS256", secret=jwt.new_secret()).token(jwt.claims(iss="https://idp.test"))
    assert [gateway.get("/", [("Authorization", f"Bearer {token}")]).status for token in (good, other)] == [200, 401]
    until(lambda: any(line.get("secrets") == 1 for line in gateway.log()), "the log tells of it", timeout=5)
    assert SECRET not in gateway.output()


# --- the environment ---

def test_the_environment_is_read_and_weak(tmp_path):
    house = house_with(tmp_path, {"backend": "environment"}, {"JWT_SECRET_KEY": SECRET, "TEAM_DATABASE": "hunter2"})
    assert house.done("secrets", "get", "env/JWT_SECRET_KEY") == SECRET + "\n"
    assert house.done("secrets", "get", "team/database") == "hunter2\n"
    assert "JWT_SECRET_KEY" in house.done("secrets", "list", "env/").split()
    house.refused("read only", "secrets", "set", "env/X", stdin="x")
    house.refused("read only", "secrets", "delete", "team/database")
    shown = house.verb("secrets", "check")
    assert shown.returncode == 1 and "weak: every child process" in shown.stderr, shown


def test_a_start_tells_of_secrets_in_the_environment(start, tmp_path):
    house = house_with(tmp_path, {"backend": "environment"}, {"TEAM_DATABASE": "hunter2"})
    gateway = start(house.config, env=house.env)
    until(lambda: "whoever inspects the container reads the environment" in gateway.output(), "the warning", timeout=5)


# --- Azure ---

def test_microsofts_client_takes_the_double_for_a_key_vault(on_azure, azure):
    node_clients()
    on_azure.done("secrets", "set", "team/database", stdin="hunter2")
    on_azure.done("secrets", "set", "plain", stdin="text")
    given = {"url": azure.url, "tenant": azure.tenant, "client_id": azure.client_id, "client_secret": azure.client_secret,
             "ours": {"team--database": "hunter2", "plain": "text"}}
    done = subprocess.run(["node", str(CLIENTS / "azure.mjs"), json.dumps(given)], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(azure.ca_file)}, timeout=seconds(60))
    assert done.returncode == 0, done.stdout + done.stderr
    assert on_azure.done("secrets", "get", "b") == "b\n", "what others have set, by its name there"
    assert "db-password" in on_azure.done("secrets", "list").split()


def test_what_azure_refuses_is_said_with_what_to_do(on_azure, azure):
    on_azure.done("secrets", "set", "a/b", stdin="1")
    on_azure.refused("the same name there holds a/b", "secrets", "set", "a--b", stdin="2")
    on_azure.refused("letters, digits", "secrets", "set", "a b", stdin="2")
    on_azure.done("secrets", "delete", "a/b")
    on_azure.refused("az keyvault secret purge", "secrets", "set", "a/b", stdin="2")
    on_azure.refused("sealed store", "secrets", "get", "a/b", "--version", "1", code=2)
    azure.refuse = [429, 503]
    assert on_azure.done("secrets", "list") == "", "it waits, and asks again"
    azure.refuse = [403]
    on_azure.refused("Key Vault Secrets Officer", "secrets", "list")
    azure.tokens.clear()
    on_azure.done("secrets", "list")
    wrong = azure.client_secret[::-1]
    on_azure.env["AZURE_CLIENT_SECRET"] = wrong
    refused = on_azure.refused("AADSTS7000215", "secrets", "list")
    assert "vault.azure.tenant" in refused and wrong not in refused
    on_azure.env["AZURE_CLIENT_SECRET"] = azure.client_secret
    azure.stop()
    on_azure.refused("does not answer", "secrets", "list")


def test_its_certificate_is_verified_and_links_elsewhere_are_not_followed(on_azure, azure):
    on_azure.done("secrets", "set", "a", stdin="1")
    real = azure.page
    azure.page = lambda query: (200, {"value": [], "nextLink": "https://localhost:1/secrets?x"}, {})
    on_azure.refused("leads elsewhere", "secrets", "list")
    azure.page = lambda query: (200, {"value": [], "nextLink": f"{azure.url}/secrets?api-version=7.4"}, {})
    on_azure.refused("has no end", "secrets", "list")
    azure.page = real
    for body in ([], {"value": 1}, {"value": "x" * 2_000_000}):
        azure.put("a", {"value": "1", "tags": {}})
        azure.secret = lambda *_, body=body: (200, body, {})
        on_azure.refused("", "secrets", "get", "a")
    del azure.secret
    del on_azure.config["vault"]["azure"]["ca_file"]
    write_config(on_azure.config_file, on_azure.config)
    on_azure.refused("does not answer", "secrets", "list")


def test_a_configuration_without_what_azure_wants_is_refused(tmp_path, azure):
    for key in ("url", "tenant", "client_id", "client_secret"):
        vault = azure.config()
        del vault["azure"][key]
        house = house_with(tmp_path, vault, {"AZURE_CLIENT_SECRET": azure.client_secret})
        house.refused(f"vault.azure.{key}", "secrets", "list")
    vault = azure.config()
    vault["azure"]["url"] = "http://vault.example.com"
    house_with(tmp_path, vault, {"AZURE_CLIENT_SECRET": "x" * 20}).refused("vault.azure.url", "secrets", "list", code=2)


def test_a_store_of_windows_is_refused_and_it_is_said_where_it_is(tmp_path):
    house = house_with(tmp_path, {"backend": "dpapi"})
    house.refused('vault.backend: "dpapi" is for Windows, where gatehouse-secrets.exe keeps such a store', "secrets", "list",
                  code=2)
