"""The control plane's API as a program uses it, and users to use it with."""

import json
import urllib.parse

from support.gateway import basic_config, run

JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def house_config(directory, upstreams=(), **changes):
    """basic_config whose plain listener also serves the API."""
    changes.setdefault("routes", None if upstreams else [])
    config = basic_config(directory, upstreams, **changes)
    config["listeners"][0]["serve"] = ["gateway", "api"]
    return config


def add_user(config_file, name, password, *roles, env=None):
    """A user with a password for good, made from the shell."""
    done = run("user", "add", name, "--config", config_file, "--password-stdin",
               *[word for role in roles for word in ("--role", role)], stdin=password + "\n", env=env)
    assert done.returncode == 0, done.stderr


class Control:
    """One caller of one gateway."""

    def __init__(self, gateway, token=None, key=None):
        self.gateway = gateway
        self.fields = [("Authorization", f"Bearer {token}")] if token else [("X-API-Key", key)] if key else []

    def ask(self, method, path, body=None, fields=(), **options):
        sent = [*self.fields, *fields]
        data = b""
        if body is not None:
            sent.append(JSON)
            data = json.dumps(body).encode()
        return self.gateway.request(method, path, sent, data, **options)

    def form(self, path, pairs, fields=(), **options):
        return self.gateway.request("POST", path, [*self.fields, FORM, *fields],
                                    urllib.parse.urlencode(pairs).encode(), **options)

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def sign_in(self, name, password):
        """Another caller: that user, with a token."""
        response = self.form("/auth/token", {"username": name, "password": password})
        assert response.status == 200, response
        return Control(self.gateway, token=response.json()["access_token"])
