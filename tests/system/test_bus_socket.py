"""Messages over a WebSocket, with a client made by others: given out, acknowledged, given back, cut, refused."""

import asyncio
import contextlib
import json
import socket

import pytest
import websockets

from support import raw, websocket
from support.agent import online
from support.control import Control, add_user, house_config
from support.wait import seconds, until

PASSWORD = "the engine weaves"
PATH = "/api/v1/messages/socket"


@pytest.fixture
def house(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0"))
    add_user(gateway.config_file, "ada", PASSWORD, "admin")
    operator = Control(gateway).sign_in("ada", PASSWORD)
    return operator, online(operator, "weather-agent"), online(operator, "plan-agent")


def send(sender, recipient, n):
    response = sender.ask("POST", "/api/v1/messages", {"recipient": recipient.id, "body": {"n": n}})
    assert response.status == 201, response


def waiting(operator, agent):
    items = operator.get(f"/api/v1/message_history?recipient={agent.id}").json()["items"]
    return [each for each in items if each["state"] == "waiting"]


def opened(agent, query="?max=2", **options):
    uri = f"ws://127.0.0.1:{agent.gateway.port('plain')}{PATH}{query}"
    return websockets.connect(uri, extra_headers={"Authorization": f"Bearer {agent.access}"}, open_timeout=seconds(10), **options)


async def hear(connection):
    return json.loads(await asyncio.wait_for(connection.recv(), seconds(15)))


async def say(connection, **word):
    await connection.send(json.dumps(word))
    return await hear(connection)


def numbers(told):
    return [each["body"]["n"] for each in told["messages"]]


def test_messages_come_and_are_acknowledged(house):
    operator, weather, plan = house
    send(plan, weather, 1)

    async def talk():
        async with opened(weather) as connection:
            told = await hear(connection)
            assert numbers(told) == [1] and told["messages"][0]["receipt"] == told["receipt"]
            assert await say(connection, id="a", ack=[told["messages"][0]["id"]]) == {"answer": "a", "status": 204}
            for n in (2, 3, 4):
                await asyncio.to_thread(send, plan, weather, n)
            got = []
            while got != [2, 3, 4]:
                told = await hear(connection)
                got += numbers(told)
                first, *others = [each["id"] for each in told["messages"]]
                if others:
                    assert (await say(connection, nack={"receipt": told["receipt"], "ids": others}))["status"] == 204
                    got = got[:len(got) - len(others)]
                    assert (await say(connection, renew={"receipt": told["receipt"], "lease_seconds": 60}))["status"] == 204
                assert (await say(connection, ack=[first]))["status"] == 204
            await asyncio.wait_for(await connection.ping(), seconds(10))
    asyncio.run(talk())
    until(lambda: not waiting(operator, weather), "all to be done with")


def test_what_is_out_is_given_out_again_at_once_when_the_connection_is_cut(house):
    operator, weather, plan = house
    send(plan, weather, 1)

    async def talk(acknowledges):
        async with opened(weather) as connection:
            told = await hear(connection)
            if acknowledges:
                await say(connection, ack=[told["messages"][0]["id"]])
            else:
                connection.transport.abort()
            return told["messages"][0]["deliveries"]
    with contextlib.suppress(websockets.ConnectionClosed):
        asyncio.run(talk(False))
    assert asyncio.run(talk(True)) == 2
    until(lambda: not waiting(operator, weather), "it to be done with")


def test_words_that_are_none_are_answered_and_hurt_nobody(house):
    _, weather, plan = house
    other = "01a00000-0000-7000-8000-000000000000"

    async def talk():
        async with opened(weather) as connection:
            assert await say(connection, ) == {"status": 422, "code": "request.invalid"}
            assert await say(connection, id="b", ack=[other], renew={"receipt": other, "lease_seconds": 1}) == {
                "answer": "b", "status": 422, "code": "request.invalid"}
            assert (await say(connection, renew={"receipt": other, "lease_seconds": 1}))["code"] == "bus.lease_over"
            await connection.send("{")
            assert (await hear(connection))["code"] == "json.malformed"
            await asyncio.to_thread(send, plan, weather, 7)
            assert numbers(await hear(connection)) == [7]
            await connection.send(b"binary")
            with pytest.raises(websockets.ConnectionClosed):
                await hear(connection)
            assert connection.close_code == 1003
        async with opened(weather) as connection:
            with contextlib.suppress(websockets.ConnectionClosed):
                await connection.send("x" * (64 * 1024 + 1))
            with pytest.raises(websockets.ConnectionClosed):
                while True:
                    await hear(connection)
            assert connection.close_code == 1009
    asyncio.run(talk())


def test_it_ends_with_the_credential_and_with_the_house(house):
    operator, weather, plan = house

    async def talk():
        async with opened(weather) as ending, opened(plan) as staying:
            response = await asyncio.to_thread(operator.ask, "PATCH", f"/api/v1/agents/{weather.id}", {"status": "quarantined"})
            assert response.status == 200, response
            with pytest.raises(websockets.ConnectionClosed):
                await hear(ending)
            assert ending.close_code == 1008
            assert (await say(staying))["status"] == 422, "others are not touched"
            stopped = asyncio.create_task(asyncio.to_thread(operator.gateway.stop))
            with pytest.raises(websockets.ConnectionClosed):
                await hear(staying)
            assert staying.close_code == 1001
            await stopped
    asyncio.run(talk())


def test_only_agents_come_in_and_only_by_a_handshake(house):
    operator, weather, _ = house
    bearer = ("Authorization", f"Bearer {weather.access}")
    plain = Control(operator.gateway).get(PATH)
    assert plain.status == 401
    response = weather.ask("GET", PATH)
    assert response.status == 426 and response.get("upgrade") == "websocket" and response.json()["code"] == "websocket.wanted"
    key, origin = ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Origin", f"http://127.0.0.1:{operator.gateway.port('plain')}")
    for fields, status in (([], 401), ([bearer, ("Origin", "https://evil.example")], 403), ([bearer], 101), ([bearer, origin], 101),
                           ([bearer, key], 400), ([bearer, ("Sec-WebSocket-Version", "13")], 426), ([bearer, origin, origin], 403)):
        with operator.gateway.connect() as connection:
            head = websocket.open_websocket(connection, PATH, fields, host=f"127.0.0.1:{operator.gateway.port('plain')}")
            assert head.status == status, head


def test_many_pings_and_a_peer_that_reads_nothing_cost_little(house):
    operator, weather, plan = house
    bearer = ("Authorization", f"Bearer {weather.access}")
    with operator.gateway.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert websocket.open_websocket(connection, PATH, [bearer]).status == 101
        connection.socket.settimeout(0.5)
        flood = websocket.frame(b"x" * 100, websocket.PING) * 1000
        with contextlib.suppress(TimeoutError, OSError):
            for _ in range(200):
                connection.socket.sendall(flood)
        assert plan.beat().status == 200, "others are served"
        rss = int(next(line for line in open(f"/proc/{operator.gateway.process.pid}/status") if line.startswith("VmRSS")).split()[1])
        assert rss < 400 * 1024
    with operator.gateway.connect() as again:
        assert websocket.open_websocket(again, PATH, [bearer]).status == 101
        again.send(raw.encode_request("GET", "/", []))  # no frame
        opcode, payload = websocket.read_frame(again)
        assert opcode == websocket.CLOSE and int.from_bytes(payload[:2], "big") == 1002
