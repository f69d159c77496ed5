"""Secrets that are replaced by themselves: generators, schedules, overlaps, consumers that have not moved, a server that is away."""

import json
import shutil
import subprocess

import pytest

from support.control import house_config
from support.gateway import run
from support.house import House
from support.rotation import AUTH, Application, Rotations
from support.wait import pass_time, until


@pytest.fixture
def rotations(start, tmp_path):
    return Rotations(start(house_config(tmp_path / "gateway0", auth=AUTH)))


@pytest.fixture
def application(postgres):
    return Application(postgres)


@pytest.fixture
def of_roles(rotations, application):
    rotations.write("team/admin", application.connection())
    return rotations


def logged(gateway):
    return gateway.stdout_file.read_text() + gateway.stderr_file.read_text()


# --- generators ---

def test_a_random_text_comes_at_once_and_then_on_schedule(rotations):
    rotations.write("team/db", {"value": "by hand", "host": "db.example"})
    rotations.set({"generator": {"kind": "random", "length": 40, "alphabet": "abcdef0123456789"}, "every": "2s"})
    values = {rotations.until_version(version)["value"] for version in (2, 3)}
    assert len(values) == 2 and all(len(value) == 40 and set(value) <= set("abcdef0123456789") for value in values)
    read = rotations.read()
    assert read["host"] == "db.example", "other fields stay"
    shown = rotations.show()
    assert shown["rule"]["every"] == "2s" and shown["failures"] == 0 and shown["due_at"] > shown["rotated_at"]
    assert rotations.gateway.metric("gatehouse_rotation_rules") == 1
    until(lambda: rotations.gateway.metric("gatehouse_rotation_last_success_seconds") > 0, "the gauge")
    assert {run["state"] for run in rotations.runs()} <= {"succeeded", "running"}


@pytest.mark.parametrize(("key_type", "said"), [("ed25519", "ED25519"), ("ecdsa-p256", "256 bit"), ("rsa-2048", "2048 bit")])
def test_a_key_pair_is_one(rotations, tmp_path, key_type, said):
    rotations.set({"generator": {"kind": "key-pair", "key_type": key_type}, "every": "1h"})
    pair = rotations.until_version(1, timeout=30)
    for name in ("private_key", "public_key"):
        (tmp_path / name).write_text(pair[name])
    shown = subprocess.run(["openssl", "pkey", "-in", tmp_path / "private_key", "-noout", "-text"], capture_output=True, text=True, check=True)
    assert said.lower() in shown.stdout.lower()
    public = subprocess.run(["openssl", "pkey", "-in", tmp_path / "private_key", "-pubout"], capture_output=True, text=True, check=True)
    assert public.stdout == pair["public_key"]


# --- roles that take turns ---

def test_two_roles_take_turns_and_both_are_let_in_meanwhile(of_roles, application, postgres):
    rotations = of_roles
    rotations.set(application.rule(every="1h", overlap="4s"))
    first = rotations.until_version(1)
    assert first["username"] == application.roles[0] and application.lets_in(first)
    assert rotations.show()["state"] == "idle", "there was none before"
    rotations.now()
    second = rotations.until_version(2)
    assert second["username"] == application.roles[1] and rotations.show()["state"] == "overlap"
    assert application.lets_in(first) and application.lets_in(second), "both, in the overlap"
    assert rotations.read(version=1)["password"] == first["password"]
    assert rotations.ask("POST", "rotation-runs", {"kind": "rotate"}).status == 409, "the version before is good still"
    rotations.until_state("idle")
    assert not application.lets_in(first) and application.lets_in(second)
    assert rotations.read(version=1) is None, "deleted"
    rotations.now()
    third = rotations.until_version(3)
    assert third["username"] == application.roles[0] and application.lets_in(third) and application.lets_in(second)
    log = postgres.log_file.read_text(errors="replace")
    assert not any(each["password"] in log for each in (first, second, third))
    stored = postgres.psql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{application.roles[0]}'")
    assert stored.startswith("SCRAM-SHA-256$4096:")


