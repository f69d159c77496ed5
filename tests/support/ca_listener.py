"""A gateway whose public listener has its certificate from a CA, and what that listener shows."""

import json
import socket
import ssl

from cryptography import x509

from support.gateway import basic_config
from support.ports import free_port

NAMES = ["a.test", "www.a.test"]


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
