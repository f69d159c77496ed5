"""What agents may not do to plans: report by another step's path, make work for others, hear events twice."""

import http.client

import pytest

from support.agent import online
from support.control import Control, add_user, house_config
from support.plans import claim, complete, create, events, plan_of, report, states, step, work_off

PASSWORD = "the engine weaves"


@pytest.fixture
def house(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", plans={"lease": "2s"}))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    return gateway


@pytest.fixture
def operator(house):
    return Control(house).sign_in("ada", PASSWORD)


def test_a_report_is_of_the_step_that_was_leased(operator):
    agent = online(operator, "worker")
    create(operator, "p", [step("a"), step("b", "a")])
    create(operator, "q", [step("a", capabilities=["other"])])
    claimed, = claim(agent)
    for elsewhere in ({"step_id": "b"}, {"plan_id": "q"}, {"step_id": "none"}):
        for verb, body in (("complete", {"expand": [step("x")]}), ("complete", {}), ("fail", {"error": "no"}), ("heartbeat", {})):
            refused = report(agent, {**claimed, **elsewhere}, verb, **body)
            assert refused.status == 409 and refused.json()["code"] == "plan.lease_of_other_step", (verb, refused)
    assert plan_of(operator, "p")["steps"] == 2
    assert complete(agent, claimed, expand=[step("x")]).status == 200
    assert work_off(agent) == ["a:x", "b"]
    assert plan_of(operator, "p")["state"] == "completed"


def test_an_agent_makes_no_work_that_it_cannot_do(operator):
    agent = online(operator, "worker", capabilities=["search"])
    create(operator, "p", [step("a")])
    claimed, = claim(agent)
    refused = complete(agent, claimed, expand=[step("x", capabilities=["deploy"])])
    assert refused.status == 403 and refused.json()["code"] == "plan.capability"
    assert states(operator, "p") == {"a": "running"}
    assert complete(agent, claimed, expand=[step("x", capabilities=["search"])]).status == 200
    assert work_off(agent) == ["a:x"]


def test_steps_that_a_step_becomes_ask_about_one_another(operator):
    agent = online(operator, "worker")
    create(operator, "p", [step("split")])
    claimed, = claim(agent)
    of = {"path": "/n", "op": "eq", "value": 1}
    children = [step("x"), step("yes", "x", condition={"step": "x", **of}), step("no", "x", condition={"not": {"step": "x", **of}}),
                step("parent", condition={"step": "split", **of}), step("any", "x", "yes", join="any")]
    assert complete(agent, claimed, result={"n": 1}, expand=children).status == 200
    assert states(operator, "p")["split:any"] == "pending", "the step itself is none that it waits for"
    work_off(agent, result={"n": 1})
    assert states(operator, "p") == {"split": "completed", "split:x": "completed", "split:yes": "completed", "split:no": "skipped",
                                     "split:parent": "completed", "split:any": "completed"}


def test_who_comes_back_by_the_same_url_hears_nothing_twice(house, operator):
    agent = online(operator, "worker")
    create(operator, "p", [step("a")])
    assert work_off(agent) == ["a"]
    last = events(operator, "p")[-1]["sequence"]
    for heard in (last, last + 10):
        connection = http.client.HTTPConnection("127.0.0.1", house.port("plain"), timeout=10)
        fields = dict(operator.fields) | {"Accept": "text/event-stream", "Last-Event-ID": str(heard)}
        connection.request("GET", "/api/v1/plans/p/events?after=1", headers=fields)
        assert connection.getresponse().status == 204
        connection.close()