def test_roles_are_rotated_on_schedule(of_roles, application):
    rotations = of_roles
    rotations.set(application.rule(every="5s", overlap="1s"))
    first = rotations.until_version(1)
    second = rotations.until_version(2)
    rotations.until_state("idle")
    assert application.lets_in(second) and not application.lets_in(first)
    third = rotations.until_version(3)
    rotations.until_state("idle")
    assert application.lets_in(third) and not application.lets_in(second)
    assert [run["kind"] for run in reversed(rotations.runs())][:5] == ["rotate", "rotate", "retire", "rotate", "retire"]


def test_the_password_goes_over_no_wire_and_into_no_log(of_roles, application, postgres):
    postgres.set("log_statement", "all")
    try:
        of_roles.set(application.rule(every="1h"))
        made = of_roles.until_version(1)
        log = postgres.log_file.read_text(errors="replace")
        assert f'ALTER ROLE "{application.roles[0]}" PASSWORD' in log and made["password"] not in log
        assert made["password"] not in logged(of_roles.gateway)
    finally:
        postgres.set("log_statement", None)


def test_one_role_changes_without_an_overlap(of_roles, application):
    rotations = of_roles
    refused = rotations.ask("PUT", "rotations", application.rule(roles=1, every="1h", overlap="1m"))
    assert refused.status == 422 and "one password at a time" in refused.json()["errors"][0]["detail"]
    rotations.set(application.rule(roles=1, every="1h"))
    first = rotations.until_version(1)
    rotations.now()
    second = rotations.until_version(2)
    assert second["username"] == first["username"] and application.lets_in(second) and not application.lets_in(first)
    assert rotations.show()["state"] == "idle" and rotations.read(version=1) is None


def test_a_role_that_may_not_log_in_leaves_the_password_as_it_was(of_roles, application, postgres):
    rotations = of_roles
    rotations.set(application.rule(roles=1, every="1h"))
    first = rotations.until_version(1)
    postgres.psql(f"REVOKE CONNECT ON DATABASE {application.database} FROM PUBLIC",
                  f"GRANT CONNECT ON DATABASE {application.database} TO {application.admin}",
                  f"REVOKE {application.owner} FROM {application.roles[0]}")
    rotations.now()
    failed = rotations.until_run("rotate", "failed")
    assert failed["reason"] == "rotation.login" and "permission denied for database" in failed["detail"]
    assert rotations.read() == first
    postgres.psql(f"GRANT CONNECT ON DATABASE {application.database} TO {application.roles[0]}")
    assert application.lets_in(first), "put back"
    assert application.lets_in(rotations.until_version(2))


# --- consumers ---

def held_by_billing(rotations, application, **changes):
    """Two have read; one has moved."""
    rotations.set(application.rule(every="2h", overlap="2s", hold_max="1h") | changes)
    first = rotations.until_version(1)
    for who in ("billing", "reports"):
        rotations.read(who)
    until(lambda: len(rotations.consumers()) >= 2, "the reads to be written down")
    rotations.now()
    rotations.until_version(2)
    assert rotations.read("reports")["version"] == 2
    rotations.until_state("held")
    return first


def test_a_consumer_that_has_not_moved_holds_the_version_before(of_roles, application):
    rotations = of_roles
    first = held_by_billing(rotations, application)
    consumers = rotations.consumers()
    assert consumers["api_key:billing"]["version"] == 1 and consumers["api_key:billing"]["lags"]
    assert consumers["api_key:reports"]["version"] == 2 and not consumers["api_key:reports"]["lags"]
    pass_time(3)
    assert application.lets_in(first), "kept good"
    until(lambda: rotations.gateway.metric("gatehouse_rotation_held") == 1, "the gauge")
    assert "a consumer has not moved" in logged(rotations.gateway)
    assert rotations.show()["held_until"]
    second = rotations.read("billing")
    assert second["version"] == 2
    rotations.until_state("idle")
    assert not application.lets_in(first) and application.lets_in(second)
    until(lambda: rotations.gateway.metric("gatehouse_rotation_held") == 0, "the gauge")


