"""Enrolment: a one-time token and a key become a certificate, once; it renews itself, and ends with its enrolment."""

import concurrent.futures
import contextlib
import json
import os
import re
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support import raw
from support.control import Control, add_user, house_config
from support.disk import disk, fill
from support.gateway import Gatehouse, run
from support.killing import length_of
from support.ports import free_port
from support.tls import client_context
from support.wait import pass_time, until

PASSWORD = "the engine weaves"
ROUNDS = 100 if os.environ.get("GATEHOUSE_SLOW") == "1" else 12
SPIFFE = "spiffe://example.org/agent/7"


class Holder:
    """Who has a key of its own, and asks."""

    def __init__(self, folder, stem="holder"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.files = folder / f"{stem}.pem", folder / f"{stem}.key"
        self.files[1].write_bytes(self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def request(self, *names):
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        if names:
            kinds = [(x509.UniformResourceIdentifier if "//" in name else x509.DNSName)(name) for name in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(kinds), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def enrol(self, gateway, token, *names, **options):
        response = Control(gateway).ask("POST", "/pki/enrol", {"token": token, "csr": self.request(*names)}, **options)
        return self.take(response)

    def take(self, response):
        if response.status == 201:
            self.files[0].write_text(response.json()["certificate"])
        return response

    def certificate(self):
        return x509.load_pem_x509_certificate(self.files[0].read_bytes())

    def over_tls(self, gateway, method, path, body=None):
        """With its certificate; the status, and the answer."""
        with gateway.connect("tls", tls=client_context(gateway.directory / "data" / "ca.pem", self.files)) as connection:
            data = json.dumps(body).encode() if body else b""
            fields = [("Content-Type", "application/json")] if body else []
            return connection.request(method, path, fields, data)

    def renew(self, gateway, key=None):
        """With another key, or with this one."""
        asking = key or self
        return asking.take(self.over_tls(gateway, "POST", "/pki/renew", {"csr": asking.request()}))


@pytest.fixture
def config(tmp_path, upstream):
    config = house_config(tmp_path / "gateway0", [upstream], routes=[
        {"match": {"path_prefix": "/cert/"}, "upstream": "backend", "access": {"client_certificate": True}},
        {"match": {"path_prefix": "/"}, "upstream": "backend", "access": "public"}])
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "serve": ["gateway", "api"],
                                "tls": {"certificate": "internal", "client_certificate": "optional"}})
    return config


@pytest.fixture
def house(start, config):
    gateway = start(config)
    for name, role in (("ada", "admin"), ("mia", "manager"), ("uli", "user")):
        add_user(gateway.config_file, name, PASSWORD, role)
    return gateway


def ca(gateway, *arguments, code=0):
    done = run("ca", *arguments, "--config", gateway.config_file, env=gateway.env)
    assert done.returncode == code, done
    return done


def token_for(gateway, *arguments):
    return ca(gateway, "enrol-token", *arguments).stdout.strip()


@contextlib.contextmanager
def running(config, folder):
    gateway = Gatehouse(folder, config)
    try:
        yield gateway
    finally:
        gateway.kill()


def issued(gateway):
    """What the inventory holds for enrolments."""
    return [each for each in json.loads(ca(gateway, "show", "--json").stdout) if each["issued_to"].startswith("enrolment:")]


def test_a_token_and_a_key_become_a_certificate_that_opens_what_wants_one(house, tmp_path):
    holder = Holder(tmp_path)
    token = token_for(house, SPIFFE, "--profile", "agent")
    response = holder.enrol(house, token)
    assert response.status == 201, response
    body = response.json()
    leaf = holder.certificate()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [SPIFFE]
    assert leaf.public_key().public_numbers() == holder.key.public_key().public_numbers()
    assert (leaf.not_valid_after - leaf.not_valid_before).total_seconds() < 25 * 3600, "of an agent: a day"
    (tmp_path / "root.pem").write_text(body["ca"])
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", tmp_path / "root.pem",
                           "-untrusted", holder.files[0], holder.files[0]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert holder.over_tls(house, "GET", "/cert/x").status == 200
    shown = issued(house)
    assert [each["serial"] for each in shown] == [body["serial"]]
    audit = run("audit", "tail", "--config", house.config_file).stdout
    assert "enrolment.create" in audit and "certificate.issue" in audit and "enrolment:" in audit
    assert token not in audit + house.output()


def test_a_token_is_good_for_one_key_and_for_it_again(house, tmp_path):
    first, second = Holder(tmp_path, "first"), Holder(tmp_path, "second")
    token = token_for(house, "a.example.com")
    serial = first.enrol(house, token).json()["serial"]
    assert first.enrol(house, token).json()["serial"] == serial, "whose answer was lost asks again"
    refused = second.enrol(house, token)
    assert (refused.status, refused.json()["code"]) == (401, "enrolment.token")
    assert len(issued(house)) == 1
    until(lambda: "enrolment.use" in run("audit", "tail", "--severity", "low", "--config", house.config_file).stdout,
          "the audit log tells of it", timeout=5)
    until(lambda: "a one-time token was shown again, with another key" in house.output(), "the log, too", timeout=5)
    for poor in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), "", "ghe_" + "0" * 80, token.upper()):
        assert Holder(tmp_path, "third").enrol(house, poor).status in (401, 422), poor


