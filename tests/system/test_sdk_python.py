"""The SDK for agents in Python, against the real binary."""

import json
import pathlib
import shutil
import stat
import subprocess
import sys
import threading
import time

import pytest
from cryptography import x509

from support.gateway import run
from support.sdk import PYTHON_SDK, Between, Place, config_of, judge_request, judge_table, python_program
from support.wait import pass_time, seconds, until

sys.path.insert(0, str(PYTHON_SDK / "src"))

import gatehouse_agent as sdk  # noqa: E402
from gatehouse_agent import keys  # noqa: E402

LIVING = """
import json, sys, gatehouse_agent
agent = gatehouse_agent.Agent.open_or_enrol(sys.argv[1], sys.argv[2], sys.argv[3] or None, ca_file=sys.argv[4]).start()
print(json.dumps([agent.id, agent.describe()["status"]]), flush=True)
sys.stdin.readline()
agent.close()
"""


@pytest.fixture
def place(start, tmp_path):
    return Place(start(config_of(tmp_path / "gateway0")))


@pytest.fixture
def enrolled(place, tmp_path):
    """A function that makes an agent by its name, over TLS; what it does in the background ends with the test."""
    made = []

    def make(name="weather-agent", *capabilities, url=None, **options):
        agent = sdk.Agent.enrol(tmp_path / name, url or place.url, place.token(name, *capabilities), ca_file=place.ca_file, **options)
        made.append(agent)
        return agent
    yield make
    for each in made:
        each.close()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def grown_old(agent, **members):
    """Its tokens or certificate, as if most of their time were over."""
    agent.close()
    file = agent.session.folder.state_file
    file.write_text(json.dumps(json.loads(file.read_text()) | members))
    return sdk.Agent.open(agent.session.folder.path)


def test_everything_it_asks_for_is_in_the_document(place):
    judge_table(place.openapi(), {name: route._asdict() for name, route in sdk.ROUTES.items()})
    with pytest.raises(TypeError):
        sdk.session.try_often(None, "ack", sdk.Retry(), dict, 1, bool, {}, {}, {"idz": []})


@pytest.mark.skipif(not shutil.which("mypy"), reason="mypy is not installed (tools/setup test)")
def test_its_types_are_right(tmp_path):
    done = subprocess.run(["mypy", "--strict", "--cache-dir", tmp_path, "src"], cwd=PYTHON_SDK, capture_output=True, text=True,
                          timeout=seconds(120), check=False)
    assert done.returncode == 0, done.stdout


def test_it_is_installed_by_pip(tmp_path):
    shutil.copytree(PYTHON_SDK, tmp_path / "sdk")
    have = subprocess.run([sys.executable, "-c", "import setuptools, wheel, pip"], capture_output=True, check=False)
    if have.returncode != 0:
        pytest.skip("pip, setuptools and wheel are not installed (tools/setup test)")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--target",
                           tmp_path / "there", tmp_path / "sdk"], capture_output=True, text=True, timeout=seconds(120), check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there/gatehouse_agent/py.typed").exists()
    subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'there')!r}); import gatehouse_agent"],
                   check=True)


@pytest.mark.parametrize("cryptography", [True, False])
def test_keys_and_requests_are_what_openssl_takes(monkeypatch, cryptography):
    monkeypatch.setattr(keys, "HAS_CRYPTOGRAPHY", cryptography)
    key = keys.make_key()
    judge_request(keys.make_request(key))
    assert key.startswith("-----BEGIN PRIVATE KEY-----") and keys.make_key() != key


