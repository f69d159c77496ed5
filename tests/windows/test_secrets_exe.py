"""gatehouse-secrets.exe under Wine: what a user of Windows does with it, and what others try."""

import base64
import json
import os
import secrets
import signal
import subprocess
import time

import pytest
import store_reader
from cryptography.exceptions import InvalidTag
from support.wait import seconds
from support.wine import path

PROGRAM = "gatehouse-secrets.exe"


class Store:
    """The program with one data directory."""

    def __init__(self, prefix, folder, user="ada"):
        self.prefix, self.folder, self.user = prefix, folder, user
        self.file = folder / "secrets" / "dpapi_secrets.json"

    def run(self, *arguments, stdin=b""):
        return self.prefix.run(PROGRAM, *arguments, "--data", path(self.folder), user=self.user, stdin=stdin)

    def good(self, *arguments, stdin=b""):
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, (arguments, done.stderr.decode())
        return done.stdout.decode()

    def refused(self, *arguments, stdin=b""):
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 1 and done.stdout == b"", (arguments, done)
        return done.stderr.decode()


@pytest.fixture
def store(wine, tmp_path):
    return Store(wine, tmp_path / "data")


def test_the_whole_life_of_a_secret(store):
    begun = store.run("set", "team/database", stdin=b"first\r\n")
    assert begun.returncode == 0 and b"yet: the first set makes it" in begun.stderr
    assert store.good("get", "team/database") == "first\n"
    store.good("set", "team/database", stdin=b"second\n")
    assert store.good("get", "team/database") == "second\n"
    store.good("set", "team/mail", "--json", stdin=b'{"user": "ada", "password": "p\\u00e4ss"}')
    assert store.good("get", "team/mail", "--field", "user") == "ada\n"
    assert json.loads(store.good("get", "team/mail", "--json")) == {"user": "ada", "password": "päss"}
    assert store.good("list") == "team/\n"
    assert json.loads(store.good("list", "team/", "--json")) == ["database", "mail"]
    store.good("delete", "team/database")
    assert store.good("list", "team/") == "mail\n"
    assert "there is no secret team/database" in store.refused("get", "team/database")
    assert "there is no secret team/database" in store.refused("delete", "team/database")
    assert store.good("set", "empty", stdin=b"") == "" and store.good("get", "empty") == "\n"


def test_check_sees_five_things_and_leaves_nothing(store):
    seen = [line.split() for line in store.good("check").splitlines()]
    assert [line[-1] for line in seen] == ["good"] * 5
    assert [" ".join(line[:-1]) for line in seen] == ["written", "read back", "listed", "deleted", "gone"]
    assert store.good("list") == ""


def test_a_start_tells_three_things_and_no_value(store):
    value = secrets.token_urlsafe(16)
    for name in ("a", "b"):
        store.good("set", name, stdin=value.encode())
    told = store.run("list").stderr.decode()
    assert told.count("gatehouse-secrets: ") == 3 and value not in told
    assert "dpapi_secrets.json holds 2 secrets" in told
    assert "opened by Windows DPAPI for the user ada" in told
    assert "no recovery key opens it" in told
    store.good("recovery-key")
    assert "recovery keys that open it, too: 1" in store.run("list").stderr.decode()
    assert store.run("list", "--quiet").stderr == b""


def test_the_file_holds_no_value_and_is_its_users_alone(store):
    value = secrets.token_urlsafe(24)
    store.good("set", "team/database", stdin=value.encode())
    content = store.file.read_bytes()
    forms = (value.encode(), base64.b64encode(value.encode()).rstrip(b"="), value.encode("utf-16-le"), value.encode().hex().encode())
    for form in forms:
        assert form not in content
    # Wine gives what the access list gives to a user to his group, too, and then comes the umask of its server.
    assert store.file.stat().st_mode & 0o117 == 0
    assert store.file.parent.stat().st_mode & 0o007 == 0


def test_another_user_opens_nothing_and_changes_nothing(store):
    store.good("set", "team/database", stdin=b"x")
    before = store.file.read_bytes()
    eve = Store(store.prefix, store.folder, user="eve")
    for verb in (("get", "team/database"), ("list",), ("delete", "team/database"), ("recovery-key",), ("check",)):
        assert "Windows DPAPI for the user eve does not open" in eve.refused(*verb)
    assert "does not open" in eve.refused("set", "team/database", stdin=b"y")
    assert store.file.read_bytes() == before


