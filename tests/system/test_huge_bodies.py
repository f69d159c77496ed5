"""A body far larger than the gateway, at the pace of the slower side, both ways: memory does not grow with it."""

import os
import struct
import threading
import zlib

import pytest

from support import h2, raw
from support import upstream as answers
from support.gateway import SANITIZED, public_route
from support.wait import SLOW, pass_time, seconds, until

MIB = 1024 * 1024
TOTAL = (1024 if SLOW > 1 else 256) * MIB
STOPS = 4  # how often the slow side takes no more for a while
AHEAD_MAX = 96 * MIB  # what the buffers of the kernel may hold on the way: four, each up to net.ipv4.tcp_rmem or tcp_wmem
GROWTH_MAX = (16 if SANITIZED else 4) * MIB  # shadow memory and red zones grow with what is allocated, not with the body
BLOCK = bytes(range(256)) * 256
CLIENT_OPTIONS = {"timeout": 30, "receive_buffer": 65536}


def checksum(total):
    crc = 0
    for _ in range(total // len(BLOCK)):
        crc = zlib.crc32(BLOCK, crc)
    return crc


@pytest.fixture
def house(start, configure, tls_files):
    """Starts a gateway before an upstream; what the address sanitizer keeps of freed memory is no growth of ours."""
    def starter(upstream):
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=0:thread_local_quarantine_size_kb=0")))
        gateway = start(configure([upstream], [public_route(request_body_max="2GiB")], tls=tls_files),
                        env={"ASAN_OPTIONS": options})
        gateway.get("/health", listener="admin")
        return gateway
    return starter


def stands_still(count):
    """True when count() is above zero and stays what it is for a quarter of a second."""
    seen = count()
    pass_time(0.25)
    return seen and count() == seen


# --- down: the reader is slow ---------------------------------------------------------------------------------------

class Http1Reader:
    def __init__(self, gateway, authority):
        self.tcp = gateway.connect("public", tls=authority.client_context(), **CLIENT_OPTIONS)
        self.tcp.send(raw.encode_request("GET", "/huge"))

    def head(self):
        assert int(self.tcp.read_head().get("content-length")) == TOTAL

    def octets(self):
        """The body as it comes; nothing is read while nobody asks."""
        while True:
            if self.tcp.buffer:
                yield bytes(self.tcp.buffer)
                self.tcp.buffer.clear()
            assert self.tcp.fill()


class Http2Reader:
    """Frames by hand, and windows as large as they may be: all that holds the gateway back is TCP."""

    def __init__(self, gateway, authority):
        self.frames = h2.RawClient(gateway.port("public"), authority.client_context(alpn=("h2",)),
                                   struct.pack(">HI", 4, 2**31 - 1), **CLIENT_OPTIONS)
        self.tcp = self.frames.tcp
        self.frames.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1 - 65535)),
                         h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, self.frames.head(path="/huge")))

    def head(self):
        assert h2.HEADERS in iter(lambda: self.frames.read_frame()[0], h2.DATA)

    def octets(self):
        while True:
            kind, _, _, payload = self.frames.read_frame()
            assert kind in (h2.DATA, h2.SETTINGS, h2.PING, h2.WINDOW_UPDATE), kind
            if kind == h2.DATA:
                yield payload


@pytest.mark.parametrize("reader_of", [Http1Reader, Http2Reader])
def test_a_huge_body_to_a_slow_reader_leaves_memory_flat(house, make_upstream, authority, reader_of):
    upstream = make_upstream(answers.stream(TOTAL))
    gateway = house(upstream)
    reader = reader_of(gateway, authority)
    with reader.tcp:
        reader.head()
        octets, got, crc, before = reader.octets(), 0, 0, None
        for stop in range(1, STOPS + 1):
            until(lambda: stands_still(lambda: upstream.sent), "the upstream to be slowed down", timeout=30)
            assert upstream.sent - got < AHEAD_MAX, "the upstream was read far ahead of the client"
            peak = gateway.resident_bytes()
            before = before or peak
            look = got
            while got < TOTAL * stop // STOPS:
                part = next(octets)
                got, crc = got + len(part), zlib.crc32(part, crc)
                if got - look > 8 * MIB:
                    look, peak = got, max(peak, gateway.resident_bytes())
            assert peak - before < GROWTH_MAX
    assert (got, crc) == (TOTAL, checksum(TOTAL))


