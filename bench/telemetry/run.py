#!/usr/bin/python3 -B
"""What watching costs: requests with everything on beside everything off, with dead receivers beside live ones, and a
page of 10,000 series.

    bench/telemetry/run.py [--rounds 9] [--seconds 0.7] [--parts on,dead,page]

`on`: two gateways take turns, one with access log, traces of 1 %, redaction and scrapes, one with none of it.
`dead`: two that send log lines to Loki, spans to a collector and errors to Sentry take turns; the receivers of one are
there, those of the other refuse connections, or take requests and never answer. `page`: /metrics with 10,000 series,
and what a client notices of it. Prints Markdown; ends with 1 when a figure is above its bound.
"""

import argparse
import http.client
import http.server
import json
import os
import pathlib
import secrets
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/gateway"))
import checks  # noqa: E402
from material import Material  # noqa: E402
from processes import (Cores, Failed, Origin, Server, end_on_sigterm, free_port, gatehouse_binary, load,  # noqa: E402
                       machine, tools_directory)

CONNECTIONS, RATE = 32, 2000
CPU_MAX = 1.10  # everything on ÷ everything off
DEAD_MAX, DEAD_P99_MAX = 1.05, 1.2
PAGE_SERIES, PAGE_SECONDS_MAX = 10_000, 0.020
ROUTES = 510
PARTS = ("on", "dead", "page")


