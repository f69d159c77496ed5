"""Tokens that only one sender may use: of a key (DPoP, RFC 9449), of a client certificate (RFC 8705)."""

import hashlib
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from support import jwt
from support.gateway import Gatehouse, basic_config
from support.upstream import Upstream

IDP = jwt.Key("ES256", kid="idp")
ROUTES = [{"match": {"path_prefix": "/"}, "upstream": "backend", "access": "authenticated"}]


@pytest.fixture(scope="module")
def house(tmp_path_factory, tls_files, authority):
    directory = tmp_path_factory.mktemp("bound")
    (directory / "jwks.json").write_bytes(jwt.key_set(IDP))
    backend = Upstream()
    config = basic_config(directory, [backend], ROUTES, workers=2,
                          tls=tls_files | {"client_certificate": "optional", "client_ca_file": str(authority.certificate)},
                          auth={"trusted_issuers": [{"issuer": "https://idp.test", "audience": "api",
                                                     "jwks_file": str(directory / "jwks.json")}]})
    gateway = Gatehouse(directory, config)
    yield gateway, backend
    gateway.close()
    backend.stop()


class Client:
    """A sender with a key of its own."""

    def __init__(self, algorithm="ES256"):
        self.key = jwt.Key(algorithm)
        public = self.key.jwk()
        self.jwk = {name: value for name, value in public.items() if name in ("kty", "crv", "x", "y", "n", "e")}
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        self.thumbprint = jwt.b64(hashlib.sha256(text.encode()).digest())

    def token(self, **changes):
        return IDP.token(jwt.claims(cnf={"jkt": self.thumbprint}, **changes))

    def proof(self, token, uri, method="GET", **changes):
        said = {"jti": str(uuid.uuid4()), "htm": method, "htu": uri, "iat": int(time.time()),
                "ath": jwt.b64(hashlib.sha256(token.encode()).digest())} | changes
        return self.key.token(said, {"typ": "dpop+jwt", "jwk": self.jwk, "kid": None})


def fields(token, *proofs, scheme="DPoP"):
    return [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]


def uri(gateway, path="/x", scheme="http", listener="plain"):
    return f"{scheme}://localhost:{gateway.port(listener)}{path}"


def ask(gateway, given, path="/x", **options):
    return gateway.get(path, given, host=f"localhost:{gateway.port(options.get('listener', 'plain'))}", **options)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS256", "ES384"])
def test_a_token_of_a_key_comes_in_with_its_proof(house, algorithm):
    gateway, backend = house
    client = Client(algorithm)
    token = client.token()
    for path in ("/x", "/x?q=1", "/%78"):
        response = ask(gateway, fields(token, client.proof(token, uri(gateway, path))), path)
        assert response.status == 200, response.body
    assert backend.requests[-1].get("x-gatehouse-subject") == "alice"


def test_over_tls_the_proof_is_for_https(house, authority):
    gateway, _ = house
    client = Client()
    token = client.token()
    options = {"listener": "public", "tls": authority.client_context()}
    for scheme, status in (("https", 200), ("http", 401)):
        proof = client.proof(token, uri(gateway, scheme=scheme, listener="public"))
        assert ask(gateway, fields(token, proof), **options).status == status


def test_every_other_way_is_refused_and_dpop_says_why(house):
    gateway, backend = house
    client, thief = Client(), Client()
    token, plain = client.token(), IDP.token()
    here = uri(gateway)

    def good(**changes):
        return client.proof(token, here, **changes)
    taken = good()
    assert ask(gateway, fields(token, taken)).status == 200
    before = len(backend.requests)
    cases = [
        (fields(token, taken), "invalid_dpop_proof"),  # shown before
        (fields(token), "invalid_dpop_proof"),
        (fields(token, good(), good()), "invalid_dpop_proof"),
        (fields(token, good(htm="POST")), "invalid_dpop_proof"),
        (fields(token, good(htu=uri(gateway, "/y"))), "invalid_dpop_proof"),
        (fields(token, good(iat=int(time.time()) - 300)), "invalid_dpop_proof"),
        (fields(token, good(ath="x")), "invalid_dpop_proof"),
        (fields(token, thief.proof(token, here)), "invalid_dpop_proof"),
        (fields(plain, client.proof(plain, here)), "invalid_token"),  # anybody's: DPoP says nothing of it
        (fields(client.token(exp=int(time.time()) - 1), good()), "invalid_token"),
        (fields(token, scheme="Bearer"), None),
        (fields(token, good(), scheme="Bearer"), None),
        (fields(IDP.token(jwt.claims(cnf={"kid": "x"})), scheme="Bearer"), None),
    ]
    for number, (given, error) in enumerate(cases):
        response = ask(gateway, given)
        assert response.status == 401, number
        challenge = response.all("www-authenticate")
        assert len(challenge) == 1
        if error is None:
            assert challenge == ["Bearer"], number
        else:
            assert challenge[0].startswith(f'DPoP error="{error}", algs="'), (number, challenge)
        assert response.json()["detail"] == "Invalid authentication token"
    assert len(backend.requests) == before


def test_a_proof_is_taken_once_whichever_worker_it_meets(house):
    gateway, _ = house
    client = Client()
    token = client.token()
    proofs = [client.proof(token, uri(gateway)) for _ in range(10)]
    with ThreadPoolExecutor(8) as pool:
        for proof in proofs:
            statuses = list(pool.map(lambda _, shown=proof: ask(gateway, fields(token, shown)).status, range(8)))
            assert sorted(statuses) == [200] + [401] * 7


def test_a_token_of_a_certificate_wants_that_connection(house, authority):
    gateway, _ = house
    mine, other = authority.issue("mine", client=True), authority.issue("other", client=True)
    der = x509.load_pem_x509_certificate(mine[0].read_bytes()).public_bytes(Encoding.DER)
    token = IDP.token(jwt.claims(cnf={"x5t#S256": jwt.b64(hashlib.sha256(der).digest())}))
    given = fields(token, scheme="Bearer")
    for certificate, status in ((mine, 200), (other, 401), (None, 401)):
        context = authority.client_context(certificate)
        response = ask(gateway, given, listener="public", tls=context)
        assert response.status == status
        if status == 401:
            assert response.all("www-authenticate") == ["Bearer"]
    assert ask(gateway, given).status == 401
