"""Keys that encrypt and sign for others, judged by hvac and by what python3-cryptography makes of it."""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from support.control import Control, house_config
from support.gateway import api_key, run
from support.oauth import CLIENTS, node_clients
from support.wait import seconds

hvac = pytest.importorskip("hvac", reason="python3-hvac is not installed (tools/setup test)")

KEYS = {name: f"key-of-{name}-long-enough-0123456789abcdef" for name in ("admin", "user", "reader", "writer")}


def b64(octets):
    return base64.b64encode(octets).decode()


@pytest.fixture
def gateway(start, tmp_path):
    return start(house_config(tmp_path / "gateway0", auth={"api_keys": [
        api_key("admin", KEYS["admin"], ["admin"]), api_key("user", KEYS["user"], ["user"]),
        api_key("reader", KEYS["reader"], [], scopes=["secrets:read"]),
        api_key("writer", KEYS["writer"], [], scopes=["secrets:write"])]}))


def client(gateway, token=KEYS["admin"]):
    return hvac.Client(url=f"http://localhost:{gateway.port('plain')}", token=token)


@pytest.fixture
def transit(gateway):
    return client(gateway).secrets.transit


def told(gateway, method, path, body=None, token=KEYS["admin"]):
    answer = Control(gateway).ask(method, "/v1/" + path, body, [("X-Vault-Token", token)])
    return answer.status, answer.json() if answer.body else None


def encrypted(transit, name, text, **more):
    return transit.encrypt_data(name=name, plaintext=b64(text), **more)["data"]["ciphertext"]


def decrypted(transit, name, ciphertext, **more):
    return base64.b64decode(transit.decrypt_data(name=name, ciphertext=ciphertext, **more)["data"]["plaintext"])


# --- the life of a key ---

def test_a_key_lives_its_life(transit):
    made = transit.create_key("orders")["data"]
    assert made["type"] == "aes256-gcm96" and made["latest_version"] == 1 and set(made["keys"]) == {"1"}
    first = encrypted(transit, "orders", b"hello")
    assert first.startswith("vault:v1:") and len(base64.b64decode(first[9:])) == 12 + 5 + 16
    assert encrypted(transit, "orders", b"hello") != first
    assert decrypted(transit, "orders", first) == b"hello"
    assert transit.rotate_key("orders")["data"]["latest_version"] == 2
    second = encrypted(transit, "orders", b"")
    assert second.startswith("vault:v2:") and decrypted(transit, "orders", second) == b""
    assert decrypted(transit, "orders", first) == b"hello"
    again = transit.rewrap_data(name="orders", ciphertext=first)["data"]
    assert again["ciphertext"].startswith("vault:v2:") and again["key_version"] == 2
    assert decrypted(transit, "orders", again["ciphertext"]) == b"hello"
    assert transit.encrypt_data(name="orders", plaintext=b64(b"x"), key_version=1)["data"]["key_version"] == 1
    transit.update_key_configuration("orders", min_decryption_version=2)
    transit.update_key_configuration("orders", min_encryption_version=2)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="too old"):
        decrypted(transit, "orders", first)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="less than the minimum"):
        transit.encrypt_data(name="orders", plaintext=b64(b"x"), key_version=1)
    assert set(transit.read_key("orders")["data"]["keys"]) == {"2"}
    assert transit.trim_key("orders", 2)["data"]["min_available_version"] == 2
    with pytest.raises(hvac.exceptions.InvalidRequest, match="min available"):
        transit.update_key_configuration("orders", min_decryption_version=1)
    assert transit.list_keys()["data"]["keys"] == ["orders"]
    with pytest.raises(hvac.exceptions.InvalidRequest, match="deletion is not allowed"):
        transit.delete_key("orders")
    transit.update_key_configuration("orders", deletion_allowed=True)
    transit.delete_key("orders")
    with pytest.raises(hvac.exceptions.InvalidPath):
        transit.read_key("orders")
    with pytest.raises(hvac.exceptions.InvalidRequest, match="encryption key not found"):
        decrypted(transit, "orders", second)
    with pytest.raises(hvac.exceptions.InvalidPath):
        transit.list_keys()


