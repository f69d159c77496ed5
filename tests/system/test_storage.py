"""serve on PostgreSQL, end to end: users, keys and tokens, the schema, whom it believes to be the server, the pool."""

import json
import re
import subprocess
import threading
import time

import pytest

from support.control import Control, add_user, house_config
from support.gateway import BINARY, environment, run, write_config
from support.postgres import PASSWORD, ROLE
from support.wait import until

ADMIN = "the engine weaves"
IMPATIENT = {"min": 1, "acquire_timeout": "1s"}  # a server that is away may be back in a moment


@pytest.fixture
def house(postgres, start, tmp_path, make_upstream):
    """make(pool=..., more keys of `storage`): a gateway on a database of its own, with the user ada, an administrator."""
    def make(**storage):
        database = postgres.make_database()
        config = house_config(tmp_path / "gateway0", [make_upstream()], storage=postgres.storage(database, **storage))
        postgres.migrate(tmp_path / "gateway0", config)
        gateway = start(config, env=postgres.env)
        gateway.database = database
        add_user(gateway.config_file, "ada", ADMIN, "admin", env=postgres.env)
        return Control(gateway)
    return make


@pytest.fixture
def verb(postgres, tmp_path):
    """verb(words, storage): a verb of the command line on that database."""
    def call(*words, storage=None, env=None):
        file = tmp_path / "verb.yaml"
        write_config(file, {"data_dir": str(tmp_path / "data"), "storage": storage, "upstreams": [], "routes": [],
                            "listeners": [{"name": "admin", "bind": "127.0.0.1:1", "serve": ["health"]}]})
        return run(*words, "--config", file, env=postgres.env if env is None else env)
    return call


def steps(postgres, database):
    return postgres.psql("SELECT number, checksum FROM schema_migrations ORDER BY number", database=database)


# --- what it keeps ---

def test_users_keys_and_tokens_live_in_postgresql(postgres, house, start):
    guest = house()
    gateway, admin = guest.gateway, guest.sign_in("ada", ADMIN)
    made = admin.ask("POST", "/api/v1/users", {"name": "kim", "email": "kim@example.com", "roles": ["manager"]})
    assert made.status == 201, made
    key = admin.ask("POST", "/api/v1/keys", {"name": "nightly", "roles": ["user"]}).json()
    assert gateway.get("/db/pool", admin.fields).json()["engine"] == "PostgreSQL"
    assert postgres.psql("SELECT count(*) FROM users WHERE name IN ('ada', 'kim', 'admin')", database=gateway.database) == "3"
    assert postgres.psql("SELECT count(*) FROM api_keys WHERE owner = 'ada'", database=gateway.database) == "1"
    assert PASSWORD not in gateway.output()
    assert not list((gateway.directory / "data").glob("gatehouse.db*"))
    assert gateway.stop() == 0

    again = start(gateway.config, env=postgres.env)
    admin = Control(again, token=admin.fields[0][1].split()[1])  # the token is good still
    assert [user["name"] for user in admin.get("/api/v1/users").json()["items"]] == ["admin", "ada", "kim"]
    assert Control(again, key=key["key"]).get("/auth/me").json()["username"] == key["subject"]
    assert admin.ask("DELETE", f"/api/v1/keys/{key['id']}").status == 200
    assert Control(again, key=key["key"]).get("/auth/me").status == 401


def variables(postgres, database):
    url = postgres.url(database, password=PASSWORD.replace(" ", "%20"))
    return {
        "DATABASE_URL": ({"url": "sqlite:nowhere.db"}, {"DATABASE_URL": url}),
        "DATABASE_URL of an ORM": ({}, {"DATABASE_URL": url.replace("postgresql:", "postgresql+asyncpg:")}),
        "POSTGRES_*": ({"url": f"postgresql://nobody@192.0.2.1:1/none?sslrootcert={postgres.ca}"},
                       {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(postgres.port), "POSTGRES_DB": database,
                        "POSTGRES_USER": ROLE, "POSTGRES_PASSWORD": PASSWORD}),
    }


