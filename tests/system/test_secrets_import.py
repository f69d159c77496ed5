"""`secrets import`: a .env moves into the vault, and what is left of it says where everything went."""

import os
import re
import shutil

import pytest

from support.gateway import write_config
from support.house import House
from support.killing import killed, length_of, stages

ROUNDS = 100 if os.environ.get("GATEHOUSE_SLOW") == "1" else 12
SECRETS = {"JWT_SECRET_KEY": "q7Zk2mXv9Rt4Wc8Yb3Nf6Hj1Ls5Dg0Pa", "POSTGRES_PASSWORD": "pg-Tr7x!wq", "NEO4J_PASSWORD": "neo4j#9Lm",
           "COUCHDB_PASSWORD": "couch Two Words", "VCC_CA_PASSWORD": "ca'quote\"d"}
TEXT = """\
# the backend
DEBUG=false
JWT_SECRET_KEY=q7Zk2mXv9Rt4Wc8Yb3Nf6Hj1Ls5Dg0Pa  # of May
POSTGRES_PASSWORD='pg-Tr7x!wq'
export NEO4J_PASSWORD=neo4j#9Lm
COUCHDB_PASSWORD=couch Two Words

VCC_CA_PASSWORD="ca'quote\\"d"
MAX_TOKENS=4096
"""
REST = """\
# the backend
DEBUG=false
# JWT_SECRET_KEY (migrated to encrypted storage): gatehouse secrets get env/JWT_SECRET_KEY  # of May
# POSTGRES_PASSWORD (migrated to encrypted storage): gatehouse secrets get env/POSTGRES_PASSWORD
# NEO4J_PASSWORD (migrated to encrypted storage): gatehouse secrets get env/NEO4J_PASSWORD
# COUCHDB_PASSWORD (migrated to encrypted storage): gatehouse secrets get env/COUCHDB_PASSWORD

# VCC_CA_PASSWORD (migrated to encrypted storage): gatehouse secrets get env/VCC_CA_PASSWORD
MAX_TOKENS=4096
"""


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "gateway0").migrate()


@pytest.fixture
def env(tmp_path):
    (tmp_path / "app").mkdir()
    path = tmp_path / "app" / ".env"
    path.write_text(TEXT)
    path.chmod(0o640)
    return path


def stored(house):
    return {name: house.done("secrets", "get", f"env/{name}")[:-1] for name in house.done("secrets", "list", "env/").split()}


def states(text):
    return {line.split()[0]: line.split(None, 2)[2] for line in text.splitlines()[1:]}


def everything(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_each_secret_is_sealed_read_back_and_named_where_it_was(house, env):
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 0, shown.stderr
    assert states(shown.stdout) == dict.fromkeys(SECRETS, "sealed as version 1, read back, equal")
    assert "5 of 5 secrets" in shown.stderr
    assert stored(house) == SECRETS
    assert env.read_text() == REST and env.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in env.parent.iterdir()] == [".env"]
    files = everything(house.data) + everything(env.parent)
    assert not [value for value in SECRETS.values() if value.encode() in files]
    assert not [value for value in SECRETS.values() if value in shown.stdout + shown.stderr]
    told = house.done("audit", "tail", "--action", "secret.put")
    assert all(f"env/{name}" in told for name in SECRETS)
    again = house.verb("secrets", "import", str(env))
    assert again.returncode == 0 and again.stdout == "" and "holds no secret" in again.stderr
    assert env.read_text() == REST


def test_to_verify_writes_nothing(house, env):
    before = house.verb("secrets", "import", str(env), "--verify-only")
    assert before.returncode == 1 and states(before.stdout) == dict.fromkeys(SECRETS, "not in the vault")
    assert env.read_text() == TEXT and house.done("secrets", "list") == "" and not (house.data / "backups").exists()
    assert "0 of 5 secrets" in before.stderr
    house.done("secrets", "set", "env/NEO4J_PASSWORD", stdin="neo4j#9Lm")
    house.done("secrets", "set", "env/COUCHDB_PASSWORD", stdin="of before")
    seen = states(house.verb("secrets", "import", str(env), "--verify-only").stdout)
    assert seen["NEO4J_PASSWORD"] == "version 1 has this value"
    assert seen["COUCHDB_PASSWORD"] == "version 1 is another value"
    house.done("secrets", "import", str(env))
    assert stored(house) == SECRETS
    assert house.done("secrets", "get", "env/COUCHDB_PASSWORD", "--version", "1") == "of before\n"
    house.refused("the newest version is 1", "secrets", "set", "env/NEO4J_PASSWORD", "--cas", "0", stdin="x")
    after = house.verb("secrets", "import", str(env), "--verify-only")
    assert after.returncode == 0 and "holds no secret" in after.stderr


