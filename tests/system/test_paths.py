"""One spelling for one resource: what is protected under one path is not reachable by writing it otherwise."""

import pytest

from support import upstream as answers
from support.gateway import Gatehouse, basic_config, public_route

# Every one of them means, or could be made to mean, /admin/users or another path under /admin.
REFUSED = [
    "/public/..%2fadmin/users", "/public/..%2Fadmin/users", "/public%2f..%2fadmin/users", "/admin%2fusers",
    "/%2fadmin/users", "/public/%2e%2e%2fadmin/users", "/public/..%5cadmin/users", "/public\\..\\admin\\users",
    "/admin%5cusers", "/admin%00/users", "/public/%00/../admin/users", "/admin/users%00.png",
    "/%", "/%4", "/%zz/admin", "/admin%", "/admin/%g1", "/%u0061dmin/users",
]
JUDGED_AS_ADMIN = [
    "/admin/users", "/admin/", "/%61dmin/users", "/%61%64%6d%69%6e/users", "/public/../admin/users",
    "/public/%2e%2e/admin/users", "/public/%2E%2E/admin/users", "/public/.%2e/admin/users", "/public/%2e./admin/users",
    "/./admin/users", "/%2e/admin/users", "/public/./../admin/users", "/public/x/../../admin/users",
    "/../admin/users", "/../../admin/users", "/admin/./users", "/public/..//../admin/users", "/admin/users?x=/public/",
]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    directory = tmp_path_factory.mktemp("paths")
    backend = answers.Upstream()
    routes = [
        {"match": {"path_prefix": "/admin"}, "upstream": "backend", "access": {"role": "admin"}},
        public_route("/public/"), public_route("/other/"), public_route("/files/", allow_encoded_slash=True),
    ]
    gateway = Gatehouse(directory, basic_config(directory, [backend], routes))
    yield gateway, backend
    gateway.close()
    backend.stop()


def ask(house, target):
    """(response, targets the upstream saw for it)"""
    gateway, backend = house
    before = len(backend.requests)
    response = gateway.get(target)
    return response, [request.target for request in backend.requests[before:]]


@pytest.mark.parametrize("target", REFUSED)
def test_a_path_that_can_be_read_two_ways_gets_400(house, target):
    response, seen = ask(house, target)
    assert (response.status, seen) == (400, [])


@pytest.mark.parametrize("target", JUDGED_AS_ADMIN)
def test_every_spelling_of_a_protected_path_is_protected(house, target):
    response, seen = ask(house, target)
    assert response.status in (400, 401), "neither refused nor asked for credentials"
    assert seen == []


@pytest.mark.parametrize("target", [
    "//admin/users", "///admin/users", "/public/%252e%252e/admin/users", "/public/..;/admin/users", "/public/;/../../admin/x",
    "/admin;/users", "/admin;x=y/users", "/public/%252fadmin", "/ADMIN/users", "/Admin/users", "/admi%6E/users",
    "/admin%20/users", "/admin%09/users", "/admin%3b/users", "/admin%2e/users", "/admin./users", "/public/.../admin/users",
    "/public/x;/../../admin", "/public/a;b=c,d", "/%c0%af/admin", "/public/%c0%ae%c0%ae/admin/users", "/%ef%bc%8fadmin/users",
])
def test_whatever_passes_cannot_become_the_protected_path_behind(house, target):
    """Served or refused, the upstream is only told a path that no decoding step of RFC 3986 turns into /admin."""
    response, seen = ask(house, target)
    assert response.status in (200, 400, 401, 404), response
    for path in seen:
        judged = path.split("?")[0]
        assert judged.startswith(("/public/", "/other/", "/files/"))
        assert "/../" not in judged and "/./" not in judged and "%2e" not in judged.lower()


@pytest.mark.parametrize("sent, judged", [
    ("/public/a", "/public/a"), ("/public/a/../b", "/public/b"), ("/public/./b", "/public/b"), ("/public/%7eme", "/public/~me"),
    ("/public/%41%2d%5F", "/public/A-_"), ("/public/%c3%a9", "/public/%C3%A9"), ("/public/a%20b", "/public/a%20b"),
    ("/public/a%3fb", "/public/a%3Fb"), ("/public/a%25b", "/public/a%25b"), ("/public/a,b=c", "/public/a,b=c"), ("/public//a///b", "/public/a/b"),
    ("/public/a/.", "/public/a/"), ("/public/a/b/..", "/public/a/"), ("/other/../public/z", "/public/z"),
    ("/public/%252e%252e/x", "/public/%252e%252e/x"),
])
def test_the_upstream_gets_exactly_the_path_that_was_judged(house, sent, judged):
    response, seen = ask(house, sent)
    assert (response.status, seen) == (200, [judged])


@pytest.mark.parametrize("query", ["a=1&b=%2f", "x=/../admin", "%00=%zz", "a=b?c", "", "a=%c3%a9+b"])
def test_a_query_is_passed_on_as_it_came(house, query):
    response, seen = ask(house, f"/public/q?{query}")
    if response.status == 400:
        assert seen == []
    else:
        assert seen == [f"/public/q?{query}"]


def test_an_ordinary_query_is_never_refused(house):
    assert ask(house, "/public/q?a=1&b=%2f..%2f&c=x+y%20z")[1] == ["/public/q?a=1&b=%2f..%2f&c=x+y%20z"]


def test_a_route_may_allow_encoded_slashes_by_name(house):
    assert ask(house, "/files/a%2Fb")[1] == ["/files/a%2Fb"]
    assert ask(house, "/public/a%2Fb")[0].status == 400


def test_an_encoded_slash_never_leaves_the_route_that_allows_it(house):
    for target in ("/files/..%2fadmin/users", "/files/%2e%2e%2fadmin/users", "/files/..%2f..%2fadmin"):
        response, seen = ask(house, target)
        assert response.status == 400, (target, seen)


def test_a_prefix_with_a_slash_is_not_its_name_without(house):
    assert ask(house, "/publicity")[0].status == 404
    assert ask(house, "/public")[0].status == 404
    assert ask(house, "/administrator")[0].status == 404
    assert ask(house, "/admin")[0].status == 401


def test_an_absolute_target_is_judged_by_its_path(house):
    assert ask(house, "http://localhost/admin/users")[0].status == 401
    assert ask(house, "http://localhost/public/../admin/users")[0].status in (400, 401)
    assert ask(house, "http://localhost/public/a")[1] == ["/public/a"]


def test_asterisk_form_asks_the_gateway_itself_and_belongs_to_options_alone(house):
    gateway, backend = house
    before = len(backend.requests)
    for method in ("GET", "HEAD", "POST", "TRACE"):
        assert gateway.request(method, "*").status == 400
    with gateway.connect() as client:
        answer = client.request("OPTIONS", "*")
        assert (answer.status, answer.body) == (204, b"")
        assert {"GET", "OPTIONS"} <= set(answer.get("allow").split(", ")) and "TRACE" not in answer.get("allow")
        assert answer.get("x-request-id") and answer.get("x-content-type-options") == "nosniff"
        assert client.request("OPTIONS", "http://localhost").status == 204, "the same, written out"
        assert client.request("OPTIONS", "*", host="evil.test").status == 421
    assert backend.requests[before:] == []
