"""Cross-origin requests: exact origins, preflights without credentials, and a real browser as the judge."""

import json
import shutil
import subprocess
import threading

import pytest

from support import upstream as answers
from support.gateway import api_key, public_route, run, write_config
from support.wait import seconds

ORIGIN = "http://app.test:3000"
KEY = "key-of-browser-with-a-good-length-0123456789"
ALLOWED = {"origins": [ORIGIN, "https://app.test"], "credentials": True}


@pytest.fixture
def house(start, configure, upstream):
    routes = [public_route("/api/", access={"role": "user"}, cors=ALLOWED), public_route("/any/", cors={"origins": ["*"]}), public_route()]
    return start(configure([upstream], routes, auth={"api_keys": [api_key("browser", KEY)]}))


def preflight(gateway, origin=ORIGIN, method="POST", headers="content-type, x-api-key", target="/api/x"):
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers:
        fields.append(("Access-Control-Request-Headers", headers))
    return gateway.request("OPTIONS", target, fields)


def cors_fields(response):
    return {name.lower(): value for name, value in response.fields if name.lower().startswith("access-control-")}


def varies_by_origin(response):
    return "origin" in ", ".join(response.all("vary")).lower()


def test_a_preflight_is_answered_here_without_credentials(house, upstream):
    response = preflight(house)
    assert response.status in (200, 204)
    fields = cors_fields(response)
    assert fields["access-control-allow-origin"] == ORIGIN
    assert fields["access-control-allow-credentials"] == "true"
    assert "POST" in fields["access-control-allow-methods"]
    assert {"content-type", "x-api-key"} <= {name.strip().lower() for name in fields["access-control-allow-headers"].split(",")}
    assert int(fields["access-control-max-age"]) > 0
    assert varies_by_origin(response)
    upstream.saw_nothing()


@pytest.mark.parametrize("origin", ["http://evil.test", "http://app.test", "http://app.test:3001", "https://app.test:3000",
                                    "http://app.test:3000.evil.test", "http://sub.app.test:3000", "HTTP://APP.TEST:3000", "null",
                                    "http://app.test:3000/", "http://evil.test, http://app.test:3000", "*"])
def test_other_origins_get_no_cors_fields(house, upstream, origin):
    assert cors_fields(preflight(house, origin)) == {}
    response = house.get("/api/x", [("Origin", origin), ("X-API-Key", KEY)])
    assert cors_fields(response) == {}
    assert varies_by_origin(response)


def test_a_method_or_header_not_listed_is_not_allowed(house):
    assert "TRACE" not in cors_fields(preflight(house, method="TRACE")).get("access-control-allow-methods", "")
    assert "x-evil" not in cors_fields(preflight(house, headers="x-evil")).get("access-control-allow-headers", "").lower()


def test_actual_requests_carry_the_origin_even_when_they_fail(house, upstream):
    good = house.get("/api/x", [("Origin", ORIGIN), ("X-API-Key", KEY)])
    bare = house.get("/api/x", [("Origin", ORIGIN)])
    assert (good.status, bare.status) == (200, 401)
    for response in (good, bare):
        fields = cors_fields(response)
        assert fields["access-control-allow-origin"] == ORIGIN
        assert fields["access-control-allow-credentials"] == "true"
        assert "x-request-id" in fields["access-control-expose-headers"].lower()
        assert varies_by_origin(response)


def test_an_upstreams_own_cors_fields_do_not_mix_in(house, upstream):
    upstream.answer = answers.normal(fields=[("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true"),
                                            ("Vary", "Accept")])
    for origin in (ORIGIN, "http://evil.test"):
        response = house.get("/api/x", [("Origin", origin), ("X-API-Key", KEY)])
        allowed = response.all("access-control-allow-origin")
        assert allowed == ([ORIGIN] if origin == ORIGIN else [])
        assert "accept" in ", ".join(response.all("vary")).lower()


