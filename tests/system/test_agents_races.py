"""What agents lose, and when: two that use one token, one that comes anew, one that is let in again."""

import json
import threading

import pytest

from support.agent import online
from support.control import Control, add_user, house_config
from support.gateway import run
from support.wait import pass_time, until

PASSWORD = "the engine weaves"


@pytest.fixture
def house(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", agents={
        "heartbeat_interval": "200ms", "heartbeat_flush": "100ms", "offline_after": "2s"}))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    return gateway


@pytest.fixture
def operator(house):
    return Control(house).sign_in("ada", PASSWORD)


def actions(house):
    done = run("audit", "tail", "--count", "500", "--json", "--config", house.config_file)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["record"]["action"] for line in done.stdout.splitlines()]


def ends(agent, access, timeout=3):
    def ended():
        return Control(agent.gateway, token=access).get("/api/v1/agents/self").status == 401
    until(ended, "the access token to end", timeout=timeout)


def test_two_refreshes_at_once_leave_nobody_with_a_token(house, operator):
    """Whichever of the two commits first, and whatever their clocks say."""
    for number in range(5):
        agent = online(operator, f"race-{number}")
        text, got = agent.refresh_token, [agent.access]

        def refresh(text=text, got=got):
            response = Control(house).ask("POST", "/api/v1/agents/refresh", {"refresh_token": text})
            if response.status == 200:
                got.append(response.json()["access_token"])
        racers = [threading.Thread(target=refresh) for _ in range(4)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert len(got) == 2, "one was answered"
        for access in got:
            ends(agent, access)


def test_who_comes_anew_leaves_nothing_behind(house, operator):
    agent = online(operator, "build-7")
    before = agent.access
    response = operator.ask("POST", f"/api/v1/agents/{agent.id}/enrolment")
    assert response.status == 200, response
    assert agent.enrol(token=response.json()["enrolment_token"]).status == 201
    ends(agent, before)
    assert agent.beat().status == 200


def test_who_is_released_stays_offline_until_it_comes_anew(house, operator):
    agent = online(operator, "build-7")
    assert agent.beat().status == 200
    for status in ("quarantined", "offline"):
        assert operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"status": status}).status == 200
    pass_time(1)
    assert operator.get(f"/api/v1/agents/{agent.id}").json()["status"] == "offline"
    assert "agent.online" not in actions(house)
