"""Plans: made, handed out to agents by leases, moved on by what they report, steered by people, told as events."""

import http.client
import json
import threading
import time

import pytest

from support.agent import online
from support.control import Control, add_user, house_config
from support.gateway import run
from support.plans import claim, complete, create, events, plan_of, report, states, step, work_off
from support.wait import pass_time, until

PASSWORD = "the engine weaves"
QUICK = {"lease": "1s", "retry_first": "50ms", "retry_most": "200ms"}
RESEARCH = {
    "id": "test_research_plan_20251022_163846", "name": "Air over the valley",
    "metadata": {"region": "valley", "z": 1, "a": ["\u00e4", None, 2.5]},
    "steps": [
        {"id": "query", "type": "data_retrieval", "name": "Query Environmental Data", "capabilities": ["data_retrieval"]},
        {"id": "analyze", "type": "data_analysis", "name": "Analyze Air Quality Metrics", "depends_on": ["query"],
         "capabilities": ["data_analysis"]},
        {"id": "synthesize", "type": "synthesis", "name": "Synthesize Findings", "depends_on": ["query", "analyze"],
         "capabilities": ["synthesis"]}]}


@pytest.fixture
def make(start, tmp_path, engine):
    """A function that starts a house on either engine: the gateway and its operator."""
    def maker(**plans):
        changes = {"storage": engine.storage(engine.make_database())} if engine else {}
        config = house_config(tmp_path / "gateway0", plans={**QUICK, **plans}, **changes)
        env = engine.env if engine else None
        if engine:
            engine.migrate(tmp_path / "gateway0", config)
        gateway = start(config, env=env)
        for name, role in (("ada", "admin"), ("mia", "manager"), ("uli", "user")):
            add_user(gateway.config_file, name, PASSWORD, role, env=env)
        return gateway, Control(gateway).sign_in("ada", PASSWORD)
    return maker


@pytest.fixture
def house(start, tmp_path):
    """On SQLite, where the engine makes no difference."""
    gateway = start(house_config(tmp_path / "gateway0", plans=QUICK))
    for name, role in (("ada", "admin"), ("mia", "manager"), ("uli", "user")):
        add_user(gateway.config_file, name, PASSWORD, role)
    return gateway


@pytest.fixture
def operator(house):
    return Control(house).sign_in("ada", PASSWORD)


def test_three_agents_work_a_research_plan_through(make, engine):
    gateway, operator = make()
    made = operator.ask("POST", "/api/v1/plans", RESEARCH)
    assert made.status == 201 and made.get("location") == f"/api/v1/plans/{RESEARCH['id']}"
    plan = made.json()
    assert plan["state"] == "pending" and plan["progress"] == 0 and plan["metadata"] == RESEARCH["metadata"]
    agents = {kind: online(operator, kind.replace("_", "-"), capabilities=[kind])
              for kind in ("data_retrieval", "data_analysis", "synthesis")}
    assert claim(agents["synthesis"]) == [] and claim(agents["data_analysis"]) == []
    measured = {"query": (0.89, 0.92), "analyze": (0.91, 0.89), "synthesize": (0.87, 0.9)}
    began = time.monotonic()
    for count, (name, kind) in enumerate((("query", "data_retrieval"), ("analyze", "data_analysis"), ("synthesize", "synthesis")), 1):
        claimed, = claim(agents[kind])
        assert claimed["step_id"] == name and claimed["type"] == kind
        assert claimed["_trace_context"]["trace_id"] == plan["trace_id"]
        for each in claimed["inputs"]:
            seen = agents[kind].ask("GET", each["result"])
            assert seen.status == 200 and seen.json()["result"] == {"by": each["step_id"]}
            assert each["confidence"] == measured[each["step_id"]][0]
        assert states(operator, plan["id"])[name] == "running"
        pass_time(0.05)
        confidence, quality = measured[name]
        done = complete(agents[kind], claimed, result={"by": name}, confidence=confidence, quality=quality)
        assert done.status == 200 and done.json()["outcome"] == "completed" and done.json()["duration_ms"] >= 50
        assert plan_of(operator, plan["id"])["progress"] == pytest.approx(100 * count / 3)
    plan = plan_of(operator, plan["id"])
    took = (time.monotonic() - began) * 1000
    assert plan["state"] == "completed" and plan["progress"] == 100
    assert 150 <= plan["duration_ms"] <= took + 100
    for name, (confidence, quality) in measured.items():
        shown = operator.get(f"/api/v1/plans/{plan['id']}/steps/{name}").json()
        assert (shown["confidence"], shown["quality"]) == (confidence, quality)
        assert shown["state"] == "completed" and 50 <= shown["duration_ms"] <= took
        assert [each["state"] for each in shown["history"]] == ["completed"]
    told = [each["type"] + ":" + each.get("step_id", "") for each in events(operator, plan["id"])]
    assert told == ["plan.pending:", "step.ready:query", "plan.running:", "step.running:query", "step.completed:query",
                    "step.ready:analyze", "step.running:analyze", "step.completed:analyze", "step.ready:synthesize",
                    "step.running:synthesize", "step.completed:synthesize", "plan.completed:"]
    counted = operator.get("/api/v1/plans/statistics").json()
    assert counted["storage_backend"] == ("PostgreSQL" if engine else "SQLite")
    assert counted["plans"] == 1 and counted["steps"] == 3 and counted["steps_by_state"]["completed"] == 3
    if engine:
        database = gateway.config["storage"]["url"].split("?")[0].rsplit("/", 1)[1]
        assert engine.psql("SELECT (SELECT count(*) FROM plans), (SELECT count(*) FROM plan_steps)", database=database) == "1|3"
        tables = engine.psql("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE tablename LIKE 'plan%'",
                             database=database)
        assert tables == "plan_attempts plan_dependencies plan_events plan_steps plans"


