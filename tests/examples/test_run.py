"""./run without its build: what it starts, what it hands on, and that it leaves nothing behind."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.request

import pytest

from support.wait import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Stands in for the gateway: says what it was given, and lives until it is told to end.
GATEHOUSE = """#!/bin/bash
trap 'echo drained; exit 0' TERM
echo "gatehouse $*"
case "$*" in *broken*) exit 2 ;; esac
while :; do sleep 0.1; done
"""


@pytest.fixture
def run(tmp_path):
    """A checkout whose build is done already; gives a function that starts ./run."""
    shutil.copy(ROOT / "run", tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in (("tools/setup", "#!/bin/sh\n"), ("bin/cmake", "#!/bin/sh\n"), ("build/release/gatehouse", GATEHOUSE)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    log = tmp_path / "log"
    started = []

    def start(*arguments):
        with open(log, "wb") as out:
            started.append(subprocess.Popen(
                ["env", "--default-signal=INT", "./run", *arguments], cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}))
        return started[-1], log

    yield start
    for process in started:
        if group(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def group(leader):
    """Pids of the living processes of a session."""
    listing = subprocess.run(["ps", "-o", "pid=,stat=", "-g", str(leader)], capture_output=True, text=True, check=False)
    return [int(line.split()[0]) for line in listing.stdout.splitlines() if not line.split()[1].startswith("Z")]


def said(log, pattern):
    return until(lambda: re.search(pattern, log.read_text()), f"{pattern} in the output", timeout=60)


@pytest.mark.parametrize("sign, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_gateway_then_the_backend_and_nothing_stays(run, sign, status):
    process, log = run("--listen", "127.0.0.1:0")
    upstream = said(log, r"gatehouse serve --upstream (http://127\.0\.0\.1:\d+) --listen 127\.0\.0\.1:0 --data \S+/data")[1]
    with urllib.request.urlopen(f"{upstream}/health", timeout=10) as answer:
        assert answer.status == 200
    os.killpg(process.pid, sign) if sign == signal.SIGINT else process.send_signal(sign)
    assert process.wait(20) == status
    assert "drained" in log.read_text()
    assert group(process.pid) == []


def test_a_backend_of_the_users_own_keeps_the_example_off(run):
    process, log = run("--config", "mine.yaml")
    said(log, r"gatehouse serve --config mine.yaml\n")
    assert "example" not in log.read_text()
    process.terminate()
    process.wait(20)


def test_a_gateway_that_refuses_to_start_ends_all_with_its_own_status(run):
    process, log = run("--listen", "broken")
    assert process.wait(30) == 2
    assert group(process.pid) == []


def test_a_backend_that_dies_ends_the_gateway_and_is_named(run):
    process, log = run()
    said(log, "gatehouse serve")
    children = subprocess.run(["ps", "-o", "pid=,args=", "-g", str(process.pid)], capture_output=True, text=True, check=True)
    backend = next(int(line.split()[0]) for line in children.stdout.splitlines() if "app.py" in line)
    os.kill(backend, signal.SIGKILL)
    assert process.wait(30) == 1
    assert "the example backend ended by itself" in log.read_text() and "drained" in log.read_text()
    assert group(process.pid) == []
