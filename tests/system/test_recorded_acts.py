"""Whatever writes through the routes of a room leaves its record in the audit log; a new route has to say here what it leaves."""

import json
import re
import sqlite3

import pytest
import requests

from support import tls
from support.control import Control, add_user
from support.oauth import DEVICE, PASSWORD, REDIRECT_URI, Asking, AuthorizationServer, Browser, sent_back
from support.openapi import operations
from support.wait import seconds, until

ADMIN = "the engine weaves"
OURS = re.compile(r"^/(auth|oauth|api/v1/(auth|users|roles|keys|secrets)|v1/secret|v1/transit|v1/database|v1/sys/(policy|policies|tools))(/|$)")
# Asked with POST, these say something and keep nothing that outlives a code of ten minutes.
KEEP_NOTHING = {("POST", "/oauth/introspect"), ("POST", "/oauth/userinfo"), ("POST", "/oauth/device")}
KEEP_NOTHING |= {(method, f"/v1/{place}/{tool}") for method in ("POST", "PUT") for place in ("transit", "sys/tools")
                 for tool in ("random", "random/{bytes}", "hash", "hash/{algorithm}")}
KEEP_NOTHING |= {(method, f"/v1/transit/verify/{{name}}{algorithm}") for method in ("POST", "PUT") for algorithm in ("", "/{algorithm}")}


class Walk:
    """One who does everything once, and looks at what was recorded of it."""

    def __init__(self, server):
        self.server = server
        self.gateway = server.gateway
        add_user(self.gateway.config_file, "ada", ADMIN, "admin")
        self.done = set()
        self.admin = self.sign_in("/auth/token", "ada", ADMIN)

    def records(self):
        database = self.gateway.directory / "data" / "gatehouse.db"
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return [json.loads(row[0]) for row in connection.execute("SELECT record FROM audit_records ORDER BY id")]

    def does(self, method, path, action, ask, status):
        """`ask` is answered with `status` and leaves one record, of `action`."""
        before = len(self.records())
        response = ask()
        got = response.status if hasattr(response, "status") else response.status_code
        assert got == status, (method, path, got, getattr(response, "text", response))
        new = [record["action"] for record in self.records()[before:]]
        assert new == [action], (method, path, new)
        self.done.add((method, path))
        return response

    def ask(self, method, path, body=None, fields=(), caller=None):
        return (caller or self.admin).ask(method, path, body, fields, listener="public", tls=self.tls())

    def tls(self):
        return tls.client_context(self.server.ca_file)

    def sign_in(self, path, name, password):
        login = {"username": name, "password": password}
        ask = (lambda: self.server.post(path, login)) if path == "/auth/token" else (
            lambda: self.ask("POST", path, login, caller=Control(self.gateway)))
        response = self.does("POST", path, "user.sign_in", ask, 200)
        return Control(self.gateway, token=response.json()["access_token"])


@pytest.fixture
def walk(tmp_path, tls_files, authority):
    server = AuthorizationServer(tmp_path / "gateway0", tls_files, authority)
    try:
        yield Walk(server)
    finally:
        server.close()


def users(walk):
    made = walk.does("POST", "/api/v1/users", "user.create",
                     lambda: walk.ask("POST", "/api/v1/users", {"name": "bob", "roles": ["user"]}), 201)
    user, tag = made.json(), made.get("etag")
    path = f"/api/v1/users/{user['id']}"
    walk.does("PATCH", "/api/v1/users/{user}", "user.change",
              lambda: walk.ask("PATCH", path, {"email": "bob@example.com"}, [("If-Match", tag)]), 200)
    reset = walk.does("POST", "/api/v1/users/{user}/password", "user.reset_password",
                      lambda: walk.ask("POST", path + "/password"), 200)
    login = {"username": "bob", "password": reset.json()["one_time_password"], "new_password": "correct horse of bob"}
    walk.does("POST", "/api/v1/auth/password", "user.change_password",
              lambda: walk.ask("POST", "/api/v1/auth/password", login, caller=Control(walk.gateway)), 204)
    bob = walk.sign_in("/api/v1/auth/login", "bob", login["new_password"])
    walk.does("POST", "/api/v1/auth/logout", "user.sign_out",
              lambda: walk.ask("POST", "/api/v1/auth/logout", caller=bob), 204)
    walk.does("DELETE", "/api/v1/users/{user}/tokens", "user.end_tokens",
              lambda: walk.ask("DELETE", path + "/tokens"), 204)


