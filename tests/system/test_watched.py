"""What the gateway sees of attackers: threats that nobody reported, and limits that were reached, in the audit log."""

import json
import shutil

import pytest

from support import raw
from support.agent import announce, online
from support.control import Control, add_user, house_config
from support.gateway import public_route, run, upstream_config
from support.wait import until

PASSWORD = "the engine weaves"
THRESHOLDS = {"guesses": 5, "probes": 10, "smuggling": 2, "blocks": 6}
AMBIGUOUS = (b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


@pytest.fixture
def house(start, tmp_path, upstream):
    limit = {"requests": 2, "per": "1h", "by": "client_ip"}
    gateway = start(house_config(
        tmp_path / "gateway0", upstreams=[upstream_config(upstream)],
        routes=[public_route("/limited/", rate_limit=[limit]), public_route("/free/")],
        agents={"heartbeat_flush": "100ms", "threat_after": THRESHOLDS}))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    return gateway


@pytest.fixture
def operator(house):
    return Control(house).sign_in("ada", PASSWORD)


def threats(operator):
    response = operator.get("/api/v1/threats")
    assert response.status == 200, response
    return response.json()["items"]


def appears(operator, kind, timeout=10):
    def there():
        return next((each for each in threats(operator) if each["type"] == kind), None)
    return until(there, f"a threat {kind}", timeout=timeout)


def audited(house, action):
    done = run("audit", "tail", "--count", "500", "--json", "--config", house.config_file)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line)["record"] for line in done.stdout.splitlines()]
    return [each for each in records if each["action"] == action]


def test_guessed_credentials(house, operator):
    for number in range(4):
        assert Control(house, key=f"guess-{number}").get("/api/v1/agents").status == 401
    for _ in range(20):
        assert Control(house).get("/api/v1/agents").status == 401
    assert Control(house, key="guess-5").get("/api/v1/agents").status == 401
    threat = appears(operator, "credential.stuffing")
    assert threat["severity"] == "high" and threat["status"] == "open"
    assert threat["agent_id"] is None
    assert threat["details"]["client_ip"] == "127.0.0.1"
    assert threat["details"]["requests_in_a_minute"] == 5, "whoever shows nothing guesses nothing"
    assert [each["object"]["id"] for each in audited(house, "threat.detect")] == [threat["id"]]


def test_passwords_that_are_tried(house, operator):
    for number in range(6):
        Control(house).form("/auth/token", {"username": "ada", "password": f"wrong {number}"})
    assert appears(operator, "credential.stuffing")["details"]["requests_in_a_minute"] >= 5


def test_a_scan(house, operator):
    for number in range(11):
        assert house.get(f"/wp-admin/{number}.php").status == 404
    threat = appears(operator, "path.scan")
    assert threat["severity"] == "medium"
    assert threat["fingerprint"] == "127.0.0.1"


def test_smuggling(house, operator):
    for _ in range(2):
        with raw.Connection(house.port("plain")) as connection:
            connection.send(AMBIGUOUS)
            assert connection.read_response().status == 400
    threat = appears(operator, "request.smuggling")
    assert threat["severity"] == "high"
    assert threat["details"]["code"].startswith("http.")


def test_a_limit_that_is_reached_is_in_the_audit_log_and_a_flood_is_sampled(house, operator):
    for _ in range(2):
        assert house.get("/limited/x").status == 200
    assert house.get("/limited/x").status == 429
    record = until(lambda: audited(house, "rate.limit"), "a record", timeout=10)[0]
    assert record["outcome"] == "denied"
    assert record["client"] == "127.0.0.1"
    assert record["details"]["requests"] == 1
    for _ in range(50):
        assert house.get("/limited/x").status == 429
    threat = appears(operator, "limit.flood")
    assert threat["details"]["requests_in_a_minute"] >= 6
    assert len(audited(house, "rate.limit")) == 2, "one for the first, one with the threat"


def test_ordinary_use_is_no_threat(house, operator):
    for _ in range(30):
        assert house.get("/free/x").status == 200
        assert operator.get("/api/v1/agents").status == 200
    agent = online(operator, "build-7")
    for _ in range(30):
        assert agent.beat().status == 200
    assert house.metric("gatehouse_incidents_total", kind="guess") == 0
    assert threats(operator) == []


def test_what_agents_say_they_did_is_counted(house, operator):
    agent = online(operator, "build-7")
    said = {"state": "processing",
            "invocations": [{"status": "success", "duration_ms": 250}, {"status": "error", "duration_ms": 10}],
            "llm_calls": [{"model": "m-1", "duration_ms": 1500, "input_tokens": 100, "output_tokens": 20}]}
    path = f"/api/v1/agents/{agent.id}/heartbeat"
    assert agent.ask("POST", path, said).status == 200
    assert house.metric("agent_invocations_total", agent="build-7", status="success") == 1
    assert house.metric("agent_invocations_total", agent="build-7", status="error") == 1
    assert house.metric("agent_duration_seconds_count", agent="build-7") == 2
    assert house.metric("vos_llm_call_duration_seconds_sum", agent_id=agent.id, model="m-1") == 1.5
    assert house.metric("gatehouse_llm_tokens_total", agent_id=agent.id, model="m-1", direction="input") == 100
    assert house.metric("vos_agent_processing_state", agent_id=agent.id, state="processing") == 1
    for bad in ({"invocations": [{"status": "success"}]}, {"llm_calls": [{"model": "", "duration_ms": 1}]},
                {"state": "asleep"}, {"invocations": [{"status": "success", "duration_ms": 1}] * 201}):
        assert agent.ask("POST", path, bad).status == 422, bad


def test_an_agents_calls_are_limited_over_nodes_and_restarts(start, tmp_path, postgres):
    storage = postgres.storage(postgres.make_database())

    def node(name):
        return house_config(tmp_path / name, storage=storage, auth={"issuer": "https://api.example.com"},
                            agents={"heartbeat_flush": "100ms", "calls_per_hour": 60})
    postgres.migrate(tmp_path / "gateway0", node("gateway0"))
    one = start(node("gateway0"), env=postgres.env)
    add_user(one.config_file, "ada", PASSWORD, "admin", env=postgres.env)
    agent = online(Control(one).sign_in("ada", PASSWORD), "build-7")
    data = tmp_path / "gateway1" / "data"
    data.mkdir(parents=True, mode=0o700)
    (data / "keys").symlink_to(one.directory / "data" / "keys")
    shutil.copy(one.directory / "data" / "ca.pem", data / "ca.pem")
    other = start(node("gateway1"), env=postgres.env)
    for _ in range(30):
        assert agent.beat(gateway=one).status == 200
        assert agent.beat(gateway=other).status in (200, 429)
    for gateway in (one, other):
        until(lambda each=gateway: agent.beat(gateway=each).status == 429, "its calls to be counted", timeout=30)
    refused = agent.beat(gateway=one)
    assert refused.get("retry-after") == "60"
    one.stop()
    again = start(node("gateway0"), env=postgres.env)
    until(lambda: agent.beat(gateway=again).status == 429, "the house to remember", timeout=15)
    assert Control(again).sign_in("ada", PASSWORD).get("/api/v1/agents").status == 200, "nobody else is"


def test_a_token_of_an_agent_is_good_where_agents_come_alone(house, operator):
    agent = announce(operator, "build-8")
    refused = Control(house).ask("POST", "/pki/enrol", {"token": agent.token, "csr": agent.request()})
    assert refused.status == 401, refused
    assert agent.enrol().status == 201
