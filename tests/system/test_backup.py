"""Backup and restore of both engines: there and back, and what is refused."""

import json
import re
import shutil
import subprocess

import pytest

from support.control import Control
from support.gateway import BINARY, ROOT, environment, run, write_config
from support.house import House
from support.wait import seconds

PASSPHRASE = "seal it well\n"


def whole(file, **options):
    return run("backup", "verify", file, timeout=60, **options).returncode == 0


# --- there and back ---

def test_what_was_backed_up_is_what_is_restored(lived_in, make_house):
    file = lived_in.backup()
    assert file.stat().st_mode & 0o777 == 0o600
    said = run("backup", "verify", file)
    assert said.returncode == 0 and ": whole: " in said.stdout, said
    other = make_house()
    other.done("restore", file)
    assert other.users() == lived_in.users() == {"ada", "uli"}
    assert other.keys() == {"nightly"}
    assert other.files() == lived_in.files()
    assert {path.name for path in other.data.iterdir()} <= {"keys", "fallback_db", "gatehouse.db", "ca.pem", "lock"}
    for path in (*other.data.glob("keys/*"), *other.data.glob("gatehouse.db")):
        assert path.stat().st_mode & 0o777 == 0o600, path
    # The same rows again, in the same words.
    rows = [[table for table in json.loads(each.read_text().splitlines()[-1])["end"]["tables"]
             if not table["name"].startswith("audit_")] for each in (file, other.backup())]
    assert rows[0] == rows[1]


def test_keys_and_passwords_work_in_the_restored_house(start, tmp_path, engine):
    first = House(tmp_path / "gateway0", engine)
    gateway = start(first.migrate().config, env=first.env)
    first.add_user("uli")
    key = first.done("key", "create", "nightly", "--role", "user").strip()
    token = Control(gateway).sign_in("uli", "plain as day").fields[0][1].removeprefix("Bearer ")
    authority = (first.data / "ca.pem").read_bytes()
    file = first.backup()  # while it runs
    gateway.stop()
    second = House(tmp_path / "gateway1", engine)
    second.config["listeners"] = first.config["listeners"]  # tokens name their issuer
    write_config(second.config_file, second.config)
    second.done("restore", file)
    gateway = start(second.config, env=second.env)
    assert Control(gateway, token=token).get("/auth/me").json()["username"] == "uli"
    assert Control(gateway, key=key).get("/auth/me").status == 200
    Control(gateway).sign_in("uli", "plain as day")
    assert (second.data / "ca.pem").read_bytes() == authority
    assert not (second.data / "admin-password").exists(), "it is no first start"


@pytest.mark.parametrize("way", ["sqlite to postgres", "postgres to sqlite"])
def test_a_backup_of_one_engine_is_restored_into_the_other(tmp_path, postgres, way):
    servers = [None, postgres] if way.startswith("sqlite") else [postgres, None]
    one, other = (House(tmp_path / f"house{i}", server) for i, server in enumerate(servers))
    one.migrate()
    for name in ("ada", "uli", "kim"):
        one.add_user(name)
    one.done("key", "create", "näht — \"quoted\"", "--role", "user")
    other.done("restore", one.backup())
    assert other.users() == {"ada", "uli", "kim"}
    assert other.keys() == {"näht — \"quoted\""}
    other.add_user("new")  # it goes on


