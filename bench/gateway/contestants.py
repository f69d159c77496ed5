"""Who is measured, and how each is told to do the same work.

Every contestant listens four times: `plain` and `tls` forward and nothing else, `full` does everything, `metrics`
answers a scraper. One worker. TLS 1.3 with the same P-256 certificate, keep-alive without a limit of requests, pooled
connections to the origin.
"""

import dataclasses
import json
import os
import pathlib
import shutil

from material import ISSUER, Material
from processes import CONNECTIONS_MAX, Failed, Server, free_port, gatehouse_binary, version_of

NEVER_REACHED = 100_000_000  # requests a second of one address


@dataclasses.dataclass
class Setup:
    """One start of one contestant."""
    directory: pathlib.Path
    material: Material
    origin_port: int
    rate: int = NEVER_REACHED
    ports: dict = dataclasses.field(default_factory=lambda: {name: free_port() for name in
                                                            ("plain", "tls", "full", "metrics")})

    def __post_init__(self):
        self.directory.mkdir(parents=True)


class Gatehouse:
    name = "gatehouse"
    checks_tokens = True
    metrics_path, metrics_word = "/metrics", "http_requests_total"
    log = "access.log"
    note = ""

    def version(self):
        return version_of([str(gatehouse_binary()), "version"])

    def missing(self):
        gatehouse_binary()
        return ""

    def start(self, setup, cores):
        material, port = setup.material, setup.ports
        tls = {"min_version": "1.3", "certificate": {"cert_file": str(material.certificate),
                                                     "key_file": str(material.key)}}

        def listener(name, **more):
            return {"name": name, "bind": f"127.0.0.1:{port[name]}", "serve": ["gateway"]} | more

        def forward(name):
            return {"match": {"listener": name, "path_prefix": "/"}, "upstream": "origin", "access": "public",
                    "access_log": False}
        config = {
            "data_dir": str(setup.directory / "data"),
            "workers": 1,
            "limits": {"connections_max": CONNECTIONS_MAX, "connections_per_address_max": CONNECTIONS_MAX,
                       "requests_per_connection_max": 1_000_000_000, "keep_alive_timeout": "300s"},
            "listeners": [listener("plain"), listener("tls", tls=tls),
                          listener("full", tls=tls, hsts={"max_age": "365d", "include_subdomains": True}),
                          listener("metrics", serve=["health", "metrics"])],
            "upstreams": [{"name": "origin", "endpoints": [f"http://127.0.0.1:{setup.origin_port}"]}],
            "auth": {"trusted_issuers": [{"issuer": ISSUER, "algorithm": "HS256", "secret": "${env:BENCH_SECRET}",
                                          "audience": "any"}]},
            "routes": [forward("plain"), forward("tls"),
                       {"match": {"listener": "full", "path_prefix": "/"}, "upstream": "origin",
                        "access": "authenticated",
                        "rate_limit": [{"requests": setup.rate, "per": "1s", "by": "client_ip"}]}],
            "telemetry": {"access_log": {"path": str(setup.directory / self.log), "format": "json"}},
        }
        file = setup.directory / "gatehouse.yaml"
        file.write_text(json.dumps(config, indent=1))
        return Server(cores.on(cores.server, [gatehouse_binary(), "serve", "--config", file]), setup.directory,
                      {"BENCH_SECRET": material.secret})


