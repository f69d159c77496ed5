"""HTTP/2 clients: python3-h2 for good manners, hand-made frames for bad ones."""

import struct

import hpack
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived)

from support import raw

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Answer:
    def __init__(self):
        self.fields, self.body, self.trailers, self.reset, self.ended = [], bytearray(), [], None, False

    @property
    def status(self):
        return int(self.get(":status", 0))

    def get(self, name, default=None):
        return next((value for key, value in self.fields if key == name), default)


class Client:
    """One connection. Requests may carry any field, valid or not: nothing is checked or changed on the way out."""

    def __init__(self, port, tls, **options):
        self.tcp = raw.Connection(port, tls=tls, **options)
        assert self.tcp.socket.selected_alpn_protocol() == "h2", "h2 was not negotiated"
        self.h2 = H2Connection(H2Configuration(client_side=True, validate_outbound_headers=False, header_encoding="utf-8",
                                               normalize_outbound_headers=False, validate_inbound_headers=True))
        self.h2.initiate_connection()
        self.answers = {}
        self.paused = set()  # streams whose data is read and not acknowledged: their windows fill
        self.goaway = None
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tcp.close()

    def flush(self):
        self.tcp.send(self.h2.data_to_send())

    def start(self, method="GET", path="/", fields=(), end=True, authority="localhost", pseudo=None):
        """Sends a head; returns the stream id."""
        stream = self.h2.get_next_available_stream_id()
        head = pseudo or [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)]
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, [*head, *fields], end_stream=end)
        self.flush()
        return stream

    def data(self, stream, body, end=True):
        """Body octets, as windows allow."""
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                if not self.pump() or self.answers[stream].reset is not None:
                    return False
                continue
            self.h2.send_data(stream, body[:room])
            self.flush()
            body = body[room:]
        if end:
            self.h2.end_stream(stream)
            self.flush()
        return True

    def pump(self):
        """Reads once and handles events; False at the end of the connection."""
        if not self.tcp.fill():
            return False
        data = bytes(self.tcp.buffer)
        self.tcp.buffer.clear()
        for event in self.h2.receive_data(data):
            answer = self.answers.get(getattr(event, "stream_id", None))
            if isinstance(event, ConnectionTerminated):
                self.goaway = event
            elif answer is None:
                continue
            elif isinstance(event, ResponseReceived):
                answer.fields = [(str(name), str(value)) for name, value in event.headers]
            elif isinstance(event, DataReceived):
                answer.body += event.data
                if event.stream_id not in self.paused:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, TrailersReceived):
                answer.trailers = list(event.headers)
            elif isinstance(event, StreamReset):
                answer.reset, answer.ended = event.error_code, True
            elif isinstance(event, StreamEnded):
                answer.ended = True
        self.tcp.send_quietly(self.h2.data_to_send())
        return True

    def wait(self, stream):
        answer = self.answers[stream]
        while not answer.ended and self.goaway is None:
            if not self.pump():
                break
        return answer

    def request(self, method="GET", path="/", fields=(), body=b"", **options):
        stream = self.start(method, path, fields, end=not body, **options)
        if body:
            self.data(stream, body)
        return self.wait(stream)


class RawClient:
    """Frames by hand."""

    def __init__(self, port, tls, settings=b"", **options):
        self.tcp = raw.Connection(port, tls=tls, **options)
        self.encoder = hpack.Encoder()
        self.tcp.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tcp.close()

    def head(self, method="GET", path="/", fields=()):
        return self.encoder.encode([(":method", method), (":scheme", "https"), (":authority", "localhost"),
                                    (":path", path), *fields])

    def send(self, *frames):
        """False when the peer took no more."""
        return self.tcp.send_quietly(b"".join(frames))

    def read_frame(self):
        head = self.tcp.read_exactly(9)
        length = int.from_bytes(head[:3], "big")
        return head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, self.tcp.read_exactly(length)

    def read_to_end(self):
        """All frames until the connection ends."""
        frames = []
        try:
            while True:
                frames.append(self.read_frame())
        except raw.Closed:
            return frames

    def flood_until_ended(self, make, rounds=2000):
        """Sends make(i) again and again; True when the peer ended the connection before all rounds were taken."""
        for number in range(rounds):
            if not self.send(make(number)):
                return True
        self.tcp.socket.settimeout(3)
        try:
            return any(kind == GOAWAY for kind, *_ in self.read_to_end())
        except TimeoutError:
            return False
