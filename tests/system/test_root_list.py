"""The root's own list: whole chains are judged by it, and an intermediate that is revoked opens nothing any more."""

import shutil
import ssl
import subprocess

import pytest

from support import nginx, raw
from support import postgres as postgresql
from support.control import house_config
from support.gateway import run
from support.ports import free_port
from support.tls import client_context
from support.wait import seconds, until

PASSPHRASE = "correct horse battery\n"
URL = "http://ca.example.com"


def said_by(*command):
    """What a program says, both ways, and its exit code."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=seconds(30), check=False)
    return done.stdout + done.stderr, done.returncode


def calmly(ask):
    """What it says; None where a connection broke, as it may while certificates change."""
    try:
        return ask()
    except OSError:
        return None


def ca(gateway, *arguments, code=0, stdin=None):
    done = run("ca", *arguments, "--config", gateway.config_file, env=gateway.env, stdin=stdin)
    assert done.returncode == code, done
    return done


def serial_of(chain, index=1):
    """Of the certificate with this index in a PEM file."""
    pem = chain.read_text().split("-----BEGIN CERTIFICATE-----")[index + 1]
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input="-----BEGIN CERTIFICATE-----" + pem, text=True,
                          capture_output=True, check=True).stdout.strip().split("=")[1].lower()


class Judge:
    """A stranger with the root who wants a list for every certificate; it keeps what it has fetched."""

    def __init__(self, gateway, folder):
        self.gateway = gateway
        self.root, self.lists, self.parts = folder / "root.pem", folder / "lists.pem", {}
        self.root.write_bytes(gateway.get("/pki/ca.pem").body)

    def fetch(self, *names):
        for name in names or ("root.crl", "crl"):
            answer = self.gateway.get(f"/pki/{name}")
            assert answer.status == 200 and answer.get("Content-Type") == "application/pkix-crl", answer
            self.parts[name] = subprocess.run(["openssl", "crl", "-inform", "DER"], input=answer.body, capture_output=True,
                                              check=True).stdout.decode()
        self.lists.write_text("".join(self.parts.values()))

    def openssl(self, chain):
        return said_by("openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", self.root, "-untrusted", chain,
                       "-CRLfile", self.lists, chain)

    def until_good(self, chain):
        """Of an intermediate that the running house has to take over."""
        def good():
            self.fetch()
            return self.openssl(chain)[1] == 0
        until(good, "both lists of the new intermediate", timeout=30)

    def certtool(self, chain):
        return said_by("certtool", "--verify", "--load-ca-certificate", self.root, "--load-crl", self.lists, "--infile", chain)


def revoked_in(house, name="root.crl"):
    der = house.get(f"/pki/{name}").body
    text = subprocess.run(["openssl", "crl", "-inform", "DER", "-noout", "-text"], input=der, capture_output=True,
                          check=True).stdout.decode()
    return text.count("Serial Number:")


@pytest.fixture
def house(start, tmp_path):
    """Its TLS listener asks for certificates."""
    config = house_config(tmp_path / "gateway0") | {"pki": {"url": URL}}
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "serve": ["api"],
                                "tls": {"certificate": "internal", "client_certificate": "optional"}})
    gateway = start(config)
    until(lambda: gateway.get("/pki/crl").status == 200, "the first list", timeout=10)
    return gateway


def test_chains_are_good_by_both_lists_until_the_intermediate_gets_another_key(house, tmp_path):
    chain = tmp_path / "api.pem"
    ca(house, "issue", "api.example.com", "--out", tmp_path / "api")
    judge = Judge(house, tmp_path)
    judge.fetch()
    assert judge.openssl(chain) == (f"{chain}: OK\n", 0)
    text, code = judge.certtool(chain)
    assert code == 0 and "Verified. The certificate is trusted." in text, text
    assert said_by("openssl", "verify", "-crl_check_all", "-CAfile", judge.root, "-untrusted", chain, chain)[1] != 0
    points = said_by("openssl", "storeutl", "-noout", "-text", "-certs", chain)[0]
    assert f"URI:{URL}/pki/crl" in points and f"URI:{URL}/pki/root.crl" in points
    first = house.get("/pki/root.crl")
    assert house.get("/pki/root.crl", [("If-None-Match", first.get("ETag"))]).status == 304
    assert house.metric("gatehouse_ca_certificate_not_after_seconds", certificate="root_crl") > 0

    same = ca(house, "renew")
    assert "revoked" not in same.stderr and "list    of the root's, 0 intermediates revoked" in same.stdout
    judge.fetch()
    assert judge.openssl(chain)[1] == 0, "the key is the same"

    old = serial_of(chain)
    assert "--new-key" in ca(house, "renew", "--reason", "superseded", code=2).stderr
    assert "--reason: unspecified" in ca(house, "renew", "--new-key", "--reason", "for_fun", code=2).stderr
    renewed = ca(house, "renew", "--new-key", "--reason", "key_compromise")
    assert f"the intermediate {old} is revoked" in renewed.stderr and renewed.stderr.count("is revoked") == 2
    assert "2 intermediates revoked" in ca(house, "show").stdout
    until(lambda: revoked_in(house) == 2, "the running house to serve the new list", timeout=30)
    judge.fetch("root.crl")
    text, code = judge.openssl(chain)
    assert code != 0 and "certificate revoked" in text and "at 1 depth" in text, text
    text, code = judge.certtool(chain)
    assert code != 0 and "revoked" in text, text
    ca(house, "issue", "api.example.com", "--out", tmp_path / "next")
    judge.until_good(tmp_path / "next.pem")
    assert judge.certtool(tmp_path / "next.pem")[1] == 0
    audit = run("audit", "tail", "--object-type", "ca", "--config", house.config_file).stdout
    assert audit.count("ca.revoke_intermediate") == 2 and old in audit and "key_compromise" in audit
    assert audit.count("ca.renew") == 2


def test_a_certificate_of_the_intermediate_before_opens_nothing_any_more(house, start, tmp_path):
    ca(house, "issue", "spiffe://example.org/agent/7", "--profile", "agent", "--out", tmp_path / "old")
    root = house.directory / "data" / "ca.pem"
    key = ("Content-Type", "application/json")

    def ask(gateway, stem):
        """Whether who shows a certificate is somebody: what /pki/renew says to who is nobody is 401."""
        context = client_context(root, (tmp_path / f"{stem}.pem", tmp_path / f"{stem}.key"))
        with gateway.connect("tls", tls=context) as connection:
            return connection.request("POST", "/pki/renew", [key], b'{"csr":""}').status

    def served():
        with raw.Connection(house.port("tls"), tls=ssl._create_unverified_context()) as connection:  # noqa: S323
            return connection.socket.getpeercert(binary_form=True)
    known = ask(house, "old")
    assert known != 401, "its certificate is taken for one"
    shown = served()
    ca(house, "renew", "--new-key", "--reason", "key_compromise")
    until(lambda: calmly(lambda: ask(house, "old")) == 401, "the certificate to be refused by who runs", timeout=30)
    until(lambda: calmly(served) not in (None, shown), "another leaf on the listener", timeout=30)
    ca(house, "issue", "spiffe://example.org/agent/7", "--profile", "agent", "--out", tmp_path / "new")
    assert ask(house, "new") == known
    house.stop()
    again = start(house.config)
    assert ask(again, "old") == 401, "and after a restart from its first moment on"
    assert ask(again, "new") == known


def test_a_root_that_is_elsewhere_revokes_from_its_file(house, tmp_path):
    ca(house, "issue", "api.example.com", "--out", tmp_path / "api")
    file = tmp_path / "root.offline"
    ca(house, "init", "--offline-root", file, stdin=PASSPHRASE)
    assert "--offline-root" in ca(house, "renew", "--new-key", code=1).stderr
    assert "0 intermediates revoked" in ca(house, "show").stdout, "all or nothing"
    done = ca(house, "renew", "--new-key", "--reason", "key_compromise", "--offline-root", file, "--permit", "example.com",
              stdin=PASSPHRASE)
    assert serial_of(tmp_path / "api.pem") in done.stderr
    until(lambda: revoked_in(house) == 1, "the list of who runs", timeout=30)
    ca(house, "issue", "api.example.com", "--out", tmp_path / "next")
    Judge(house, tmp_path).until_good(tmp_path / "next.pem")
    assert "names   example.com" in done.stdout


def test_nginx_refuses_by_the_lists(house, tmp_path):
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("nginx is not installed (Debian's nginx-light)")
    ca(house, "issue", "localhost", "--out", tmp_path / "server")
    ca(house, "issue", "agent.example.com", "--profile", "client", "--out", tmp_path / "client")
    judge = Judge(house, tmp_path)
    judge.fetch()
    port = free_port()
    server = nginx.Nginx(tmp_path / "nginx", listen=f"127.0.0.1:{port} ssl", ssl_certificate=tmp_path / "server.pem",
                         ssl_certificate_key=tmp_path / "server.key", ssl_client_certificate=judge.root, ssl_crl=judge.lists,
                         ssl_verify_client="on", ssl_verify_depth=2)
    try:
        (server.root / "page").write_text("for clients")
        shown = client_context(judge.root, (tmp_path / "client.pem", tmp_path / "client.key"))

        def status():
            with raw.Connection(port, tls=shown) as connection:
                return connection.request("GET", "/page").status
        assert status() == 200
        ca(house, "renew", "--new-key", "--reason", "key_compromise")
        until(lambda: revoked_in(house) == 1, "the root's list names it", timeout=30)
        judge.fetch("root.crl")
        server.reload()
        until(lambda: calmly(status) == 400, "the client to be refused", timeout=30)
    finally:
        server.stop()


def test_postgresql_refuses_by_the_lists(house, tmp_path):
    if not postgresql.INSTALLED:
        pytest.skip("PostgreSQL 15 is not installed (tools/setup test)")
    server = postgresql.Postgres(role=None)
    try:
        certs = server.folder / "certs"
        ca(house, "infra", "--out", certs, "--postgres", "127.0.0.1")
        client = tmp_path / "client"
        client.mkdir()
        for name in ("client.crt", "client.key", "ca.crt"):
            (client / name).write_bytes((certs / "postgres" / name).read_bytes())
            (client / name).chmod(0o600)
        judge = Judge(house, tmp_path)
        lists = server.folder / "lists.pem"

        def put_lists(*names):
            judge.fetch(*names)
            shutil.copy(judge.lists, lists)
            lists.chmod(0o644)

        def connect(where=client):
            words = {"host": "127.0.0.1", "port": server.port, "dbname": "postgres", "user": "gatehouse",
                     "sslmode": "verify-full", "sslrootcert": client / "ca.crt", "sslcert": where / "client.crt",
                     "sslkey": where / "client.key"}
            said, code = said_by(postgresql.PROGRAMS / "psql", "-XAtqc", "SELECT current_user",
                                 " ".join(f"{name}={value}" for name, value in words.items()))
            return "" if code == 0 and said == "gatehouse\n" else said
        put_lists()
        server.psql("CREATE ROLE gatehouse LOGIN")
        server.use_infra(certs / "postgres")
        server.set("ssl_crl_file", lists)
        assert connect() == ""

        # One client is revoked by the intermediate's list; another one goes on.
        other = tmp_path / "other"
        other.mkdir()
        ca(house, "issue", "gatehouse", "--profile", "client", "--out", other / "client")
        (other / "client.pem").rename(other / "client.crt")
        assert connect(other) == ""
        ca(house, "revoke", serial_of(client / "client.crt", 0), "--reason", "key_compromise")
        until(lambda: revoked_in(house, "crl") == 1, "the list names it", timeout=30)
        put_lists()
        server.psql("SELECT pg_reload_conf()")
        until(lambda: "revoked" in connect(), "the revoked one to be refused", timeout=30)
        assert connect(other) == ""

        # And everything of an intermediate by the root's.
        ca(house, "renew", "--new-key", "--reason", "key_compromise")
        until(lambda: revoked_in(house) == 1, "the root's list names it", timeout=30)
        put_lists("root.crl")
        server.psql("SELECT pg_reload_conf()")
        until(lambda: "revoked" in connect(other), "all of the intermediate to be refused", timeout=30)
    finally:
        server.close()
