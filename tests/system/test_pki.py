"""The internal CA as others meet it: openssl and certtool judge what it signs, publishes and answers."""

import base64
import json
import ssl
import subprocess
import time
import urllib.parse

import pytest

from support import raw, websocket
from support import upstream as answers
from support.control import house_config
from support.gateway import run
from support.ports import free_port
from support.tls import client_context
from support.wait import seconds, until

PASSPHRASE = "correct horse battery\n"


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          timeout=seconds(30), check=False)


def ca(gateway, *arguments, code=0, stdin=None):
    done = run("ca", *arguments, "--config", gateway.config_file, env=gateway.env, stdin=stdin)
    assert done.returncode == code, done
    return done


class Published:
    """What a stranger fetches from /pki, as files."""

    def __init__(self, gateway, folder):
        self.gateway, self.folder = gateway, folder
        self.root, self.issuer, self.crl = folder / "root.pem", folder / "issuer.pem", folder / "crl.pem"
        self.root.write_bytes(gateway.get("/pki/ca.pem").body)
        der = gateway.get("/pki/issuer.crt").body
        self.issuer.write_text(ssl.DER_cert_to_PEM_cert(der))
        self.port = gateway.port("plain")

    def fetch_crl(self):
        response = self.gateway.get("/pki/crl")
        assert response.status == 200, response
        der = self.folder / "crl.der"
        der.write_bytes(response.body)
        done = openssl("crl", "-inform", "DER", "-in", der, "-out", self.crl, "-CAfile", self.issuer)
        assert "verify OK" in done.stderr, done
        return response

    def verify(self, leaf):
        """What `openssl verify -crl_check` says of a chain."""
        self.fetch_crl()
        done = openssl("verify", "-x509_strict", "-crl_check", "-CAfile", self.root, "-untrusted", self.issuer,
                       "-CRLfile", self.crl, leaf)
        return "OK" if done.returncode == 0 else done.stderr

    def ocsp(self, leaf, *more):
        done = openssl("ocsp", "-issuer", self.issuer, "-cert", leaf, "-CAfile", self.root, "-verify_other", self.issuer,
                       "-url", f"http://127.0.0.1:{self.port}/pki/ocsp", "-header", "Host=localhost", *more)
        assert "Response verify OK" in done.stderr, done
        return done.stdout


@pytest.fixture
def house(start, tmp_path):
    return start(house_config(tmp_path / "gateway0"))


@pytest.fixture
def published(house, tmp_path):
    until(lambda: house.get("/pki/crl").status == 200, "the first list", timeout=10)
    return Published(house, tmp_path)


def test_what_is_issued_verifies_until_it_is_revoked(house, published, tmp_path):
    serial = ca(house, "issue", "api.example.com", "127.0.0.1", "--out", tmp_path / "api").stdout.strip()
    leaf = tmp_path / "api.pem"
    assert (tmp_path / "api.key").stat().st_mode & 0o777 == 0o600
    assert published.verify(leaf) == "OK"
    assert f"{leaf}: good" in published.ocsp(leaf)
    before = published.fetch_crl().get("ETag")
    ca(house, "revoke", serial, "--reason", "key_compromise")

    def refused():
        return "certificate revoked" in published.verify(leaf)
    until(refused, "the list names it", timeout=1.5)
    assert published.fetch_crl().get("ETag") != before
    answer = published.ocsp(leaf)
    assert f"{leaf}: revoked" in answer and "keyCompromise" in answer, answer
    fresh = house.get("/pki/crl", [("If-None-Match", published.fetch_crl().get("ETag"))])
    assert fresh.status == 304
    shown = json.loads(ca(house, "show", serial, "--json").stdout)[0]
    assert (shown["state"], shown["reason"], shown["names"]) == ("revoked", "key_compromise",
                                                                "dns:api.example.com ip:127.0.0.1")
    spelled = ":".join(serial.upper()[i:i + 2] for i in range(0, len(serial), 2))
    assert serial in ca(house, "revoke", spelled).stderr, "as others write it, and the second time no error"
    audit = run("audit", "tail", "--object-type", "certificate", "--config", house.config_file).stdout
    assert "certificate.issue" in audit and serial in audit
    assert audit.count("certificate.revoke") == 1, "what changed nothing is not in the log"


