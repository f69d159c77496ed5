"""Measuring in place: where processor time and memory go, and what held a worker, read by who has nothing of ours."""

import gzip
import json
import os
import re
import signal
import socket
import threading

import pytest

from support import pprof
from support.control import Control, house_config
from support.gateway import SANITIZED, api_key, run
from support.held_thread import held
from support.wait import pass_time, until

KEYS = {role: f"key-of-{role}-" + os.urandom(16).hex() for role in ("user", "manager", "admin")}
ROOT = "/api/v1/profiles"
LOOP = re.compile(r"gh::net::Loop::(run|turn_until_stopped)\(")  # an optimised build has one in the other


@pytest.fixture
def gateway(start, tmp_path, upstream):
    keys = [api_key(role, key, [role]) for role, key in KEYS.items()]
    return start(house_config(tmp_path / "gateway0", [upstream], auth={"api_keys": keys}, workers=2))


@pytest.fixture
def admin(gateway):
    return Control(gateway, key=KEYS["admin"])


class Load:
    """Requests until it is told that it is enough."""

    def __init__(self, gateway, path="/"):
        self.enough = threading.Event()
        self.answers = []
        self.threads = [threading.Thread(target=self.ask, args=(gateway, path)) for _ in range(4)]

    def ask(self, gateway, path):
        while not self.enough.is_set():
            self.answers.append(gateway.get(path).status)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.enough.set()
        for thread in self.threads:
            thread.join()


def saved(tmp_path, answer, name="profile.pb.gz"):
    file = tmp_path / name
    file.write_bytes(answer.body)
    return file


def test_a_profile_of_processor_time_is_read_by_others(gateway, admin, tmp_path):
    with Load(gateway) as load:
        answer = admin.get(f"{ROOT}/cpu?seconds=2", timeout=30)
    assert answer.status == 200, answer
    assert answer.get("Content-Type") == "application/octet-stream"
    assert 'filename="cpu.pb.gz"' in answer.get("Content-Disposition")
    assert set(load.answers) == {200}, "who is asked where it is loses nothing"
    file = saved(tmp_path, answer)
    names = pprof.top(file)
    assert any(LOOP.search(name) for name in names), list(names)[:50]
    assert any("gh::gateway::" in name and "[coroutine]" in name for name in names)
    raw = pprof.read(file, "-raw")
    assert "samples/count cpu/nanoseconds" in raw and "PeriodType: cpu nanoseconds" in raw
    assert re.search(r"build id [0-9a-f]{40}", raw), "of which build it is"
    assert "thread:[worker-" in raw, "whose time it was"
    assert re.search(r"Duration: 2(\.\d+)?s", pprof.read(file, "-top")), pprof.read(file, "-top")[:300]


def test_folded_stacks_have_the_loop_at_their_root(gateway, admin):
    with Load(gateway):
        answer = admin.get(f"{ROOT}/cpu?seconds=2&format=folded", timeout=30)
    assert answer.status == 200 and answer.get("Content-Type").startswith("text/plain")
    lines = [line.rsplit(" ", 1) for line in answer.body.decode().splitlines()]
    workers = [(stack, int(count)) for stack, count in lines if stack.startswith("worker-")]
    whole = sum(count for stack, count in workers if LOOP.search(stack))
    assert whole > 0 and whole >= 0.9 * sum(count for _, count in workers), "stacks are seldom cut short"


