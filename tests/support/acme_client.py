"""A client of the ACME server whose every request a test has in its hands."""

import base64
import hashlib
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from support.wait import until


def encoded(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def request_for(*names):
    """A PKCS #10 request by a new key, DER."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class AcmeClient:
    """One account. `url` is what requests are signed for, whichever node they go to; paths stand for URLs below it."""

    def __init__(self, url):
        self.url, self.account = url, None
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": encoded(numbers.x.to_bytes(32, "big")),
                "y": encoded(numbers.y.to_bytes(32, "big"))}

    def thumbprint(self):
        text = json.dumps(self.jwk(), sort_keys=True, separators=(",", ":"))
        return encoded(hashlib.sha256(text.encode()).digest())

    def signed(self, path, payload, nonce):
        header = {"alg": "ES256", "nonce": nonce, "url": self.url + path}
        header |= {"kid": self.account} if self.account else {"jwk": self.jwk()}
        protected = encoded(json.dumps(header).encode())
        payload = "" if payload is None else encoded(json.dumps(payload).encode())
        r, s = utils.decode_dss_signature(self.key.sign(f"{protected}.{payload}".encode(), ec.ECDSA(hashes.SHA256())))
        signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return json.dumps({"protected": protected, "payload": payload, "signature": signature}).encode()

    @staticmethod
    def nonce(node):
        return node.get("/acme/new-nonce").get("Replay-Nonce")

    def send(self, node, path, payload=None, nonce=None):
        """`payload` None: asks for what is there."""
        body = self.signed(path, payload, nonce or self.nonce(node))
        return node.request("POST", path, [("Content-Type", "application/jose+json")], body)

    def path_of(self, answer):
        return answer.get("Location").removeprefix(self.url)

    def register(self, node):
        answer = self.send(node, "/acme/new-account", {"termsOfServiceAgreed": True})
        assert answer.status == 201, answer
        self.account = answer.get("Location")

    def order(self, node, *names):
        answer = self.send(node, "/acme/new-order", {"identifiers": [{"type": "dns", "value": name} for name in names]})
        assert answer.status == 201, answer
        return self.path_of(answer)

    def show(self, node, path):
        return json.loads(self.send(node, path).body)

    def challenges(self, node, order):
        """(path, record's name, record) of each dns-01."""
        for url in self.show(node, order)["authorizations"]:
            authorization = self.show(node, url.removeprefix(self.url))
            challenge = next(each for each in authorization["challenges"] if each["type"] == "dns-01")
            proof = f"{challenge['token']}.{self.thumbprint()}".encode()
            yield (challenge["url"].removeprefix(self.url), "_acme-challenge." + authorization["identifier"]["value"],
                   encoded(hashlib.sha256(proof).digest()))

    def ready_order(self, node, names, *wanted):
        """`names` is the name server, which is given the records."""
        order = self.order(node, *wanted)
        for path, name, record in self.challenges(node, order):
            names.texts[name] = [record]
            assert self.send(node, path, {}).status == 200
        until(lambda: self.show(node, order)["status"] == "ready", "the order to be ready")
        return order

    def finalize(self, node, order, csr, nonce=None):
        return self.send(node, order + "/finalize", {"csr": encoded(csr)}, nonce)