def test_of_many_at_once_one_key_wins(house, tmp_path):
    token = token_for(house, "a.example.com")
    holders = [Holder(tmp_path, f"h{i}") for i in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda holder: holder.enrol(house, token).status, holders))
    assert answers.count(201) == 1 and set(answers) <= {201, 401, 503}, answers
    assert len(issued(house)) == 1


def test_a_token_ends_in_time_and_by_hand(house, tmp_path):
    brief = token_for(house, "a.example.com", "--expires", "1s")
    pass_time(1.5)
    assert Holder(tmp_path).enrol(house, brief).status == 401
    token = token_for(house, "a.example.com")
    listed = json.loads(ca(house, "enrolments", "--json").stdout)
    assert [each["state"] for each in listed] == ["expired", "unused"]
    ca(house, "enrol-revoke", listed[1]["id"])
    assert Holder(tmp_path).enrol(house, token).status == 401
    assert "gatehouse ca enrolments" in ca(house, "enrol-revoke", "none", code=1).stderr
    assert "revoked" in ca(house, "enrolments").stdout


def test_names_are_those_that_were_agreed(house, tmp_path):
    holder = Holder(tmp_path)
    token = token_for(house, "a.example.com")
    other = holder.enrol(house, token, "admin.example.com")
    assert (other.status, other.json()["code"]) == (422, "csr.other_names")
    more = holder.enrol(house, token, "a.example.com", "b.example.com")
    assert more.status == 422
    assert holder.enrol(house, token, "a.example.com").status == 201, "a refusal has not used it up"
    forged = Holder(tmp_path, "forged")
    csr = forged.request()
    signature = csr.rindex("\n-----END") - 12
    bent = csr[:signature] + ("A" if csr[signature] != "A" else "B") + csr[signature + 1:]
    answer = Control(house).ask("POST", "/pki/enrol", {"token": token_for(house, "c.example.com"), "csr": bent})
    assert (answer.status, answer.json()["code"]) == (422, "csr.signature"), "no proof of the key"
    for wrong in (("a.example.com", "--profile", "agent"), (SPIFFE, "--profile", "client"), ("a b",),
                  ("a.example.com", "--lifetime", "999d"), ("a.example.com", "--expires", "31d"),
                  ("a.example.com", "--expires", "soon"), ("a.example.com", "--profile", "root")):
        assert ca(house, "enrol-token", *wrong, code=2 if wrong[-1] in ("31d", "soon", "root") else 1).stderr


def test_it_renews_itself_and_ends_with_its_enrolment(house, tmp_path):
    holder, next_key, stranger = (Holder(tmp_path, stem) for stem in ("holder", "next", "stranger"))
    holder.enrol(house, token_for(house, SPIFFE, "--profile", "agent"))
    renewed = holder.renew(house, next_key)
    assert renewed.status == 201, renewed
    assert next_key.certificate().serial_number != holder.certificate().serial_number
    assert next_key.over_tls(house, "GET", "/cert/x").status == 200
    assert holder.over_tls(house, "GET", "/cert/x").status == 200, "until it ends by itself"
    # What was issued by hand does not renew itself, and who shows nothing neither.
    ca(house, "issue", "by-hand.example.com", "--profile", "client", "--out", tmp_path / "stranger", "--replace")
    stranger.key = serialization.load_pem_private_key(stranger.files[1].read_bytes(), None)
    refused = stranger.renew(house)
    assert (refused.status, refused.json()["code"]) == (403, "certificate.not_enrolled")
    assert Control(house).ask("POST", "/pki/renew", {"csr": stranger.request()}).status == 401
    enrolment = json.loads(ca(house, "enrolments", "--json").stdout)[0]
    admin = Control(house).sign_in("ada", PASSWORD)
    ended = admin.ask("DELETE", f"/api/v1/enrolments/{enrolment['id']}")
    assert ended.status == 200 and "ended_at" in ended.json()
    for each in (holder, next_key):
        assert each.over_tls(house, "GET", "/cert/x").status == 401, "on this node at once"
        assert each.renew(house).status == 401
    listed = issued(house)
    assert len(listed) == 2 and all(each["state"] == "revoked" for each in listed)
    # The list and its number of entries, as openssl reads it.
    until(lambda: house.get("/pki/crl").body.count(b"\x55\x1d\x15") >= 2, "the list names both", timeout=5)


