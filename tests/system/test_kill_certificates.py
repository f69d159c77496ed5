"""The kill switch ends what an agent has by its certificate: connections that are open, and the certificate itself."""

import ssl

import pytest
from cryptography.hazmat.primitives import serialization

from support import raw, websocket
from support import upstream as answers
from support.agent import Agent
from support.control import Control, add_user, house_config
from support.gateway import public_route
from support.kill import held, kill
from support.ports import free_port
from support.tls import client_context

PASSWORD = "the engine weaves"


@pytest.fixture
def operator(start, tmp_path, make_upstream):
    config = house_config(tmp_path / "gateway0", [make_upstream(answers.websocket_echo)], workers=2,
                          routes=[public_route("/ws", access={"client_certificate": True})])
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "serve": ["gateway", "api"],
                                "tls": {"certificate": "internal", "client_certificate": "optional"}})
    gateway = start(config)
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    return Control(gateway).sign_in("ada", PASSWORD)


def comes(operator, hostname, folder):
    """An agent, and what it shows over TLS."""
    announced = operator.ask("POST", "/api/v1/agents", {"hostname": hostname}).json()
    agent = Agent(operator.gateway, announced)
    response = agent.enrol()
    assert response.status == 201, response
    chain, key = folder / f"{hostname}.pem", folder / f"{hostname}.key"
    chain.write_text(response.json()["certificate"])
    key.write_bytes(agent.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                            serialization.NoEncryption()))
    return agent, client_context(operator.gateway.directory / "data" / "ca.pem", (chain, key))


def tunnel_of(gateway, shown):
    tunnel = gateway.connect("tls", tls=shown)
    assert websocket.open_websocket(tunnel).status == 101
    assert websocket.echo(tunnel, b"hello")[1] == b"hello"
    return tunnel


def test_tunnels_by_certificate_end_and_the_certificate_opens_nothing(operator, tmp_path):
    gateway = operator.gateway
    bad, shown_by_bad = comes(operator, "bad-agent", tmp_path)
    _, shown_by_good = comes(operator, "good-agent", tmp_path)
    ended, stays = tunnel_of(gateway, shown_by_bad), tunnel_of(gateway, shown_by_good)
    receipt = kill(operator, agent=bad.id)
    assert receipt["complete"] and receipt["nodes"][0]["open_before"] == 1, receipt
    assert held(receipt)["certificates.certificates"] == 1
    with pytest.raises((raw.Closed, ConnectionError, ssl.SSLError)):
        ended.read_exactly(1)
    assert websocket.echo(stays, b"still here")[1] == b"still here"
    assert websocket.open_websocket(gateway.connect("tls", tls=shown_by_bad)).status == 401
    assert websocket.open_websocket(gateway.connect("tls", tls=shown_by_good)).status == 101
