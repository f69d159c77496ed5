"""The ACME server as the clients of others use it: each gets a certificate, renews it, and has it revoked where it can."""

import json
import socket
import ssl
import subprocess

import pytest
from cryptography import x509

from support.acme import AcmeHouse
from support.gateway import environment, run
from support.oauth import CLIENTS, node_clients
from support.wait import seconds, until


@pytest.fixture
def acme(start, tmp_path):
    house = AcmeHouse(start, tmp_path)
    yield house
    house.close()


def names_of(certificate):
    return sorted(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName))


def judge(acme, path, *names):
    """A chain of ours that openssl believes, for these names alone; returns the leaf's serial."""
    leaf = x509.load_pem_x509_certificate(path.read_bytes())
    assert names_of(leaf) == sorted(names)
    acme.run("openssl", "verify", "-x509_strict", "-CAfile", acme.root, "-untrusted", path, path)
    return leaf.serial_number


def standing(acme, serial):
    shown = run("ca", "show", "--json", "--config", acme.gateway.config_file).stdout
    return next(each["state"] for each in json.loads(shown) if int(each["serial"], 16) == serial)


def test_dehydrated(acme):
    challenges = acme.serve_files()
    config = acme.folder / "dehydrated.conf"
    config.write_text(f'CA="{acme.directory}"\nBASEDIR="{acme.folder}"\nWELLKNOWN="{challenges}"\n'
                      f'CURL_OPTS="--cacert {acme.root}"\nCONTACT_EMAIL="ops@example.com"\nLOCKFILE="{acme.folder}/lock"\n'
                      'ACCOUNT_KEYSIZE="2048"\n')

    def dehydrated(*arguments):
        return acme.run("dehydrated", "--config", config, *arguments)
    dehydrated("--register", "--accept-terms")
    get = ("--cron", "--domain", "a.test www.a.test")
    dehydrated(*get)
    chain = acme.folder / "certs" / "a.test" / "fullchain.pem"
    first = judge(acme, chain, "a.test", "www.a.test")
    dehydrated(*get, "--force")
    second = judge(acme, chain, "a.test", "www.a.test")
    assert first != second
    dehydrated("--revoke", acme.folder / "certs" / "a.test" / "cert.pem")
    assert standing(acme, second) == "revoked"
    assert standing(acme, first) == "good"
    dehydrated("--account")


HOOK = """#!/bin/sh
# method, type, identifier, token, authorization
[ "$2" = http-01 ] || exit 1
case "$1" in
    begin) printf %s "$5" >"{challenges}/$4" ;;
    done|failed) rm -f "{challenges}/$4" ;;
esac
"""


def test_uacme(start, tmp_path):
    # Its TLS library reads the system's authorities alone: it comes by the plain listener, as behind a proxy.
    acme = AcmeHouse(start, tmp_path, plain=True)
    try:
        hook = tmp_path / "hook.sh"
        hook.write_text(HOOK.format(challenges=acme.serve_files()))
        hook.chmod(0o755)

        def uacme(*arguments, code=0):
            return acme.run("uacme", "--confdir", tmp_path / "uacme", "--acme-url", acme.directory, "--hook", hook, "--yes",
                            "--no-ocsp", *arguments, code=code)
        uacme("new", "ops@example.com")
        uacme("issue", "a.test", "b.test")
        chain = tmp_path / "uacme" / "a.test" / "cert.pem"
        first = judge(acme, chain, "a.test", "b.test")
        uacme("issue", "a.test", "b.test", code=1)  # it is not due
        uacme("--force", "issue", "a.test", "b.test")
        second = judge(acme, chain, "a.test", "b.test")
        assert first != second
        uacme("newkey")
        uacme("revoke", chain)
        assert standing(acme, second) == "revoked"
        uacme("deactivate")
    finally:
        acme.close()


