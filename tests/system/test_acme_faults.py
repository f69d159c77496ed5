"""The ACME server when something breaks: what was issued is in the inventory, once, and what was not can be had still."""

import json
import os
import threading

import pytest
from cryptography import x509

from support import raw
from support.acme import acme_config
from support.acme_client import AcmeClient, request_for
from support.disk import disk, fill
from support.dns import NameServer
from support.gateway import Gatehouse, run
from support.killing import length_of, stages
from support.wait import until

ROUNDS = 100 if os.environ.get("GATEHOUSE_SLOW") == "1" else 12
URL = "http://ca.test"
SOON = 30_000_000  # microseconds: the time after which a challenge is anybody's


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.close()


@pytest.fixture
def config(tmp_path, names):
    return acme_config(tmp_path / "gateway0", names, url=URL)


def inventory(gateway, name):
    shown = run("ca", "show", "--json", "--config", gateway.config_file, env=gateway.env)
    assert shown.returncode == 0, shown.stderr
    return [each for each in json.loads(shown.stdout) if f"dns:{name}" in json.dumps(each) or each["common_name"] == name]


def serial_of(chain):
    return x509.load_pem_x509_certificate(chain).serial_number


def judge_issued(client, node, order, name):
    """A valid order, its certificate, and that one in the inventory."""
    shown = client.show(node, order)
    assert shown["status"] == "valid", shown
    chain = client.send(node, shown["certificate"].removeprefix(URL)).body
    assert [int(each["serial"], 16) for each in inventory(node, name)] == [serial_of(chain)]


def test_a_full_disk_issues_nothing_and_loses_nothing(start, config, names, tmp_path):
    with disk(tmp_path / "small", 8) as small:
        config["data_dir"] = str(small / "data")
        node = start(config)
        client = AcmeClient(URL)
        client.register(node)
        first, second = (client.ready_order(node, names, name) for name in ("a.test", "b.test"))
        waiting = client.order(node, "c.test")
        (challenge, record_name, record), = client.challenges(node, waiting)
        names.texts[record_name] = [record]
        nonces = [client.nonce(node) for _ in range(60)]
        ballast = fill(small)
        refused = None
        for _ in range(50):  # what is left in the pages of the log is used up first
            answer = client.send(node, "/acme/new-order", {"identifiers": [{"type": "dns", "value": "x.test"}]}, nonces.pop())
            if answer.status != 201:
                refused = answer
                break
        assert refused and refused.status == 503 and refused.get("Retry-After"), refused
        assert json.loads(refused.body)["type"].endswith(":serverInternal")
        for order, name in ((first, "a.test"), (second, "b.test")):
            assert client.finalize(node, order, request_for(name)).status == 503
            assert client.show(node, order)["status"] == "ready"
        assert inventory(node, "a.test") == [] == inventory(node, "b.test")
        assert client.send(node, challenge, {}).status == 503
        ballast.unlink()
        for order, name in ((first, "a.test"), (second, "b.test")):
            assert client.finalize(node, order, request_for(name)).status == 200
            judge_issued(client, node, order, name)
        assert client.send(node, challenge, {}).status == 200
        until(lambda: client.show(node, waiting)["status"] == "ready", "the third to be proven")
        node.stop()  # before its disk goes


def test_a_kill_while_it_issues_leaves_all_or_nothing(config, names, tmp_path):
    node = Gatehouse(tmp_path / "gateway0", config)
    client = AcmeClient(URL)
    try:
        client.register(node)
        numbers = iter(range(10_000))
        name = f"n{next(numbers)}.test"
        order = client.ready_order(node, names, name)
        length = length_of(lambda: client.finalize(node, order, request_for(name)))
        judge_issued(client, node, order, name)

        def attempt(moment):
            nonlocal node
            name = f"n{next(numbers)}.test"
            order = client.ready_order(node, names, name)
            nonce, csr, done = client.nonce(node), request_for(name), []

            def finalize():
                try:
                    done.append(client.finalize(node, order, csr, nonce))
                except (OSError, raw.Closed):
                    pass  # nobody knows what became of it
            thread = threading.Thread(target=finalize)
            thread.start()
            thread.join(length if moment is None else moment)
            node.kill()
            thread.join()
            node = Gatehouse(tmp_path / "gateway0", config)
            standing = client.show(node, order)["status"]
            assert standing in ("ready", "valid")
            assert standing == "valid" or not [each for each in done if each.status == 200], "it was said to be issued"
            if standing == "ready":
                assert inventory(node, name) == []
                assert client.finalize(node, order, csr).status == 200
            judge_issued(client, node, order, name)
            return "after" if done else "middle" if standing == "valid" else "before"
        met = stages(ROUNDS, length * 1.2, attempt)
        assert met["before"] + met["middle"] > 0 and met["after"] + met["middle"] > 0, met
    finally:
        node.close()