def roles(walk):
    role = "/api/v1/roles/auditor"
    walk.does("PUT", "/api/v1/roles/{role}", "role.put",
              lambda: walk.ask("PUT", role, {"permissions": ["audit:read", "users:read"]}), 200)
    told = walk.records()[-1]
    assert told["actor"]["subject"] == "ada" and told["object"] == {"type": "role", "id": "auditor"}
    assert told["details"] == {"permissions": "audit:read,users:read"}
    walk.does("DELETE", "/api/v1/roles/{role}", "role.remove", lambda: walk.ask("DELETE", role), 204)


def keys(walk):
    made = walk.does("POST", "/api/v1/keys", "key.create",
                     lambda: walk.ask("POST", "/api/v1/keys", {"name": "nightly", "roles": ["user"]}), 201)
    path = made.get("location")
    walk.does("POST", "/api/v1/keys/{key}/rotate", "key.rotate", lambda: walk.ask("POST", path + "/rotate"), 200)
    walk.does("DELETE", "/api/v1/keys/{key}", "key.revoke", lambda: walk.ask("DELETE", path), 200)


def oauth(walk):
    server = walk.server
    web, program = server.web_client(), server.add_client("program", "password", scopes=["users:read"])
    browser, asking = Browser(server), Asking(web)
    signing_in = browser.look(asking.target)
    page = walk.does("POST", "/oauth/authorize", "user.sign_in", lambda: browser.sign_in(signing_in), 200)
    back = walk.does("POST", "/oauth/authorize", "oauth.consent", lambda: browser.submit(page, choice="allow"), 303)
    tokens = asking.redeem(server, sent_back(back)["code"]).json()
    walk.does("POST", "/oauth/token", "user.sign_in", lambda: server.token(
        program, grant_type="password", username="ada", password=ADMIN, scope="users:read"), 200)
    walk.does("POST", "/oauth/revoke", "oauth.revoke", lambda: server.post(
        "/oauth/revoke", {"token": tokens["refresh_token"]}, web), 200)
    box = server.add_client("box", "device_code", auth="none", scopes=["openid"])
    begun = server.post("/oauth/device", {"client_id": box["client_id"]}).json()
    page = browser.look("/oauth/device?user_code=" + begun["user_code"])
    walk.does("POST", "/oauth/device/approve", "oauth.device_allow", lambda: browser.submit(page, choice="allow"), 200)
    assert server.post("/oauth/token", {"grant_type": DEVICE, "client_id": box["client_id"],
                                        "device_code": begun["device_code"]}).status_code == 200
    invitation = server.verb("invite", "--scope", "openid").strip()
    walk.does("POST", "/oauth/register", "oauth.register", lambda: requests.post(
        server.url("/oauth/register"), json={"redirect_uris": [REDIRECT_URI]}, verify=server.ca_file, timeout=seconds(20),
        headers={"Authorization": f"Bearer {invitation}"}), 201)


def secrets(walk):
    def does(method, name, action, status, body=None):
        path = f"/v1/secret/{name}/team/database"
        walk.does(method, f"/v1/secret/{name}/{{path}}", action, lambda: walk.ask(method, path, body), status)
        told = walk.records()[-1]
        assert told["actor"]["subject"] == "ada" and told["object"] == {"type": "secret", "id": "team/database"}
        return told.get("details")

    for method in ("POST", "PUT"):
        written = does(method, "data", "secret.put", 200, {"data": {"password": PASSWORD}})
    assert written == {"version": 2, "versions": 1}
    assert does("PATCH", "data", "secret.patch", 200, {"data": {"user": PASSWORD}}) == {"version": 3, "versions": 1}
    assert does("GET", "data", "secret.get", 200) == {"version": 3}
    does("DELETE", "data", "secret.delete", 204)
    for method, body in (("POST", {"versions": [1, 2]}), ("PUT", {"versions": [1]})):
        for name in ("delete", "undelete", "destroy"):
            details = does(method, name, f"secret.{name}", 204, body)
    assert details == {}  # POST has destroyed it before
    for method in ("POST", "PUT", "PATCH"):
        does(method, "metadata", "secret.configure", 204, {"custom_metadata": {"owner": "ada"}})
    does("DELETE", "metadata", "secret.forget", 204)


