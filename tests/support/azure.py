"""Azure Key Vault and Microsoft Entra ID as far as secrets and wrapping keys go: neither is in Debian or npm. It follows the REST API
7.4 and is strict about what it is sent; Microsoft's own clients, @azure/keyvault-secrets and @azure/keyvault-keys, judge it
(tests/clients/azure.mjs, azure_keys.mjs)."""

import base64
import binascii
import http.server
import json
import re
import secrets
import ssl
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
PAGE = 3


class Azure:
    def __init__(self, authority, folder):
        certificate, key = authority.issue("azure", ("localhost",))
        self.ca_file = authority.certificate
        self.tenant, self.client_id, self.client_secret = "tenant-7", "client-7", secrets.token_urlsafe(32)
        self.secrets, self.deleted, self.tokens, self.requests = {}, {}, set(), []
        self.keys, self.denied = {}, set()  # versions by the name of a key; operations that the application may not do
        self.refuse = []  # statuses that come first
        self.soft_delete = True
        azure = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                azure.requests.append((self.command, self.path, body))
                status, answer, fields = azure.answer(self.command, self.path, self.headers, body)
                data = json.dumps(answer).encode() if answer is not None else b""
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **fields}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def config(self):
        """`vault` of a configuration that uses it; the secret is AZURE_CLIENT_SECRET."""
        return {"backend": "azure", "azure": {"url": self.url, "tenant": self.tenant, "client_id": self.client_id, "authority": self.url,
                                              "client_secret": "${env:AZURE_CLIENT_SECRET}", "ca_file": str(self.ca_file)}}

    # --- what is answered ---

    def answer(self, method, target, headers, body):
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == f"/{self.tenant}/oauth2/v2.0/token":
            return self.token(method, headers, body)
        challenge = f'Bearer authorization="{self.url}/{self.tenant}", resource="https://vault.azure.net"'
        if headers.get("Authorization", "") not in {f"Bearer {token}" for token in self.tokens}:
            return 401, error("Unauthorized", "AKV10000: Request is missing a Bearer or PoP token."), {"WWW-Authenticate": challenge}
        if not re.fullmatch(r"7\.[3-6]|202\d-\d\d-\d\d", query.get("api-version", "")):
            return 400, error("BadParameter", "The specified version is not supported."), {}
        if self.refuse:
            return self.refuse.pop(0), error("Throttled", "later"), {"Retry-After": "1"}
        if body and headers.get("Content-Type", "").split(";")[0] != "application/json":
            return 415, error("BadParameter", "Unsupported Media Type"), {}
        parts = url.path.strip("/").split("/")
        if parts[0] == "keys":
            return self.key(method, url.path.removeprefix("/").split("/"), json.loads(body) if body else None)
        return self.secret(method, parts, query, json.loads(body) if body else None)

    def sealing_config(self, key="gatehouse"):
        """`vault` of a configuration that it opens; the secret is AZURE_CLIENT_SECRET."""
        return {"azure_key": key, "azure": self.config()["azure"]}

    # --- keys ---

    def make_key(self, name="gatehouse", size=2048, kty="RSA"):
        """A key, or another version of it: its id."""
        version = secrets.token_hex(16)
        made = {"id": f"{self.url}/keys/{name}/{version}", "kty": kty, "key": rsa.generate_private_key(65537, size), "enabled": True}
        self.keys.setdefault(name, []).append(made)
        return made["id"]

    def key(self, method, parts, body):
        name, version, operation = [*parts[1:], "", "", ""][:3]
        if len(parts) > 4 or not NAME.fullmatch(name):
            return 400, error("BadParameter", f"The request URI contains an invalid name: {name}"), {}
        versions = [each for each in self.keys.get(name, []) if not version or each["id"].endswith("/" + version)]
        wanted = operation if method == "POST" else "get"
        if wanted in self.denied:
            return 403, error("Forbidden", f"Caller is not authorized to perform action on resource. Action: keys/{wanted}"), {}
        if not versions:
            return 404, error("KeyNotFound", f"A key with (name/id) {name}/{version} was not found in this key vault."), {}
        key = versions[-1]
        if method == "GET" and not operation:
            return 200, shown_key(key), {}
        if method != "POST" or operation not in ("wrapkey", "unwrapkey"):
            return 405, error("MethodNotAllowed", method), {}
        if not key["enabled"]:
            return 403, error("Forbidden", f"Operation {operation} is not allowed on a disabled key."), {}
        if not isinstance(body, dict) or set(body) != {"alg", "value"} or body["alg"] != "RSA-OAEP-256" or key["kty"] != "RSA":
            return 400, error("BadParameter", "Property  has invalid value"), {}
        try:
            value = base64.urlsafe_b64decode(body["value"] + "=" * (-len(body["value"]) % 4))
            if operation == "wrapkey":
                result = key["key"].public_key().encrypt(value, OAEP)
            else:
                result = key["key"].decrypt(value, OAEP)
        except (ValueError, binascii.Error):
            return 400, error("BadParameter", "The parameter is incorrect."), {}
        return 200, {"kid": key["id"], "value": b64url(result)}, {}

    def token(self, method, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        wanted = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret,
                  "scope": "https://vault.azure.net/.default"}
        if method != "POST" or headers.get("Content-Type") != "application/x-www-form-urlencoded" or form != wanted:
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}, {}
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        return 200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}, {}

    def secret(self, method, parts, query, body):
        place, name = parts[0], parts[1] if len(parts) > 1 else ""
        if place == "secrets" and not name and method == "GET":
            return self.page(query)
        if not NAME.fullmatch(name):
            return 400, error("BadParameter", f"The request URI contains an invalid name: {name}"), {}
        if place == "secrets" and method == "PUT":
            return self.put(name, body)
        store = self.secrets if place == "secrets" else self.deleted
        if name not in store:
            return 404, error("SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault."), {}
        if place == "secrets" and method == "GET" and len(parts) > 2 and parts[2] == "versions":
            return 200, {"value": [item(each) for each in store[name]], "nextLink": None}, {}
        if place == "secrets" and method == "GET":
            found = [each for each in store[name] if len(parts) < 3 or not parts[2] or each["id"].endswith("/" + parts[2])]
            return (200, found[-1], {}) if found else (404, error("SecretNotFound", "no such version"), {})
        if place == "secrets" and method == "PATCH":
            store[name][-1].update({key: body[key] for key in ("tags", "contentType") if key in body})
            return 200, {key: value for key, value in store[name][-1].items() if key != "value"}, {}
        if place == "secrets" and method == "DELETE":
            bundle = self.secrets.pop(name)
            if self.soft_delete:
                self.deleted[name] = bundle
            return 200, self.gone(name, bundle), {}
        if place == "deletedsecrets" and method == "GET":
            return 200, self.gone(name, store[name]), {}
        if place == "deletedsecrets" and method == "DELETE":
            del store[name]
            return 204, None, {}
        if place == "deletedsecrets" and method == "POST" and parts[2:] == ["recover"]:
            self.secrets[name] = store.pop(name)
            return 200, {key: value for key, value in self.secrets[name][-1].items() if key != "value"}, {}
        return 405, error("MethodNotAllowed", method), {}

    def put(self, name, body):
        if not isinstance(body, dict) or not isinstance(body.get("value"), str) or set(body) - {"value", "tags", "contentType", "attributes"}:
            return 400, error("BadParameter", "Property  has invalid value"), {}
        if len(body["value"]) > 25600:
            return 400, error("BadParameter", "Secret value length exceeds the maximum"), {}
        if name in self.deleted:
            return 409, error("Conflict", f"Secret {name} is currently in a deleted but recoverable state"), {}
        now = int(time.time())
        made = {"value": body["value"], "id": f"{self.url}/secrets/{name}/{secrets.token_hex(16)}",
                "attributes": {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable+Purgeable"},
                "tags": body.get("tags", {})}
        if "contentType" in body:
            made["contentType"] = body["contentType"]
        self.secrets.setdefault(name, []).append(made)
        return 200, made, {}

    def page(self, query):
        names = sorted(self.secrets)
        start = int(query.get("$skiptoken", 0))
        some = [item(self.secrets[name][-1], versionless=True) for name in names[start:start + PAGE]]
        more = start + PAGE < len(names)
        link = f"{self.url}/secrets?api-version={query['api-version']}&$skiptoken={start + PAGE}&maxresults={PAGE}"
        return 200, {"value": some, "nextLink": link if more else None}, {}

    def gone(self, name, bundle):
        now = int(time.time())
        return {**{key: value for key, value in bundle[-1].items() if key != "value"},
                "recoveryId": f"{self.url}/deletedsecrets/{name}", "deletedDate": now, "scheduledPurgeDate": now + 86400}


def item(bundle, versionless=False):
    shown = {key: value for key, value in bundle.items() if key != "value"}
    return {**shown, "id": shown["id"].rsplit("/", 1)[0]} if versionless else shown


def b64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def shown_key(key):
    numbers = key["key"].public_key().public_numbers()
    octets = {"n": numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"), "e": numbers.e.to_bytes(3, "big")}
    return {"key": {"kid": key["id"], "kty": key["kty"], "key_ops": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
                    **{name: b64url(value) for name, value in octets.items()}},
            "attributes": {"enabled": key["enabled"], "created": 1, "updated": 1, "recoveryLevel": "Recoverable+Purgeable"}}


def error(code, message):
    return {"error": {"code": code, "message": message}}
