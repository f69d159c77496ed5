"""A client that sends exactly the bytes it is given, and reads responses as strictly as RFC 9112 allows."""

import re
import socket
import struct
from dataclasses import dataclass, field

from support.wait import seconds

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)")
_FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})(;[\t\x20-\x7e]*)?")


class ProtocolError(Exception):
    """The peer sent something RFC 9112 does not allow."""


class Closed(Exception):
    """The peer closed (or reset) the connection before the message was complete."""


@dataclass
class Head:
    status: int
    reason: str
    fields: list

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default


@dataclass
class Response(Head):
    body: bytes = b""
    trailers: list = field(default_factory=list)
    informational: list = field(default_factory=list)
    framing: str = "none"  # none | length | chunked | until_close

    def json(self):
        import json
        return json.loads(self.body)


def parse_head(block):
    """`block` is everything before the empty line, without it."""
    lines = block.split(b"\r\n")
    if any(b"\n" in line or b"\r" in line for line in lines):
        raise ProtocolError(f"bare CR or LF in head: {block!r}")
    status = _STATUS_LINE.fullmatch(lines[0])
    if not status:
        raise ProtocolError(f"bad status line: {lines[0]!r}")
    return Head(int(status[1]), status[2].decode("latin-1"), parse_fields(lines[1:]))


def parse_fields(lines):
    fields = []
    for line in lines:
        match = _FIELD_LINE.fullmatch(line)
        if not match:
            raise ProtocolError(f"bad field line: {line!r}")
        fields.append((match[1].decode("latin-1"), match[2].decode("latin-1")))
    return fields


def framing_of(head, method):
    """(kind, length) of the body that follows (RFC 9112 §6.3)."""
    lengths, codings = head.all("content-length"), head.all("transfer-encoding")
    if lengths and codings:
        raise ProtocolError("both Content-Length and Transfer-Encoding")
    if len(lengths) > 1 or len(codings) > 1:
        raise ProtocolError("framing field sent twice")
    if method == "HEAD" or head.status in (204, 304) or head.status < 200:
        if head.status == 204 and (lengths or codings):
            raise ProtocolError("204 with framing")
        return "none", 0
    if codings:
        if codings[0].lower() != "chunked":
            raise ProtocolError(f"transfer coding {codings[0]!r}")
        return "chunked", 0
    if lengths:
        if not lengths[0].isdigit():
            raise ProtocolError(f"content length {lengths[0]!r}")
        return "length", int(lengths[0])
    return "until_close", 0


class Connection:
    """One TCP or TLS connection to the gateway."""

    def __init__(self, port, host="127.0.0.1", tls=None, server_name="localhost", source=None, timeout=10.0,
                 receive_buffer=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        raw = socket.socket(family, socket.SOCK_STREAM)
        raw.settimeout(seconds(timeout))
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            raw.bind((source, 0))
        try:
            raw.connect((host, port))
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = tls.wrap_socket(raw, server_hostname=server_name) if tls else raw
        except BaseException:
            raw.close()
            raise
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST, as a killed client does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_quietly(self, data):
        """For senders that the peer may cut off: says whether everything could be written."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def request(self, method, target, fields=(), body=b"", host="localhost"):
        """A well-formed request, read to its end."""
        self.send(encode_request(method, target, fields, body, host))
        return self.read_response(method)

    def fill(self):
        """Reads once; False at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return False
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            return False  # TLS alert or EOF without close_notify
        self.buffer += data
        return bool(data)

    def read_until(self, marker):
        while marker not in self.buffer:
            if not self.fill():
                raise Closed(f"closed while waiting for {marker!r}; had {bytes(self.buffer)!r}")
        at = self.buffer.index(marker)
        data = bytes(self.buffer[:at])
        del self.buffer[:at + len(marker)]
        return data

    def read_exactly(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise Closed(f"closed after {len(self.buffer)} of {count} octets")
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def read_head(self):
        return parse_head(self.read_until(b"\r\n\r\n"))

    def read_chunk(self):
        """One chunk's data; b"" for the last chunk (trailers are left unread)."""
        size = _CHUNK_SIZE.fullmatch(self.read_until(b"\r\n"))
        if not size:
            raise ProtocolError("bad chunk size")
        count = int(size[1], 16)
        if count == 0:
            return b""
        data = self.read_exactly(count)
        if self.read_exactly(2) != b"\r\n":
            raise ProtocolError("chunk not followed by CRLF")
        return data

    def read_trailers(self):
        lines = []
        while line := self.read_until(b"\r\n"):
            lines.append(line)
        return parse_fields(lines)

    def read_response(self, method="GET"):
        """One final response; interim ones are kept in `.informational`."""
        interim = []
        head = self.read_head()
        while 100 <= head.status < 200 and head.status != 101:
            interim.append(head)
            head = self.read_head()
        kind, length = framing_of(head, method)
        response = Response(head.status, head.reason, head.fields, informational=interim, framing=kind)
        if kind == "length":
            response.body = self.read_exactly(length)
        elif kind == "chunked":
            parts = []
            while part := self.read_chunk():
                parts.append(part)
            response.body = b"".join(parts)
            response.trailers = self.read_trailers()
        elif kind == "until_close" and head.status != 101:
            response.body = self.read_to_end()
        return response

    def read_to_end(self):
        while self.fill():
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def is_closed_by_peer(self, timeout=5.0):
        """True when the peer closes without sending anything more; False when it stays open for `timeout`."""
        self.socket.settimeout(seconds(timeout))
        try:
            while self.fill():
                pass
        except TimeoutError:
            return False
        return not self.buffer


def encode_request(method, target, fields=(), body=b"", host="localhost"):
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    names = {name.lower() for name, _ in fields}
    if (body or method in ("POST", "PUT", "PATCH")) and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(parts, trailers=()):
    """The chunked coding of `parts`, with trailer fields."""
    data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part)
    tail = "".join(f"{name}: {value}\r\n" for name, value in trailers).encode("latin-1")
    return data + b"0\r\n" + tail + b"\r\n"
