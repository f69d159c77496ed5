"""Plans while Gatehouse is killed with -9 and the database goes away: what was acknowledged is there, and counts once."""

import os
import random
import threading
import time

import pytest

from support.agent import online
from support.control import Control, add_user, house_config
from support.gateway import Gatehouse
from support.plans import claim, complete, create, plan_of, report, states, step, work_off
from support.wait import pass_time, until

ROUNDS = 200 if os.environ.get("GATEHOUSE_SLOW") == "1" else 15
SEED = os.environ.get("GATEHOUSE_SEED") or str(random.SystemRandom().randrange(10**9))
DATABASE_EVERY = 5  # of the rounds
PASSWORD = "the engine weaves"
QUICK = {"lease": "1s", "retry_first": "20ms", "retry_most": "100ms"}


class Life:
    """A house that is killed and started again, on the same state."""

    def __init__(self, directory, engine):
        changes = {"storage": engine.storage(engine.make_database(), pool={"acquire_timeout": "1s"})} if engine else {}
        self.config = house_config(directory, plans=QUICK, **changes)
        self.directory, self.engine, self.env = directory, engine, engine.env if engine else None
        if engine:
            engine.migrate(directory, self.config)
        self.gateway = self.begin()
        add_user(self.gateway.config_file, "ada", PASSWORD, "admin", env=self.env)
        self.operator = Control(self.gateway).sign_in("ada", PASSWORD)

    def begin(self):
        self.gateway = Gatehouse(self.directory, self.config, env=self.env)
        return self.gateway

    def kill_database(self):
        """The house goes on; until it has its database again."""
        self.engine.kill()
        pass_time(0.2)
        self.engine.start()
        until(lambda: self.operator.get("/api/v1/plans?limit=1").status == 200, "plans to be read again", timeout=30)

    def again(self):
        self.gateway.kill()
        self.begin()
        self.operator.gateway = self.gateway


@pytest.fixture
def life(tmp_path, engine):
    lived = Life(tmp_path / "gateway0", engine)
    yield lived
    lived.gateway.close()


class Worker(threading.Thread):
    """An agent that works on and notes outside what was acknowledged; what it does not know it asks again."""

    def __init__(self, agent, life, ledger, over):
        super().__init__(daemon=True)
        self.agent, self.life, self.ledger, self.over = agent, life, ledger, over
        self.wrong = []

    def run(self):
        while not self.over.is_set():
            try:
                for claimed in claim(self.agent, most=2, gateway=self.life.gateway):
                    self.finish(claimed)
            except (OSError, EOFError):
                pass_time(0.02)  # it is being killed
            except AssertionError as refused:  # one that is starting has no database yet
                if "503" not in str(refused):
                    self.wrong.append(str(refused))
                pass_time(0.02)
            except Exception as problem:  # noqa: BLE001: of the connection, whatever it is called
                if type(problem).__name__ not in ("Closed", "ProtocolError", "TimeoutError"):
                    self.wrong.append(repr(problem))
                pass_time(0.02)

    def finish(self, claimed):
        key, value = (claimed["plan_id"], claimed["step_id"]), f"{self.agent.id}/{claimed['attempt']}"
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not self.over.is_set():
            try:
                response = complete(self.agent, claimed, gateway=self.life.gateway, result=value)
            except Exception:  # noqa: BLE001: the answer is lost: the same again
                pass_time(0.02)
                continue
            if response.status in (200, 202):
                if self.ledger.setdefault(key, value) != value:
                    self.wrong.append(f"{key} was acknowledged twice")
                return
            if response.status in (404, 409):
                return  # another has it
            pass_time(0.02)


