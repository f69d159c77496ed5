"""What people try with authorization servers, and what comes of it."""

import base64
import json
import sqlite3
import time
import urllib.parse
import uuid

import pytest
import requests

from support import jwt
from support.oauth import DEVICE, EXCHANGE, REDIRECT_URI, Asking, AuthorizationServer, Browser, sent_back, session_with
from support.wait import seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory, tls_files, authority):
    running = AuthorizationServer(tmp_path_factory.mktemp("attacks"), tls_files, authority)
    yield running
    running.close()


@pytest.fixture(scope="module")
def web(server):
    return server.web_client()


@pytest.fixture
def browser(server):
    return Browser(server)


def code_of(browser, asking):
    return sent_back(browser.through(asking.target))["code"]


def refused(response, error, status=400):
    assert (response.status_code, response.json()["error"]) == (status, error), response.text


@pytest.mark.parametrize("changes", [{"code_challenge": None, "code_challenge_method": None},
                                     {"code_challenge_method": "plain"}, {"code_challenge_method": None}])
def test_pkce_cannot_be_left_out_or_weakened(browser, web, changes):
    assert sent_back(browser.look(Asking(web, **changes).target))["error"] == "invalid_request"


def test_a_code_is_nothing_without_its_verifier(server, browser, web):
    for changes in ({"code_verifier": "w" * 43}, {"code_verifier": ""}):
        asking = Asking(web)
        code = code_of(browser, asking)
        response = asking.redeem(server, code, **changes)
        assert response.status_code == 400 and response.json()["error"] in ("invalid_grant", "invalid_request")


def test_a_replayed_code_ends_what_came_of_it(server, browser, web):
    asking = Asking(web)
    code = code_of(browser, asking)
    tokens = asking.redeem(server, code).json()
    refused(asking.redeem(server, code), "invalid_grant")
    refused(server.token(web, grant_type="refresh_token", refresh_token=tokens["refresh_token"]), "invalid_grant")
    answer = requests.get(server.url("/oauth/userinfo"), headers={"Authorization": f"Bearer {tokens['access_token']}"},
                          verify=server.ca_file, timeout=seconds(20))
    assert answer.status_code == 401


@pytest.mark.parametrize("uri", ["https://evil.example/", "https://app.example/back/../evil", "https://app.example/back?x=1",
                                 "https://app.example.evil.example/back", "https://app.example/back#", "//evil.example",
                                 "https://app.example@evil.example/back", "javascript:alert(1)", "http://app.example/back", ""])
def test_nobody_is_sent_where_the_client_has_not_registered(browser, web, uri):
    if uri == "":
        return  # left out, it is the one that is registered
    response = browser.look(Asking(web, redirect_uri=uri).target)
    assert response.status_code == 400 and "Location" not in response.headers
    assert "evil" not in response.text and "alert(1)" not in response.text


def test_a_code_goes_with_its_redirect_uri(server, browser):
    client = server.add_client("two", "authorization_code", redirect_uri=[REDIRECT_URI, REDIRECT_URI + "2"])
    asking = Asking(client)
    refused(asking.redeem(server, code_of(browser, asking), redirect_uri=REDIRECT_URI + "2"), "invalid_grant")


def test_the_sign_in_page_is_no_open_redirect(browser, web):
    page = browser.look(Asking(web, redirect_uri="https://evil.example/", prompt="none").target)
    assert page.status_code == 400 and "Location" not in page.headers


def test_consent_cannot_be_given_for_somebody(server, browser, web):
    client = server.web_client("csrf")
    asking = Asking(client)
    page = browser.sign_in(browser.look(asking.target))
    assert "Allow access?" in page.text
    assert browser.submit(page, origin="https://evil.example", choice="allow").status_code == 400
    assert browser.submit(page, choice="allow", seal="1.x").status_code == 400
    other = Browser(server)
    other_page = other.sign_in(other.look(asking.target))
    swapped = browser.session.post(server.url(asking.target), allow_redirects=False, timeout=seconds(20),
                                   data={"form": "consent", "choice": "allow",
                                         "seal": other_page.text.split('name="seal" value="')[1].split('"')[0]})
    assert swapped.status_code == 400, "a form of another browser"
    assert browser.submit(page, choice="allow").status_code == 303


def test_pages_cannot_be_framed_or_scripted(browser, server):
    client = server.web_client("<script>alert(1)</script>")
    page = browser.look(Asking(client, login_hint='"><script>alert(2)</script>').target)
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy and "unsafe" not in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-") and "HttpOnly" in cookie and "Secure" in cookie and "SameSite=Lax" in cookie


