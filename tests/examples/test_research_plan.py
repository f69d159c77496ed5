"""The research plan: one command, three agents, and a plan that has ended."""

import os
import re
import shutil
import subprocess

import pytest

from support.gateway import BINARY, ROOT
from support.ports import free_port
from support.wait import seconds


def test_three_agents_work_the_plan_through(tmp_path):
    if not BINARY.exists() or not shutil.which("node"):
        pytest.skip("gatehouse is not built, or node not installed")
    environment = {"PATH": os.environ["PATH"], "GATEHOUSE_BIN": str(BINARY), "PORT": str(free_port()), "ADMIN_PORT": str(free_port())}
    done = subprocess.run([ROOT / "examples/research-plan/run.sh", tmp_path / "kept"], env=environment, capture_output=True, text=True,
                          timeout=seconds(120), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"test_research_plan_\d{8}_\d{6} +completed +100\.0 % of 3", done.stdout), done.stdout
    for name in ("Query Environmental Data", "Analyze Air Quality Metrics", "Synthesize Findings"):
        assert re.search(rf"completed +0\.\d\d 0\.\d\d .*{name}", done.stdout), done.stdout
    for agent, step in (("retriever", "query"), ("analyst", "analyze"), ("writer", "synthesize")):
        assert re.search(rf"{agent}: {step} completed in \d+ ms", (tmp_path / f"kept/{agent}.log").read_text())
