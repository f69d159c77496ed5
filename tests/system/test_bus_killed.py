"""kill -9 while messages are sent and received: what was answered 201 is there, what was acknowledged does not come again."""

import os
import random
import signal
import threading
import uuid

import pytest

from support import raw
from support.agent import online
from support.control import Control, add_user, house_config
from support.gateway import Gatehouse
from support.wait import pass_time, until

PASSWORD = "the engine weaves"
ROUNDS = 60 if os.environ.get("GATEHOUSE_SLOW") == "1" else 5


class Ledger:
    """What was answered, by who asked: outside of the house that is killed."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.acknowledged, self.seen, self.errors, self.again = [], set(), [], [], []
        self.asked = set()  # to be acknowledged: killed before the answer, it may be or not

    def note_sent(self, number, ids):
        with self.lock:
            self.sent += [(number, each) for each in ids]

    def note_seen(self, ids):
        with self.lock:
            self.again += [each for each in ids if each in self.acknowledged]
            self.seen += ids

    def note_acknowledged(self, ids):
        with self.lock:
            self.acknowledged |= set(ids)


class Traffic:
    """Senders and one receiver, until the house is killed under them."""

    def __init__(self, gateway, senders, receiver, ledger):
        self.ledger, self.over = ledger, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(self.send, Control(gateway, token=token), receiver[0])) for token in senders]
        self.threads.append(threading.Thread(target=self.run, args=(self.receive, Control(gateway, token=receiver[1]), receiver[0])))
        for thread in self.threads:
            thread.start()

    def run(self, work, who, recipient):
        while not self.over.is_set():
            try:
                work(who, recipient)
            except (OSError, raw.Closed):
                return  # killed: nobody knows what became of the last one

    def send(self, who, recipient):
        ids = [str(uuid.uuid4()) for _ in range(random.choice((1, 5)))]
        response = who.ask("POST", "/api/v1/messages/batch", {"messages": [{"id": each, "recipient": recipient} for each in ids]})
        if response.status != 200 or any(each["status"] != 201 for each in response.json()["items"]):
            self.ledger.errors.append(response)
        else:
            self.ledger.note_sent(id(who), ids)

    def receive(self, who, _):
        response = who.ask("GET", "/api/v1/messages/receive?max=20&wait=1&lease=1")
        if response.status != 200:
            self.ledger.errors.append(response)
            return
        ids = [each["id"] for each in response.json()["messages"]]
        self.ledger.note_seen(ids)
        done = ids[:random.randint(0, len(ids))]
        if not done:
            return
        self.ledger.asked |= set(done)
        answer = who.ask("POST", "/api/v1/messages/ack", {"ids": done})
        if answer.status == 204:
            self.ledger.note_acknowledged(done)
        else:
            self.ledger.errors.append(answer)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    bus = {"deliveries_max": 100, "inbox_messages_max": 1_000_000, "sender_messages_max": 1_000_000}
    config, env = house_config(tmp_path / "gateway0", workers=2, bus=bus, agents={"access_token_ttl": "6h"}), None
    if request.param == "postgres":
        postgres = request.getfixturevalue("postgres")
        env = postgres.env
        config["storage"] = postgres.storage(postgres.make_database(), pool={"min": 2, "max": 6})
        postgres.migrate(tmp_path / "gateway0", config)
    return tmp_path / "gateway0", config, env


def rest_of(who):
    """All that is still to come, acknowledged."""
    rest = []
    while True:
        batch = until(lambda: who.ask("GET", "/api/v1/messages/receive?max=100&wait=2&lease=60"), "an answer", timeout=10).json()
        if not batch["messages"]:
            return rest
        ids = [each["id"] for each in batch["messages"]]
        assert who.ask("POST", "/api/v1/messages/ack", {"ids": ids}).status == 204
        rest += ids


def test_nothing_acknowledged_is_lost_or_comes_again(place):
    directory, config, env = place
    gateway = Gatehouse(directory, config, env=env)
    ledger = Ledger()
    try:
        add_user(gateway.config_file, "ada", PASSWORD, "admin", env=env)
        operator = Control(gateway).sign_in("ada", PASSWORD)
        agents = [online(operator, name) for name in ("receiver", "first-sender", "second-sender")]
        receiver, senders = (agents[0].id, agents[0].access), [each.access for each in agents[1:]]
        chance = random.Random(26)
        for _ in range(ROUNDS):
            traffic = Traffic(gateway, senders, receiver, ledger)
            known = len(ledger.sent)
            until(lambda: len(ledger.sent) > known, "a message", timeout=20)
            pass_time(chance.uniform(0.05, 0.5))
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
            traffic.stop()
            assert not ledger.errors, ledger.errors[:3]
            gateway = Gatehouse(directory, config, env=env)
        pass_time(1.1)  # a lease of before may hold the line
        rest = rest_of(Control(gateway, token=receiver[1]))
        sent = {each for _, each in ledger.sent}
        assert not ledger.again, ("acknowledged, and given out again", ledger.again[:3])
        assert not set(rest) & ledger.acknowledged
        missing = sent - ledger.acknowledged - set(rest)
        assert missing <= ledger.asked, "sent, and lost"
        for each in missing:
            assert Control(gateway, token=receiver[1]).get(f"/api/v1/messages/{each}").json()["state"] == "done"
        assert len(rest) == len(set(rest))
        assert len(sent) > ROUNDS and len(ledger.acknowledged) > ROUNDS / 2, (len(sent), len(ledger.acknowledged))
        # Each sender's come first in its own order.
        seen = list(dict.fromkeys(ledger.seen + rest))
        for sender in {number for number, _ in ledger.sent}:
            own = [each for number, each in ledger.sent if number == sender]
            places = {each: i for i, each in enumerate(seen)}
            assert [places[each] for each in own] == sorted(places[each] for each in own)
        gateway.close()
    finally:
        gateway.kill()
