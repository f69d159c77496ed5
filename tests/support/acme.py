"""What ACME clients need around them: our server with its switches set for loopback, a name server, and a web root."""

import functools
import http.server
import subprocess
import threading

from support.control import house_config
from support.dns import NameServer
from support.gateway import environment
from support.ports import free_port
from support.wait import seconds


def acme_config(directory, names, workers=1, **changes):
    """`public` serves the API with a certificate of the internal CA; names below `.test` may be issued."""
    config = house_config(directory, workers=workers)
    config["listeners"].append({"name": "public", "bind": f"127.0.0.1:{free_port()}", "tls": {}, "serve": ["api"]})
    config["pki"] = {"acme": {"enabled": True, "domains": ["test"], "external_account_required": False, "challenge_networks": ["127.0.0.0/8"],
                              "resolver": names.address, "http_port": free_port(), "tls_port": free_port()} | changes}
    return config


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *arguments):
        self.server.asked.append(self.path)


class WebRoot:
    """Serves a folder on the port that http-01 asks."""

    def __init__(self, folder, port):
        self.challenges = folder / ".well-known" / "acme-challenge"
        self.challenges.mkdir(parents=True)
        handler = functools.partial(_Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.asked = self.asked = []
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


class AcmeHouse:
    """A running gateway, its name server and a folder for the clients."""

    def __init__(self, start, folder, plain=False, **changes):
        self.folder = folder
        self.names = NameServer()
        config = acme_config(folder / "gateway0", self.names, **changes)
        self.settings = config["pki"]["acme"]
        if plain:
            self.settings["url"] = "http://" + config["listeners"][0]["bind"].replace("127.0.0.1", "localhost")
        self.gateway = start(config)
        self.url = self.settings.get("url", f"https://localhost:{self.gateway.port('public')}")
        self.directory = f"{self.url}/acme/directory"
        self.root = folder / "gateway0" / "data" / "ca.pem"
        self.web = None

    def serve_files(self):
        self.web = WebRoot(self.folder / "www", self.settings["http_port"])
        return self.web.challenges

    def run(self, *command, env=None, timeout=180, code=0, cwd=None):
        """A client, to its end."""
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=seconds(timeout), check=False,
                              env=environment(env) | {"HOME": str(self.folder)}, cwd=cwd or self.folder)
        assert code is None or done.returncode == code, f"{done.stdout}\n{done.stderr}\n{self.gateway.output()}"
        return done

    def close(self):
        self.names.close()
        if self.web:
            self.web.close()