def test_encrypting_makes_the_key_that_is_not_there(transit):
    sealed = encrypted(transit, "new", b"x", type="chacha20-poly1305")
    assert transit.read_key("new")["data"]["type"] == "chacha20-poly1305"
    assert decrypted(transit, "new", sealed) == b"x"
    context = b64(b"tenant")
    sealed = encrypted(transit, "per-tenant", b"x", context=context)
    assert transit.read_key("per-tenant")["data"]["derived"] is True
    assert decrypted(transit, "per-tenant", sealed, context=context) == b"x"


# --- signatures, HMACs and what others make of them ---

HASHES = {"sha2-256": hashes.SHA256(), "sha2-512": hashes.SHA512(), "sha3-256": hashes.SHA3_256()}


def public_key(transit, name, version=1):
    return transit.read_key(name)["data"]["keys"][str(version)]["public_key"]


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "ed25519"])
def test_signatures_are_good_to_others(gateway, transit, kind):
    transit.create_key(kind, key_type=kind)
    text = public_key(transit, kind)
    for name, algorithm in HASHES.items():
        # hvac knows no SHA-3.
        made = told(gateway, "POST", f"transit/sign/{kind}", {"input": b64(b"hello"), "hash_algorithm": name})[1]["data"]["signature"]
        raw = base64.b64decode(made.removeprefix("vault:v1:"))
        if kind == "ed25519":
            Ed25519PublicKey.from_public_bytes(base64.b64decode(text)).verify(raw, b"hello")
        elif kind == "rsa-2048":
            load_pem_public_key(text.encode()).verify(raw, b"hello", padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO), algorithm)
        else:
            load_pem_public_key(text.encode()).verify(raw, b"hello", ec.ECDSA(algorithm))

        valid = [told(gateway, "POST", f"transit/verify/{kind}/{name}", {"input": b64(text), "signature": made})[1]["data"]["valid"]
                 for text in (b"hello", b"other")]
        assert valid == [True, False]
    made = transit.sign_data(name=kind, hash_input=b64(b"hello"), hash_algorithm="sha2-384")["data"]["signature"]
    transit.rotate_key(kind)
    assert transit.sign_data(name=kind, hash_input=b64(b"x"))["data"]["key_version"] == 2
    valid = [transit.verify_signed_data(name=kind, hash_input=b64(text), hash_algorithm="sha2-384", signature=made)["data"]["valid"]
             for text in (b"hello", b"other")]
    assert valid == [True, False]


def test_signatures_have_the_form_that_is_asked_for(gateway, transit):
    transit.create_key("web", key_type="ecdsa-p256")
    made = transit.sign_data(name="web", hash_input=b64(b"hello"), marshaling_algorithm="jws")["data"]["signature"]
    raw = base64.urlsafe_b64decode(made.removeprefix("vault:v1:") + "==")
    assert len(raw) == 64
    numbers = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    load_pem_public_key(public_key(transit, "web").encode()).verify(numbers, b"hello", ec.ECDSA(hashes.SHA256()))
    transit.create_key("rsa", key_type="rsa-3072")
    key = load_pem_public_key(public_key(transit, "rsa").encode())
    assert key.key_size == 3072
    digest = hashlib.sha512(b"hello").digest()
    for more, pad in (({"signature_algorithm": "pkcs1v15"}, padding.PKCS1v15()),
                      ({"salt_length": "hash"}, padding.PSS(padding.MGF1(hashes.SHA512()), 64)),
                      ({"salt_length": "20"}, padding.PSS(padding.MGF1(hashes.SHA512()), 20))):
        for path, body in (("transit/sign/rsa/sha2-512", {"input": b64(b"hello")}),
                           ("transit/sign/rsa", {"input": b64(digest), "prehashed": True, "hash_algorithm": "sha2-512"})):
            status, said = told(gateway, "POST", path, body | more)
            assert status == 200, said
            key.verify(base64.b64decode(said["data"]["signature"].removeprefix("vault:v1:")), b"hello", pad, hashes.SHA512())


