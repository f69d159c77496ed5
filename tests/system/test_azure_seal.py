"""An Azure Key Vault opens the vault: set up, away, refusing, rotated, lost; and what a changed seal may not bring about."""

import base64
import json
import os
import subprocess
import threading
import time

import pytest

from support.azure import Azure, b64url
from support.gateway import write_config
from support.house import House
from support.oauth import CLIENTS, node_clients
from support.wait import seconds, until


@pytest.fixture
def azure(authority, tmp_path):
    vault = Azure(authority, tmp_path)
    vault.make_key()
    yield vault
    vault.stop()


def configure(house, vault):
    house.config["vault"] = vault
    write_config(house.config_file, house.config)


@pytest.fixture
def house(tmp_path, azure):
    made = House(tmp_path / "gateway0")
    made.env["AZURE_CLIENT_SECRET"] = azure.client_secret
    configure(made, azure.sealing_config())
    made.migrate().done("secrets", "set", "a", stdin="1")
    return made


def seal_file(house):
    return house.data / "keys/seal.json"


def recipient(house):
    return json.loads(seal_file(house).read_text())["recipients"][0]


def change_seal(house, **parameters):
    seal = json.loads(seal_file(house).read_text())
    seal["recipients"][0]["parameters"].update(parameters)
    seal_file(house).write_text(json.dumps(seal))


def operations(azure):
    """What was asked of keys, since the last time."""
    asked = [path.split("?")[0].removeprefix("/keys/") for _, path, _ in azure.requests if path.startswith("/keys/")]
    azure.requests.clear()
    return asked


def test_microsofts_client_takes_the_double_for_a_key_vault(house, azure):
    node_clients()
    former = recipient(house)["parameters"]["kid"]
    kid = azure.make_key()
    configure(house, {})
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery_key_of(house, azure))
    configure(house, azure.sealing_config())
    house.done("secrets", "unseal")
    parameters = recipient(house)["parameters"]
    assert parameters["kid"] == kid
    wrapped = base64.b64decode(parameters["wrapped"])
    given = {"url": azure.url, "tenant": azure.tenant, "client_id": azure.client_id, "client_secret": azure.client_secret,
             "key": "gatehouse", "kid": kid, "former": former, "wrapped": b64url(wrapped)}
    done = subprocess.run(["node", str(CLIENTS / "azure_keys.mjs"), json.dumps(given)], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(azure.ca_file)}, timeout=seconds(60))
    assert done.returncode == 0, done.stdout + done.stderr


def recovery_key_of(house, azure):
    vault = dict(house.config["vault"])
    configure(house, azure.sealing_config())
    key = house.done("secrets", "recovery-key")
    configure(house, vault)
    return key


def test_it_opens_at_each_start_and_a_running_house_never_asks_again(house, azure, start):
    assert operations(azure)[0] == "gatehouse", "the id of the newest version comes first"
    assert not (house.data / "keys/master.key").exists()
    version = recipient(house)["parameters"]["kid"].split("/")[-1]
    assert house.done("secrets", "get", "a") == "1\n"
    assert operations(azure) == [f"gatehouse/{version}/unwrapkey"]
    gateway = start(house.config, env=house.env)
    azure.stop()
    azure.requests.clear()
    assert gateway.get("/health/live", listener="admin").status == 200
    house.refused("nothing starts without it: try again once it answers", "secrets", "get", "a")
    assert gateway.get("/health/live", listener="admin").status == 200 and not azure.requests


def test_a_version_before_opens_after_the_key_was_rotated_there(house, azure):
    first = recipient(house)["parameters"]["kid"]
    second = azure.make_key()
    assert house.done("secrets", "get", "a") == "1\n"
    house.done("secrets", "rekey", "--master")
    assert recipient(house)["parameters"]["kid"] == second != first
    del azure.keys["gatehouse"][0]
    assert house.done("secrets", "get", "a") == "1\n"