@pytest.mark.parametrize("window", [65535, 1024])
def test_an_http2_window_that_stays_shut_holds_the_upstream_back(house, make_upstream, authority, window):
    upstream = make_upstream(answers.stream(TOTAL))
    gateway = house(upstream)
    before = gateway.resident_bytes()
    with h2.RawClient(gateway.port("public"), authority.client_context(alpn=("h2",)),
                      struct.pack(">HI", 4, window)) as client:
        client.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, client.head(path="/huge")))
        got = 0
        while got < window:
            kind, _, _, payload = client.read_frame()
            got += len(payload) if kind == h2.DATA else 0
        until(lambda: stands_still(lambda: upstream.sent), "the upstream to be slowed down", timeout=30)
        assert got == window and upstream.sent < AHEAD_MAX
        assert gateway.resident_bytes() - before < GROWTH_MAX


# --- up: the upstream is slow ---------------------------------------------------------------------------------------

class SlowUpstream:
    """Takes a part of the body for each gate that opens, keeps nothing, and answers with length and checksum."""

    def __init__(self):
        self.gates = [threading.Event() for _ in range(STOPS)]
        self.got, self.crc = 0, 0

    def __call__(self, connection, request):
        assert int(request.get("content-length")) == TOTAL
        part = bytes(connection.buffer)
        connection.buffer.clear()
        for stop, gate in enumerate(self.gates, 1):
            assert gate.wait(seconds(60))
            while self.got < TOTAL * stop // STOPS:
                part = part or connection.socket.recv(262144)
                if not part:
                    raise answers.Gone("end of stream")
                self.got, self.crc, part = self.got + len(part), zlib.crc32(part, self.crc), b""
        text = b"%d %d" % (self.got, self.crc)
        connection.send(answers.encode(200, [("Content-Length", len(text))], text))


class Http1Sender:
    def __init__(self, gateway, authority):
        self.tcp = gateway.connect("public", tls=authority.client_context(), timeout=60)

    def upload(self, count):
        self.tcp.send(b"POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % TOTAL)
        for _ in range(TOTAL // len(BLOCK)):
            self.tcp.send(BLOCK)
            count(len(BLOCK))
        return self.tcp.read_response().body


class Http2Sender:
    def __init__(self, gateway, authority):
        self.client = h2.Client(gateway.port("public"), authority.client_context(alpn=("h2",)), timeout=60)
        self.tcp = self.client.tcp

    def upload(self, count):
        stream = self.client.start("POST", "/up", [("content-length", str(TOTAL))], end=False)
        for _ in range(TOTAL // len(BLOCK)):
            assert self.client.data(stream, BLOCK, end=False)
            count(len(BLOCK))
        self.client.data(stream, b"")
        return bytes(self.client.wait(stream).body)


@pytest.mark.parametrize("sender_of", [Http1Sender, Http2Sender])
def test_a_huge_upload_waits_for_a_slow_upstream(house, make_upstream, authority, sender_of):
    taker, sent, answer = SlowUpstream(), [0], []
    gateway = house(make_upstream(taker))
    sender = sender_of(gateway, authority)
    before = gateway.resident_bytes()

    def count(octets):
        sent[0] += octets
    thread = threading.Thread(target=lambda: answer.append(sender.upload(count)), daemon=True)
    with sender.tcp:
        thread.start()
        for gate in taker.gates:
            until(lambda: sent[0] and stands_still(lambda: sent[0]), "the client to be slowed down", timeout=60)
            assert sent[0] - taker.got < AHEAD_MAX, "the client was read far ahead of the upstream"
            assert gateway.resident_bytes() - before < GROWTH_MAX
            gate.set()
        while thread.is_alive():
            assert gateway.resident_bytes() - before < GROWTH_MAX
            thread.join(0.1)
    assert answer == [b"%d %d" % (TOTAL, checksum(TOTAL))]