def transit(walk):
    def does(method, template, action, status, body=None):
        path = "/v1/transit/" + template.replace("{name}", "orders").replace("{algorithm}", "sha2-256").replace(
            "{kind}", "signing-key" if template.startswith("export") else "wrapped").replace("{version}", "latest")
        response = walk.does(method, "/v1/transit/" + template, "transit." + action, lambda: walk.ask(method, path, body), status)
        told = walk.records()[-1]
        assert told["actor"]["subject"] == "ada" and told["object"] == {"type": "transit key", "id": "orders"}
        return response.json()["data"] if response.body else None

    for method in ("POST", "PUT"):
        does(method, "keys/{name}", "create", 200, {"type": "rsa-2048", "exportable": True})
        does(method, "keys/{name}/rotate", "rotate", 200)
        does(method, "keys/{name}/config", "configure", 200,
             {"deletion_allowed": True, "min_decryption_version": 2, "min_encryption_version": 2})
        sealed = does(method, "encrypt/{name}", "encrypt", 200, {"plaintext": "cGFzc3dvcmQ="})["ciphertext"]
        for verb in ("decrypt", "rewrap"):
            does(method, verb + "/{name}", verb, 200, {"ciphertext": sealed})
        for verb in ("sign", "hmac"):
            for algorithm in ("", "/{algorithm}"):
                does(method, verb + "/{name}" + algorithm, verb, 200, {"input": "cGFzc3dvcmQ="})
        does(method, "datakey/{kind}/{name}", "data_key", 200)
        does(method, "keys/{name}/trim", "trim", 200, {"min_available_version": 2})
        for version in ("", "/{version}"):
            does("GET", "export/{kind}/{name}" + version, "export", 200)
        does("DELETE", "keys/{name}", "delete", 204)
    assert "cGFzc3dvcmQ" not in json.dumps(walk.records())


def policies(walk):
    for place in ("policies/acl", "policy"):
        path = f"/v1/sys/{place}/team"
        for method, action in (("POST", "policy.put"), ("PUT", "policy.put"), ("DELETE", "policy.delete")):
            walk.does(method, f"/v1/sys/{place}/{{name}}", action, lambda: walk.ask(
                method, path, {"policy": ""} if method != "DELETE" else None), 204)
            assert walk.records()[-1]["object"] == {"type": "policy", "id": "team"}


def rotations(walk):
    def does(method, noun, action, status, body=None, query=""):
        path = f"/api/v1/secrets/{noun}/team/rotated"
        walk.does(method, f"/api/v1/secrets/{noun}/{{path}}", action, lambda: walk.ask(method, path + query, body), status)
        told = walk.records()[-1]
        assert told["actor"]["subject"] == "ada" and told["object"] == {"type": "secret", "id": "team/rotated"}

    # Nothing comes of it by itself that would be recorded, too.
    walk.ask("POST", "/v1/secret/data/team/nowhere", {"data": {"url": "postgresql://changer@nowhere.invalid/app"}})
    does("PUT", "rotations", "secret.rotation_set", 200,
         {"generator": {"kind": "postgresql", "roles": ["a"], "connection": "vault:team/nowhere"}})
    walk.ask("POST", "/v1/secret/data/team/rotated", {"data": {"password": PASSWORD}})
    walk.ask("GET", "/v1/secret/data/team/rotated")
    until(lambda: walk.ask("GET", "/api/v1/secrets/consumers/team/rotated").json()["items"], "the read to be written down", timeout=10)
    does("DELETE", "consumers", "secret.consumer_forget", 204, query="?consumer=user:ada")
    does("POST", "rotation-runs", "secret.rotation_ask", 202, {"kind": "rotate"})
    does("DELETE", "rotations", "secret.rotation_delete", 204, query="?force=true")


def databases(walk):
    def does(method, noun, action, body=None):
        path = f"/v1/database/{noun}/app"
        walk.does(method, f"/v1/database/{noun}/{{name}}", action, lambda: walk.ask(method, path, body), 204)
        assert walk.records()[-1]["actor"]["subject"] == "ada"

    for method in ("POST", "PUT"):
        does(method, "config", "database.configure", {"plugin_name": "postgresql-database-plugin", "password": PASSWORD, "username": "changer",
                                                      "connection_url": "postgresql://{{username}}@nowhere/app", "verify_connection": False})
        does(method, "roles", "database.role_put", {"db_name": "app", "creation_statements": "CREATE ROLE \"{{name}}\""})
    does("DELETE", "roles", "database.role_remove")
    does("DELETE", "config", "database.remove")


def test_every_route_that_writes_leaves_its_record(walk):
    for part in (users, roles, keys, oauth, secrets, transit, policies, rotations, databases):
        part(walk)
    document = walk.ask("GET", "/api/v1/openapi.json").json()
    writing = {(method, path) for path, method, _ in operations(document) if method != "GET" and OURS.match(path)}
    assert {(method, path) for method, path in walk.done if method != "GET"} == writing - KEEP_NOTHING
    assert KEEP_NOTHING <= writing
    assert PASSWORD not in json.dumps(walk.records())