def test_the_same_body_is_the_same_plan(house, operator):
    assert operator.ask("POST", "/api/v1/plans", RESEARCH).status == 201
    again = operator.ask("POST", "/api/v1/plans", RESEARCH)
    assert again.status == 200 and again.json()["id"] == RESEARCH["id"]
    other = operator.ask("POST", "/api/v1/plans", {**RESEARCH, "name": "Another"})
    assert other.status == 409 and other.json()["code"] == "plan.exists"
    made = operator.ask("POST", "/api/v1/plans", {"name": "no id", "steps": [step("a")]})
    assert made.status == 201 and made.json()["id"].startswith("plan_20")


def test_metadata_and_results_are_kept_byte_for_byte(house, operator):
    spelt = '{ "big": 123456789012345678901234567890, "f": 1.50,\n\t"e":1E2, "u": "\\u00e4\\/" }'
    body = '{"id": "p", "name": "p", "metadata": %s, "steps": [{"id": "a", "type": "t", "metadata": %s}]}' % (spelt, spelt)
    fields = [*operator.fields, ("Content-Type", "application/json")]
    assert house.request("POST", "/api/v1/plans", fields, body.encode()).status == 201
    assert ('"metadata":' + spelt).encode() in operator.get("/api/v1/plans/p").body
    agent = online(operator, "worker")
    response = agent.ask("POST", "/api/v1/plans/claim", {})
    assert ('"metadata":' + spelt).encode() in response.body
    claimed, = response.json()["steps"]
    body = '{"lease": "%s", "result": %s}' % (claimed["lease"], spelt)
    fields = [("Authorization", f"Bearer {agent.access}"), ("Content-Type", "application/json")]
    assert house.request("POST", "/api/v1/plans/p/steps/a/complete", fields, body.encode()).status == 200
    assert ('"result":' + spelt).encode() in operator.get("/api/v1/plans/p/steps/a/result").body


def test_a_plan_belongs_to_the_trace_of_its_maker(house, operator):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    made = operator.ask("POST", "/api/v1/plans", {"id": "p", "name": "p", "steps": [step("a")]},
                        fields=[("traceparent", f"00-{trace}-00f067aa0ba902b7-01")])
    assert made.status == 201 and made.json()["trace_id"] == trace
    claimed, = claim(online(operator, "worker"))
    assert claimed["_trace_context"]["trace_id"] == trace and claimed["_trace_context"]["trace_flags"] == 1


def test_an_agent_that_is_shut_out_loses_its_steps_at_once(house, operator):
    agent, other = online(operator, "worker"), online(operator, "other")
    create(operator, "p", [step("a")])
    claimed, = claim(agent)
    assert operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"status": "quarantined"}).status == 200
    assert complete(agent, claimed).status == 401
    taken, = claim(other, wait_ms=3000)
    assert taken["attempt"] == 2 and complete(other, taken).status == 200
    history = operator.get("/api/v1/plans/p/steps/a").json()["history"]
    assert [each["state"] for each in history] == ["cancelled", "completed"] and "shut out" in history[0]["error"]


