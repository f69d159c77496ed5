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

from support import plans
from support.collector import Collector
from support.gateway import run
from support.oauth import node_clients
from support.sdk import CONTEXT, PYTHON_SDK, Between, Place, config_of, judge_request, judge_table, python_program
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
    have = subprocess.run([sys.executable, "-c", "import pip, setuptools, wheel"], capture_output=True, check=False)
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
        until(lambda: 'agent_invocations_total{agent_name="weather-agent",status="error"} 1' in metrics(place), "the error")
    until(lambda: 'agent_invocations_total{agent_name="weather-agent",status="success"} 1' in metrics(place), "the success")
    assert agent.heart.interval == 0.2 and agent.describe()["agent_version"] == "1.2"
    pass_time(2.5)
    assert agent.describe()["status"] == "online", "longer than offline_after"
    assert agent.report_threat("port.scan", "high", fingerprint="192.0.2.1", details={"port": 22})["reports"] == 1
    assert agent.report_threat("port.scan", "low", fingerprint="192.0.2.1")["reports"] == 2


def metrics(place):
    return place.gateway.get("/metrics", listener="admin").body.decode()


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


def test_messages_are_sent_received_and_told(place, enrolled):
    weather, planner = enrolled("weather-agent"), enrolled("plan-agent")
    first = planner.messages.send(weather.id, {"n": 0}, type="question", conversation_id="trip-7")
    assert first.status == 201
    assert planner.messages.send(weather.id, {"n": 0}, type="question", conversation_id="trip-7", id=first.id).status == 200
    with pytest.raises(sdk.NotFound) as unknown:
        planner.messages.send("01a00000-0000-7000-8000-000000000000")
    assert unknown.value.code == "bus.recipient_unknown"
    with pytest.raises(sdk.Invalid) as invalid:
        planner.messages.send(weather.id, type="Not So")
    assert invalid.value.errors[0]["pointer"] == "/type"
    made = planner.messages.send_batch(sdk.new_message(weather.id, {"n": n}) for n in (1, 2))
    assert [each.status for each in made] == [201, 201]
    assert planner.messages.notify(weather.id, "task.done", {"n": 3}).status == 201
    batch = weather.messages.receive(max=2, lease=30)
    assert [each.body["n"] for each in batch] == [0, 1] and batch[0].sender == planner.id and batch[0].conversation_id == "trip-7"
    batch.ack(batch[0])
    batch.renew(60)
    batch.nack(batch[1])
    with pytest.raises(sdk.LeaseLost):
        batch.renew()
    told = weather.messages.stream()
    for n in (1, 2, 3):
        message = next(told)
        assert message.body == {"n": n}
        weather.messages.ack([message.id])
    assert message.notification_type == "task.done"
    told.close()
    began = time.monotonic()
    assert len(weather.messages.receive(wait=1)) == 0 and time.monotonic() - began > 0.9


def test_a_lease_is_kept_during_long_work(place, enrolled):
    agent, stop, seen = enrolled(), threading.Event(), []
    for n in range(2):
        place.send(agent.id, body={"n": n})

    def handle(message):
        seen.append((message.body["n"], message.deliveries))
        if len(seen) == 2:  # the second one, at its first attempt
            raise RuntimeError("not today")
        pass_time(2.5)
        if len(seen) == 3:
            stop.set()
    agent.messages.run(handle, stop=stop, lease=1, delay=1)
    assert seen == [(0, 1), (1, 1), (1, 2)], "nothing came twice by itself"
    assert {each["state"] for each in place.received(agent.id)} == {"done"}


def test_steps_of_a_plan_are_worked_on(place, enrolled):
    agent, stop, reports, tried = enrolled(), threading.Event(), [], []
    plans.create(place.operator, "p1", [plans.step("a"), plans.step("b", "a", max_attempts=2), plans.step("c", "b")])

    def work(step):
        tried.append((step.step_id, step.attempt))
        if step.step_id == "a":
            pass_time(2.5)  # the lease is a second
            return sdk.Outcome({"stations": 3}, reference="file:a", confidence=0.89, quality=0.92)
        if step.step_id == "b" and step.attempt == 1:
            raise RuntimeError("the sensor is asleep")
        if step.step_id == "b":
            (given,) = step.inputs
            assert (given.reference, given.confidence, given.quality, given.has_result) == ("file:a", 0.89, 0.92, True)
            return step.result_of("a")
        raise sdk.NotRetryable("there is nothing to say")

    def told(report):
        reports.append((report.step_id, report.outcome))
        if report.step_id == "c":
            stop.set()
    agent.plans.run(work, stop=stop, wait=5, on_report=told)
    assert tried == [("a", 1), ("b", 1), ("b", 2), ("c", 1)]
    assert reports == [("a", "completed"), ("b", "failed"), ("b", "completed"), ("c", "failed")]
    assert place.operator.get("/api/v1/plans/p1/steps/b/result").json()["result"] == {"stations": 3}
    assert plans.plan_of(place.operator, "p1")["state"] == "failed"


