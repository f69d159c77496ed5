"""A name server for tests: every name below `.test` is this machine, and TXT records are what a test has put there."""

import socket
import struct
import threading

A, TXT, AAAA = 1, 16, 28


def _name_at(packet, at):
    labels = []
    while packet[at]:
        size = packet[at]
        labels.append(packet[at + 1:at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels).lower(), at + 1


class NameServer:
    """Over UDP, on a port of its own. `addresses` overrides where a name leads; None: it does not exist."""

    def __init__(self):
        self.addresses, self.texts, self.asked = {}, {}, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _records(self, name, kind):
        if kind == A:
            return [socket.inet_aton(self.addresses.get(name, "127.0.0.1"))]
        if kind == TXT:
            return [bytes([len(text)]) + text.encode() for text in self.texts.get(name, [])]
        return []

    def _answer(self, packet):
        name, end = _name_at(packet, 12)
        kind, _ = struct.unpack("!HH", packet[end:end + 4])
        self.asked.append((name, kind))
        unknown = not name.endswith(".test") or self.addresses.get(name, "") is None
        records = [] if unknown else self._records(name, kind)
        head = packet[:2] + struct.pack("!HHHHH", 0x8180 | (3 if unknown else 0), 1, len(records), 0, 0)
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(data)) + data for data in records)
        return head + packet[12:end + 4] + body

    def _serve(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            if not packet:  # close() says so
                return
            self.socket.sendto(self._answer(packet), client)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()