def test_renewals_are_bounded(house, tmp_path):
    holder = Holder(tmp_path)
    holder.enrol(house, token_for(house, "a.example.com"))
    answers = [holder.over_tls(house, "POST", "/pki/renew", {"csr": holder.request()}) for _ in range(60)]
    assert [each.status for each in answers[:59]] == [201] * 59, "sixty with the first"
    assert answers[59].status == 429 and int(answers[59].get("Retry-After")) > 0


def test_a_certificate_that_ends_while_the_request_comes_renews_nothing(house, tmp_path):
    holder = Holder(tmp_path)
    holder.enrol(house, token_for(house, "a.example.com", "--lifetime", "2s"))
    begun = time.monotonic()
    body = json.dumps({"csr": holder.request()}).encode()
    with house.connect("tls", tls=client_context(house.directory / "data" / "ca.pem", holder.files)) as connection:
        connection.send(b"POST /pki/renew HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        b"Content-Length: %d\r\n\r\n" % len(body))
        pass_time(max(0, begun + 2.5 - time.monotonic()))
        connection.send(body)
        assert connection.read_response("POST").status == 401
    assert house.get("/health/live", listener="admin").status == 200


def test_where_nobody_is_asked_who_they_are_a_certificate_is_wanted_still(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", auth={"enabled": False}, profile="development"))
    assert Control(gateway).ask("POST", "/pki/renew", {"csr": Holder(tmp_path).request()}).status == 401
    assert gateway.get("/health/live", listener="admin").status == 200


def test_what_was_revoked_is_neither_given_again_nor_renewed(house, tmp_path):
    holder, next_key = Holder(tmp_path), Holder(tmp_path, "next")
    token = token_for(house, "a.example.com")
    serial = holder.enrol(house, token).json()["serial"]
    holder.renew(house, next_key)
    assert "gatehouse ca enrol-revoke" in ca(house, "revoke", serial, "--reason", "key_compromise").stderr
    assert holder.enrol(house, token).status == 401
    until(lambda: holder.renew(house).status == 401, "the node to know", timeout=5)
    assert next_key.renew(house).status == 201, "what came of it before goes on, as the message says"


def test_who_may_make_tokens_and_look_at_the_inventory(house, tmp_path):
    admin, manager, user = (Control(house).sign_in(name, PASSWORD) for name in ("ada", "mia", "uli"))
    wanted = {"names": [SPIFFE], "profile": "agent", "lifetime_seconds": 3600, "expires_in_seconds": 600}
    for caller, status in ((Control(house), 401), (user, 403), (manager, 403)):
        assert caller.ask("POST", "/api/v1/enrolments", wanted).status == status
    made = admin.ask("POST", "/api/v1/enrolments", wanted)
    assert made.status == 201 and made.get("Location") == f"/api/v1/enrolments/{made.json()['id']}"
    holder = Holder(tmp_path)
    serial = holder.enrol(house, made.json()["token"]).json()["serial"]
    leaf = holder.certificate()
    assert (leaf.not_valid_after - leaf.not_valid_before).total_seconds() == 3600 + 300
    shown = manager.get(f"/api/v1/enrolments/{made.json()['id']}").json()
    assert shown["serial"] == serial and "token" not in shown and shown["names"] == ["uri:" + SPIFFE]
    assert user.get("/api/v1/enrolments").status == user.get("/api/v1/certificates").status == 403
    for poor in ({"names": []}, {"names": ["a b"]}, {"names": [SPIFFE]}, {"names": ["a.example.com"], "lifetime_seconds": 1 << 31},
                 {"names": ["a.example.com"], "expires_in_seconds": 0}, {"names": ["a.example.com"], "uses": 2}, {}):
        assert admin.ask("POST", "/api/v1/enrolments", poor).status == 422, poor
    for _ in range(3):
        admin.ask("POST", "/api/v1/enrolments", {"names": ["a.example.com"]})
    page = manager.get("/api/v1/enrolments?limit=3").json()
    rest = manager.get(f"/api/v1/enrolments?limit=3&cursor={page['next_cursor']}").json()
    assert len(page["items"]) == 3 and len(rest["items"]) == 1 and rest["next_cursor"] is None
    assert len(manager.get("/api/v1/enrolments?offset=2").json()["items"]) == 2


def test_certificates_over_http(house, tmp_path):
    admin, manager = (Control(house).sign_in(name, PASSWORD) for name in ("ada", "mia"))
    holder = Holder(tmp_path)
    wanted = {"csr": holder.request("a.example.com"), "profile": "client", "names": ["a.example.com"]}
    assert manager.ask("POST", "/api/v1/certificates", wanted).status == 403
    made = admin.ask("POST", "/api/v1/certificates", wanted)
    assert made.status == 201 and made.json()["issued_to"] == "user:ada", made
    holder.files[0].write_text(made.json()["certificate"])
    assert holder.over_tls(house, "GET", "/cert/x").status == 200
    path = f"/api/v1/certificates/{made.json()['serial']}"
    assert admin.ask("POST", "/api/v1/certificates", wanted | {"names": ["b.example.com"]}).json()["code"] == "csr.other_names"
    assert admin.ask("POST", "/api/v1/certificates", wanted | {"csr": "no request"}).status == 422
    assert manager.get(path).json()["certificate"] == made.json()["certificate"]
    serials, cursor = [], ""
    while cursor is not None:
        page = manager.get(f"/api/v1/certificates?limit=1{cursor and '&cursor=' + cursor}").json()
        serials += [each["serial"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert made.json()["serial"] in serials and len(serials) == len(set(serials)) >= 2
    assert manager.ask("POST", path + "/revoke", {}).status == 403
    assert admin.ask("POST", path + "/revoke", {"reason": "because"}).status == 422
    assert admin.ask("POST", path + "/revoke", {}, fields=[("If-Match", '"7"')]).status == 412
    ended = admin.ask("POST", path + "/revoke", {"reason": "superseded"}, fields=[("If-Match", made.get("ETag"))])
    assert ended.status == 200 and ended.json()["reason"] == "superseded"
    assert holder.over_tls(house, "GET", "/cert/x").status == 401, "on this node at once"
    assert admin.ask("POST", path + "/revoke", {"reason": "key_compromise"}).json()["reason"] == "superseded"
    assert manager.get("/api/v1/certificates/00").status == 404


def test_a_kill_while_it_issues_leaves_one_certificate_or_none(config, tmp_path):
    """Whoever was answered has what is in the inventory; whoever was not asks again and has one."""
    with running(config, tmp_path / "gateway0") as gateway:
        token = token_for(gateway, "a.example.com")
        length = length_of(lambda: Holder(tmp_path).enrol(gateway, token))
    answered = 0
    for attempt in range(ROUNDS):
        name = f"n{attempt}.example.com"
        holder = Holder(tmp_path)
        with running(config, tmp_path / "gateway0") as gateway:
            token = token_for(gateway, name)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                asked = pool.submit(holder.enrol, gateway, token)
                pass_time(length * 2 * attempt / ROUNDS)
                gateway.kill()
                try:
                    first = asked.result().json()["serial"]
                    answered += 1
                except (OSError, raw.Closed):
                    first = None
        with running(config, tmp_path / "gateway0") as gateway:
            again = holder.enrol(gateway, token)
            assert again.status == 201, again
            assert first in (None, again.json()["serial"]), "nothing acknowledged is lost"
            kept = [each["serial"] for each in issued(gateway) if name in json.dumps(each)]
            assert kept == [again.json()["serial"]], "and nothing is there twice"
    assert 0 < answered < ROUNDS, "the kills met before and after"


def test_a_full_disk_issues_nothing_and_the_token_stays_good(config, start, tmp_path):
    with disk(tmp_path / "small", 8) as small:
        config["data_dir"] = str(small / "data")
        gateway = start(config)
        token = token_for(gateway, "a.example.com")
        holder = Holder(tmp_path)
        ballast = fill(small)
        statuses = {holder.enrol(gateway, token).status for _ in range(40)}
        assert 503 in statuses and statuses <= {201, 503}, statuses
        ballast.unlink()
        until(lambda: holder.enrol(gateway, token).status == 201, "room again", timeout=20)
        assert len(issued(gateway)) == 1
        gateway.stop()  # before its disk goes


def test_openssl_and_curl_are_enough(house, tmp_path):
    """As the manual has it."""
    done = subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                           "-subj", "/", "-keyout", tmp_path / "c.key", "-out", tmp_path / "c.csr"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    token = token_for(house, "a.example.com", "192.0.2.7")
    assert re.fullmatch(r"ghe_[0-9a-f-]{36}_[\w-]{43}", token)
    body = json.dumps({"token": token, "csr": (tmp_path / "c.csr").read_text()})
    done = subprocess.run(["curl", "--silent", "--fail-with-body", "--cacert", house.directory / "data" / "ca.pem", "--json",
                           body, f"https://localhost:{house.port('tls')}/pki/enrol"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    leaf = x509.load_pem_x509_certificate(json.loads(done.stdout)["certificate"].encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example.com"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
