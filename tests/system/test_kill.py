"""The kill switch: all that an agent or a principal has ends at once, and the receipt tells what was seen of it."""

import json
import threading
import time

import pytest

from support import raw, websocket
from support import upstream as answers
from support.agent import announce, online
from support.control import Control, add_user, house_config
from support.gateway import public_route, run
from support.kill import Watched, held, is_closed, kill, open_stream, send
from support.plans import claim, create, states, step
from support.wait import seconds, until

PASSWORD = "the engine weaves"
USERS = {"ada": "admin", "ben": "admin", "mia": "manager", "uli": "user"}


@pytest.fixture
def house(start, tmp_path, engine, make_upstream):
    """On either engine: who administers."""
    changes = {"storage": engine.storage(engine.make_database())} if engine else {}
    config = house_config(tmp_path / "gateway0", [make_upstream()], workers=2, **changes)
    env = engine.env if engine else None
    if engine:
        engine.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=env)
    gateway.env_of_test = env
    for name, role in USERS.items():
        add_user(gateway.config_file, name, PASSWORD, role, env=env)
    return Control(gateway).sign_in("ada", PASSWORD)


def test_an_agent_ends_with_all_that_it_has_and_no_other_does(house):
    gateway = house.gateway
    bad, good, late = online(house, "bad-agent"), online(house, "good-agent"), announce(house, "late-agent")
    create(house, "p", [step("a"), step("b")])
    assert [each["step_id"] for each in claim(bad, 1)] == ["a"] and claim(good, 1)
    send(good, bad.id), send(bad, good.id), send(good, good.id)
    streams = [Watched(open_stream(gateway, bad)) for _ in range(4)]
    other = Watched(open_stream(gateway, good))
    key = house.ask("POST", "/api/v1/keys", {"name": "of it", "roles": ["user"], "subject": bad.id}).json()["key"]
    assert gateway.get("/auth/me", [("X-API-Key", key)]).status == 200

    rehearsed = kill(house, 200, agent=bad.id, dry_run=True)
    assert rehearsed["dry_run"] and "id" not in rehearsed and bad.beat().status == 200
    begun = time.monotonic()
    receipt = kill(house, agent=bad.id)
    answered = time.monotonic()
    assert receipt["complete"] and receipt["principal"] == f"agent:{bad.id}" and receipt["made_by"] == "user:ada", receipt
    assert held(receipt) == held(rehearsed, "left") == {
        "agents.admission": 1, "agents.refresh_tokens": 1, "credentials.api_keys": 1, "certificates.certificates": 1,
        "certificates.enrolments": 1, "messages.inbox": 1, "messages.sent": 1, "steps.leases": 1}
    assert held(receipt, "left") == {}
    node, = receipt["nodes"]
    assert node["open_before"] == 4 and node["open_after"] == 0 and node["refused"]
    assert answered - begun < seconds(3)
    for stream in streams:
        assert stream.wait() - begun < seconds(3)

    assert bad.beat().status == 401 and bad.refresh().status == 401 and bad.enrol().status == 401
    assert gateway.get("/auth/me", [("X-API-Key", key)]).status == 401
    assert house.get(f"/api/v1/agents/{bad.id}").json()["status"] == "quarantined"
    assert house.ask("POST", f"/api/v1/agents/{bad.id}/enrolment").status == 409
    assert house.ask("POST", f"/api/v1/agents/{bad.id}/tokens", {}).status == 409
    assert states(house, "p")["a"] in ("ready", "waiting"), "for others"
    assert good.beat().status == 200 and other.ended_at is None and late.enrol().status == 201
    shown = house.get(f"/api/v1/kill-switch/{receipt['id']}").json()
    assert {**shown, "nodes": None} == {**receipt, "nodes": None} and shown["nodes"] == receipt["nodes"]
    told = house.get("/api/v1/kill-switch").json()["items"]
    assert [each["id"] for each in told] == [receipt["id"]]
    again = kill(house, agent=bad.id)
    assert again["complete"] and held(again) == {} and again["id"] != receipt["id"]
    log = run("audit", "tail", "--config", gateway.config_file, env=gateway.env_of_test).stdout
    assert log.count("principal.kill") == 2 and "it sends what nobody asked for" in log


def test_an_operator_may_let_an_agent_in_again(house):
    gateway, agent = house.gateway, online(house, "bad-agent")
    old = agent.access, agent.refresh_token
    assert kill(house, agent=agent.id)["complete"]

    def agents(*words):
        done = run("agents", *words, "bad-agent", "--config", gateway.config_file, env=gateway.env_of_test)
        assert done.returncode == 0, done
        return done.stdout.strip()
    agents("release")
    assert agent.enrol(token=agents("enrol-token")).status == 201 and agent.beat().status == 200
    agent.access, agent.refresh_token = old
    assert agent.beat().status == 401 and agent.refresh().status == 401, "what was killed stays so"