def test_an_independent_program_opens_the_blob_and_an_independent_reader_the_rest(store):
    store.good("set", "team/database", stdin="pässword".encode())
    store.good("set", "team/mail", "--json", stdin=b'{"user":"ada"}')
    text = store.file.read_bytes()
    file = json.loads(text)
    one = store_reader.recipient(file, "dpapi")
    blob = base64.b64decode(one["parameters"]["blob"])
    opened = store.prefix.run("open_dpapi_blob.exe", "gatehouse store 1", stdin=blob)
    assert opened.returncode == 0 and len(opened.stdout) == 32, opened.stderr
    master = store_reader.master_key(one, opened.stdout)
    assert store_reader.secrets(file, master) == {"team/database": {"value": "pässword"}, "team/mail": {"user": "ada"}}
    assert file["proof"].encode() == store_reader.proof(text, master)
    # Another user, another purpose: not even the key of the seal inside.
    assert store.prefix.run("open_dpapi_blob.exe", "gatehouse store 1", user="eve", stdin=blob).returncode == 1
    assert store.prefix.run("open_dpapi_blob.exe", "another purpose", stdin=blob).returncode == 1


def test_a_lost_profile_is_recovered_on_another_machine(store, other_windows, tmp_path):
    store.good("set", "team/database", stdin=b"from before")
    key = store.good("recovery-key")
    store.good("set", "team/mail", stdin=b"later than the key")
    file = json.loads(store.file.read_bytes())
    one = store_reader.recipient(file, "recovery_key")
    raw = base64.urlsafe_b64decode(key.strip().removeprefix("gatehouse-store-recovery-") + "=")
    master = store_reader.master_key(one, store_reader.derived_key(raw, "gatehouse store recovery 1 key"))
    assert set(store_reader.secrets(file, master)) == {"team/database", "team/mail"}

    restored = Store(other_windows, tmp_path / "restored", user="grace")
    restored.file.parent.mkdir(parents=True)
    restored.file.write_bytes(store.file.read_bytes())
    assert "user grace does not open" in restored.refused("get", "team/database")
    wrong = "gatehouse-store-recovery-" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    assert "the recovery key does not open" in restored.refused("recover", stdin=wrong.encode())
    assert "a recovery key begins with" in restored.refused("recover", stdin=b"nonsense")
    restored.good("recover", stdin=key.encode())
    assert restored.good("get", "team/database") == "from before\n"
    assert restored.good("get", "team/mail") == "later than the key\n"
    restored.good("set", "team/database", stdin=b"hers")
    assert restored.file.stat().st_mode & 0o777 == 0o600
    hers = json.loads(restored.file.read_bytes())
    with pytest.raises(InvalidTag):  # nor does who kept the old master key
        store_reader.secrets(hers, master)
    former = Store(store.prefix, restored.folder)
    assert "user ada does not open" in former.refused("get", "team/database")
    former.good("recover", stdin=key.encode())
    assert former.good("get", "team/database") == "hers\n"


def test_recovery_keys_are_told_apart_and_withdrawn(store):
    store.good("set", "a", stdin=b"x")
    keys = [store.good("recovery-key") for _ in range(2)]
    ids = store.good("recovery-key", "--list").split()
    assert len(set(ids)) == 2 and len(set(keys)) == 2
    recovered = store.run("recover", stdin=keys[1].encode())
    assert recovered.returncode == 0 and f"recovery key {ids[0]} opens it no more either" in recovered.stderr.decode()
    assert store.good("recovery-key", "--list").split() == ids[1:]
    assert "no recovery key has this id" in store.refused("recovery-key", "--withdraw", ids[0])
    assert "does not open" in store.refused("recover", stdin=keys[0].encode())
    assert store.good("get", "a") == "x\n"


