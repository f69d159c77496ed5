"""A collector of traces as far as receiving goes; what it was sent is read by OpenTelemetry's own JavaScript (tests/clients/otlp.mjs)."""

import base64
import http.server
import json
import os
import subprocess
import threading
from dataclasses import dataclass, field

from support.oauth import CLIENTS
from support.wait import seconds, until


@dataclass
class Span:
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    start: int
    end: int
    error: str
    links: list
    attributes: dict
    resource: dict = field(repr=False)


class Collector:
    """`statuses` come first, one for each request; `hang` has it accept and never answer."""

    def __init__(self, port=0):
        self.bodies, self.headers, self.statuses, self.released = [], [], [], threading.Event()
        self.released.set()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.released.wait(seconds(60))
                status = collector.statuses.pop(0) if collector.statuses else 200
                if status == 200:
                    collector.bodies.append((self.path, self.headers["Content-Type"], body))
                collector.headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def hang(self):
        self.released.clear()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def spans(self):
        """All that came, in the order of their beginnings."""
        given = [[kind, base64.b64encode(body).decode()] for path, kind, body in list(self.bodies) if path == "/v1/traces"]
        done = subprocess.run(["node", str(CLIENTS / "otlp.mjs")], input=json.dumps(given), capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"]}, timeout=seconds(60), check=False)
        assert done.returncode == 0, done.stderr
        return sorted((Span(**each) for each in json.loads(done.stdout)), key=lambda span: (span.start, -span.end))

    def until_spans(self, wanted, timeout=20):
        """All of them, once `wanted` says so of them."""
        def there():
            spans = self.spans()
            return spans if wanted(spans) else None
        return until(there, "the spans", timeout=timeout, pause=0.3)
