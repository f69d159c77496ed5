"""Our own listeners with certificates of a CA, which is Pebble."""

import json
import socket
import ssl
import threading

import pytest
from cryptography import x509

from support.ca_listener import NAMES, Ports, by_pebble, client_config, ready, served, state, told, trusted_get
from support.gateway import Gatehouse, run
from support.wait import pass_time, until

NO_ANSWER, REFUSED, CAME = "the CA could not be asked", "the CA gave no certificate", "the CA gave a certificate"


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01", "any"])
def test_a_first_start_ends_with_a_certificate_of_the_ca(start, tmp_path, upstream, make_pebble, challenge):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public, nonces_refused=30)
    gateway = start(client_config(tmp_path / "gateway0", ports, upstream, pebble, challenge=challenge, contacts=["ops@example.com"]))
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=30)
    leaf = served(gateway)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert sorted(names) == NAMES
    for _ in range(4):  # whichever worker it is
        assert trusted_get(gateway, pebble.root(), "www.a.test").startswith(b"HTTP/1.1 200")
    until(lambda: state(gateway) == "valid", "the metric")
    assert ready(gateway) == (200, {"status": "healthy", "served": "valid"})
    assert gateway.metric("gatehouse_acme_client_not_after_seconds") == pytest.approx(leaf.not_valid_after.timestamp(), abs=86400)
    assert gateway.metric("gatehouse_acme_client_issued_total") == 1
    assert gateway.metric("gatehouse_acme_client_failures_total") == 0
    assert gateway.metric("gatehouse_acme_client_last_success_seconds") > 0
    assert len(told(gateway, CAME)) == 1
    # What was shown to the CA is gone, and the rest of that path is as ever.
    assert gateway.get("/.well-known/acme-challenge/x", host="a.test").status == 301
    with pytest.raises(ssl.SSLError):
        proof_handshake(gateway, "a.test")
    # Sealed: no key lies open in the data directory.
    kept = [path for path in (tmp_path / "gateway0" / "data" / "keys").iterdir() if path.name.startswith("acme-")]
    assert sorted(path.name.split("-")[1] for path in kept) == ["account", "leaf", "pending"]
    assert not any(b"PRIVATE KEY" in path.read_bytes() for path in kept)


def proof_handshake(gateway, name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    with socket.create_connection(("127.0.0.1", gateway.port("public")), 5) as plain, \
            context.wrap_socket(plain, server_hostname=name) as stream:
        return stream.recv(1)


@pytest.mark.parametrize("refused", [50])
def test_a_ca_that_knows_its_accounts_and_forgets_its_nonces(start, tmp_path, upstream, make_pebble, refused):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public, external=True, nonces_refused=refused)
    config = client_config(tmp_path / "gateway0", ports, upstream, pebble,
                           external_account={"key_id": pebble.key_id, "hmac_key": "${env:HMAC}"})
    gateway = start(config, env={"HMAC": pebble.hmac_key})
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=40)
    assert pebble.hmac_key not in gateway.output()
    assert pebble.hmac_key not in run("config", "show", gateway.config_file, env={"HMAC": pebble.hmac_key}).stdout


def test_a_stranger_is_told_what_the_ca_wants(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public, external=True)
    gateway = start(client_config(tmp_path / "gateway0", ports, upstream, pebble))
    (line,) = until(lambda: told(gateway, REFUSED), "a warning")
    assert "external_account" in line["detail"] and line["served"] == "a certificate of the internal CA"
    assert 40 <= line["next_try_seconds"] <= 80
    assert ready(gateway) == (200, {"status": "degraded", "served": "internal"})


def test_names_that_cannot_be_proven(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble()  # looks for proofs where nobody is
    gateway = start(client_config(tmp_path / "gateway0", ports, upstream, pebble, challenge="http-01"))
    (line,) = until(lambda: told(gateway, REFUSED), "a warning", timeout=30)
    assert ".test: " in line["detail"] and "connection" in line["detail"], line
    assert state(gateway) == "internal" and gateway.metric("gatehouse_acme_client_failures_total") == 1
    assert ready(gateway)[1]["status"] == "degraded"
    # The internal CA speaks for the names meanwhile, and nothing is served in plain text.
    assert trusted_get(gateway, tmp_path / "gateway0" / "data" / "ca.pem").startswith(b"HTTP/1.1 200")
    assert gateway.get("/", host="a.test").status == 301


def test_a_ca_that_is_away_at_the_first_start_and_comes_later(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public)
    pebble.stop()
    gateway = start(client_config(tmp_path / "gateway0", ports, upstream, pebble))
    (line,) = until(lambda: told(gateway, NO_ANSWER), "a warning")
    assert "pki.acme_client.directory" in line["message"] and line["directory"] == pebble.directory
    assert line["next_try_seconds"] <= 7
    assert ready(gateway) == (200, {"status": "degraded", "served": "internal"})
    assert state(gateway) == "internal" and gateway.metric("gatehouse_acme_client_not_after_seconds") == 0
    assert trusted_get(gateway, tmp_path / "gateway0" / "data" / "ca.pem").startswith(b"HTTP/1.1 200")
    assert gateway.get("/there", host="a.test").status == 301
    pebble.start()
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=40)
    until(lambda: state(gateway) == "valid", "the metric")
    assert told(gateway, "the CA answers again")