def test_the_responder_is_asked_by_get_too(house, published, tmp_path):
    serial = ca(house, "issue", "api.example.com", "--out", tmp_path / "api").stdout.strip()
    question, reply = tmp_path / "question.der", tmp_path / "reply.der"
    # Until its base64 has what a path cannot carry as it is.
    text = ""
    for _ in range(200):
        assert openssl("ocsp", "-issuer", published.issuer, "-cert", tmp_path / "api.pem", "-reqout", question).returncode == 0
        text = base64.b64encode(question.read_bytes()).decode()
        if "/" in text and "+" in text:
            break
    assert "/" in text, text

    def asked():
        answer = house.get("/pki/ocsp/" + urllib.parse.quote(text, safe=""))
        assert answer.status == 200 and answer.get("Cache-Control") == "public, max-age=60", answer
        reply.write_bytes(answer.body)
        done = openssl("ocsp", "-respin", reply, "-no_nonce", "-issuer", published.issuer, "-cert", tmp_path / "api.pem",
                       "-CAfile", published.root, "-verify_other", published.issuer)
        assert "Response verify OK" in done.stderr, done
        return done.stdout
    assert "api.pem: good" in asked()
    ca(house, "revoke", serial)
    until(lambda: "api.pem: revoked" in asked(), "the responder knows", timeout=1.5)
    for wrong in ("nonsense", "AAAA", "%2F", "A" * 3000):
        answer = house.get("/pki/ocsp/" + wrong)
        assert answer.status == 200 and answer.body == b"\x30\x03\x0a\x01\x01" and not answer.get("Cache-Control", "").startswith("public"), answer


def test_our_own_listeners_bring_along_what_the_responder_says(start, tmp_path):
    config = house_config(tmp_path)
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "tls": {}, "serve": ["api"]})
    house = start(config)
    until(lambda: house.get("/pki/crl").status == 200, "the first list", timeout=10)
    published = Published(house, tmp_path)
    for version in ("-tls1_2", "-tls1_3"):
        shown = openssl("s_client", "-connect", f"127.0.0.1:{house.port('tls')}", "-servername", "localhost", "-status", version,
                        "-CAfile", published.root, "-verify_return_error", stdin="").stdout
        assert "OCSP Response Status: successful" in shown and "Cert Status: good" in shown, shown
    judged = subprocess.run(["gnutls-cli", "--ocsp", "--x509cafile", published.root, "-p", str(house.port("tls")), "localhost"],
                            input="", capture_output=True, text=True, timeout=seconds(30), check=False)
    assert "OCSP" in judged.stdout and "Status: The certificate is trusted" in judged.stdout, judged
    # One that does not ask is told nothing.
    silent = openssl("s_client", "-connect", f"127.0.0.1:{house.port('tls')}", "-servername", "localhost", "-CAfile",
                     published.root, stdin="").stdout
    assert "OCSP Response" not in silent


def test_files_are_kept_unless_they_are_to_be_replaced(house, tmp_path):
    first = ca(house, "issue", "api.example.com", "--out", tmp_path / "api").stdout
    before = ca(house, "show", "--json").stdout
    assert "there already" in ca(house, "issue", "api.example.com", "--out", tmp_path / "api", code=1).stderr
    assert ca(house, "show", "--json").stdout == before, "nothing was issued for nothing"
    second = ca(house, "issue", "api.example.com", "--out", tmp_path / "api", "--replace").stdout
    assert second != first
    assert openssl("x509", "-in", tmp_path / "api.pem", "-noout", "-serial").stdout.strip().lower() == f"serial={second.strip()}"
    key = openssl("pkey", "-in", tmp_path / "api.key", "-pubout").stdout
    leaf = openssl("x509", "-in", tmp_path / "api.pem", "-pubkey", "-noout").stdout
    assert key == leaf != ""