def test_a_stolen_refresh_token_ends_its_family(server, browser, web):
    asking = Asking(web)
    first = asking.redeem(server, code_of(browser, asking)).json()["refresh_token"]
    second = server.token(web, grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    third = server.token(web, grant_type="refresh_token", refresh_token=second).json()["refresh_token"]
    refused(server.token(web, grant_type="refresh_token", refresh_token=first), "invalid_grant")
    refused(server.token(web, grant_type="refresh_token", refresh_token=third), "invalid_grant")


def test_codes_and_tokens_are_of_one_client(server, browser, web):
    other = server.web_client("other")
    asking = Asking(web)
    refused(asking.redeem(server, code_of(browser, asking), client=other), "invalid_grant")
    tokens = asking.redeem(server, code_of(browser, asking)).json()
    refused(server.token(other, grant_type="refresh_token", refresh_token=tokens["refresh_token"]), "invalid_grant")
    mixed = {"client_id": web["client_id"], "client_secret": other["client_secret"]}
    refused(server.token(mixed, grant_type="client_credentials"), "invalid_client", 401)
    both = server.post("/oauth/token", {"grant_type": "refresh_token", "client_id": other["client_id"],
                                        "refresh_token": tokens["refresh_token"]}, web)
    refused(both, "invalid_client", 401)


class Prover:
    """A key and its DPoP proofs."""

    def __init__(self):
        self.key = jwt.Key("ES256")
        self.jwk = {name: value for name, value in self.key.jwk().items() if name in ("kty", "crv", "x", "y")}

    def proof(self, url, **changes):
        said = {"jti": str(uuid.uuid4()), "htm": "POST", "htu": url, "iat": int(time.time())} | changes
        return self.key.token(said, {"typ": "dpop+jwt", "jwk": self.jwk, "kid": None})


def test_a_proof_counts_once_and_here(server):
    client = server.add_client("prover", "client_credentials", scopes=["users:read"], dpop=True)
    prover = Prover()
    here = server.url("/oauth/token")

    def ask(proof):
        fields = {"DPoP": proof} if proof else {}
        return server.post("/oauth/token", {"grant_type": "client_credentials"}, client, headers=fields)
    proof = prover.proof(here)
    assert ask(proof).json()["token_type"] == "DPoP"
    for bad in (proof, None, prover.proof(server.url("/oauth/revoke")), prover.proof("https://evil.example/oauth/token"),
                prover.proof(here, htm="GET"), prover.proof(here, iat=int(time.time()) - 600), "nonsense"):
        refused(ask(bad), "invalid_dpop_proof")


STRANGE = {"nul": "%00", "not utf-8": "%FF%FE", "overlong": "%C0%AF", "sql": "'%3B+DROP+TABLE+oauth_clients%3B--",
           "like": "%25%5F", "line break": "a%0D%0ASet-Cookie%3A+x%3D1", "broken escape": "%G1", "long": "a" * 9000,
           "beyond the plane": "%F0%9F%92%A9", "template": "%7B%7B7*7%7D%7D", "nothing": ""}
NAMES = ("grant_type", "client_id", "client_secret", "code", "code_verifier", "redirect_uri", "refresh_token", "scope",
         "resource", "audience", "token", "subject_token", "subject_token_type", "actor_token", "device_code", "username",
         "password", "response_type", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age",
         "login_hint", "request", "request_uri", "user_code", "form", "seal", "choice", "dpop_jkt")


@pytest.mark.parametrize("kind", STRANGE)
def test_no_parameter_makes_it_fail(server, web, kind):
    value = STRANGE[kind]
    session = session_with(server)
    basic = base64.b64encode(f"{web['client_id']}:{web['client_secret']}".encode()).decode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    grants = ("authorization_code", "refresh_token", "client_credentials", "password", DEVICE, EXCHANGE)
    statuses = {}
    for number, name in enumerate(NAMES):
        grant = urllib.parse.quote(grants[number % len(grants)])
        body = f"grant_type={grant}&code=x&code_verifier=x&token=x&{name}={value}"
        for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device", "/oauth/authorize",
                     "/oauth/device/approve"):
            response = session.post(server.url(path), data=body, timeout=seconds(20), allow_redirects=False,
                                    headers=form | {"Authorization": f"Basic {basic}"})
            statuses[path, name] = response.status_code
        for path in ("/oauth/authorize", "/oauth/device"):
            asked = Asking(web, **{name: None}).target.split("?")[1] + f"&{name}={value}"
            response = session.get(server.url(f"{path}?{asked}"), timeout=seconds(20), allow_redirects=False)
            statuses[path + "?", name] = response.status_code
            assert "x=1" not in response.headers.get("Set-Cookie", "")
    assert not {where: status for where, status in statuses.items() if status >= 500}, statuses
    assert server.token(web, grant_type="refresh_token", refresh_token="x").status_code == 400


@pytest.mark.parametrize("credentials", [b"\x00:\x00", b"a", b":", b"\xff\xfe:x", b"' OR 1=1 --:x", b"%00:%00", b"a:b:c", b""])
def test_no_basic_credentials_make_it_fail(server, credentials):
    field = {"Authorization": "Basic " + base64.b64encode(credentials).decode()}
    response = server.post("/oauth/token", {"grant_type": "client_credentials"}, headers=field)
    refused(response, "invalid_client", 401)


@pytest.mark.parametrize("body", ["", "[]", "null", '{"redirect_uris":7}', '{"client_name":"\\u0000"}', "{" * 200, '{"a":1,"a":2}'])
def test_registering_is_for_those_who_were_invited(server, body):
    response = requests.post(server.url("/oauth/register"), data=body, verify=server.ca_file, timeout=seconds(20),
                             headers={"Content-Type": "application/json"})
    assert response.status_code == 401, response.text
    invitation = server.verb("invite", "--scope", "openid").strip()
    response = requests.post(server.url("/oauth/register"), data=body, verify=server.ca_file, timeout=seconds(20),
                             headers={"Content-Type": "application/json", "Authorization": f"Bearer {invitation}"})
    refused(response, "invalid_client_metadata")


def test_thefts_are_in_the_audit_log(server, browser, web):
    asking = Asking(web)
    code = code_of(browser, asking)
    asking.redeem(server, code)
    asking.redeem(server, code)
    database = server.gateway.directory / "data" / "gatehouse.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT record FROM audit_records WHERE action = 'oauth.code_replayed'").fetchall()
    assert rows and all(code not in row[0] for row in rows)
    assert json.loads(rows[-1][0])["severity"] == "high"