@pytest.mark.parametrize("way", ["DATABASE_URL", "DATABASE_URL of an ORM", "POSTGRES_*"])
def test_the_environment_says_which_database(postgres, verb, way):
    database = postgres.make_database()
    storage, env = variables(postgres, database)[way]
    done = verb("migrate", "up", storage=storage, env=env)
    assert done.returncode == 0, done.stderr
    assert steps(postgres, database)
    assert PASSWORD not in done.stdout + done.stderr
    shown = verb("migrate", "status", storage=storage, env=env)
    assert f"@127.0.0.1:{postgres.port}/{database}" in shown.stdout and PASSWORD not in shown.stdout


# --- the schema ---

def test_serve_refuses_a_schema_that_is_pending_or_newer_and_says_what_to_do(postgres, start, tmp_path):
    database = postgres.make_database()
    config = house_config(tmp_path / "gateway0", storage=postgres.storage(database))

    def refusal():
        gateway = start(config, env=postgres.env, ready=False)
        gateway.expected_exit = 1
        assert gateway.wait_for_exit() == 1
        return gateway.output()
    assert "gatehouse migrate up" in refusal()
    postgres.migrate(tmp_path / "gateway0", config)
    postgres.psql("INSERT INTO schema_migrations SELECT 9999, 'more', 'x', applied_at FROM schema_migrations LIMIT 1",
                  database=database)
    assert re.search(r"step 9999.*use a newer gatehouse", refusal())


