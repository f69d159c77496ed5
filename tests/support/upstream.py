"""A scriptable backend and witness: it keeps every octet it was sent and answers as a test tells it to."""

import hashlib
import json
import socket
import struct
import threading
from dataclasses import dataclass, field

from support.ports import free_port
from support.wait import seconds, until


@dataclass
class Request:
    method: str
    target: str
    version: str
    fields: list
    body: bytes = b""
    trailers: list = field(default_factory=list)
    complete: bool = False  # the body was received to its end

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default


class Gone(Exception):
    """The gateway closed this connection."""


class UpstreamConnection:
    """One accepted connection; handlers read and write through it."""

    def __init__(self, upstream, sock, peer):
        self.upstream = upstream
        self.socket = sock
        self.peer = peer
        self.received = bytearray()
        self.buffer = bytearray()
        self.requests = []
        self.request = None
        self.closed = threading.Event()
        self.keep = True

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            raise Gone(str(error)) from None
        if not data:
            raise Gone("end of stream")
        self.received += data
        self.buffer += data

    def take_until(self, marker):
        while marker not in self.buffer:
            self.fill()
        at = self.buffer.index(marker)
        data = bytes(self.buffer[:at])
        del self.buffer[:at + len(marker)]
        return data

    def take(self, count):
        while len(self.buffer) < count:
            self.fill()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def take_some(self):
        """Whatever is there next, without interpreting it."""
        if not self.buffer:
            self.fill()
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def read_head(self):
        lines = self.take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.request = Request(method, target, version, fields)
        self.requests.append(self.request)
        return self.request

    def body_parts(self):
        """The body as it arrives; marks the request complete when its end was seen."""
        request = self.request
        if (request.get("transfer-encoding") or "").lower() == "chunked":
            while size := int(self.take_until(b"\r\n").split(b";")[0], 16):
                yield self.take(size)
                self.take(2)
            while line := self.take_until(b"\r\n"):
                request.trailers.append(tuple(part.strip() for part in line.decode("latin-1").split(":", 1)))
        else:
            left = int(request.get("content-length") or 0)
            while left:
                if not self.buffer:
                    self.fill()
                part = bytes(self.buffer[:left])
                del self.buffer[:len(part)]
                left -= len(part)
                yield part
        request.complete = True

    def read_body(self):
        self.request.body = b"".join(self.body_parts())
        return self.request.body

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from None

    def reset(self):
        """Ends the connection with RST, as a killed process does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.keep = False

    def wait_for_close(self, timeout=10.0):
        """Reads until the gateway closes; False when it does not."""
        self.socket.settimeout(seconds(timeout))
        try:
            while True:
                data = self.socket.recv(65536)
                if not data:
                    return True
                self.received += data
        except TimeoutError:
            return False
        except OSError:
            return True


class Upstream:
    """Listens on loopback until stopped. `answer(connection, request)` is called with the head read; the default
    describes the request as JSON. Answers set by path win."""

    def __init__(self, answer=None, port=None, tls=None, name="upstream"):
        self.name = name
        self.tls = tls
        self.answer = answer or echo
        self.paths = {}
        self.connections = []
        self.port = port or free_port()
        self.lock = threading.Lock()
        self.half_sent = threading.Event()  # for reset_mid_body
        self.let_go = threading.Event()
        self.sent = 0  # octets of the last stream()
        self.listener = None
        self.start()

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(512)
        self.stopping = False
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Closes the listening socket and every connection, as a process that ends does."""
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def on(self, path, answer):
        self.paths[path] = answer
        return self

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def requests(self):
        """Every request whose head arrived, health probes left out."""
        with self.lock:
            return [r for c in self.connections for r in c.requests if r.target != "/probe"]

    @property
    def received(self):
        """Every octet of every connection, in order of acceptance."""
        with self.lock:
            return b"".join(bytes(c.received) for c in self.connections)

    def one_request(self):
        requests = until(lambda: self.requests, f"a request at {self.name}")
        assert len(requests) == 1, [f"{r.method} {r.target}" for r in requests]
        return requests[0]

    def saw_nothing(self):
        assert not self.requests, [f"{r.method} {r.target}" for r in self.requests]
        assert b"HTTP/1.1" not in self.received.replace(b"GET /probe HTTP/1.1", b""), self.received[:500]

    def _accept(self, listener):
        while not self.stopping:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock, peer), daemon=True).start()

    def _serve(self, sock, peer):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = UpstreamConnection(self, sock, peer)
        with self.lock:
            self.connections.append(connection)
        try:
            if self.tls:
                connection.socket = self.tls.wrap_socket(sock, server_side=True)
            while connection.keep:
                request = connection.read_head()
                answer = self.paths.get(request.target.split("?")[0], self.answer)
                if request.target == "/probe" and "/probe" not in self.paths:
                    answer = normal(200)
                answer(connection, request)
        except (Gone, OSError, ValueError):
            pass
        finally:
            connection.socket.close()
            connection.closed.set()