class Nginx:
    name = "nginx"
    checks_tokens = False
    metrics_path, metrics_word = "/metrics", "Active connections"
    log = "access.log"
    note = "checks no token and has no Prometheus metrics (stub_status instead): its rows with everything on do less"

    def version(self):
        return version_of(["nginx", "-v"]).removeprefix("nginx version: ")

    def missing(self):
        return "" if shutil.which("nginx") else "nginx is not installed"

    def start(self, setup, cores):
        material, port = setup.material, setup.ports
        limited = setup.rate != NEVER_REACHED
        paths = "".join(f"    {module}_temp_path {setup.directory}/{module};\n"
                        for module in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        headers = "".join(f"        add_header {name} {value} always;\n" for name, value in (
            ("X-Request-ID", "$request_id"),
            ("Strict-Transport-Security", '"max-age=31536000; includeSubDomains"'),
            ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "\"default-src 'none'; frame-ancestors 'none'\"")))
        file = setup.directory / "nginx.conf"
        file.write_text(f"""daemon off;
{"user root;" if os.getuid() == 0 else ""}
worker_processes 1;
worker_rlimit_nofile {CONNECTIONS_MAX * 3};
pid {setup.directory}/pid;
error_log stderr warn;
events {{ worker_connections {CONNECTIONS_MAX * 2}; }}
http {{
{paths}    access_log off;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    ssl_certificate {material.certificate};
    ssl_certificate_key {material.key};
    ssl_protocols TLSv1.3;
    upstream origin {{
        server 127.0.0.1:{setup.origin_port};
        keepalive 256;
        keepalive_requests 1000000000;
        keepalive_timeout 300s;
    }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    limit_req_zone $binary_remote_addr zone=address:10m rate={setup.rate if limited else 1000000}r/s;
    limit_req_status 429;
    log_format line escape=json '{{"ts":"$time_iso8601","request_id":"$request_id","client":"$remote_addr",'
        '"method":"$request_method","path":"$uri","protocol":"$server_protocol","status":$status,'
        '"bytes":$body_bytes_sent,"seconds":$request_time,"upstream_seconds":"$upstream_response_time",'
        '"user_agent":"$http_user_agent"}}';
    server {{ listen 127.0.0.1:{port["plain"]} backlog=4096; location / {{ proxy_pass http://origin; }} }}
    server {{ listen 127.0.0.1:{port["tls"]} ssl backlog=4096; location / {{ proxy_pass http://origin; }} }}
    server {{
        listen 127.0.0.1:{port["full"]} ssl http2 backlog=4096;
        access_log {setup.directory}/{self.log} line buffer=64k flush=1s;
{headers}        location / {{
            limit_req zone=address burst={setup.rate if limited else 1000000} nodelay;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Request-ID $request_id;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
            proxy_pass http://origin;
        }}
    }}
    server {{ listen 127.0.0.1:{port["metrics"]}; location = /metrics {{ stub_status; }} }}
}}
""")
        return Server(cores.on(cores.server, ["nginx", "-p", setup.directory, "-c", file]), setup.directory)


class Haproxy:
    name = "haproxy"
    checks_tokens = True
    metrics_path, metrics_word = "/metrics", "haproxy_frontend_http_requests_total"
    log = "stdout"
    note = "checks signature, algorithm and expiry of a token, not its issuer; writes each log line by itself"

    def version(self):
        return version_of(["haproxy", "-v"]).split(" - ")[0]

    def missing(self):
        return "" if shutil.which("haproxy") else "haproxy is not installed"

    def start(self, setup, cores):
        material, port = setup.material, setup.ports
        bind = "backlog 4096 ssl crt {} alpn".format(material.certificate_and_key)
        headers = "".join(f"    http-response set-header {name} {value}\n" for name, value in (
            ("X-Request-ID", "%[unique-id]"),
            ("Strict-Transport-Security", '"max-age=31536000; includeSubDomains"'),
            ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "\"default-src 'none'; frame-ancestors 'none'\"")))
        file = setup.directory / "haproxy.cfg"
        file.write_text(f"""global
    nbthread 1
    maxconn {CONNECTIONS_MAX}
    log stdout format raw local0
    ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
    option http-keep-alive
    http-reuse always
    default_backend origin
frontend plain
    bind 127.0.0.1:{port["plain"]} backlog 4096
frontend tls
    bind 127.0.0.1:{port["tls"]} {bind} http/1.1
frontend full
    bind 127.0.0.1:{port["full"]} {bind} h2,http/1.1
    log global
    log-format '{{"ts":"%tr","request_id":"%ID","client":"%ci","method":"%HM","path":"%[capture.req.uri,json]",\
"protocol":"%HV","status":%ST,"bytes":%B,"seconds":%Ta,"upstream_seconds":%Tr,"user_agent":"%[capture.req.hdr(0),json]"}}'
    http-request capture req.hdr(user-agent) len 64
    unique-id-format %[uuid()]
    unique-id-header X-Request-ID
    http-request track-sc0 src table addresses
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {setup.rate} }}
    http-request set-var(txn.algorithm) http_auth_bearer,jwt_header_query('$.alg')
    http-request deny deny_status 401 unless {{ var(txn.algorithm) -m str HS256 }}
    http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_verify(txn.algorithm,"{material.secret}") -m int 1 }}
    http-request set-var(txn.expiry) http_auth_bearer,jwt_payload_query('$.exp','int')
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 if {{ var(txn.expiry),sub(txn.now) -m int le 0 }}
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
{headers}frontend metrics
    bind 127.0.0.1:{port["metrics"]}
    http-request use-service prometheus-exporter if {{ path /metrics }}
backend origin
    server one 127.0.0.1:{setup.origin_port} pool-max-conn -1
backend addresses
    stick-table type ip size 100k expire 10m store http_req_rate(1s)
""")
        return Server(cores.on(cores.server, ["haproxy", "-db", "-f", file]), setup.directory)


ALL = {contestant.name: contestant for contestant in (Gatehouse(), Nginx(), Haproxy())}


def started(contestant, setup, cores):
    """A running contestant whose four ports answer."""
    if reason := contestant.missing():
        raise Failed(reason)
    server = contestant.start(setup, cores)
    try:
        for port in setup.ports.values():
            server.wait_for_port(port)
    except BaseException:
        server.stop()
        raise
    return server
