"""What nobody may take from others: shares of inboxes and tasks, waits, pages; and inboxes that nobody else reads."""

import threading
import uuid

from support import raw
from support.control import Control
from support.gateway import run
from support.wait import pass_time
from test_bus import PASSWORD, ack, bodies, depth_of, house, later, make, receive, send

__all__ = ["house", "make"]


def test_one_sender_fills_an_inbox_for_nobody_else_and_an_operator_empties_it(make, engine):
    operator, weather, plan = make(bus={"inbox_messages_max": 10, "sender_messages_max": 3})
    for _ in range(3):
        send(plan, weather, {"n": 1}, deliver_at=later(3600))
    refused = plan.ask("POST", "/api/v1/messages", {"recipient": weather.id})
    assert refused.status == 429 and refused.json()["code"] == "bus.share_full" and refused.get("retry-after")
    send(operator, weather, {"n": 2})
    assert bodies(receive(weather)) == [2]
    far = plan.ask("POST", "/api/v1/messages", {"recipient": "user:uli", "deliver_at": later(31 * 86400)})
    assert far.status == 422 and far.json()["code"] == "bus.deliver_at"
    for nobody in ("user:nobody-7", "nobody:ada", "somebody", "service:"):
        assert plan.ask("POST", "/api/v1/messages", {"recipient": nobody}).status == 404, nobody
    send(plan, "service:mail")
    uli = Control(operator.gateway).sign_in("uli", PASSWORD)
    for who in (uli, plan):
        assert who.ask("POST", "/api/v1/messages/inboxes/empty", {"recipient": weather.id}).status == 403
    assert depth_of(operator, weather) == 4
    waits = next(each for each in operator.get(f"/api/v1/message_history?recipient={weather.id}").json()["items"] if each["body"] == {"n": 1})
    assert operator.ask("DELETE", f"/api/v1/messages/{waits['id']}").status == 204
    assert operator.ask("POST", "/api/v1/messages/inboxes/empty", {"recipient": weather.id}).json() == {"recipient": weather.id, "messages": 3}
    assert depth_of(operator, weather) == 0 and receive(weather)["messages"] == []
    told = run("audit", "tail", "--count", "500", "--json", "--config", operator.gateway.config_file, env=engine.env if engine else None)
    assert '"inbox.empty"' in told.stdout and '"message.delete"' in told.stdout, told
    send(plan, weather, {"n": 3})
    assert bodies(receive(weather)) == [3]


def test_each_key_has_the_inbox_of_its_id(house):
    operator, weather, plan = house
    keys = []
    for name in ("one", "two"):
        made = operator.ask("POST", "/api/v1/keys", {"name": name, "subject": "mailer", "roles": ["user"]})
        assert made.status == 201, made
        keys.append((made.json()["id"], Control(operator.gateway, key=made.json()["key"])))
    for number, (name, _) in enumerate(keys):
        send(plan, f"api_key:{name}", {"n": number})
    for number, (name, key) in enumerate(keys):
        assert bodies(receive(key)) == [number]
        assert send(key, weather)["id"]
    assert [each["sender"] for each in receive(weather)["messages"]] == [f"api_key:{name}" for name, _ in keys]


def test_two_consumers_of_one_inbox_take_turns(house):
    operator, weather, plan = house
    got, out, faults = [], set(), []
    lock = threading.Lock()

    def consume():
        while True:
            batch = receive(weather, 3, wait=1)
            numbers = bodies(batch)
            if not numbers:
                return
            with lock:
                faults.extend(numbers if out else [])
                out.update(numbers)
                got.extend(numbers)
            pass_time(0.01)
            with lock:
                out.difference_update(numbers)
            ack(weather, batch)
    for n in range(60):
        send(plan, weather, {"n": n})
    consumers = [threading.Thread(target=consume) for _ in range(2)]
    for each in consumers:
        each.start()
    for each in consumers:
        each.join(30)
    assert got == list(range(60)) and not faults, "in their order, one batch at a time"
    assert depth_of(operator, weather) == 0


