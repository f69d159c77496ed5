"""Credentials of databases that are made for who asks and end by themselves, as clients of OpenBao's database engine use them."""

import contextlib
import socket
import sqlite3

import hvac
import pytest

from support.control import Control, house_config
from support.gateway import Gatehouse, run
from support.rotation import AUTH, KEYS, Application
from support.wait import pass_time, until

STATEMENTS = ["CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'", "GRANT SELECT ON things TO \"{{name}}\""]


@pytest.fixture
def application(postgres):
    made = Application(postgres)
    postgres.psql("CREATE TABLE things (i int)", f"ALTER TABLE things OWNER TO {made.admin}", f"ALTER SCHEMA public OWNER TO {made.admin}",
                  database=made.database)
    made.reader = made.database.replace("app", "reader")  # the server is shared: users are told apart by it
    return made


def client_of(gateway, who="admin"):
    return hvac.Client(url=f"http://127.0.0.1:{gateway.port(gateway.config['listeners'][0]['name'])}", token=KEYS[who])


def furnish(client, application, **changes):
    engine = client.secrets.database
    engine.configure(name="app", plugin_name="postgresql-database-plugin", allowed_roles=[application.reader], username=application.admin,
                     password=application.password, connection_url=application.connection()["url"].replace(
                         f"{application.admin}@", "{{username}}:{{password}}@"))
    engine.create_role(**{"name": application.reader, "db_name": "app", "creation_statements": STATEMENTS, "default_ttl": "1h", "max_ttl": "24h"} | changes)
    return engine


@pytest.fixture
def gateway(start, tmp_path):
    return start(house_config(tmp_path / "gateway0", auth=AUTH))


def users(application):
    return application.server.psql(f"SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-{application.reader}-%' ORDER BY 1").split()


def gone(application, username, timeout=20):
    until(lambda: username not in users(application), "the user to be gone", timeout=timeout)


def test_the_life_of_a_lease(gateway, application, postgres):
    client = client_of(gateway)
    engine = furnish(client, application)
    shown = engine.read_connection("app")["data"]
    assert shown["allowed_roles"] == [application.reader] and application.password not in str(shown)
    assert engine.list_connections()["data"]["keys"] == ["app"] and engine.list_roles()["data"]["keys"] == [application.reader]
    assert engine.read_role(application.reader)["data"]["creation_statements"] == STATEMENTS
    made = engine.generate_credentials(application.reader)
    lease, credential = made["lease_id"], made["data"]
    assert lease.startswith(f"database/creds/{application.reader}/") and made["renewable"] and 3590 <= made["lease_duration"] <= 3600
    assert application.lets_in(credential)
    assert credential["password"] not in postgres.log_file.read_text(errors="replace")
    other = engine.generate_credentials(application.reader)["data"]
    assert other["username"] != credential["username"] and application.lets_in(other)
    looked = client.sys.read_lease(lease)["data"]
    assert looked["id"] == lease and looked["last_renewal"] is None and 3580 <= looked["ttl"] <= 3600
    renewed = client.sys.renew_lease(lease, increment=7200)
    assert renewed["lease_id"] == lease and 7190 <= renewed["lease_duration"] <= 7200
    assert client.sys.read_lease(lease)["data"]["last_renewal"]
    assert 86000 < client.sys.renew_lease(lease, increment=10 ** 6)["lease_duration"] <= 86400, "no longer than max_ttl"
    names = client.sys.list_leases(f"database/creds/{application.reader}")["data"]["keys"]
    assert len(names) == 2 and lease.rsplit("/", 1)[1] in names
    client.sys.revoke_lease(lease)
    assert not application.lets_in(credential) and application.lets_in(other)
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.sys.read_lease(lease)
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.sys.renew_lease(lease)
    client.sys.revoke_lease(lease)  # it is over already
    with pytest.raises(hvac.exceptions.InvalidRequest):
        engine.delete_connection("app")
    client.sys.revoke_prefix(f"database/creds/{application.reader}")
    assert not application.lets_in(other) and users(application) == []
    told = run("audit", "tail", "--config", gateway.config_file).stdout
    for action in ("lease.make", "lease.renew", "lease.revoke", "lease.end", "database.configure", "database.role_put"):
        assert action in told, told
    assert credential["password"] not in told and application.password not in told
    engine.delete_role(application.reader)
    engine.delete_connection("app")
    with pytest.raises(hvac.exceptions.InvalidPath):
        engine.generate_credentials(application.reader)


