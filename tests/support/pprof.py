"""Go's reader of profiles, which knows nothing of our binary (Debian's golang-go)."""

import os
import subprocess

import pytest


def read(file, *options):
    """What `go tool pprof` prints of a profile; it has to come by with what is in the file."""
    environment = {**os.environ, "PPROF_TMPDIR": str(file.parent), "PPROF_BINARY_PATH": str(file.parent / "nothing"),
                   "HOME": str(file.parent), "GOFLAGS": ""}
    try:
        done = subprocess.run(["go", "tool", "pprof", "-symbolize=none", *options, str(file)], env=environment, text=True,
                              capture_output=True, timeout=120, check=False)
    except FileNotFoundError:
        pytest.fail("there is no Go: tools/setup test installs it")
    assert done.returncode == 0, done.stderr
    return done.stdout


def top(file, *options):
    """{function: (flat, cumulative)} as pprof's `top` says, in the profile's own unit."""
    rows = {}
    lines = iter(read(file, "-top", "-nodecount=1000000", "-nodefraction=0", "-edgefraction=0", *options).splitlines())
    for line in lines:
        if line.split()[:2] == ["flat", "flat%"]:
            break
    for line in lines:
        flat, _, _, cumulative, _, name = line.split(maxsplit=5)
        rows[name] = (flat, cumulative)
    return rows
