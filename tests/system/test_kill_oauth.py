"""The kill switch ends what the authorization server gave: sessions, grants and tokens of a user, and clients."""

import json

import pytest

from support.gateway import run
from support.kill import held
from support.oauth import Asking, AuthorizationServer, Browser, sent_back, session_with


@pytest.fixture
def server(tmp_path, tls_files, authority):
    running = AuthorizationServer(tmp_path, tls_files, authority)
    yield running
    running.close()


def kill(server, principal):
    done = run("kill", "principal", principal, "--reason", "stolen", "--json", "--config", server.gateway.config_file)
    assert done.returncode == 0, done
    receipt = json.loads(done.stdout)
    assert receipt["complete"] and held(receipt, "left") == {}, receipt
    return held(receipt)


def is_good(server, token):
    answer = session_with(server).get(server.url("/auth/me"), headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert answer.status_code in (200, 401), answer
    return answer.status_code == 200


def test_a_user_has_no_session_no_grant_and_no_token_any_more(server):
    web, browser = server.web_client(), Browser(server)
    asking = Asking(web)
    tokens = asking.redeem(server, sent_back(browser.through(asking.target))["code"]).json()
    late = Asking(web)
    code = sent_back(browser.look(late.target))["code"]
    assert is_good(server, tokens["access_token"])
    assert kill(server, "user:ann") == {"credentials.admission": 1, "credentials.sessions": 1, "credentials.grants": 2}
    assert not is_good(server, tokens["access_token"])
    refused = server.token(web, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.status_code == 400 and refused.json()["error"] == "invalid_grant"
    assert late.redeem(server, code).status_code == 400, "a code that was on its way"
    again = Asking(web)
    assert 'type="password"' in browser.look(again.target).text
    assert browser.through(again.target).status_code != 303


def test_a_client_gets_nothing_and_has_nothing_any_more(server):
    bot, other = (server.add_client(name, "client_credentials") for name in ("bot", "other"))
    tokens = [server.token(each, grant_type="client_credentials").json()["access_token"] for each in (bot, other)]
    assert all(is_good(server, token) for token in tokens)
    assert kill(server, f"service:{bot['client_id']}") == {"credentials.admission": 1}
    assert not is_good(server, tokens[0]) and is_good(server, tokens[1])
    assert server.token(bot, grant_type="client_credentials").status_code == 401
    assert server.token(other, grant_type="client_credentials").status_code == 200
