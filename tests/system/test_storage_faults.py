"""The database falls ill in every way a test can arrange: what needs it is told in time, what does not goes on, and it heals."""

import os
import threading
import time

import pytest

from support.control import Control, add_user, house_config
from support.disk import disk, fill
from support.gateway import public_route, run
from support.wait import seconds, until

ADMIN = "the engine weaves"
POOL = {"min": 2, "max": 4, "acquire_timeout": "700ms", "statement_timeout": "700ms"}


@pytest.fixture
def config(postgres, database, tmp_path, make_upstream):
    """On a database of its own that nothing has prepared yet, with a public route."""
    return house_of(tmp_path / "gateway0", make_upstream(), storage=postgres.storage(database, pool=POOL))


@pytest.fixture
def database(postgres):
    return postgres.make_database()


@pytest.fixture
def house(postgres, start, database, config, tmp_path):
    """A caller who is ada, an administrator."""
    postgres.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=postgres.env)
    gateway.database = database
    add_user(gateway.config_file, "ada", ADMIN, "admin", env=postgres.env)
    return Control(gateway).sign_in("ada", ADMIN)


def house_of(directory, upstream, **changes):
    return house_config(directory, [upstream], routes=[public_route("/open/")], **changes)


def readiness(gateway):
    return gateway.get("/health/ready", listener="admin").json()["checks"]["database"]


def works(admin):
    return admin.get("/api/v1/users").status == 200


class Passing:
    """Requests that want no database go through all the while, each in good time."""

    def __init__(self, gateway):
        self.gateway, self.slowest, self.done, self.over = gateway, 0.0, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.wrong = []

    def run(self):
        with self.gateway.connect() as client:
            while not self.over.is_set():
                began = time.monotonic()
                status = client.request("GET", "/open/x").status
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.done += 1
                if status != 200:
                    self.wrong.append(status)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        assert not self.wrong and self.done > 10 and self.slowest < seconds(2), (self.wrong, self.done, self.slowest)


def test_a_connection_that_the_server_ends_is_replaced_and_nobody_sees_it(postgres, house):
    gateway = house.gateway
    for _ in range(3):
        assert postgres.end_connections(gateway.database) >= 1
        assert [house.get("/api/v1/users").status for _ in range(4)] == [200] * 4
        assert house.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]}).status == 201
    assert house.get("/db/pool").json()["total_errors"] >= 3
    until(lambda: postgres.connections(gateway.database) >= 2, "the least the pool keeps")


def test_a_server_that_hangs_costs_a_503_in_time_and_no_proxied_request(postgres, house):
    gateway = house.gateway
    with Passing(gateway):
        postgres.pause()
        for ask in (lambda: house.get("/api/v1/users"), lambda: house.ask("POST", "/api/v1/keys", {"name": "k"}),
                    lambda: Control(gateway).form("/auth/token", {"username": "ada", "password": ADMIN})):
            began = time.monotonic()
            answer = ask()
            assert answer.status == 503 and answer.get("retry-after"), answer
            assert answer.json()["code"].startswith("storage.")
            # statement_timeout and two seconds for the server to say so, then acquire_timeout for another connection
            assert time.monotonic() - began < seconds(4)
        assert house.get("/auth/me").status == 200  # a token needs nobody
        until(lambda: readiness(gateway)["status"] == "unhealthy", "health to tell")
        postgres.resume()
        until(lambda: works(house), "the database to be back")
    until(lambda: readiness(gateway)["status"] == "healthy", "health to tell")
    for words in ("does not answer", "answers again"):
        until(lambda: any(words in str(line) for line in gateway.log()), f"the line: {words}")


def test_a_restart_of_the_server_is_over_when_it_is_over(postgres, house):
    with Passing(house.gateway):
        postgres.stop()
        assert house.get("/api/v1/users").status == 503
        postgres.start()
        until(lambda: works(house), "the database to be back")
    assert house.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]}).status == 201


def test_a_standby_is_read_and_not_written(postgres, house):
    gateway = house.gateway
    postgres.stop()
    signal_file = postgres.data / "standby.signal"
    signal_file.touch()
    signal_file.chmod(0o666)
    try:
        postgres.start()
        until(lambda: works(house), "reads")
        refused = house.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]})
        assert (refused.status, refused.json()["code"]) == (503, "storage.read_only"), refused
        postgres.stop()
    finally:
        signal_file.unlink()
        postgres.ensure_running()
    until(lambda: house.ask("POST", "/api/v1/keys", {"name": "k", "roles": ["user"]}).status == 201, "writes")
    assert postgres.psql("SELECT count(*) FROM api_keys WHERE name = 'k'", database=gateway.database) == "1"


# --- the disk is full ---

@pytest.fixture
def small_disk(tmp_path):
    with disk(tmp_path / "small", 6) as folder:
        yield folder


@pytest.fixture
def disk_of_the_server(postgres):
    with disk(postgres.folder / "small", 32) as folder:
        yield folder
        postgres.drop_databases_on(folder)  # or the server misses them at its next start


