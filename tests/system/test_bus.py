"""Messages, notifications and tasks: sent, received, acknowledged, given back, given up, read again later."""

import json
import threading
import uuid

import pytest

from support import raw
from support.agent import announce, online
from support.collector import Collector
from support.control import Control, add_user, house_config
from support.oauth import node_clients
from support.wait import pass_time, until

PASSWORD = "the engine weaves"
ROLES = {"ada": "admin", "mia": "manager", "uli": "user", "gus": "guest"}


def config_of(folder, postgres=None, **changes):
    if postgres:
        changes["storage"] = postgres.storage(postgres.make_database())
    return house_config(folder, **changes)


@pytest.fixture
def make(start, tmp_path, engine):
    """A function that starts a house on either engine: its operator, and two agents that are there."""
    def maker(**changes):
        config = config_of(tmp_path / "gateway0", engine, **changes)
        env = engine.env if engine else None
        if engine:
            engine.migrate(tmp_path / "gateway0", config)
        gateway = start(config, env=env)
        for name, role in ROLES.items():
            add_user(gateway.config_file, name, PASSWORD, role, env=env)
        operator = Control(gateway).sign_in("ada", PASSWORD)
        return operator, online(operator, "weather-agent"), online(operator, "plan-agent")
    return maker


@pytest.fixture
def house(make):
    return make()


def send(sender, recipient, body=None, status=201, **more):
    """Of a user or an agent, to an agent or an address."""
    response = sender.ask("POST", "/api/v1/messages", {"recipient": getattr(recipient, "id", recipient), "body": body or {}, **more})
    assert response.status == status, response
    return response.json()


def receive(who, count=10, status=200, **more):
    query = "&".join(f"{key}={value}" for key, value in {"max": count, **more}.items())
    response = who.ask("GET", f"/api/v1/messages/receive?{query}")
    assert response.status == status, response
    return response.json()


def ack(who, batch):
    response = who.ask("POST", "/api/v1/messages/ack", {"ids": [each["id"] for each in batch["messages"]]})
    assert response.status == 204, response


def bodies(batch):
    return [each["body"].get("n") for each in batch["messages"]]


def test_messages_come_in_their_order_and_end_when_they_are_acknowledged(house):
    operator, weather, plan = house
    for n in range(5):
        send(plan, weather, {"n": n}, conversation_id="talk", type="question")
    first = receive(weather, 3)
    assert bodies(first) == [0, 1, 2] and first["receipt"] and first["leased_until"]
    one = first["messages"][0]
    assert one["sender"] == plan.id and one["recipient"] == weather.id and one["deliveries"] == 1
    assert one["conversation_id"] == "talk" and one["type"] == "question" and one["kind"] == "message"
    assert receive(weather)["messages"] == [], "nothing of the line while something of it is out"
    assert receive(plan)["messages"] == [], "another's inbox"
    ack(weather, first)
    assert bodies(receive(weather)) == [3, 4]
    history = weather.ask("GET", "/api/v1/message_history?limit=2").json()
    assert [each["state"] for each in history["items"]] == ["done", "done"]
    assert [each["body"]["n"] for each in history["items"]] == [0, 1]
    more = weather.ask("GET", f"/api/v1/message_history?limit=2&cursor={history['next_cursor']}").json()
    assert [each["body"]["n"] for each in more["items"]] == [2, 3]
    sent = plan.ask("GET", f"/api/v1/message_history?sender={plan.id}&sort=-position").json()
    assert [each["body"]["n"] for each in sent["items"]] == [4, 3, 2, 1, 0]


