"""What testssl.sh has to say about a public listener with a certificate of the internal CA."""

import shutil

import pytest

from support import testssl
from support import upstream as answers

GOOD = [{"id": name, "severity": "OK", "finding": wanted} for name, wanted in testssl.EXPECTED.items()]


def test_nothing_above_info_is_found_but_what_is_excepted(start, configure, make_upstream, tmp_path):
    if not shutil.which("testssl"):
        pytest.skip("testssl is not installed (Debian's testssl.sh)")
    upstream = make_upstream(answers.normal())
    gateway = start(configure([upstream], tls={"certificate": "internal"}))
    ca = gateway.directory / "data" / "ca.pem"
    found = testssl.scan(gateway.port("public"), ca, tmp_path / "findings.json")
    assert testssl.problems(found) == []
    gateway.assert_alive()


@pytest.mark.parametrize("finding", [
    {"id": "cipher_order", "severity": "LOW", "finding": "NOT a cipher order configured"},
    {"id": "BREACH", "severity": "MEDIUM", "finding": "potentially VULNERABLE"},
    {"id": "cert_expirationStatus", "severity": "HIGH", "finding": "expires < 30 days"},
    {"id": "heartbleed", "severity": "CRITICAL", "finding": "VULNERABLE"},
    {"id": "scanProblem", "severity": "FATAL", "finding": "Can't connect"},
    {"id": "ROBOT", "severity": "WARN", "finding": "test failed, couldn't connect"},
])
def test_the_judge_sees_a_finding_of_any_severity(finding):
    others = [one for one in GOOD if one["id"] != finding["id"]]
    expected = f"{finding['severity']} {finding['id']}: {finding['finding']}"
    assert testssl.problems(GOOD) == []
    assert testssl.problems([*others, finding])[0] == expected


@pytest.mark.parametrize("name", testssl.EXCEPTED)
def test_an_exception_is_by_identifier(name):
    assert testssl.problems([*GOOD, {"id": name, "severity": "HIGH", "finding": "anything"}]) == []
    assert testssl.problems([*GOOD, {"id": name + "_2", "severity": "HIGH", "finding": "anything"}]) != []


@pytest.mark.parametrize("name", testssl.EXPECTED)
def test_a_scan_that_ended_early_is_no_good_scan(name):
    assert testssl.problems([one for one in GOOD if one["id"] != name]) == [f"{name}: was not looked at"]


def test_a_version_that_should_be_refused_is_seen_even_when_testssl_calls_it_harmless():
    found = [one | {"finding": "offered"} if one["id"] == "TLS1" else one for one in GOOD]
    assert testssl.problems(found) == ["TLS1: offered"]
