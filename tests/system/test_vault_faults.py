"""The vault on a full disk and with a clock that moved: what was there is there, and what was not done is said."""

import json
import re
import shutil
import sqlite3
import subprocess

import pytest

from support.control import house_config
from support.disk import disk, fill
from support.gateway import SANITIZED, Gatehouse, run
from support.house import House
from support.ports import free_port
from support.wait import until

SECRETS = {f"SERVICE_{i}_PASSWORD": f"Tr7x!wq-{i}-Zk2mXv9Rt4" for i in range(40)}


@pytest.fixture
def small(tmp_path):
    with disk(tmp_path / "small", 8) as folder:
        yield folder


@pytest.fixture
def house(small, tmp_path):
    made = House(tmp_path / "gateway0")
    made.config["data_dir"] = str(small / "data")
    made.config_file.write_text(json.dumps(made.config))
    made.data = small / "data"
    return made.migrate()


def kept(house):
    return {name: house.done("secrets", "get", f"s/{name}")[:-1] for name in ("0", "59")}


def test_a_rekey_on_a_full_disk_says_so_and_is_gone_on_with(house, small):
    for number in range(60):
        house.done("secrets", "set", f"s/{number}", stdin=f"value {number}" + "x" * 2000)
    before = kept(house)
    ballast = fill(small)
    for _ in range(50):  # what is left in the pages of the log is used up first
        failed = house.verb("secrets", "rekey")
        if failed.returncode != 0:
            break
    assert failed.returncode == 1 and "full" in failed.stderr, failed
    ballast.unlink()
    assert kept(house) == before
    house.done("secrets", "rekey")
    assert kept(house) == before
    with sqlite3.connect(house.data / "gatehouse.db") as database:
        keys = {row[0] for row in database.execute("SELECT id FROM vault_keys")}
        used = {row[0] for row in database.execute("SELECT DISTINCT key_id FROM vault_versions")}
    assert used <= keys and len(used) == 1


def test_a_new_master_key_on_a_full_disk_is_none_or_is_gone_on_with(house, small):
    for number in range(60):
        house.done("secrets", "set", f"s/{number}", stdin=f"value {number}" + "x" * 2000)
    before, seal = kept(house), house.data / "keys/seal.json"
    names = [path for path in (house.data / "keys").iterdir() if path.suffix == "" and path.read_bytes()]

    def look():
        """Whatever room there was: everything opens."""
        assert kept(house) == before
        return json.loads(seal.read_text())["version"]
    met = set()
    for room in (0, 4096, 8192, 12288, 16384, 24576, 40960, 65536):
        whole = seal.read_bytes()
        ballast = fill(small)
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - room)
        failed = house.verb("secrets", "rekey", "--master")
        ballast.unlink()
        met.add((failed.returncode, look(), seal.read_bytes() == whole))
        if failed.returncode != 0:
            assert "space" in failed.stderr or "full" in failed.stderr, failed
    assert {met_ for met_ in met if met_[0] == 1}, met
    assert all(path.exists() for path in names)
    house.done("secrets", "rekey", "--master")
    assert look() == 1
    with sqlite3.connect(house.data / "gatehouse.db") as database:
        assert database.execute("SELECT count(*) FROM vault_keys").fetchone() == (1,)


def test_an_import_onto_a_full_disk_leaves_the_file_as_it_was(house, small, tmp_path):
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    text = file.read_bytes()
    house.done("secrets", "set", "first", stdin="x")
    ballast = fill(small)
    failed = house.verb("secrets", "import", str(file))
    assert failed.returncode == 1 and "full" in failed.stderr, failed
    assert file.read_bytes() == text, "every secret is where it was"
    ballast.unlink()
    house.done("secrets", "import", str(file))
    assert not any(value in file.read_text() for value in SECRETS.values())
    assert {name: house.done("secrets", "get", f"env/{name}")[:-1] for name in SECRETS} == SECRETS


