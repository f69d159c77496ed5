"""The control plane's own API: what its OpenAPI document lists is what answers, and nobody passes who may not."""

import time

import pytest

from support import openapi
from support.gateway import Gatehouse, api_key, basic_config, run, write_config
from support.upstream import Upstream

KEYS = {role: f"key-of-{role}-long-enough-0123456789abcdef" for role in ("guest", "user", "manager", "admin", "scrape")}
PUBLIC = {("GET", path) for path in ("/health", "/health/live", "/health/ready", "/api/system/health",
                                     "/api/v1/openapi.json", "/auth/status")}
PUBLIC |= {("GET", f"/.well-known/{name}") for name in (
    "jwks.json", "oauth-authorization-server", "oauth-protected-resource", "openid-configuration")}
# What certificates are judged by.
PUBLIC |= {("GET", f"/pki/{name}") for name in ("ca.pem", "crl", "issuer.crt", "root.crl")} | {("POST", "/pki/ocsp"), ("GET", "/pki/ocsp/{request}")}
# Where names and passwords, and tokens that are good once, are told: 400 and 415 for what tells none.
PUBLIC |= {("POST", path) for path in ("/pki/enrol", "/api/v1/agents/enrol", "/api/v1/agents/refresh", "/auth/token", "/api/v1/auth/login", "/api/v1/auth/password")}
# Answers that have no end: test_bus and test_bus_socket read them.
STREAMS = {"/api/v1/messages/stream", "/api/v1/messages/socket"}
# Whoever is known may ask, for it is about what is his own: what a guest gets who has nothing.
KNOWN = {("GET", "/auth/me"): 200, ("POST", "/api/v1/auth/logout"): 409, ("POST", "/api/v1/keys"): 400,
         ("GET", "/api/v1/keys"): 403, ("POST", "/pki/renew"): 403, ("GET", "/api/v1/agents/self"): 403,
         ("POST", "/api/v1/agents/{agent}/heartbeat"): 403, ("POST", "/api/v1/threats"): 403, ("POST", "/api/v1/plans/claim"): 403,
         **{("POST", f"/api/v1/plans/{{plan}}/steps/{{step}}/{verb}"): 403 for verb in ("heartbeat", "complete", "fail")}} | {(method, "/api/v1/keys/{key}" + more): 404 for method, more in (
             ("GET", ""), ("DELETE", ""), ("POST", "/rotate"))}
# OAuth's own paths, asked by who shows nothing and says nothing: who it is (401), which client and what form (400), or a
# page where a code is typed. A path that is not here is not known to be guarded.
OAUTH = {("GET", "/oauth/authorize"): 400, ("POST", "/oauth/authorize"): 400, ("GET", "/oauth/device"): 200,
         ("POST", "/oauth/device/approve"): 400} | {(method, f"/oauth/{name}"): 401 for method, name in (
             ("POST", "device"), ("POST", "introspect"), ("POST", "register"), ("POST", "revoke"), ("POST", "token"),
             ("GET", "userinfo"), ("POST", "userinfo"))}
# Those of KV stores have one word for all who may not.
KV = {(method, f"/v1/secret/{name}/{{path}}"): 403 for name, methods in (
    ("data", ("GET", "POST", "PUT", "PATCH", "DELETE")), ("metadata", ("GET", "POST", "PUT", "PATCH", "DELETE")),
    *((verb, ("POST", "PUT")) for verb in ("delete", "undelete", "destroy"))) for method in methods}
KV |= {("GET", "/v1/secret/metadata"): 403, ("GET", "/v1/secret/metadata/"): 403,
       ("GET", "/v1/auth/token/lookup-self"): 403, ("POST", "/v1/sys/capabilities-self"): 403, ("GET", "/v1/sys/health"): 200}
KV |= {("GET", "/v1/sys/init"): 200, ("GET", "/v1/sys/seal-status"): 200, ("GET", "/v1/sys/leader"): 200, ("GET", "/v1/sys/mounts"): 403,
       ("GET", "/v1/sys/internal/ui/mounts/{path}"): 403}
KV |= {("GET", f"/v1/sys/{policies}{end}"): 403 for policies in ("policies/acl", "policy") for end in ("", "/")}
KV |= {(method, f"/v1/sys/{policies}/{{name}}"): 403 for policies in ("policies/acl", "policy")
       for method in ("GET", "POST", "PUT", "DELETE")}
TRANSIT = [f"transit/{verb}/{{name}}" for verb in ("encrypt", "decrypt", "rewrap", "sign", "verify", "hmac", "datakey/{kind}")] + [
    f"transit/{verb}/{{name}}/{{algorithm}}" for verb in ("sign", "verify", "hmac")] + [
    f"{place}/{tool}" for place in ("transit", "sys/tools") for tool in ("random", "random/{bytes}", "hash", "hash/{algorithm}")] + [
    f"transit/keys/{{name}}{verb}" for verb in ("", "/config", "/rotate", "/trim")]