def test_lego(acme):
    def lego(*arguments, ways=("--http", "--http.port")):
        port = acme.settings["http_port" if "--http" in ways else "tls_port"]
        return acme.run("lego", "--server", acme.directory, "--email", "ops@example.com", "--accept-tos", "--path",
                        acme.folder / "lego", *ways, f"127.0.0.1:{port}", *arguments,
                        env={"LEGO_CA_CERTIFICATES": str(acme.root)})
    lego("--domains", "a.test", "run")
    chain = acme.folder / "lego" / "certificates" / "a.test.crt"
    first = judge(acme, chain, "a.test")
    lego("--domains", "a.test", "renew", "--days", "365", "--no-random-sleep")
    second = judge(acme, chain, "a.test")
    assert first != second
    lego("--domains", "a.test", "revoke")
    assert standing(acme, second) == "revoked"
    # The proof in a handshake (RFC 8737).
    lego("--domains", "b.test", "--domains", "c.test", "run", ways=("--tls", "--tls.port"))
    judge(acme, acme.folder / "lego" / "certificates" / "b.test.crt", "b.test", "c.test")


def test_certbot(acme):
    folders = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", acme.folder / name)]

    def certbot(*arguments, **options):
        return acme.run("certbot", *arguments, *folders, "--non-interactive", "--server", acme.directory,
                        env={"REQUESTS_CA_BUNDLE": str(acme.root)}, **options)
    alone = ("--standalone", "--http-01-port", acme.settings["http_port"], "--http-01-address", "127.0.0.1")
    certbot("certonly", *alone, "--agree-tos", "--email", "ops@example.com", "-d", "a.test", "-d", "b.test")
    chain = acme.folder / "config" / "live" / "a.test" / "fullchain.pem"
    first = judge(acme, chain, "a.test", "b.test")
    certbot("renew", "--force-renewal", "--no-random-sleep-on-renew")
    second = judge(acme, chain, "a.test", "b.test")
    assert first != second
    certbot("revoke", "--cert-path", chain, "--reason", "superseded", "--no-delete-after-revoke")
    assert standing(acme, second) == "revoked"
    certbot("unregister")


def test_certbot_with_a_wildcard_by_dns(acme):
    hook = acme.folder / "hook.py"
    records = acme.folder / "txt"
    hook.write_text("import os\nwith open(%r, 'a') as out:\n    out.write(os.environ['CERTBOT_VALIDATION'] + '\\n')\n"
                    % str(records))
    acme.names.texts = TextFile("_acme-challenge.a.test", records)
    acme.run("certbot", "certonly", "--manual", "--preferred-challenges", "dns", "--manual-auth-hook",
             f"/usr/bin/python3 {hook}", "--agree-tos", "--email", "ops@example.com", "--non-interactive", "-d", "a.test",
             "-d", "*.a.test", "--server", acme.directory, "--config-dir", acme.folder / "config", "--work-dir",
             acme.folder / "work", "--logs-dir", acme.folder / "logs", env={"REQUESTS_CA_BUNDLE": str(acme.root)})
    judge(acme, acme.folder / "config" / "live" / "a.test" / "fullchain.pem", "a.test", "*.a.test")


class TextFile:
    """TXT records as a hook writes them, one a line."""

    def __init__(self, name, path):
        self.name, self.path = name, path

    def get(self, name, default):
        return self.path.read_text().split() if name == self.name and self.path.exists() else default


