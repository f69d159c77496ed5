"""Our own listeners with certificates of a CA: Pebble's, and those of another house."""

import json
import socket
import ssl
import threading

import pytest
from cryptography import x509

from support import pebble as pebbles
from support.gateway import Gatehouse, basic_config, run, write_config
from support.ports import free_port
from support.wait import pass_time, until

pytestmark = pytest.mark.skipif(not pebbles.INSTALLED, reason="Pebble is not installed (tools/setup test)")

NAMES = ["a.test", "www.a.test"]


@pytest.fixture
def make_pebble(tmp_path):
    made = []

    def make(**options):
        made.append(pebbles.Pebble(tmp_path / f"pebble{len(made)}", **options))
        return made[-1]
    yield make
    for each in made:
        each.close()


class Ports:
    """Of a gateway that is not there yet, and of the CA that will look at it."""

    def __init__(self):
        self.public, self.plain = free_port(), free_port()


def client_config(folder, ports, upstream, pebble=None, workers=2, **client):
    config = basic_config(folder, [upstream], workers=workers, tls={"certificate": "acme", "client_certificate": "none"})
    public = next(each for each in config["listeners"] if each["name"] == "public")
    public["bind"] = f"127.0.0.1:{ports.public}"
    plain = next(each for each in config["listeners"] if each["name"] == "plain")
    plain["bind"] = f"127.0.0.1:{ports.plain}"
    del plain["serve"]
    plain["redirect_to"] = "public"
    settings = {"domains": NAMES} | client
    if pebble:
        settings = {"directory": pebble.directory, "ca_file": str(pebble.ca_file)} | settings
    config["pki"] = {"acme_client": settings}
    return config


def served(gateway, name="a.test", port=None):
    """The chain's leaf that the public listener shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port or gateway.port("public")), 5) as plain, \
            context.wrap_socket(plain, server_hostname=name) as stream:
        return x509.load_der_x509_certificate(stream.getpeercert(binary_form=True))


def issuer(certificate):
    return certificate.issuer.rfc4514_string()


def by_pebble(gateway):
    return "Pebble" in issuer(served(gateway))


def ready(gateway):
    answer = gateway.get("/health/ready", listener="admin")
    return answer.status, json.loads(answer.body)["checks"]["certificate"]


def state(gateway):
    return next((name for name in ("valid", "cached", "internal") if gateway.metric("gatehouse_acme_client_state", state=name)), None)


def trusted_get(gateway, root, name="a.test"):
    """A request of a client that believes this root alone."""
    context = ssl.create_default_context(cafile=str(root))
    with socket.create_connection(("127.0.0.1", gateway.port("public")), 5) as plain, \
            context.wrap_socket(plain, server_hostname=name) as stream:
        stream.sendall(f"GET /there HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return stream.recv(15)


def told(gateway, text):
    return [line for line in gateway.log() if text in line.get("message", "")]


NO_ANSWER, REFUSED, CAME = "the CA could not be asked", "the CA gave no certificate", "the CA gave a certificate"


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01", "any"])
def test_a_first_start_ends_with_a_certificate_of_the_ca(start, tmp_path, upstream, make_pebble, challenge):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public, nonces_refused=30)
    gateway = start(client_config(tmp_path / "gateway0", ports, upstream, pebble, challenge=challenge, contacts=["ops@example.com"]))
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=30)
    leaf = served(gateway)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert sorted(names) == NAMES
    for _ in range(4):  # whichever worker it is
        assert trusted_get(gateway, pebble.root(), "www.a.test").startswith(b"HTTP/1.1 200")
    until(lambda: state(gateway) == "valid", "the metric")
    assert ready(gateway) == (200, {"status": "healthy", "served": "valid"})
    assert gateway.metric("gatehouse_acme_client_not_after_seconds") == pytest.approx(leaf.not_valid_after.timestamp(), abs=86400)
    assert gateway.metric("gatehouse_acme_client_issued_total") == 1
    assert gateway.metric("gatehouse_acme_client_failures_total") == 0
    assert gateway.metric("gatehouse_acme_client_last_success_seconds") > 0
    assert len(told(gateway, CAME)) == 1
    # What was shown to the CA is gone, and the rest of that path is as ever.
    assert gateway.get("/.well-known/acme-challenge/x", host="a.test").status == 301
    with pytest.raises(ssl.SSLError):
        proof_handshake(gateway, "a.test")
    # Sealed: no key lies open in the data directory.
    kept = [path for path in (tmp_path / "gateway0" / "data" / "keys").iterdir() if path.name.startswith("acme-")]
    assert len(kept) == 2 and not any(b"PRIVATE KEY" in path.read_bytes() for path in kept)


def proof_handshake(gateway, name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    with socket.create_connection(("127.0.0.1", gateway.port("public")), 5) as plain, \
            context.wrap_socket(plain, server_hostname=name) as stream:
        return stream.recv(1)