def test_one_profile_at_a_time(gateway, admin):
    answers = []
    both = [threading.Thread(target=lambda: answers.append(admin.get(f"{ROOT}/cpu?seconds=2", timeout=30))) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    refused, taken = sorted(answers, key=lambda answer: answer.status, reverse=True)
    assert (refused.status, taken.status) == (409, 200)
    assert refused.json()["code"] == "profile.running"
    assert admin.get(f"{ROOT}/cpu?seconds=1", timeout=30).status == 200


def test_a_client_that_leaves_ends_its_profile(gateway, admin):
    with socket.create_connection(("127.0.0.1", gateway.port("plain")), timeout=5) as client:
        client.sendall(f"GET {ROOT}/cpu?seconds=60 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {KEYS['admin']}\r\n\r\n".encode())
        pass_time(0.5)
        assert admin.get(f"{ROOT}/cpu?seconds=1", timeout=30).status == 409
    until(lambda: admin.get(f"{ROOT}/cpu?seconds=1", timeout=30).status == 200, "the profile to end", timeout=5)


@pytest.mark.parametrize("query", ["seconds=0", "seconds=61", "seconds=-1", "seconds=abc", "seconds=1.5", "seconds=",
                                   "seconds=1&seconds=2", "format=svg", "second=1"])
def test_a_wrong_question_is_refused(gateway, admin, query):
    answer = admin.get(f"{ROOT}/cpu?{query}")
    assert answer.status in (400, 422), answer
    assert admin.get(f"{ROOT}/cpu?seconds=1", timeout=30).status == 200, "and nothing was begun"


@pytest.mark.parametrize("what", ["cpu", "allocations", "stalls"])
def test_only_who_may_reads_them(gateway, what):
    assert gateway.get(f"{ROOT}/{what}").status == 401
    for role in ("user", "manager"):
        assert Control(gateway, key=KEYS[role]).get(f"{ROOT}/{what}").status == 403
    assert gateway.get(f"{ROOT}/{what}", listener="admin").status == 404, "not where health and metrics are"


def test_reading_is_recorded(gateway, admin):
    for query in ("cpu?seconds=1", "allocations"):
        assert admin.get(f"{ROOT}/{query}", timeout=30).status == 200
    done = run("audit", "tail", "--json", "--config", gateway.config_file, env=gateway.env)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line)["record"] for line in done.stdout.splitlines()]
    read = [record["object"]["id"] for record in records if record["action"] == "profile.read"]
    assert read == ["cpu", "allocations"], records


@pytest.mark.skipif(SANITIZED, reason="a build with sanitizers keeps their operator new")
def test_what_lies_on_the_heap_is_told_by_site(gateway, admin, tmp_path):
    answer = admin.get(f"{ROOT}/allocations")
    assert answer.status == 200, answer
    file = saved(tmp_path, answer)
    assert "inuse_objects/count inuse_space/bytes" in pprof.read(file, "-raw")
    names = pprof.top(file)
    assert any("gh::" in name for name in names), names
    assert not any(name.startswith(("operator new", "gh::profile::heap")) for name in names)
    folded = admin.get(f"{ROOT}/allocations?format=folded").body.decode()
    assert sum(int(line.rsplit(" ", 1)[1]) for line in folded.splitlines()) > 1 << 20


class Busy:
    """A connection that keeps one worker at work: requests one behind the other, without waiting for answers."""

    def __init__(self, gateway):
        self.client = socket.create_connection(("127.0.0.1", gateway.port("plain")), timeout=20)
        self.threads = [threading.Thread(target=each) for each in (self.ask, self.read)]
        self.enough = False

    def ask(self):
        while not self.enough:
            self.client.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        self.client.shutdown(socket.SHUT_WR)

    def read(self):
        while self.client.recv(1 << 20):
            pass

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.enough = True
        for thread in self.threads:
            thread.join()
        self.client.close()


def stalls_of(gateway):
    return gateway.metric("gatehouse_worker_stalls_total")


