"""The encrypted side: versions, names, client certificates, resumption, renewal, redirects, security headers."""

import shutil
import socket
import ssl
import subprocess

import pytest

from support import raw, tls
from support import upstream as answers
from support.gateway import public_route
from support.ports import free_port
from support.wait import seconds, until

PROTECTED = [{"match": {"path_prefix": "/cert/"}, "upstream": "backend", "access": {"client_certificate": True}}, public_route()]


def context(authority, low, high, ciphers=None):
    made = authority.client_context()
    made.minimum_version, made.maximum_version = low, high
    if ciphers:
        made.set_ciphers(ciphers)
    return made


def handshakes(gateway, client_context, **options):
    try:
        with gateway.connect("public", tls=client_context, **options) as client:
            return client.request("GET", "/").status == 200
    except (ssl.SSLError, ConnectionError, raw.Closed):
        return False


def test_versions_from_1_2_on(start, configure, upstream, tls_files, authority):
    gateway = start(configure([upstream], tls=tls_files))
    versions = ssl.TLSVersion
    assert handshakes(gateway, context(authority, versions.TLSv1_2, versions.TLSv1_2))
    assert handshakes(gateway, context(authority, versions.TLSv1_3, versions.TLSv1_3))
    for flag in ("-tls1", "-tls1_1"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port('public')}", flag,
                               "-cipher", "ALL:@SECLEVEL=0"], input=b"", capture_output=True, timeout=seconds(10), check=False)
        assert done.returncode != 0


def test_tls_1_2_has_only_aead_with_forward_secrecy(start, configure, upstream, tls_files, authority):
    gateway = start(configure([upstream], tls=tls_files))
    only = ssl.TLSVersion.TLSv1_2
    assert handshakes(gateway, context(authority, only, only, "ECDHE-ECDSA-AES128-GCM-SHA256"))
    for weak in ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256", "AES128-SHA"):
        assert not handshakes(gateway, context(authority, only, only, weak)), weak


def test_min_version_1_3_refuses_1_2(start, configure, upstream, tls_files, authority):
    gateway = start(configure([upstream], tls=tls_files | {"min_version": "1.3"}))
    versions = ssl.TLSVersion
    assert handshakes(gateway, context(authority, versions.TLSv1_3, versions.TLSv1_3))
    assert not handshakes(gateway, context(authority, versions.TLSv1_2, versions.TLSv1_2))


@pytest.mark.parametrize("offered, chosen", [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), (("http/1.1", "h2"), "h2"),
                                             ((), None)])
def test_alpn(start, configure, upstream, tls_files, authority, offered, chosen):
    gateway = start(configure([upstream], tls=tls_files))
    with gateway.connect("public", tls=authority.client_context(alpn=offered)) as client:
        assert client.socket.selected_alpn_protocol() == chosen
        if chosen != "h2":
            assert client.request("GET", "/").status == 200


def test_an_unknown_protocol_is_refused(start, configure, upstream, tls_files, authority):
    gateway = start(configure([upstream], tls=tls_files))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gateway.connect("public", tls=authority.client_context(alpn=("spdy/1",)))


def test_plain_http_on_a_tls_port_is_no_way_in(start, configure, upstream, tls_files):
    gateway = start(configure([upstream], tls=tls_files))
    with gateway.connect("public") as client:
        client.send(raw.encode_request("GET", "/"))
        assert b" 200 " not in client.read_to_end()
    upstream.saw_nothing()


def test_the_certificate_is_chosen_by_name(start, configure, upstream, authority):
    pairs = [authority.issue("first", ("first.test", "localhost")), authority.issue("second", ("second.test", "*.wild.test"))]
    files = [{"cert_file": str(certificate), "key_file": str(key)} for certificate, key in pairs]
    gateway = start(configure([upstream], tls={"certificate": files}))

    def names(server_name):
        with gateway.connect("public", tls=authority.client_context(), server_name=server_name) as client:
            return {value for _, value in client.socket.getpeercert()["subjectAltName"]}
    assert "first.test" in names("first.test")
    assert "second.test" in names("second.test")
    assert "second.test" in names("a.wild.test")
    lax = authority.client_context()
    lax.check_hostname = False
    with gateway.connect("public", tls=lax, server_name="unknown.test") as client:
        assert "first.test" in {value for _, value in client.socket.getpeercert()["subjectAltName"]}


@pytest.mark.parametrize("mode, bare, good, stranger", [
    ("none", True, True, True), ("optional", True, True, False), ("required", False, True, False)])
