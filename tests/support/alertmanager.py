"""A real Alertmanager by what deploy/ ships, and the receiver that it sends to."""

import http.server
import json
import re
import shutil
import subprocess
import threading

import yaml

from support.ports import free_port
from support.prometheus import DEPLOY, is_ready
from support.wait import seconds, until

INSTALLED = bool(shutil.which("prometheus-alertmanager") and shutil.which("amtool"))
FILE = DEPLOY / "alertmanager" / "alertmanager.yml"


def everything_on(text):
    """With what stands ready behind a # switched on."""
    return re.sub(r"^( *)#(?=[a-z]|  )", r"\1", text, flags=re.M)


class Receiver:
    """A webhook, Slack and PagerDuty as far as being sent to goes: keeps (path, headers, body)."""

    def __init__(self):
        self.got, self.status = [], 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = receiver.status
                if status == 200:
                    receiver.got.append((self.path, dict(self.headers), body))
                # PagerDuty's Events API answers 202, the others 200 "ok".
                self.send_response(202 if status == 200 and self.path.startswith("/pagerduty") else status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def at(self, path):
        return [(headers, body) for got, headers, body in list(self.got) if got == path]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Alertmanager:
    """deploy/alertmanager with every receiver on, sending to `receiver` within a second. Its credentials are files of its folder."""

    def __init__(self, folder, receiver, change=lambda config: None):
        folder.mkdir()
        self.credentials = {"pagerduty.key": "routing-key-of-the-test", "slack.url": f"{receiver.url}/slack",
                            "alert-webhook.token": "token-of-the-test"}
        for name, text in self.credentials.items():
            (folder / name).write_text(text)
        text = everything_on(FILE.read_text()).replace("/etc/prometheus", str(folder))
        text = text.replace("http://127.0.0.1:9095", f"{receiver.url}/webhook")
        config = yaml.safe_load(text)
        config["global"]["pagerduty_url"] = f"{receiver.url}/pagerduty"
        for route in (config["route"], *config["route"]["routes"]):
            route["group_wait"] = "1s"
        change(config)
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="], stdout=self.log, stderr=subprocess.STDOUT)
        until(lambda: is_ready(self.port), "Alertmanager", timeout=30, pause=0.1)

    def amtool(self, *arguments):
        done = subprocess.run(["amtool", f"--alertmanager.url={self.url}", *arguments], capture_output=True, text=True,
                              timeout=seconds(30), check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self):
        self.process.terminate()
        self.process.wait(seconds(20))
        self.log.close()