def test_hmacs_are_those_of_the_exported_key(gateway, transit):
    made = told(gateway, "POST", "transit/keys/mac", {"type": "hmac", "key_size": 64, "exportable": True})  # hvac knows none
    assert made[0] == 200 and made[1]["data"]["key_size"] == 64
    key = base64.b64decode(transit.export_key("mac", "hmac-key")["data"]["keys"]["1"])
    assert len(key) == 64
    for name, other in (("sha2-224", "sha224"), ("sha2-256", "sha256"), ("sha2-384", "sha384")):
        made = transit.generate_hmac("mac", b64(b"hello"), algorithm=name)["data"]["hmac"]
        assert base64.b64decode(made.removeprefix("vault:v1:")) == hmac.digest(key, b"hello", other)
        valid = [transit.verify_signed_data(name="mac", hash_input=b64(text), hmac=made, hash_algorithm=name)["data"]["valid"]
                 for text in (b"hello", b"other")]
        assert valid == [True, False]
    with pytest.raises(hvac.exceptions.InvalidRequest, match="not supported for key type hmac"):
        encrypted(transit, "mac", b"x")


def test_an_exported_key_opens_what_was_sealed(gateway, transit):
    for kind, cipher in (("aes128-gcm96", AESGCM), ("aes256-gcm96", AESGCM), ("chacha20-poly1305", ChaCha20Poly1305)):
        assert told(gateway, "POST", "transit/keys/" + kind, {"type": kind, "exportable": True})[0] == 200
        sealed = base64.b64decode(encrypted(transit, kind, b"hello").removeprefix("vault:v1:"))
        key = base64.b64decode(transit.export_key(kind, "encryption-key", "1")["data"]["keys"]["1"])
        assert cipher(key).decrypt(sealed[:12], sealed[12:], None) == b"hello"
    transit.create_key("derived", derived=True, exportable=True)
    context = b64(b"tenant 7")
    sealed = base64.b64decode(encrypted(transit, "derived", b"hello", context=context).removeprefix("vault:v1:"))
    key = base64.b64decode(transit.export_key("derived", "encryption-key")["data"]["keys"]["1"])
    own = HKDF(hashes.SHA256(), 32, None, b"tenant 7").derive(key)
    assert AESGCM(own).decrypt(sealed[:12], sealed[12:], None) == b"hello"
    transit.create_key("rsa", key_type="rsa-2048", exportable=True)
    sealed = base64.b64decode(encrypted(transit, "rsa", b"hello").removeprefix("vault:v1:"))
    key = load_pem_private_key(transit.export_key("rsa", "encryption-key")["data"]["keys"]["1"].encode(), None)
    assert key.decrypt(sealed, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)) == b"hello"
    theirs = key.public_key().encrypt(b"from outside", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    assert decrypted(transit, "rsa", "vault:v1:" + b64(theirs)) == b"from outside"


def test_only_what_was_made_exportable_is_exported(gateway, transit):
    transit.create_key("mine", key_type="ed25519")
    for kind in ("signing-key", "hmac-key"):
        with pytest.raises(hvac.exceptions.InvalidRequest, match="not exportable"):
            transit.export_key("mine", kind)
    assert told(gateway, "GET", "transit/export/public-key/mine")[1]["data"]["keys"] == {"1": public_key(transit, "mine")}
    transit.update_key_configuration("mine", exportable=True)
    transit.rotate_key("mine")
    keys = transit.export_key("mine", "signing-key")["data"]["keys"]
    assert set(keys) == {"1", "2"} and base64.b64decode(keys["1"])[32:] == base64.b64decode(public_key(transit, "mine"))
    assert set(told(gateway, "GET", "transit/export/signing-key/mine/latest")[1]["data"]["keys"]) == {"2"}
    assert transit.update_key_configuration("mine", exportable=False)["data"]["exportable"] is True
    for path, said in (("encryption-key/mine", "encryption not supported"), ("other/mine", "invalid export type"),
                       ("signing-key/mine/3", "version does not exist")):
        status, body = told(gateway, "GET", "transit/export/" + path)
        assert status == 400 and said in body["errors"][0]
    assert told(gateway, "GET", "transit/export/signing-key/none") == (404, {"errors": []})


def test_derived_keys_sign_each_for_its_context(gateway, transit):
    transit.create_key("each", key_type="ed25519", derived=True)
    context = b64(b"a")
    made = transit.sign_data(name="each", hash_input=b64(b"x"), context=context)["data"]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(made["public_key"])).verify(
        base64.b64decode(made["signature"].removeprefix("vault:v1:")), b"x")
    shown = told(gateway, "GET", "transit/keys/each?context=" + context.replace("=", "%3D"))[1]["data"]["keys"]["1"]
    assert shown["public_key"] == made["public_key"] and public_key(transit, "each") == ""
    with pytest.raises(hvac.exceptions.InvalidRequest, match="missing 'context'"):
        transit.sign_data(name="each", hash_input=b64(b"x"))


