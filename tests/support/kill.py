"""The kill switch, and streams that it ends."""

import threading
import time

from support import raw
from support.wait import seconds, until


def kill(operator, status=201, reason="it sends what nobody asked for", waits=True, **whom):
    """The receipt: one that is complete, on a busy machine later than the answer. Not where it `waits` for nothing."""
    response = operator.ask("POST", "/api/v1/kill-switch", {"reason": reason, **whom})
    assert response.status == status, response
    receipt = response.json()

    def completed():
        now = operator.get(f"/api/v1/kill-switch/{receipt['id']}").json()
        return now["complete"] and now
    return until(completed, "a complete receipt", timeout=10) if status == 201 and waits and not receipt["complete"] else receipt


def held(receipt, what="ended"):
    return {f"{item['plane']}.{item['kind']}": item[what] for item in receipt["held"] if item[what]}


def open_stream(gateway, agent):
    connection = gateway.connect()
    connection.send(raw.encode_request("GET", "/api/v1/messages/stream?max=5", [("Authorization", f"Bearer {agent.access}")]))
    assert connection.read_head().status == 200
    return connection


def is_closed(connection):
    """Reads what comes until the other side ends it: False where it goes on."""
    try:
        while connection.read_chunk() not in (b"", None):
            pass
    except TimeoutError:
        return False
    except (raw.Closed, raw.ProtocolError, OSError):
        pass
    return True


class Watched:
    """A stream, and when it ended."""

    def __init__(self, connection):
        self.ended_at = None
        self.thread = threading.Thread(target=self.read, args=(connection,), daemon=True)
        self.thread.start()

    def read(self, connection):
        if is_closed(connection):
            self.ended_at = time.monotonic()

    def wait(self):
        self.thread.join(seconds(5))
        assert self.ended_at, "the stream is open"
        return self.ended_at


def send(sender, recipient):
    response = sender.ask("POST", "/api/v1/messages", {"recipient": recipient, "body": {}})
    assert response.status == 201, response
    return response.json()["id"]