KV |= {(method, f"/v1/{path}"): 403 for path in TRANSIT for method in ("POST", "PUT")}
KV |= {("GET", f"/v1/transit/{path}"): 403 for path in ("keys", "keys/", "keys/{name}", "export/{kind}/{name}", "export/{kind}/{name}/{version}")}
KV |= {("DELETE", "/v1/transit/keys/{name}"): 403}
TOKENS = ("create", "create-orphan", *(f"{act}{by}" for act in ("lookup", "renew", "revoke") for by in ("", "-self", "-accessor")), "revoke-orphan")
KV |= {(method, f"/v1/auth/token/{name}"): 403 for name in TOKENS for method in ("POST", "PUT")}
KV |= {("GET", f"/v1/auth/token/accessors{end}"): 403 for end in ("", "/")}
KV |= {("GET", f"/v1/database/{noun}{end}"): 403 for noun in ("config", "roles") for end in ("", "/")} | {("GET", "/v1/database/creds/{name}"): 403}
KV |= {(method, f"/v1/database/{noun}/{{name}}"): 403 for noun in ("config", "roles") for method in ("GET", "POST", "PUT", "DELETE")}
KV |= {(method, f"/v1/sys/leases/{act}"): 403 for act in ("lookup", "renew", "revoke", "revoke-prefix/{path}") for method in ("POST", "PUT")}
KV |= {("GET", "/v1/sys/leases/lookup/{path}"): 403}
# A wrapped answer is for whoever holds its token, and none is held here.
KV |= {(method, f"/v1/sys/wrapping/{act}"): 403 if act == "wrap" else 400
       for act in ("wrap", "unwrap", "lookup", "rewrap") for method in ("POST", "PUT")}
DOCUMENT = "/api/v1/openapi.json"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    directory = tmp_path_factory.mktemp("api")
    backend = Upstream()
    config = basic_config(directory, [backend], limits={"body_idle_timeout": "1s"}, auth={"api_keys": [
        api_key(role, KEYS[role], [role]) for role in ("guest", "user", "manager", "admin")
    ] + [api_key("scrape", KEYS["scrape"], [], scopes=["metrics:read"])]})
    config["listeners"][0]["serve"] = ["gateway", "api"]
    gateway = Gatehouse(directory, config)
    yield gateway, backend
    gateway.close()
    backend.stop()


@pytest.fixture(scope="module")
def document(house):
    return house[0].get(DOCUMENT).json()


def by_its_protocol(path):
    """OAuth's own paths ask clients in OAuth's own ways, and so do those of KV stores; test_oauth_* and test_kv knock there."""
    return path.startswith(("/oauth/", "/v1/"))


def ask(house, method, path, role=None, fields=(), **options):
    credential = [("X-API-Key", KEYS[role])] if role else []
    return house[0].request(method, path, [*credential, *fields], **options)


def filled(path):
    """A path of the template; what takes time takes little."""
    return path.replace("{", "any-").replace("}", "") + ("?seconds=1" if path == "/api/v1/profiles/cpu" else "")


def test_the_document_is_openapi_3_1(document):
    openapi.judge(document)
    assert "/system/info" in document["paths"] and DOCUMENT in document["paths"]


def test_who_shows_nothing_gets_401_from_all_but_the_public_list(house, document):
    public, told = set(), {}
    for path, method, operation in openapi.operations(document):
        response = ask(house, method, filled(path))
        if by_its_protocol(path):
            told[method, path] = response.status
            continue
        if response.status == 401:
            assert response.all("www-authenticate") == ["Bearer"]
            assert operation["security"], path
            openapi.validate_answer(document, operation, response)
        else:
            assert operation["security"] == [], path
            public.add((method, path))
    assert public == PUBLIC
    assert told == OAUTH | KV


def test_who_shows_too_little_gets_403(house, document):
    known = {}
    for path, method, operation in openapi.operations(document):
        response = ask(house, method, filled(path), "guest")
        if any(wanted for scheme in operation["security"] for wanted in scheme.values()):
            assert response.status == 403, (method, path, response)
            openapi.validate_answer(document, operation, response)
        elif operation["security"] and not by_its_protocol(path):
            known[method, path] = response.status
    assert known == KNOWN


