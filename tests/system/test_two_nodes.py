"""Two nodes over one PostgreSQL: what they have in common lies in the database and in data_dir/keys, and both must be shared."""

import shutil

import pytest

from support.control import Control, add_user, house_config
from support.gateway import run
from support.wait import until

PASSWORD = "the engine weaves"


@pytest.fixture
def nodes(start, tmp_path, postgres):
    """A function that starts a node; what it is given is put into its data directory first."""
    storage = postgres.storage(postgres.make_database())

    def node(name, keys_of=None):
        config = house_config(tmp_path / name, storage=storage, auth={"issuer": "https://api.example.com"})
        if keys_of is None and name == "gateway0":
            postgres.migrate(tmp_path / name, config)
        if keys_of is not None:
            data = tmp_path / name / "data"
            data.mkdir(parents=True, mode=0o700)
            (data / "keys").symlink_to(keys_of.directory / "data" / "keys")
            shutil.copy(keys_of.directory / "data" / "ca.pem", data / "ca.pem")
        return start(config, env=postgres.env)
    return node


def made_on(gateway, env):
    """A caller with a token and one with a key, both made on that node."""
    add_user(gateway.config_file, "ada", PASSWORD, "admin", env=env)
    by_token = Control(gateway).sign_in("ada", PASSWORD)
    key = by_token.ask("POST", "/api/v1/keys", {"name": "nightly", "roles": ["user"]}).json()
    return by_token.fields, [("X-API-Key", key["key"])], key["id"]


def test_nodes_with_the_same_keys_believe_what_either_made(nodes, postgres):
    one = nodes("gateway0")
    token, key, key_id = made_on(one, postgres.env)
    other = nodes("gateway1", keys_of=one)
    for fields in (token, key):
        assert other.get("/auth/me", fields).status == 200, fields
    back = Control(other).sign_in("ada", PASSWORD)
    assert one.get("/auth/me", back.fields).status == 200
    assert back.ask("DELETE", f"/api/v1/keys/{key_id}").status == 200
    until(lambda: one.get("/auth/me", key).status == 401, "the key to end on the other node", timeout=3)
    assert run("key", "list", "--config", other.config_file, env=postgres.env).returncode == 0


def test_a_node_with_keys_of_its_own_believes_neither(nodes, postgres):
    """As docs/storage.md says: one copies or shares data/keys."""
    one = nodes("gateway0")
    token, key, _ = made_on(one, postgres.env)
    other = nodes("gateway1")
    for fields in (token, key):
        assert other.get("/auth/me", fields).status == 401, fields
    assert Control(other).sign_in("ada", PASSWORD).get("/auth/me").status == 200, "users are in the database"