def test_a_wildcard_is_said_as_such(house):
    response = house.get("/any/x", [("Origin", "http://whoever.test")])
    assert cors_fields(response)["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in cors_fields(response)


def test_routes_without_cors_leave_options_to_the_upstream(house, upstream):
    response = preflight(house, target="/other")
    assert response.status == 200 and cors_fields(response) == {}
    assert upstream.one_request().method == "OPTIONS"


def test_a_wildcard_with_credentials_is_refused_at_start(configure, upstream, tmp_path):
    config = configure([upstream], [public_route(cors={"origins": ["*"], "credentials": True})])
    path = tmp_path / "bad.yaml"
    write_config(path, config)
    for verb in (("config", "check", path), ("serve", "--config", path)):
        done = run(*verb)
        assert done.returncode == 2
        assert "cors" in done.stdout + done.stderr and "credentials" in done.stdout + done.stderr


def test_preflights_are_limited_by_address_and_a_page_can_read_the_429(start, configure, upstream):
    limit = [{"requests": 3, "per": "1m", "by": "client_ip"}]
    gateway = start(configure([upstream], [public_route("/api/", cors=ALLOWED, rate_limit=limit)]))
    assert [preflight(gateway).status for _ in range(5)] == [204, 204, 204, 429, 429]
    refused = gateway.get("/api/x", [("Origin", ORIGIN)])
    assert refused.status == 429 and int(refused.get("retry-after")) > 0
    fields = cors_fields(refused)
    assert fields["access-control-allow-origin"] == ORIGIN
    assert "retry-after" in fields["access-control-expose-headers"].lower()
    upstream.saw_nothing()


# --- the browser ----------------------------------------------------------------------------------------------------

PAGE = """<!doctype html><script>
const GATEWAY = %s, KEY = %s;
const ask = async (name, path, options) => {
  try {
    const answer = await fetch(GATEWAY + path, options);
    return [name, answer.status, answer.headers.get('x-request-id') !== null, (await answer.text()).length > 0];
  } catch (problem) { return [name, 'blocked']; }
};
(async () => {
  const key = {'X-API-Key': KEY, 'Content-Type': 'application/json'};
  const results = await Promise.all([
    ask('get', '/api/x', {headers: {'X-API-Key': KEY}}),
    ask('post', '/api/x', {method: 'POST', headers: key, body: '{}', credentials: 'include'}),
    ask('delete', '/api/x', {method: 'DELETE', headers: key}),
    ask('no key', '/api/x', {credentials: 'include'}),
    ask('header not listed', '/api/x', {headers: {'X-API-Key': KEY, 'X-Evil': '1'}}),
    ask('any', '/any/x', {}),
    ask('any with credentials', '/any/x', {credentials: 'include'}),
    ask('route without cors', '/other', {}),
  ]);
  await fetch('/result', {method: 'POST', body: JSON.stringify(results)});
})();
</script>"""


class Browser:
    """Opens a page of a site of its own and returns what its script reports."""

    def __init__(self, upstream, directory):
        self.site, self.directory = upstream, directory

    def visit(self, origin, page):
        reported, done = [], threading.Event()

        def result(connection, request):
            reported.append(json.loads(connection.read_body()))
            connection.send(answers.encode(204))
            done.set()
        self.site.on("/page", answers.normal(body=page.encode(), fields=[("Content-Type", "text/html")]))
        self.site.on("/result", result)
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        assert program, "chromium is missing: tools/setup test installs it"
        with (self.directory / "chromium.log").open("wb") as log:
            process = subprocess.Popen(
                [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
                 f"--user-data-dir={self.directory / 'profile'}", f"{origin}/page"], stdout=log, stderr=log)
            try:
                assert done.wait(seconds(40)), (self.directory / "chromium.log").read_text()[-3000:]
            finally:
                process.terminate()
                process.wait()
        return {name: tuple(rest) for name, *rest in reported[0]}


@pytest.fixture
def browser(make_upstream, tmp_path):
    return Browser(make_upstream(name="site"), tmp_path)


@pytest.mark.parametrize("listed", [True, False])
def test_a_browser_agrees(start, configure, upstream, browser, listed):
    origin = f"http://localhost:{browser.site.port}"
    allowed = {"origins": [origin if listed else "http://someone-else.test"], "credentials": True}
    routes = [public_route("/api/", access={"role": "user"}, cors=allowed), public_route("/any/", cors={"origins": ["*"]}), public_route()]
    gateway = start(configure([upstream], routes, auth={"api_keys": [api_key("browser", KEY)]}))
    page = PAGE % (json.dumps(f"http://127.0.0.1:{gateway.port('plain')}"), json.dumps(KEY))
    got = browser.visit(origin, page)
    served, blocked = (200, True, True), ("blocked",)
    assert got == {
        "get": served if listed else blocked, "post": served if listed else blocked, "delete": served if listed else blocked,
        "no key": (401, True, True) if listed else blocked, "header not listed": blocked,
        "any": got["any"], "any with credentials": blocked, "route without cors": blocked,
    }
    assert got["any"][0] == 200
    posts = [request for request in upstream.requests if request.method in ("POST", "DELETE")]
    assert len(posts) == (2 if listed else 0), "what the preflight does not allow is never sent"
