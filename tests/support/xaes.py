"""What is sealed here, opened by somebody else: XAES-256-GCM (C2SP) and the seal as docs/formats/sealed.md has them, over Debian's
python3-cryptography."""

import base64
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def xaes_open(key, sealed, associated):
    """None: not with this key."""
    nonce, rest = sealed[:24], sealed[24:]

    def block(octets):
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return encryptor.update(octets) + encryptor.finalize()
    first = int.from_bytes(block(bytes(16)), "big")
    doubled = (first << 1 & (1 << 128) - 1) ^ (0x87 if first >> 127 else 0)

    def half(number):
        message = bytes([0, number]) + b"X\0" + nonce[:12]
        return block((int.from_bytes(message, "big") ^ doubled).to_bytes(16, "big"))
    try:
        return AESGCM(half(1) + half(2)).decrypt(nonce[12:], rest, associated)
    except InvalidTag:
        return None


def derived(master, purpose):
    return HKDF(hashes.SHA256(), 32, None, b"gatehouse vault 1 " + purpose.encode()).derive(master)


def master_of(keys):
    """Of a folder keys/ with a key of its own."""
    seal = json.loads((keys / "seal.json").read_text())
    mine = next(each for each in seal["recipients"] if each["kind"] == "key")
    return xaes_open(base64.b64decode((keys / "master.key").read_text()), base64.b64decode(mine["sealed"]), b"gatehouse seal 1 3:key")


def value_open(key, sealed, kind, path, version):
    """A value of the barrier's."""
    place = sealed[:5] + len(kind).to_bytes(4, "big") + kind.encode() + len(path).to_bytes(4, "big") + path.encode()
    return xaes_open(key, sealed[5:], place + version.to_bytes(8, "big"))