def test_what_keeps_it_from_opening_is_said_with_what_to_do(house, azure):
    azure.refuse = [429, 503]
    assert house.done("secrets", "get", "a") == "1\n", "it waits, and asks again"
    azure.denied = {"unwrapkey"}
    assert "recovery key" in house.refused("Key Vault Crypto Service Encryption User", "secrets", "get", "a")
    azure.denied = set()
    azure.keys["gatehouse"][0]["enabled"] = False
    house.refused("enable the version of the key that the seal names", "secrets", "get", "a")
    served = house.verb("serve", timeout=20)
    assert served.returncode == 1 and "disabled key" in served.stderr, served
    azure.keys["gatehouse"][0]["enabled"] = True
    kept = azure.keys.pop("gatehouse")
    house.refused("az keyvault key recover", "secrets", "get", "a")
    azure.make_key()
    house.refused("az keyvault key recover", "secrets", "get", "a")
    azure.keys["gatehouse"] = kept
    house.env["AZURE_CLIENT_SECRET"] = azure.client_secret[::-1]
    assert azure.client_secret not in house.refused("AADSTS7000215", "secrets", "get", "a")
    house.env["AZURE_CLIENT_SECRET"] = azure.client_secret
    del house.config["vault"]["azure"]["ca_file"]
    write_config(house.config_file, house.config)
    house.refused("does not answer", "secrets", "get", "a")
    configure(house, azure.sealing_config())
    azure.refuse = [503] * 20
    house.refused("try again once it answers", "secrets", "get", "a")


def test_nothing_is_sealed_for_a_key_that_does_not_give_it_back(tmp_path, azure):
    house = House(tmp_path / "gateway1")
    house.data.mkdir(mode=0o700)
    house.env["AZURE_CLIENT_SECRET"] = azure.client_secret
    configure(house, azure.sealing_config())
    for refused in ("get", "wrapkey", "unwrapkey"):
        azure.denied = {refused}
        house.refused("Key Vault Crypto Service Encryption User", "secrets", "set", "a", stdin="1")
        assert not seal_file(house).exists(), refused
    azure.denied = set()
    azure.make_key("curve", kty="EC")
    configure(house, azure.sealing_config("curve"))
    house.refused("--kty RSA", "secrets", "set", "a", stdin="1")
    configure(house, azure.sealing_config("none"))
    house.refused("KeyNotFound", "secrets", "set", "a", stdin="1")
    configure(house, azure.sealing_config("a/b"))
    house.refused("vault.azure_key", "secrets", "list", code=2)
    for key in ("url", "tenant", "client_id", "client_secret"):
        vault = azure.sealing_config()
        del vault["azure"][key]
        configure(house, vault)
        house.refused(f"vault.azure.{key}", "secrets", "set", "a", stdin="1")
    assert not seal_file(house).exists()


def test_a_seal_that_names_another_host_or_key_sends_nothing_there(house, azure, authority, tmp_path):
    whole = seal_file(house).read_bytes()
    parameters = recipient(house)["parameters"]
    version = parameters["kid"].split("/")[-1]
    other = Azure(authority, tmp_path / "other")
    other.keys = azure.keys
    azure.make_key("another")
    operations(azure)
    try:
        for kid in (f"{other.url}/keys/gatehouse/{version}", f"https://localhost/keys/gatehouse/{version}",
                    f"https://attacker.example.com/keys/gatehouse/{version}", azure.keys["another"][0]["id"]):
            seal_file(house).write_bytes(whole)
            change_seal(house, kid=kid)
            house.refused("nothing else is asked", "secrets", "get", "a")
        for kid in ("x", f"{azure.url}/keys/gatehouse/{version}/..", f"{azure.url}/secrets/gatehouse/{version}",
                    f"{azure.url}@{other.url[8:]}/keys/gatehouse/{version}"):
            seal_file(house).write_bytes(whole)
            change_seal(house, kid=kid)
            house.refused("by an id that is none", "secrets", "get", "a")
        assert not other.requests, "no token, and no question"
        assert not operations(azure)
    finally:
        other.stop()
    seal_file(house).write_bytes(whole)
    assert house.done("secrets", "get", "a") == "1\n"


def test_a_changed_seal_and_strange_answers_open_nothing(house, azure):
    whole = seal_file(house).read_bytes()
    parameters = recipient(house)["parameters"]
    flipped = bytearray(base64.b64decode(parameters["wrapped"]))
    flipped[7] ^= 1
    change_seal(house, wrapped=base64.b64encode(flipped).decode())
    house.refused("this is another key than the one it is sealed for", "secrets", "get", "a")
    # Whoever can wrap with the public key brings a key of his own: the master key is not sealed with that.
    version = parameters["kid"].split("/")[-1]
    planted = azure.answer("POST", f"/keys/gatehouse/{version}/wrapkey?api-version=7.4",
                           {"Authorization": f"Bearer {next(iter(azure.tokens))}", "Content-Type": "application/json"},
                           json.dumps({"alg": "RSA-OAEP-256", "value": b64url(os.urandom(32))}).encode())[1]["value"]
    change_seal(house, wrapped=base64.b64encode(base64.urlsafe_b64decode(planted + "==")).decode())
    house.refused("does not open the seal", "secrets", "get", "a")
    change_seal(house, wrapped="")
    house.refused("lacks kid or wrapped", "secrets", "get", "a")
    seal_file(house).write_bytes(whole)
    real = azure.key
    for answer in ({}, [], {"kid": parameters["kid"]}, {"kid": parameters["kid"], "value": "!"},
                   {"kid": parameters["kid"], "value": b64url(b"x" * 5000)}, {"kid": parameters["kid"], "value": b64url(b"short")},
                   {"kid": parameters["kid"], "value": b64url(b"x" * 32)}, {"kid": "https://v/keys/k/1", "value": b64url(b"x" * 32)},
                   {"kid": f"{azure.url}/keys/gatehouse/{'0' * 32}", "value": b64url(b"x" * 32)}, "x" * 2_000_000):
        azure.key = lambda *_, answer=answer: (200, answer, {})
        house.refused("", "secrets", "get", "a")
    azure.key = real
    assert house.done("secrets", "get", "a") == "1\n"


