"""A real Prometheus that scrapes a gateway by what deploy/ ships."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

from support.ports import free_port
from support.wait import seconds, until

INSTALLED = bool(shutil.which("prometheus") and shutil.which("promtool"))
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def is_ready(port):
    """Prometheus and Alertmanager say so in the same way."""
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=seconds(5)).status == 200
    except OSError:
        return False


class Prometheus:
    """deploy/prometheus, asked each second for the metrics of `target` (HOST:PORT). `alertmanager` is a URL; `at_once` has
    alerts fire without their `for`."""

    def __init__(self, folder, target, alertmanager=None, at_once=False):
        shutil.copytree(DEPLOY / "prometheus", folder)
        config = yaml.safe_load((folder / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
        if alertmanager:
            where = config["alerting"]["alertmanagers"][0]["static_configs"][0]
            assert where["targets"] == ["127.0.0.1:9093"], "where deploy/alertmanager listens"
            where["targets"] = [alertmanager.removeprefix("http://")]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        if at_once:
            for file in (folder / "rules").glob("*.yml"):
                file.write_text(re.sub(r"^ *for: .*\n", "", file.read_text(), flags=re.M))
        self.port = free_port()
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], stdout=self.log, stderr=subprocess.STDOUT)
        until(lambda: is_ready(self.port), "Prometheus", timeout=30, pause=0.1)

    def query(self, expression):
        """[(labels, value)], or an AssertionError where it is no expression."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=seconds(30)) as answer:
            said = json.load(answer)
        assert said["status"] == "success", said
        return [(each["metric"], each["value"][1]) for each in said["data"]["result"]]

    def stop(self):
        self.process.terminate()
        self.process.wait(seconds(20))
        self.log.close()