def test_client_certificates(start, configure, upstream, tls_files, authority, tmp_path, mode, bare, good, stranger):
    client = authority.issue("client", (), common_name="agent-7", client=True)
    other = tls.Authority(tmp_path / "other").issue("stranger", (), client=True)
    settings = tls_files | {"client_certificate": mode, "client_ca_file": str(authority.certificate)}
    if mode == "none":
        del settings["client_ca_file"]
    gateway = start(configure([upstream], tls=settings))
    assert handshakes(gateway, authority.client_context()) == bare
    assert handshakes(gateway, authority.client_context(client)) == good
    assert handshakes(gateway, authority.client_context(other)) == stranger


def test_a_certificate_is_an_identity_where_a_route_wants_one(start, configure, upstream, tls_files, authority):
    client = authority.issue("client", (), common_name="agent-7", client=True)
    server = authority.issue("posing", ("localhost",))
    settings = tls_files | {"client_certificate": "optional", "client_ca_file": str(authority.certificate)}
    gateway = start(configure([upstream], PROTECTED, tls=settings))
    assert gateway.get("/cert/x", listener="public", tls=authority.client_context()).status == 401
    assert not handshakes(gateway, authority.client_context(server)), "a server's certificate identifies no client"
    assert gateway.get("/cert/x", listener="public", tls=authority.client_context(client)).status == 200
    request = upstream.one_request()
    assert request.get("x-gatehouse-subject") == "agent-7"
    assert request.get("x-gatehouse-principal-type") == "certificate"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_resume_on_every_worker(start, configure, upstream, tls_files, authority, version):
    gateway = start(configure([upstream], tls=tls_files, workers=2))
    client_context = context(authority, version, version)

    def visit(session=None):
        plain = socket.create_connection(("127.0.0.1", gateway.port("public")), seconds(5))
        with client_context.wrap_socket(plain, server_hostname="localhost", session=session) as client:
            client.sendall(raw.encode_request("GET", "/"))
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
            return client.session, client.session_reused
    session, _ = visit()
    assert session.has_ticket
    assert [visit(session)[1] for _ in range(8)] == [True] * 8


@pytest.fixture
def renewable(authority, tmp_path):
    """(the pair a listener uses, a function that puts another in its place)"""
    certificate, key = tmp_path / "live.pem", tmp_path / "live.key"

    def install(pair, only=None):
        for source, target in zip(pair, (certificate, key)):
            if only in (None, target.suffix):
                new = target.with_suffix(target.suffix + ".new")
                shutil.copy(source, new)
                new.rename(target)
    install(authority.issue("live1"))
    return {"certificate": {"cert_file": str(certificate), "key_file": str(key)}}, install


def serial(gateway, authority):
    with gateway.connect("public", tls=authority.client_context()) as client:
        return tls.serial_of(client.socket.getpeercert(binary_form=True))


def test_replaced_certificate_files_are_used_without_a_reload(start, configure, upstream, authority, renewable):
    settings, install = renewable
    gateway = start(configure([upstream], tls=settings))
    old = serial(gateway, authority)
    with gateway.connect("public", tls=authority.client_context()) as running:
        assert running.request("GET", "/").status == 200
        install(authority.issue("live2"))
        until(lambda: serial(gateway, authority) != old, "the new certificate", timeout=15)
        assert running.request("GET", "/").status == 200, "what runs goes on"


def test_half_of_a_pair_keeps_the_old_certificate(start, configure, upstream, authority, renewable):
    settings, install = renewable
    gateway = start(configure([upstream], tls=settings))
    old = serial(gateway, authority)
    pair = authority.issue("live3")
    install(pair, only=".pem")
    for _ in range(30):
        assert serial(gateway, authority) == old
    install(pair, only=".key")
    until(lambda: serial(gateway, authority) != old, "the new pair", timeout=15)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\ngarbage", b"\0" * 100])
def test_a_broken_certificate_file_keeps_the_old_certificate(start, configure, upstream, authority, renewable, content, tmp_path):
    settings, install = renewable
    gateway = start(configure([upstream], tls=settings))
    old = serial(gateway, authority)
    (tmp_path / "live.pem").write_bytes(content)
    for _ in range(30):
        assert serial(gateway, authority) == old
    install(authority.issue("live4"))
    until(lambda: serial(gateway, authority) != old, "the repaired pair", timeout=15)


# --- what answers carry ---------------------------------------------------------------------------------------------

def redirecting(configure, upstream, tls_files, **options):
    config = configure([upstream], tls=tls_files, **options)
    port = free_port()
    config["listeners"].append({"name": "redirect", "bind": f"127.0.0.1:{port}", "redirect_to": "public"})
    return config


