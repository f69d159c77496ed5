"""An authorization server with a user and clients of every kind, and clients made by others to use it."""

import base64
import hashlib
import html
import json
import os
import re
import secrets
import shutil
import subprocess
import urllib.parse
from pathlib import Path

import pytest
import requests

from support.control import add_user, house_config
from support.gateway import Gatehouse, run
from support.wait import seconds

CLIENTS = Path(__file__).resolve().parents[1] / "clients"
REDIRECT_URI = "https://app.example/back"
USER, PASSWORD = "ann", "correct horse battery"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def node_clients():
    """Installs the pinned packages of tests/clients, once. Skips where there is no node or no registry."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed (tools/setup test)")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").split(".")[0]) < 20:
        pytest.skip(f"the clients want node 20, this is {version.strip()}")
    installed, wanted = CLIENTS / "node_modules" / ".package-lock.json", CLIENTS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=CLIENTS, capture_output=True,
                              text=True, timeout=seconds(120), check=False)
        if done.returncode != 0:
            pytest.skip(f"npm ci failed in tests/clients: {done.stderr.strip()[-200:]}")


class AuthorizationServer:
    """A gateway whose TLS listener serves the API."""

    def __init__(self, directory, tls_files, authority, **auth):
        config = house_config(directory, workers=2,
                              tls=tls_files | {"client_certificate": "optional",
                                               "client_ca_file": str(authority.certificate)},
                              auth={"password_grant": True} | auth)
        config["listeners"][0]["serve"] = ["gateway"]
        config["listeners"][2]["serve"] = ["gateway", "api"]
        self.gateway = Gatehouse(directory, config)
        self.ca_file = str(authority.certificate)
        self.issuer = f"https://localhost:{self.gateway.port('public')}"
        add_user(self.gateway.config_file, USER, PASSWORD, "user")

    def verb(self, *arguments):
        done = run("client", *arguments, "--config", self.gateway.config_file)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_client(self, name, *grants, scopes=("openid", "profile", "email", "users:read"), **options):
        """What `client add --json` prints."""
        words = [word for grant in grants for word in ("--grant", grant)]
        words += [word for scope in scopes for word in ("--scope", scope)]
        for option, value in options.items():
            for each in value if isinstance(value, (list, tuple)) else [value]:
                words += [f"--{option.replace('_', '-')}"] + ([] if each is True else [each])
        return json.loads(self.verb("add", name, *words, "--json"))

    def web_client(self, name="web", **options):
        return self.add_client(name, "authorization_code", "refresh_token", redirect_uri=REDIRECT_URI, **options)

    def url(self, path):
        return self.issuer + path

    def post(self, path, data, client=None, session=requests, **options):
        """A form; with `client` its id and secret as Basic."""
        auth = (client["client_id"], client["client_secret"]) if client else None
        return session.post(self.url(path), data=data, auth=auth, verify=self.ca_file, timeout=seconds(20), **options)

    def token(self, client, **form):
        return self.post("/oauth/token", form, client)

    def node(self, case, **given):
        """A case of tests/clients/grants.mjs."""
        node_clients()
        facts = {"issuer": self.issuer, "user": USER, "password": PASSWORD, "redirect_uri": REDIRECT_URI} | given
        # Node 18 keeps its cryptography behind the flag; later ones know the flag and need it not.
        done = subprocess.run(["node", "--experimental-global-webcrypto", str(CLIENTS / "grants.mjs"), case, json.dumps(facts)],
                              env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": self.ca_file}, capture_output=True,
                              text=True, timeout=seconds(60), check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def close(self):
        self.gateway.close()


def session_with(server, session=None):
    """What the environment says of certificates and proxies would count for more than `verify`."""
    session = session or requests.Session()
    session.trust_env = False
    session.verify = server.ca_file
    return session


class Browser:
    """A user who signs in and agrees."""

    def __init__(self, server):
        self.server = server
        self.session = session_with(server)

    def look(self, target):
        return self.session.get(urllib.parse.urljoin(self.server.issuer, target), allow_redirects=False, timeout=seconds(20))

    def submit(self, page, origin=None, **fields):
        form = {name: re.search(rf'name="{name}" value="([^"]*)"', page.text)[1] for name in ("form", "seal")} | fields
        action = html.unescape(re.search(r'action="([^"]*)"', page.text)[1])
        return self.session.post(self.server.issuer + action, data=form, allow_redirects=False, timeout=seconds(20),
                                 headers={"Origin": origin or self.server.issuer})

    def sign_in(self, page, password=PASSWORD):
        return self.submit(page, username=USER, password=password)

    def through(self, target):
        page = self.look(target)
        if 'type="password"' in page.text:
            page = self.sign_in(page)
        if 'value="allow"' in page.text:
            page = self.submit(page, choice="allow")
        return page


class Asking:
    """One authorization request, with PKCE."""

    def __init__(self, client, **changes):
        self.client = client
        self.verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        self.parameters = {"response_type": "code", "client_id": client["client_id"], "redirect_uri": REDIRECT_URI,
                           "scope": "openid users:read", "state": "st&te", "nonce": "n-1",
                           "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
                           "code_challenge_method": "S256"} | changes

    @property
    def target(self):
        return "/oauth/authorize?" + urllib.parse.urlencode({name: value for name, value in self.parameters.items()
                                                             if value is not None})

    def redeem(self, server, code, client=None, **changes):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI,
                "code_verifier": self.verifier} | changes
        return server.token(client or self.client, **form)


def sent_back(response):
    """The parameters of the redirection to the client."""
    assert response.status_code == 303, response.text
    location = response.headers["Location"]
    assert location.startswith(REDIRECT_URI + "?"), location
    return dict(urllib.parse.parse_qsl(location.split("?", 1)[1], strict_parsing=True))