def test_an_agent_comes_and_is_heard(place, enrolled, tmp_path):
    agent = enrolled(agent_version="1.2", capabilities=["search"])
    folder = agent.session.folder
    assert [mode(path) for path in (folder.path, folder.key_file, folder.state_file, folder.certificate_file)] == [0o700, 0o600, 0o600, 0o600]
    certificate = x509.load_pem_x509_certificate(folder.certificate_file.read_bytes())
    assert folder.ca_file.read_text() == place.ca_file.read_text()
    assert agent.id in str(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    agent.activity.llm_called("small", 0.2, 10, 20)
    with pytest.raises(ZeroDivisionError), agent.activity.invocation():
        1 / 0
    with agent.activity.invocation():
        assert agent.activity.state == "processing"
        agent.start()
        until(lambda: place.gateway.metric("agent_invocations_total", status="error") == 1, "the error")
    until(lambda: place.gateway.metric("agent_invocations_total", status="success") == 1, "the success")
    assert place.gateway.metric("gatehouse_llm_tokens_total", agent_id=agent.id, model="small") == 30
    assert agent.heart.interval == 0.2 and agent.describe()["agent_version"] == "1.2"
    pass_time(2.5)
    assert agent.describe()["status"] == "online", "longer than offline_after"
    assert agent.report_threat("port.scan", "high", fingerprint="192.0.2.1", details={"port": 22})["reports"] == 1
    assert agent.report_threat("port.scan", "low", fingerprint="192.0.2.1")["reports"] == 2


def test_who_comes_a_second_time_is_refused(place, enrolled, tmp_path):
    token = place.token("build-7")
    with sdk.Agent.enrol(tmp_path / "first", place.url, token, ca_file=place.ca_file) as agent:
        with pytest.raises(sdk.Unauthenticated) as refused:
            sdk.Agent.enrol(tmp_path / "second", place.url, token, ca_file=place.ca_file)
        assert refused.value.code == "enrolment.token" and refused.value.status == 401 and refused.value.request_id
        assert not (tmp_path / "second/state.json").exists()
        with pytest.raises(sdk.ConfigurationError, match="another process"):
            sdk.Agent.open(tmp_path / "first")
        assert agent.describe()["status"] == "online", "whoever came is not put out by it"
    with pytest.raises(sdk.ConfigurationError, match="already"):
        sdk.Agent.enrol(tmp_path / "first", place.url, token, ca_file=place.ca_file)
    with pytest.raises(sdk.EnrolmentNeeded):
        sdk.Agent.open(tmp_path / "second")
    again = run("agents", "enrol-token", "build-7", "--config", place.gateway.config_file).stdout.strip()
    with sdk.Agent.enrol(tmp_path / "first", place.url, again, ca_file=place.ca_file, again=True) as agent:
        assert agent.describe()["status"] == "online"


def test_a_house_that_is_another_one_hears_nothing(place, authority, tmp_path):
    token = place.token("build-7")
    for ca_file in (authority.certificate, None):
        with pytest.raises(sdk.NotSent, match="certificate"):
            sdk.Agent.enrol(tmp_path / "a", place.url, token, ca_file=ca_file, retry=sdk.Retry(attempts=1))
    with pytest.raises(sdk.ConfigurationError, match="in the clear"):
        sdk.Agent.enrol(tmp_path / "a", "http://gateway.example:8080", token)
    sdk.Agent.enrol(tmp_path / "a", place.url, token, ca_file=place.ca_file).close()


def test_a_killed_agent_goes_on_with_its_folder(place, tmp_path):
    token, folder = place.token("build-7"), tmp_path / "state"
    first = python_program(LIVING, folder, place.url, token, place.ca_file)
    known, status = first.line()
    assert status == "online"
    with pytest.raises(sdk.ConfigurationError, match="another process"):
        sdk.Agent.open(folder)
    first.kill()
    second = python_program(LIVING, folder, place.url, "", place.ca_file)
    assert second.line() == [known, "online"]
    second.end()
    assert place.threats() == []


def test_a_folder_knows_its_key(place, enrolled):
    agent = enrolled()
    agent.close()
    folder = agent.session.folder
    own = folder.key_file.read_text()
    folder.key_file.rename(folder.next_key_file)  # as a kill before the last step of an enrolment leaves it
    with sdk.Agent.open(folder.path):
        assert folder.key_file.read_text() == own and not folder.next_key_file.exists()
    folder.write(folder.next_key_file, keys.make_key())  # as an enrolment that was refused leaves it
    with sdk.Agent.open(folder.path) as again:
        again.session.renew_certificate()
        assert folder.key_file.read_text() == own


def test_tokens_are_renewed_in_time_and_never_shown_twice(place, enrolled):
    agent = enrolled()
    kept = json.loads(agent.session.folder.state_file.read_text())
    agent = grown_old(agent, access_begun=time.time() - 1000, access_ends=time.time() + 60)
    threads = [threading.Thread(target=agent.describe) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    agent.close()
    after = json.loads(agent.session.folder.state_file.read_text())
    assert after["refresh_token"] != kept["refresh_token"] and after["access_token"] != kept["access_token"] and not after["refreshing"]
    assert after["access_ends"] > time.time() + 1000
    with sdk.Agent.open(agent.session.folder.path) as agent:
        assert agent.describe()["status"] == "online"
    assert place.threats() == [] and kept["refresh_token"] not in place.gateway.output()


def test_a_refresh_whose_answer_was_lost_is_not_tried_again(place, enrolled):
    between = Between(place.gateway.port("plain"))
    agent = enrolled(url=between.url, retry=sdk.Retry(attempts=3, first=0.01))
    between.lose = b"POST /api/v1/agents/refresh "
    agent = grown_old(agent, access_begun=time.time() - 1000, access_ends=time.time() + 8)
    try:
        with pytest.raises(sdk.EnrolmentNeeded, match="was lost"):
            agent.describe()
        assert json.loads(agent.session.folder.state_file.read_text())["refreshing"], "it is written down"
        assert agent.describe()["status"] == "online", "the access token is good still"
        agent.close()
        agent = sdk.Agent.open(agent.session.folder.path)
        pass_time(8)
        between.lose = None
        with pytest.raises(sdk.EnrolmentNeeded):
            agent.describe()
        assert len(between.lost) == 1 and place.threats() == []
    finally:
        agent.close()
        between.stop()


def test_who_is_put_out_says_so(place, enrolled):
    agent = enrolled().start()
    place.operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"status": "quarantined"})
    until(lambda: isinstance(agent.heart.problem, sdk.EnrolmentNeeded), "the heart to stop")
    with pytest.raises(sdk.GatehouseError):
        agent.describe()


