"""The benches run: a round each, short, with every check before and during the timing."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench/gateway"
BINARY = pathlib.Path(os.environ.get("GATEHOUSE_BIN", ROOT / "build/release/gatehouse"))
SHORT = ("--rounds", "1", "--seconds", "0.2", "--warm", "0.1")


@pytest.fixture(scope="session")
def tools():
    """Where the load generator and the origin lie, built by whichever preset is configured."""
    if not BINARY.exists():
        pytest.skip(f"{BINARY} is not built")
    build = next((path for preset in ("release", "dev", "gcc")
                  if (path := ROOT / "build" / preset).joinpath("build.ninja").exists()), None)
    if build is None:
        pytest.skip("no build is configured: cmake --preset release")
    done = subprocess.run(["cmake", "--build", build, "--target", "gh_bench_gateway"], capture_output=True, text=True,
                          timeout=1200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return build / "bench/gateway"


def run(script, *arguments, path=None):
    environment = {"PATH": path or os.environ["PATH"], "GATEHOUSE_BIN": str(BINARY)}
    return subprocess.run([sys.executable, "-B", BENCH / script, *SHORT, *map(str, arguments)], env=environment,
                          capture_output=True, text=True, timeout=900, check=False)


def ask(tools, *arguments):
    """One window; on a busy machine a short one may pass without an answer, then a longer one follows."""
    for seconds in (0.1, 0.4, 1.6, 6.4):
        done = subprocess.run([tools / "gh_bench_loadgen", "--warm", "0", "--seconds", str(seconds), "--connections", "2",
                               *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        if json.loads(done.stdout)["requests"]:
            break
    return json.loads(done.stdout)


@pytest.fixture
def origin(tools, tmp_path):
    (tmp_path / "body").write_bytes(b"right")
    with subprocess.Popen([tools / "gh_bench_origin", "--serve", f"/small={tmp_path / 'body'}"], text=True,
                          stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline().split()[1])
        process.terminate()


def test_gatehouse_nginx_and_haproxy_do_the_same_work(tools, tmp_path):
    for program in ("nginx", "haproxy"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (Debian's package)")
    done = run("run.py", "--scenarios", "plain,tls,full,h2,memory", "--idle-connections", 100, "--tools", tools,
               "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["failed"] == {}
    for key in ("plain", "tls", "full", "h2"):
        for name in ("gatehouse", "nginx", "haproxy"):
            [cell] = figures["results"][key][name]
            assert cell["requests"] > 0 and cell["cpu_us"] > 0 and 0 < cell["p50_us"] <= cell["p99_us"]
            assert set(cell["statuses"]) == {"200"}
        assert re.search(r"^\| gatehouse \| [\d.]+ \| [\d,]+ \|", done.stdout, re.MULTILINE)
    assert {name for name, size in figures["results"]["memory"].items() if size > 1024} == {"gatehouse", "nginx", "haproxy"}


def test_a_contestant_that_is_missing_is_named_and_not_measured(tools, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("taskset", "openssl"):
        programs.joinpath(name).symlink_to(shutil.which(name))
    done = run("run.py", "--scenarios", "plain", "--contestants", "gatehouse,nginx", "--tools", tools, path=str(programs))
    assert done.returncode == 1
    assert "nginx was not measured (checks): nginx is not installed" in done.stdout
    assert "| gatehouse |" in done.stdout


def test_one_dead_upstream_is_measured_beside_a_living_one(tools, tmp_path):
    done = run("dead_upstream.py", "--deaths", "refused,silent", "--tools", tools, "--json", tmp_path / "figures.json")
    assert done.returncode == 0 or "above 1.2" in done.stdout, done.stderr  # one short round judges nothing
    for rounds in json.loads((tmp_path / "figures.json").read_text()).values():
        alive = rounds["alive"][0]["b"]["statuses"]
        assert alive.get("200", 0) > 0  # on a busy machine even a living one may be late at times
        assert rounds["dead"][0]["b"]["statuses"].keys() <= {"502", "503", "504"}
        assert set(rounds["dead"][0]["statuses"]) == {"200"}
        assert rounds["dead"][0]["holds"]["connections"] > 0


def test_the_load_generator_sees_a_wrong_status_a_wrong_body_and_a_dead_end(tools, origin, tmp_path):
    (tmp_path / "wrong").write_bytes(b"wrong")
    right = ask(tools, "--port", origin, "--body", tmp_path / "body")
    assert right["requests"] > 0 and right["statuses"].keys() == {"200"}
    assert (right["wrong_status"], right["wrong_body"], right["broken"]) == (0, 0, 0)
    assert ask(tools, "--port", origin, "--body", tmp_path / "wrong")["wrong_body"] > 0
    assert ask(tools, "--port", origin, "--path", "/nowhere")["wrong_status"] > 0
    refused = subprocess.run([tools / "gh_bench_loadgen", "--port", "1"], capture_output=True, text=True, timeout=20,
                             check=False)
    assert refused.returncode == 1 and "does not take" in refused.stderr


def test_the_load_generator_keeps_to_a_rate(tools, origin):
    figures = ask(tools, "--port", origin, "--rate", 500, "--seconds", 2)
    assert 50 <= figures["requests"] <= 1040