# --- many at once, data keys, tools ---

def test_batches_tell_what_became_of_each(gateway, transit):
    transit.create_key("a")
    items = [{"plaintext": b64(bytes([i])), "reference": str(i)} for i in range(200)]
    status, said = told(gateway, "POST", "transit/encrypt/a", {"batch_input": items})
    sealed = said["data"]["batch_results"]
    assert status == 200 and [each["reference"] for each in sealed] == [str(i) for i in range(200)]
    opened = told(gateway, "POST", "transit/decrypt/a", {"batch_input": [{"ciphertext": each["ciphertext"]} for each in sealed]})
    assert [each["plaintext"] for each in opened[1]["data"]["batch_results"]] == [each["plaintext"] for each in items]
    bad = {"batch_input": [{"ciphertext": sealed[0]["ciphertext"]}, {"ciphertext": "vault:v1:AAAA"}]}
    status, said = told(gateway, "POST", "transit/decrypt/a", bad)
    assert status == 400 and "error" not in said["data"]["batch_results"][0]
    assert "authentication failed" in said["data"]["batch_results"][1]["error"]
    assert told(gateway, "POST", "transit/decrypt/a", bad | {"partial_failure_response_code": 207})[0] == 207
    for body, error in (({"batch_input": []}, "missing batch input"), ({"batch_input": [{}] * 1001}, "more than 1000"),
                        ({}, "missing ciphertext"), ({"ciphertext": "AAAA"}, "no prefix"), ({"nonce": "AAAA"}, "convergent")):
        status, said = told(gateway, "POST", "transit/decrypt/a", body)
        assert status == 400 and error in said["errors"][0], (body, said)


def test_data_keys_are_made_for_the_caller(transit):
    transit.create_key("a")
    made = transit.generate_data_key("a", "plaintext")["data"]
    assert decrypted(transit, "a", made["ciphertext"]) == base64.b64decode(made["plaintext"])
    wrapped = transit.generate_data_key("a", "wrapped", bits=512)["data"]
    assert "plaintext" not in wrapped and len(decrypted(transit, "a", wrapped["ciphertext"])) == 64
    with pytest.raises(hvac.exceptions.ParamValidationError):
        transit.generate_data_key("a", "wrapped", bits=64)