def test_a_worker_that_is_held_is_told(start, tmp_path, upstream):
    gateway = start(house_config(tmp_path / "gateway0", [upstream], auth={"api_keys": [api_key("a", KEYS["admin"], ["admin"])]}))
    admin = Control(gateway, key=KEYS["admin"])
    busy = gateway.metric("gatehouse_worker_busy_seconds_total")
    assert gateway.metric("gatehouse_worker_resumes_total") > 0
    seen = stalls_of(gateway)

    def hold_once():
        with held(gateway.process.pid, "worker-0"):
            pass_time(0.2)
        told = admin.get(f"{ROOT}/stalls").json()["stalls"] if stalls_of(gateway) > seen else []
        return max((each["held_ms"] for each in told), default=0) >= 100
    with Busy(gateway):  # it may be met where it does nothing: then nobody was held
        until(hold_once, "a worker to be met at work", timeout=30)
        until(lambda: admin.get(f"{ROOT}/stalls").json()["stalls"][-1]["over"], "the end of it")
    stall = max(admin.get(f"{ROOT}/stalls").json()["stalls"], key=lambda each: each["held_ms"])
    assert stall["worker"] == 0 and 100 <= stall["held_ms"] <= 5000, stall
    assert stall["cpu_ms"] < stall["held_ms"], "it had no processor"
    assert stall["coroutine"].startswith("gh::") and "[coroutine]" in stall["coroutine"], stall
    assert gateway.metric("gatehouse_worker_stall_seconds_count") >= 1
    assert gateway.metric("gatehouse_worker_busy_seconds_total") > busy
    lines = [line for line in gateway.log() if line.get("component") == "profile"]
    assert lines and lines[0]["level"] == "WARNING" and lines[0]["held_ms"] >= 50 and lines[0]["coroutine"], lines


def test_profiles_do_not_disturb_those_who_wait(gateway, admin):
    """Signals while everything is in use: streams, databases, hashes; and those from outside do no harm."""
    with Load(gateway) as load:
        for _ in range(3):
            assert admin.get(f"{ROOT}/cpu?seconds=1", timeout=30).status == 200
            os.kill(gateway.process.pid, signal.SIGPROF)
            assert admin.get(f"{ROOT}/allocations").status in (200, 503)
    assert set(load.answers) == {200} and len(load.answers) > 100
    assert gzip.decompress(admin.get(f"{ROOT}/cpu?seconds=1", timeout=30).body)


@pytest.fixture
def profile(gateway, tmp_path):
    """`gatehouse profile` with an administrator's key."""
    key_file = tmp_path / "admin.key"
    key_file.write_text(KEYS["admin"] + "\n")

    def ask(*arguments, key=key_file):
        return run("profile", *arguments, "--config", gateway.config_file, "--key-file", key, timeout=60, cwd=tmp_path)
    return ask


def test_the_shell_writes_profiles(gateway, profile, tmp_path):
    with Load(gateway):
        done = profile("cpu", "--seconds", "1")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("cpu.pb.gz: ")
    assert (tmp_path / "cpu.pb.gz").stat().st_mode & 0o777 == 0o600
    assert any(LOOP.search(name) for name in pprof.top(tmp_path / "cpu.pb.gz"))
    if not SANITIZED:  # they keep their operator new
        done = profile("allocations", "--format", "folded", "--output", "-")
        assert done.returncode == 0 and "gh::" in done.stdout
        assert profile("allocations", "--output", "heap.pb.gz").returncode == 0
        assert pprof.read(tmp_path / "heap.pb.gz", "-raw")
    done = profile("stalls")
    assert done.returncode == 0 and "held" in done.stdout
    assert "stalls" in json.loads(profile("stalls", "--json").stdout)


def test_the_shell_says_why_there_is_no_profile(gateway, profile, tmp_path):
    wrong = tmp_path / "wrong.key"
    wrong.write_text("gh_" + os.urandom(16).hex())
    done = profile("stalls", key=wrong)
    assert done.returncode == 1 and done.stdout == "" and "answers 401" in done.stderr
    assert wrong.read_text() not in done.stderr
    (tmp_path / "empty").write_text("\n")
    assert profile("stalls", key=tmp_path / "empty").returncode == 2
    assert profile("cpu", "--seconds", "61").returncode == 2
    assert profile("stalls", "--url", "http://192.0.2.1:80").returncode == 2, "a key is not sent in the clear"
    gateway.stop()
    done = profile("stalls")
    assert done.returncode == 1 and "does not answer" in done.stderr