def test_certbot_with_an_external_account(start, tmp_path):
    acme = AcmeHouse(start, tmp_path, external_account_required=True)
    try:
        made = run("ca", "acme-key", "certbot of a.test", "--config", acme.gateway.config_file)
        key_id, hmac_key = made.stdout.split()

        def register(*arguments, folder, code=0):
            place = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", tmp_path / folder / name)]
            return acme.run("certbot", "register", *place, "--non-interactive", "--agree-tos", "--email", "a@example.com",
                            "--server", acme.directory, *arguments, env={"REQUESTS_CA_BUNDLE": str(acme.root)}, code=code)
        bound = ("--eab-kid", key_id, "--eab-hmac-key", hmac_key)
        register(folder="without", code=1)
        register(*bound, folder="with")
        register(*bound, folder="again", code=1)  # a key is good for one account

        def rows():
            return json.loads(run("ca", "acme-accounts", "--json", "--config", acme.gateway.config_file).stdout)

        def end(row):
            return run("ca", "acme-revoke", row["id"], "--config", acme.gateway.config_file)
        spare = run("ca", "acme-key", "spare", "--expires", "1h", "--config", acme.gateway.config_file).stdout.split()
        account, key = rows()
        assert (account["kind"], account["state"], account["key_name"]) == ("account", "valid", "certbot of a.test")
        assert (key["kind"], key["state"], key["id"]) == ("key", "unused", spare[0])
        assert account["contacts"] == ["mailto:a@example.com"]
        assert end(account).returncode == 0 and end(key).returncode == 0
        assert [row["state"] for row in rows()] == ["revoked", "expired"]
        register("--eab-kid", spare[0], "--eab-hmac-key", spare[1], folder="spare", code=1)
        place = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", tmp_path / "with" / name)]
        acme.run("certbot", "update_account", *place, "--non-interactive", "--email", "b@example.com", "--server",
                 acme.directory, env={"REQUESTS_CA_BUNDLE": str(acme.root)}, code=1)
        assert "deactivated or revoked" in (tmp_path / "with" / "logs" / "letsencrypt.log").read_text()
        none = end({"id": "none"})
        assert none.returncode == 1 and "acme-accounts" in none.stderr
    finally:
        acme.close()


def test_acme_client_of_npm(acme):
    node_clients()
    given = {"directory": acme.directory, "challenges": str(acme.serve_files()), "names": ["a.test", "b.test"]}
    done = acme.run("node", CLIENTS / "acme.mjs", json.dumps(given), env={"NODE_EXTRA_CA_CERTS": str(acme.root)})
    said = json.loads(done.stdout)
    serials = {}
    for name in ("first", "renewed"):
        chain = acme.folder / f"{name}.pem"
        chain.write_text(said[name])
        serials[name] = judge(acme, chain, "a.test", "b.test")
    assert standing(acme, serials["first"]) == "good"
    assert standing(acme, serials["renewed"]) == "revoked"


def test_caddy(acme):
    """It asks for its certificate when somebody wants to talk with it, and answers with it."""
    port = acme.settings["tls_port"]
    config = acme.folder / "Caddyfile"
    config.write_text(f"""{{
    admin off
    storage file_system {acme.folder}/caddy
    http_port {acme.settings["http_port"]}
    https_port {port}
    acme_ca {acme.directory}
    acme_ca_root {acme.root}
    skip_install_trust
}}
a.test {{
    bind 127.0.0.1
    respond "hello from caddy"
}}
""")
    with Running(acme, "caddy", "run", "--config", config, "--adapter", "caddyfile") as caddy:
        context = ssl.create_default_context(cafile=str(acme.root))

        def answers():
            caddy.check()
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as plain, \
                        context.wrap_socket(plain, server_hostname="a.test") as secure:
                    return secure.getpeercert(binary_form=True)
            except OSError:
                return None
        leaf = x509.load_der_x509_certificate(until(answers, "caddy serves its certificate", timeout=40))
    assert names_of(leaf) == ["a.test"]
    assert standing(acme, leaf.serial_number) == "good"


class Running:
    """A program of others, until the end of the block."""

    def __init__(self, acme, *command):
        self.output = acme.folder / "program.log"
        with self.output.open("wb") as log:
            self.process = subprocess.Popen([*map(str, command)], stdout=log, stderr=log, cwd=acme.folder,
                                            env=environment({"HOME": str(acme.folder)}))

    def check(self):
        assert self.process.poll() is None, self.output.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(seconds(10))
