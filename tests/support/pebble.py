"""Pebble, a server of ACME made by others, with a name server beside it: both on loopback, gone with the test."""

import json
import os
import secrets
import shutil
import base64
import signal
import ssl
import subprocess
import urllib.request

from support.ports import free_port
from support.tls import Authority
from support.wait import seconds, until

INSTALLED = all(shutil.which(name) for name in ("pebble", "pebble-challtestsrv"))


class Pebble:
    """`http_port` and `tls_port` are where it looks for proofs. It forgets everything when it is stopped."""

    def __init__(self, folder, http_port=None, tls_port=None, external=False, validity=None, nonces_refused=5, port=None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.management = port or free_port(), free_port()
        self.http_port, self.tls_port = http_port or free_port(), tls_port or free_port()
        self.nonces_refused = nonces_refused
        self.authority = Authority(folder / "authority", "Pebble's own server")
        certificate, key = self.authority.issue("pebble")
        self.ca_file = self.authority.certificate
        self.directory = f"https://localhost:{self.port}/dir"
        config = {"listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management}",
                  "certificate": str(certificate), "privateKey": str(key), "httpPort": self.http_port, "tlsPort": self.tls_port,
                  "ocspResponderURL": "", "externalAccountBindingRequired": external}
        self.key_id = self.hmac_key = None
        if external:
            self.key_id = "kid-1"
            self.hmac_key = base64.urlsafe_b64encode(secrets.token_bytes(48)).decode()
            config["externalAccountMACKeys"] = {self.key_id: self.hmac_key}
        if validity:
            config["certificateValidityPeriod"] = validity
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        self.dns_port, self.dns_management = free_port(), free_port()
        self.processes, self.process = [], None
        self._run("dns", "pebble-challtestsrv", "-dns01", f"127.0.0.1:{self.dns_port}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                  "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{self.dns_management}")
        self.start()

    def _run(self, name, *command, env=None):
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                       env={"PATH": os.environ["PATH"]} | (env or {}))
        self.processes.append(process)
        return process

    def start(self):
        self.process = self._run("pebble", "pebble", "-strict", "-config", str(self.folder / "pebble.json"), "-dnsserver",
                                 f"127.0.0.1:{self.dns_port}",
                                 env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0",
                                      "PEBBLE_WFE_NONCEREJECT": str(self.nonces_refused)})
        until(self._answers, "Pebble", timeout=10)

    def _answers(self):
        assert self.process.poll() is None, self.log()
        try:
            return self.get(self.directory)
        except OSError:
            return False

    def get(self, url):
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(url, context=context, timeout=seconds(5)) as answer:  # noqa: S310
            return answer.read()

    def root(self):
        """The file of the root that it has now."""
        path = self.folder / "root.pem"
        path.write_bytes(self.get(f"https://localhost:{self.management}/roots/0"))
        return path

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def log(self):
        return (self.folder / "pebble.log").read_text(errors="replace")

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