@pytest.mark.parametrize("steps, code, named", [
    ([step("a", "b"), step("b", "a")], "plan.cycle", "a on b on a"),
    ([step("a", "a")], "plan.cycle", "a on a"),
    ([step("a", "z")], "plan.unknown_dependency", "z"),
    ([step("a"), step("b", "a", "a")], "plan.double_dependency", "b depends on a twice"),
    ([step("a"), step("a")], "plan.double_step", "a is there twice"),
    ([step("a"), step("b", condition={"step": "a", "op": "exists"})], "plan.condition_step", "b"),
    ([step("a", condition={"step": "a"})], "request.invalid", None),
    ([step("a b")], "request.invalid", None),
    ([step("a", max_attempts=0)], "request.invalid", None),
    ([step("a", metadata=[])], "request.invalid", None),
    ([], "request.invalid", None),
])
def test_what_is_no_plan_is_refused_and_the_steps_are_named(house, operator, steps, code, named):
    refused = operator.ask("POST", "/api/v1/plans", {"id": "p", "name": "p", "steps": steps})
    assert refused.status == 422 and refused.json()["code"] == code, refused
    assert named is None or named in refused.json()["detail"]
    assert operator.get("/api/v1/plans/p").status == 404


def test_a_plan_of_too_many_steps_is_refused(make):
    _, operator = make(steps_max=5)
    steps = [step(f"s{i}") for i in range(6)]
    refused = operator.ask("POST", "/api/v1/plans", {"name": "p", "steps": steps})
    assert refused.status == 422 and refused.json()["code"] == "plan.too_many_steps"


def test_a_lease_is_an_agents_own_and_counts_once(house, operator):
    agent, thief = online(operator, "worker"), online(operator, "thief")
    create(operator, "p", [step("a"), step("b", "a")])
    claimed, = claim(agent)
    assert claim(thief) == []
    assert complete(thief, claimed).status == 403
    assert complete(agent, {**claimed, "lease": "none"}).status == 404
    for wrong in ({"confidence": 1.5}, {"quality": -0.1}, {"confidence": "high"}, {"progress": 100}):
        assert complete(agent, claimed, **wrong).status == 422
    first = complete(agent, claimed, result=1)
    again = complete(agent, claimed, result=1)
    assert first.status == again.status == 200 and first.json() == again.json()
    assert report(agent, claimed, "fail", error="no").status == 409
    assert report(agent, claimed, "heartbeat").status == 409
    assert operator.ask("POST", "/api/v1/plans/p/steps/a/cancel").json()["code"] == "plan.illegal_move"
    assert states(operator, "p") == {"a": "completed", "b": "ready"}
    assert thief.ask("GET", "/api/v1/plans/p/steps/a/result").status == 403
    assert agent.ask("GET", "/api/v1/plans/p").status == 403


def test_who_may_what(house, operator):
    create(operator, "p", [step("a", approval=True)])
    manager, user = (Control(house).sign_in(name, PASSWORD) for name in ("mia", "uli"))
    for path in ("", "/p", "/p/steps", "/p/steps/a", "/p/steps/a/result", "/p/events", "/statistics"):
        assert user.get("/api/v1/plans" + path).status == 403, path
        assert manager.get("/api/v1/plans" + path).status == 200, path
    assert manager.ask("POST", "/api/v1/plans/claim", {}).status == 403
    assert user.ask("POST", "/api/v1/plans/p/steps/a/approve", {}).status == 403
    assert manager.ask("POST", "/api/v1/plans/p/steps/a/approve", {}).status == 200
    assert manager.ask("POST", "/api/v1/plans/p/steps/a/approve", {}).status == 409


def test_an_error_is_recorded_and_what_depends_on_it_does_not_run(make):
    _, operator = make()
    agent = online(operator, "worker")
    create(operator, "p", [step("a", max_attempts=2), step("b", "a"), step("c", "b"), step("free")])
    for attempt in (1, 2):
        found = []
        until(lambda: found.extend(claim(agent)) or any(each["step_id"] == "a" for each in found), "the step to be ready again")
        mine = next(each for each in found if each["step_id"] == "a")
        assert mine["attempt"] == attempt
        assert report(agent, mine, "fail", error=f"it broke\nfor the {attempt}. time").status == 200
        for each in found:
            if each["step_id"] == "free":
                assert complete(agent, each).status == 200
    assert states(operator, "p") == {"a": "failed", "b": "skipped", "c": "skipped", "free": "completed"}
    plan = plan_of(operator, "p")
    assert plan["state"] == "failed" and plan["progress"] == 100
    shown = operator.get("/api/v1/plans/p/steps/a").json()
    assert shown["error"] == "it broke\nfor the 2. time" and len(shown["history"]) == 2


