"""Go's own implementation of transparency logs, as a judge of what we export (tests/audit/verify_tlog.go)."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def program(folder=ROOT / "build/go"):
    """Built offline from Debian's packages golang-go and golang-golang-x-mod-dev; quick when it was before."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOFLAGS": "", "GOPROXY": "off",
                   "CGO_ENABLED": "0", "GOCACHE": str(folder / "cache")}
    try:
        build = subprocess.run(["go", "build", "-o", folder / "verify_tlog", ROOT / "tests/audit/verify_tlog.go"],
                               env=environment, cwd=folder, text=True, capture_output=True, timeout=400, check=False)
    except FileNotFoundError:
        pytest.fail("there is no Go: tools/setup test installs it")
    assert build.returncode == 0, build.stderr
    return folder / "verify_tlog"
