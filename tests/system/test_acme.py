"""The ACME server at its edges: what is refused before anything is signed."""

import json

import pytest

from support.acme import AcmeHouse, acme_config
from support.control import house_config
from support.dns import NameServer

JOSE = ("Content-Type", "application/jose+json")


@pytest.fixture
def make_acme(start, tmp_path):
    houses = []

    def make(**changes):
        houses.append(AcmeHouse(start, tmp_path, **changes))
        return houses[-1]
    yield make
    for house in houses:
        house.close()


def dehydrated(acme, *arguments, **options):
    challenges = acme.folder / "www" / ".well-known" / "acme-challenge"
    config = acme.folder / "dehydrated.conf"
    config.write_text(f'CA="{acme.directory}"\nBASEDIR="{acme.folder}"\nWELLKNOWN="{challenges}"\n'
                      f'CURL_OPTS="--cacert {acme.root}"\nLOCKFILE="{acme.folder}/lock"\n'
                      'ACCOUNT_KEYSIZE="2048"\n')
    return acme.run("dehydrated", "--config", config, *arguments, **options)


def refused(acme, name):
    """What a client says when it got nothing."""
    dehydrated(acme, "--register", "--accept-terms")
    done = dehydrated(acme, "--cron", "--domain", name, code=1)
    return done.stdout + done.stderr


def test_servers_inside_are_not_asked(make_acme):
    acme = make_acme(challenge_networks=["10.0.0.0/8"])
    acme.serve_files()
    acme.names.addresses = {"metadata.test": "169.254.169.254"}
    for name in ("a.test", "metadata.test"):
        said = refused(acme, name)
        assert "urn:ietf:params:acme:error:connection" in said
        assert "challenge_networks" in said
        assert "127.0.0.1" not in said and "169.254" not in said
    assert acme.web.asked == []


def test_names_that_lead_nowhere(make_acme):
    acme = make_acme()
    acme.serve_files()
    acme.names.addresses = {"gone.test": None}
    assert "urn:ietf:params:acme:error:dns" in refused(acme, "gone.test")


def test_names_that_the_configuration_does_not_have(make_acme):
    acme = make_acme(domains=["corp.test"])
    acme.serve_files()
    assert "urn:ietf:params:acme:error:rejectedIdentifier" in refused(acme, "a.test")
    dehydrated(acme, "--cron", "--domain", "a.corp.test")


def test_workers_share_their_nonces_and_take_turns(make_acme):
    """More challenges at once than an account may have tried at a time."""
    acme = make_acme(workers=4)
    acme.serve_files()
    names = [f"n{i}.test" for i in range(20)]
    folders = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", acme.folder / name)]
    acme.run("certbot", "certonly", *folders, "--webroot", "--webroot-path", acme.folder / "www", "--non-interactive",
             "--agree-tos", "--email", "ops@example.com", "--server", acme.directory,
             *[word for name in names for word in ("-d", name)], env={"REQUESTS_CA_BUNDLE": str(acme.root)})
    assert len(acme.web.asked) == len(names)


def test_an_issuer_with_a_path_says_the_host_alone(start, tmp_path):
    names = NameServer()
    config = acme_config(tmp_path / "gateway0", names)
    config["auth"] = config.get("auth", {}) | {"issuer": "https://ca.example.com:8443/tenant"}
    gateway = start(config)
    names.close()
    assert json.loads(gateway.get("/acme/directory").body)["newOrder"] == "https://ca.example.com:8443/acme/new-order"


def test_what_is_no_request_is_refused_early(make_acme):
    gateway = make_acme().gateway

    def post(path, body, field=JOSE):
        return gateway.request("POST", path, [field], body)
    for method in ("GET", "HEAD"):
        head = gateway.request(method, "/acme/new-nonce")
        assert head.status == (204 if method == "GET" else 200)
        assert len(head.get("Replay-Nonce")) == 32
    answer = post("/acme/new-order", b"{}")
    assert answer.status == 400
    assert answer.get("Content-Type") == "application/problem+json"
    assert json.loads(answer.body)["type"] == "urn:ietf:params:acme:error:malformed"
    assert post("/acme/new-order", b"{}", ("Content-Type", "application/json")).status == 415
    assert post("/acme/new-order", b"x" * (64 * 1024 + 1)).status == 413
    assert gateway.get("/acme/new-order").status == 405
    assert gateway.get("/acme/order/1").status == 405


def test_it_is_not_there_unless_it_is_enabled(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    assert gateway.get("/acme/directory").status == 404