def test_a_silent_agent_loses_its_step_and_one_that_beats_does_not(make):
    _, operator = make()
    silent, alive, other = (online(operator, name, capabilities=[name]) for name in ("silent", "alive", "other"))
    create(operator, "p", [step("a"), step("b", capabilities=["alive"])])
    lost, = claim(silent)
    kept, = claim(alive)
    found = []

    def taken_over():
        assert report(alive, kept, "heartbeat").status == 200
        found.extend(claim(other))
        return found
    until(taken_over, "the step to be another's", timeout=20, pause=0.1)
    assert found[0]["step_id"] == "a" and found[0]["attempt"] == 2
    late = complete(silent, lost)
    assert late.status == 409 and late.json()["code"] == "plan.lease_lost"
    assert complete(other, found[0]).status == 200 and complete(alive, kept).status == 200
    assert plan_of(operator, "p")["state"] == "completed"


def test_a_step_that_takes_too_long_is_taken_away(make):
    _, operator = make()
    agent = online(operator, "worker")
    create(operator, "p", [step("a", timeout_ms=400, max_attempts=1)])
    claimed, = claim(agent)
    until(lambda: report(agent, claimed, "heartbeat").status == 409, "the time to be over", pause=0.05)
    until(lambda: states(operator, "p")["a"] == "failed", "the step to fail", timeout=20)
    assert "longer" in operator.get("/api/v1/plans/p/steps/a").json()["error"]


def test_people_pause_resume_approve_reject_and_cancel(make, engine):
    gateway, operator = make()
    agent = online(operator, "worker")
    create(operator, "p", [step("a"), step("b", "a", approval=True), step("c", "a", approval=True), step("d", "b")])
    claimed, = claim(agent)
    assert operator.ask("POST", "/api/v1/plans/p/pause").json()["state"] == "paused"
    assert complete(agent, claimed).status == 200
    assert claim(agent) == [] and states(operator, "p")["b"] == "pending"
    assert operator.ask("POST", "/api/v1/plans/p/resume").json()["state"] == "running"
    assert operator.ask("POST", "/api/v1/plans/p/resume").status == 409
    assert states(operator, "p")["b"] == "waiting" and claim(agent) == []
    assert operator.ask("POST", "/api/v1/plans/p/steps/b/approve", {}).json()["state"] == "ready"
    assert operator.ask("POST", "/api/v1/plans/p/steps/c/reject", {"reason": "too dear"}).json()["state"] == "failed"
    claimed, = claim(agent)
    assert operator.ask("POST", "/api/v1/plans/p/cancel").json()["state"] == "cancelled"
    assert complete(agent, claimed).status == 409
    assert states(operator, "p") == {"a": "completed", "b": "cancelled", "c": "failed", "d": "cancelled"}
    for verb in ("cancel", "pause", "resume"):
        refused = operator.ask("POST", f"/api/v1/plans/p/{verb}")
        assert refused.status == 409 and refused.json()["code"] == "plan.illegal_move"
    done = run("audit", "tail", "--count", "500", "--json", "--config", gateway.config_file, env=engine.env if engine else None)
    told = [record["action"] for record in (json.loads(line)["record"] for line in done.stdout.splitlines())
            if record["object"].get("id") == "p"]
    assert told == ["plan.create", "plan.pause", "plan.resume", "plan.approve", "plan.reject", "plan.cancel"], told