def test_the_seal_moves_there_and_back_and_a_recovery_key_opens_what_is_lost(tmp_path, azure):
    house = House(tmp_path / "gateway1").migrate()
    house.done("secrets", "set", "a", stdin="1")
    house.env["AZURE_CLIENT_SECRET"] = azure.client_secret
    configure(house, azure.sealing_config())
    house.refused("gatehouse secrets unseal", "secrets", "get", "a")
    house.done("secrets", "unseal")
    assert house.done("secrets", "get", "a") == "1\n" and not (house.data / "keys/master.key").exists()
    recovery = house.done("secrets", "recovery-key")
    azure.make_key("second")
    configure(house, azure.sealing_config("second"))
    house.refused("nothing else is asked", "secrets", "get", "a")
    house.refused("nothing else is asked", "secrets", "unseal", "--old-azure-key", "third")
    house.done("secrets", "unseal", "--old-azure-key", "gatehouse")
    assert house.done("secrets", "get", "a") == "1\n"
    house.config["vault"] = {"azure": azure.sealing_config()["azure"]}
    write_config(house.config_file, house.config)
    house.done("secrets", "unseal", "--old-azure-key", "second")
    assert house.done("secrets", "get", "a") == "1\n" and (house.data / "keys/master.key").exists()
    configure(house, azure.sealing_config())
    house.done("secrets", "unseal")
    azure.stop()
    house.refused("a recovery key opens the vault", "secrets", "get", "a")
    configure(house, {})
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
    assert house.done("secrets", "get", "a") == "1\n"


def test_a_recovery_key_is_tried_where_the_key_there_is_denied_or_away(house, azure):
    recovery = house.done("secrets", "recovery-key")
    first = recipient(house)["parameters"]["kid"]
    azure.keys["gatehouse"][0]["enabled"] = False
    second = azure.make_key()
    house.refused("a recovery key opens the vault", "secrets", "get", "a")
    house.refused("enable the version of the key that the seal names", "secrets", "unseal")
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
    assert recipient(house)["parameters"]["kid"] == second != first
    assert house.done("secrets", "get", "a") == "1\n"
    azure.stop()
    whole = seal_file(house).read_bytes()
    house.refused("configure another key", "secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
    assert seal_file(house).read_bytes() == whole
    configure(house, {})
    house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
    assert house.done("secrets", "get", "a") == "1\n"


def test_nobody_waits_for_who_waits_for_the_key_vault(house, azure):
    """It is asked without the lock of the seal, which a backup takes, too."""
    asked, go_on, real = threading.Event(), threading.Event(), azure.key

    def slow(*arguments):
        asked.set()
        go_on.wait(seconds(30))
        return real(*arguments)
    azure.key = slow
    waits = threading.Thread(target=lambda: house.verb("secrets", "get", "a"), daemon=True)
    waits.start()
    try:
        assert asked.wait(seconds(20))
        begun = time.monotonic()
        house.backup()
        assert time.monotonic() - begun < seconds(9), "the lock's patience is ten seconds"
    finally:
        go_on.set()
        waits.join(seconds(30))
    azure.key = real
    assert house.done("secrets", "get", "a") == "1\n"


def test_no_secret_of_it_is_in_a_file_or_in_a_log(house, azure, start):
    gateway = start(house.config, env=house.env)
    until(lambda: gateway.get("/health/live", listener="admin").status == 200, "it serves", timeout=10)
    everything = gateway.output().encode() + b"".join(each.read_bytes() for each in house.data.rglob("*") if each.is_file())
    for secret in (azure.client_secret, *azure.tokens):
        assert secret.encode() not in everything
