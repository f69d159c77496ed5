"""A TPM 2.0 (swtpm) opens the vault, and no other does; tpm2-tools judge what we had it seal."""

import base64
import json

import pytest

from support.gateway import write_config
from support.house import House
from support.tpm import Tpm


@pytest.fixture
def tpm(tmp_path):
    device = Tpm(tmp_path / "tpm")
    yield device
    device.stop()


@pytest.fixture
def house(tmp_path, tpm):
    made = House(tmp_path / "gateway0")
    configure(made, tpm=tpm.device)
    return made.migrate()


def configure(house, **vault):
    house.config["vault"] = vault
    write_config(house.config_file, house.config)


def recipients(house):
    return json.loads((house.data / "keys/seal.json").read_text())["recipients"]


def test_it_opens_what_it_sealed_and_is_left_as_it_was(house, tpm):
    house.done("secrets", "set", "a", stdin="hunter2")
    assert house.done("secrets", "get", "a") == "hunter2\n"
    assert [each["kind"] for each in recipients(house)] == ["tpm"]
    assert not (house.data / "keys/master.key").exists()
    tpm.stop()
    house.refused("/tpm", "secrets", "get", "a")
    tpm.start()
    assert house.done("secrets", "get", "a") == "hunter2\n", "after a restart of the machine, too"
    for kind in ("handles-persistent", "handles-transient", "handles-loaded-session", "handles-nv-index"):
        assert tpm.tool("getcap", kind).strip() in (b"", b"- {}"), "nothing of ours stays in there"


def test_another_tpm_opens_nothing_and_a_recovery_key_does(house, tpm, tmp_path):
    house.done("secrets", "set", "a", stdin="hunter2")
    recovery = house.done("secrets", "recovery-key")
    other = Tpm(tmp_path / "other")
    try:
        configure(house, tpm=other.device)
        refused = house.refused("has not sealed this, or was cleared since", "secrets", "get", "a")
        assert "gatehouse secrets unseal --help" in refused
        house.done("secrets", "unseal", "--recovery-key-stdin", stdin=recovery)
        assert house.done("secrets", "get", "a") == "hunter2\n"
        configure(house, tpm=tpm.device)
        house.done("secrets", "unseal", "--old-tpm", other.device)
        assert house.done("secrets", "get", "a") == "hunter2\n"
    finally:
        other.stop()


def test_a_cleared_tpm_opens_nothing(house, tpm):
    house.done("secrets", "set", "a", stdin="hunter2")
    tpm.tool("clear", "-c", "p")
    house.refused("was cleared since", "secrets", "get", "a")


def test_it_moves_from_a_key_file_and_back(tmp_path, tpm):
    house = House(tmp_path / "gateway1").migrate()
    house.done("secrets", "set", "a", stdin="hunter2")
    configure(house, tpm=tpm.device)
    house.refused("gatehouse secrets unseal", "secrets", "get", "a")
    house.done("secrets", "unseal")
    assert house.done("secrets", "get", "a") == "hunter2\n"
    configure(house)
    house.done("secrets", "unseal", "--old-tpm", tpm.device)
    assert house.done("secrets", "get", "a") == "hunter2\n"


def test_a_bent_seal_is_refused(house):
    house.done("secrets", "set", "a", stdin="hunter2")
    file = house.data / "keys/seal.json"
    good = json.loads(file.read_text())
    for name in ("public", "private"):
        for bent in ("", "AAAA", base64.b64encode(bytes(700)).decode(), base64.b64encode(bytes(701)).decode(),
                     good["recipients"][0]["parameters"][name][:-8] + "AAAAAAA="):
            poor = json.loads(json.dumps(good))
            poor["recipients"][0]["parameters"][name] = bent
            file.write_text(json.dumps(poor))
            house.refused("", "secrets", "get", "a")
    file.write_text(json.dumps(good))
    assert house.done("secrets", "get", "a") == "hunter2\n"


def test_the_tools_of_others_open_the_object_for_the_owner_alone(house, tpm):
    """What lies in the seal is an ordinary sealed object below the owner's storage root key."""
    house.done("secrets", "set", "a", stdin="hunter2")
    parameters = recipients(house)[0]["parameters"]
    for name in ("public", "private"):
        (tpm.folder / name).write_bytes(base64.b64decode(parameters[name]))
    tpm.tool("createprimary", "-Q", "-C", "o", "-G", "ecc256:aes128cfb", "-g", "sha256", "-c", "root", "-a",
             "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda")
    tpm.tool("flushcontext", "-t")
    tpm.tool("load", "-Q", "-C", "root", "-u", "public", "-r", "private", "-c", "object")
    tpm.tool("flushcontext", "-t")
    assert len(tpm.tool("unseal", "-c", "object")) == 32
    attributes = tpm.tool("readpublic", "-c", "object").decode()
    for word in ("fixedtpm", "fixedparent", "noda"):
        assert word in attributes
    assert "sha256" in attributes and "keyedhash" in attributes


def test_what_is_no_device_is_told(house, tmp_path):
    configure(house, tpm="tabrmd")
    house.refused("/dev/tpmrm0", "secrets", "list", code=2)
    configure(house, tpm=str(tmp_path / "none"))
    house.refused("is it there", "secrets", "list")