class Receiver(http.server.ThreadingHTTPServer):
    """Stands for Loki, a collector and Sentry at once: reads what comes, and says that it is fine."""
    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.server.octets += len(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.octets, self.port = 0, self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Silent:
    """Takes connections and never says a word."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port, self.octets = self.socket.getsockname()[1], 0

    def stop(self):
        self.socket.close()


class Refusing:
    """A port where nobody is."""
    octets = 0

    def __init__(self):
        self.port = free_port()

    def stop(self):
        pass


def telemetry(directory, watched, receiver=None, pushes=True):
    """Of a configuration: everything, to Loki and Sentry as well where it is pushed, or nothing."""
    if not watched:
        return {"access_log": {"path": "none"}, "redaction": {"enabled": False}}
    settings = {"access_log": {"path": str(directory / "access.log"), "format": "json"}, "redaction": {"enabled": True}}
    if receiver:
        at = f"http://127.0.0.1:{receiver.port}"
        settings["traces"] = {"otlp_endpoint": at, "sample": 0.01}
        if pushes:
            settings["loki"] = {"url": at}
            settings["sentry_dsn"] = "${env:BENCH_DSN}"
    return settings


class Gateway(Server):
    def __init__(self, cores, directory, origin, settings, routes=(), receiver=None):
        self.ports = {"plain": free_port(), "admin": free_port()}
        config = {
            "data_dir": str(directory / "data"), "workers": 1,
            "limits": {"connections_per_address_max": 2000, "requests_per_connection_max": 1_000_000_000},
            "listeners": [{"name": "plain", "bind": f"127.0.0.1:{self.ports['plain']}", "serve": ["gateway"]},
                          {"name": "admin", "bind": f"127.0.0.1:{self.ports['admin']}", "serve": ["health", "metrics"]}],
            "upstreams": [{"name": "a", "endpoints": [f"http://127.0.0.1:{origin.port}"]}],
            "routes": [*({"match": {"path_prefix": path}, "upstream": "a", "access": "public"} for path in routes),
                       {"match": {"path_prefix": "/"}, "upstream": "a", "access": "public"}],
            "telemetry": settings,
        }
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "gatehouse.yaml"
        file.write_text(json.dumps(config, indent=1))
        super().__init__(cores.on(cores.server, [gatehouse_binary(), "serve", "--config", file]), directory,
                         {"BENCH_DSN": f"http://public@127.0.0.1:{receiver.port}/1"} if receiver else None)
        for port in self.ports.values():
            self.wait_for_port(port)

    def page(self):
        return checks.get(self.ports["admin"], "/metrics").body.decode()


class Lab:
    """What all parts share: an origin, one small answer, and a place to work."""

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.tools, self.cores = tools_directory(options.tools), Cores()
        self.material = Material(directory)
        self.origin = Origin(self.tools, self.cores, directory / "origin", {"/small": self.material.small})

    def gateway(self, name, settings, routes=(), receiver=None):
        return Gateway(self.cores, self.directory / name, self.origin, settings, routes, receiver)

    def measure(self, gateway, *more):
        command = ["--path", "/small", "--body", self.material.small, "--connections", CONNECTIONS, *more,
                   "--pids", ",".join(map(str, gateway.pids()))]
        return load(self.tools, self.cores, gateway.ports["plain"], command, self.options.warm, self.options.seconds)

    def figures(self, gateway):
        found = self.measure(gateway, "--rate", RATE)
        return {"p50_us": found["p50_us"], "p99_us": found["p99_us"], "cpu_us": self.measure(gateway)["cpu_us"]}

    def in_turns(self, gateways, look):
        """{name: [figures of each round]}; who is first changes with each round."""
        rounds = {name: [] for name in gateways}
        names = list(gateways)
        for number in range(self.options.rounds):
            for name in names[number % len(names):] + names[:number % len(names)]:
                rounds[name].append(look(gateways[name]))
            print(f"round {number + 1} of {self.options.rounds}", file=sys.stderr, flush=True)
        return rounds


def ratio(rounds, one, other, figure):
    """The median of the ratios round by round."""
    return statistics.median(a[figure] / b[figure] for a, b in zip(rounds[one], rounds[other]))


def table(rounds, one, other):
    yield "| | CPU µs/request | p50 µs | p99 µs |"
    yield "|---|---:|---:|---:|"
    for name, cells in rounds.items():
        yield f"| {name} | " + " | ".join(f"{statistics.median(cell[figure] for cell in cells):.{digits}f}" for figure, digits
                                         in (("cpu_us", 1), ("p50_us", 0), ("p99_us", 0))) + " |"
    yield f"| {one} ÷ {other} | " + " | ".join(f"{ratio(rounds, one, other, figure):.2f}"
                                              for figure in ("cpu_us", "p50_us", "p99_us")) + " |"


def arrived(gateway, receiver, seconds_max=10):
    """What was measured is watched: a trace that its client keeps comes to the receiver. Batches take a moment."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.ports["plain"], timeout=20)
    connection.request("GET", "/small", headers={"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"})
    connection.getresponse().read()
    connection.close()
    until = time.monotonic() + seconds_max
    while not receiver.octets:
        if time.monotonic() > until:
            raise Failed("nothing has arrived at the receivers")
        time.sleep(0.05)


def part_on(lab):
    """Everything on beside everything off."""
    receiver = Receiver()
    gateways = {}
    over = threading.Event()
    try:
        gateways["off"] = lab.gateway("off", telemetry(lab.directory / "off", False))
        gateways["on"] = lab.gateway("on", telemetry(lab.directory / "on", True, receiver, pushes=False))

        def scrape():
            while not over.wait(1):
                gateways["on"].page()
        threading.Thread(target=scrape, daemon=True).start()
        rounds = lab.in_turns(gateways, lab.figures)
        arrived(gateways["on"], receiver)
    finally:
        over.set()
        for gateway in gateways.values():
            gateway.stop()
        receiver.stop()
    print("**Everything on, beside everything off**\n", *table(rounds, "on", "off"), "", sep="\n")
    found = ratio(rounds, "on", "off", "cpu_us")
    return [f"everything on costs {found:.2f}, {CPU_MAX} are allowed"] if found > CPU_MAX else []


def part_dead(lab):
    """Receivers that are dead beside such that live."""
    above = []
    for title, kind in (("refuse connections", Refusing), ("never answer", Silent)):
        receivers, gateways = {"alive": Receiver(), "dead": kind()}, {}
        try:
            for name, receiver in receivers.items():
                place = lab.directory / f"{kind.__name__}-{name}"
                gateways[name] = lab.gateway(place.name, telemetry(place, True, receiver), receiver=receiver)
            rounds = lab.in_turns(gateways, lab.figures)
            arrived(gateways["alive"], receivers["alive"])
        finally:
            for one in (*gateways.values(), *receivers.values()):
                one.stop()
        print(f"**Loki, collector and Sentry {title}**\n", *table(rounds, "dead", "alive"), "", sep="\n")
        for figure, most in (("cpu_us", DEAD_MAX), ("p50_us", DEAD_MAX), ("p99_us", DEAD_P99_MAX)):
            if (found := ratio(rounds, "dead", "alive", figure)) > most:
                above.append(f"receivers that {title}: {figure} {found:.2f}, {most} are allowed")
    return above


def part_page(lab):
    """A page of many series, and requests beside it."""
    routes = [f"/r{number}/" for number in range(ROUTES)]
    gateway = lab.gateway("page", telemetry(lab.directory / "page", False), routes)
    try:
        for path in routes:
            checks.get(gateway.ports["plain"], path)
        series = sum(1 for line in gateway.page().splitlines() if line and not line.startswith("#"))
        if series < PAGE_SERIES:
            raise Failed(f"the page has {series} series alone")
        took, rounds = [], {"scraped": [], "left alone": []}
        over, ask = threading.Event(), threading.Event()

        def scrape():
            while not over.wait(0.05):
                if ask.is_set():
                    gateway.page()
        threading.Thread(target=scrape, daemon=True).start()
        try:
            for number in range(lab.options.rounds):
                for _ in range(10):
                    begun = time.perf_counter()
                    gateway.page()
                    took.append(time.perf_counter() - begun)
                for name in list(rounds)[::1 if number % 2 else -1]:
                    (ask.set if name == "scraped" else ask.clear)()
                    rounds[name].append(lab.measure(gateway, "--rate", RATE))
                ask.clear()
        finally:
            over.set()
    finally:
        gateway.stop()
    page = statistics.median(took)
    print(f"**/metrics with {series} series**\n\nmedian {page * 1000:.1f} ms, slowest {max(took) * 1000:.1f} ms; clients "
          f"meanwhile, twenty scrapes a second:\n", *table({name: [cell | {"cpu_us": cell["cpu_us"]} for cell in cells]
                                                            for name, cells in rounds.items()}, "scraped", "left alone"),
          "", sep="\n")
    return [f"a page takes {page * 1000:.1f} ms, {PAGE_SECONDS_MAX * 1000:.0f} are allowed"] if page > PAGE_SECONDS_MAX else []


def read_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.7, help="the timed window of each round (0.7)")
    parser.add_argument("--warm", type=float, default=0.3, help="seconds of load before each window (0.3)")
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ",".join(PARTS))
    parser.add_argument("--tools", help="where gh_bench_loadgen and gh_bench_origin lie")
    options = parser.parse_args(arguments)
    options.parts = options.parts.split(",")
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    if not (0 < options.rounds <= 1000 and 0 < options.seconds <= 30 and 0 <= options.warm <= 30):
        parser.error("rounds 1 to 1000, seconds up to 30")
    return options


def main(arguments):
    options = read_options(arguments)
    end_on_sigterm()
    load_before = os.getloadavg()[0]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="telemetry-bench-"))
    above, lab = [], None
    try:
        lab = Lab(options, directory)
        for part in options.parts:
            above += {"on": part_on, "dead": part_dead, "page": part_page}[part](lab)
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    finally:
        if lab:
            lab.origin.stop()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{machine()}; {options.rounds} rounds of {options.seconds} s; load average {load_before:.1f} before and "
          f"{os.getloadavg()[0]:.1f} after")
    print(f"above: {'; '.join(above)}" if above else "Nothing is above its bound.")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
