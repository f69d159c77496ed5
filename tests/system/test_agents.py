"""Agents: announced, enrolled, heard of, missed, kept out, retired; their tokens, and what they report."""

import json
import shutil

import pytest
from cryptography import x509

from support import openapi
from support.agent import Agent, announce, online
from support.control import Control, add_user, house_config
from support.gateway import Gatehouse, run
from support.wait import pass_time, until

PASSWORD = "the engine weaves"
QUICK = {"heartbeat_interval": "200ms", "heartbeat_flush": "100ms", "offline_after": "2s"}


def config_of(folder, postgres=None, agents=None, **changes):
    if postgres:
        changes["storage"] = postgres.storage(postgres.make_database())
    return house_config(folder, agents={**QUICK, **(agents or {})}, **changes)


@pytest.fixture
def make(start, tmp_path, engine):
    """A function that starts a house on either engine: the gateway and its operator."""
    def maker(**agents):
        config = config_of(tmp_path / "gateway0", engine, agents)
        env = engine.env if engine else None
        if engine:
            engine.migrate(tmp_path / "gateway0", config)
        gateway = start(config, env=env)
        for name, role in (("ada", "admin"), ("mia", "manager"), ("uli", "user")):
            add_user(gateway.config_file, name, PASSWORD, role, env=env)
        return gateway, Control(gateway).sign_in("ada", PASSWORD)
    return maker


@pytest.fixture
def house(start, tmp_path):
    """On SQLite, where the engine makes no difference."""
    gateway = start(config_of(tmp_path / "gateway0"))
    for name, role in (("ada", "admin"), ("mia", "manager"), ("uli", "user")):
        add_user(gateway.config_file, name, PASSWORD, role)
    return gateway


@pytest.fixture
def operator(house):
    return Control(house).sign_in("ada", PASSWORD)


def status_of(operator, agent):
    return operator.get(f"/api/v1/agents/{agent.id}").json()["status"]


def becomes(operator, agent, status, beats=None, timeout=10):
    def there():
        if beats:
            beats.beat()
        return status_of(operator, agent) == status
    until(there, f"{status}", timeout=timeout, pause=0.05)


def audit(gateway, env=None):
    done = run("audit", "tail", "--count", "500", "--json", "--config", gateway.config_file, env=env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["record"] for line in done.stdout.splitlines()]


def test_a_whole_life(make, engine):
    gateway, operator = make()
    agent = announce(operator, "build-7", labels={"zone": "a"}, capabilities=["search"])
    assert status_of(operator, agent) == "pending"
    enrolled = agent.enrol(agent_version="1.2").json()
    assert enrolled["agent"]["status"] == "online" and enrolled["agent"]["agent_version"] == "1.2"
    names = agent.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"spiffe://gatehouse/agent/{agent.id}"]
    assert agent.certificate.public_key().public_numbers() == agent.key.public_key().public_numbers()
    assert (agent.certificate.not_valid_after - agent.certificate.not_valid_before).total_seconds() < 25 * 3600
    heard = agent.beat()
    assert heard.status == 200 and heard.json() == {"interval_ms": 200, "offline_after_ms": 2000, "durable_within_ms": 100}
    until(lambda: agent.beat("degraded") and status_of(operator, agent) == "degraded", "degraded", pause=0.05)
    becomes(operator, agent, "online", beats=agent)
    becomes(operator, agent, "offline")
    becomes(operator, agent, "online", beats=agent)
    tokens = operator.get(f"/api/v1/agents/{agent.id}/tokens").json()["items"]
    assert tokens[0]["last_used_at"], "heartbeats show that it is used"
    moved = operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"status": "quarantined"})
    assert moved.status == 200 and moved.json()["status"] == "quarantined"
    assert agent.beat().status == 401 and agent.refresh().status == 401
    assert operator.ask("POST", f"/api/v1/agents/{agent.id}/tokens", {}).status == 409
    assert operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"status": "online"}).status == 409
    assert operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"status": "offline"}).status == 200
    agent.token = operator.ask("POST", f"/api/v1/agents/{agent.id}/enrolment").json()["enrolment_token"]
    assert agent.enrol().status == 201 and agent.beat().status == 200
    assert operator.ask("DELETE", f"/api/v1/agents/{agent.id}").json()["status"] == "retired"
    assert agent.beat().status == 401 and agent.refresh().status == 401
    assert operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"labels": {}}).status == 409
    assert announce(operator, "build-7").id != agent.id, "the name is free"
    told = [each["action"] for each in audit(gateway, engine.env if engine else None)
            if each["object"].get("id") == agent.id]
    for action in ("agent.create", "agent.enrol", "agent.offline", "agent.online", "agent.quarantine", "agent.announce", "agent.retire"):
        assert action in told, (action, told)