def test_so_many_wait_at_one_inbox_and_no_more(house):
    operator, weather, plan = house
    answers = []
    polls = [threading.Thread(target=lambda: answers.append(weather.ask("GET", "/api/v1/messages/receive?wait=5").status)) for _ in range(40)]
    for poll in polls:
        poll.start()
    for poll in polls:
        poll.join(20)
    assert sorted(set(answers)) == [200, 429] and answers.count(200) >= 16, answers
    assert receive(plan, wait=1)["messages"] == [], "others are not affected"


def test_tasks_are_limited_and_what_was_answered_is_answered_again(make):
    operator, weather, plan = make(bus={"maker_tasks_max": 2})
    chosen = str(uuid.uuid4())
    wanted = {"id": chosen, "title": "sweep", "assignee": weather.id}
    assert [plan.ask("POST", "/api/v1/tasks", wanted).status for _ in range(2)] == [201, 200]
    assert plan.ask("POST", "/api/v1/tasks", {**wanted, "title": "mop"}).status == 409
    assert plan.ask("POST", "/api/v1/tasks", {"title": "mop"}).status == 201
    full = plan.ask("POST", "/api/v1/tasks", {"title": "dust"})
    assert full.status == 429 and full.json()["code"] == "task.maker_full"
    assert operator.ask("POST", "/api/v1/tasks", {"title": "dust"}).status == 201, "others are not affected"
    for _ in range(2):
        assert weather.ask("PATCH", f"/api/v1/tasks/{chosen}", {"state": "completed", "result": {"n": 1}}).status == 200
    assert weather.ask("PATCH", f"/api/v1/tasks/{chosen}", {"state": "failed"}).status == 409
    assert len(receive(weather)["messages"]) == 1, "told once"
    assert plan.ask("POST", "/api/v1/tasks", {"title": "dust"}).status == 201, "in the place of what is over"
    mine = plan.ask("GET", f"/api/v1/tasks?created_by={plan.id}").json()["items"]
    assert [each["title"] for each in mine] == ["dust", "mop"]
    assert plan.ask("GET", f"/api/v1/tasks?created_by={weather.id}").status == 403


def test_a_client_that_leaves_does_not_wear_out_what_waits(make):
    operator, weather, plan = make(bus={"deliveries_max": 3})
    for _ in range(8):
        with operator.gateway.connect() as connection:
            connection.send(raw.encode_request("GET", "/api/v1/messages/receive?wait=20", [("Authorization", f"Bearer {weather.access}")]))
            pass_time(0.1)
    send(plan, weather, {"n": 1})
    pass_time(0.5)
    batch = receive(weather, wait=5)
    assert [(each["body"]["n"], each["deliveries"]) for each in batch["messages"]] == [(1, 1)]


def test_large_bodies_come_page_by_page(make):
    operator, weather, plan = make()
    for n in range(24):
        send(plan, weather, {"n": n, "text": "x" * 250_000})
    path, seen, pages = f"/api/v1/message_history?recipient={weather.id}&limit=200", [], 0
    cursor = ""
    while cursor is not None:
        page = operator.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [each["body"]["n"] for each in page["items"]]
        assert len(page["items"]) <= 17
        cursor, pages = page["next_cursor"], pages + 1
    assert seen == list(range(24)) and pages == 2
    assert len(receive(weather, 100)["messages"]) == 4, "a megabyte"


def test_a_maker_takes_back_what_nobody_has_done(house):
    _, weather, plan = house
    made = plan.ask("POST", "/api/v1/tasks", {"title": "sweep", "assignee": weather.id})
    assert made.status == 201, made
    path = made.get("location")
    assert plan.ask("PATCH", path, {"state": "completed"}).status == 403, "that is for who has it"
    assert plan.ask("PATCH", path, {"state": "cancelled", "result": {"n": 1}}).status == 403
    assert plan.ask("PATCH", path, {"state": "cancelled"}).json()["state"] == "cancelled"
    assert weather.ask("PATCH", path, {"state": "in_progress"}).status == 409
