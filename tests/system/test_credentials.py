"""Who is let in: every wrong credential is the same 401 to the outside, and the upstream learns the truth alone."""

import hashlib
import time

import pytest

from support import jwt
from support import upstream as answers
from support.gateway import Gatehouse, api_key, basic_config
from support.wait import until

MISSING = "Missing or invalid authentication credentials"
INVALID = "Invalid authentication token"
ISSUER = "https://idp.test"
SECRET = jwt.new_secret()
KEYS = {name: jwt.Key(name, kid=name.lower()) for name in ("RS256", "PS256", "ES256", "ES384", "EdDSA")}
LEGACY = jwt.Key("HS256", kid=None, secret=SECRET)
API_KEY = "gk_" + jwt.new_secret()


def route(prefix, access):
    return {"match": {"path_prefix": prefix}, "upstream": "backend", "access": access}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    directory = tmp_path_factory.mktemp("credentials")
    (directory / "jwks.json").write_bytes(jwt.key_set(*KEYS.values()))
    backend = answers.Upstream()
    routes = [route("/user", {"role": "user"}), route("/admin", {"role": "admin"}), route("/any", "authenticated"),
              route("/scoped", {"scopes": ["read", "write"]}), route("/open", "public")]
    config = basic_config(directory, [backend], routes, auth={
        "trusted_issuers": [
            {"issuer": ISSUER, "jwks_file": str(directory / "jwks.json"), "audience": "api", "roles_claim": "roles"},
            {"issuer": "legacy", "algorithm": "HS256", "secret": "${env:LEGACY_SECRET}", "audience": "any"},
        ],
        "api_keys": [
            {"id": "robot", "value": "${env:ROBOT_KEY}", "roles": ["user"], "scopes": ["read", "write"]},
            api_key("hashed", "another-key-of-good-length-0123456789", ["manager"]),
            api_key("old", "expired-key-of-good-length-0123456789", ["admin"], expires="2020-01-01T00:00:00Z"),
        ],
    })
    gateway = Gatehouse(directory, config, env={"LEGACY_SECRET": SECRET, "ROBOT_KEY": API_KEY})
    yield gateway, backend
    gateway.close()
    backend.stop()


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


def good(body=None, algorithm="ES256", **header):
    return KEYS[algorithm].token(body, header)


def ask(house, fields, target="/user/x", **options):
    """(response, requests the upstream saw for it)"""
    gateway, backend = house
    before = len(backend.requests)
    response = gateway.get(target, fields, **options)
    return response, backend.requests[before:]


def assert_401(response, seen, text):
    assert response.status == 401
    assert response.all("www-authenticate") == ["Bearer"]
    assert response.get("content-type") == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 401 and problem["detail"] == text
    assert problem["request_id"] == response.get("x-request-id")
    assert seen == []


@pytest.mark.parametrize("fields", [
    [], [("Authorization", "")], [("Authorization", "Bearer")], [("Authorization", "Basic YWxpY2U6c2VjcmV0")],
    [("Authorization", "Digest username=alice")], [("X-API-Key", "")], [("Cookie", "session=1")],
])
def test_without_credentials_the_answer_is_401(house, fields):
    assert_401(*ask(house, fields), MISSING)


@pytest.mark.parametrize("fields", [
    [("X-API-Key", "wrong")], [("X-API-Key", API_KEY[:-1])], [("X-API-Key", API_KEY + "0")],
    [("X-API-Key", API_KEY.upper())], [("X-API-Key", f"{API_KEY},{API_KEY}")], [("X-API-Key", "a" * 9000)],
    [("X-API-Key", "expired-key-of-good-length-0123456789")],
    [("X-API-Key", hashlib.sha256(b"another-key-of-good-length-0123456789").hexdigest())],
    [("X-API-Key", API_KEY), ("X-API-Key", "wrong")],
])
def test_a_wrong_api_key_is_401(house, fields):
    response, seen = ask(house, fields)
    if response.status == 400:  # two fields of one name may also be refused as such
        assert len(fields) == 2 and seen == []
    else:
        assert_401(response, seen, MISSING)


def now():
    return int(time.time())


def hs256_with(secret, issuer=ISSUER, **header):
    """A token signed by HMAC under any octets: the classic confusion of a public key with a secret."""
    key = jwt.Key("HS256", kid=header.pop("kid", "rs256"), secret="")
    key.secret = type("Octets", (), {"encode": lambda self: secret})()
    return key.token(jwt.claims(iss=issuer), header)


def tampered(part, change):
    parts = good().split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