def test_a_one_time_token_is_good_once(house, operator):
    agent = announce(operator, "build-7")
    csr = agent.request()
    assert agent.enrol(csr=csr).status == 201
    assert agent.enrol(csr=csr).status == 401, "the same request again, as somebody who copied it sends it"
    thief = Agent(house, {"id": agent.id, "enrolment_token": agent.token})
    assert thief.enrol().status == 401
    assert agent.beat().status == 200, "whoever came is not put out by it"
    assert agent.token not in house.output() and agent.access not in house.output()


@pytest.mark.parametrize("body", [{}, {"token": "ghe_none"}, {"hostname": "build-7"}])
def test_nobody_registers_by_himself(house, body):
    assert Control(house).ask("POST", "/api/v1/agents", {"hostname": "build-7"}).status == 401
    assert Control(house).ask("POST", "/api/v1/agents/enrol", body).status in (401, 422)
    forged = {"token": "ghe_" + "0" * 80, "csr": "-----BEGIN CERTIFICATE REQUEST-----"}
    assert Control(house).ask("POST", "/api/v1/agents/enrol", forged).status == 401


def test_a_name_is_given_once(house, operator):
    announce(operator, "build-7")
    again = operator.ask("POST", "/api/v1/agents", {"hostname": "build-7"})
    assert again.status == 409 and again.json()["code"] == "agent.hostname_taken"
    assert operator.get("/api/v1/agents/by-hostname/build-7").status == 200
    assert operator.get("/api/v1/agents/by-hostname/build-8").status == 404
    assert operator.get("/api/v1/agents/nobody").status == 404
    for name in ("", "Build-7", "a b", "a..b", "x" * 300):
        assert operator.ask("POST", "/api/v1/agents", {"hostname": name}).status == 422, name


def test_lists_are_filtered_sorted_and_paged(house, operator):
    made = [announce(operator, name, labels={"zone": zone}) for name, zone in (("c", "a"), ("a", "a"), ("b", "b"))]
    made[0].enrol()

    def names(query=""):
        return [each["hostname"] for each in operator.get("/api/v1/agents" + query).json()["items"]]
    assert names() == ["a", "b", "c"] and names("?sort=-hostname") == ["c", "b", "a"]
    assert names("?sort=created_at") == ["c", "a", "b"] and names("?label=zone%3Da") == ["a", "c"]
    assert names("?status=online") == ["c"] and names("?status=pending&label=zone=b") == ["b"]
    assert names("?limit=1&offset=1") == ["b"]
    first = operator.get("/api/v1/agents?limit=2").json()
    assert names(f"?cursor={first['next_cursor']}") == ["c"]
    for query in ("?status=gone", "?label=zone", "?sort=size", "?cursor=x"):
        assert operator.get("/api/v1/agents" + query).status == 422, query


def test_a_change_wants_the_version_that_was_seen(house, operator):
    agent = announce(operator, "build-7")
    seen = operator.get(f"/api/v1/agents/{agent.id}")
    tag = seen.all("etag")[0]
    changed = operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"labels": {"zone": "b"}}, fields=[("If-Match", tag)])
    assert changed.status == 200 and changed.json()["labels"] == {"zone": "b"}
    late = operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"labels": {}}, fields=[("If-Match", tag)])
    assert late.status == 412
    wrong = operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"labels": {"Zone": "b"}, "status": "asleep"})
    assert wrong.status == 422 and len(wrong.json()["errors"]) >= 1