def test_who_kept_an_old_copy_and_a_withdrawn_key_opens_nothing_that_is_written_later(store, tmp_path):
    store.good("set", "a", stdin=b"before")
    keys = [store.good("recovery-key") for _ in range(2)]
    ids = store.good("recovery-key", "--list").split()
    kept = store.file.read_bytes()
    one = store_reader.recipient(json.loads(kept), "recovery_key")
    raw = base64.urlsafe_b64decode(keys[0].strip().removeprefix("gatehouse-store-recovery-") + "=")
    master = store_reader.master_key(one, store_reader.derived_key(raw, "gatehouse store recovery 1 key"))
    assert store_reader.secrets(json.loads(kept), master) == {"a": {"value": "before"}}
    withdrawn = store.run("recovery-key", "--withdraw", ids[0])
    said = withdrawn.stderr.decode()
    assert withdrawn.returncode == 0 and f"recovery key {ids[0]} opens it no more" in said
    assert f"recovery key {ids[1]} opens it no more either" in said and "make new ones" in said
    assert store.good("recovery-key", "--list") == "" and store.good("get", "a") == "before\n"
    store.good("set", "a", stdin=b"after")
    with pytest.raises(InvalidTag):
        store_reader.secrets(json.loads(store.file.read_bytes()), master)
    for key in keys:
        assert "not sealed for the recovery key" in store.refused("recover", stdin=key.encode())
    assert store.good("get", "a") == "after\n"


@pytest.mark.parametrize("written", [lambda key: b"\xff\xfe" + key.encode("utf-16-le"), lambda key: b"\xef\xbb\xbf" + key.encode()],
                         ids=["utf-16", "utf-8"])
def test_a_recovery_key_is_read_as_powershell_wrote_it(store, written):
    store.good("set", "a", stdin=b"x")
    key = store.good("recovery-key").strip() + "\r\n"
    store.good("recover", stdin=written(key))


def test_a_recovery_key_that_could_not_be_written_is_no_recovery_key(store):
    store.good("set", "a", stdin=b"x")
    seen = store.good("recovery-key")
    ids = store.good("recovery-key", "--list").split()
    with open("/dev/full", "wb") as full:
        writer = store.prefix.start(PROGRAM, "recovery-key", "--data", path(store.folder), stdin=subprocess.DEVNULL,
                                    stdout=full, stderr=subprocess.PIPE)
        said = writer.communicate(timeout=seconds(60))[1].decode()
    assert writer.returncode == 1 and "could not be shown, and is taken back" in said, said
    assert store.good("recovery-key", "--list").split() == ids
    store.good("recover", stdin=seen.encode())