def test_a_full_disk_refuses_writes_keeps_what_it_has_and_heals(start, small_disk, tmp_path, make_upstream):
    gateway = start(house_of(tmp_path / "gateway0", make_upstream(), data_dir=str(small_disk / "data")))
    add_user(gateway.config_file, "ada", ADMIN, "admin")
    admin = Control(gateway).sign_in("ada", ADMIN)
    made = [admin.ask("POST", "/api/v1/keys", {"name": "before", "roles": ["user"]}).json()]
    ballast = fill(small_disk)
    refused = []
    for _ in range(200):  # what is left in the pages of the log is used up first
        answer = admin.ask("POST", "/api/v1/keys", {"name": "more", "roles": ["user"]})
        if answer.status != 201:
            refused.append(answer)
            break
        made.append(answer.json())
    assert refused and refused[0].status == 503 and refused[0].json()["code"] == "storage.full", refused
    kept = {key["id"] for key in admin.get("/api/v1/keys?limit=200&owner=ada").json()["items"]}
    assert kept == {key["id"] for key in made}
    assert gateway.get("/open/x").status == 200
    # What may not be lost is not said to be kept where it cannot be: it binds here all the same.
    ended = admin.ask("DELETE", f"/api/v1/keys/{made[0]['id']}")
    assert ended.status == 503, ended
    assert Control(gateway, key=made[0]["key"]).get("/auth/me").status == 401
    ballast.unlink()
    assert admin.ask("DELETE", f"/api/v1/keys/{made[0]['id']}").status in (200, 202)
    assert admin.ask("POST", "/api/v1/keys", {"name": "after", "roles": ["user"]}).status == 201
    gateway.assert_alive()


def test_a_full_disk_of_the_server_refuses_writes_and_loses_no_revocation(postgres, start, disk_of_the_server, tmp_path,
                                                                          make_upstream):
    database = postgres.make_database_on(disk_of_the_server)
    config = house_of(tmp_path / "gateway0", make_upstream(), storage=postgres.storage(database, pool=POOL))
    postgres.migrate(tmp_path / "gateway0", config)
    gateway = start(config, env=postgres.env)
    add_user(gateway.config_file, "ada", ADMIN, "admin", env=postgres.env)
    admin = Control(gateway).sign_in("ada", ADMIN)
    made = [admin.ask("POST", "/api/v1/keys", {"name": "before", "roles": ["user"]}).json()]
    ballast = fill(disk_of_the_server)
    refused = None
    for _ in range(400):  # what is left in the pages of the tables is used up first
        answer = admin.ask("POST", "/api/v1/keys", {"name": "more", "roles": ["user"]})
        if answer.status != 201:
            refused = answer
            break
        made.append(answer.json())
    assert refused and refused.status == 503 and refused.json()["code"] == "storage.full", refused
    ended = admin.ask("DELETE", f"/api/v1/keys/{made[0]['id']}")
    assert ended.status in (202, 204), ended
    assert Control(gateway, key=made[0]["key"]).get("/auth/me").status == 401
    assert gateway.get("/open/x").status == 200
    ballast.unlink()
    until(lambda: admin.ask("POST", "/api/v1/keys", {"name": "after", "roles": ["user"]}).status == 201, "writes")
    until(lambda: postgres.psql("SELECT count(*) FROM api_keys WHERE name IN ('before', 'more') AND revoked_at IS NULL",
                                database=database) == str(len(made) - 1), "what was acknowledged, and no more")


# --- it is away at the start ---

def test_a_database_that_comes_after_the_start(postgres, start, config, tmp_path):
    postgres.migrate(tmp_path / "gateway0", config)
    postgres.stop()
    gateway = start(config, env=postgres.env)
    guest = Control(gateway)
    assert readiness(gateway)["status"] == "unhealthy"
    assert gateway.get("/open/x").status == 200
    assert guest.form("/auth/token", {"username": "ada", "password": ADMIN}).status == 503
    postgres.start()
    until(lambda: readiness(gateway)["status"] == "healthy", "the database to be seen", timeout=10)
    password = gateway.directory / "data" / "admin-password"
    text = until(lambda: password.exists() and password.read_text().strip(), "the first user")
    assert guest.ask("POST", "/api/v1/auth/password",
                     {"username": "admin", "password": text, "new_password": ADMIN}).status == 204
    assert works(guest.sign_in("admin", ADMIN))


def test_a_schema_that_turns_out_to_be_pending_is_said_loudly_and_mended_in_place(postgres, start, config):
    postgres.stop()
    gateway = start(config, env=postgres.env)
    postgres.start()
    line = until(lambda: [each for each in gateway.log() if "cannot be used" in str(each)], "a loud line")[0]
    assert line["level"] == "ERROR" and "gatehouse migrate up" in str(line)
    assert readiness(gateway)["status"] == "unhealthy"
    answer = Control(gateway).form("/auth/token", {"username": "ada", "password": ADMIN})
    assert (answer.status, answer.json()["code"]) == (503, "storage.schema"), answer
    done = run("migrate", "up", "--config", gateway.config_file, env=postgres.env)
    assert done.returncode == 0, done.stderr
    until(lambda: readiness(gateway)["status"] == "healthy", "the schema to be seen")
    add_user(gateway.config_file, "ada", ADMIN, "admin", env=postgres.env)
    assert works(Control(gateway).sign_in("ada", ADMIN))
    assert os.path.exists(gateway.directory / "data" / "admin-password")


def test_a_token_is_not_believed_before_it_is_known_what_was_revoked(postgres, house, start):
    gateway = house.gateway
    kim_token = None
    add_user(gateway.config_file, "kim", ADMIN, "user", env=postgres.env)
    kim_token = Control(gateway).sign_in("kim", ADMIN)
    assert house.ask("DELETE", "/api/v1/users/kim/tokens").status == 204
    assert kim_token.get("/auth/me").status == 401
    gateway.stop()
    postgres.stop()
    again = start(gateway.config, env=postgres.env)
    for fields in (kim_token.fields, house.fields):
        answer = again.get("/auth/me", fields)
        assert answer.status == 503 and answer.json()["code"] == "auth.unavailable", answer
    postgres.start()
    until(lambda: again.get("/auth/me", house.fields).status == 200, "the revocations to be known")
    assert again.get("/auth/me", kim_token.fields).status == 401
