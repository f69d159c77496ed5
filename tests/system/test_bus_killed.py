"""kill -9 of Gatehouse and of PostgreSQL while messages are sent and received: what was answered 201 is there, what was acknowledged
does not come again."""

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
ROUNDS = 200 if os.environ.get("GATEHOUSE_SLOW") == "1" else 15
SEED = os.environ.get("GATEHOUSE_SEED") or str(random.SystemRandom().randrange(10**9))
DATABASE_EVERY, ACKNOWLEDGED_EVERY = 5, 3  # of the rounds


class Ledger:
    """What was answered, by who asked: outside of the house that is killed."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.acknowledged, self.seen, self.errors, self.again = [], set(), [], [], []
        self.asked = set()  # to be acknowledged: killed before the answer, it may be or not
        self.database_is_away = False

    def note_refused(self, answer):
        with self.lock:
            if answer.status != 503 or not self.database_is_away:
                self.errors.append(answer)

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

    def goes_on(self):
        return any(thread.is_alive() for thread in self.threads)

    def send(self, who, recipient):
        ids = [str(uuid.uuid4()) for _ in range(random.choice((1, 5)))]
        response = who.ask("POST", "/api/v1/messages/batch", {"messages": [{"id": each, "recipient": recipient} for each in ids]})
        if response.status != 200 or any(each["status"] != 201 for each in response.json()["items"]):
            self.ledger.note_refused(response)
        else:
            self.ledger.note_sent(id(who), ids)
        pass_time(0.02)  # no more than the receiver is good for

    def receive(self, who, _):
        response = who.ask("GET", "/api/v1/messages/receive?max=20&wait=1&lease=1")
        if response.status != 200:
            self.ledger.note_refused(response)
            pass_time(0.01)
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
            self.ledger.note_refused(answer)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Life:
    """A house that is killed and started again, or whose database is."""

    def __init__(self, directory, postgres):
        changes = {"storage": postgres.storage(postgres.make_database(), pool={"min": 2, "max": 6, "acquire_timeout": "1s"})} if postgres else {}
        self.config = house_config(directory, workers=2, bus={"deliveries_max": 100, "inbox_messages_max": 1_000_000, "sender_messages_max": 1_000_000}, agents={"access_token_ttl": "6h"}, **changes)
        self.directory, self.postgres, self.env = directory, postgres, postgres.env if postgres else None
        if postgres:
            postgres.migrate(directory, self.config)
        self.begin()

    def begin(self):
        self.gateway = Gatehouse(self.directory, self.config, env=self.env)

    def kill_house(self, traffic):
        self.gateway.process.send_signal(signal.SIGKILL)
        self.gateway.process.wait()
        traffic.stop()
        self.begin()

    def kill_database(self, traffic, ledger):
        """The house goes on, and so does the traffic."""
        ledger.database_is_away = True
        self.postgres.kill()
        pass_time(0.2)
        self.postgres.start()
        known = len(ledger.sent)
        until(lambda: len(ledger.sent) > known or not traffic.goes_on(), "a message again", timeout=30)
        traffic.stop()
        ledger.database_is_away = False


@pytest.fixture
def life(tmp_path, engine):
    lived = Life(tmp_path / "gateway0", engine)
    yield lived
    lived.gateway.kill()


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


def test_nothing_acknowledged_is_lost_or_comes_again(life):
    print(f"again with GATEHOUSE_SEED={SEED}")
    chance, ledger = random.Random(SEED), Ledger()
    add_user(life.gateway.config_file, "ada", PASSWORD, "admin", env=life.env)
    operator = Control(life.gateway).sign_in("ada", PASSWORD)
    agents = [online(operator, name) for name in ("receiver", "first-sender", "second-sender")]
    receiver, senders = (agents[0].id, agents[0].access), [each.access for each in agents[1:]]
    for number in range(ROUNDS):
        traffic = Traffic(life.gateway, senders, receiver, ledger)
        known = len(ledger.sent)
        until(lambda known=known: len(ledger.sent) > known, "a message", timeout=20)
        if number % ACKNOWLEDGED_EVERY == 0:  # a lease of before holds the line for its second
            done = len(ledger.acknowledged)
            until(lambda done=done: len(ledger.acknowledged) > done, "an acknowledgement", timeout=20)
        pass_time(chance.uniform(0.05, 0.5))
        if life.postgres and number % DATABASE_EVERY == 1:
            life.kill_database(traffic, ledger)
        else:
            life.kill_house(traffic)
        assert not ledger.errors, ledger.errors[:3]
    pass_time(1.1)  # a lease of before may hold the line
    receiving = Control(life.gateway, token=receiver[1])
    judge(ledger, rest_of(receiving), receiving)
    life.gateway.close()


def judge(ledger, rest, receiver):
    sent = {each for _, each in ledger.sent}
    assert not ledger.again, ("acknowledged, and given out again", ledger.again[:3])
    assert not set(rest) & ledger.acknowledged
    missing = sent - ledger.acknowledged - set(rest)
    assert missing <= ledger.asked, "sent, and lost"
    for each in missing:
        assert receiver.get(f"/api/v1/messages/{each}").json()["state"] == "done"
    assert len(rest) == len(set(rest))
    assert len(sent) > ROUNDS and len(ledger.acknowledged) >= ROUNDS / ACKNOWLEDGED_EVERY, (len(sent), len(ledger.acknowledged))
    # Each sender's come first in its own order.
    seen = list(dict.fromkeys(ledger.seen + rest))
    places = {each: i for i, each in enumerate(seen)}
    for sender in {number for number, _ in ledger.sent}:
        own = [each for number, each in ledger.sent if number == sender]
        assert [places[each] for each in own] == sorted(places[each] for each in own)