def test_what_is_not_acknowledged_comes_again_and_is_given_up_in_the_end(make):
    operator, weather, plan = make(bus={"deliveries_max": 2})
    sent = send(plan, weather, {"n": 1})
    first = receive(weather, lease=1)
    assert until(lambda: receive(weather, lease=1)["messages"], "the lease to be over")[0]["deliveries"] == 2
    pass_time(1.1)
    assert receive(weather)["messages"] == []
    dead = operator.get("/api/v1/messages/dead").json()["items"]
    assert [(each["id"], each["state"]) for each in dead] == [(sent["id"], "dead")]
    assert weather.ask("POST", "/api/v1/messages/" + sent["id"] + "/replay").status == 403
    assert operator.ask("POST", "/api/v1/messages/" + sent["id"] + "/replay").status == 200
    again = receive(weather, lease=1)
    assert bodies(again) == [1] and again["receipt"] != first["receipt"]
    ack(weather, again)
    assert operator.ask("DELETE", "/api/v1/messages/" + sent["id"]).status == 409
    page = operator.get("/metrics").body.decode()
    assert "gatehouse_messages_dead_total 1\n" in page
    assert "gatehouse_message_redeliveries_total 1\n" in page


def test_what_is_given_back_comes_again_and_a_lease_is_renewed(house):
    operator, weather, plan = house
    for n in range(2):
        send(plan, weather, {"n": n})
    batch = receive(weather, 1)
    ids = [batch["messages"][0]["id"]]
    assert weather.ask("POST", "/api/v1/messages/renew", {"receipt": batch["receipt"], "lease_seconds": 60}).status == 204
    assert weather.ask("POST", "/api/v1/messages/nack", {"receipt": batch["receipt"], "ids": ids, "delay_seconds": 1}).status == 204
    assert receive(weather)["messages"] == [], "the line rests"
    again = receive(weather, wait=5)
    assert bodies(again) == [0, 1], "in their order"
    for path, more in (("nack", {"ids": ids}), ("renew", {"lease_seconds": 5})):
        response = weather.ask("POST", f"/api/v1/messages/{path}", {"receipt": batch["receipt"], **more})
        assert response.status == 409 and response.json()["code"] == "bus.lease_over"


def test_a_long_poll_is_woken_by_what_is_sent_and_by_what_becomes_due(house):
    operator, weather, plan = house
    assert receive(weather, wait=1)["messages"] == []
    got = []
    for due in (False, True):
        poll = threading.Thread(target=lambda: got.append(receive(weather, wait=20)))
        poll.start()
        pass_time(0.3)
        send(plan, weather, {"n": 1}, **({"deliver_at": later(2)} if due else {}))
        poll.join(10)
        assert not poll.is_alive() and bodies(got[-1]) == [1]
        ack(weather, got[-1])


def later(seconds):
    import datetime
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_what_expires_is_not_given_out(house):
    operator, weather, plan = house
    sent = send(plan, weather, {"n": 1}, expires_at=later(1))
    pass_time(2)
    assert receive(weather)["messages"] == []

    def shown():
        return operator.get(f"/api/v1/messages/{sent['id']}").json()
    until(lambda: shown()["state"] == "expired", "its end", timeout=15)
    assert shown()["ended_at"] and depth_of(operator, weather) == 0


def test_the_same_message_is_sent_once(house):
    operator, weather, plan = house
    chosen = str(uuid.uuid4())
    first = send(plan, weather, {"n": 1}, id=chosen)
    assert first["id"] == chosen and send(plan, weather, {"n": 1}, status=200, id=chosen) == {**first, "status": 200}
    other = plan.ask("POST", "/api/v1/messages", {"recipient": weather.id, "body": {"n": 2}, "id": chosen})
    assert other.status == 409 and other.json()["code"] == "bus.id_taken"
    assert operator.ask("POST", "/api/v1/messages", {"recipient": weather.id, "body": {"n": 1}, "id": chosen}).status == 409
    assert bodies(receive(weather)) == [1]


