"""Tokens by hand: every part can be right or wrong on purpose. HMAC by the standard library, the rest by cryptography."""

import base64
import hashlib
import hmac
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_HASHES = {"256": (hashes.SHA256, hashlib.sha256), "384": (hashes.SHA384, hashlib.sha384),
           "512": (hashes.SHA512, hashlib.sha512)}
_CURVES = {"ES256": (ec.SECP256R1, "P-256", 32), "ES384": (ec.SECP384R1, "P-384", 48),
           "ES512": (ec.SECP521R1, "P-521", 66)}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_secret():
    """64 hexadecimal digits nobody has seen before: patterns are refused as secrets."""
    return secrets.token_hex(32)


def claims(**changes):
    """Good claims for an hour; None removes one."""
    now = int(time.time())
    base = {"iss": "https://idp.test", "aud": "api", "sub": "alice", "roles": ["user"], "iat": now, "exp": now + 3600}
    base.update(changes)
    return {name: value for name, value in base.items() if value is not None}


class Key:
    """A signing key with its algorithm and key id."""

    def __init__(self, algorithm, kid="k1", secret=None):
        self.algorithm, self.kid, self.secret = algorithm, kid, secret
        if algorithm.startswith("HS"):
            self.private = None
        elif algorithm in _CURVES:
            self.private = ec.generate_private_key(_CURVES[algorithm][0]())
        elif algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(self, message):
        kind = self.algorithm
        if kind.startswith("HS"):
            return hmac.new(self.secret.encode(), message, _HASHES[kind[2:]][1]).digest()
        if kind == "EdDSA":
            return self.private.sign(message)
        digest = _HASHES[kind[2:]][0]()
        if kind in _CURVES:
            r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(digest)))
            size = _CURVES[kind][2]
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if kind.startswith("PS"):
            scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
        else:
            scheme = padding.PKCS1v15()
        return self.private.sign(message, scheme, digest)

    def token(self, body=None, header=None):
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid}
        head.update(header or {})
        head = {name: value for name, value in head.items() if value is not None}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims() if body is None else body).encode())}"
        return f"{signed}.{b64(self.sign(signed.encode()))}"

    def public_pem(self):
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self):
        public = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        if self.algorithm == "EdDSA":
            raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return public | {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
        numbers = self.private.public_key().public_numbers()
        if self.algorithm in _CURVES:
            _, name, size = _CURVES[self.algorithm]
            return public | {"kty": "EC", "crv": name, "x": b64(numbers.x.to_bytes(size, "big")),
                             "y": b64(numbers.y.to_bytes(size, "big"))}
        return public | {"kty": "RSA", "n": b64(numbers.n.to_bytes(256, "big")), "e": b64(b"\x01\x00\x01")}


def unsigned(body=None, algorithm="none", signature=b""):
    """A token that claims no signature, in any spelling of `none`."""
    head = b64(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    return f"{head}.{b64(json.dumps(body or claims()).encode())}.{b64(signature)}"


def key_set(*keys):
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()