def test_a_lease_ends_by_itself_with_what_its_user_owns(gateway, application, postgres):
    engine = furnish(client_of(gateway), application, default_ttl="3s", creation_statements=[
        STATEMENTS[0], f"GRANT CREATE ON SCHEMA public TO \"{{{{name}}}}\""])
    credential = engine.generate_credentials(application.reader)["data"]
    assert application.lets_in(credential)
    postgres.psql(f"SET ROLE \"{credential['username']}\"", "CREATE TABLE kept AS SELECT 7 AS i", database=application.database)
    gone(application, credential["username"])
    assert not application.lets_in(credential)
    assert postgres.psql("SELECT count(*) FROM pg_tables WHERE tablename = 'kept'", database=application.database) == "0", \
        "nothing of theirs becomes that of who may more"
    until(lambda: gateway.metric("gatehouse_leases_live") == 0, "the gauge")


def test_a_server_that_is_away_keeps_nobody_let_in(gateway, application, postgres):
    client = client_of(gateway)
    engine = furnish(client, application, default_ttl="2s")
    credential = engine.generate_credentials(application.reader)["data"]
    postgres.stop()
    with pytest.raises(hvac.exceptions.VaultError):
        engine.generate_credentials(application.reader)
    until(lambda: gateway.metric("gatehouse_leases_failing") >= 1, "the gauge", timeout=20)
    assert gateway.metric("gatehouse_lease_failures_total") >= 1
    pass_time(2)
    postgres.start()
    assert not application.lets_in(credential), "the server itself knows when it ends"
    gone(application, credential["username"], timeout=40)
    until(lambda: gateway.metric("gatehouse_leases_failing") == 0, "the gauge", timeout=40)


def test_leases_are_for_whom_a_policy_lets_in(gateway, application):
    admin = client_of(gateway)
    engine = furnish(admin, application)
    admin.sys.create_or_update_policy("app", f'path "database/creds/{application.reader}" {{ capabilities = ["read"] }}')
    app = hvac.Client(url=admin.url, token=admin.auth.token.create(policies=["app"])["auth"]["client_token"])
    stranger = hvac.Client(url=admin.url, token=admin.auth.token.create(policies=["none"])["auth"]["client_token"])
    made = app.secrets.database.generate_credentials(application.reader)
    assert application.lets_in(made["data"])
    for refused in (lambda: app.secrets.database.read_connection("app"), lambda: app.secrets.database.read_role(application.reader),
                    lambda: app.sys.list_leases(f"database/creds/{application.reader}"), lambda: app.sys.revoke_prefix(f"database/creds/{application.reader}"),
                    lambda: stranger.secrets.database.generate_credentials(application.reader)):
        with pytest.raises(hvac.exceptions.Forbidden):
            refused()
    assert app.sys.renew_lease(made["lease_id"])["lease_duration"] > 3500, "its own"
    with pytest.raises(hvac.exceptions.InvalidRequest):
        stranger.sys.renew_lease(made["lease_id"])
    stranger.sys.revoke_lease(made["lease_id"])
    assert application.lets_in(made["data"]), "not theirs to end"
    app.sys.revoke_lease(made["lease_id"])
    assert not application.lets_in(made["data"])
    with pytest.raises(hvac.exceptions.Forbidden):
        engine.create_role(name="other", db_name="app", creation_statements=STATEMENTS)
        engine.generate_credentials("other")