BAD_TOKENS = {
    "garbage": lambda: "garbage",
    "two parts": lambda: "a.b",
    "four parts": lambda: good() + ".x",
    "five parts (JWE)": lambda: "a.b.c.d.e",
    "empty parts": lambda: "..",
    "no base64url": lambda: "+++.///.~~~",
    "padding": lambda: good() + "=",
    "no JSON": lambda: f"{jwt.b64(b'no')}.{jwt.b64(b'json')}.{jwt.b64(b'x')}",
    "9 KiB": lambda: good(jwt.claims(filler="a" * 9000)),
    "signature cut": lambda: good()[:-6],
    "signature empty": lambda: good().rsplit(".", 1)[0] + ".",
    "signature changed": lambda: tampered(2, lambda s: s[:10] + ("A" if s[10] != "A" else "B") + s[11:]),
    "signature of zeros": lambda: tampered(2, lambda s: jwt.b64(bytes(64))),
    "payload changed": lambda: tampered(1, lambda s: jwt.b64(b'{"iss":"https://idp.test","aud":"api","sub":"root",'
                                                             b'"roles":["admin"],"exp":9999999999}')),
    "none": lambda: jwt.unsigned(),
    "None": lambda: jwt.unsigned(algorithm="None"),
    "nOnE with a signature": lambda: jwt.unsigned(algorithm="nOnE", signature=b"x" * 64),
    "none for the issuer with a secret": lambda: jwt.unsigned(jwt.claims(iss="legacy")),
    "empty alg": lambda: jwt.unsigned(algorithm=""),
    "public key as secret (PEM)": lambda: hs256_with(KEYS["RS256"].public_pem()),
    "public key as secret, stripped": lambda: hs256_with(KEYS["RS256"].public_pem().strip()),
    "empty secret": lambda: hs256_with(b"", issuer="legacy", kid=None),
    "RS256 key claimed as PS256": lambda: KEYS["RS256"].token(header={"alg": "PS256"}),
    "HS512 with the HS256 secret": lambda: jwt.Key("HS512", kid=None, secret=SECRET).token(jwt.claims(iss="legacy")),
    "another key under a known kid": lambda: jwt.Key("ES256", kid="es256").token(),
    "unknown kid": lambda: jwt.Key("ES256", kid="nobody").token(),
    "kid of another key": lambda: good(kid="es384"),
    "kid that is a path": lambda: good(kid="../../dev/null"),
    "embedded key": lambda: jwt.Key("ES256", kid="x").token(header={"jwk": KEYS["ES256"].jwk()}),
    "critical extension": lambda: good(crit=["b64"], b64=False),
    "expired": lambda: good(jwt.claims(exp=now() - 1)),
    "expires now": lambda: good(jwt.claims(exp=now())),
    "no exp": lambda: good(jwt.claims(exp=None)),
    "exp is text": lambda: good(jwt.claims(exp="9999999999")),
    "exp is negative": lambda: good(jwt.claims(exp=-1)),
    "not yet": lambda: good(jwt.claims(nbf=now() + 60)),
    "nbf is text": lambda: good(jwt.claims(nbf="0")),
    "wrong issuer": lambda: good(jwt.claims(iss="https://evil.test")),
    "issuer with a slash more": lambda: good(jwt.claims(iss=ISSUER + "/")),
    "no issuer": lambda: good(jwt.claims(iss=None)),
    "issuer is a list": lambda: good(jwt.claims(iss=[ISSUER])),
    "token of one issuer as the other": lambda: LEGACY.token(jwt.claims(iss=ISSUER)),
    "wrong audience": lambda: good(jwt.claims(aud="other")),
    "no audience": lambda: good(jwt.claims(aud=None)),
    "audience is a number": lambda: good(jwt.claims(aud=1)),
    "id token as typ": lambda: good(typ="ID+JWT"),
    "typ of another use": lambda: good(typ="dpop+jwt"),
    "claim twice": lambda: signed_text('{"iss":"%s","aud":"api","sub":"a","roles":["admin"],"exp":9999999999,"sub":"b"}'),
    "payload is a list": lambda: signed_text('["%s"]'),
}


def signed_text(text):
    head = jwt.b64(b'{"alg":"ES256","typ":"JWT","kid":"es256"}')
    signed = f"{head}.{jwt.b64((text % ISSUER).encode())}"
    return f"{signed}.{jwt.b64(KEYS['ES256'].sign(signed.encode()))}"


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_wrong_token_is_401_and_says_no_more(house, make):
    assert_401(*ask(house, bearer(make())), INVALID)


@pytest.mark.parametrize("algorithm", KEYS)
def test_each_algorithm_of_a_key_set_is_believed(house, algorithm):
    response, seen = ask(house, bearer(good(algorithm=algorithm)))
    assert response.status == 200
    assert seen[0].get("x-gatehouse-subject") == "alice"


@pytest.mark.parametrize("token", [
    lambda: LEGACY.token(jwt.claims(iss="legacy")), lambda: LEGACY.token(jwt.claims(iss="legacy", aud=None)),
    lambda: good(typ="at+jwt"), lambda: good(typ=None), lambda: good(jwt.claims(aud=["other", "api"])),
    lambda: good(jwt.claims(nbf=now())), lambda: good(jwt.claims(exp=now() + 1.9)),
    lambda: good(jwt.claims(roles=["unheard-of", "user"])),
])
def test_other_right_tokens(house, token):
    assert ask(house, bearer(token()))[0].status == 200


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_ignores_case(house, scheme):
    assert ask(house, [("Authorization", f"{scheme} {good()}")])[0].status == 200