def test_several_are_sent_at_once_and_each_is_judged_by_itself(make):
    operator, weather, plan = make(bus={"inbox_messages_max": 2})
    response = operator.ask("POST", "/api/v1/messages/batch", {"messages": [
        {"recipient": weather.id, "body": {"n": 0}}, {"recipient": str(uuid.uuid4())}, {"recipient": weather.id, "body": {"n": 1}},
        {"recipient": weather.id, "body": {"n": 2}}, {"recipient": "user:uli"}]})
    assert response.status == 200
    assert [each["status"] for each in response.json()["items"]] == [201, 404, 201, 429, 201]
    assert [each.get("code") for each in response.json()["items"]] == [None, "bus.recipient_unknown", None, "bus.inbox_full", None]
    refused = operator.ask("POST", "/api/v1/messages", {"recipient": weather.id})
    assert refused.status == 429 and refused.get("retry-after")
    assert bodies(receive(weather)) == [0, 1]
    uli = Control(operator.gateway).sign_in("uli", PASSWORD)
    assert receive(uli)["messages"][0]["sender"] == "user:ada"


def test_conversations_are_as_long_as_they_may_be(make):
    operator, weather, plan = make(bus={"conversation_messages_max": 4, "conversation_messages_max_of": {"WEATHER_AGENT": 2}})
    for recipient, most in ((weather, 2), ("user:uli", 4)):
        talk = f"talk-{most}"
        for n in range(most):
            send(operator, recipient, {"n": n}, conversation_id=talk)
        full = operator.ask("POST", "/api/v1/messages", {"recipient": getattr(recipient, "id", recipient), "conversation_id": talk})
        assert full.status == 409 and full.json()["code"] == "bus.conversation_full"
        send(operator, recipient, conversation_id=talk + "-2")


def test_who_may_do_what(house):
    operator, weather, plan = house
    uli, gus, mia = (Control(operator.gateway).sign_in(name, PASSWORD) for name in ("uli", "gus", "mia"))
    nobody = Control(operator.gateway)
    for path in ("tasks", "message_history", "notifications", "messages/receive"):
        assert nobody.get(f"/api/v1/{path}").status == 401
        assert gus.get(f"/api/v1/{path}").status == 403
        assert mia.get(f"/api/v1/{path}").status == 200
    assert uli.get("/api/v1/tasks").status == 200 and uli.get("/api/v1/message_history").status == 403
    assert send(uli, weather, {"n": 1})
    assert nobody.ask("POST", "/api/v1/messages", {"recipient": weather.id}).status == 401
    forged = plan.ask("POST", "/api/v1/messages", {"recipient": weather.id, "sender": "user:ada"})
    assert forged.status == 422, "a sender is never taken from the body"
    private = send(operator, weather, {"n": 2})
    assert plan.ask("GET", f"/api/v1/messages/{private['id']}").status == 404
    assert plan.ask("GET", f"/api/v1/message_history?recipient={weather.id}").json()["items"] == []
    assert plan.ask("POST", "/api/v1/messages/ack", {"ids": [private["id"]]}).status == 204
    assert bodies(receive(weather)) == [1, 2], "nobody acknowledges for another"
    for who in (uli, weather):
        assert who.ask("GET", "/api/v1/messages/dead").status == 403
        assert who.ask("GET", "/api/v1/messages/inboxes").status == 403


def test_a_stream_tells_messages_as_they_come_and_goes_on_where_it_was_cut(house):
    operator, weather, plan = house
    send(plan, weather, {"n": 1})

    def opened(**fields):
        connection = operator.gateway.connect()
        connection.send(raw.encode_request("GET", "/api/v1/messages/stream?max=5",
                                           [("Authorization", f"Bearer {weather.access}"), *fields.items()]))
        head = connection.read_head()
        assert head.status == 200 and head.get("content-type") == "text/event-stream"
        return connection

    def event(connection):
        text = ""
        while "data:" not in text or not text.endswith("\n\n"):
            text += connection.read_chunk().decode()
        lines = dict(line.split(": ", 1) for line in text.split("\n") if line and not line.startswith(":"))
        return lines["id"], lines["event"], json.loads(lines["data"])
    with opened() as first:
        last, kind, message = event(first)
        assert kind == "message" and message["body"] == {"n": 1} and message["receipt"] == last
        ack(weather, {"messages": [message]})
        send(plan, weather, {"n": 2})
        last, _, message = event(first)
        assert message["body"] == {"n": 2}
    with opened(**{"Last-Event-ID": last}) as second:
        _, _, message = event(second)
        assert message["body"] == {"n": 2} and message["deliveries"] == 2, "at once, and not when its lease is over"