def test_killed_in_a_loop_nothing_is_lost_and_nothing_counts_twice(life):
    print(f"again with GATEHOUSE_SEED={SEED}")
    chance = random.Random(SEED)
    agents = [online(life.operator, f"worker-{number}") for number in range(3)]
    ledger, over = {}, threading.Event()
    workers = [Worker(agent, life, ledger, over) for agent in agents]
    for worker in workers:
        worker.start()
    plans = []
    for number in range(ROUNDS):
        name = f"p{number}"
        chain = [step(f"a{place}", *([f"a{place - 1}"] if place else []), max_attempts=100) for place in range(15)]
        wide = [step(f"b{place}", "a0", max_attempts=100) for place in range(15)]
        create(life.operator, name, [*chain, *wide, step("last", "a14", *[each["id"] for each in wide], max_attempts=100)])
        plans.append(name)
        pass_time(chance.uniform(0.05, 0.7))
        if life.engine and number % DATABASE_EVERY == 1:
            life.kill_database()
        else:
            life.again()
    for name in plans:
        until(lambda name=name: plan_of(life.operator, name)["state"] == "completed", f"{name} to be completed", timeout=90, pause=0.2)
    over.set()
    for worker in workers:
        worker.join(30)
        assert not worker.wrong, worker.wrong
    assert ledger, "nobody was acknowledged anything"
    for name in plans:
        plan = plan_of(life.operator, name)
        assert plan["completed"] == plan["steps"] == 31 and plan["progress"] == 100
        for place in states(life.operator, name):
            shown = life.operator.get(f"/api/v1/plans/{name}/steps/{place}").json()
            assert [each["state"] for each in shown["history"]].count("completed") == 1
            found = life.operator.get(f"/api/v1/plans/{name}/steps/{place}/result").json()["result"]
            assert (name, place) not in ledger or ledger[name, place] == found


@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_the_database_stops_mid_plan_and_the_plan_goes_on(tmp_path, postgres, dies):
    life = Life(tmp_path / "gateway0", postgres)
    try:
        agent = online(life.operator, "worker")
        create(life.operator, "p", [*[step(f"a{number}") for number in range(4)], step("b", *[f"a{number}" for number in range(4)])])
        claimed = {each["step_id"]: each for each in claim(agent)}
        assert len(claimed) == 4
        assert complete(agent, claimed["a0"], result=0).status == 200
        postgres.stop()
        first = complete(agent, claimed["a1"], result={"n": 1}, confidence=0.5)
        assert first.status == 202, first
        again = complete(agent, claimed["a1"], result={"n": 1}, confidence=0.5)
        assert again.status == 202 and again.json() == first.json()
        assert report(agent, claimed["a1"], "fail", error="no").status == 409
        assert report(agent, claimed["a2"], "heartbeat").status == 200
        assert report(agent, claimed["a3"], "fail", error="it broke").status == 202
        for ask in (lambda: agent.ask("POST", "/api/v1/plans/claim", {"max": 1}),
                    lambda: life.operator.ask("POST", "/api/v1/plans", {"name": "q", "steps": [step("a")]}),
                    lambda: complete(agent, {**claimed["a2"], "lease": "unknown"})):
            refused = ask()
            assert refused.status == 503 and refused.get("retry-after"), refused
        pass_time(1.5)  # longer than a lease
        if dies:
            life.again()
            assert complete(agent, claimed["a1"], gateway=life.gateway, result={"n": 1}).status == 503, "it cannot know"
        postgres.start()
        agent.gateway = life.gateway

        def brought():
            if not dies:
                assert report(agent, claimed["a2"], "heartbeat").status == 200, "it beats all the while"
            return states_if(life.operator).get("a1") == "completed"
        until(brought, "the journal to be brought", timeout=30, pause=0.1)
        if not dies:
            assert complete(agent, claimed["a2"], result=2).status == 200, "whoever was heard in the journal has the step still"
        shown = life.operator.get("/api/v1/plans/p/steps/a1").json()
        assert shown["confidence"] == 0.5 and [each["state"] for each in shown["history"]] == ["completed"]
        assert complete(agent, claimed["a1"], result={"n": 1}).json() == first.json()
        assert [each["error"] for each in life.operator.get("/api/v1/plans/p/steps/a3").json()["history"]] == ["it broke"]
        until(lambda: work_off(agent) is not None and plan_of(life.operator, "p")["state"] == "completed",
              "the plan to be completed", timeout=30, pause=0.1)
        plan = plan_of(life.operator, "p")
        assert plan["completed"] == plan["steps"] == 5 and plan["failed"] == 0
        assert life.operator.get("/api/v1/plans/p/steps/a1/result").json()["result"] == {"n": 1}
    finally:
        life.gateway.close()


def states_if(operator):
    """Nothing while the database is not back."""
    response = operator.get("/api/v1/plans/p/steps")
    return {each["id"]: each["state"] for each in response.json()["items"]} if response.status == 200 else {}
