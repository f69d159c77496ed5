"""`secrets import`: a .env moves into the vault, and what is left of it says where everything went."""

import os
import re
import shutil

import pytest

from support.gateway import run, write_config
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
    assert seen["COUCHDB_PASSWORD"].startswith("refused: version 1 is another value")
    house.done("secrets", "import", str(env), "--overwrite")
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
    alone = TEXT.replace("DEBUG=false\n", "").replace("MAX_TOKENS=4096\n", "")
    for text, said in ((alone + "APP_SECRET=change-me\n", "not all of it can go into the vault"),
                       (TEXT, "settings would be lost with it: DEBUG, MAX_TOKENS"), ("# nothing\n", "remove it yourself")):
        env.write_text(text)
        house.refused(f"{env} stays as it is", "secrets", "import", str(env), "--delete-env")
        assert said in house.verb("secrets", "import", str(env), "--delete-env").stderr
        assert env.read_text() == text and house.done("secrets", "list") == ""
    env.write_text(alone)
    house.done("secrets", "import", str(env), "--delete-env")
    assert not env.exists() and stored(house) == SECRETS
    kept = sorted((house.data / "backups").iterdir())[-1]
    assert house.done("secrets", "open-backup", str(kept)) == alone


def test_what_protects_nothing_is_not_taken(house, env):
    env.write_text("APP_SECRET=change-me\nADMIN_PASSWORD=admin123\nAPI_KEY=Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6Hd3Gf0Ya\n")
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 1 and "put another value in its place" in states(shown.stdout)["APP_SECRET"]
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


def test_what_a_key_that_stays_is_made_of_stays_with_it(house, env):
    """Sealed, it would be the vault's own key inside the vault."""
    env.write_text("MASTER_SECRET=MDEyMzQ1Njc4OWFiY2RlZjAx\nENCRYPTION_KEY=${MASTER_SECRET}\nOTHER_KEY=Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6\n")
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 0, shown
    assert states(shown.stdout)["MASTER_SECRET"] == "stays: line 2 mentions it, and ENCRYPTION_KEY stays"
    assert env.read_text().startswith("MASTER_SECRET=MDEyMzQ1Njc4OWFiY2RlZjAx\nENCRYPTION_KEY=${MASTER_SECRET}\n# OTHER_KEY (mig")
    assert set(stored(house)) == {"OTHER_KEY"}
    env.write_text("A_KEY=Jq8Zs5Lw2Xc9\nENCRYPTION_KEY=${A_KEY}\n")
    house.env["A_KEY"] = "set here too"
    assert states(house.verb("secrets", "import", str(env)).stdout)["A_KEY"].startswith("stays")


def test_what_the_configuration_names_stays_until_it_names_the_vault(house, env):
    env.write_text("JWT_SECRET_KEY=" + "q7Zk2mXv9Rt4Wc8Yb3Nf6Hj1Ls5Dg0Pa\n")
    issuer = {"issuer": "https://idp.test", "audience": "api", "algorithm": "HS256", "secret": "${env:JWT_SECRET_KEY}"}
    house.config["auth"] = {**house.config.get("auth", {}), "trusted_issuers": [issuer]}
    write_config(house.config_file, house.config)
    house.env["JWT_SECRET_KEY"] = "q7Zk2mXv9Rt4Wc8Yb3Nf6Hj1Ls5Dg0Pa"
    seen = house.done("secrets", "import", str(env))
    assert states(seen)["JWT_SECRET_KEY"] == "stays: the configuration names it; write ${secret:env/JWT_SECRET_KEY} there first"
    issuer["secret"] = "${secret:env/JWT_SECRET_KEY}"
    write_config(house.config_file, house.config)
    seen = house.done("secrets", "import", str(env))
    assert states(seen)["JWT_SECRET_KEY"] == "sealed as version 1, read back, equal"
    assert "the configuration is good" in run("config", "check", house.config_file, env={}).stdout


def test_what_this_house_reads_itself_stays_until_the_vault_is_where_it_looks(house):
    own = house.directory / ".env"
    text = "JWT_SECRET_KEY=q7Zk2mXv9Rt4Wc8Yb3Nf6Hj1Ls5Dg0Pa\nOTHER_KEY=Jq8Zs5Lw2Xc9\n"
    own.write_text(text)
    seen = states(house.done("secrets", "import", str(own), "--keep", "OTHER_KEY"))
    assert seen == {"JWT_SECRET_KEY": "stays: this house reads it here; set vault.variables: env/ first", "OTHER_KEY": "stays: --keep"}
    assert own.read_text() == text
    house.config["vault"] = {"variables": "env/"}
    write_config(house.config_file, house.config)
    assert states(house.done("secrets", "import", str(own), "--folder", "app/"))["JWT_SECRET_KEY"].startswith("stays")
    assert states(house.done("secrets", "import", str(own)))["JWT_SECRET_KEY"].startswith("sealed")


