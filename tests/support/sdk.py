"""Houses that agents made with the SDKs come to, and what stands between the two."""

import contextlib
import json
import socket
import subprocess
import sys
import threading

from support.agent import announce
from support.control import Control, add_user, house_config
from support.gateway import ROOT
from support.ports import free_port
from support.wait import seconds

PYTHON_SDK, JAVASCRIPT_SDK = ROOT / "sdk/python", ROOT / "sdk/javascript"
PASSWORD = "the engine weaves"
CONTEXT = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "trace_flags": 1}


def config_of(folder, **changes):
    """Loopback without TLS, and with it, where certificates are shown and renewed."""
    changes.setdefault("agents", {"heartbeat_interval": "200ms", "heartbeat_flush": "100ms", "offline_after": "2s"})
    changes.setdefault("plans", {"lease": "1s", "retry_first": "50ms", "retry_most": "200ms"})
    config = house_config(folder, **changes)
    config["listeners"].append({"name": "tls", "bind": f"127.0.0.1:{free_port()}", "serve": ["api"],
                                "tls": {"certificate": "internal", "client_certificate": "optional"}})
    return config


class Place:
    """A house, its operator, and what an agent needs to come."""

    def __init__(self, gateway):
        self.gateway = gateway
        add_user(gateway.config_file, "ada", PASSWORD, "admin")
        self.operator = Control(gateway).sign_in("ada", PASSWORD)
        self.url, self.plain_url = f"https://localhost:{gateway.port('tls')}", f"http://127.0.0.1:{gateway.port('plain')}"
        self.ca_file = gateway.directory / "data/ca.pem"

    def token(self, hostname, *capabilities):
        return announce(self.operator, hostname, capabilities=list(capabilities)).token

    def send(self, agent_id, **more):
        response = self.operator.ask("POST", "/api/v1/messages", {"recipient": agent_id, **more})
        assert response.status == 201, response
        return response.json()["id"]

    def received(self, agent_id):
        """What has become of the messages for an agent."""
        return self.operator.get(f"/api/v1/message_history?recipient={agent_id}").json()["items"]

    def threats(self):
        return [each["type"] for each in self.operator.get("/api/v1/threats").json()["items"]]

    def openapi(self):
        return Control(self.gateway).get("/api/v1/openapi.json").json()


def judge_table(document, table):
    """Raises where a route, a field of a body or of a query is not in the document. `table`: name -> method, path, body, query."""
    for name, row in table.items():
        operation = document["paths"].get(row["path"], {}).get(row["method"].lower())
        assert operation, f"{name}: {row['method']} {row['path']} is not in the document"
        query = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        assert set(row["query"]) <= query, f"{name}: {row['path']} takes no {set(row['query']) - query}"
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        known = set(schema.get("properties", ()))
        assert set(row["body"]) <= known, f"{name}: the body of {row['path']} has no {set(row['body']) - known}"
        assert set(schema.get("required", ())) <= set(row["body"]), f"{name}: {row['path']} wants {schema['required']}"


def judge_request(pem):
    """What openssl says of a PKCS #10 whose signature it has verified."""
    done = subprocess.run(["openssl", "req", "-noout", "-verify", "-text"], input=pem, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "verify OK" in done.stdout + done.stderr, done.stderr
    assert "NIST CURVE: P-256" in done.stdout and "Signature Algorithm: ecdsa-with-SHA256" in done.stdout, done.stdout
    subject = [line.strip() for line in done.stdout.splitlines() if "Subject:" in line]
    assert subject == ["Subject:"], subject
    return done.stdout


class Between:
    """Passes bytes on to a house. Of a request that begins with `lose` it passes the request, and loses the answer."""

    def __init__(self, port):
        self.to, self.lose, self.lost = port, None, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client):
        house = socket.create_connection(("127.0.0.1", self.to))
        losing = threading.Event()

        def back():
            while data := _read(house):
                if losing.is_set():
                    break
                client.sendall(data)
            _end(client)
        threading.Thread(target=back, daemon=True).start()
        while data := _read(client):
            if self.lose and data.startswith(self.lose):
                self.lost.append(data.split(b"\r\n")[0].decode())
                losing.set()
            house.sendall(data)
        _end(house)

    def stop(self):
        self.server.close()


def _end(sock):
    """Also for the thread that reads from it."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _read(sock):
    try:
        return sock.recv(65536)
    except OSError:
        return b""


class Program:
    """A process that works with an SDK: `lines` is what it has said, each a JSON value."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen([str(each) for each in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)

    def line(self):
        text = self.process.stdout.readline()
        assert text, self.process.stderr.read()
        return json.loads(text)

    def end(self):
        """What else it said, once it has ended by itself."""
        out, err = self.process.communicate(timeout=seconds(60))
        assert self.process.returncode == 0, out + err
        return [json.loads(line) for line in out.splitlines()]

    def kill(self):
        self.process.kill()
        self.process.communicate()


def python_program(text, *arguments):
    return Program(sys.executable, "-B", "-c", text, *arguments, PYTHONPATH=str(PYTHON_SDK / "src"), PATH="/usr/bin:/bin")
