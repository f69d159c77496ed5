"""What is in memory stays there: no core file is written, and no page is swapped out."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from support.control import house_config
from support.wait import until


@pytest.fixture
def core_files(tmp_path, monkeypatch):
    """A system that writes core files, and where it writes them."""
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        other = subprocess.Popen([sys.executable, "-c", "import os; os.abort()"])
        _, status = os.waitpid(other.pid, 0)
        other.returncode = -signal.SIGABRT
        if not os.WCOREDUMP(status):
            pytest.skip("this system writes no core file of any process")
        yield tmp_path
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (min(before[0], before[1]) if before[0] >= 0 else before[0], before[1]))


def test_no_core_file_is_written_of_it(core_files, start):
    gateway = start(house_config(core_files / "gateway0", routes=[]))
    limits = open(f"/proc/{gateway.process.pid}/limits").read()
    line, = [each for each in limits.splitlines() if each.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
    gateway.expected_exit = -signal.SIGABRT
    os.kill(gateway.process.pid, signal.SIGABRT)
    _, status = os.waitpid(gateway.process.pid, 0)
    gateway.process.returncode = -signal.SIGABRT
    assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status)


def test_who_may_locks_its_memory(start, tmp_path):
    gateway = start(house_config(tmp_path / "gateway0", routes=[]))
    until(lambda: any(line["message"] == "started" for line in gateway.log()), "all that is said at a start")
    status = dict(line.split(":", 1) for line in open(f"/proc/{gateway.process.pid}/status").read().splitlines())
    may = int(status["CapEff"], 16) >> 14 & 1
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    locked = int(status["VmLck"].split()[0])
    swaps = len(open("/proc/swaps").read().splitlines()) > 1
    warned = any("swap device" in line["message"] for line in gateway.log())
    if may or limit == resource.RLIM_INFINITY:
        assert locked > 0 and not warned
    else:
        assert locked == 0 and warned == swaps
