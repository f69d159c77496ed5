"""Every grant of the authorization server, end to end, by clients that others made: openid-client, oauth4webapi and jose in
Node, Authlib in Python."""

import json

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

from support.control import Control
from support.gateway import run
from support.oauth import DEVICE, PASSWORD, REDIRECT_URI, USER, Asking, AuthorizationServer, Browser, sent_back, session_with
from support.tls import client_context
from support.wait import until


@pytest.fixture(scope="module")
def server(tmp_path_factory, tls_files, authority):
    running = AuthorizationServer(tmp_path_factory.mktemp("oauth"), tls_files, authority)
    yield running
    running.close()


def tls_of(server):
    return client_context(server.ca_file)


# --- openid-client, oauth4webapi and jose ---

def test_codes_and_what_comes_of_them(server):
    token = server.node("code", web=server.web_client())["token"]
    me = Control(server.gateway, token=token).get("/auth/me", listener="public", tls=tls_of(server))
    assert me.status == 401, "it was revoked"


def test_a_native_app_with_a_key_of_its_own(server):
    server.node("native_dpop", native=server.add_client("native", "authorization_code", "refresh_token", auth="none",
                                                        redirect_uri="http://127.0.0.1/back", dpop=True))


def test_programs(server):
    resource = "https://api.example/"
    token = server.node("credentials",
                        program=server.add_client("program", "client_credentials", scopes=["users:read"], resource=resource),
                        poster=server.add_client("poster", "client_credentials", scopes=["users:read"],
                                                 auth="client_secret_post"))["token"]
    caller = Control(server.gateway, token=token)
    assert caller.get("/auth/me", listener="public", tls=tls_of(server)).json()["type"] == "service"
    assert caller.get("/api/v1/users", listener="public", tls=tls_of(server)).status == 200
    assert caller.get("/api/v1/keys", listener="public", tls=tls_of(server)).status == 403


def test_a_device(server):
    server.node("device", box=server.add_client("box", "device_code", auth="none"))


def test_one_who_acts_for_another(server):
    bot = server.add_client("bot", "token_exchange", scopes=["users:read"], serves=server.issuer)
    token = server.node("exchange", web=server.web_client(), bot=bot)["token"]
    me = Control(server.gateway, token=token).get("/auth/me", listener="public", tls=tls_of(server)).json()
    assert (me["username"], me["type"], me["roles"]) == (USER, "delegated", [])
    caller = Control(server.gateway, token=token)
    assert caller.ask("POST", "/api/v1/auth/logout", listener="public", tls=tls_of(server)).status == 204
    shown = run("audit", "tail", "--json", "--action", "user.sign_out", "--config", server.gateway.config_file).stdout
    told = json.loads(shown.splitlines()[-1])["record"]
    assert (told["action"], told["actor"], told["act"]) == (
        "user.sign_out", {"type": "delegated", "subject": USER}, [bot["client_id"]])


def test_a_program_that_registers_itself(server):
    invitation = server.verb("invite", "--scope", "openid").strip()
    server.node("register", invitation=invitation)


def test_the_small_library_and_its_resource_server(server):
    server.node("low_level", program=server.add_client("program", "client_credentials", scopes=["users:read"]))


# --- Authlib ---

def authlib(server, client, **options):
    session = OAuth2Session(client["client_id"], client.get("client_secret"),
                            token_endpoint_auth_method=client["token_endpoint_auth_method"], **options)
    return session_with(server, session)


def test_authlib_gets_a_code_and_an_id_token(server):
    client = server.web_client()
    session = authlib(server, client, scope="openid email", redirect_uri=REDIRECT_URI, code_challenge_method="S256")
    verifier = "v" * 43
    url, state = session.create_authorization_url(server.url("/oauth/authorize"), code_verifier=verifier, nonce="n-7")
    back = Browser(server).through(url)
    token = session.fetch_token(server.url("/oauth/token"), authorization_response=back.headers["Location"], state=state,
                                code_verifier=verifier)
    keys = JsonWebKey.import_key_set(requests.get(server.url("/.well-known/jwks.json"), verify=server.ca_file,
                                                  timeout=10).json())
    claims = jwt.decode(token["id_token"], keys, claims_cls=CodeIDToken,
                        claims_options={"iss": {"essential": True, "value": server.issuer},
                                        "aud": {"essential": True, "value": client["client_id"]}},
                        claims_params={"nonce": "n-7", "client_id": client["client_id"], "access_token": token["access_token"]})
    claims.validate()
    assert claims["sub"] == USER
    assert session.get(server.url("/oauth/userinfo")).json()["sub"] == USER
    fresh = session.refresh_token(server.url("/oauth/token"))
    assert fresh["refresh_token"] != token["refresh_token"]
    about = session.introspect_token(server.url("/oauth/introspect"), token=fresh["access_token"]).json()
    assert about["active"] and about["sub"] == USER
    session.revoke_token(server.url("/oauth/revoke"), token=fresh["refresh_token"], token_type_hint="refresh_token")
    assert session.introspect_token(server.url("/oauth/introspect"), token=fresh["access_token"]).json() == {"active": False}


