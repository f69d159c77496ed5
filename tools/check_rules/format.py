"""clang-format, pinned to 19, over every C++ file."""

import re
import shutil
import subprocess

PROGRAM = "clang-format-19"


def check(tree):
    paths = tree.cpp()
    if not paths:
        return []
    if not shutil.which(PROGRAM):
        tree.notes.append(f"{PROGRAM} is not installed (tools/setup test), so the format was not checked")
        return []
    run = subprocess.run([PROGRAM, "--dry-run", "--ferror-limit=1", *paths], cwd=tree.root, capture_output=True,
                         text=True, check=False)
    if run.returncode not in (0, 1):
        return [f"{PROGRAM} failed: {run.stderr.strip()[:500]}"]
    first = {}
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): code should be clang-formatted", run.stderr,
                                 re.MULTILINE):
        first.setdefault(path, line)
    return [f"{path}:{line}: not formatted; run tools/check --format" for path, line in first.items()]