# --- two nodes ---

@pytest.fixture
def nodes(start, tmp_path, postgres, names):
    """Two of them over one PostgreSQL, with one CA."""
    storage = postgres.storage(postgres.make_database())
    configs = [acme_config(tmp_path / f"gateway{i}", names, url=URL) | {"storage": storage} for i in range(2)]
    postgres.migrate(tmp_path / "gateway0", configs[0])
    one = start(configs[0], env=postgres.env)
    data = tmp_path / "gateway1" / "data"
    data.mkdir(parents=True, mode=0o700)
    (data / "keys").symlink_to(one.directory / "data" / "keys")
    (data / "ca.pem").write_bytes((one.directory / "data" / "ca.pem").read_bytes())
    two = start(configs[1], env=postgres.env)
    return one, two, storage


def together(*calls):
    """All at once; what each gave."""
    results, line = [None] * len(calls), threading.Barrier(len(calls))

    def run_one(i):
        line.wait(10)
        results[i] = calls[i]()
    threads = [threading.Thread(target=run_one, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_an_account_is_every_nodes_and_a_nonce_is_one_nodes(nodes, names):
    one, two, _ = nodes
    client = AcmeClient(URL)
    client.register(one)
    order = client.ready_order(two, names, "a.test")
    foreign = client.send(one, order, None, nonce=client.nonce(two))
    assert foreign.status == 400 and json.loads(foreign.body)["type"].endswith(":badNonce")
    again = client.send(one, order, None, nonce=foreign.get("Replay-Nonce"))
    assert again.status == 200
    assert one.metric("gatehouse_acme_refused_total", type="badNonce") == 1
    assert client.finalize(one, order, request_for("a.test")).status == 200
    judge_issued(client, two, order, "a.test")


def test_of_two_who_finalize_at_once_one_gets_a_certificate(nodes, names):
    one, two, _ = nodes
    client = AcmeClient(URL)
    client.register(one)
    for i in range(8):
        name = f"n{i}.test"
        order = client.ready_order(one, names, name)
        pairs = [(node, client.nonce(node), request_for(name)) for node in (one, two, one, two)]
        answers = together(*[lambda node=node, nonce=nonce, csr=csr: client.finalize(node, order, csr, nonce)
                             for node, nonce, csr in pairs])
        assert sorted(answer.status for answer in answers) == [200, 403, 403, 403], [answer.body for answer in answers]
        judge_issued(client, two, order, name)


def test_a_challenge_of_a_killed_node_is_gone_on_with_by_the_other(nodes, names, postgres):
    one, two, storage = nodes
    database = storage["url"].split("?")[0].rsplit("/", 1)[1]
    client = AcmeClient(URL)
    client.register(one)
    order = client.order(one, "a.test")
    (path, name, record), = client.challenges(one, order)
    asked = len(names.asked)
    assert client.send(one, path, {}).status == 200
    until(lambda: len(names.asked) > asked, "the first try")  # it finds nothing, and there are two more
    one.kill()
    one.expected_exit = -9
    names.texts[name] = [record]
    assert client.show(two, order)["status"] == "pending"
    postgres.psql(f"UPDATE acme_authorizations SET tried_at = tried_at - {SOON}", database=database)
    until(lambda: client.show(two, order)["status"] == "ready", "the other node to go on", timeout=15)
    assert client.finalize(two, order, request_for("a.test")).status == 200


def test_a_database_that_is_away_meanwhile_costs_time_alone(nodes, names, postgres):
    one, two, storage = nodes
    database = storage["url"].split("?")[0].rsplit("/", 1)[1]
    client = AcmeClient(URL)
    client.register(one)
    order = client.order(one, "a.test")
    (path, name, record), = client.challenges(one, order)
    asked = len(names.asked)
    assert client.send(one, path, {}).status == 200
    until(lambda: len(names.asked) > asked, "the first try")
    postgres.stop()
    names.texts[name] = [record]
    try:
        until(lambda: any("it is tried again" in str(line) for line in one.log()), "the node to tell", timeout=20)
    finally:
        postgres.start()
    until(lambda: client.send(two, order).status == 200, "the database to be back", timeout=20)
    postgres.psql(f"UPDATE acme_authorizations SET tried_at = tried_at - {SOON}", database=database)
    until(lambda: client.show(two, order)["status"] == "ready", "a node to go on", timeout=20)