def test_an_agent_speaks_for_itself_alone(house, operator):
    one, other = online(operator, "one"), online(operator, "other")
    assert one.beat(of=other.id).status == 403
    assert one.report(agent_id=other.id).status == 403
    assert one.report(agent_id=one.id).status == 201
    assert one.ask("GET", "/api/v1/agents/self").json()["hostname"] == "one"
    assert operator.ask("POST", f"/api/v1/agents/{one.id}/heartbeat", {}).status == 403, "no agent"
    for method, path, body in (("GET", "/api/v1/agents", None), ("POST", "/api/v1/agents", {"hostname": "x"}),
                               ("DELETE", f"/api/v1/agents/{one.id}", None), ("POST", f"/api/v1/agents/{one.id}/tokens", {}),
                               ("GET", "/api/v1/threats", None), ("POST", "/api/v1/keys", {"name": "mine"})):
        assert one.ask(method, path, body).status == 403, (method, path)


def test_what_agents_are_answered_is_what_the_document_says(house, operator):
    document = Control(house).get("/api/v1/openapi.json").json()
    agent = announce(operator, "build-7", labels={"zone": "a"}, capabilities=["search"])
    answers = {("/api/v1/agents/enrol", "post"): agent.enrol(), ("/api/v1/agents/{agent}/heartbeat", "post"): agent.beat(),
               ("/api/v1/threats", "post"): agent.report(details={"port": 22}),
               ("/api/v1/agents/self", "get"): agent.ask("GET", "/api/v1/agents/self"),
               ("/api/v1/agents/refresh", "post"): agent.refresh(),
               ("/api/v1/agents/{agent}/tokens", "get"): operator.get(f"/api/v1/agents/{agent.id}/tokens"),
               ("/api/v1/threats", "get"): operator.get("/api/v1/threats")}
    for (path, method), response in answers.items():
        assert response.status in (200, 201), (path, response)
        openapi.validate_answer(document, document["paths"][path][method], response)


def test_tokens_are_listed_without_what_they_are(house, operator):
    agent = online(operator, "build-7")
    made = operator.ask("POST", f"/api/v1/agents/{agent.id}/tokens", {"expires_in_seconds": 600}).json()
    listed = operator.get(f"/api/v1/agents/{agent.id}/tokens")
    secret = made["refresh_token"][41:]
    assert secret not in str(listed.json()) and "hash" not in str(listed.json())
    assert [each["id"] for each in listed.json()["items"]][-1] == made["token_id"]
    for file in (house.directory / "data").glob("gatehouse.db*"):
        assert secret.encode() not in file.read_bytes() and agent.refresh_token[41:].encode() not in file.read_bytes(), file
    agent.take(made)
    assert agent.beat().status == 200
    assert operator.ask("DELETE", f"/api/v1/agents/{agent.id}/tokens/{made['token_id']}").json()["revoked_at"]
    assert agent.beat().status == 401, "on the next request"
    assert agent.refresh().status == 401
    assert operator.ask("DELETE", f"/api/v1/agents/{agent.id}/tokens/none").status == 404


def test_a_refresh_token_that_is_used_twice_ends_its_family_and_is_a_threat(house, operator):
    agent, other = online(operator, "build-7"), online(operator, "other")
    stolen = agent.refresh_token
    assert agent.refresh().status == 200 and agent.beat().status == 200
    assert agent.refresh(stolen).status == 401
    assert agent.beat().status == 401, "what came of it has ended, on the next request"
    assert agent.refresh().status == 401, "and the heir"
    assert other.beat().status == 200
    threats = operator.get(f"/api/v1/threats?agent={agent.id}").json()["items"]
    assert [(each["type"], each["severity"]) for each in threats] == [("token.reuse", "high")]
    assert any(each["action"] == "agent.token_reuse" and each["outcome"] == "denied" for each in audit(house))


