"""Reads a store file as docs/formats/store-file.md says, with the library of others and none of our code."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def xaes_open(key, sealed, associated):
    """https://c2sp.org/XAES-256-GCM"""
    def aes(block):
        one = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return one.update(block) + one.finalize()
    first = int.from_bytes(aes(bytes(16)), "big")
    mask = ((first << 1) & (2**128 - 1)) ^ (0x87 if first >> 127 else 0)
    nonce = sealed[:24]
    derived = b"".join(
        aes((int.from_bytes(bytes([0, i]) + b"X\0" + nonce[:12], "big") ^ mask).to_bytes(16, "big")) for i in (1, 2))
    return AESGCM(derived).decrypt(nonce[12:], sealed[24:], associated)


def derived_key(master, info):
    return HKDF(hashes.SHA256(), 32, None, info.encode()).derive(master)


def recipient(store, kind):
    return next(each for each in store["recipients"] if each["kind"] == kind)


def master_key(one, key):
    """@param key  of the recipient: what its blob or its recovery key stands for"""
    associated = "gatehouse seal 1"
    for text in (one["kind"], *(part for pair in one["parameters"].items() for part in pair)):
        associated += f" {len(text)}:{text}"
    return xaes_open(key, base64.b64decode(one["sealed"]), associated.encode())


def secrets(store, master):
    """Path -> fields."""
    found = {}
    for each in store["secrets"]:
        sealed = base64.b64decode(each["sealed"])
        path, kind = each["path"].encode(), b"stored secret"
        associated = (sealed[:5] + len(kind).to_bytes(4, "big") + kind + len(path).to_bytes(4, "big") + path + bytes(8))
        found[each["path"]] = json.loads(xaes_open(derived_key(master, "gatehouse store 1 secrets"), sealed[5:], associated))
    return found


def proof(text, master):
    """Of the file's text without its proof."""
    begin = text.rindex(b'"proof":"') + len(b'"proof":"')
    proved = text[:begin] + b'"}\n'
    return base64.b64encode(hmac.new(derived_key(master, "gatehouse store 1 proof"), proved, hashlib.sha256).digest())
