"""Grafana Loki's push API as its manual has it, and strict: what Loki would refuse is refused, and remembered as a fault."""

import http.server
import json
import re
import threading
from dataclasses import dataclass

from support.wait import seconds, until


@dataclass
class Line:
    labels: dict
    nanoseconds: int
    text: str

    @property
    def fields(self):
        return json.loads(self.text)


class Loki:
    """`statuses` come first, one for each push; `retry_after` goes with those of 429; `hang` has it accept and never answer.

    What is older than what it has is refused, as before Loki 2.4; `behind_max` seconds are let pass (since then: an hour)."""

    def __init__(self, port=0, tenant=None):
        self.lines, self.faults, self.statuses, self.pushes, self.newest = [], [], [], [], {}
        self.retry_after, self.tenant, self.released = None, tenant, threading.Event()
        self.behind_max = 0
        self.released.set()
        loki = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                loki.released.wait(seconds(60))
                loki.pushes.append(body)
                status = loki.statuses.pop(0) if loki.statuses else 0
                fault = None if status else loki.take(self.path, self.headers, body)
                if fault:
                    loki.faults.append(fault)
                self.send_response(status or (400 if fault else 204))
                if status == 429 and loki.retry_after is not None:
                    self.send_header("Retry-After", str(loki.retry_after))
                self.send_header("Content-Length", "0")
                self.end_headers()
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hang(self):
        self.released.clear()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def take(self, path, headers, body):
        """Takes all of it or nothing; what is wrong with it, or None."""
        if path != "/loki/api/v1/push":
            return f"path {path}"
        if headers["Content-Type"] != "application/json":
            return f"content type {headers['Content-Type']}"
        if headers["X-Scope-OrgID"] != self.tenant:
            return f"no org id: {headers['X-Scope-OrgID']}"
        try:
            read = json.loads(body.decode("utf-8", errors="strict"))
        except ValueError as problem:
            return f"body: {problem}"
        if list(read) != ["streams"] or not read["streams"]:
            return f"members {list(read)}"
        with self.lock:
            lines, newest = [], dict(self.newest)
            for stream in read["streams"]:
                fault = self.take_stream(stream, lines, newest)
                if fault:
                    return fault
            self.lines += lines
            self.newest = newest
        return None

    def take_stream(self, stream, lines, newest):
        if set(stream) != {"stream", "values"} or not stream["stream"] or not stream["values"]:
            return f"members of a stream {list(stream)}"
        labels = stream["stream"]
        for name, value in labels.items():
            if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) or not isinstance(value, str) or not 0 < len(value) <= 2048:
                return f"label {name}={value!r}"
        if len(labels) > 15:
            return "too many labels"
        key = tuple(sorted(labels.items()))
        for entry in stream["values"]:
            if len(entry) != 2 or not all(isinstance(each, str) for each in entry) or not re.fullmatch(r"[1-9]\d{18}", entry[0]):
                return f"entry {entry}"
            if int(entry[0]) < newest.get(key, 0) - self.behind_max * 10 ** 9:
                return f"entry out of order: {entry[0]} behind {newest[key]}"
            if len(entry[1].encode()) > 256 * 1024:
                return "max entry size exceeded"
            newest[key] = max(newest.get(key, 0), int(entry[0]))
            lines.append(Line(labels, int(entry[0]), entry[1]))
        return None

    def select(self, **labels):
        """{container="..."}: lines whose labels are these."""
        with self.lock:
            return [line for line in self.lines if labels.items() <= line.labels.items()]

    def access_lines(self):
        return [line.fields for line in self.select(stream="stdout")]

    def targets(self):
        """Of the access lines, in the order they came."""
        return [line["target"] for line in self.access_lines() if "target" in line]

    def until_targets(self, wanted, timeout=20):
        until(lambda: len(self.targets()) >= len(wanted), "the access lines", timeout=timeout, pause=0.05)
        assert self.targets() == wanted
        assert not self.faults, self.faults