def test_threats_are_counted_filtered_and_looked_after(house, operator):
    agent = online(operator, "build-7")
    first = agent.report("port.scan", "low", fingerprint="192.0.2.1", details={"port": 22})
    again = agent.report("port.scan", "high", fingerprint="192.0.2.1", details={"port": 23})
    assert (first.status, again.status) == (201, 200) and again.json()["id"] == first.json()["id"]
    assert again.json()["reports"] == 2 and again.json()["severity"] == "high" and again.json()["details"] == {"port": 22}
    for severity in ("info", "medium", "critical"):
        agent.report("login.flood", severity, fingerprint=severity)

    def kinds(query):
        return [each["severity"] for each in operator.get("/api/v1/threats" + query).json()["items"]]
    assert kinds("") == ["critical", "medium", "info", "high"]
    assert kinds("?min_severity=medium&sort=detected_at") == ["high", "medium", "critical"]
    assert kinds(f"?agent={agent.id}&limit=1&offset=1") == ["medium"] and kinds("?agent=nobody") == []
    cursor = operator.get("/api/v1/threats?limit=3").json()["next_cursor"]
    assert kinds(f"?cursor={cursor}") == ["high"]
    threat = first.json()["id"]
    assert agent.ask("PATCH", f"/api/v1/threats/{threat}", {"status": "resolved"}).status == 403
    guest = Control(house).sign_in("uli", PASSWORD)
    assert guest.ask("PATCH", f"/api/v1/threats/{threat}", {"status": "resolved"}).status == 403
    mia = Control(house).sign_in("mia", PASSWORD)
    done = mia.ask("PATCH", f"/api/v1/threats/{threat}", {"status": "resolved", "notes": "ours"})
    assert done.status == 200 and done.json()["notes"] == "ours"
    assert mia.ask("PATCH", f"/api/v1/threats/{threat}", {"status": "acknowledged"}).status == 409
    assert agent.report("port.scan", "low", fingerprint="192.0.2.1").status == 201, "closed: another one"
    assert mia.ask("DELETE", f"/api/v1/threats/{threat}").status == 204
    assert mia.get(f"/api/v1/threats/{threat}").status == 404
    assert agent.report("port.scan", "low", details={"text": "x" * 9000}).status == 422
    assert agent.report("port.scan", "worst").status == 422


def test_a_flood_of_reports_is_held_up_and_harms_nobody(house, operator):
    flood, other = online(operator, "flood"), online(operator, "other")
    statuses = [flood.report(fingerprint=str(i)).status for i in range(70)]
    assert statuses.count(201) == 60 and statuses[-1] == 429
    assert other.report().status == 201 and flood.beat().status == 200


def test_a_restart_loses_nothing(make, start, tmp_path, engine):
    gateway, operator = make()
    agent = online(operator, "build-7", labels={"zone": "a"})
    report = agent.report().json()["id"]
    before = operator.get(f"/api/v1/agents/{agent.id}").json()
    assert gateway.stop() == 0
    again = Gatehouse(gateway.directory, gateway.config, env=engine.env if engine else None)
    try:
        operator = Control(again).sign_in("ada", PASSWORD)
        after = operator.get(f"/api/v1/agents/{agent.id}").json()
        for name in ("id", "hostname", "labels", "status", "created_at", "version"):
            assert after[name] == before[name], name
        assert agent.beat(gateway=again).status == 200, "its tokens are good still"
        assert operator.get(f"/api/v1/threats/{report}").status == 200
        agent.gateway = again
        assert agent.refresh().status == 200
    finally:
        again.kill()


def test_a_kill_loses_heartbeats_of_the_last_moment_alone(start, tmp_path):
    """What was heard longer ago than the bound is there; who was shut out stays out."""
    gateway = start(config_of(tmp_path / "gateway0", agents={"heartbeat_flush": "300ms", "offline_after": "1h"}))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    operator = Control(gateway).sign_in("ada", PASSWORD)
    agent, out = online(operator, "build-7"), online(operator, "out")
    enrolled = operator.get(f"/api/v1/agents/{agent.id}").json()["last_heartbeat_at"]
    pass_time(1.1)
    assert agent.beat().status == 200
    pass_time(1)
    assert operator.ask("PATCH", f"/api/v1/agents/{out.id}", {"status": "quarantined"}).status == 200
    agent.beat()
    gateway.kill()
    gateway.expected_exit = -9
    again = Gatehouse(gateway.directory, gateway.config)
    try:
        operator = Control(again).sign_in("ada", PASSWORD)
        there = operator.get(f"/api/v1/agents/{agent.id}").json()
        assert there["last_heartbeat_at"] > enrolled and there["status"] == "online"
        assert status_of(operator, out) == "quarantined"
        assert out.beat(gateway=again).status == 401 and agent.beat(gateway=again).status == 200
    finally:
        again.kill()