def test_tasks_are_made_given_told_and_done(house):
    operator, weather, plan = house
    made = operator.ask("POST", "/api/v1/tasks", {"title": "sweep", "assignee": weather.id, "input": {"room": 7}})
    assert made.status == 201 and made.json()["state"] == "assigned"
    path = made.get("location")
    told = receive(weather)["messages"]
    assert [each["kind"] for each in told] == ["task"] and told[0]["notification_type"] == "task.assigned"
    assert uuid.UUID(told[0]["notification_id"]).version == 4
    assert told[0]["body"] == {"task_id": made.json()["id"], "title": "sweep"} and told[0]["sender"] == "user:ada"
    assert [each["id"] for each in weather.ask("GET", "/api/v1/tasks").json()["items"]] == [made.json()["id"]]
    assert plan.ask("GET", "/api/v1/tasks").json()["items"] == [] and plan.ask("GET", path).status == 404
    assert weather.ask("PATCH", path, {"state": "in_progress"}).status == 200
    assert weather.ask("PATCH", path, {"title": "rest"}).status == 403
    assert weather.ask("PATCH", path, {"state": "open"}).status == 409
    done = weather.ask("PATCH", path, {"state": "completed", "result": {"dust": 0}})
    assert done.status == 200 and done.json()["result"] == {"dust": 0} and done.json()["version"] == 3
    assert operator.ask("PATCH", path, {"title": "again"}).status == 409
    assert operator.ask("DELETE", path).status == 204 and operator.get(path).status == 404
    unknown = operator.ask("POST", "/api/v1/tasks", {"title": "sweep", "assignee": str(uuid.uuid4())})
    assert unknown.status == 404
    page = operator.get("/metrics").body.decode()
    for operation, count in (("create", 1), ("update", 2), ("delete", 1)):
        assert f'vos_task_operations_total{{operation="{operation}"}} {count}\n' in page
    assert f'vos_agent_notifications_total{{agent_id="{weather.id}",notification_type="task.assigned"}} 1\n' in page


def test_a_full_inbox_undoes_the_task_that_could_not_be_told(make):
    operator, weather, plan = make(bus={"inbox_messages_max": 1})
    send(operator, weather)
    refused = operator.ask("POST", "/api/v1/tasks", {"title": "sweep", "assignee": weather.id})
    assert refused.status == 429 and refused.json()["code"] == "bus.inbox_full"
    assert operator.get("/api/v1/tasks").json()["items"] == []


def test_notifications_have_ids_of_version_4_and_are_counted(house):
    operator, weather, plan = house
    response = plan.ask("POST", "/api/v1/notifications", {"recipient": weather.id, "notification_type": "build.done", "body": {"n": 1}})
    assert response.status == 201 and uuid.UUID(response.json()["notification_id"]).version == 4
    told = receive(weather)["messages"][0]
    assert told["notification_id"] == response.json()["notification_id"] and told["notification_type"] == "build.done"
    assert [each["id"] for each in weather.ask("GET", "/api/v1/notifications").json()["items"]] == [told["id"]]
    page = operator.get("/metrics").body.decode()
    assert f'vos_agent_notifications_total{{agent_id="{weather.id}",notification_type="build.done"}} 1\n' in page
    until(lambda: f'rabbitmq_queue_messages{{queue="{weather.id}"}} 1\n' in operator.get("/metrics").body.decode(), "the depth", timeout=10)