def test_a_step_that_is_anothers_is_told(place, enrolled):
    agent = enrolled()
    plans.create(place.operator, "p1", [plans.step("a")])
    (step,) = agent.plans.claim(wait=5)
    with step.working():
        place.operator.ask("POST", "/api/v1/plans/p1/cancel")
        assert step.lost.wait(seconds(5))
    with pytest.raises(sdk.Conflict):
        step.complete({})


def test_the_trace_goes_on(start, tmp_path):
    node_clients()
    collector, spans = Collector(), []
    place = Place(start(config_of(tmp_path / "gateway0", telemetry={"traces": {"otlp_endpoint": collector.url}})))
    agent = sdk.Agent.enrol(tmp_path / "a", place.plain_url, place.token("weather-agent"), on_span=spans.append)
    try:
        other = {**CONTEXT, "trace_id": "1" * 32}
        for context in (CONTEXT, other):
            place.send(agent.id, _trace_context=context)
        batch = agent.messages.receive()
        with batch.process():
            assert sdk.current_trace().trace_id == CONTEXT["trace_id"]
            agent.messages.send("user:ada", {"n": 1})
            batch.ack()
        assert sdk.current_trace() is None
        (span,) = spans
        assert (span.name, span.attributes) == ("process_notifications", {"agent.name": "weather-agent", "notification.count": 2})
        assert span.parent.fields() == CONTEXT and [each.fields() for each in span.links] == [other] and span.end > span.start
        found = collector.until_spans(lambda all_of: any(each.parent == span.context.span_id for each in all_of))
        (below,) = [each for each in found if each.parent == span.context.span_id and "messages" in each.name and "ack" not in each.name]
        assert below.trace == CONTEXT["trace_id"]
    finally:
        agent.close()
        collector.stop()


@pytest.mark.parametrize("bad", [None, "x", {}, {"trace_id": "0" * 32, "span_id": "1" * 16}, {"trace_id": "A" * 32, "span_id": "1" * 16},
                                 {"trace_id": "a" * 32, "span_id": "1" * 16, "trace_flags": 256}, {"trace_id": "a" * 31, "span_id": "1" * 16}])
def test_a_trace_that_is_none_is_left_out(bad):
    assert sdk.TraceContext.parse(bad) is None


def test_retry_after_is_honoured(start, tmp_path):
    place = Place(start(config_of(tmp_path / "gateway0", bus={"inbox_messages_max": 1})))
    with sdk.Agent.enrol(tmp_path / "a", place.plain_url, place.token("a")) as agent:
        place.send(agent.id)
        said = sdk.Agent.enrol(tmp_path / "b", place.plain_url, place.token("b"), retry=sdk.Retry(attempts=1))
        with pytest.raises(sdk.Unavailable) as full:
            said.messages.send(agent.id)
        said.close()
        assert (full.value.status, full.value.code, full.value.retry_after) == (429, "bus.inbox_full", 5)
        with sdk.Agent.open(tmp_path / "b", retry=sdk.Retry(attempts=2, first=0.01)) as patient:
            timer = threading.Timer(1, lambda: agent.messages.receive().ack())
            timer.start()
            began = time.monotonic()
            assert patient.messages.send(agent.id).status == 201
            assert time.monotonic() - began >= 5
            timer.join()


def test_a_house_that_is_away_for_a_moment_is_outlived(start, place, enrolled):
    agent = enrolled().start()
    config = place.gateway.config
    place.gateway.close()
    until(lambda: isinstance(agent.heart.problem, (sdk.NotSent, sdk.AnswerLost)), "the heart to notice")
    later = threading.Timer(0.5, lambda: start(config))
    later.start()
    assert agent.describe()["hostname"] == "weather-agent"
    until(lambda: agent.heart.problem is None, "the heart to be heard")
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
