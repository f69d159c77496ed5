"""A great many messages that nobody reads: memory stays as it was, whoever reads is served as before, and a start does not wait."""

import os
import time

import pytest

from support.agent import online
from support.control import Control, add_user, house_config
from support.gateway import SANITIZED, Gatehouse
from support.wait import seconds

PASSWORD = "the engine weaves"
MANY = 1_000_000 if os.environ.get("GATEHOUSE_SLOW") == "1" else 40_000
BATCH, INBOXES = 100, 100


@pytest.fixture
def house(tmp_path, engine):
    """On either engine: one that takes that many, and who administers."""
    changes = {"storage": engine.storage(engine.make_database())} if engine else {}
    config = house_config(tmp_path / "gateway0", bus={"inbox_messages_max": MANY, "sender_messages_max": MANY, "sender_bytes_max": "2GiB"}, **changes)
    if engine:
        engine.migrate(tmp_path / "gateway0", config)
    gateway = Gatehouse(tmp_path / "gateway0", config, env=engine.env if engine else None)
    add_user(gateway.config_file, "ada", PASSWORD, "admin", env=engine.env if engine else None)
    operator = Control(gateway).sign_in("ada", PASSWORD)
    yield operator
    operator.gateway.close()


def once_around(sender, reader):
    """How long a message takes from its sender to its acknowledgement, in seconds."""
    begun = time.monotonic()
    assert sender.ask("POST", "/api/v1/messages", {"recipient": reader.id, "body": {}}).status == 201
    batch = reader.ask("GET", "/api/v1/messages/receive?max=1").json()
    assert len(batch["messages"]) == 1
    assert reader.ask("POST", "/api/v1/messages/ack", {"ids": [batch["messages"][0]["id"]]}).status == 204
    return time.monotonic() - begun


def test_many_that_wait_cost_no_memory_and_nobody_else(house):
    weather, plan = online(house, "weather"), online(house, "plan")
    before, quick = house.gateway.resident_bytes(), sorted(once_around(plan, weather) for _ in range(20))
    for number in range(MANY // BATCH):
        body = {"messages": [{"recipient": f"service:s{number % INBOXES}", "body": {"n": number}}] * BATCH}
        answer = plan.ask("POST", "/api/v1/messages/batch", body)
        assert answer.status == 200 and all(each["status"] == 201 for each in answer.json()["items"]), answer
    grown = house.gateway.resident_bytes() - before
    later = sorted(once_around(plan, weather) for _ in range(20))
    print(f"{MANY} messages: {grown / 2**20:.0f} MiB more; once around {1e3 * quick[10]:.1f} and {1e3 * later[10]:.1f} ms")
    assert SANITIZED or grown < 96 * 2**20, grown
    assert later[10] < max(10 * quick[10], seconds(0.3)), (quick, later)
    house.gateway.kill()
    begun = time.monotonic()
    house.gateway = Gatehouse(house.gateway.directory, house.gateway.config, env=house.gateway.env)
    weather.gateway = plan.gateway = house.gateway
    assert time.monotonic() - begun < seconds(10)
    once_around(plan, weather)
    answer = house.get("/api/v1/message_history?recipient=service:s7&limit=1").json()
    assert answer["items"][0]["body"] == {"n": 7} and answer["items"][0]["state"] == "waiting"