def test_authlib_with_credentials_and_with_a_password(server):
    program = server.add_client("program", "client_credentials", scopes=["users:read"], auth="client_secret_post")
    assert authlib(server, program).fetch_token(server.url("/oauth/token"))["scope"] == "users:read"
    old = server.add_client("old", "password", scopes=["users:read"])
    session = authlib(server, old)
    token = session.fetch_token(server.url("/oauth/token"), username=USER, password=PASSWORD)
    assert token["token_type"] == "Bearer"


def test_a_certificate_in_the_place_of_a_secret(server, authority):
    certificate = authority.issue("worker", names=("worker.example",), client=True)
    other = authority.issue("other-worker", names=("other.example",), client=True)
    client = server.add_client("worker", "client_credentials", scopes=["users:read"], auth="tls_client_auth",
                               certificate_name="dns:worker.example")
    form = {"grant_type": "client_credentials", "client_id": client["client_id"]}
    answer = server.post("/oauth/token", form, cert=tuple(map(str, certificate)))
    assert answer.status_code == 200, answer.text
    token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    asked = {cert: requests.get(server.url("/auth/me"), headers=token, verify=server.ca_file, timeout=10,
                                cert=cert and tuple(map(str, cert))).status_code
             for cert in (certificate, other, None)}
    assert asked == {certificate: 200, other: 401, None: 401}
    for wrong in (other, None):
        refused = server.post("/oauth/token", form, cert=wrong and tuple(map(str, wrong)))
        assert refused.status_code == 401 and refused.json()["error"] == "invalid_client"


# --- the shell ---

def test_the_shell_adds_lists_and_disables(server):
    made = server.add_client("shell", "client_credentials", scopes=["users:read"])
    listed = {each["client_id"]: each for each in json.loads(server.verb("list", "--json"))}
    assert listed[made["client_id"]]["name"] == "shell" and "client_secret" not in listed[made["client_id"]]
    token = server.token(made, grant_type="client_credentials").json()["access_token"]
    caller = Control(server.gateway, token=token)
    assert caller.get("/auth/me", listener="public", tls=tls_of(server)).status == 200
    server.verb("disable", made["client_id"])
    assert server.token(made, grant_type="client_credentials").status_code == 401
    until(lambda: caller.get("/auth/me", listener="public", tls=tls_of(server)).status == 401, "its tokens to end", timeout=5)


def test_the_shell_says_what_cannot_be(server):
    config = ("--config", server.gateway.config_file)
    for words, said in ((["add", "x", "--grant", "authorization_code"], "redirect URIs"),
                        (["add", "x", "--grant", "implicit"], "grant type"),
                        (["add", "x", "--grant", "client_credentials", "--auth", "x"], "--auth"),
                        (["disable", "0000000000000000"], "client list")):
        done = run("client", *words, *config)
        assert done.returncode != 0 and said in done.stderr, done.stderr
        assert done.stdout == ""
    alone = run("client", "add", "x", "--grant", "client_credentials", *config)
    assert alone.stdout.startswith("gh_cs-") and alone.stdout.count("\n") == 1


def test_a_device_of_a_user_who_types(server):
    client = server.add_client("tv", "device_code", auth="none", scopes=["openid"])
    begun = server.post("/oauth/device", {"client_id": client["client_id"]}).json()
    browser = Browser(server)
    page = browser.sign_in(browser.look("/oauth/device"))
    assert "code that your device shows" in page.text
    page = browser.look("/oauth/device?user_code=" + begun["user_code"].lower().replace("-", " "))
    assert "connected" in browser.submit(page, choice="allow").text
    answer = server.post("/oauth/token", {"grant_type": DEVICE, "client_id": client["client_id"],
                                          "device_code": begun["device_code"]})
    assert answer.status_code == 200, answer.text


def test_a_code_by_hand(server):
    asking = Asking(server.web_client())
    back = sent_back(Browser(server).through(asking.target))
    assert back["iss"] == server.issuer and back["state"] == "st&te"
    assert asking.redeem(server, back["code"]).status_code == 200
