"""The secret scan finds planted secrets, and the pre-commit hook refuses the commit that holds one."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from check_rules import secrets  # noqa: E402

# Written in two halves, so that this file itself holds none.
RANDOM = "q7Lx0Vb2" + "Zk9TfWm4" + "Rs8Yh3Nd"
PLANTED = [
    ("private-key", "-----BEGIN " + "PRIVATE KEY-----"),
    ("private-key", "-----BEGIN EC " + "PRIVATE KEY-----"),
    ("private-key", "-----BEGIN OPENSSH " + "PRIVATE KEY-----"),
    ("private-key", '"-----BEGIN ' + 'PRIVATE KEY-----\\nMIIE"'),
    ("aws-key", "id = AKIA" + "IOSFODNN7EXAMPLE"),
    ("github-token", "ghp_" + "a1B2c3D4e5F6" * 3),
    ("api-key", "sk-" + "proj-" + RANDOM),
    ("slack-token", "xoxb-" + "123456789012-abcdef"),
    ("jwt", "Bearer eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiJhbGljZSJ9." + "c2lnbmF0dXJlc2lnbmF0dXJl"),
    ("password-in-url", "postgresql://app:" + "hunter2hunter2@db/app"),
    ("assignment", f'client_secret = "{RANDOM}"'),
    ("assignment", f"DB_PASSWORD={RANDOM}"),
    ("assignment", f"  api_key: {RANDOM}"),
    ("assignment", f'"refresh_token": "{RANDOM}"'),
]
HARMLESS = [
    'secret: "${env:JWT_SECRET_KEY}"',
    "password = read_password_from_terminal()",
    "token = request.headers.authorization_token_value",
    "API_KEY=your-api-key-goes-here-example",
    'constexpr std::string_view token_reason = "token.signature_invalid";',
    "const auto token = parse_token(text, limits_of_the_house);",
    "sha256 = " + "9f86d081884c7d659a2feaa0c55ad015",
    '{key, "-----BEGIN ' + 'PRIVATE KEY-----"},',
    "/?api_key=1&key=2&password=3&secret=4&code=5&signature=6",
    "scheme://user:password@host",
    "https://user@host/path and http://127.0.0.1:8000/x@y",
]


@pytest.mark.parametrize("rule, line", PLANTED)
def test_a_planted_secret_is_found_and_never_printed(rule, line):
    found = list(secrets.scan("a.txt", f"first\n{line}\n".encode()))
    assert found and found[0].startswith("a.txt:2: ") and any(f"({rule})" in text for text in found), found
    assert not any(line in text for text in found)


@pytest.mark.parametrize("line", HARMLESS)
def test_what_only_names_a_secret_is_left_alone(line):
    assert list(secrets.scan("a.txt", line.encode())) == []


@pytest.mark.parametrize("path, found", [
    (".env", True), ("deploy/.env", True), (".env.production", True), ("prod.env", True),
    (".env.example", False), ("env.py", False), ("docs/environment.md", False)])
def test_environment_files_are_found_by_name(path, found):
    assert bool(list(secrets.scan(path, b"A=1\n"))) == found


def test_an_allowance_needs_a_reason():
    line = PLANTED[0][1]
    assert not list(secrets.scan("a", f"{line} # secret-scan: allow made for this test".encode()))
    assert list(secrets.scan("a", f"{line} # secret-scan: allow".encode()))
    assert secrets.read_allow_file("jwt a/*  # why\n* b/*\n# note\n") == [("jwt", "a/*")]


def test_an_allowed_rule_lets_other_rules_stand():
    jwt, key = PLANTED[8][1], PLANTED[0][1]
    found = list(secrets.scan("tests/a.cpp", f"{jwt}\n{key}\n".encode(), [("jwt", "tests/*")]))
    assert len(found) == 1 and "private-key" in found[0]


@pytest.fixture
def checkout(tmp_path):
    """A fresh repository with the hook installed as CONTRIBUTING.md says."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".clang-format", tmp_path)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "Test", f"GIT_{who}_EMAIL": "test@example.com"}

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True,
                              check=False)

    git("init", "-q")
    git("config", "core.hooksPath", "tools/hooks")
    return tmp_path, git


def commit(checkout, path, text):
    root, git = checkout
    (root / path).write_text(text)
    git("add", "-f", path)
    run = git("commit", "-q", "-m", "try")
    git("reset", "-q")
    return run


def test_the_hook_lets_a_clean_commit_pass(checkout):
    run = commit(checkout, "a.cpp", "int a = 1;\n")
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path, text, reason", [
    ("settings.py", PLANTED[10][1] + "\n", "assignment"),
    ("key.pem", PLANTED[0][1] + "\n", "private-key"),
    (".env", "A=1\n", "env-file"),
])
def test_the_hook_refuses_a_planted_secret(checkout, path, text, reason):
    run = commit(checkout, path, text)
    assert run.returncode != 0 and reason in run.stderr and "refused" in run.stderr, run.stderr


def test_the_hook_judges_what_is_staged_not_what_lies_beside_it(checkout):
    root, git = checkout
    (root / "a.txt").write_text(PLANTED[0][1] + "\n")
    git("add", "a.txt")
    (root / "a.txt").write_text("harmless\n")
    assert git("commit", "-q", "-m", "try").returncode != 0


@pytest.mark.skipif(not shutil.which("clang-format-19"), reason="clang-format-19 is not installed")
def test_the_hook_refuses_what_is_not_formatted(checkout):
    run = commit(checkout, "a.cpp", "int   a=1 ;\n")
    assert run.returncode != 0 and "a.cpp: not formatted" in run.stderr
