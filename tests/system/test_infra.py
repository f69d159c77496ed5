"""Servers started with the files of `ca infra`: PostgreSQL and RabbitMQ, as they come from Debian, demand certificates of clients."""

import ssl
import subprocess

import pytest

from support import postgres as postgresql
from support import rabbitmq
from support.control import house_config
from support.gateway import run, write_config
from support.wait import seconds


def test_postgresql_starts_with_the_files_of_ca_infra(tmp_path):
    if not postgresql.INSTALLED:
        pytest.skip("PostgreSQL 15 is not installed (tools/setup test)")
    config_file = tmp_path / "gatehouse.yaml"
    write_config(config_file, house_config(tmp_path))
    run("migrate", "up", "--config", config_file)
    server = postgresql.Postgres(role=None)
    try:
        certs = server.folder / "certs"
        done = run("ca", "infra", "--out", certs, "--postgres", "127.0.0.1", "--rabbitmq", "localhost",
                   "--config", config_file)
        assert done.returncode == 0, done
        modes = {path.name: path.stat().st_mode & 0o777 for path in (certs / "postgres").iterdir()}
        assert modes == {"ca.crt": 0o644, "server.crt": 0o644, "server.key": 0o600, "client.crt": 0o644,
                         "client.key": 0o600, "postgresql.tls.conf": 0o644}
        for path in certs.rglob("*.key"):
            assert path.read_text().count("PRIVATE KEY-----") == 2, "a leaf's own, and no other"
        server.psql("CREATE ROLE gatehouse LOGIN")
        server.use_infra(certs / "postgres")
        client = tmp_path / "client"
        client.mkdir()
        for name in ("client.crt", "client.key", "ca.crt"):
            (client / name).write_bytes((certs / "postgres" / name).read_bytes())
            (client / name).chmod(0o600)

        def connect(**changes):
            words = {"host": "127.0.0.1", "port": server.port, "dbname": "postgres", "user": "gatehouse",
                     "sslmode": "verify-full", "sslrootcert": client / "ca.crt", "sslcert": client / "client.crt",
                     "sslkey": client / "client.key"} | changes
            text = " ".join(f"{name}={value}" for name, value in words.items() if value is not None)
            return subprocess.run([postgresql.PROGRAMS / "psql", "-XAtqc", "SELECT current_user", text],
                                  capture_output=True, text=True, timeout=seconds(30), check=False)
        good = connect()
        assert good.stdout.strip() == "gatehouse", good
        assert "does not match host name" in connect(host="127.0.0.2").stderr
        assert connect(sslcert="/nowhere", sslkey="/nowhere").returncode != 0
        assert connect(user="postgres").returncode != 0, "the certificate names another role"
        assert connect(sslmode="disable", sslcert=None, sslkey=None, sslrootcert=None).returncode != 0
    finally:
        server.close()


def test_rabbitmq_starts_with_the_files_of_ca_infra(tmp_path):
    pika = pytest.importorskip("pika", reason="python3-pika is not installed (tools/setup test)")
    if not rabbitmq.INSTALLED:
        pytest.skip("RabbitMQ is not installed (tools/setup test)")
    config_file = tmp_path / "gatehouse.yaml"
    write_config(config_file, house_config(tmp_path))
    run("migrate", "up", "--config", config_file)
    certs = tmp_path / "certs"
    done = run("ca", "infra", "--out", certs, "--rabbitmq", "localhost", "--config", config_file)
    assert done.returncode == 0, done
    here = certs / "rabbitmq"
    settings = (here / "rabbitmq.tls.conf").read_text()
    assert "listeners.ssl.default = 5671\n" in settings
    server = rabbitmq.RabbitMq(settings.replace("ssl.default = 5671", "ssl.default = 127.0.0.1:{port}"))
    try:
        def connect(shows=True, name="localhost", trusted=here / "ca.crt"):
            context = ssl.create_default_context(cafile=trusted)
            if shows:
                context.load_cert_chain(here / "client.crt", here / "client.key")
            return pika.BlockingConnection(pika.ConnectionParameters(
                "127.0.0.1", server.port, ssl_options=pika.SSLOptions(context, name), socket_timeout=seconds(20)))
        connection = connect()
        channel = connection.channel()
        channel.queue_declare("letters", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "letters", b"sealed on its way", pika.BasicProperties(delivery_mode=2), mandatory=True)
        assert channel.basic_get("letters", auto_ack=True)[2] == b"sealed on its way"
        connection.close()
        refused = (pika.exceptions.AMQPError, ssl.SSLError, OSError)
        with pytest.raises(refused):
            connect(shows=False)
        with pytest.raises(refused):
            connect(name="mq.example.com")
        with pytest.raises(refused):
            connect(trusted=None)
        with pytest.raises(refused):  # no plain port, nor plain words on this one
            pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", server.port, socket_timeout=seconds(5)))
        assert "started TLS (SSL) listener" in server.output() and "started TCP listener" not in server.output()
    finally:
        server.close()
