"""`gatehouse health`: what containers and scripts ask instead of curl."""

import pytest

from support import upstream as answers
from support.gateway import public_route, run, write_config
from support.ports import free_port
from support.wait import until


def health(gateway, *arguments):
    return run("health", "--config", gateway.config_file, *arguments)


def test_a_running_gateway_is_alive_and_ready(gateway):
    alive, ready = health(gateway), health(gateway, "--ready")
    assert (alive.returncode, alive.stdout, alive.stderr) == (0, "alive\n", "")
    assert (ready.returncode, ready.stdout, ready.stderr) == (0, "ready\n", "")
    assert run("health", "--url", f"http://127.0.0.1:{gateway.port('admin')}").returncode == 0
    assert run("health", "--url", f"http://localhost:{gateway.port('admin')}/health/ready").returncode == 0


def test_an_upstream_that_is_away_is_named_by_ready_alone(start, configure, make_upstream):
    upstream = {"name": "backend", "endpoints": [make_upstream(answers.normal(500)).url],
                "health_check": {"path": "/health", "interval": "1s", "timeout": "1s"}}
    gateway = start(configure([upstream], [public_route()]))
    failed = until(lambda: (done := health(gateway, "--ready")).returncode and done, "not ready", timeout=20, pause=0.2)
    assert failed.returncode == 1 and failed.stdout == ""
    assert f"http://127.0.0.1:{gateway.port('admin')}/health/ready answers 503: " in failed.stderr and "unhealthy" in failed.stderr
    assert health(gateway).returncode == 0


def test_a_stopped_gateway_is_told(gateway):
    gateway.stop()
    done = health(gateway)
    assert done.returncode == 1 and "does not answer: " in done.stderr and "Connection refused" in done.stderr


def test_one_that_hangs_is_told_in_time(make_upstream):
    hanging = make_upstream(lambda connection, request: hanging.let_go.wait(30))
    done = run("health", "--url", hanging.url, "--timeout", "300ms", timeout=5)
    assert done.returncode == 1 and "no answer in time" in done.stderr


@pytest.mark.parametrize("bind, hosts", [("0.0.0.0", None), ("[::]", ["api.example.com"]), ("127.0.0.1", ["*.example.com"]),
                                         ("0.0.0.0", ["*.example.com", "other.example.com"])])
def test_the_listener_is_found_whatever_it_is_bound_to(start, configure, upstream, bind, hosts):
    config = configure([upstream])
    config["listeners"][1]["bind"] = config["listeners"][1]["bind"].replace("127.0.0.1", bind)
    if hosts:
        config["allowed_hosts"] = hosts
    gateway = start(config, ready=False)
    until(lambda: health(gateway).returncode == 0, "health", timeout=10, pause=0.1)


def test_a_listener_with_tls_is_asked_with_tls(start, configure, upstream, authority, tls_files):
    config = configure([upstream])
    config["listeners"][1] = {"name": "admin", "bind": f"127.0.0.1:{free_port()}", "tls": tls_files, "serve": ["health", "api"]}
    gateway = start(config, ready=False)
    until(lambda: health(gateway).returncode == 0, "health by TLS", timeout=10, pause=0.1)
    url = f"https://localhost:{gateway.port('admin')}"
    assert run("health", "--url", url).returncode == 1, "elsewhere certificates are verified"
    assert run("health", "--url", url, "--ca", authority.certificate).returncode == 0


def test_the_vault_stays_shut(start, configure, upstream, tmp_path):
    """A probe has no business with secrets: neither those of the file nor the key of the vault."""
    gateway = start(configure([upstream]))
    config = dict(gateway.config, auth={"trusted_issuers": [{"issuer": "https://a.example", "audience": "api", "algorithm": "HS256",
                                                             "secret": "${secret:nowhere/at/all}"}]})
    write_config(tmp_path / "sealed.yaml", config)
    done = run("health", "--config", tmp_path / "sealed.yaml")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("change, code, said", [
    (lambda config: config["listeners"].pop(), 1, "no listener of the configuration serves health"),
    (lambda config: config["listeners"][1].update(bind="127.0.0.1:0"), 1, "the system picks the port of listener admin"),
    (lambda config: config.update(nonsense=1), 2, "nonsense: unknown key"),
])
def test_a_configuration_that_names_no_place(configure, upstream, tmp_path, change, code, said):
    config = configure([upstream])
    change(config)
    write_config(tmp_path / "some.yaml", config)
    done = run("health", "--config", tmp_path / "some.yaml")
    assert done.returncode == code and said in done.stderr, done.stderr


@pytest.mark.parametrize("arguments", [["--url", "here"], ["--timeout", "soon"], ["--timeout", "2m"], ["--ca", "/nowhere"],
                                       ["--url", "https://127.0.0.1:1", "--ca", "/nowhere"]])
def test_wrong_use_ends_with_2(arguments):
    done = run("health", *arguments)
    assert done.returncode == 2 and arguments[-2] in done.stderr, done.stderr