@pytest.mark.parametrize("after", ["proceed", "roll_back"])
def test_a_hold_ends_as_the_rule_says(of_roles, application, after):
    rotations = of_roles
    first = held_by_billing(rotations, application, hold_max="2s", after_hold=after)
    if after == "proceed":
        rotations.until_state("idle")
        assert not application.lets_in(first) and application.lets_in(rotations.read())
        return
    third = rotations.until_version(3)
    assert {name: third[name] for name in ("username", "password")} == {name: first[name] for name in ("username", "password")}
    given_up = rotations.read("reports", version=2)
    assert given_up and application.lets_in(given_up) and application.lets_in(third), "good still for who has moved"
    assert rotations.show()["rolled_back"]
    rotations.until_state("idle")
    assert application.lets_in(rotations.read()) and not application.lets_in(given_up)
    rotations.now()
    fourth = rotations.until_version(4)
    assert fourth["username"] == application.roles[1] and application.lets_in(fourth)


def test_somebody_ends_a_hold(of_roles, application):
    rotations = of_roles
    first = held_by_billing(rotations, application)
    rotations.now("roll_back")
    third = rotations.until_version(3)
    assert third["password"] == first["password"] and application.lets_in(third)
    rotations.until_state("idle")
    rotations.now()
    rotations.until_version(4)
    rotations.now("proceed")
    rotations.until_state("idle")
    assert not application.lets_in(first) and application.lets_in(rotations.read())
    assert rotations.ask("POST", "rotation-runs", {"kind": "proceed"}).status == 409


def test_what_is_rolled_back_to_is_let_in(of_roles, application, postgres):
    rotations = of_roles
    first = held_by_billing(rotations, application)
    postgres.psql(f"ALTER ROLE {first['username']} PASSWORD NULL")
    assert not application.lets_in(first)
    rotations.now("roll_back")
    third = rotations.until_version(3)
    assert third["password"] == first["password"] and application.lets_in(third), "it was given back"


def test_a_consumer_that_is_named_and_one_that_is_forgotten(rotations):
    rule = {"generator": {"kind": "random"}, "every": "1h", "overlap": "1s", "hold_max": "10m", "consumers": ["api_key:billing"]}
    rotations.write("team/db", {"value": "by hand"})
    rotations.set(rule)
    rotations.now()
    rotations.until_version(2)
    rotations.until_state("held")
    assert rotations.consumers()["api_key:billing"] == {"consumer": "api_key:billing", "lags": True}, "it was never seen"
    rotations.set(rule | {"consumers": []})
    rotations.until_state("idle")
    assert rotations.ask("DELETE", "consumers", query="?consumer=api_key:nobody").status == 404
    assert rotations.ask("DELETE", "consumers", query="?consumer=api_key:admin").status == 204
    assert "api_key:admin" not in rotations.consumers()


# --- failures ---

def test_a_server_that_is_away_is_told_of_and_tried_again(of_roles, application, postgres):
    rotations = of_roles
    rotations.set(application.rule(every="1h", overlap="2s"))
    first = rotations.until_version(1)
    postgres.stop()
    rotations.now()
    failed = rotations.until_run("rotate", "failed")
    assert failed["reason"] == "storage.connection" and "is the server running" in failed["detail"] and failed["next_at"]
    shown = rotations.show()
    assert shown["state"] == "pending" and shown["failures"] >= 1 and shown["next_try_at"] and rotations.read() == first
    until(lambda: rotations.gateway.metric("gatehouse_rotation_failing") == 1, "the gauge")
    assert rotations.gateway.metric("gatehouse_rotation_failures_total") >= 1
    assert rotations.gateway.metric("gatehouse_rotation_due") == 1
    assert "a rotation failed and is tried again" in logged(rotations.gateway)
    postgres.start()
    second = rotations.until_version(2, timeout=40)
    assert application.lets_in(second)
    rotations.until_state("idle")
    assert rotations.show()["failures"] == 0
    until(lambda: rotations.gateway.metric("gatehouse_rotation_failing") == 0, "the gauge")
    assert next(run for run in rotations.runs() if run["version"] == 2)["attempt"] >= 2


