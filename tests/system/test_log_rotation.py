"""deploy/logrotate with the real logrotate and a gateway at work: no line is lost, doubled or split."""

import getpass
import json
import os
import shutil
import subprocess
import threading

import pytest

from support.gateway import ROOT
from support.wait import pass_time, seconds, until

LOGROTATE = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin")


@pytest.mark.skipif(not LOGROTATE, reason="logrotate is not installed (tools/setup test)")
def test_rotation_under_load_loses_no_line(gateway, tmp_path):
    rules = (ROOT / "deploy" / "logrotate" / "gatehouse").read_text()
    assert "systemctl kill --signal=USR1 --kill-whom=main gatehouse.service" in rules
    logs = gateway.directory
    os.chmod(logs, 0o750)
    rules = rules.replace("/var/log/gatehouse/*.log", f"{logs}/*.log").replace("0640 gatehouse gatehouse", f"0640 {getpass.getuser()} {getpass.getuser()}")
    assert "    su gatehouse gatehouse\n" in rules, "root makes no file in a folder of the service's"
    rules = rules.replace("su gatehouse gatehouse", f"su {getpass.getuser()} {getpass.getuser()}")
    rules = rules.replace("systemctl kill --signal=USR1 --kill-whom=main gatehouse.service", f"kill -USR1 {gateway.process.pid}")
    file = tmp_path / "rules"
    file.write_text(rules)
    file.chmod(0o644)
    stop, asked = threading.Event(), []

    def load():
        while not stop.is_set():
            asked.append(f"/line/{len(asked)}")
            assert gateway.get(asked[-1]).status == 200
    worker = threading.Thread(target=load)
    worker.start()
    try:
        for _ in range(3):
            pass_time(0.5)
            done = subprocess.run([LOGROTATE, "--force", "--state", str(tmp_path / "state"), str(file)], capture_output=True, text=True,
                                  timeout=seconds(30), check=False)
            assert done.returncode == 0 and not done.stderr, done.stderr
    finally:
        stop.set()
        worker.join()

    def written():
        lines = []
        for each in sorted(logs.glob("access.log*")):
            data = subprocess.run(["zcat", "-f", str(each)], capture_output=True, check=True).stdout
            lines += [json.loads(line)["target"] for line in data.splitlines()]  # a split line is no JSON
        return lines
    until(lambda: len(written()) >= len(asked), "the last lines", timeout=10, pause=0.1)
    assert sorted(written()) == sorted(asked)
    names = {each.name for each in logs.glob("access.log*")}
    assert {"access.log", "access.log.1", "access.log.2.gz"} <= names, names
    assert (logs / "access.log").stat().st_mode & 0o777 == 0o640
