"""Readiness follows what Gatehouse needs, and says why only to whom it may."""

import json
import time

import pytest

from support.control import Control, house_config
from support.gateway import api_key
from support.wait import seconds, until

KEYS = {role: f"key-of-{role}-" + "0123456789abcdef" * 2 for role in ("user", "manager")}
QUICK = {"interval": "200ms", "timeout": "300ms"}


def config_of(directory, upstream, **changes):
    return house_config(directory, [upstream], auth={"api_keys": [api_key(role, key, [role]) for role, key in KEYS.items()]}, **changes)


def ready(gateway):
    answer = gateway.get("/health/ready", listener="admin")
    return answer.status, {name: check["status"] for name, check in answer.json()["checks"].items()}


def details(gateway, role="manager"):
    return Control(gateway, key=KEYS[role]).ask("GET", "/api/v1/health")


def test_everything_that_is_asked_is_named(start, tmp_path, upstream):
    gateway = start(config_of(tmp_path / "gateway0", upstream))
    names = {"database", "disk", "vault", "ca", "upstream:backend"}
    until(lambda: ready(gateway) == (200, dict.fromkeys(names, "healthy")), "all checks")
    told = details(gateway).json()
    assert told["status"] == "ready" and set(told["checks"]) == names
    for name in names - {"upstream:backend"}:
        check = told["checks"][name]
        assert check["since"] <= check["checked_at"] and check["took_ms"] < 2000 and "detail" not in check
        assert check["required"] == (name == "database")
    assert details(gateway, "user").status == 403
    assert gateway.get("/api/v1/health").status == 401
    assert gateway.metric("gatehouse_ready") == 1
    assert gateway.metric("gatehouse_health_check_state", state="healthy") == 5


@pytest.mark.parametrize("how", ["stopped", "hangs"])
def test_readiness_flips_with_the_database_and_back(start, tmp_path, upstream, postgres, how):
    config = config_of(tmp_path / "gateway0", upstream, storage=postgres.storage(postgres.make_database()), health=QUICK)
    postgres.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=postgres.env)
    until(lambda: ready(gateway)[0] == 200, "the beginning")
    until(lambda: details(gateway).status == 200, "the key to be known")
    (postgres.stop if how == "stopped" else postgres.pause)()
    began = time.monotonic()
    until(lambda: ready(gateway)[0] == 503, "readiness to flip", timeout=3)
    assert time.monotonic() - began < seconds(1.5), "an interval and a timeout"
    assert gateway.get("/health/live", listener="admin").status == 200
    assert ready(gateway)[1]["upstream:backend"] == "healthy" and ready(gateway)[1]["disk"] == "healthy"
    told = details(gateway).json()["checks"]["database"]
    assert told["status"] == "unhealthy" and told["detail"]
    assert told["detail"] not in gateway.get("/health/ready", listener="admin").body.decode()
    assert gateway.metric("gatehouse_ready") == 0
    (postgres.start if how == "stopped" else postgres.resume)()
    until(lambda: ready(gateway)[0] == 200, "readiness to come back", timeout=20)

    def levels():
        return [line["level"] for line in gateway.log() if line.get("component") == "health" and line.get("check") == "database"]
    until(lambda: levels() == ["ERROR", "INFO"], "a line for each change")


def test_what_is_required_and_the_room_on_the_disk_change_with_a_reload(start, tmp_path, upstream):
    config = config_of(tmp_path / "gateway0", upstream, health=QUICK)
    gateway = start(config)
    until(lambda: ready(gateway)[1].get("disk") == "healthy", "the disk to be looked at")
    gateway.reload(config | {"health": QUICK | {"disk_free_min": "900000GiB"}})
    until(lambda: ready(gateway)[1]["disk"] == "unhealthy", "too little room")
    assert ready(gateway)[0] == 200, "it is not required"
    assert "disk.full" in details(gateway).json()["checks"]["disk"]["detail"]
    gateway.reload(config | {"health": QUICK | {"disk_free_min": "900000GiB", "required": ["disk"]}})
    until(lambda: ready(gateway)[0] == 503, "the disk to count")
    assert json.loads(gateway.get("/health/ready", listener="admin").body)["status"] == "not_ready"