def test_what_nobody_set_is_not_sealed_as_nothing(house, env):
    env.write_text("REF_PASSWORD=pre-${UNSET_HERE}-post\n")
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 1 and "${UNSET_HERE} is not set here" in states(shown.stdout)["REF_PASSWORD"]
    house.env["UNSET_HERE"] = "x"
    seen = states(house.done("secrets", "import", str(env)))["REF_PASSWORD"]
    assert seen == "sealed as version 1, read back, equal, with UNSET_HERE of the environment of this command"
    assert stored(house) == {"REF_PASSWORD": "pre-x-post"}


def test_two_files_with_one_name_do_not_overwrite_each_other(house, env):
    house.done("secrets", "set", "env/NEO4J_PASSWORD", stdin="of another file")
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 1
    assert states(shown.stdout)["NEO4J_PASSWORD"].startswith("refused: version 1 is another value; --overwrite")
    assert stored(house) == SECRETS | {"NEO4J_PASSWORD": "of another file"}
    assert "export NEO4J_PASSWORD=neo4j#9Lm\n" in env.read_text() and "# VCC_CA_PASSWORD (migrated" in env.read_text()
    house.done("secrets", "import", str(env), "--overwrite")
    assert stored(house) == SECRETS and env.read_text() == REST
    house.done("secrets", "delete", "env/NEO4J_PASSWORD")
    env.write_text(TEXT)
    assert states(house.verb("secrets", "import", str(env), "--verify-only").stdout)["NEO4J_PASSWORD"] == "version 2 was deleted"
    assert states(house.done("secrets", "import", str(env)))["NEO4J_PASSWORD"].startswith("sealed as version 3")


def test_verifying_makes_no_vault(tmp_path, env):
    house = House(tmp_path / "fresh").migrate()
    before = sorted(house.data.rglob("*"))
    shown = house.verb("secrets", "import", str(env), "--verify-only")
    assert shown.returncode == 1 and states(shown.stdout) == dict.fromkeys(SECRETS, "not in the vault")
    assert sorted(house.data.rglob("*")) == before
    env.write_text("A_KEY=Jq8Zs5Lw2Xc9\n")
    kept = house.verb("secrets", "import", str(env), "--verify-only", "--keep", "A_KEY")
    assert kept.returncode == 0, "nothing to do"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_somebody_else_stays_his_and_nothing_else_changes_hands(house, env):
    os.chown(env, 4711, 4712)
    house.done("secrets", "import", str(env))
    assert (env.stat().st_uid, env.stat().st_gid, env.stat().st_mode & 0o777) == (4711, 4712, 0o640)
    assert env.read_text() == REST


def test_what_cannot_be_replaced_is_found_before_anything_is_sealed(house, env):
    (env.parent / "..env.new").mkdir()  # in the way of the new file, also for root
    shown = house.verb("secrets", "import", str(env), "--backup")
    assert shown.returncode == 1 and "replacing .env" in shown.stderr, shown
    assert env.read_text() == TEXT and house.done("secrets", "list") == "" and not (house.data / "backups").exists()


def test_pipes_and_folders_are_no_files(house, env):
    pipe = env.parent / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, env.parent):
        house.refused("no regular file", "secrets", "import", str(path), code=2)


def test_another_name_of_the_file_is_pointed_out(house, env):
    os.link(env, env.parent / "other")
    shown = house.verb("secrets", "import", str(env))
    assert shown.returncode == 0 and "a hard link" in shown.stderr and (env.parent / "other").read_text() == TEXT


def test_a_link_in_the_place_of_the_backups_is_not_followed(house, env, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (house.data / "backups").symlink_to(tmp_path / "elsewhere")
    house.refused("backups", "secrets", "import", str(env), "--backup")
    assert not list((tmp_path / "elsewhere").iterdir()) and (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755
    assert env.read_text() == TEXT


def test_a_file_that_is_none_is_left_alone(house, env):
    for text, said in (("A_KEY='open\n", "quote that is not closed"), ("=x\n", "is not NAME=value"),
                       ("A_KEY=\x01\n", "control characters"), ("\ufeffA_KEY=x\n", "byte order mark"), ("#" * 300_000, "larger than 256 KiB")):
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