def test_a_server_that_hangs_holds_up_nobody(of_roles, application, postgres):
    rotations = of_roles
    rotations.set(application.rule(every="1h"))
    rotations.until_version(1)
    others = [Rotations(rotations.gateway, f"team/db{number}") for number in range(10)]
    for number, each in enumerate(others):
        postgres.psql(f"CREATE ROLE {application.database}_{number} LOGIN IN ROLE {application.owner}")
        each.set({"generator": application.rule()["generator"] | {"roles": [f"{application.database}_{number}"]}})
    other = Rotations(rotations.gateway, "team/other")
    postgres.pause()
    for each in (rotations, *others):
        each.now()
    other.set({"generator": {"kind": "random"}, "every": "1h"})
    assert other.until_version(1, timeout=9)["value"], "they do not wait for one another"
    assert rotations.until_run("rotate", "failed", timeout=30)["reason"] == "storage.connection"
    postgres.resume()
    assert application.lets_in(rotations.until_version(2, timeout=40))


def test_what_is_wrong_is_refused(rotations):
    def refused(status, **rule):
        answer = rotations.ask("PUT", "rotations", rule)
        assert answer.status == status, answer
        return answer.json()
    assert refused(422, generator={"kind": "dice"})
    assert refused(422, generator={"kind": "random", "length": 16, "alphabet": "ab"})["errors"][0]["pointer"] == "/generator/length"
    assert refused(422, generator={"kind": "random", "alphabet": "aab"})
    assert refused(422, generator={"kind": "random"}, every="1h", overlap="1h")["errors"][0]["pointer"] == "/every"
    assert refused(422, generator={"kind": "random"}, every="1h", hold_max="1m")["errors"][0]["pointer"] == "/hold_max"
    assert refused(422, generator={"kind": "postgresql", "roles": ["a"], "connection": "team/admin"})
    assert refused(422, generator={"kind": "postgresql", "roles": [], "connection": "vault:team/admin"})
    assert refused(422, generator={"kind": "random"}, every="-1h")
    assert rotations.ask("GET", "rotations").status == 404
    assert rotations.ask("POST", "rotation-runs", {"kind": "rotate"}).status == 404
    nowhere = {"kind": "postgresql", "roles": ["a"], "connection": "vault:team/nowhere"}
    assert refused(422, generator=nowhere)["code"] == "rotation.connection", "there is none"
    for url in ("postgresql://changer@/app?host=/run/postgresql", "postgresql://changer@db.invalid/app?sslcert=/a&sslkey=/b",
                "postgresql://a@db.invalid/app", "sqlite:a"):
        rotations.write("team/nowhere", {"url": url})
        assert refused(422, generator=nowhere)["code"] == "rotation.connection", url
    rotations.write("team/nowhere", {"url": "postgresql://changer@db.invalid/app"})
    assert refused(422, generator=nowhere | {"connection": "vault:team/db"})["code"] == "rotation.connection", "itself"
    rotations.set({"generator": nowhere, "every": "1h"})
    assert Rotations(rotations.gateway, "team/second").ask("PUT", "rotations", {"generator": nowhere}).json()["code"] == "rotation.role_taken"
    assert rotations.until_run("rotate", "failed")["reason"] == "storage.connection"
    assert rotations.ask("DELETE", "rotations").status == 409
    assert rotations.ask("DELETE", "rotations", query="?force=true").status == 204
    assert rotations.ask("GET", "rotations").status == 404


# --- the shell, the audit log, backups ---