def test_what_there_was_is_kept_sealed(house, env):
    shown = house.verb("secrets", "import", str(env), "--backup")
    kept = next((house.data / "backups").iterdir())
    assert re.fullmatch(r"\.env\.backup_\d{8}_\d{6}", kept.name) and str(kept) in shown.stderr
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700
    assert not [value for value in SECRETS.values() if value.encode() in kept.read_bytes()]
    assert house.done("secrets", "open-backup", str(kept)) == TEXT
    assert kept.name in house.done("audit", "tail", "--action", "secret.open_backup")
    other = House(house.directory.parent / "other").migrate()
    other.refused("changed", "secrets", "open-backup", str(kept))
    house.refused("no file that was sealed here", "secrets", "open-backup", str(env))


def test_the_file_goes_where_that_is_wanted(house, env):
    env.write_text(TEXT + "APP_SECRET=change-me\n")
    house.refused("stays as it is", "secrets", "import", str(env), "--delete-env")
    assert env.read_text() == TEXT + "APP_SECRET=change-me\n"
    env.write_text(TEXT)
    house.done("secrets", "import", str(env), "--delete-env")
    assert not env.exists() and stored(house) == SECRETS
    kept = sorted((house.data / "backups").iterdir())[-1]
    assert house.done("secrets", "open-backup", str(kept)) == TEXT


def test_what_protects_nothing_is_not_taken(house, env):
    env.write_text("APP_SECRET=change-me\nADMIN_PASSWORD=admin123\nAPI_KEY=Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6Hd3Gf0Ya\n")
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 1 and "put another value in its place" in shown.stderr
    assert states(shown.stdout)["APP_SECRET"].startswith("refused: ")
    assert states(shown.stdout)["ADMIN_PASSWORD"].startswith("refused: ")
    assert stored(house) == {"API_KEY": "Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6Hd3Gf0Ya"}
    assert env.read_text().startswith("APP_SECRET=change-me\nADMIN_PASSWORD=admin123\n# API_KEY (migrated")


def test_what_opens_the_vault_stays_outside(house, env):
    key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    env.write_text(f"VAULT_PASSPHRASE=a long enough passphrase\nENCRYPTION_KEY={key}\nOTHER_KEY=Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6\n")
    house.config["vault"] = {"passphrase": "${env:VAULT_PASSPHRASE}"}
    write_config(house.config_file, house.config)
    house.env["VAULT_PASSPHRASE"] = "a long enough passphrase"
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 0, shown.stderr
    assert states(shown.stdout)["VAULT_PASSPHRASE"].startswith("stays")
    assert "VAULT_PASSPHRASE=a long" in env.read_text() and "# OTHER_KEY (migrated" in env.read_text()


def test_a_file_that_is_none_is_left_alone(house, env):
    for text, said in (("A_KEY='open\n", "quote that is not closed"), ("=x\n", "is not NAME=value"),
                       ("A_KEY=\x01\n", "control characters"), ("#" * 300_000, "larger than 256 KiB")):
        env.write_text(text)
        shown = house.verb("secrets", "import", str(env))
        assert shown.returncode != 0 and said in shown.stderr, shown
        assert env.read_text() == text and house.done("secrets", "list") == ""


def test_a_link_and_a_file_that_is_not_there_are_said_so(house, env):
    link = env.parent / "link.env"
    link.symlink_to(env)
    house.refused("name the file it leads to", "secrets", "import", str(link), code=2)
    house.refused("there is no file", "secrets", "import", str(env.parent / "none.env"))
    assert env.read_text() == TEXT


def test_a_value_that_is_left_in_a_comment_is_pointed_out(house, env):
    env.write_text("# was Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6\nA_KEY=Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6\n")
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 0 and f"{env}:1: still holds a value" in shown.stderr


def test_killed_anywhere_the_old_or_the_new_is_whole(tmp_path):
    origin = House(tmp_path / "origin").migrate()
    numbers = iter(range(10_000))

    def copy():
        house = House(tmp_path / f"house{next(numbers)}")
        shutil.copytree(origin.data, house.data)
        env = house.directory / "app.env"
        env.write_text(TEXT)
        return house, env

    def attempt(moment):
        house, env = copy()
        killed(house, moment, "secrets", "import", str(env), "--backup")
        text = env.read_text()
        assert text in (TEXT, REST)
        have = stored(house)
        assert have.items() <= SECRETS.items()
        if text == REST:
            assert have == SECRETS
            kept = next((house.data / "backups").iterdir())
            assert house.done("secrets", "open-backup", str(kept)) == TEXT
        house.done("secrets", "import", str(env), "--backup")
        assert stored(house) == SECRETS and env.read_text() == REST
        return "after" if text == REST else "middle" if have else "before"
    whole, whole_env = copy()
    met = stages(ROUNDS, length_of(lambda: whole.done("secrets", "import", str(whole_env), "--backup")), attempt)
    assert met["before"] and met["middle"] and met["after"], met
