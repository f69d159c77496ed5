"""Agents, tokens, threats and audit logs that a program kept in memory, taken over: once, whatever happens meanwhile."""

import json
import random
import signal
import subprocess

import pytest

from support.control import Control, add_user, house_config
from support.gateway import BINARY, environment, run, write_config
from support.wait import until

PASSWORD = "the engine weaves"
COUNT = 1500


def dump_of(count):
    """Whole but for one of each kind."""
    agents = {f"agent-{i}": {"hostname": f"probe-{i}", "created_at": 1761151126 + i} for i in range(count)}
    tokens = [{"agent_id": f"agent-{i}", "token_hash": f"hash {i}", "expires_at": "2025-10-23T16:38:46Z"} for i in range(count)]
    threats = [{"id": i, "agent_id": f"agent-{i}", "threat_type": "port.scan", "severity": "high",
                "detected_at": (1761151126 + i) * 1000, "details": {"port": i}} for i in range(count)]
    acts = [{"id": i, "agent_id": f"agent-{i}", "event_type": "agent_registered", "actor": "ada",
             "timestamp": "2025-10-22 16:38:46"} for i in range(count)]
    return {"agents": agents | {"bad": {}}, "tokens": tokens + [{"agent_id": "nobody", "token_hash": "h"}],
            "threats": threats + [{"id": "x", "agent_id": "agent-0", "threat_type": "scan", "severity": "grave", "detected_at": 1}],
            "audit_logs": acts + [{"event_type": "lost"}]}


@pytest.fixture
def house(tmp_path, engine):
    """A configuration on either engine, with its schema, and a dump beside it."""
    changes = {"storage": engine.storage(engine.make_database())} if engine else {}
    config = house_config(tmp_path / "gateway0", **changes)
    file = tmp_path / "gateway.yaml"
    write_config(file, config)
    env = engine.env if engine else None
    done = run("migrate", "up", "--config", file, env=env)
    assert done.returncode == 0, done.stderr
    (tmp_path / "dump.json").write_text(json.dumps(dump_of(COUNT)))
    return file, env


def taken_over(house, tmp_path, *more):
    file, env = house
    done = run("agents", "import", tmp_path / "dump.json", "--json", "--config", file, *more, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_it_comes_in_once(house, tmp_path):
    report, told = taken_over(house, tmp_path, "--dry-run")
    assert report["agents"] == {"imported": COUNT, "there_already": 0, "skipped": 1} and told == ""
    first, told = taken_over(house, tmp_path)
    for kind in ("agents", "tokens", "threats", "audit_logs"):
        assert first[kind] == {"imported": COUNT, "there_already": 0, "skipped": 1}, kind
        assert f"{kind}: 500 of {COUNT}" in told and f"{kind}: {COUNT} of {COUNT}" in told
    assert {each["entry"] for each in first["left_out"]} == {
        "agents.bad", f"tokens[{COUNT}]", f"threats[{COUNT}]", f"audit_logs[{COUNT}]"}
    again, _ = taken_over(house, tmp_path)
    for kind in ("agents", "tokens", "threats", "audit_logs"):
        assert again[kind] == {"imported": 0, "there_already": COUNT, "skipped": 1}, kind
    file, env = house
    assert run("audit", "verify", "--config", file, env=env).returncode == 0
    told = run("audit", "tail", "--action", "agent.import", "--json", "--config", file, env=env).stdout.splitlines()
    begun = [json.loads(line)["record"]["details"] for line in told]
    assert begun == [{kind: COUNT for kind in ("agents", "tokens", "threats", "audit_logs")}] * 2, "not of a dry run"


def test_killed_it_goes_on_where_it_was(house, tmp_path):
    file, env = house
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    for _ in range(5):
        process = subprocess.Popen([BINARY, "agents", "import", tmp_path / "dump.json", "--config", file],
                                   env=environment(env), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        batches = chance.randrange(1, 8)
        for _ in range(batches):
            if not process.stderr.readline():
                break
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        process.stderr.close()
    report, _ = taken_over(house, tmp_path)
    for kind in ("agents", "tokens", "threats", "audit_logs"):
        assert report[kind]["imported"] + report[kind]["there_already"] == COUNT, (seed, kind)
    assert report["agents"]["there_already"] >= 500, "what was told is on disk"


def test_what_was_taken_over_is_there(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    (tmp_path / "dump.json").write_text(json.dumps(dump_of(3)))
    done = run("agents", "import", tmp_path / "dump.json", "--config", gateway.config_file)
    assert done.returncode == 0, done.stderr
    operator = Control(gateway).sign_in("ada", PASSWORD)
    agents = operator.get("/api/v1/agents").json()["items"]
    assert [each["status"] for each in agents] == ["pending"] * 3
    assert len(operator.get("/api/v1/threats").json()["items"]) == 3
    assert operator.get(f"/api/v1/agents/{agents[0]['id']}/tokens").json()["items"][0]["revoked_at"]
    until(lambda: gateway.metric("gatehouse_agents", status="pending") == 3, "the gauge", timeout=15)


def test_what_is_no_dump_is_refused(house, tmp_path):
    file, env = house
    for text, said in (("[]", "wanted: an object with agents"), ("{", "json.malformed"), ("", "json.malformed")):
        (tmp_path / "dump.json").write_text(text)
        done = run("agents", "import", tmp_path / "dump.json", "--config", file, env=env)
        assert done.returncode != 0 and said in done.stderr, done.stderr
    done = run("agents", "import", tmp_path / "absent.json", "--config", file, env=env)
    assert done.returncode != 0 and "absent.json" in done.stderr