def test_tools_hash_and_roll_the_dice(gateway, transit):
    assert len(base64.b64decode(transit.generate_random_bytes(48)["data"]["random_bytes"])) == 48
    assert transit.hash_data(b64(b"abc"), algorithm="sha2-512")["data"]["sum"] == hashlib.sha512(b"abc").hexdigest()
    for place in ("transit", "sys/tools"):
        drawn = {told(gateway, "POST", f"{place}/random/16", {"format": "hex"})[1]["data"]["random_bytes"] for _ in range(3)}
        assert len(drawn) == 3 and {len(each) for each in drawn} == {32}
        said = told(gateway, "POST", f"{place}/hash/sha3-384", {"input": b64(b"abc"), "format": "base64"})[1]["data"]["sum"]
        assert base64.b64decode(said) == hashlib.sha3_384(b"abc").digest()
        for path, body in (("random", {"bytes": 0}), ("random", {"bytes": 131073}), ("random/x", {}), ("random", {"format": "octal"}),
                           ("hash/md5", {"input": ""}), ("hash", {"input": "!"})):
            assert told(gateway, "POST", f"{place}/{path}", body)[0] == 400, (place, path)


# --- what is refused, and who may ---

def test_what_is_not_there_is_refused_in_plain_words(gateway, transit):
    for body, error in (({"convergent_encryption": True, "derived": True}, "convergent"), ({"type": "des"}, "unknown key type des"),
                        ({"allow_plaintext_backup": True}, "backup"), ({"auto_rotate_period": "5m"}, "at least an hour"),
                        ({"key_size": 32}, "key_size is not valid"), ({"more": 1}, "not taken here")):
        status, said = told(gateway, "POST", "transit/keys/a", body)
        assert status == 400 and error in said["errors"][0], (body, said)
    for name in ("-a", "a-", "a%20b", "a" * 129):
        assert told(gateway, "POST", "transit/keys/" + name, {})[0] == 400, name
        assert told(gateway, "POST", "transit/encrypt/" + name, {"plaintext": ""})[0] == 400, name
    assert told(gateway, "GET", "transit/keys/a") == (404, {"errors": []})
    for path, body, error in (("sign/a", {"input": ""}, "signing key not found"), ("hmac/a", {"input": ""}, "not found"),
                              ("keys/a/rotate", {}, "key not found"), ("keys/a/config", {}, "no existing key"),
                              ("keys/a/trim", {"min_available_version": 1}, "invalid key name"),
                              ("verify/a", {"input": ""}, "neither a 'signature' nor an 'hmac'")):
        status, said = told(gateway, "POST", "transit/" + path, body)
        assert status == 400 and error in said["errors"][0], (path, said)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="could not delete key; not found"):
        transit.delete_key("a")


def test_permissions_say_who_uses_and_who_makes_keys(gateway, transit):
    transit.create_key("a", exportable=True)
    sealed = encrypted(transit, "a", b"x")
    asked = (("GET", "transit/keys/a", None), ("LIST", "transit/keys", None), ("POST", "transit/decrypt/a", {"ciphertext": sealed}),
             ("POST", "transit/encrypt/a", {"plaintext": ""}), ("POST", "transit/hmac/a", {"input": ""}),
             ("POST", "transit/keys/a/rotate", {}), ("POST", "transit/keys/b", {}), ("POST", "transit/encrypt/c", {"plaintext": ""}),
             ("GET", "transit/export/encryption-key/a", None), ("POST", "transit/random", {}), ("POST", "sys/tools/hash", {"input": ""}))
    may = {name: [told(gateway, method, path, body, KEYS[name])[0] == 200 for method, path, body in asked]
           for name in ("user", "reader", "writer", "admin")}
    assert may["user"] == [False] * len(asked)
    assert may["reader"] == [True] * 5 + [False] * 4 + [True] * 2
    assert may["writer"] == [False] * 5 + [True] * 3 + [False] + [True] * 2
    assert may["admin"] == [True] * len(asked)
    # What is not there yet is nobody's, whatever it will be.
    paths = ["transit/decrypt/a", "transit/restore/a", "transit/backup/a", "transit/config/keys", "transit/keys", "transit/decryptor"]
    said = told(gateway, "POST", "sys/capabilities-self", {"paths": paths}, KEYS["reader"])[1]["data"]
    assert [said[path] for path in paths] == [["update"], *[["deny"]] * 5]