def test_an_agent_that_was_announced_does_not_come(house):
    late = announce(house, "late-agent")
    receipt = kill(house, principal=f"agent:{late.id}")
    assert receipt["complete"] and held(receipt) == {"agents.admission": 1, "certificates.enrolments": 1}
    assert late.enrol().status == 401


def test_a_user_ends_with_tokens_keys_and_streams(house):
    gateway = house.gateway
    uli, mia = (Control(gateway).sign_in(name, PASSWORD) for name in ("uli", "mia"))
    key = uli.ask("POST", "/api/v1/keys", {"name": "nightly", "roles": ["user"]}).json()["key"]
    certificate = send(mia, "user:uli")
    assert certificate
    slow = gateway.connect()
    slow.send(raw.encode_request("GET", "/api/v1/messages/stream?max=1", uli.fields))
    assert slow.read_head().status == 200
    receipt = kill(house, principal="user:ULI", reason="laptop stolen")
    assert receipt["principal"] == "user:uli" and receipt["complete"], receipt
    assert held(receipt) == {"credentials.admission": 1, "credentials.api_keys": 1, "messages.inbox": 1}
    assert receipt["nodes"][0]["open_before"] == 1
    assert is_closed(slow)
    assert uli.get("/auth/me").status == 401 and gateway.get("/auth/me", [("X-API-Key", key)]).status == 401
    assert Control(gateway).form("/auth/token", {"username": "uli", "password": PASSWORD}).status == 401
    assert mia.get("/auth/me").status == 200 and house.get("/auth/me").status == 200
    # Once they are let in again, what was killed stays so.
    assert run("user", "enable", "uli", "--config", gateway.config_file, env=gateway.env_of_test).returncode == 0
    assert gateway.get("/auth/me", [("X-API-Key", key)]).status == 401 and uli.get("/auth/me").status == 401


def test_a_key_ends_with_those_that_it_made_and_a_service_with_its_keys(house):
    gateway = house.gateway

    def make(**more):
        made = house.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"], **more})
        assert made.status == 201, made
        return made.json()
    first, other, mail = make(roles=["admin"]), make(), make(kind="service", subject="mail")
    child = Control(gateway, key=first["key"]).ask("POST", "/api/v1/keys", {"name": "child", "roles": ["user"]}).json()
    assert "key" in child, child
    assert gateway.get("/auth/me", [("X-API-Key", child["key"])]).status == 200
    receipt = kill(house, principal=f"api_key:{first['id']}")
    assert receipt["complete"] and held(receipt) == {"credentials.api_keys": 2}, receipt
    for each in (first, child):
        assert gateway.get("/auth/me", [("X-API-Key", each["key"])]).status == 401
        again = kill(house, principal=f"api_key:{each['id']}")
        assert again["complete"] and held(again) == {}, again
    assert gateway.get("/auth/me", [("X-API-Key", other["key"])]).status == 200
    receipt = kill(house, principal="service:mail")
    assert receipt["complete"] and held(receipt) == {"credentials.api_keys": 1}, receipt
    assert gateway.get("/auth/me", [("X-API-Key", mail["key"])]).status == 401
    assert gateway.get("/auth/me", [("X-API-Key", other["key"])]).status == 200


def test_who_may_not_and_what_there_is_not(house):
    for name in ("mia", "uli"):
        kill(Control(house.gateway).sign_in(name, PASSWORD), 403, principal="user:ada")
    for whom in ({"principal": "user:nobody"}, {"principal": "service:none"}, {"principal": "api_key:none"},
                 {"principal": "agent:none"}, {"agent": "018bcfe5-6800-7d5b-8de0-e1c49013ae10"}):
        kill(house, 404, **whom)
        kill(house, 404, dry_run=True, **whom)
    for body in ({"principal": "uli"}, {"principal": "certificate:x"}, {}, {"agent": "a", "principal": "user:uli"}):
        kill(house, 422, **body)
    assert house.ask("POST", "/api/v1/kill-switch", {"principal": "user:uli"}).status == 422, "without a reason"
    kill(house, 409, principal="user:ada")
    assert house.get("/api/v1/kill-switch/none").status == 404 and house.get("/api/v1/kill-switch").json()["items"] == []
    ben = Control(house.gateway).sign_in("ben", PASSWORD)
    assert kill(ben, principal="user:ada")["complete"]
    assert house.get("/auth/me").status == 401


def test_nobody_ends_who_has_more_rights(house):
    assert house.ask("PUT", "/api/v1/roles/breaker", {"permissions": ["kill:write"]}).status == 200
    add_user(house.gateway.config_file, "kim", PASSWORD, "breaker", env=house.gateway.env_of_test)
    kim = Control(house.gateway).sign_in("kim", PASSWORD)
    until(lambda: kim.get("/api/v1/kill-switch").status == 200, "the role")
    strong, weak = (house.ask("POST", "/api/v1/keys", {"name": "k", **more}).json()
                    for more in ({"scopes": ["users:write"]}, {}))
    for whom in ("user:ben", "user:mia", f"api_key:{strong['id']}"):
        for dry_run in (True, False):
            told = kill(kim, 403, principal=whom, dry_run=dry_run)
            assert told["code"] == "role.above_own", told
    assert Control(house.gateway).sign_in("ben", PASSWORD).get("/auth/me").status == 200
    assert house.get("/api/v1/kill-switch").json()["items"] == []
    assert kill(kim, principal=f"api_key:{weak['id']}")["complete"]
    assert kill(kim, agent=online(house, "bad-agent").id)["complete"]
    assert kill(house, principal="user:ben")["complete"]


