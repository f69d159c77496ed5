"""WebSocket frames (RFC 6455) over a raw connection: a handshake and exact frames."""

import base64
import os

from support import raw

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def open_websocket(connection, target="/ws", fields=(), host="localhost"):
    """The handshake; returns the response head, 101 when it succeeded."""
    key = base64.b64encode(os.urandom(16)).decode()
    connection.send(raw.encode_request("GET", target, [
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"), *fields], host=host))
    return connection.read_head()


def frame(payload, opcode=TEXT, final=True):
    """A masked client frame."""
    mask = os.urandom(4)
    first = (0x80 if final else 0) | opcode
    if len(payload) < 126:
        head = bytes([first, 0x80 | len(payload)])
    elif len(payload) < 65536:
        head = bytes([first, 0x80 | 126]) + len(payload).to_bytes(2, "big")
    else:
        head = bytes([first, 0x80 | 127]) + len(payload).to_bytes(8, "big")
    return head + mask + bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))


def read_frame(connection):
    """(opcode, payload) of one unmasked server frame."""
    first, second = connection.read_exactly(2)
    assert not second & 0x80, "a server frame is not masked"
    length = second & 0x7F
    if length >= 126:
        length = int.from_bytes(connection.read_exactly(2 if length == 126 else 8), "big")
    return first & 0x0F, connection.read_exactly(length)


def echo(connection, payload, opcode=TEXT):
    """Sends one frame and returns what comes back."""
    connection.send(frame(payload, opcode))
    return read_frame(connection)