def test_who_writes_the_secret_of_a_connection_sends_its_password_nowhere(gateway, application):
    client = client_of(gateway)
    engine = furnish(client, application)
    lease = engine.generate_credentials(application.reader)["lease_id"]
    url = application.connection()["url"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        client.secrets.kv.v2.patch("database/app", {"url": f"postgresql://{application.admin}@127.0.0.1:{listener.getsockname()[1]}/app?sslmode=disable"})
        with pytest.raises(hvac.exceptions.InvalidRequest, match="another server"):
            engine.generate_credentials(application.reader)
        with pytest.raises(hvac.exceptions.InvalidRequest, match="another server"):
            client.sys.renew_lease(lease)
        with pytest.raises(TimeoutError):
            listener.accept()
    client.secrets.kv.v2.patch("database/app", {"url": url})
    assert application.lets_in(engine.generate_credentials(application.reader)["data"])
    for socketed in ("postgresql://changer@/app?host=/run/postgresql", f"{url}&sslcert=/a&sslkey=/b"):
        with pytest.raises(hvac.exceptions.InvalidRequest, match="from the shell alone"):
            engine.configure(name="app", plugin_name="postgresql-database-plugin", connection_url=socketed)


def test_what_is_wrong_is_refused(gateway, application):
    client = client_of(gateway)
    engine = furnish(client, application)

    def refused(said, work):
        with pytest.raises(hvac.exceptions.InvalidRequest) as caught:
            work()
        assert said in str(caught.value), caught.value
    url = application.connection()["url"]
    good = {"name": "x", "plugin_name": "postgresql-database-plugin", "connection_url": url}
    refused("postgresql-database-plugin", lambda: engine.configure(**good | {"plugin_name": "mysql-database-plugin"}))
    refused("password authentication failed", lambda: engine.configure(**good, password="something else"))
    refused("give it as password", lambda: engine.configure(**good | {"connection_url": url.replace("@", ":in-the-url@")}))
    refused("connection_url", lambda: engine.configure(**good | {"connection_url": "sqlite:a"}))
    refused("creation_statements", lambda: engine.create_role(name="x", db_name="app", creation_statements=[]))
    refused("max_ttl", lambda: engine.create_role(name="x", db_name="app", creation_statements=STATEMENTS, default_ttl="2h", max_ttl="1h"))
    engine.create_role(name=application.reader, db_name="app", creation_statements=["CREATE ROLE \"{{name}}\"", "GRANT nobody TO \"{{name}}\""])
    refused("nobody", lambda: engine.generate_credentials(application.reader))
    assert users(application) == [], "all of it or nothing"
    until(lambda: Control(gateway).ask("LIST", f"/v1/sys/leases/lookup/database/creds/{application.reader}", fields=[("X-Vault-Token", KEYS["admin"])]).status == 404,
          "the lease to be gone")


def test_kill_9_leaves_no_user_that_nobody_knows_of(tmp_path, application):
    config = house_config(tmp_path / "gateway0", auth=AUTH)
    gateway = Gatehouse(tmp_path / "gateway0", config)
    try:
        furnish(client_of(gateway), application, creation_statements=[STATEMENTS[0], "SELECT pg_sleep(0.2)"])
        for round_number in range(12):
            before = users(application)
            with gateway.connect() as connection:
                connection.send(f"GET /v1/database/creds/{application.reader} HTTP/1.1\r\nHost: a\r\nX-Vault-Token: {KEYS['admin']}\r\n\r\n".encode())
                pass_time(0.04 * round_number)
                gateway.kill()
            with contextlib.closing(sqlite3.connect(tmp_path / "gateway0" / "data" / "gatehouse.db", timeout=10, isolation_level=None)) as database:
                known = {row[0] for row in database.execute("SELECT username FROM leases")}
                assert set(users(application)) <= known, "each is known before it is made"
                database.execute("UPDATE leases SET next_at = 0 WHERE state <> 'live'")
            gateway = Gatehouse(tmp_path / "gateway0", config)
            until(lambda: set(users(application)) == live(tmp_path), "what nobody has to be gone", timeout=20)
            assert len(users(application)) <= len(before) + 1
        client_of(gateway).sys.revoke_prefix(f"database/creds/{application.reader}")
        assert users(application) == []
        gateway.close()
    finally:
        gateway.kill()


def live(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway0" / "data" / "gatehouse.db", timeout=10, isolation_level=None)) as database:
        rows = database.execute("SELECT username, state FROM leases").fetchall()
    return {username for username, _ in rows} if all(state == "live" for _, state in rows) else None
