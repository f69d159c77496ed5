"""Starts the real binary on a configuration, watches its log, stops it and judges how it went."""

import hashlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from support import raw
from support.ports import free_port
from support.wait import seconds, until

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("GATEHOUSE_BIN", ROOT / "build/release/gatehouse"))

# Sanitizers keep what is freed and surround what is not: memory says nothing then.
SANITIZED = any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))
_SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def without_leak_check():
    """For a gateway that is ended while a database hangs: what waits for it is abandoned with the process, as it is meant to
    be, and would be told as leaked."""
    return {"ASAN_OPTIONS": os.environ["ASAN_OPTIONS"] + ":detect_leaks=0"} if "ASAN_OPTIONS" in os.environ else {}


def environment(extra=None):
    """A clean environment: nothing of the caller's may configure the gateway."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
            if name in os.environ}
    return kept | (extra or {})


def run(*arguments, env=None, cwd=None, timeout=20, stdin=None):
    """A verb of the command line, run to its end."""
    return subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, input=stdin,
                          env=environment(env), cwd=cwd, timeout=seconds(timeout), check=False)


def write_config(path, config):
    """JSON is YAML; one key a line, so that problems have line numbers. Replaced whole, as editors do."""
    text = config if isinstance(config, str) else json.dumps(config, indent=2) + "\n"
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


class Gatehouse:
    """One process. `config` is a dict as in gatehouse.yaml; None starts without a file."""

    def __init__(self, directory, config=None, arguments=(), env=None, ready=True):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config, self.env = config, env
        self.config_file = self.directory / "gatehouse.yaml"
        self.stdout_file, self.stderr_file = self.directory / "stdout", self.directory / "stderr"
        command = [str(BINARY), "serve"]
        if config is not None:
            write_config(self.config_file, config)
            command += ["--config", str(self.config_file)]
        assert BINARY.exists(), f"{BINARY} is missing: build the release preset or set GATEHOUSE_BIN"
        with self.stdout_file.open("wb") as out, self.stderr_file.open("wb") as err:
            self.process = subprocess.Popen([*command, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, env=environment(env), cwd=self.directory)
        self.expected_exit = 0
        if ready:
            try:
                self.wait_until_ready()
            except BaseException:
                self.kill()
                raise

    # --- what it listens on ---

    def port(self, listener):
        bind = next(item["bind"] for item in self.config["listeners"] if item["name"] == listener)
        return int(bind.rsplit(":", 1)[1])

    def connect(self, listener="plain", **options):
        return raw.Connection(self.port(listener), **options)

    def request(self, method, target, fields=(), body=b"", listener="plain", host="localhost", **options):
        """One request on a connection of its own."""
        with self.connect(listener, **options) as connection:
            return connection.request(method, target, fields, body, host)

    def get(self, target, fields=(), **options):
        return self.request("GET", target, fields, **options)

    # --- its life ---

    def wait_until_ready(self):
        def alive():
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output()}"
            try:
                return self.request("GET", "/health/live", listener="admin", timeout=2).status == 200
            except (OSError, raw.Closed):
                return False
        until(alive, "/health/live", timeout=10)

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, config=None, accepted=True):
        """SIGHUP, then waits until the log tells how it went."""
        if config is not None:
            write_config(self.config_file, config)
        return self.reloads_after(lambda: self.signal(signal.SIGHUP), accepted)

    def reloads_after(self, action, accepted=True):
        before = len(self.reload_lines())
        action()
        line = until(lambda: self.reload_lines()[before:], "a log line about the reload", timeout=10)[0]
        refused = line.get("level", "").lower() in ("error", "warning", "warn")
        assert refused != accepted, line
        return line

    def reload_lines(self):
        """Lines that say how a reload ended."""
        return [line for line in self.log() if re.search(r"reload", line.get("message", ""), re.I)]

    def stop(self, timeout=10):
        """SIGTERM, the end, and no sanitizer report; returns the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait_for_exit(timeout)

    def wait_for_exit(self, timeout=10):
        try:
            self.process.wait(seconds(timeout))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {seconds(timeout):g} s after SIGTERM:\n{self.output()}") from None
        return self.process.returncode

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        """The end of every test: a graceful stop with the expected exit code and nothing for the sanitizers."""
        code = self.stop()
        report = _SANITIZER.search(self.output())
        assert not report, self.output()[max(0, report.start() - 200):report.start() + 6000]
        assert code == self.expected_exit, f"exit code {code}:\n{self.output()[-4000:]}"

    def assert_alive(self):
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output()[-4000:]}"
        assert self.request("GET", "/health/live", listener="admin").status == 200

    # --- what it said ---

    def output(self):
        return (self.stdout_file.read_bytes() + self.stderr_file.read_bytes()).decode(errors="replace")

    def log(self):
        """Lines of the process log: whatever is JSON on standard output and error, access lines left out."""
        return [line for line in json_lines(self.output()) if line.get("component") != "access"]

    def access_log(self):
        """Lines of the access log file."""
        path = self.directory / "access.log"
        return json_lines(path.read_text(errors="replace")) if path.exists() else []

    def access_line(self, key, value, timeout=5):
        """The one access line whose `key` is `value`, waited for: lines are written when the body has left."""
        found = until(lambda: [line for line in self.access_log() if line.get(key) == value],
                      f"an access log line with {key}={value}", timeout)
        assert len(found) == 1, found
        return found[0]

    # --- what it costs and counts ---

    def resident_bytes(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def metrics(self):
        """{(name, frozenset of label pairs): value} from the admin listener's /metrics."""
        response = self.request("GET", "/metrics", listener="admin")
        assert response.status == 200, response
        return parse_metrics(response.body.decode())

    def metric(self, name, **labels):
        """The sum over all series of `name` that carry these labels."""
        wanted = {(key, str(value)) for key, value in labels.items()}
        return sum(value for (series, has), value in self.metrics().items() if series == name and wanted <= has)


def json_lines(text):
    lines = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            lines.append(value)
    return lines


_SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse_metrics(text):
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.fullmatch(line)
        assert match, f"not a sample: {line!r}"
        key = (match[1], frozenset(_LABEL.findall(match[2] or "")))
        assert key not in samples, f"series twice: {line!r}"
        samples[key] = float(match[3])
    return samples


def basic_config(directory, upstreams, routes=None, workers=1, tls=None, **changes):
    """A small configuration: `plain` serves the gateway on loopback, `admin` health and metrics, and with `tls`
    (a dict for the listener's key) `public` serves the gateway too. `upstreams` are Upstream objects or dicts."""
    listeners = [
        {"name": "plain", "bind": f"127.0.0.1:{free_port()}", "serve": ["gateway"]},
        {"name": "admin", "bind": f"127.0.0.1:{free_port()}", "serve": ["health", "metrics"]},
    ]
    if tls is not None:
        listeners.append({"name": "public", "bind": f"127.0.0.1:{free_port()}", "tls": tls, "serve": ["gateway"]})
    config = {
        "data_dir": str(Path(directory) / "data"),
        "workers": workers,
        "listeners": listeners,
        "upstreams": [item if isinstance(item, dict) else upstream_config(item) for item in upstreams],
        "routes": routes if routes is not None else [public_route()],
        "telemetry": {"access_log": {"path": str(Path(directory) / "access.log")}},
    }
    config.update(changes)
    return config


def upstream_config(upstream, name="backend", **changes):
    return {"name": name, "endpoints": [upstream.url]} | changes


def api_key(key_id, value, roles=("user",), **changes):
    """An entry of auth.api_keys: the file holds the hash, since secrets may not stand in it."""
    return {"id": key_id, "sha256": hashlib.sha256(value.encode()).hexdigest(), "roles": list(roles)} | changes


def public_route(prefix="/", upstream="backend", **changes):
    return {"match": {"path_prefix": prefix}, "upstream": upstream, "access": "public"} | changes