# --- answers: each makes a function of (connection, request) ---------------------------------------------------------

def encode(status, fields=(), body=b"", reason="Told"):
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def echo(connection, request):
    """Describes the request: what the gateway sent on."""
    body = connection.read_body()
    text = json.dumps({
        "method": request.method, "target": request.target, "fields": request.fields,
        "length": len(body), "sha256": hashlib.sha256(body).hexdigest(), "trailers": request.trailers,
    }).encode()
    if request.method == "HEAD":
        connection.send(encode(200, [("Content-Type", "application/json"), ("Content-Length", len(text))]))
    else:
        connection.send(encode(200, [("Content-Type", "application/json"), ("Content-Length", len(text))], text))


def normal(status=200, body=b"fine\n", fields=()):
    def answer(connection, request):
        connection.read_body()
        fixed = list(fields) if status in (204, 304) else [*fields, ("Content-Length", len(body))]
        connection.send(encode(status, fixed, b"" if request.method == "HEAD" or status in (204, 304) else body))
    return answer


def chunked(parts, trailers=(), fields=()):
    def answer(connection, request):
        connection.read_body()
        head = [*fields, ("Transfer-Encoding", "chunked")]
        if trailers:
            head.append(("Trailer", ", ".join(name for name, _ in trailers)))
        connection.send(encode(200, head))
        for part in parts:
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        tail = "".join(f"{name}: {value}\r\n" for name, value in trailers)
        connection.send(b"0\r\n" + tail.encode() + b"\r\n")
    return answer


def until_close(body):
    def answer(connection, request):
        connection.read_body()
        connection.send(encode(200, [("Connection", "close")], body))
        connection.keep = False
    return answer


def raw(data, close=True):
    """Answers with exactly these octets."""
    def answer(connection, request):
        connection.read_body()
        connection.send(data)
        connection.keep = not close
    return answer


def reset_mid_body(framing):
    """Half a body, then RST."""
    def answer(connection, request):
        connection.read_body()
        if framing == "length":
            connection.send(encode(200, [("Content-Length", 10000)], b"h" * 5000))
        else:
            connection.send(encode(200, [("Transfer-Encoding", "chunked")], b"1388\r\n" + b"h" * 5000 + b"\r\n"))
        connection.upstream.half_sent.set()
        connection.upstream.let_go.wait(seconds(10))
        connection.reset()
    return answer


def close_without_answer(connection, request):
    connection.read_body()
    connection.keep = False


def never(connection, request):
    """Takes the request and stays silent until the gateway gives up."""
    connection.read_body()
    connection.wait_for_close(30)
    raise Gone("gave up")


def gated(gate, then):
    """Holds the answer back until `gate` is set."""
    def answer(connection, request):
        gate.wait(seconds(20))
        then(connection, request)
    return answer


def server_sent_events(gates, fields=()):
    """One event for each gate, sent when that gate is set; then the end."""
    def answer(connection, request):
        connection.read_body()
        connection.send(encode(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"),
                                     ("Transfer-Encoding", "chunked"), *fields]))
        for number, gate in enumerate(gates):
            gate.wait(seconds(30))
            event = b"data: event %d\n\n" % number
            connection.send(b"%x\r\n%s\r\n" % (len(event), event))
        connection.send(b"0\r\n\r\n")
    return answer


def stream(total, framing="length", piece=65536):
    """A body of `total` octets made on the fly."""
    def answer(connection, request):
        connection.read_body()
        block = bytes(range(256)) * (piece // 256)
        chunk = b"%x\r\n%s\r\n" % (len(block), block)
        if framing == "length":
            connection.send(encode(200, [("Content-Length", total)]))
        else:
            connection.send(encode(200, [("Transfer-Encoding", "chunked")]))
        sent = 0
        while sent < total:
            connection.send(block if framing == "length" else chunk)
            sent += len(block)
            connection.upstream.sent = sent
        if framing != "length":
            connection.send(b"0\r\n\r\n")
    return answer


def in_turn(*answers):
    """The first request gets the first answer, and so on; the last one stays."""
    lock, left = threading.Lock(), list(answers)

    def answer(connection, request):
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(connection, request)
    return answer


def websocket_echo(connection, request):
    """RFC 6455 handshake, then every octet back as it came: frames are the client's business."""
    import base64
    key = request.get("sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
    connection.send(encode(101, [("Upgrade", "websocket"), ("Connection", "Upgrade"),
                                 ("Sec-WebSocket-Accept", accept.decode())], reason="Switching Protocols"))
    while True:
        connection.send(unmask(connection))


def unmask(connection):
    """Reads one client frame and returns the same frame as a server sends it (unmasked)."""
    first, second = connection.take(2)
    extended = {126: 2, 127: 8}.get(second & 0x7F, 0)
    length_octets = connection.take(extended)
    length = int.from_bytes(length_octets, "big") if extended else second & 0x7F
    mask = connection.take(4)
    payload = connection.take(length)
    clear = bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))
    return bytes([first, second & 0x7F]) + length_octets + clear
