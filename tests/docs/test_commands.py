"""What the pages tell a reader to type exists: programs, presets, verbs and options; and the shell can read it."""

import json
import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("GATEHOUSE_BIN", ROOT / "build/release/gatehouse"))
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")))
_FENCE = re.compile(r"^```(\w+)(?: walk)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
PRESETS = {preset["name"] for preset in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]}


def fences(language):
    return [pytest.param(match[2], id=f"{page.relative_to(ROOT)}:{page.read_text()[:match.start()].count(chr(10)) + 1}")
            for page in PAGES for match in _FENCE.finditer(page.read_text()) if match[1] == language]


def commands(block):
    """Each command line as words; comments and continuations are gone."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


@pytest.mark.parametrize("block", fences("sh"))
def test_the_shell_can_read_each_block(block):
    run = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("block", fences("sh"))
def test_programs_of_the_house_exist_and_presets_are_defined(block):
    for words in commands(block):
        if re.match(r"(\./|tools/|\.ci/)", words[0]):
            assert os.access(ROOT / words[0], os.X_OK), words[0]
        if "--preset" in words:
            assert words[words.index("--preset") + 1] in PRESETS


VERBS = sorted({" ".join(words[1:4] if words[1:3] == ["secrets", "rotation"] else words[1:3] if words[1] in ("agents", "alert", "audit", "ca", "client", "config", "key", "messages", "migrate", "plans", "secrets", "tasks", "user") else words[1:2])
                for param in fences("sh") for words in commands(param.values[0]) if words[0].endswith("gatehouse") and len(words) > 1})


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_that_the_pages_use_have_help_that_names_their_options(verb):
    if not BINARY.exists():
        pytest.skip("build/release/gatehouse is not built")
    run = subprocess.run([BINARY, *verb.split(), "--help"], text=True, capture_output=True, timeout=30, check=False)
    assert run.returncode == 0, run.stderr
    for param in fences("sh"):
        for words in commands(param.values[0]):
            if words[0].endswith("gatehouse") and len(words) > 1 and " ".join(words[1:]).startswith(verb):
                for option in (word.split("=")[0] for word in words if word.startswith("--")):
                    assert option in run.stdout


@pytest.mark.parametrize("block", fences("yaml"))
def test_configuration_in_the_pages_passes_the_check(block, tmp_path):
    if not BINARY.exists():
        pytest.skip("build/release/gatehouse is not built")
    file = tmp_path / "gatehouse.yaml"
    file.write_text(block)
    variables = {name: "https://x@sentry.example/1" if name.endswith("_DSN") else "x" for name in re.findall(r"\$\{env:(\w+)\}", block)}
    if secrets := re.findall(r"\$\{secret:([^}#]+)\}", block):
        subprocess.run([BINARY, "migrate", "up", "--config", file], cwd=tmp_path, timeout=30, check=True)
        for path in secrets:
            subprocess.run([BINARY, "secrets", "set", path, "--config", file], input=os.urandom(32).hex(), text=True,
                           cwd=tmp_path, timeout=30, check=True)
    run = subprocess.run([BINARY, "config", "check", file], text=True, capture_output=True, timeout=30, cwd=tmp_path,
                         env=os.environ | variables, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