def test_steps_become_others_join_and_are_skipped_by_conditions(make):
    _, operator = make()
    agent = online(operator, "worker")
    create(operator, "p", [
        step("split"), step("join", "split"),
        step("high", "join", condition={"step": "join", "path": "/pm10", "op": "gt", "value": 50}),
        step("low", "join", condition={"step": "join", "path": "/pm10", "op": "le", "value": 50}),
        step("either", "high", "low", join="any"), step("both", "high", "low")])
    claimed, = claim(agent)
    wrong = complete(agent, claimed, expand=[step("x", "y"), step("y", "x")])
    assert wrong.status == 422 and wrong.json()["code"] == "plan.cycle"
    assert complete(agent, claimed, expand=[step("x"), step("y", "x")]).status == 200
    assert plan_of(operator, "p")["steps"] == 8
    names = [claim(agent)[0] for _ in range(1)]
    assert names[0]["step_id"] == "split:x" and names[0]["inputs"][0]["step_id"] == "split"
    assert complete(agent, names[0]).status == 200
    claimed, = claim(agent)
    assert claimed["step_id"] == "split:y" and complete(agent, claimed).status == 200
    claimed, = claim(agent)
    assert claimed["step_id"] == "join"
    assert complete(agent, claimed, result={"pm10": 81.5}).status == 200
    assert work_off(agent) == ["high", "either"]
    assert states(operator, "p") == {"split": "completed", "join": "completed", "high": "completed", "low": "skipped",
                                     "either": "completed", "both": "skipped", "split:x": "completed", "split:y": "completed"}
    assert plan_of(operator, "p")["state"] == "completed"


def test_who_waits_is_told_at_once(make):
    gateway, operator = make()
    agent = online(operator, "worker")
    found = []

    def wait():
        began = time.monotonic()
        found.append((claim(agent, wait_ms=20_000), time.monotonic()))
        assert time.monotonic() - began < 20
    waiter = threading.Thread(target=wait)
    waiter.start()
    pass_time(0.5)
    made = time.monotonic()
    create(operator, "p", [step("a")])
    waiter.join(30)
    assert [each["step_id"] for each in found[0][0]] == ["a"]
    assert found[0][1] - made < 2


def read_events(answer, until_type):
    """Events of a stream until one of that type, or its end."""
    found, current = [], {}
    for line in answer:
        line = line.decode().rstrip("\n")
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            current[name] = value
        elif current:
            found.append(current)
            if current["event"] == until_type:
                break
            current = {}
    return found


def test_events_are_told_as_they_come_and_go_on_where_they_were(house, operator):
    agent = online(operator, "worker")
    create(operator, "p", [step("a"), step("b", "a")])

    def open_events(last=None):
        connection = http.client.HTTPConnection("127.0.0.1", house.port("plain"), timeout=30)
        fields = dict(operator.fields) | {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        connection.request("GET", "/api/v1/plans/p/events", headers=fields)
        return connection.getresponse()

    first = open_events()
    assert first.status == 200 and first.getheader("content-type") == "text/event-stream"
    claimed, = claim(agent)
    began = time.monotonic()
    seen = read_events(first, "step.running")
    assert time.monotonic() - began < 2
    assert [each["id"] for each in seen] == [str(number + 1) for number in range(len(seen))]
    first.close()
    assert complete(agent, claimed).status == 200
    second = open_events(seen[-1]["id"])
    assert work_off(agent) == ["b"]
    rest = read_events(second, "never")
    assert rest[-1]["event"] == "plan.completed", "and then it ends"
    everything = events(operator, "p")
    assert [json.loads(each["data"]) for each in seen + rest] == everything
    assert open_events(rest[-1]["id"]).status == 204


def test_lists_and_metrics(house, operator):
    agent = online(operator, "worker")
    for number in range(3):
        create(operator, f"p{number}", [step("a")])
    assert len(work_off(agent)) == 3
    create(operator, "p3", [step(f"s{number}") for number in range(5)])
    page = operator.get("/api/v1/plans?limit=3").json()
    assert len(page["items"]) == 3 and page["next_cursor"]
    rest = operator.get(f"/api/v1/plans?limit=3&cursor={page['next_cursor']}").json()
    assert {each["id"] for each in page["items"] + rest["items"]} == {"p0", "p1", "p2", "p3"}
    assert [each["id"] for each in operator.get("/api/v1/plans?state=pending").json()["items"]] == ["p3"]
    page = operator.get("/api/v1/plans/p3/steps?limit=3").json()
    assert [each["id"] for each in page["items"]] == ["s0", "s1", "s2"]
    rest = operator.get(f"/api/v1/plans/p3/steps?limit=3&cursor={page['next_cursor']}").json()
    assert [each["id"] for each in rest["items"]] == ["s3", "s4"] and rest["next_cursor"] is None
    assert house.metric("gatehouse_plans_total", outcome="completed") == 3
    assert house.metric("gatehouse_plan_steps_total", outcome="completed") == 3
    assert house.metric("gatehouse_plan_step_duration_seconds_count", outcome="completed") == 3