def test_its_certificate_is_renewed_in_time(place, enrolled, tmp_path):
    agent = enrolled()
    first = x509.load_pem_x509_certificate(agent.session.folder.certificate_file.read_bytes())
    agent = grown_old(agent, certificate_begun=time.time() - 20 * 3600, certificate_ends=time.time() + 3600).start()

    def renewed():
        certificate = x509.load_pem_x509_certificate(agent.session.folder.certificate_file.read_bytes())
        return certificate if certificate.serial_number != first.serial_number else None
    second = until(renewed, "the next certificate")
    agent.close()
    assert second.public_key().public_numbers() == first.public_key().public_numbers()
    done = subprocess.run(["openssl", "verify", "-CAfile", place.ca_file, "-untrusted", agent.session.folder.certificate_file,
                           agent.session.folder.certificate_file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_house_that_is_away_for_a_moment_is_outlived(start, place, enrolled):
    agent = enrolled(retry=sdk.Retry(attempts=30, most=1)).start()
    config = place.gateway.config
    place.gateway.close()
    until(lambda: isinstance(agent.heart.problem, (sdk.NotSent, sdk.AnswerLost)), "the heart to notice")
    later = threading.Timer(0.5, lambda: start(config))
    later.start()
    assert agent.describe()["hostname"] == "weather-agent"
    until(lambda: agent.heart.problem is None, "the heart to be heard", timeout=10)
    later.join()


def test_a_client_of_httpx_does_as_well(place, enrolled, tmp_path):
    httpx = pytest.importorskip("httpx", reason="python3-httpx is not installed (tools/setup test)")
    with httpx.Client(verify=str(place.ca_file)) as client:
        agent = enrolled("by-httpx", client=client).start()
        place.send(agent.id, body={"n": 1})
        told = agent.messages.stream()
        message = next(told)
        assert message.body == {"n": 1}
        agent.messages.ack([message.id])
        told.close()
        agent = grown_old(agent, access_begun=time.time() - 1000, access_ends=time.time() + 60)
        assert agent.describe()["status"] == "online"
        agent.close()
    with httpx.Client() as stranger, pytest.raises(sdk.NotSent):
        sdk.Agent.enrol(tmp_path / "b", place.url, place.token("b"), client=stranger, retry=sdk.Retry(attempts=1))


def test_nothing_but_the_standard_library_is_wanted():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import gatehouse_agent; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, str(PYTHON_SDK / "src")], capture_output=True, text=True, check=True)
    assert "httpx" not in done.stdout.split() and "opentelemetry" not in done.stdout
    assert pathlib.Path(PYTHON_SDK / "LICENSE").read_text() == (PYTHON_SDK.parents[1] / "LICENSE").read_text()