def test_a_folder_gets_a_file_named_by_the_time(lived_in, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    file = lived_in.done("backup", folder).strip()
    assert file.startswith(f"{folder}/gatehouse-20") and file.endswith("Z.backup")
    assert whole(file)


def test_nothing_is_written_over(lived_in):
    file = lived_in.backup()
    before = file.read_bytes()
    lived_in.refused("is there already", "backup", file)
    assert file.read_bytes() == before and not list(file.parent.glob("*.part")) + list(file.parent.glob(".*.part"))


def test_there_must_be_a_house(make_house):
    house = make_house()
    house.refused("no data directory", "backup", house.directory / "x")
    house.refused("there is no file", "restore", house.directory / "absent")


def test_what_was_done_is_in_the_audit_log(lived_in, make_house):
    file = lived_in.backup()
    other = make_house()
    other.done("restore", file)
    second, third = lived_in.backup("second"), other.backup("third")
    told = [[row for row in each.read_text().splitlines() if '"backup.' in row] for each in (file, second, third)]
    assert [len(rows) for rows in told] == [0, 1, 1]
    assert "backup.create" in told[1][0] and "backup.restore" in told[2][0]


# --- sealed ---

def test_a_sealed_backup_opens_with_its_passphrase_alone(lived_in, make_house):
    file = lived_in.backup("sealed", "--passphrase-stdin", stdin=PASSPHRASE)
    text = file.read_bytes()
    assert b"ada" not in text and b"argon2id" not in text and b"PRIVATE KEY" not in text
    clear = lived_in.backup("clear").read_bytes()
    assert b"ada" in clear and b"argon2id" in clear
    other = make_house()
    wrong = other.refused("the passphrase is not that", "restore", file, "--passphrase-stdin", stdin="seal it\n")
    assert "seal it" not in wrong
    other.refused("add --passphrase-stdin", "restore", file)
    other.refused("not sealed", "restore", lived_in.directory / "clear", "--passphrase-stdin", stdin=PASSPHRASE)
    assert other.files() == {}
    other.done("restore", file, "--passphrase-stdin", stdin=PASSPHRASE)
    assert other.users() == {"ada", "uli"} and other.files() == lived_in.files()


def test_who_does_not_seal_is_told_what_the_file_holds(lived_in):
    said = lived_in.verb("backup", lived_in.directory / "clear")
    assert "WARNING" in said.stderr and "keys" in said.stderr
    said = lived_in.verb("backup", lived_in.directory / "sealed", "--passphrase-stdin", stdin=PASSPHRASE)
    assert said.returncode == 0 and "WARNING" not in said.stderr
    lived_in.refused("a passphrase has", "backup", lived_in.directory / "empty", "--passphrase-stdin", stdin="\n")


# --- what is there already ---

def test_a_house_is_replaced_only_by_force(lived_in, make_house):
    file = lived_in.backup()
    target = make_house().migrate()
    target.add_user("before")
    target.refused("--force", "restore", file)
    assert target.users() == {"before"}
    target.done("restore", file, "--force")
    assert target.users() == {"ada", "uli"} and target.files() == lived_in.files()


def test_a_running_house_is_not_replaced(start, tmp_path, engine):
    house = House(tmp_path / "gateway0", engine)
    gateway = start(house.migrate().config, env=house.env)
    file = house.backup()
    house.refused("stop it", "restore", file, "--force")
    gateway.assert_alive()
    gateway.stop()
    house.done("restore", file, "--force")


def test_nodes_elsewhere_keep_their_database(start, tmp_path, postgres):
    house = House(tmp_path / "gateway0", postgres)
    start(house.migrate().config, env=house.env)
    file = house.backup()
    other = House(tmp_path / "elsewhere", postgres, database=house.database())
    other.refused("connections of other nodes", "restore", file, "--force")


# --- the page for readers ---

PAGE = ROOT / "docs/operations/backup.md"


def test_the_commands_of_the_page_work_as_they_stand(tmp_path, postgres):
    house, server = House(tmp_path / "house").migrate(), House(tmp_path / "server", postgres)
    house.add_user("ada")
    shutil.copy(server.config_file, house.directory / "postgres.yaml")
    (house.directory / "backups").mkdir()
    (house.directory / "passphrase.txt").write_text(PASSPHRASE)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gatehouse").symlink_to(BINARY)
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 5
    env = environment(postgres.env)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", "".join(blocks)], cwd=house.directory, capture_output=True,
                          text=True, env=env | {"PATH": f"{programs}:{env['PATH']}"}, timeout=seconds(120), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": whole: ") == 2 and "ada" in done.stdout
    assert server.users() == house.users() == {"ada"}


def test_the_page_quotes_what_is_said():
    said = "".join(path.read_text() for path in (ROOT / "src").rglob("*.cpp"))
    said = re.sub(r'"\s*"', "", said)
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert len(rows) >= 8
    for row in rows:
        for part in filter(None, (part.strip() for part in row.split("..."))):
            assert part in said, part
