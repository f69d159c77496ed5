"""What a request to transit's keys has to say, and what is made of it where it says too much or too little."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import utils
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from support.control import Control, house_config
from support.gateway import api_key

KEY = "key-of-admin-long-enough-0123456789abcdef"


def b64(octets):
    return base64.b64encode(octets).decode()


@pytest.fixture
def gateway(start, tmp_path):
    return start(house_config(tmp_path / "gateway0", auth={"api_keys": [api_key("admin", KEY, ["admin"])]}))


def told(gateway, method, path, body=None):
    answer = Control(gateway).ask(method, "/v1/" + path, body, [("X-Vault-Token", KEY)])
    return answer.status, answer.json() if answer.body else None


def test_a_batch_is_made_with_the_version_that_is_named_beside_it(gateway):
    told(gateway, "POST", "transit/keys/mine", {"type": "ed25519"})
    told(gateway, "POST", "transit/keys/mine/rotate", {})
    for path in ("sign", "hmac"):
        body = {"key_version": 1, "batch_input": [{"input": b64(b"x")}, {"input": b64(b"y"), "key_version": 2}]}
        status, said = told(gateway, "POST", f"transit/{path}/mine", body)
        member = {"sign": "signature", "hmac": "hmac"}[path]
        assert status == 200 and [each[member][:9] for each in said["data"]["batch_results"]] == ["vault:v1:", "vault:v2:"]
    told(gateway, "POST", "transit/keys/a", {})
    for path, body, error in (("encrypt", {"key_version": 1, "batch_input": [{"plaintext": ""}]}, "key_version stands beside"),
                              ("encrypt", {"context": "YQ==", "batch_input": [{"plaintext": ""}]}, "context stands beside"),
                              ("encrypt", {"batch_input": [{"plaintext": "", "type": "x"}]}, "not taken there")):
        status, said = told(gateway, "POST", f"transit/{path}/a", body)
        assert status == 400 and error in said["errors"][0], (body, said)


def test_what_was_not_hashed_is_no_digest(gateway):
    shown = told(gateway, "POST", "transit/keys/web", {"type": "ecdsa-p256"})[1]["data"]["keys"]["1"]
    numbers = load_pem_public_key(shown["public_key"].encode()).public_numbers()
    forged = "vault:v1:" + b64(utils.encode_dss_signature(numbers.x, numbers.x))  # good under a digest that counts as zero
    status, said = told(gateway, "POST", "transit/verify/web", {"prehashed": True, "signature": forged})
    assert status == 400 and "missing input" in said["errors"][0]
    for octets in (b"", bytes(1), bytes(32)):
        status, said = told(gateway, "POST", "transit/verify/web", {"prehashed": True, "signature": forged, "input": b64(octets)})
        assert (status, said["data"]["valid"]) == (200, False), octets
    digest = hashlib.sha256(b"hello").digest()
    made = told(gateway, "POST", "transit/sign/web", {"prehashed": True, "input": b64(digest)})[1]["data"]["signature"]
    assert told(gateway, "POST", "transit/verify/web", {"input": b64(b"hello"), "signature": made})[1]["data"]["valid"] is True


def test_a_batch_is_of_some_versions_at_a_time(gateway):
    sealed = []
    for _ in range(33):
        sealed.append(told(gateway, "POST", "transit/encrypt/a", {"plaintext": ""})[1]["data"]["ciphertext"])
        told(gateway, "POST", "transit/keys/a/rotate", {})
    items = [{"ciphertext": each} for each in sealed]
    status, said = told(gateway, "POST", "transit/decrypt/a", {"batch_input": items})
    assert status == 400 and "more than 32 versions" in said["errors"][0]
    assert told(gateway, "POST", "transit/decrypt/a", {"batch_input": items[1:]})[0] == 200


def test_a_key_is_exported_in_the_form_that_is_told(gateway):
    told(gateway, "POST", "transit/keys/a", {"exportable": True})
    told(gateway, "POST", "transit/keys/a/rotate", {})
    path = "transit/export/encryption-key/a"
    assert list(told(gateway, "GET", path + "/v2")[1]["data"]["keys"]) == ["2"]
    for version in ("v3", "v", "vv2", "v0"):
        assert told(gateway, "GET", path + "/" + version)[0] == 400, version
    assert told(gateway, "GET", path + "?format=")[0] == 200
    status, said = told(gateway, "GET", path + "?format=der")
    assert status == 400 and "format" in said["errors"][0]