def test_a_retired_agent_gets_nothing_more_and_what_waited_for_it_ends(house):
    operator, weather, plan = house
    unknown = announce(operator, "not-yet")
    send(operator, unknown)  # it will read it when it comes
    assert operator.ask("POST", "/api/v1/messages", {"recipient": str(uuid.uuid4())}).status == 404
    waiting = [send(plan, weather, {"n": n}, id=str(uuid.uuid4())) for n in range(3)]
    assert operator.ask("DELETE", f"/api/v1/agents/{weather.id}").status == 200
    refused = plan.ask("POST", "/api/v1/messages", {"recipient": weather.id})
    assert refused.status == 404 and refused.json()["code"] == "bus.recipient_unknown", "at once"
    again = plan.ask("POST", "/api/v1/messages", {"recipient": weather.id, "body": {"n": 0}, "id": waiting[0]["id"]})
    assert again.status == 200, "it was sent"

    def states():
        items = operator.get(f"/api/v1/message_history?recipient={weather.id}").json()["items"]
        return {each["state"] for each in items}
    until(lambda: states() == {"expired"}, "the end of what waited", timeout=20)
    assert depth_of(operator, weather) == 0
    assert depth_of(operator, unknown) == 1, "who comes one day keeps what waits"


def depth_of(operator, agent):
    """What waits in its inbox, as it is counted."""
    items = operator.get("/api/v1/messages/inboxes").json()["items"]
    return next((each["messages"] for each in items if each["recipient"] == getattr(agent, "id", agent)), 0)


def test_one_trace_leads_through_the_messages(make):
    node_clients()
    collector = Collector()
    try:
        operator, weather, plan = make(telemetry={"traces": {"otlp_endpoint": collector.url}})
        traces = [f"{n:032x}" for n in (0xaaa, 0xbbb)]
        for trace in traces:
            response = plan.ask("POST", "/api/v1/messages", {"recipient": weather.id, "_trace_context": {
                "trace_id": trace, "span_id": "00000000000000a1", "trace_flags": 1}})
            assert response.status == 201
        for bad in ({"trace_id": "0" * 32, "span_id": "00000000000000a1", "trace_flags": 1}, "x", {}, {"trace_id": "a" * 31}):
            assert plan.ask("POST", "/api/v1/messages", {"recipient": weather.id, "_trace_context": bad}).status == 201
        batch = receive(weather)["messages"]
        contexts = [each["_trace_context"] for each in batch]
        assert [each["trace_id"] for each in contexts[:2]] == traces
        for context in contexts[2:]:
            assert len(context["trace_id"]) == 32 and context["trace_id"] not in (*traces, "0" * 32)
            assert set(context) == {"trace_id", "span_id", "trace_flags"}
        span = until(lambda: next((each for each in collector.spans() if each.name == "messages.deliver"), None), "the span", timeout=20)
        assert [link[0] for link in span.links] == [each["trace_id"] for each in contexts]
        assert span.links[0] == [traces[0], "00000000000000a1"]
        assert span.attributes["messaging.batch.message_count"] == len(batch)
    finally:
        collector.stop()


def test_while_the_database_is_away_acknowledgements_are_kept_and_sends_are_not_put_off(start, tmp_path, postgres):
    config = config_of(tmp_path / "gateway0", postgres)
    postgres.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=postgres.env)
    add_user(gateway.config_file, "ada", PASSWORD, "admin", env=postgres.env)
    operator = Control(gateway).sign_in("ada", PASSWORD)
    weather = online(operator, "weather-agent")
    for n in range(2):
        send(operator, weather, {"n": n})
    batch = receive(weather, 1, lease=3)
    postgres.stop()
    try:
        refused = operator.ask("POST", "/api/v1/messages", {"recipient": weather.id})
        assert refused.status == 503 and refused.get("retry-after"), refused
        assert weather.ask("GET", "/api/v1/messages/receive").status == 503
        for _ in range(2):
            ack(weather, batch)  # 204: it is in the journal
    finally:
        postgres.start()

    def next_one():
        response = weather.ask("GET", "/api/v1/messages/receive?max=10")
        return response.status == 200 and response.json()["messages"]
    rest = until(next_one, "the second message", timeout=30)
    assert [each["body"]["n"] for each in rest] == [1]
    ack(weather, {"messages": rest})
    history = operator.get(f"/api/v1/message_history?recipient={weather.id}").json()["items"]
    assert [(each["state"], each["deliveries"]) for each in history] == [("done", 1)] * 2