def test_an_import_from_a_full_disk_leaves_the_file_as_it_was(small, tmp_path):
    house = House(tmp_path / "gateway0").migrate()
    file = small / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    text = file.read_bytes()
    fill(small)
    failed = house.verb("secrets", "import", str(file))
    assert failed.returncode == 1 and ("space" in failed.stderr or "full" in failed.stderr), failed
    assert file.read_bytes() == text
    (small / "ballast").unlink()
    house.done("secrets", "import", str(file))
    assert not any(value in file.read_text() for value in SECRETS.values())


# --- a clock that moved ---

def library():
    """Debian's libfaketime."""
    found = shutil.which("faketime")
    if found is None or SANITIZED:
        pytest.skip("faketime is not installed, or cannot stand beside a sanitizer")
    told = subprocess.run([found, "-f", "+0s", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True).stdout.strip()
    return told


class Moved(Gatehouse):
    """A gateway whose clock is off by so many days."""

    def __init__(self, directory, config, days):
        super().__init__(directory, config, env={"LD_PRELOAD": library(), "FAKETIME": f"{days:+d}d",
                                                 "FAKETIME_DONT_FAKE_MONOTONIC": "1"})


def leaf_of(gateway, at_days):
    """The certificate that its TLS listener shows, judged as of that day: when it begins and ends."""
    port = gateway.port("tls")
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-showcerts"],
                           input="", capture_output=True, text=True, check=False, timeout=20).stdout
    chain = gateway.directory / "chain.pem"
    chain.write_text("".join(re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n", shown, re.DOTALL)))
    moment = int(subprocess.run(["date", "+%s", "-d", f"{at_days} days"], capture_output=True, text=True, check=True).stdout)
    done = subprocess.run(["openssl", "verify", "-attime", str(moment), "-CAfile", gateway.directory / "data/ca.pem", "-untrusted",
                           chain, chain], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def timed(tmp_path):
    config = house_config(tmp_path / "gateway0")
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "serve": ["gateway"],
                                "tls": {"certificate": "internal"}})
    return config


def test_a_clock_that_is_moved_and_put_back_leaves_a_house_that_serves(timed, tmp_path):
    """Ahead by half a year, back to today, and a year before its own beginning: secrets open, and what it shows is good then."""
    folder = tmp_path / "gateway0"
    first = Moved(folder, timed, 0)
    try:
        assert run("secrets", "set", "a", "--config", first.config_file, stdin="hunter2").returncode == 0
        assert ": OK" in leaf_of(first, 0)
    finally:
        first.close()
    for days in (180, 0, -2, 0):
        gateway = Moved(folder, timed, days)
        try:
            got = run("secrets", "get", "a", "--config", gateway.config_file, env=gateway.env)
            assert got.stdout == "hunter2\n", got
            if days >= 0:
                assert ": OK" in leaf_of(gateway, days), days
            until(lambda: gateway.get("/pki/crl").status == 200, "its list", timeout=10)
            assert gateway.get("/health/live", listener="admin").status == 200
        finally:
            gateway.close()
    assert run("audit", "verify", "--config", folder / "gatehouse.yaml").returncode == 0


def test_what_was_issued_ends_by_the_clock(timed, tmp_path):
    folder = tmp_path / "gateway0"
    gateway = Moved(folder, timed, 0)
    try:
        token = run("ca", "enrol-token", "a.example.com", "--config", gateway.config_file).stdout.strip()
        key = run("key", "create", "brief", "--role", "admin", "--expires", "10d", "--config", gateway.config_file)
        assert key.returncode == 0, key
        known = [("X-API-Key", key.stdout.split()[-1])]
        assert gateway.get("/api/v1/users", known).status == 200
    finally:
        gateway.close()
    later = Moved(folder, timed, 11)
    try:
        assert later.get("/api/v1/users", known).status == 401, "a key is over when it says"
        shown = run("ca", "enrolments", "--config", later.config_file, env=later.env).stdout
        assert "expired" in shown and token[4:40] in shown
    finally:
        later.close()
