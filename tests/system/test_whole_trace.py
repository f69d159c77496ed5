"""One trace from who asked, through the gateway, a backend, the queue, two agents and a plan, back to who asked."""

import json
import sys

import pytest

from support import plans
from support.collector import Collector
from support.control import Control
from support.oauth import node_clients
from support.sdk import CONTEXT, PYTHON_SDK, Place, config_of
from support.upstream import encode

sys.path.insert(0, str(PYTHON_SDK / "src"))

import gatehouse_agent as sdk  # noqa: E402


@pytest.fixture
def collector():
    node_clients()
    made = Collector()
    yield made
    made.stop()


def backend(place, asked_agent):
    """Plans what it is asked for, and tells the agent that begins."""
    def answer(connection, request):
        wanted = json.loads(connection.read_body())["plan"]
        trace = [("traceparent", request.get("traceparent"))]
        made = place.operator.ask("POST", "/api/v1/plans", {"id": wanted, "name": wanted, "steps": [
            plans.step("look", capabilities=["looking"]), plans.step("write", "look", capabilities=["writing"])]}, trace)
        sent = place.operator.ask("POST", "/api/v1/messages", {"recipient": asked_agent.id, "body": {"plan": wanted}}, trace)
        told = f"{made.status} {sent.status}".encode()
        connection.send(encode(202, [("Content-Length", len(told))], told))
    return answer


def work_on_one(agent, **outcome):
    step, = agent.plans.claim(max=1, wait=10)
    with step.working():
        step.complete({"by": agent.name}, **outcome)
    return step


def test_who_asked_a_backend_finds_all_that_followed_in_one_trace(start, tmp_path, upstream, collector):
    place = Place(start(config_of(tmp_path / "gateway0", upstreams=[upstream], telemetry={"traces": {"otlp_endpoint": collector.url}})))
    spans = []
    looking, writing = (sdk.Agent.enrol(tmp_path / name, place.url, place.token(name, name), ca_file=place.ca_file, on_span=spans.append)
                        for name in ("looking", "writing"))
    upstream.answer = backend(place, looking)
    try:
        asked = Control(place.gateway).ask("POST", "/ask", {"plan": "air"}, [
            ("traceparent", sdk.TraceContext.parse(CONTEXT).traceparent()), ("tracestate", "shop=7")])
        assert asked.status == 202 and asked.body == b"201 201"
        told = looking.messages.receive(wait=10)
        with told.process():
            work_on_one(looking, confidence=0.9)
            looking.messages.send(writing.id, {"plan": told[0].body["plan"]})
            told.ack()
        handed_on = writing.messages.receive(wait=10)
        with handed_on.process():
            work_on_one(writing, quality=0.8)
            writing.messages.send("user:ada", {"done": handed_on[0].body["plan"]})
            handed_on.ack()
        answer, = place.operator.get("/api/v1/messages/receive?max=1").json()["messages"]
        assert answer["_trace_context"]["trace_id"] == CONTEXT["trace_id"] and answer["body"] == {"done": "air"}
        assert plans.plan_of(place.operator, "air")["state"] == "completed"
        judge(collector, spans, CONTEXT["trace_id"])
    finally:
        looking.close()
        writing.close()


def judge(collector, of_agents, trace):
    wanted = {"POST /", "POST /api/v1/plans", "POST /api/v1/messages", "POST /api/v1/messages/ack",
              "POST /api/v1/plans/{plan}/steps/{step}/complete"}

    def whole(spans):
        return wanted <= {span.name for span in spans if span.trace == trace}
    found = [span for span in collector.until_spans(whole) if span.trace == trace]
    assert {span.name for span in of_agents} == {"process_notifications", "process_step"} and len(of_agents) == 4
    assert {span.context.trace_id for span in of_agents} == {trace}
    known = {span.id for span in found} | {span.context.span_id for span in of_agents} | {CONTEXT["span_id"]}
    lost = [span.name for span in found if span.parent not in known]
    lost += [span.name for span in of_agents if span.parent.span_id not in known]
    assert not lost, "each span hangs below another of the trace"
    assert sum(span.name == "POST /api/v1/plans/{plan}/steps/{step}/complete" for span in found) == 2
    assert sum(span.name == "POST /api/v1/messages" for span in found) == 3, "the backend, and each agent"