def test_migrating_twice_or_two_at_once_is_migrating_once(postgres, verb, tmp_path):
    database = postgres.make_database()
    storage = postgres.storage(database)
    dry = verb("migrate", "up", "--dry-run", storage=storage)
    assert dry.returncode == 0 and "CREATE TABLE users" in dry.stdout
    assert postgres.psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", database=database) == "0"
    assert verb("migrate", "verify", storage=storage).returncode == 1

    both = [subprocess.Popen([BINARY, "migrate", "up", "--config", tmp_path / "verb.yaml"], env=environment(postgres.env),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    before = steps(postgres, database)
    applied = sorted(int(re.search(r"(\d+) step\(s\) applied", out)[1]) for out, _ in said)
    assert applied == [0, len(before.splitlines())]
    again = verb("migrate", "up", storage=storage)
    assert again.returncode == 0 and "0 step(s) applied" in again.stdout
    assert steps(postgres, database) == before
    assert verb("migrate", "verify", storage=storage).returncode == 0


def test_verify_finds_a_step_that_was_another(postgres, verb):
    database = postgres.make_database()
    storage = postgres.storage(database)
    assert verb("migrate", "up", storage=storage).returncode == 0
    postgres.psql("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE number = 2", database=database)
    found = verb("migrate", "verify", storage=storage)
    assert found.returncode == 1 and re.search(r"step 2 \(\w+\)", found.stderr), found.stderr
    assert verb("migrate", "up", storage=storage).returncode == 1


# --- whom it believes ---

@pytest.mark.parametrize("wrong, said", [
    ({"ca": "other"}, "name the CA that signed it"),
    ({"host": "127.0.0.2"}, "connect by a name it holds"),
    ({"sslmode": "verify-ca", "ca": "other"}, "name the CA that signed it"),
])
def test_a_server_that_cannot_prove_itself_hears_no_password(postgres, verb, wrong, said):
    database = postgres.make_database()
    words = wrong | ({"ca": postgres.other_ca} if "ca" in wrong else {})
    storage = postgres.storage(database, url=postgres.url(database, **words), pool=IMPATIENT)
    refused = verb("migrate", "status", storage=storage)
    assert refused.returncode == 1 and said in refused.stderr, refused
    assert PASSWORD not in refused.stderr


def test_a_weaker_mode_is_for_who_spells_it_out(postgres, verb):
    database = postgres.make_database()

    def status(**words):
        url = postgres.url(database, **words)
        done = verb("migrate", "status", storage=postgres.storage(database, url=url, pool=IMPATIENT))
        return done.returncode, done.stderr
    for weaker in ({"sslmode": "verify-ca", "host": "127.0.0.2"}, {"sslmode": "require", "sslrootcert": None}):
        assert status(**weaker)[0] == 0, weaker
    assert status(sslmode=None)[0] == 0 and status(sslrootcert=None)[0] == 1  # by those of the system
    assert status(sslmode=None, host="127.0.0.2")[0] == 1
    postgres.set("ssl", "off")
    try:
        for mode in ({"sslmode": None}, {"sslmode": "require"}):
            code, said = status(**mode)
            assert code == 1 and "turn ssl on" in said, said
        assert status(sslmode="disable")[0] == 0
    finally:
        postgres.set("ssl", None)
    for mode in ("prefer", "allow"):
        code, said = status(sslmode=mode)
        assert code == 2 and "promises nothing" in said, said


# --- the pool ---

class Holding:
    """A lock that makes works wait, while it is held."""

    def __init__(self, postgres, database, table):
        self.process = subprocess.Popen(
            ["/usr/lib/postgresql/15/bin/psql", "-XAtq", "-h", postgres.folder, "-p", str(postgres.port), "-U", "postgres",
             "-d", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "held"

    def release(self):
        self.process.communicate("ROLLBACK;\n", timeout=30)


def test_the_pool_opens_its_min_never_passes_its_max_and_leaves_nothing(postgres, house):
    guest = house(pool={"min": 3, "max": 6, "idle_timeout": "1s"})
    gateway, admin = guest.gateway, guest.sign_in("ada", ADMIN)
    counted = lambda: postgres.connections(gateway.database)  # noqa: E731
    until(lambda: counted() == 3, "the least the pool keeps", timeout=20)

    answers, most = [], 0
    holding = Holding(postgres, gateway.database, "api_keys")
    body = {"name": "n", "roles": ["user"]}
    callers = [threading.Thread(target=lambda: answers.append(admin.ask("POST", "/api/v1/keys", body).status))
               for _ in range(20)]
    for caller in callers:
        caller.start()
    until(lambda: gateway.metric("database_connections", pool="postgres", state="active") == 6, "a pool that is all busy")
    busy = until(lambda: (found := admin.get("/db/pool").json())["waiting"] >= 14 and found, "the others to wait")
    assert (busy["current_connections"], busy["active"], busy["idle"]) == (6, 6, 0)
    assert counted() == 6
    waiting = (f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{gateway.database}' AND usename = '{ROLE}' "
               "AND wait_event_type = 'Lock'")
    assert postgres.psql(waiting) == "6"
    holding.release()
    while any(caller.is_alive() for caller in callers):
        most = max(most, counted())
    for caller in callers:
        caller.join()
    assert answers == [201] * 20 and most <= 6

    idle = until(lambda: (found := admin.get("/db/pool").json())["current_connections"] == counted() == 3 and found,
                 "the pool to rest", timeout=20)
    until(lambda: gateway.metric("database_connections", pool="postgres", state="idle") == 3, "all of it to be idle")
    assert idle["total_created"] >= 6 and idle["total_errors"] == 0
    assert idle["reuse_rate"] == pytest.approx(idle["total_reused"] / (idle["total_created"] + idle["total_reused"]), abs=0.02)
    before = idle["total_reused"]
    for _ in range(10):
        assert admin.get("/api/v1/users").status == 200
    assert admin.get("/db/pool").json()["total_reused"] >= before + 10
    assert gateway.stop() == 0
    until(lambda: counted() == 0, "the connections to go")


def test_a_slow_query_is_logged_once_by_its_fingerprint_without_its_values(postgres, house):
    guest = house(slow_query="250ms", pool={"min": 2, "max": 4})
    gateway, admin = guest.gateway, guest.sign_in("ada", ADMIN)
    sought = "0190-very-telling-0815"
    holding = Holding(postgres, gateway.database, "api_keys")
    reader = threading.Thread(target=lambda: admin.get(f"/api/v1/keys/{sought}"))
    reader.start()
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 0.4, "what counts as slow")
    holding.release()
    reader.join()

    def lines():
        return [line for line in gateway.log() if line.get("message", line.get("msg")) == "slow query"]
    line = until(lines, "a line of it")[0]
    assert len(lines()) == 1
    assert line["statement"] == "api_keys.find" and re.fullmatch(r"[0-9a-f]{16}", line["fingerprint"])
    assert 250 <= line["duration_ms"] < 10_000
    assert sought not in json.dumps(gateway.log())
    assert gateway.metric("database_slow_queries_total") == 1
