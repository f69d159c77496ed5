"""A P-256 key and requests to be certified (PKCS #10): by `cryptography` where it is installed, else by the program openssl."""

from __future__ import annotations

import subprocess
from typing import Sequence

from .errors import ConfigurationError

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False


def make_key() -> str:
    """A new key: PKCS #8, PEM, not encrypted."""
    if not HAS_CRYPTOGRAPHY:
        return _openssl(("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def make_request(key_pem: str) -> str:
    """PKCS #10, PEM. It names nobody: who it is for is the house's to say."""
    if not HAS_CRYPTOGRAPHY:
        return _openssl(("req", "-new", "-sha256", "-subj", "/", "-key", "/dev/stdin"), key_pem)
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError("the agent's key is no elliptic-curve key")
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _openssl(arguments: Sequence[str], stdin: str = "") -> str:
    """The key goes through pipes, never through a file of its own or a command line."""
    try:
        done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        raise ConfigurationError("to make a key, install `cryptography` or the program openssl") from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError("openssl did not answer within 30 s") from None
    if done.returncode != 0:
        raise ConfigurationError(f"openssl {arguments[0]}: {done.stderr.strip()[-200:]}")
    return done.stdout