@pytest.mark.parametrize("target", ["/", "/api/system/health", "/a/b?c=d&e=%2f", "/?x", "/a%20b"])
def test_the_plain_port_redirects_with_path_and_query(start, configure, upstream, tls_files, target):
    gateway = start(redirecting(configure, upstream, tls_files))
    response = gateway.get(target, listener="redirect", host="localhost:8080")
    assert response.status == 301
    assert response.get("location") == f"https://localhost:{gateway.port('public')}{target}"
    assert response.get("strict-transport-security") is None
    assert response.get("x-content-type-options") == "nosniff" and response.get("x-request-id")
    upstream.saw_nothing()


def test_a_redirect_goes_to_no_foreign_host(start, configure, upstream, tls_files):
    gateway = start(redirecting(configure, upstream, tls_files))
    for host in ("evil.test", "evil.test:80", "localhost.evil.test"):
        response = gateway.get("/", listener="redirect", host=host)
        assert response.status == 421 and response.get("location") is None
    response = gateway.get("//evil.test/x", listener="redirect")
    assert response.status in (301, 400)
    assert (response.get("location") or "https://localhost").startswith("https://localhost")


HSTS = "strict-transport-security"


def test_hsts_is_exact_on_every_https_answer_and_never_on_http(start, configure, upstream, tls_files, authority):
    upstream.on("/404", answers.normal(404)).on("/302", answers.normal(302, fields=[("Location", "/")]))
    upstream.on("/500", answers.normal(500)).on("/own", answers.normal(fields=[("Strict-Transport-Security", "max-age=0")]))
    config = configure([upstream], tls=tls_files)
    config["listeners"][-1]["hsts"] = {"max_age": "365d", "include_subdomains": True, "preload": True}
    gateway = start(config)
    client = {"listener": "public", "tls": authority.client_context()}
    for target, host in (("/", "localhost"), ("/404", "localhost"), ("/302", "localhost"), ("/500", "localhost"),
                         ("/own", "localhost"), ("/x", "evil.test"), ("/%zz", "localhost"), ("/%2f", "localhost")):
        response = gateway.get(target, host=host, **client)
        assert response.all(HSTS) == ["max-age=31536000; includeSubDomains; preload"], (target, response.status)
    for target in ("/", "/own", "/500", "/%zz"):
        assert gateway.get(target).all(HSTS) == []


@pytest.mark.parametrize("hsts, value", [
    (None, "max-age=31536000; includeSubDomains"), ({"max_age": "1h"}, "max-age=3600; includeSubDomains"),
    ({"include_subdomains": False}, "max-age=31536000"), ({"enabled": False}, None)])
def test_each_part_of_hsts_can_be_set(start, configure, upstream, tls_files, authority, hsts, value):
    config = configure([upstream], tls=tls_files)
    if hsts:
        config["listeners"][-1]["hsts"] = hsts
    gateway = start(config)
    assert gateway.get("/", listener="public", tls=authority.client_context()).get(HSTS) == value


SECURITY = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": None, "permissions-policy": None,
            "cross-origin-opener-policy": None, "cross-origin-resource-policy": None}


@pytest.mark.parametrize("target, host, status", [("/", "localhost", 200), ("/404", "localhost", 404), ("/500", "localhost", 500),
                                                  ("/302", "localhost", 302), ("/x", "evil.test", 421), ("/%zz", "localhost", 400),
                                                  ("/cert/x", "localhost", 401)])
def test_security_headers_are_on_every_answer(start, configure, upstream, target, host, status):
    upstream.on("/404", answers.normal(404)).on("/500", answers.normal(500)).on("/302", answers.normal(302))
    gateway = start(configure([upstream], PROTECTED))
    response = gateway.get(target, host=host)
    assert response.status == status
    for name, value in SECURITY.items():
        assert len(response.all(name)) == 1, name
        assert value is None or response.get(name) == value
    assert response.get("x-xss-protection") in (None, "0")
    assert response.get("x-request-id") and response.get("x-correlation-id")
    assert response.get("server") in (None, "gatehouse")


def test_headers_an_upstream_sets_itself_stay(start, configure, upstream):
    upstream.answer = answers.normal(fields=[("X-Frame-Options", "SAMEORIGIN"), ("Referrer-Policy", "origin"),
                                            ("Content-Security-Policy", "default-src 'self'")])
    response = start(configure([upstream])).get("/")
    assert response.all("x-frame-options") == ["SAMEORIGIN"] and response.all("referrer-policy") == ["origin"]
    assert response.all("content-security-policy") == ["default-src 'self'"]


def test_a_csp_is_added_to_html_only_where_the_route_asks(start, configure, upstream):
    upstream.answer = answers.normal(body=b"<p>", fields=[("Content-Type", "text/html")])
    policy = "default-src 'none'"
    gateway = start(configure([upstream], [public_route("/page/", csp=policy), public_route()]))
    assert gateway.get("/page/x").all("content-security-policy") == [policy]
    assert gateway.get("/other").all("content-security-policy") == []
