"""What a run works with: bodies, a certificate, a secret and tokens, all made anew."""

import base64
import hashlib
import hmac
import json
import pathlib
import random
import secrets
import subprocess
import time

ISSUER = "gateway-bench"
LARGE_BYTES = 1024 * 1024
TOKENS = 256
NEW_TOKENS = 20_000  # more than any cache of checked tokens holds


def _part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(secret, algorithm="HS256", **changes):
    """A JWT for an hour (RFC 7519)."""
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "bench", "roles": ["user"], "iat": now, "exp": now + 3600} | changes
    signed = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(claims)}"
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest() if algorithm == "HS256" else b""
    return f"{signed}.{_part(mac)}"


class Material:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.secret = secrets.token_hex(32)
        self.small = self._write("small.json", json.dumps(
            {"id": 4711, "status": "done", "model": "bench", "answer": "x" * 96, "tokens": {"in": 12, "out": 34}}).encode())
        self.large = self._write("large.bin", random.Random(1).randbytes(LARGE_BYTES))
        self.tokens = self._tokens("tokens", TOKENS)
        self.new_tokens = self._tokens("new_tokens", NEW_TOKENS)
        self.certificate, self.key = self.directory / "certificate.pem", self.directory / "key.pem"
        self._make_certificate()
        self.certificate_and_key = self._write("both.pem", self.certificate.read_bytes() + self.key.read_bytes())

    @property
    def answers(self):
        return {"/small": self.small, "/large": self.large}

    def _write(self, name, content):
        path = self.directory / name
        path.write_bytes(content)
        return path

    def _tokens(self, name, count):
        return self._write(name, "\n".join(token(self.secret, sub=f"client-{number}", jti=secrets.token_hex(8))
                                           for number in range(count)).encode())

    def _make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True, timeout=30)
