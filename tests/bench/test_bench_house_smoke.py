"""The benches of identity, storage, audit, vault and CA run: one short round each. What they find is not judged on a busy machine."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build/release"


def table(*command):
    """The rows of the tables a bench printed: what was measured, and its figures."""
    program = command[0]
    if not RELEASE.joinpath("build.ninja").exists():
        pytest.skip("no release build is configured: cmake --preset release")
    done = subprocess.run([program, *map(str, command[1:])], capture_output=True, text=True, timeout=300, check=False,
                          env={"PATH": os.environ["PATH"]})
    assert done.returncode in (0, 1), done
    rows = {}
    for line in done.stdout.splitlines():
        name, *figures = [cell.strip() for cell in line.strip("|").split("|")]
        if figures and re.fullmatch(r"[\d.,]+", figures[0]):
            rows[name] = [float(figure.replace(",", "")) for figure in figures if re.fullmatch(r"[\d.,]+", figure)]
    assert all(value > 0 for name, figures in rows.items() if "÷" not in name for value in figures), done.stdout
    return rows


def test_tokens_are_checked_beside_bare_cryptography():
    rows = table(RELEASE / "bench/identity/gh_bench_identity", "tokens", 1)
    assert {"HMAC-SHA-256 alone (OpenSSL)", "token seen before"} <= rows.keys(), rows


def test_keys_and_users_are_looked_up(tmp_path):
    rows = table(RELEASE / "bench/identity/gh_bench_identity", "lookups", f"sqlite:{tmp_path}/bench.db", 300, 200)
    assert {"a key recognised", "a user found"} <= rows.keys(), rows


def test_a_full_house_starts():
    rows = table(ROOT / "bench/identity/start.py", "--keys", 300, "--users", 200, "--rounds", 1)
    assert {"empty", "full"} <= rows.keys(), rows


def test_audit_records_are_appended_beside_the_bare_disk(tmp_path):
    rows = table(RELEASE / "bench/audit/gh_bench_audit", tmp_path, 1, 0.1)
    assert {"1", "8", "16", "32", "128"} == rows.keys(), rows


def test_the_pool_stands_beside_pgbench():
    rows = table(ROOT / "bench/storage/run.py", "--rounds", 1, "--seconds", 1, "--scale", 1)
    assert {"64 coroutines over 8 connections", "SQLite, 64 writers, durable"} <= rows.keys(), rows


def test_certificates_are_signed_beside_a_bare_signature():
    rows = table(RELEASE / "bench/pki/gh_bench_pki")
    assert {"ECDSA P-256 signature, OpenSSL alone", "leaf for a key that is there"} <= rows.keys(), rows


def test_secrets_are_read_beside_other_answers(tmp_path):
    rows = table(ROOT / "bench/vault/run.py", "--secrets", 300, "--seconds", 1, "--rounds", 1, "--directory", tmp_path)
    assert {"/health", "a secret"} <= rows.keys(), rows


def test_watching_is_measured_beside_not_watching():
    rows = table(ROOT / "bench/telemetry/run.py", "--rounds", 1, "--seconds", 0.2, "--warm", 0.1)
    assert {"on", "off", "alive", "dead", "scraped", "left alone"} <= rows.keys(), rows


def test_log_lines_are_redacted_beside_re2():
    rows = table(RELEASE / "bench/telemetry/gh_bench_telemetry", "", 1)
    assert {"redaction, line by line", "RE2 for `password`, line by line"} <= rows.keys(), rows


def test_agents_beat_and_are_asked(tmp_path):
    rows = table(ROOT / "bench/agents/run.py", "--agents", 40, "--interval", 1, "--seconds", 2, "--asked", 20, "--questions", 30, "--directory", tmp_path)
    assert {"20 agents: a token is judged", "20 agents: a heartbeat", "20 agents: a threat is reported", "40"} <= rows.keys(), rows


def test_messages_are_sent_and_wait(tmp_path):
    rows = table(ROOT / "bench/bus/run.py", "--seconds", 1, "--rounds", 1, "--senders", 4, "--inboxes", 2, "--polls", 20, "--directory", tmp_path)
    assert {"one by one", "in batches of 50"} <= rows.keys(), rows


def test_messages_go_through_the_house_and_through_a_broker(tmp_path):
    rows = table(ROOT / "bench/bus/beside_rabbitmq.py", "--seconds", 0.5, "--rounds", 1, "--directory", tmp_path)
    assert {"Gatehouse on SQLite, 1 a call", "RabbitMQ, 25 a call"} <= rows.keys(), rows
