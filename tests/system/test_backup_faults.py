"""Backups that are damaged, disks that are full, and processes that are killed: the old house or the new one, and no third."""

import json
import os
import resource
import subprocess

import pytest

from support.gateway import BINARY, environment, run
from support.house import House
from support.killing import killed, length_of, moments
from support.wait import seconds, until

ROUNDS = 200 if os.environ.get("GATEHOUSE_SLOW") == "1" else 20
PASSPHRASE = "seal it well\n"


def whole(file, **options):
    return run("backup", "verify", file, timeout=60, **options).returncode == 0


def temporaries(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


# --- damage ---

@pytest.mark.parametrize("sealed", [False, True])
def test_damage_is_found_and_changes_nothing(lived_in, make_house, tmp_path, sealed):
    seal = (["--passphrase-stdin"], {"stdin": PASSPHRASE}) if sealed else ([], {})
    file = lived_in.backup("state", *seal[0], **seal[1])
    text = file.read_bytes()
    target = make_house().migrate()
    target.add_user("stays")
    before = target.files()
    damaged = tmp_path / "damaged"
    places = [len(text) // 3, len(text) * 2 // 3, len(text) - 2]
    changed = {f"bit at {at}": text[:at] + bytes([text[at] ^ 1]) + text[at + 1:] for at in places}
    changed |= {f"cut at {at}": text[:at] for at in [0, *places, len(text) - 1]}
    changed["longer"] = text + b"\n"
    for what, content in changed.items():
        damaged.write_bytes(content)
        assert not whole(damaged, **seal[1]), what
        if "bit" in what or what == "longer":
            continue
        result = target.verb("restore", damaged, "--force", *seal[0], **seal[1])
        assert result.returncode == 1 and "gatehouse: " in result.stderr, (what, result)
    assert target.users() == {"stays"} and target.files() == before
    assert not (target.data / "restored").exists() and not list(target.data.glob("*.restored*"))


def test_rows_that_were_left_out_by_hand_are_missed(lived_in, tmp_path):
    lines = lived_in.backup().read_text().splitlines(keepends=True)
    rows = [i for i, line in enumerate(lines) if line.startswith("[")]
    fewer = tmp_path / "fewer"
    fewer.write_text("".join(line for i, line in enumerate(lines) if i != rows[-1]))
    result = run("backup", "verify", fewer)
    assert result.returncode == 1 and "damaged" in result.stderr


def test_a_newer_schema_is_refused(lived_in, make_house, tmp_path):
    lines = lived_in.backup().read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    header["schema"].append({"number": len(header["schema"]) + 1, "name": "future", "sqlite": "0" * 64, "postgres": "0" * 64})
    header["version"] = "9.9.9"
    newer = tmp_path / "newer"
    newer.write_text(json.dumps(header, separators=(",", ":")) + "\n" + "".join(lines[1:]))
    target = make_house()
    assert "9.9.9" in target.refused("use gatehouse", "restore", newer)


# --- no room ---

def limited(house, bytes_max, *arguments, **options):
    """A verb that may write files of this size, and no larger ones."""
    return subprocess.run([str(BINARY), *map(str, arguments), "--config", house.config_file], capture_output=True,
                          text=True, env=environment(house.env), timeout=seconds(60), check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max)),
                          **options)


def test_a_backup_that_has_no_room_leaves_nothing(lived_in, tmp_path):
    lived_in.grow()
    file = tmp_path / "state.backup"
    result = limited(lived_in, 50_000, "backup", file)  # more than SQLite's shared memory
    assert result.returncode == 1 and "no room" in result.stderr, result
    assert not file.exists() and not temporaries(tmp_path)


def test_a_restore_that_has_no_room_changes_nothing(lived_in, make_house):
    lived_in.grow()
    file = lived_in.backup()
    target = make_house().migrate()
    target.add_user("stays")
    before = target.files()
    result = limited(target, 50_000, "restore", file, "--force")
    assert result.returncode == 1 and "gatehouse: " in result.stderr, result
    assert target.users() == {"stays"} and target.files() == before
    assert not (target.data / "restored").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_leaves_no_half_backup(lived_in, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False,
                      capture_output=True).returncode != 0:
        pytest.skip("mount is not allowed here")
    try:
        lived_in.grow()
        (disk / "other").write_bytes(b"x" * 12_000)
        lived_in.refused("no room", "backup", disk / "state.backup")
        assert [path.name for path in disk.iterdir()] == ["other"]
    finally:
        subprocess.run(["umount", disk], check=True)


# --- kill -9 ---

def test_a_killed_restore_leaves_the_old_house_or_the_new_one(lived_in, make_house):
    """Two backups of two houses take turns; wherever it is killed, the house is one of them, rows and keys alike."""
    other = make_house().migrate()
    other.add_user("zoe")
    houses = [({"ada", "uli"}, lived_in.files(), lived_in.backup()), ({"zoe"}, other.files(), other.backup())]
    target = make_house()
    target.done("restore", houses[0][2])
    length = length_of(lambda: target.done("restore", houses[1][2], "--force"))
    current, counts = 1, {"old": 0, "new": 0}
    for moment in moments(ROUNDS, length):
        wanted = 1 - current
        killed(target, moment, "restore", houses[wanted][2], "--force")
        users = until(lambda: users_or_none(target), "the house to open", timeout=30)
        found = [index for index, house in enumerate(houses) if (users, target.files()) == house[:2]]
        assert len(found) == 1, (users, list(target.files()))
        counts["new" if found[0] == wanted else "old"] += 1
        current = found[0]
        assert not (target.data / "restored").exists()
    assert counts["old"] > 0 and counts["new"] > 0, counts


def users_or_none(house):
    result = house.verb("user", "list", "--json")
    return {user["name"] for user in json.loads(result.stdout)} if result.returncode == 0 else None


def test_a_killed_backup_is_no_backup(lived_in, tmp_path):
    length = length_of(lambda: lived_in.backup("first"))
    made = 0
    for i, moment in enumerate(moments(ROUNDS // 2, length)):
        file = tmp_path / f"backup{i}"
        ended = killed(lived_in, moment, "backup", file)
        assert file.exists() or not ended
        if file.exists():
            made += 1
            assert whole(file)
    assert lived_in.users() == {"ada", "uli"}
    assert made < ROUNDS // 2


def test_what_only_a_server_knows_waits_for_it(tmp_path, postgres):
    """The server commits the rows, and the process is killed before the keys are in place."""
    one, target = (House(tmp_path / name, postgres).migrate() for name in ("one", "target"))
    for house, name in ((one, "ada"), (target, "before")):
        house.add_user(name)
    file = one.backup()
    target.done("restore", file, "--force")
    mark = postgres.psql("SELECT obj_description('schema_migrations'::regclass)",
                         database=target.database()).split()[1]
    place = target.data / "restored"
    note = {"mark": mark, "sqlite": "", "certificate": False}
    for name, text in {"keys/api-key-hash": "x" * 32, "complete": json.dumps(note)}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (place / name).write_text(text)
        (place / name).chmod(0o600)
    postgres.stop()
    try:
        target.refused("make it answer", "user", "list")
    finally:
        postgres.start()
    assert target.users() == {"ada"}
    files = target.files()
    assert files.keys() == {"keys/api-key-hash", "keys/master.key", "keys/seal.json"}
    # And of one that was not committed nothing is left.
    place.mkdir(mode=0o700)
    (place / "complete").write_text(json.dumps(note | {"mark": "0"}))
    assert target.users() == {"ada"}
    assert target.files() == files and not place.exists()