def test_a_value_that_breaks_off_is_not_stored(store, tmp_path):
    store.good("set", "a", stdin=b"whole")
    broken = os.open(tmp_path, os.O_RDONLY)  # a folder: no read succeeds
    try:
        writer = store.prefix.start(PROGRAM, "set", "a", "--data", path(store.folder), stdin=broken,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = writer.communicate(timeout=seconds(60))[1].decode()
    finally:
        os.close(broken)
    assert writer.returncode == 1 and "could not be read to its end" in said, said
    assert store.good("get", "a") == "whole\n"


def test_a_store_that_is_lost_is_not_begun_anew_unsaid(store):
    store.good("set", "a", stdin=b"x")
    left = store.file.with_name(store.file.name + ".new")
    store.file.rename(left)
    assert f"{left.name}: rename that" in store.refused("set", "b", stdin=b"y")
    left.rename(store.file)
    assert store.good("get", "a") == "x\n"
    store.file.unlink()
    said = store.refused("set", "b", stdin=b"y")
    assert "is lost, for its lock lies there" in said and "the first set makes it" not in said
    store.file.with_name(store.file.name + ".lock").unlink()
    store.good("set", "b", stdin=b"y")
    assert store.good("list") == "b\n"


def test_nothing_is_written_where_others_may_change_it(store):
    store.file.parent.mkdir(parents=True)
    store.file.parent.chmod(0o777)
    said = store.refused("set", "a", stdin=b"x")
    assert "may be changed by others" in said and "icacls" in said
    assert list(store.file.parent.iterdir()) == []
    store.file.parent.chmod(0o700)
    store.good("set", "a", stdin=b"x")


def test_a_damaged_file_is_refused_and_left_as_it_is(store):
    store.good("set", "team/database", stdin=b"x")
    good = store.file.read_bytes()
    # Every octet is tried in the unit tests; here, what the program says and does.
    damaged = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1:] for at in range(3, len(good), len(good) // 12)]
    damaged += [good[:size] for size in (0, 1, len(good) // 2, len(good) - 2)] + [good + good, b"\0" * 100]
    for text in damaged:
        store.file.write_bytes(text)
        assert "dpapi_secrets.json" in store.refused("get", "team/database")
        assert "dpapi_secrets.json" in store.refused("set", "team/database", stdin=b"y")
        assert store.file.read_bytes() == text
    store.file.write_bytes(good.replace(b'"version":1', b'"version":2'))
    assert "a newer program wrote it" in store.refused("get", "team/database")
    store.file.write_bytes(b" " * (9 << 20))
    assert "too long" in store.refused("list")
    store.file.write_bytes(good)
    assert store.good("get", "team/database") == "x\n"


def test_killed_anywhere_the_store_is_the_old_or_the_new_one(store, tmp_path):
    values = {letter: letter * 300_000 for letter in "ab"}
    files = {}
    for letter, value in values.items():
        files[letter] = tmp_path / letter
        files[letter].write_text(value)
    store.good("set", "kept", stdin=b"kept")
    times = []
    for _ in range(3):
        begin = time.monotonic()
        store.good("set", "large", stdin=values["a"].encode())
        times.append(time.monotonic() - begin)
    ends = []
    for round_ in range(60):
        if ends.count(-signal.SIGKILL) == 16:
            break
        with open(files["ba"[round_ % 2]], "rb") as stdin:
            writer = store.prefix.start(PROGRAM, "set", "large", "--data", path(store.folder), stdin=stdin,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            writer.wait(min(times) * (round_ % 11) / 10)
        except subprocess.TimeoutExpired:
            writer.send_signal(signal.SIGKILL)
        ends.append(writer.wait())
        assert store.good("get", "large", "--quiet").strip() in values.values(), "neither the old nor the new one"
        assert store.good("get", "kept", "--quiet") == "kept\n"
    assert ends.count(-signal.SIGKILL) >= 5, ends
    store.good("set", "after", stdin=b"all")  # no turn is left taken
    assert sorted(each.name for each in store.file.parent.iterdir() if not each.name.endswith(".new")) == [
        "dpapi_secrets.json", "dpapi_secrets.json.lock"]


def test_many_at_once_lose_nothing(store):
    writers = []
    for number in range(8):
        writer = store.prefix.start(PROGRAM, "set", f"team/{number}", "--data", path(store.folder), user="ada",
                                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        writer.stdin.write(str(number).encode())
        writer.stdin.close()
        writers.append(writer)
    for writer in writers:
        assert writer.wait(seconds(60)) == 0, writer.stderr.read()
        writer.stderr.close()
    assert store.good("list", "team/").split() == [str(number) for number in range(8)]
    assert store.good("get", "team/5") == "5\n"


@pytest.mark.parametrize("arguments, stdin, status, says", [
    ((), b"", 2, "A subcommand is required"),
    (("set", "a", "a-value"), b"", 2, "not expected"),
    (("set",), b"x", 2, "PATH"),
    (("set", "../a"), b"x", 1, "a segment of a path"),
    (("set", "a"), b"\xff\xfe\x00", 2, "no UTF-8"),
    (("set", "a"), b"\xef\xbb\xbfx", 2, "byte order mark"),
    (("set", "a"), b"x" * ((1 << 20) + 1), 1, "at most 1 MiB"),
    (("set", "a", "--json"), b"[]", 2, "no JSON object"),
    (("list", "a"), b"", 1, "a folder ends with '/'"),
    (("recovery-key",), b"", 1, "there is no store"),
    (("recovery-key", "--list", "--withdraw", "x"), b"", 2, "exclude"),
], ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "")
def test_what_cannot_be_is_said_and_makes_no_store(store, arguments, stdin, status, says):
    done = store.prefix.run(PROGRAM, *arguments, *(["--data", path(store.folder)] if arguments else []), stdin=stdin)
    assert done.returncode == status and says in (done.stderr + done.stdout).decode(), done
    assert not store.file.exists()


def test_help_shows_examples_and_the_version(wine):
    for verb in ((), ("set",), ("get",), ("list",), ("delete",), ("check",), ("recovery-key",), ("recover",)):
        shown = wine.run(PROGRAM, *verb, "--help")
        assert shown.returncode == 0 and b"gatehouse-secrets " in shown.stdout and b"Example" in shown.stdout
    assert wine.run(PROGRAM, "--version").stdout.strip().count(b".") == 2