def test_the_shell_does_the_same(tmp_path):
    house = House(tmp_path / "house").migrate()
    house.done("secrets", "set", "team/db", stdin="by hand")
    house.refused("gatehouse secrets rotation set team/db makes one", "secrets", "rotate", "team/db")
    house.refused("/every", "secrets", "rotation", "set", "team/db", "--every", "1h", "--overlap", "2h", code=2)
    house.done("secrets", "rotation", "set", "team/db", "--length", "24", "--overlap", "1h")
    done = house.verb("secrets", "rotate", "team/db")
    assert done.returncode == 0 and done.stderr == "version 2 of team/db\n", done
    assert len(house.done("secrets", "get", "team/db").strip()) == 24
    shown = json.loads(house.done("secrets", "rotation", "show", "team/db", "--json"))
    assert shown["state"] == "overlap" and shown["previous_version"] == 1 and "due_at" not in shown
    assert "version 1 is good still" in house.done("secrets", "rotation", "show", "team/db")
    assert "team/db" in house.done("secrets", "rotation", "list")
    history = json.loads(house.done("secrets", "rotation", "history", "team/db", "--json"))
    assert [(each["kind"], each["state"], each["version"]) for each in history] == [("rotate", "succeeded", 2)]
    house.refused("good still", "secrets", "rotate", "team/db")
    house.refused("good still", "secrets", "rotation", "delete", "team/db")
    assert house.done("secrets", "rotation", "consumers", "team/db") == ""
    house.done("secrets", "rotation", "proceed", "team/db")
    house.done("secrets", "rotation", "delete", "team/db", "--force")
    told = house.done("audit", "tail")
    for action in ("secret.rotation_set", "secret.rotation_ask", "secret.rotate", "secret.rotation_proceed", "secret.rotation_delete"):
        assert action in told, told


def test_a_change_of_the_data_key_takes_what_is_pending_along(start, tmp_path, application, postgres):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    rotations = Rotations(start(config))
    rotations.write("team/admin", application.connection())
    rotations.set(application.rule(every="2h", overlap="1h"))
    rotations.until_version(1)
    postgres.stop()
    rotations.now()
    rotations.until_run("rotate", "failed")
    for _ in range(2):
        done = run("secrets", "rekey", "--config", rotations.gateway.config_file)
        assert done.returncode == 0, done.stderr
    postgres.start()
    assert application.lets_in(rotations.until_version(2, timeout=40))


# --- several nodes ---

@pytest.fixture
def nodes(start, tmp_path, postgres):
    storage = postgres.storage(postgres.make_database())

    def node(name):
        config = house_config(tmp_path / name, storage=storage, auth=AUTH)
        if name == "gateway0":
            postgres.migrate(tmp_path / name, config)
        else:
            data = tmp_path / name / "data"
            data.mkdir(parents=True, mode=0o700)
            (data / "keys").symlink_to(tmp_path / "gateway0" / "data" / "keys")
            shutil.copy(tmp_path / "gateway0" / "data" / "ca.pem", data / "ca.pem")
        return start(config, env=postgres.env)
    return Rotations(node("gateway0")), Rotations(node("gateway1"))


def test_two_nodes_do_not_rotate_twice(nodes, application):
    one, other = nodes
    one.write("team/admin", application.connection())
    for version in range(1, 6):
        if version == 1:
            one.set(application.rule(every="1h"))
        else:
            one.now()
        read = other.until_version(version)
        assert application.lets_in(read)
        one.until_state("idle")
    pass_time(3)
    assert one.read()["version"] == 5
    rotated = [each for each in one.runs() if each["kind"] == "rotate"]
    assert len(rotated) == 5 and {each["state"] for each in rotated} == {"succeeded"}
    # On a schedule, too.
    both = [Rotations(node.gateway, "team/token") for node in nodes]
    both[0].set({"generator": {"kind": "random"}, "every": "2s"})
    values = [both[version % 2].until_version(version)["value"] for version in range(1, 5)]
    shown = both[0].show()
    made = [run for run in both[0].runs() if run["kind"] == "rotate" and run["state"] == "succeeded"]
    assert len(made) == shown["current_version"] == both[1].read()["version"] and len(set(values)) == 4
    # A reader on one node holds what the other would end.
    other.read("billing")
    until(lambda: "api_key:billing" in one.consumers(), "the other node's reader")
