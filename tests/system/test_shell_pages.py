"""The manual pages and the completion of shells, as man and bash have them."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from support.gateway import BINARY, run
from support.wait import seconds


def completion(*words):
    """What a real bash offers for the last word."""
    script = ('source <("$1" completion bash); shift; COMP_WORDS=(gatehouse "$@"); COMP_CWORD=$#; _gatehouse; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", str(BINARY), *words], capture_output=True, text=True, timeout=seconds(30),
                          check=False, cwd="/")
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()


def helped(*path):
    return run(*path, "--help").stdout


@pytest.mark.parametrize("words, offered", [
    (["al"], ["alert"]), (["alert", ""], ["test"]), (["secrets", "rotation", "roll"], ["roll-back"]),
    (["serve", "--prof"], ["--profile"]), (["serve", "--profile", "dev"], ["development"]), (["serve", "--profile", "=", "prod"], ["production"]),
    (["serve", "--config", "/etc/host"], ["/etc/hosts", "/etc/hostname"]), (["config", "check", "/etc/pass"], ["/etc/passwd"]),
    (["alert", "test", "--alertmanager", "http://a", "--severity", "crit"], ["critical"]), (["completion", "z"], ["zsh"]),
    (["user", "add", "--no-such"], []),
])
def test_bash_completes(words, offered):
    got = completion(*words)
    assert set(offered) <= set(got) and bool(offered) == bool(got), got


def test_every_verb_and_option_of_help_is_offered_and_on_the_page():
    page = run("manual").stdout.replace("\\-", "-")
    todo, seen = [()], 0
    while todo:
        path = todo.pop()
        text = helped(*path)
        verbs = re.findall(r"^  ([a-z][a-z-]*) ", text.partition("\nSubcommands:\n")[2].partition("\n\n")[0], re.M)
        assert set(verbs) <= set(completion(*path, "")), path
        options = re.findall(r"^  (?:-[a-z],)?(--[a-z-]+)", text, re.M)
        assert set(options) == {each for each in completion(*path, "-") if each.startswith("--")}, path
        for option in options:
            assert option == "--help" or f"\\fB{option}\\fR" in page, (path, option)
        assert not path or f"gatehouse {' '.join(path)}\\fR" in page
        seen += len(options)
        todo += [(*path, verb) for verb in verbs]
    assert seen > 300


def test_bash_completes_what_is_typed():
    """An interactive bash on a terminal of its own."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile"], {"PATH": f"{BINARY.parent}:{os.environ['PATH']}", "PS1": "$ ", "TERM": "dumb"})
    try:
        os.write(terminal, b"source <(gatehouse completion bash)\ngatehouse al\tte\t--sev\tcrit\t")
        shown, deadline = b"", time.monotonic() + seconds(20)
        while b"gatehouse alert test --severity critical" not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


@pytest.mark.parametrize("name", ["gatehouse", "gatehouse.yaml"])
def test_man_takes_the_pages_without_a_warning(name, tmp_path):
    page = tmp_path / name
    page.write_text(run("manual", name).stdout)
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(page)], capture_output=True, text=True, timeout=seconds(60),
                          check=False, env=os.environ | {"MANPAGER": "cat", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert ("gatehouse alert test" if name == "gatehouse" else "telemetry.access_log.path") in done.stdout


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed (tools/setup test)")
@pytest.mark.parametrize("name", ["gatehouse", "gatehouse.yaml"])
def test_mandoc_finds_no_fault(name):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=run("manual", name).stdout, capture_output=True, text=True,
                          timeout=seconds(60), check=False)
    assert not [line for line in done.stdout.splitlines() if "missing date" not in line], done.stdout


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed (tools/setup test)")
def test_zsh_can_read_its_script():
    done = subprocess.run(["zsh", "-n"], input=run("completion", "zsh").stdout, capture_output=True, text=True, timeout=seconds(30), check=False)
    assert done.returncode == 0, done.stderr
