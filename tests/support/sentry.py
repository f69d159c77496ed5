"""Sentry's way in for envelopes, as its pages for developers have it, and strict: what it would refuse or read in another way than it
was meant is remembered as a fault."""

import base64
import http.server
import json
import os
import re
import secrets
import subprocess
import threading
from datetime import datetime, timedelta, timezone

from support.oauth import CLIENTS
from support.wait import seconds, until

LEVELS = {"fatal", "error", "warning", "info", "debug"}
KNOWN = {"event_id", "timestamp", "platform", "level", "logger", "release", "environment", "server_name", "sdk", "logentry", "fingerprint",
         "tags", "contexts", "extra", "exception", "threads", "debug_meta"}


class Sentry:
    """`answers` come first, one for each envelope: (status, fields); `hang` has it accept and never answer."""

    def __init__(self, port=0, path="", project="42"):
        self.envelopes, self.bodies, self.heads, self.faults, self.answers = [], [], [], [], []
        self.key, self.path, self.project, self.released = secrets.token_hex(16), path, project, threading.Event()
        self.released.set()
        sentry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sentry.released.wait(seconds(60))
                sentry.bodies.append(body)
                sentry.heads.append(str(self.headers))
                status, fields = sentry.answers.pop(0) if sentry.answers else (200, {})
                fault = sentry.fault_of_head(self.path, self.headers) or sentry.take(body, status == 200)
                if fault:
                    sentry.faults.append(fault)
                self.send_response(400 if fault else status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.dsn = f"http://{self.key}@127.0.0.1:{self.port}{path}/{project}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hang(self):
        self.released.clear()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def fault_of_head(self, target, headers):
        if target != f"{self.path}/api/{self.project}/envelope/":
            return f"path {target}"
        if headers["Content-Type"] != "application/x-sentry-envelope":
            return f"content type {headers['Content-Type']}"
        scheme, _, rest = headers["X-Sentry-Auth"].partition(" ")
        pairs = dict(pair.strip().split("=", 1) for pair in rest.split(","))
        if scheme != "Sentry" or pairs.get("sentry_version") != "7" or pairs.get("sentry_key") != self.key:
            return "authorization"
        if not re.fullmatch(r"gatehouse/\d+\.\d+\.\d+", pairs.get("sentry_client", "")):
            return f"client {pairs.get('sentry_client')}"
        return None

    def take(self, body, keep):
        """What is wrong with it, or None."""
        try:
            head, rest = split_line(body)
            fault = fault_of_envelope(head)
            if fault:
                return fault
            items = []
            while rest:
                item, rest = split_line(rest)
                length = item["length"]
                payload, rest = rest[:length], rest[length:]
                if len(payload) != length or (rest and rest[:1] != b"\n"):
                    return "an item's length"
                rest = rest[1:]
                items.append((item, json.loads(payload.decode("utf-8", errors="strict"))))
        except (ValueError, KeyError) as problem:
            return f"envelope: {problem!r}"
        if len(items) != 1 or items[0][0]["type"] != "event":
            return "not one event"
        event = items[0][1]
        fault = fault_of_event(event) or (None if event["event_id"] == head["event_id"] else "two ids")
        if not fault and keep:
            self.envelopes.append((head, event))
        return fault

    def events(self, **wanted):
        return [event for _, event in list(self.envelopes) if wanted.items() <= event.items()]

    def until_events(self, count, timeout=20, **wanted):
        until(lambda: len(self.events(**wanted)) >= count, f"{count} events", timeout=timeout, pause=0.05)
        assert not self.faults, self.faults
        return self.events(**wanted)

    def read_by_its_own(self):
        """The events as Sentry's own JavaScript reads them, and where it says that the DSN leads."""
        given = {"dsn": self.dsn, "bodies": [base64.b64encode(body).decode() for body in self.bodies]}
        done = subprocess.run(["node", str(CLIENTS / "sentry.mjs")], input=json.dumps(given), capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"]}, timeout=seconds(60), check=False)
        assert done.returncode == 0, done.stderr
        read = json.loads(done.stdout)
        return read["endpoint"], [event for _, events in read["envelopes"] for event in events]


def split_line(text):
    line, newline, rest = text.partition(b"\n")
    if not newline or line != line.strip():
        raise ValueError("a line of headers")
    return json.loads(line.decode("utf-8", errors="strict")), rest


def fault_of_envelope(head):
    if not re.fullmatch(r"[0-9a-f]{32}", head["event_id"]):
        return "event_id"
    sent = datetime.fromisoformat(head["sent_at"].replace("Z", "+00:00"))
    if abs(datetime.now(timezone.utc) - sent) > timedelta(minutes=1):
        return f"sent_at {head['sent_at']}"
    return None if set(head) <= {"event_id", "sent_at", "sdk"} else f"headers {list(head)}"


def fault_of_event(event):
    if not set(event) <= KNOWN:
        return f"members {set(event) - KNOWN}"
    datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00"))
    if event["level"] not in LEVELS or event["platform"] not in {"native", "other"}:
        return f"level {event['level']}, platform {event['platform']}"
    if not re.fullmatch(r"[^\n\r\t/\\]{1,200}", event["release"]) or not re.fullmatch(r"[^\s/]{1,64}", event["environment"]):
        return f"release {event['release']}, environment {event['environment']}"
    if not all(isinstance(value, str) and 0 < len(value) < 200 and "\n" not in value for value in event.get("tags", {}).values()):
        return f"tags {event['tags']}"
    if not all(isinstance(part, str) for part in event["fingerprint"]):
        return "fingerprint"
    trace = event.get("contexts", {}).get("trace")
    if trace and not (re.fullmatch(r"[0-9a-f]{32}", trace["trace_id"]) and re.fullmatch(r"[0-9a-f]{16}", trace["span_id"])):
        return f"trace {trace}"
    return None
