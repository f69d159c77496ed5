"""The SDK for agents in JavaScript, against the real binary: each case is one of tests/clients/agent.mjs."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from cryptography import x509

from support import plans
from support.gateway import ROOT
from support.oauth import CLIENTS, node_clients
from support.sdk import CONTEXT, JAVASCRIPT_SDK, Between, Place, Program, config_of, judge_table
from support.wait import pass_time, seconds


@pytest.fixture(autouse=True)
def node():
    if not shutil.which("node"):
        pytest.skip("node is not installed (tools/setup test)")


@pytest.fixture
def place(start, tmp_path):
    return Place(start(config_of(tmp_path / "gateway0")))


@pytest.fixture
def program(place, tmp_path):
    """A function that runs a case as an agent of its own."""
    made = []

    def run(case, token=None, url=None, **more):
        said = {"folder": str(tmp_path / "agent"), "url": url or place.url, "caFile": str(place.ca_file),
                "token": place.token("weather-agent") if token is None else token, **more}
        made.append(Program("node", CLIENTS / "agent.mjs", case, json.dumps(said), PATH=os.environ["PATH"]))
        return made[-1]
    yield run
    for each in made:
        each.kill()


def state_of(tmp_path):
    return json.loads((tmp_path / "agent/state.json").read_text())


def test_everything_it_asks_for_is_in_the_document(place, program):
    (table,) = program("table").end()
    judge_table(place.openapi(), table)
    sys.path.insert(0, str(ROOT / "sdk/python/src"))
    from gatehouse_agent import ROUTES
    assert {(row["method"], row["path"], *sorted(row["body"]), *sorted(row["query"]), row["repeat"]) for row in table.values()} == {
        (row.method, row.path, *sorted(row.body), *sorted(row.query), row.repeat) for row in ROUTES.values()}, "both do the same"


def test_its_types_are_right_and_its_parts_do_what_they_say(tmp_path):
    done = subprocess.run(["node", "--test", "test/"], cwd=JAVASCRIPT_SDK, capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0 and "# fail 0" in done.stdout and "# pass 0" not in done.stdout, done.stdout
    shutil.copytree(JAVASCRIPT_SDK, tmp_path / "sdk", ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=tmp_path / "sdk", capture_output=True, text=True,
                          timeout=seconds(120), check=False)
    if done.returncode != 0:
        pytest.skip(f"npm ci failed in sdk/javascript: {done.stderr.strip()[-200:]}")
    for script in ("check", "types"):
        done = subprocess.run(["npm", "run", script], cwd=tmp_path / "sdk", capture_output=True, text=True, timeout=seconds(120), check=False)
        assert done.returncode == 0, done.stdout
    assert "reportThreat(type: string, severity: Severity" in (tmp_path / "sdk/types/agent.d.ts").read_text()
    assert "dependencies" not in json.loads((JAVASCRIPT_SDK / "package.json").read_text())


def test_who_comes_a_second_time_is_refused(program, authority, tmp_path):
    second, (held, nobody), again, stranger = program("refused", otherCa=str(authority.certificate)).end()
    assert (second["name"], second["status"], second["code"]) == ("Unauthenticated", 401, "enrolment.token")
    assert (held["name"], nobody["name"], again["name"]) == ("ConfigurationError", "EnrolmentNeeded", "ConfigurationError")
    assert stranger["name"] == "NotSent", "another CA vouches for this house"
    assert not (tmp_path / "agent-2/state.json").exists()


def test_a_killed_agent_goes_on_with_its_folder(place, program, tmp_path):
    first = program("live")
    known, status = first.line()
    assert status == "online"
    for name, mode in (("", 0o700), ("agent.key", 0o600), ("state.json", 0o600), ("agent.pem", 0o600)):
        assert (tmp_path / "agent" / name).stat().st_mode & 0o777 == mode, name
    first.kill()
    second = program("live", token="")
    assert second.line() == [known, "online"]
    second.process.stdin.write("end\n")
    second.process.stdin.flush()
    second.end()
    assert place.threats() == [] and not (tmp_path / "agent/lock.pid").exists()


def test_it_beats_and_tells_what_it_ran(place, program):
    (interval, status, problem), reports = program("activity").end()
    assert (interval, status, problem, reports) == (200, "online", None, 1)
    for outcome in ("success", "error"):
        assert place.gateway.metric("agent_invocations_total", status=outcome) == 1
    assert place.gateway.metric("gatehouse_llm_tokens_total", model="small") == 30


def test_tokens_are_renewed_in_time_and_never_shown_twice(place, program, tmp_path):
    (statuses,) = program("tokens").end()
    assert statuses == ["online"] * 8
    state = state_of(tmp_path)
    assert not state["refreshing"] and state["access_ends"] - state["access_begun"] > 1000
    assert program("live", token="").line()[1] == "online"
    assert place.threats() == []


def test_a_refresh_whose_answer_was_lost_is_not_tried_again(place, program):
    between = Between(place.gateway.port("plain"))
    between.lose = b"POST /api/v1/agents/refresh "
    try:
        (lost, status), ended = program("lost", url=between.url).end()
    finally:
        between.stop()
    assert (lost["name"], status, ended["name"]) == ("EnrolmentNeeded", "online", "EnrolmentNeeded")
    assert len(between.lost) == 1 and place.threats() == []


def test_its_certificate_is_renewed_in_time(program, tmp_path):
    assert program("certificate").end() == [True]
    certificate = x509.load_pem_x509_certificate((tmp_path / "agent/agent.pem").read_bytes())
    assert (certificate.not_valid_after - certificate.not_valid_before).total_seconds() < 25 * 3600


def test_messages_are_sent_received_and_told(program):
    sent, (unknown, invalid), several, batch, lost, *streamed = program("messages").end()
    assert sent == [201, 200] and several == [[201, 201], 201] and batch == [0, 1]
    assert (unknown["name"], unknown["code"]) == ("NotFound", "bus.recipient_unknown")
    assert (invalid["name"], invalid["errors"][0]["pointer"]) == ("Invalid", "/type")
    assert (lost["name"], lost["code"]) == ("LeaseLost", "bus.lease_over")
    assert streamed == [[1, None], [2, None], [3, "task.done"]]


def test_a_lease_is_kept_during_long_work(program):
    assert program("lease").end() == [[[0, 1], [1, 1], [1, 2]]]


def test_steps_of_a_plan_are_worked_on(place, program):
    plans.create(place.operator, "p1", [plans.step("a"), plans.step("b", "a", max_attempts=2), plans.step("c", "b")])
    ((tried, reports),) = program("steps").end()
    assert tried == [["a", 1], ["b", 1], ["b", 2], ["c", 1]]
    assert reports == [["a", "completed"], ["b", "failed"], ["b", "completed"], ["c", "failed"]]
    (inputs, result) = place.operator.get("/api/v1/plans/p1/steps/b/result").json()["result"]
    assert result == {"stations": 3}
    assert inputs == [{"stepId": "a", "state": "completed", "hasResult": True, "reference": "file:a", "confidence": 0.89, "quality": 0.92}]


def test_retry_after_is_honoured(start, tmp_path):
    place = Place(start(config_of(tmp_path / "gateway0", bus={"inbox_messages_max": 1})))
    said = {"folder": str(tmp_path / "agent"), "url": place.plain_url, "token": place.token("weather-agent")}
    full, (status, took) = Program("node", CLIENTS / "agent.mjs", "later", json.dumps(said), PATH=os.environ["PATH"]).end()
    assert (full["name"], full["status"], full["code"], full["retryAfter"]) == ("Unavailable", 429, "bus.inbox_full", 5)
    assert status == 201 and took >= 5000


def test_a_house_that_is_away_for_a_moment_is_outlived(start, place, program):
    agent = program("away")
    assert agent.line() == "online"
    config = place.gateway.config
    place.gateway.close()
    agent.process.stdin.write("ask\n")
    agent.process.stdin.flush()
    pass_time(0.5)
    start(config)
    assert agent.end() == ["weather-agent", None]


def waiting_agent(place, program):
    """Its id; two messages of other traces wait for it."""
    agent = program("live")
    known = agent.line()[0]
    agent.kill()
    other = {**CONTEXT, "trace_id": "1" * 32}
    for context in (CONTEXT, other):
        place.send(known, _trace_context=context)
    return other


def test_the_trace_goes_on(place, program):
    other = waiting_agent(place, program)
    ((span,),) = program("trace", token="").end()
    assert (span["name"], span["attributes"]) == ("process_notifications", {"agent.name": "weather-agent", "notification.count": 2})
    assert span["parent"] == CONTEXT and span["links"] == [other] and span["context"]["trace_id"] == CONTEXT["trace_id"]
    (message,) = place.operator.get("/api/v1/messages/receive").json()["messages"]
    assert message["_trace_context"]["trace_id"] == CONTEXT["trace_id"] == message["body"]["trace"]


def test_opentelemetry_makes_the_spans_where_it_is_handed_in(place, program):
    node_clients()
    other = waiting_agent(place, program)
    (span,) = program("openTelemetry", token="").end()
    assert (span["name"], span["attributes"]) == ("process_notifications", {"agent.name": "weather-agent", "notification.count": 2})
    assert (span["trace"], span["parent"], span["links"]) == (CONTEXT["trace_id"], CONTEXT["span_id"], [other["trace_id"]])
    (message,) = place.operator.get("/api/v1/messages/receive").json()["messages"]
    assert message["_trace_context"]["trace_id"] == span["trace"] and message["body"]["spanId"] == span["id"]