def test_two_nodes_know_the_same_agents(start, tmp_path, postgres):
    storage = postgres.storage(postgres.make_database())

    def node(name, keys_of=None):
        config = house_config(tmp_path / name, storage=storage, agents=QUICK, auth={"issuer": "https://api.example.com"})
        if keys_of is None:
            postgres.migrate(tmp_path / name, config)
        else:
            data = tmp_path / name / "data"
            data.mkdir(parents=True, mode=0o700)
            (data / "keys").symlink_to(keys_of.directory / "data" / "keys")
            shutil.copy(keys_of.directory / "data" / "ca.pem", data / "ca.pem")
        return start(config, env=postgres.env)
    one = node("gateway0")
    other = node("gateway1", keys_of=one)
    add_user(one.config_file, "ada", PASSWORD, "admin", env=postgres.env)
    operator = Control(one).sign_in("ada", PASSWORD)
    agent = online(operator, "build-7")
    for _ in range(30):
        assert agent.beat(gateway=other).status == 200
        assert status_of(operator, agent) == "online", "it beats, if elsewhere"
        pass_time(0.1)
    assert operator.ask("PATCH", f"/api/v1/agents/{agent.id}", {"status": "quarantined"}).status == 200
    assert agent.beat().status == 401
    until(lambda: agent.beat(gateway=other).status == 401, "the end on the other node", timeout=3)


def test_the_shell_announces_and_keeps_out(house, operator):
    def agents(*arguments, code=0):
        done = run("agents", *arguments, "--config", house.config_file)
        assert done.returncode == code, done
        return done
    token = agents("add", "build-7", "--label", "zone=a", "--capability", "search").stdout.strip()
    shown = json.loads(agents("show", "build-7", "--json").stdout)[0]
    assert shown["labels"] == {"zone": "a"} and shown["status"] == "pending"
    agent = Agent(house, {"id": shown["id"], "enrolment_token": token})
    assert agent.enrol().status == 201
    assert "build-7" in agents("list", "--status", "online").stdout and "online" in agents("list").stdout
    assert "already" in agents("add", "build-7", code=1).stderr
    assert agents("add", "Build 7", code=2).stderr and agents("list", "--status", "gone", code=2).stderr
    agents("quarantine", "build-7")
    until(lambda: agent.beat().status == 401, "the serving house to hear of it", timeout=3)
    assert agents("enrol-token", "build-7", code=1).stderr
    agents("release", "build-7")
    agent.token = agents("enrol-token", shown["id"]).stdout.strip()
    assert agent.enrol().status == 201
    agents("retire", "build-7")
    assert agents("list").stdout == "" and "there is no agent" in agents("show", "build-7", code=1).stderr
    told = [each["action"] for each in audit(house) if each["actor"].get("subject", "").startswith("shell:")]
    for action in ("agent.create", "agent.quarantine", "agent.release", "agent.announce", "agent.retire"):
        assert action in told, told


def test_metrics_tell_how_many_there_are(house, operator):
    agent = online(operator, "build-7")
    announce(operator, "build-8")

    def counted():
        agent.beat()
        return [house.metric("gatehouse_agents", status=status) for status in ("pending", "online")]
    until(lambda: counted() == [1, 1], "the gauges", timeout=15, pause=0.1)
    assert house.metric("vos_active_agents", agent_id=agent.id, status="online") == 1


def test_the_old_list_is_a_backends_unless_it_is_asked_for(start, tmp_path, upstream):
    routes = [{"match": {"path_prefix": "/api/"}, "upstream": "backend", "access": {"role": "user"}}]
    config = house_config(tmp_path / "gateway0", [upstream], routes=routes, agents={"agent_list": True})
    gateway = start(config)
    for name, role in (("ada", "admin"), ("uli", "user"), ("gast", "guest")):
        add_user(gateway.config_file, name, PASSWORD, role)
    online(Control(gateway).sign_in("ada", PASSWORD), "build-7", capabilities=["search"])
    assert Control(gateway).get("/api/agent/list").status == 401
    assert Control(gateway).sign_in("gast", PASSWORD).get("/api/agent/list").status == 403
    listed = Control(gateway).sign_in("uli", PASSWORD).get("/api/agent/list").json()
    assert listed["total"] == 1 and listed["items"][0]["name"] == "build-7"
    assert listed["items"][0]["status"] == "online" and not upstream.requests