def test_a_restart_without_the_ca_serves_what_was_kept(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public)
    config = client_config(tmp_path / "gateway0", ports, upstream, pebble)
    gateway = start(config)
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=30)
    serial, root = served(gateway).serial_number, pebble.root()
    assert gateway.stop() == 0
    pebble.stop()
    again = Gatehouse(gateway.directory, config)
    try:
        assert served(again).serial_number == serial  # with the first handshake
        (line,) = until(lambda: told(again, NO_ANSWER), "a warning")
        assert line["served"] == "the CA's last certificate"
        assert state(again) == "cached" and ready(again) == (200, {"status": "degraded", "served": "cached"})
        assert trusted_get(again, root).startswith(b"HTTP/1.1 200")
        # Another life of Pebble's, which knows neither account nor certificate: what is good stays.
        pebble.start()
        until(lambda: state(again) == "valid", "the metric", timeout=30)
        assert served(again).serial_number == serial
    finally:
        again.close()


def test_a_renewal_leaves_open_connections_alone(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public, validity=24)
    gateway = start(client_config(tmp_path / "gateway0", ports, upstream, pebble))
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=30)
    first = served(gateway)
    context = ssl.create_default_context(cafile=str(pebble.root()))
    lost = []
    ended = threading.Event()

    def knock():
        """Handshakes of a client that trusts Pebble alone: there is no moment without a good certificate."""
        while not ended.wait(0.05):
            try:
                trusted_get(gateway, pebble.folder / "root.pem")
            except OSError as problem:
                lost.append(problem)
    with socket.create_connection(("127.0.0.1", gateway.port("public")), 5) as plain, \
            context.wrap_socket(plain, server_hostname="a.test") as stream:
        def ask():
            stream.sendall(b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n")
            return stream.recv(65536)
        assert ask().startswith(b"HTTP/1.1 200")
        knocking = threading.Thread(target=knock)
        knocking.start()
        until(lambda: served(gateway).serial_number != first.serial_number, "another certificate", timeout=40)
        ended.set()
        knocking.join()
        assert ask().startswith(b"HTTP/1.1 200")
    assert not lost
    second = served(gateway)
    assert second.public_key() != first.public_key() and second.not_valid_after > first.not_valid_after
    # It came in the last third of a life, and from the same account.
    assert pebble.log().count("There are now 1 accounts in memory") == 1 and "There are now 2 accounts" not in pebble.log()


def test_a_certificate_that_ends_while_the_ca_is_away(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public, validity=12)
    gateway = start(client_config(tmp_path / "gateway0", ports, upstream, pebble))
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=30)
    pebble.stop()
    until(lambda: state(gateway) == "cached", "the metric", timeout=20)
    assert by_pebble(gateway)
    until(lambda: state(gateway) == "internal", "the metric", timeout=20)
    until(lambda: not by_pebble(gateway), "the internal CA's certificate")
    until(lambda: told(gateway, "the CA's certificate has ended"), "an error")
    assert trusted_get(gateway, tmp_path / "gateway0" / "data" / "ca.pem").startswith(b"HTTP/1.1 200")
    pebble.start()
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=40)


def test_a_server_that_nobody_vouches_for_is_not_asked(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public)
    config = client_config(tmp_path / "gateway0", ports, upstream, pebble)
    del config["pki"]["acme_client"]["ca_file"]
    gateway = start(config)
    (line,) = until(lambda: told(gateway, NO_ANSWER), "a warning")
    assert line["reason"] == "fetch.tls", line
    assert "new-acct" not in pebble.log() and state(gateway) == "internal"


def test_a_reload_asks_for_a_certificate_and_lets_it_be(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public)
    config = client_config(tmp_path / "gateway0", ports, upstream, pebble, domains=["a.test"])
    public = next(each for each in config["listeners"] if each["name"] == "public")
    public["tls"]["certificate"] = "internal"
    gateway = start(config)
    assert state(gateway) is None and "certificate" not in json.loads(gateway.get("/health/ready", listener="admin").body)["checks"]
    public["tls"]["certificate"] = "acme"
    gateway.reload(config)
    until(lambda: by_pebble(gateway), "a certificate of Pebble's", timeout=30)
    config["pki"]["acme_client"]["domains"] = ["a.test", "b.test"]
    before = served(gateway).serial_number
    gateway.reload(config)
    assert served(gateway).serial_number == before  # it is good until there is another
    until(lambda: served(gateway).serial_number != before, "a certificate for both", timeout=30)
    assert by_pebble(gateway)
    public["tls"]["certificate"] = "internal"
    gateway.reload(config)
    assert not by_pebble(gateway) and state(gateway) is None


def test_proofs_are_shown_where_clients_must_have_certificates(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public)
    config = client_config(tmp_path / "gateway0", ports, upstream, pebble, challenge="tls-alpn-01")
    next(each for each in config["listeners"] if each["name"] == "public")["tls"]["client_certificate"] = "required"
    gateway = start(config)
    until(lambda: told(gateway, CAME), "a certificate", timeout=30)
    until(lambda: by_pebble(gateway), "a certificate of Pebble's")
    with pytest.raises((ssl.SSLError, OSError)):
        assert trusted_get(gateway, pebble.root()) == b""
        raise ssl.SSLError("nothing was served")


def test_a_process_that_is_killed_on_the_way(tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public)
    config = client_config(tmp_path / "gateway0", ports, upstream, pebble)
    before = None
    for moment in range(8):
        gateway = Gatehouse(tmp_path / "gateway0", config)
        pass_time(0.15 * moment)
        gateway.kill()
        assert "internal error" not in gateway.output()
    last = Gatehouse(tmp_path / "gateway0", config)
    try:
        until(lambda: by_pebble(last), "a certificate of Pebble's", timeout=30)
        assert trusted_get(last, pebble.root()).startswith(b"HTTP/1.1 200")
        assert "There are now 2 accounts" not in pebble.log()
        before = served(last).serial_number
    finally:
        last.kill()
    again = Gatehouse(tmp_path / "gateway0", config)
    try:
        assert served(again).serial_number == before
    finally:
        again.close()
