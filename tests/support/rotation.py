"""Secrets that are replaced by themselves: a server whose roles have passwords, and callers that rotate and read them."""

import itertools
import os
import secrets
import subprocess

from support.control import Control
from support.gateway import api_key
from support.postgres import PROGRAMS
from support.wait import seconds, until

NAMES = ("admin", "billing", "reports")
KEYS = {name: f"key-of-{name}-{secrets.token_hex(16)}" for name in (*NAMES, "writer", "denied")}
AUTH = {"api_keys": [api_key(name, KEYS[name], ["admin"]) for name in NAMES]}
_numbers = itertools.count(1)


class Application:
    """A database of somebody's with an owner, two roles that are its members and somebody who may change their passwords."""

    def __init__(self, server):
        self.server, number = server, next(_numbers)
        self.database, self.owner, self.admin = f"app{number}", f"app{number}_owner", f"app{number}_admin"
        self.roles = [f"app{number}_a", f"app{number}_b"]
        self.password = secrets.token_urlsafe(16)
        server.psql(f"CREATE ROLE {self.owner}", f"CREATE DATABASE {self.database} OWNER {self.owner}",
                    f"CREATE ROLE {self.admin} LOGIN CREATEROLE PASSWORD '{self.password}'",
                    *[f"CREATE ROLE {role} LOGIN IN ROLE {self.owner}" for role in self.roles])

    def connection(self):
        """The secret that a rule names."""
        return {"url": f"postgresql://{self.admin}@127.0.0.1:{self.server.port}/{self.database}"
                       f"?sslmode=verify-full&sslrootcert={self.server.ca}", "password": self.password}

    def rule(self, roles=2, **changes):
        return {"generator": {"kind": "postgresql", "connection": "vault:team/admin", "roles": self.roles[:roles]}} | changes

    def lets_in(self, credential):
        done = subprocess.run([PROGRAMS / "psql", "-XAtqw", "-h", "127.0.0.1", "-p", str(self.server.port), "-U", credential["username"],
                               "-d", self.database, "-c", "SELECT current_user"], capture_output=True, text=True, check=False,
                              timeout=seconds(30), env={"PATH": os.environ["PATH"], "PGPASSWORD": credential["password"],
                                                        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.server.ca)})
        assert done.returncode == 0 or "password authentication failed" in done.stderr, done.stderr
        return done.returncode == 0 and done.stdout.strip() == credential["username"]


class Rotations:
    """What callers of one gateway do with them."""

    def __init__(self, gateway, path="team/db"):
        self.gateway, self.path = gateway, path
        self.control = Control(gateway, key=KEYS["admin"])

    def write(self, path, fields):
        answer = Control(self.gateway).ask("POST", f"/v1/secret/data/{path}", {"data": fields}, [("X-Vault-Token", KEYS["admin"])])
        assert answer.status == 200, answer

    def read(self, who="admin", version=None):
        """The fields and the version; None: there is none."""
        query = f"?version={version}" if version else ""
        answer = self.gateway.request("GET", f"/v1/secret/data/{self.path}{query}", [("X-Vault-Token", KEYS[who])])
        if answer.status == 404:
            return None
        assert answer.status == 200, answer
        said = answer.json()["data"]
        return said["data"] | {"version": said["metadata"]["version"]}

    def ask(self, method, noun, body=None, query=""):
        return self.control.ask(method, f"/api/v1/secrets/{noun}/{self.path}{query}", body)

    def set(self, rule):
        answer = self.ask("PUT", "rotations", rule)
        assert answer.status == 200, answer
        return answer.json()

    def show(self):
        answer = self.ask("GET", "rotations")
        assert answer.status == 200, answer
        return answer.json()

    def now(self, kind="rotate"):
        answer = self.ask("POST", "rotation-runs", {"kind": kind})
        assert answer.status == 202, answer

    def runs(self):
        answer = self.ask("GET", "rotation-runs", query="?limit=200")
        assert answer.status == 200, answer
        return answer.json()["items"]

    def consumers(self):
        answer = self.ask("GET", "consumers")
        assert answer.status == 200, answer
        return {each["consumer"]: each for each in answer.json()["items"]}

    def until_state(self, state, timeout=20):
        def there():
            shown = self.show()
            return shown if shown["state"] == state else None
        return until(there, f"the state {state}", timeout=timeout)

    def until_version(self, version, timeout=20):
        def there():
            read = self.read()
            return read if read and read["version"] >= version else None
        return until(there, f"version {version}", timeout=timeout)

    def until_run(self, kind, state, timeout=20):
        return until(lambda: next((run for run in self.runs() if (run["kind"], run["state"]) == (kind, state)), None),
                     f"a run {kind} {state}", timeout=timeout)
