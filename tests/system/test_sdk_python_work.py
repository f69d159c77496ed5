"""The SDK for agents in Python at work: messages, steps of plans, leases, traces, and a house that says later."""

import sys
import threading
import time

import pytest

from support import plans
from support.collector import Collector
from support.oauth import node_clients
from support.sdk import CONTEXT, PYTHON_SDK, Place, config_of
from support.wait import pass_time, seconds

sys.path.insert(0, str(PYTHON_SDK / "src"))

import gatehouse_agent as sdk  # noqa: E402


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
