"""An agent as a program of somebody's is one: it has a key, comes with a one-time token, and beats."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.control import Control


class Agent:
    """What an operator has announced, and the one-time token it is given."""

    def __init__(self, gateway, announced):
        self.gateway, self.id, self.token = gateway, announced["id"], announced["enrolment_token"]
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.access = self.refresh_token = None

    def request(self):
        """A request to be certified, which proves the key."""
        return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(
            self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def enrol(self, token=None, csr=None, **more):
        response = Control(self.gateway).ask("POST", "/api/v1/agents/enrol", {
            "token": token or self.token, "csr": csr or self.request(), **more})
        if response.status == 201:
            self.certificate = x509.load_pem_x509_certificate(response.json()["certificate"].encode())
            self.take(response.json()["tokens"])
        return response

    def take(self, tokens):
        self.access, self.refresh_token = tokens["access_token"], tokens["refresh_token"]

    def refresh(self, text=None):
        response = Control(self.gateway).ask("POST", "/api/v1/agents/refresh", {"refresh_token": text or self.refresh_token})
        if response.status == 200:
            self.take(response.json())
        return response

    def ask(self, method, path, body=None, gateway=None):
        return Control(gateway or self.gateway, token=self.access).ask(method, path, body)

    def beat(self, status="online", of=None, gateway=None):
        return self.ask("POST", f"/api/v1/agents/{of or self.id}/heartbeat", {"status": status}, gateway)

    def report(self, kind="port.scan", severity="low", **more):
        return self.ask("POST", "/api/v1/threats", {"type": kind, "severity": severity, **more})


def announce(operator, hostname, **more):
    """The agent that was announced, which has not come yet."""
    response = operator.ask("POST", "/api/v1/agents", {"hostname": hostname, **more})
    assert response.status == 201, response
    return Agent(operator.gateway, response.json())


def online(operator, hostname, **more):
    agent = announce(operator, hostname, **more)
    response = agent.enrol()
    assert response.status == 201, response
    return agent