def test_tokens_that_were_asked_for_meanwhile_are_refused(house):
    """They sign in again and again while the switch is thrown."""
    stop, tokens, refused = threading.Event(), [], []

    def sign_in():
        asking = Control(house.gateway)
        while not stop.is_set():
            response = asking.form("/auth/token", {"username": "uli", "password": PASSWORD})
            (tokens.append(response.json()["access_token"]) if response.status == 200 else refused.append(response.status))
    workers = [threading.Thread(target=sign_in) for _ in range(4)]
    for each in workers:
        each.start()
    until(lambda: len(tokens) >= 8, "tokens", timeout=20)
    receipt = kill(house, principal="user:uli")
    until(lambda: len(refused) >= 4, "refusals", timeout=20)
    stop.set()
    for each in workers:
        each.join(seconds(10))
    assert receipt["complete"], receipt
    good = [token for token in tokens if Control(house.gateway, token=token).get("/auth/me").status != 401]
    assert not good, f"{len(good)} of {len(tokens)} are good"


def test_the_last_administrator_stays(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    key = run("key", "create", "ops", "--role", "admin", "--config", gateway.config_file).stdout.strip()
    for name in [each["name"] for each in Control(gateway, key=key).get("/api/v1/users").json()["items"] if each["name"] != "ada"]:
        kill(Control(gateway, key=key), principal=f"user:{name}")
    kill(Control(gateway, key=key), 409, principal="user:ada")
    assert Control(gateway).sign_in("ada", PASSWORD).get("/auth/me").status == 200, "nothing of it was done"
    done = run("kill", "principal", "user:ada", "--reason", "x", "--config", gateway.config_file)
    assert done.returncode == 1 and "last one who can administer" in done.stderr


def test_the_shell_kills_and_the_node_that_runs_says_what_it_saw(house):
    gateway = house.gateway

    def shell(*arguments, code=0):
        done = run("kill", *arguments, "--config", gateway.config_file, env=gateway.env_of_test)
        assert done.returncode == code, done
        return done
    agent = online(house, "bad-agent")
    stream = Watched(open_stream(gateway, agent))
    assert "would end" in shell("agent", "bad-agent", "--reason", "x", "--dry-run").stdout and agent.beat().status == 200
    begun = time.monotonic()
    receipt = json.loads(shell("agent", "bad-agent", "--reason", "it spams", "--json").stdout)
    assert receipt["complete"] and receipt["nodes"][0]["open_before"] == 1, receipt
    assert stream.wait() - begun < seconds(2) and agent.beat().status == 401
    text = shell("show", receipt["id"]).stdout
    assert "complete" in text and "1 ended" in text and "it spams" in text and "1 open before, 0 after" in text
    assert receipt["id"] in shell("list").stdout
    assert "there is no" in shell("agent", "nobody", "--reason", "x", code=1).stderr
    assert "none of user:NAME" in shell("principal", "nobody", "--reason", "x", code=2).stderr


def test_a_socket_ends_whose_client_says_nothing(house):
    """It does not answer that the credential has ended, either."""
    agent = online(house, "bad-agent")
    connection = house.gateway.connect()
    fields = [("Authorization", f"Bearer {agent.access}")]
    assert websocket.open_websocket(connection, "/api/v1/messages/socket", fields=fields).status == 101
    receipt = kill(house, agent=agent.id)
    assert receipt["complete"] and receipt["nodes"][0]["open_before"] == 1, receipt


def test_tunnels_to_upstreams_end_too(start, tmp_path, make_upstream):
    config = house_config(tmp_path / "gateway0", [make_upstream(answers.websocket_echo)],
                          routes=[public_route("/ws", access={"role": "user"})])
    gateway = start(config)
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    operator = Control(gateway).sign_in("ada", PASSWORD)
    keys = [operator.ask("POST", "/api/v1/keys", {"name": name, "roles": ["user"]}).json() for name in ("one", "two")]
    tunnels = [gateway.connect() for _ in keys]
    for tunnel, key in zip(tunnels, keys):
        assert websocket.open_websocket(tunnel, fields=[("X-API-Key", key["key"])]).status == 101
    receipt = kill(operator, principal=f"api_key:{keys[0]['id']}")
    assert receipt["complete"] and receipt["nodes"][0]["open_before"] == 1, receipt
    assert websocket.echo(tunnels[1], b"still here")[1] == b"still here"
    with pytest.raises((raw.Closed, OSError)):
        websocket.echo(tunnels[0], b"gone")