def test_policies_judge_each_path(gateway, start):
    admin = client(gateway)
    admin.sys.create_or_update_policy("app", """
        path "transit/encrypt/app"      { capabilities = ["update"] }
        path "transit/encrypt/new-*"    { capabilities = ["create"] }
        path "transit/decrypt/app"      { capabilities = ["update"] }
        path "transit/keys/app"         { capabilities = ["read"] }
        path "transit/keys/app/rotate"  { capabilities = ["update"] }
        path "transit/sign/+/sha2-512"  { capabilities = ["update"] }
        path "transit/datakey/wrapped/app" { capabilities = ["update"] }
    """)
    made = run("key", "create", "app", "--scope", "policy:app", "--config", gateway.config_file)
    token = made.stdout.split()[-1]
    admin.secrets.transit.create_key("app")
    admin.secrets.transit.create_key("signer", key_type="ed25519")
    sealed = encrypted(client(gateway, token).secrets.transit, "app", b"x")
    for path, body, status in (
            ("decrypt/app", {"ciphertext": sealed}, 200), ("rewrap/app", {"ciphertext": sealed}, 403),
            ("encrypt/other", {"plaintext": ""}, 403), ("encrypt/new-1", {"plaintext": ""}, 200),
            ("encrypt/new-1", {"plaintext": ""}, 403), ("keys/app/rotate", {}, 200), ("keys/app/config", {}, 403),
            ("keys/app", {}, 403), ("sign/signer/sha2-512", {"input": ""}, 200), ("sign/signer", {"input": ""}, 403),
            ("sign/signer/sha2-256", {"input": ""}, 403), ("datakey/wrapped/app", {}, 200), ("datakey/plaintext/app", {}, 403),
            ("random", {}, 403)):
        assert told(gateway, "POST", "transit/" + path, body, token)[0] == status, path
    assert told(gateway, "GET", "transit/keys/app", token=token)[0] == 200
    assert told(gateway, "LIST", "transit/keys", token=token)[0] == 403
    assert told(gateway, "POST", "transit/encrypt/app%2Fx", {"plaintext": ""}, token)[0] in (400, 403)
    assert admin.secrets.transit.list_keys()["data"]["keys"] == ["app", "new-1", "signer"]


def test_what_was_done_is_in_the_audit_log_and_no_key_is(gateway, transit):
    transit.create_key("a", exportable=True)
    key = transit.export_key("a", "encryption-key")["data"]["keys"]["1"]
    sealed = encrypted(transit, "a", b"the engine weaves")
    decrypted(transit, "a", sealed)
    transit.rotate_key("a")
    transit.update_key_configuration("a", deletion_allowed=True)
    transit.delete_key("a")
    database = gateway.directory / "data" / "gatehouse.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        records = [json.loads(row[0]) for row in connection.execute("SELECT record FROM audit_records ORDER BY id")]
    acts = [record["action"] for record in records if record["action"].startswith("transit.")]
    assert acts == ["transit.create", "transit.export", "transit.encrypt", "transit.decrypt", "transit.rotate",
                    "transit.configure", "transit.delete"]
    for path in (gateway.directory / "data").rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert key.encode() not in held and base64.b64decode(key) not in held and b64(b"the engine weaves").encode() not in held
    assert key not in gateway.stderr_file.read_text() + gateway.stdout_file.read_text()


def test_node_vault_encrypts_and_decrypts(gateway):
    node_clients()
    given = {"url": f"http://localhost:{gateway.port('plain')}", "token": KEYS["admin"], "weak": KEYS["user"]}
    done = subprocess.run(["node", str(CLIENTS / "transit.mjs"), json.dumps(given)], env={"PATH": os.environ["PATH"]},
                          capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
