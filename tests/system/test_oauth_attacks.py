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
from support.oauth import DEVICE, EXCHANGE, PASSWORD, REDIRECT_URI, USER, Asking, AuthorizationServer, Browser, sent_back, session_with
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


def test_thefts_are_in_the_audit_log_once(server, browser, web):
    asking = Asking(web)
    code = code_of(browser, asking)
    asking.redeem(server, code)
    for _ in range(20):
        asking.redeem(server, code)
    database = server.gateway.directory / "data" / "gatehouse.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT record FROM audit_records WHERE action = 'oauth.code_replayed'").fetchall()
    assert all(code not in row[0] for row in rows)
    told = [json.loads(row[0]) for row in rows]
    assert {record["severity"] for record in told} == {"high"}
    assert len({record["details"]["grant"] for record in told}) == len(told) >= 1


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
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# What each grant reads, and what comes of it as it stands here.
FORMS = {
    "authorization_code": ({"code": "x", "redirect_uri": REDIRECT_URI, "code_verifier": "v" * 43}, "invalid_grant"),
    "refresh_token": ({"refresh_token": "x", "scope": "openid", "resource": "https://api.example/"}, "invalid_grant"),
    "client_credentials": ({"scope": "users:read", "resource": "https://api.example/"}, None),
    "password": ({"username": USER, "password": PASSWORD, "scope": "openid", "resource": "https://api.example/"}, None),
    DEVICE: ({"device_code": "x"}, "invalid_grant"),
    EXCHANGE: ({"subject_token": "x", "subject_token_type": ACCESS_TOKEN, "actor_token": "x", "actor_token_type": ACCESS_TOKEN,
                "requested_token_type": ACCESS_TOKEN, "audience": "urn:x", "resource": "urn:x", "scope": "openid"},
               "invalid_request"),
}
PAGE_NAMES = ("form", "seal", "choice", "username", "password", "user_code")


@pytest.fixture(scope="module")
def every_grant(server):
    return server.add_client("all", "authorization_code", "refresh_token", "client_credentials", "password", "device_code",
                             "token_exchange", redirect_uri=REDIRECT_URI, resource="https://api.example/")


class Strange:
    """Sends forms in which one parameter is strange, and remembers what came of each."""

    def __init__(self, server, client, value):
        self.server, self.value, self.session = server, value, session_with(server)
        basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
        self.fields = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"}
        self.answers = {}

    def send(self, path, form, name):
        kept = urllib.parse.urlencode({each: value for each, value in form.items() if each != name})
        body = kept + (f"&{name}={self.value}" if name else "")
        response = self.session.post(self.server.url(path), data=body, timeout=seconds(20), allow_redirects=False,
                                     headers=self.fields)
        self.answers[path, form.get("grant_type"), name] = response.status_code
        return response

    def look(self, path, parameters, name):
        kept = urllib.parse.urlencode({each: value for each, value in parameters.items() if each != name})
        response = self.session.get(self.server.url(f"{path}?{kept}&{name}={self.value}"), timeout=seconds(20),
                                    allow_redirects=False)
        self.answers[path, "GET", name] = response.status_code
        assert "x=1" not in response.headers.get("Set-Cookie", "")


def test_each_form_reaches_what_its_parameters_are_for(server, every_grant):
    plain = Strange(server, every_grant, "")
    for grant, (form, error) in FORMS.items():
        answer = plain.send("/oauth/token", form | {"grant_type": grant}, None)
        assert (answer.status_code, answer.json().get("error")) == (400 if error else 200, error), (grant, answer.text)


@pytest.mark.parametrize("kind", STRANGE)
def test_no_parameter_makes_it_fail(server, web, every_grant, kind):
    strange = Strange(server, every_grant, STRANGE[kind])
    for grant, (form, error) in FORMS.items():
        for name in (*form, "grant_type", "client_id", "client_secret", "client_assertion"):
            answer = strange.send("/oauth/token", form | {"grant_type": grant}, name)
            read = name in form and name not in ("resource", "scope", "audience")  # what is empty there is not there
            if error is None and (read or kind != "nothing") and name != "client_assertion":
                assert answer.status_code != 200 or kind == "nothing", (grant, name, answer.text)
    for path in ("/oauth/revoke", "/oauth/introspect"):
        for name in ("token", "token_type_hint", "client_id"):
            strange.send(path, {"token": "x", "token_type_hint": "access_token"}, name)
    for name in ("scope", "resource", "client_id"):
        strange.send("/oauth/device", {"scope": "openid"}, name)
    asked = {name: value for name, value in Asking(web).parameters.items() if value is not None}
    for name in (*asked, "prompt", "max_age", "login_hint", "request", "request_uri", "response_mode", "resource", "dpop_jkt"):
        strange.look("/oauth/authorize", asked, name)
        strange.send("/oauth/authorize", asked, name)
    for name in PAGE_NAMES:
        strange.look("/oauth/device", {"user_code": "BCDF-GHJK"}, name)
        for path in ("/oauth/authorize", "/oauth/device/approve"):
            strange.send(path, {"form": "sign_in", "seal": "1.x", "choice": "allow"}, name)
    assert not {where: status for where, status in strange.answers.items() if status >= 500}, strange.answers
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
