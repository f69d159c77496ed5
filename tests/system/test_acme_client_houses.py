"""Houses that have their certificates of another house, and nodes that share one."""

import json

import pytest

from support.acme import acme_config
from support.ca_listener import Ports, by_pebble, client_config, served, trusted_get
from support.dns import NameServer
from support.gateway import Gatehouse, run, write_config
from support.wait import pass_time, until


def test_nodes_that_share_their_keys_share_the_certificate(start, tmp_path, upstream, make_pebble):
    ports = Ports()
    pebble = make_pebble(http_port=ports.plain, tls_port=ports.public, validity=30)  # it finds the first node alone
    one = start(client_config(tmp_path / "gateway0", ports, upstream, pebble))
    until(lambda: by_pebble(one), "a certificate of Pebble's", timeout=30)
    first = served(one).serial_number
    data = tmp_path / "gateway1" / "data"
    data.mkdir(parents=True, mode=0o700)
    (data / "keys").symlink_to(one.directory / "data" / "keys")
    (data / "ca.pem").write_bytes((one.directory / "data" / "ca.pem").read_bytes())
    other = start(client_config(tmp_path / "gateway1", Ports(), upstream, pebble))
    assert served(other).serial_number == first
    until(lambda: served(one).serial_number != first, "another certificate", timeout=60)
    until(lambda: served(other).serial_number == served(one).serial_number, "the same one", timeout=20)


class OtherHouse:
    """A gateway that is the CA, and its name server."""

    def __init__(self, start, folder, ports):
        self.names = NameServer()
        config = acme_config(folder, self.names, http_port=ports.plain, tls_port=ports.public, external_account_required=True)
        self.gateway = start(config)
        self.url = f"https://localhost:{self.gateway.port('public')}"
        self.root = folder / "data" / "ca.pem"

    def verb(self, *arguments):
        done = run("ca", *arguments, "--config", self.gateway.config_file)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self):
        return ":".join(self.verb("acme-key", "the other house").split())


@pytest.fixture
def other(start, tmp_path):
    ports = Ports()
    house = OtherHouse(start, tmp_path / "gateway0", ports)
    house.ports = ports
    yield house
    house.names.close()


def by(gateway, house):
    """Whether the leaf is one of that house's inventory."""
    serial = served(gateway).serial_number
    return any(int(each["serial"], 16) == serial for each in json.loads(house.verb("show", "--json")))


def test_another_house_by_the_inherited_variables_renews_when_it_is_told_to(start, tmp_path, upstream, other):
    config = client_config(tmp_path / "gateway1", other.ports, upstream)
    next(each for each in config["listeners"] if each["name"] == "public")["tls"]["certificate"] = "internal"
    del config["pki"]
    env = {"PKI_SERVER_URL": other.url, "VCC_CA_PASSWORD": other.key(), "ALLOWED_HOSTS": "localhost,a.test,www.a.test",
           "SSL_CERT_FILE": str(other.root)}
    gateway = start(config, env=env)
    until(lambda: by(gateway, other), "a certificate of the other house", timeout=40)
    assert trusted_get(gateway, other.root, "www.a.test").startswith(b"HTTP/1.1 200")
    first = served(gateway)
    # RFC 9773: what is revoked is to be renewed at once, as a start hears.
    serial = first.serial_number.to_bytes((first.serial_number.bit_length() + 7) // 8, "big").hex()
    other.verb("revoke", serial, "--reason", "superseded")
    pass_time(1.5)
    assert gateway.stop() == 0
    again = Gatehouse(gateway.directory, config, env=env)
    try:
        assert served(again).serial_number == first.serial_number
        until(lambda: served(again).serial_number != first.serial_number, "another certificate", timeout=30)
        assert by(again, other)
        # The same account: its key is good for one.
        rows = json.loads(other.verb("acme-accounts", "--json"))
        assert [row["kind"] for row in rows] == ["account"]
    finally:
        again.close()


def test_the_password_of_the_ca_comes_from_the_vault(start, tmp_path, upstream, other):
    folder = tmp_path / "gateway1"
    folder.mkdir()
    config = client_config(folder, other.ports, upstream)
    next(each for each in config["listeners"] if each["name"] == "public")["tls"]["certificate"] = "internal"
    config["pki"] = {"acme_client": {"ca_file": str(other.root), "domains": ["a.test"]}}
    config["vault"] = {"variables": "env/"}
    file = folder / "gatehouse.yaml"
    write_config(file, config)
    password = other.key()
    (folder / ".env").write_text(f"PKI_SERVER_URL={other.url}\nVCC_CA_PASSWORD={password}\n")
    done = run("migrate", "up", "--config", file)
    assert done.returncode == 0, done.stderr
    done = run("secrets", "import", folder / ".env", "--config", file, timeout=60)
    assert done.returncode == 0, done.stderr
    assert password not in (folder / ".env").read_text() and "PKI_SERVER_URL=" in (folder / ".env").read_text()
    gateway = start(config)
    until(lambda: by(gateway, other), "a certificate of the other house", timeout=40)
