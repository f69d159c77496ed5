"""kill -9 of an agent, made with the SDK, while it reads messages and works on plans: what was acknowledged to it does not come
again, what it was killed over does, and each step is completed once."""

import contextlib
import json
import os
import random
import subprocess
import sys

from support.plans import create, plan_of, states, step
from support.sdk import PYTHON_SDK, Place, config_of
from support.wait import pass_time, until

ROUNDS = 200 if os.environ.get("GATEHOUSE_SLOW") == "1" else 15
SEED = os.environ.get("GATEHOUSE_SEED") or str(random.SystemRandom().randrange(10**9))

# What it has begun and what was acknowledged to it, a line each, on the disk before it goes on.
PROGRAM = """
import json, os, sys, threading
import gatehouse_agent as sdk

folder, url, token, ca_file, book = sys.argv[1:]
lock, file = threading.Lock(), open(book, "a")

def note(*words):
    with lock:
        file.write(json.dumps(words) + "\\n")
        file.flush()
        os.fsync(file.fileno())

def read(agent):
    while True:
        batch = agent.messages.receive(max=5, wait=1, lease=1)
        for message in batch:
            note("seen", message.id)
        if len(batch):
            batch.ack()
            note("done", *[message.id for message in batch])

def work(agent):
    while True:
        for each in agent.plans.claim(2, wait=1):
            result = f"{os.getpid()}/{each.attempt}"
            try:
                each.complete(result)
            except sdk.LeaseLost:
                continue
            note("completed", each.plan_id, each.step_id, result)

with sdk.Agent.open_or_enrol(folder, url, token, ca_file=ca_file) as agent:
    threading.Thread(target=read, args=(agent,), daemon=True).start()
    work(agent)
"""


class Life:
    """One process of the agent."""

    def __init__(self, place, token, directory):
        self.book = directory / "book"
        environment = {**os.environ, "PYTHONPATH": str(PYTHON_SDK / "src")}
        self.output = open(directory / "output", "ab")
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, directory / "state", place.url, token, place.ca_file, self.book],
                                        env=environment, stdout=self.output, stderr=self.output)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


def lines(book):
    """Of one that was cut short nothing is known."""
    text = book.read_text() if book.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1] if line.startswith("[") and line.endswith("]")]


def waiting(operator, recipient):
    """Messages that are not acknowledged."""
    count, after = 0, ""
    while True:
        page = operator.get(f"/api/v1/message_history?recipient={recipient}&limit=100{after}").json()
        count += sum(each["state"] == "waiting" for each in page["items"])
        if not page.get("next_cursor"):
            return count
        after = f"&cursor={page['next_cursor']}"


def test_killed_in_a_loop_it_is_given_all_and_nothing_twice(start, tmp_path):
    print(f"again with GATEHOUSE_SEED={SEED}")
    chance = random.Random(SEED)
    place = Place(start(config_of(tmp_path / "gateway0", bus={"deliveries_max": 100})))
    token, operator = place.token("worker"), place.operator
    sent, plans, life = [], [], Life(place, token, tmp_path)
    try:
        worker = until(lambda: [each for each in operator.get("/api/v1/agents").json()["items"] if each["status"] == "online"],
                       "the agent to come", timeout=20)[0]["id"]
        for number in range(ROUNDS):
            create(operator, f"p{number}", [step("a", max_attempts=100), *[step(f"b{n}", "a", max_attempts=100) for n in range(8)]])
            plans.append(f"p{number}")
            sent += [place.send(worker, body={"n": n}) for n in range(10)]
            pass_time(chance.uniform(0.2, 0.9))
            life.kill()
            life = Life(place, token, tmp_path)
        until(lambda: all(plan_of(operator, name)["state"] == "completed" for name in plans), "all plans to be completed",
              timeout=120, pause=0.3)
        until(lambda: not waiting(operator, worker), "all messages to be read", timeout=120, pause=0.3)
    finally:
        with contextlib.suppress(ValueError):
            life.kill()
    told = lines(life.book)
    done, wrong = set(), []
    for what, *words in told:
        wrong += [each for each in words if what == "seen" and each in done]
        done |= set(words) if what == "done" else set()
    assert not wrong, "what was acknowledged came again"
    assert {each for what, *words in told for each in words if what in ("seen", "done")} == set(sent), "all of them were read"
    results = {(plan, one): result for what, *words in told if what == "completed" for plan, one, result in [words]}
    assert len(results) == sum(1 for what, *_ in told if what == "completed"), "a step was acknowledged twice"
    assert len(results) > ROUNDS, "hardly anything was acknowledged"
    for name in plans:
        for place_in_plan in states(operator, name):
            shown = operator.get(f"/api/v1/plans/{name}/steps/{place_in_plan}").json()
            assert [each["state"] for each in shown["history"]].count("completed") == 1, shown
            found = operator.get(f"/api/v1/plans/{name}/steps/{place_in_plan}/result").json()["result"]
            assert results.get((name, place_in_plan), found) == found