def test_a_token_ends_when_its_time_ends(house):
    token = good(jwt.claims(exp=now() + 2))
    assert ask(house, bearer(token))[0].status == 200
    until(lambda: ask(house, bearer(token))[0].status == 401, "the cached token to expire", timeout=4)


@pytest.mark.parametrize("roles, user, admin", [
    (["guest"], 403, 403), (["user"], 200, 403), (["manager"], 200, 403), (["admin"], 200, 200), ([], 403, 403),
    (["Admin"], 403, 403), (["guest", "admin"], 200, 200), (["superuser"], 403, 403),
])
def test_roles_form_a_hierarchy(house, roles, user, admin):
    token = good(jwt.claims(roles=roles))
    assert (ask(house, bearer(token))[0].status, ask(house, bearer(token), "/admin/x")[0].status) == (user, admin)


def test_403_is_a_problem_and_reaches_no_upstream(house):
    response, seen = ask(house, bearer(good()), "/admin/x")
    assert response.status == 403 and seen == []
    assert response.json()["status"] == 403
    assert response.get("www-authenticate") is None


@pytest.mark.parametrize("scope, status", [("read write", 200), ("write read more", 200), ("read", 403), ("", 403),
                                           ("readwrite", 403), (["read", "write"], 200)])
def test_every_named_scope_is_wanted(house, scope, status):
    assert ask(house, bearer(good(jwt.claims(scope=scope))), "/scoped/x")[0].status == status


def test_api_keys_open_and_are_named(house):
    response, seen = ask(house, [("X-API-Key", API_KEY)])
    assert response.status == 200
    request = seen[0]
    assert request.get("x-gatehouse-subject") == "robot"
    assert request.get("x-gatehouse-roles") == "user"
    assert request.get("x-gatehouse-principal-type") == "api_key"
    assert ask(house, [("X-API-Key", API_KEY)], "/scoped/x")[0].status == 200
    assert ask(house, [("X-API-Key", API_KEY)], "/admin/x")[0].status == 403
    assert ask(house, [("X-API-Key", "another-key-of-good-length-0123456789")])[0].status == 200


def test_the_upstream_learns_the_verified_identity_and_no_claimed_one(house):
    forged = [("X-Gatehouse-Subject", "root"), ("x-gatehouse-roles", "admin"), ("X-GATEHOUSE-Principal-Type", "service"),
              ("X-Gatehouse-Anything", "1")]
    _, seen = ask(house, bearer(good(jwt.claims(sub="bob", roles=["user", "manager"]))) + forged)
    request = seen[0]
    assert request.all("x-gatehouse-subject") == ["bob"]
    assert request.all("x-gatehouse-roles") == ["user,manager"]
    assert request.all("x-gatehouse-principal-type") == ["user"]
    assert request.all("x-gatehouse-anything") == []
    _, seen = ask(house, forged, "/open/x")
    assert not [name for name, _ in seen[0].fields if name.lower().startswith("x-gatehouse-")]


@pytest.mark.parametrize("subject", ["eve\r\nX-Gatehouse-Roles: admin", "nul\x00", "sm\u00f8rrebr\u00f8d", "line\nbreak"])
def test_a_subject_cannot_write_header_lines(house, subject):
    response, seen = ask(house, bearer(good(jwt.claims(sub=subject))))
    assert response.status in (200, 401)
    for request in seen:
        assert request.all("x-gatehouse-roles") == ["user"]
        assert len(request.all("x-gatehouse-subject")) <= 1


def test_public_routes_want_no_credentials_and_survive_bad_ones(house):
    assert ask(house, [], "/open/x")[0].status == 200
    assert ask(house, bearer("garbage"), "/open/x")[0].status in (200, 401)


def test_no_route_is_404_not_open(house):
    response, seen = ask(house, bearer(good()), "/nowhere")
    assert response.status == 404 and seen == []


def test_credentials_are_checked_before_a_stream_begins(house):
    gateway, backend = house
    with gateway.connect() as client:
        client.send(b"POST /user/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        response = client.read_response("POST")
    assert response.status == 401 and not response.informational


def test_tokens_and_keys_stay_out_of_the_logs(house):
    gateway, _ = house
    token = good()
    ask(house, bearer(token))
    ask(house, [("X-API-Key", API_KEY)])
    ask(house, bearer("wrong-token-in-the-log"))
    text = gateway.output() + (gateway.directory / "access.log").read_text()
    for secret in (token, token.split(".")[2], API_KEY, SECRET, "wrong-token-in-the-log"):
        assert secret not in text