def test_certificates_say_where_revocations_are_published(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0") | {"pki": {"url": "http://ca.example.com"}})
    ca(gateway, "issue", "api.example.com", "--out", tmp_path / "api")
    text = openssl("x509", "-in", tmp_path / "api.pem", "-noout", "-text").stdout
    for url in ("http://ca.example.com/pki/crl", "http://ca.example.com/pki/ocsp", "http://ca.example.com/pki/issuer.crt"):
        assert f"URI:{url}" in text, text


def test_certtool_agrees(house, published, tmp_path):
    ca(house, "issue", "api.example.com", "--out", tmp_path / "api", "--key", "ed25519")
    bundle = tmp_path / "chain.pem"
    bundle.write_text((tmp_path / "api.pem").read_text() + published.root.read_text())
    done = subprocess.run(["certtool", "--verify-chain", "--infile", str(bundle)], capture_output=True, text=True,
                          timeout=seconds(30), check=False)
    assert done.returncode == 0 and "Chain verification output: Verified" in done.stdout, done
    published.fetch_crl()
    done = subprocess.run(["certtool", "--verify-crl", "--load-ca-certificate", str(published.issuer), "--infile",
                           str(published.crl)], capture_output=True, text=True, timeout=seconds(30), check=False)
    assert done.returncode == 0 and "Verified" in done.stdout, done


def test_the_responder_knows_what_it_never_signed(house, published, tmp_path):
    ca(house, "issue", "api.example.com", "--out", tmp_path / "api")
    done = openssl("ocsp", "-issuer", published.issuer, "-serial", "0x1234567890", "-CAfile", published.root,
                   "-verify_other", published.issuer, "-url", f"http://127.0.0.1:{published.port}/pki/ocsp", "-header",
                   "Host=localhost")
    assert "unknown" in done.stdout, done
    malformed = house.request("POST", "/pki/ocsp", [("Content-Type", "application/ocsp-request")], b"nonsense")
    assert malformed.status == 200 and malformed.body == bytes.fromhex("30030a0101"), malformed
    large = house.request("POST", "/pki/ocsp", [("Content-Type", "application/ocsp-request")], b"0" * 4097)
    assert large.status == 413, large


def test_a_request_of_openssl_is_signed_and_a_poor_one_is_not(house, published, tmp_path):
    key, csr, chain = tmp_path / "agent.key", tmp_path / "agent.csr", tmp_path / "agent.pem"
    made = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/",
                   "-addext", "subjectAltName=URI:spiffe://example.org/agent/7", "-keyout", key, "-out", csr)
    assert made.returncode == 0, made
    done = ca(house, "issue", "--csr", csr, "--profile", "agent")
    assert "for uri:spiffe://example.org/agent/7, good until" in done.stderr
    chain.write_text(done.stdout)
    assert published.verify(chain) == "OK"
    text = openssl("x509", "-in", chain, "-noout", "-text").stdout
    assert "URI:spiffe://example.org/agent/7" in text and "TLS Web Client Authentication" in text
    ca(house, "issue", "spiffe://example.org/agent/7", "--csr", csr, "--profile", "agent")
    other = ca(house, "issue", "spiffe://example.org/agent/8", "--csr", csr, "--profile", "agent", code=1)
    assert "other names" in other.stderr and "agent/7" in other.stderr
    for words in (("--key", "rsa"), ("--common-name", "a"), ("--out", tmp_path / "x")):
        refused = ca(house, "issue", "--csr", csr, "--profile", "agent", *words, code=2).stderr
        assert "excludes" in refused and "--csr" in refused and words[0] in refused
    assert "for the profile agent" in ca(house, "issue", "--csr", csr, "--profile", "client", code=1).stderr
    for subject, names, word in (("/CN=a.example", "URI:https://a.example/b", "a common name does not count"),
                                 ("/CN=postgres", "DNS:a.example", "make it one of the names")):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                "-addext", f"subjectAltName={names}", "-keyout", key, "-out", csr)
        assert word in ca(house, "issue", "--csr", csr, code=1).stderr
    for arguments, word in ((("-newkey", "rsa:1024"), "2048"),
                            (("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "P-256")):
        openssl("req", "-new", *arguments, "-nodes", "-subj", "/CN=a", "-addext", "subjectAltName=DNS:a.example",
                "-keyout", key, "-out", csr)
        assert word in ca(house, "issue", "--csr", csr, code=1).stderr


def test_a_route_that_wants_a_certificate_refuses_absent_foreign_expired_and_revoked_ones(start, tmp_path, upstream, authority):
    config = house_config(tmp_path / "gateway0", [upstream], routes=[
        {"match": {"path_prefix": "/cert/"}, "upstream": "backend", "access": {"client_certificate": True}},
        {"match": {"path_prefix": "/"}, "upstream": "backend", "access": "public"}])
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "serve": ["gateway"],
                                "tls": {"certificate": "internal", "client_certificate": "optional"}})
    gateway = start(config)
    serial = ca(gateway, "issue", "agent.example.com", "--profile", "client", "--out", tmp_path / "agent").stdout.strip()
    ca(gateway, "issue", "late.example.com", "--profile", "client", "--lifetime", "5s", "--out", tmp_path / "late")
    root = gateway.directory / "data" / "ca.pem"

    def ask(stem=None, certificate=None, path="/cert/x"):
        if stem:
            certificate = (tmp_path / f"{stem}.pem", tmp_path / f"{stem}.key")
        try:
            with gateway.connect("tls", tls=client_context(root, certificate)) as connection:
                connection.send(raw.encode_request("GET", path, [], b"", "localhost"))
                connection.buffer += connection.socket.recv(65536)  # of TLS 1.3, the first that an alert is seen by
                return connection.read_response("GET").status
        except ssl.SSLError as error:
            return error.reason
        except (ConnectionError, raw.Closed):
            return "reset"  # before the alert was read
    assert ask("late") == 200, "it is good for five seconds"
    assert ask() == 401
    stranger = authority.issue("stranger", client=True)
    until(lambda: ask(certificate=stranger) == "TLSV1_ALERT_UNKNOWN_CA", "its refusal", timeout=10)
    until(lambda: ask("late") == "SSLV3_ALERT_CERTIFICATE_EXPIRED", "the end of a certificate", timeout=20)
    assert ask("agent") == 200
    upstream.paths["/cert/ws"] = answers.websocket_echo
    shown = client_context(root, (tmp_path / "agent.pem", tmp_path / "agent.key"))
    with gateway.connect("tls", tls=shown) as open_one, gateway.connect("tls", tls=shown) as tunnel:
        assert open_one.request("GET", "/cert/x").status == 200
        assert websocket.open_websocket(tunnel, "/cert/ws").status == 101
        assert websocket.echo(tunnel, b"hello")[1] == b"hello"
        ca(gateway, "revoke", serial)
        revoked = time.monotonic()
        with pytest.raises(raw.Closed):
            tunnel.read_exactly(1)
        assert time.monotonic() - revoked < seconds(1)
        until(lambda: open_one.request("GET", "/cert/x").status == 401, "the open connection to be refused", timeout=1.5)
        assert open_one.request("GET", "/other").status == 200, "what anybody may see"
    assert ask("agent") == 401, "a new connection"
    assert gateway.get("/cert/x", listener="tls", tls=client_context(root)).status == 401


def test_our_own_certificates_are_in_the_inventory(start, tmp_path):
    config = house_config(tmp_path / "gateway0")
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "tls": {"certificate": "internal"},
                                "serve": ["health"]})
    gateway = start(config)
    shown = until(lambda: json.loads(ca(gateway, "show", "--json").stdout), "the inventory", timeout=10)
    assert [(item["issued_to"], item["profile"], item["state"]) for item in shown] == [("gatehouse", "server", "good")]
    with raw.Connection(gateway.port("tls"), tls=ssl._create_unverified_context()) as connection:  # noqa: S323
        der = connection.socket.getpeercert(binary_form=True)
    assert int(shown[0]["serial"], 16) == int(openssl("x509", "-noout", "-serial", stdin=ssl.DER_cert_to_PEM_cert(der))
                                              .stdout.strip().split("=")[1], 16)
    ca(gateway, "revoke", shown[0]["serial"])

    def served():
        with raw.Connection(gateway.port("tls"), tls=ssl._create_unverified_context()) as connection:  # noqa: S323
            return connection.socket.getpeercert(binary_form=True)
    until(lambda: served() != der, "another leaf in the place of the revoked one", timeout=5)
    page = gateway.get("/metrics", listener="admin").body.decode()
    for name in ("root", "issuer", "next"):
        assert f'gatehouse_ca_certificate_not_after_seconds{{certificate="{name}"}}' in page