def test_what_is_listed_is_what_is_served(house, document):
    seen = len(house[1].requests)
    for path, item in document["paths"].items():
        listed = {method.upper() for method in item}
        allowed = listed | ({"HEAD"} if "GET" in listed else set())
        if path.startswith(("/v1/secret/metadata", "/v1/sys/leases/lookup/")) or path.rstrip("/") in (
                "/v1/sys/policies/acl", "/v1/sys/policy", "/v1/transit/keys", "/v1/auth/token/accessors", "/v1/database/config",
                "/v1/database/roles"):
            allowed.add("LIST")  # for which OpenAPI has no place
        for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - listed:
            response = ask(house, method, filled(path), "admin")
            assert response.status == 405, (method, path, response)
            assert set(response.get("allow").split(", ")) == allowed
        for method in listed - ({"GET"} if path in STREAMS else set()):
            response = ask(house, method, filled(path), "admin")
            assert response.status != 501, (method, path)
            assert b'"code":"route.' not in response.body, (method, path, response)
    assert len(house[1].requests) == seen  # a path of ours never goes on to a backend


def test_answers_are_what_the_document_says(house, document):
    for path, method, operation in openapi.operations(document):
        # What is for agents alone test_agents asks as one.
        if method == "GET" and "{" not in path and not by_its_protocol(path) and path not in STREAMS | {"/api/v1/agents/self"}:
            response = ask(house, method, filled(path), "admin")
            assert response.status == 200, (path, response)
            openapi.validate_answer(document, operation, response)


def test_the_document_is_fetched_again_only_when_it_changed(house):
    first = ask(house, "GET", DOCUMENT)
    etag = first.get("etag")
    assert first.get("cache-control") == "no-cache"
    again = ask(house, "GET", DOCUMENT, fields=[("If-None-Match", f'"other", W/{etag}')])
    assert again.status == 304 and again.body == b"" and again.get("etag") == etag
    assert again.get("content-type") is None
    assert ask(house, "GET", DOCUMENT, fields=[("If-None-Match", '"other"')]).status == 200
    assert ask(house, "GET", DOCUMENT, fields=[("If-Match", '"other"')]).status == 412
    assert ask(house, "GET", DOCUMENT, fields=[("If-None-Match", "other")]).status == 400


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("guest", 403), ("user", 403), ("manager", 200),
                                              ("admin", 200), ("scrape", 200)])
def test_metrics_want_a_permission_where_only_the_api_is_served(house, role, status):
    response = ask(house, "GET", "/metrics", role)
    assert response.status == status
    assert (b"http_requests_total" in response.body) == (status == 200)


def test_a_key_for_one_thing_is_for_nothing_else(house):
    assert ask(house, "GET", "/system/info", "scrape").status == 403
    assert ask(house, "GET", "/system/info", "user").status == 200


def test_metrics_and_log_name_the_template(house):
    ask(house, "GET", "/system/info?token=abc", "user")
    assert house[0].metric("http_requests_total", handler="/system/info", status=200) >= 1


def test_a_body_nobody_asked_for_is_refused(house):
    refused = ask(house, "GET", "/system/info", "user", body=b"{}")
    assert refused.status == 415 and refused.json()["code"] == "body.unexpected"
    assert refused.get("content-type") == "application/problem+json"
    assert refused.json()["request_id"] == refused.get("x-request-id")


def test_a_body_that_does_not_come_is_given_up(house):
    with house[0].connect() as client:
        client.send(b"GET /system/info HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + KEYS["user"].encode() +
                    b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        begun = time.monotonic()
        answer = client.read_response()
        assert answer.status == 408 and answer.json()["code"] == "http.body_timeout"
        assert time.monotonic() - begun < 9


def test_paths_below_ours_that_are_not_ours_go_on(house):
    seen = len(house[1].requests)
    assert ask(house, "GET", "/api/v1/other").status == 200
    assert len(house[1].requests) == seen + 1


def test_health_alone_wants_no_credentials_on_loopback(house):
    """`api` does, wherever it is: whatever runs here, or is made to ask by a stranger, is no operator for that."""
    assert house[0].get("/system/info", listener="admin").status == 200
    assert house[0].get("/system/info").status == 401
    assert house[0].get(DOCUMENT, listener="admin").status == 404


def test_config_check_names_what_the_api_shadows(tmp_path):
    config = basic_config(tmp_path, [{"name": "backend", "endpoints": ["http://127.0.0.1:1"]}])
    config["listeners"][0]["serve"] = ["gateway", "api"]
    write_config(tmp_path / "c.yaml", config)
    done = run("config", "check", tmp_path / "c.yaml")
    assert done.returncode == 0 and DOCUMENT in done.stdout + done.stderr
    config["listeners"][0]["bind"] = "[::]:8443"
    config["listeners"][0]["serve"] = ["api"]
    write_config(tmp_path / "c.yaml", config)
    done = run("config", "check", tmp_path / "c.yaml")
    assert done.returncode == 2 and "without encryption" in done.stderr