def test_the_root_goes_offline_and_only_its_file_renews(house, tmp_path):
    before = ca(house, "show").stdout
    file = tmp_path / "root.offline"
    assert "12 to 1024 bytes" in ca(house, "init", "--offline-root", file, stdin="short\n", code=1).stderr
    assert "its key is in the key store" in before
    ca(house, "init", "--offline-root", file, stdin=PASSPHRASE)
    assert file.stat().st_mode & 0o777 == 0o600
    for name in ("ca-root", "ca-issuer"):
        assert (house.directory / "data" / "keys" / name).read_bytes().startswith(b"gatehouse-sealed-key-1\n")
    assert "its key is kept elsewhere" in ca(house, "show").stdout
    assert "--offline-root" in ca(house, "renew", code=1).stderr
    assert "does not open" in ca(house, "renew", "--offline-root", file, stdin="something else\n", code=1).stderr
    renewed = ca(house, "renew", "--offline-root", file, "--permit", "example.com", stdin=PASSPHRASE).stdout
    assert before.splitlines()[0].split()[1] == renewed.splitlines()[0].split()[1], "the same root"
    assert before.splitlines()[1] != renewed.splitlines()[1]
    ca(house, "issue", "a.example.com", "--out", tmp_path / "good")
    assert "may not speak for" in ca(house, "issue", "a.example.org", "--out", tmp_path / "bad", code=1).stderr
    assert not (tmp_path / "bad.key").exists()
    inventory = ca(house, "show", "--json").stdout
    assert "may not speak for" in ca(house, "issue", "10.0.0.1", "--out", tmp_path / "bad", code=1).stderr
    refused = ca(house, "infra", "--out", tmp_path / "certs", "--postgres", "db.example.com", code=1).stderr
    assert "--role gatehouse.example.com" in refused
    assert ca(house, "show", "--json").stdout == inventory and not (tmp_path / "certs").exists(), "all of it or nothing"
    ca(house, "infra", "--out", tmp_path / "certs", "--postgres", "db.example.com", "--role", "gatehouse.example.com")
    opened = openssl("pkey", "-in", file, "-passin", "stdin", "-noout", "-text_pub", stdin=PASSPHRASE)
    assert "prime256v1" in opened.stdout, opened
