"""What is left when the process crashes: a report that says where, the exit status that it would have had anyway, and an event at the
next start."""

import ctypes
import json
import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from support.gateway import BINARY, run
from support.held_thread import thread_called
from support.sentry import Sentry
from support.wait import until


def sanitized():
    return b"__asan_init" in BINARY.read_bytes() or b"__tsan_init" in BINARY.read_bytes()


pytestmark = pytest.mark.skipif(BINARY.exists() and sanitized(), reason="a sanitizer has its own handlers")


def reports(gateway):
    return sorted((gateway.directory / "data" / "crash").iterdir())


def crashed(gateway, number, thread=None):
    """The text of the report of a process that got this signal, by its main thread unless said; the folder must have had none."""
    until(lambda: any(line["message"] == "started" for line in gateway.log()), "its start to be over")
    process = gateway.process.pid
    assert ctypes.CDLL(None).tgkill(process, thread or process, int(number)) == 0
    gateway.expected_exit = -number
    assert gateway.wait_for_exit() == -number
    file, = reports(gateway)
    return file, file.read_text()


def build_id():
    notes = subprocess.run(["readelf", "-n", BINARY], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: ([0-9a-f]+)", notes)[1]


def facts(text):
    return dict(line.split(": ", 1) for line in text.splitlines() if re.match(r"[a-z ]+: ", line))


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_crash_leaves_a_report_and_ends_as_it_would_have(start, configure, upstream, number):
    gateway = start(configure([upstream]))
    file, text = crashed(gateway, number)
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{gateway.process.pid}\.txt", file.name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert text.startswith("gatehouse crashed\n") and text.endswith("\nend\n")
    said = facts(text)
    assert said["signal"] == f"{int(number)} {number.name}" and said["process"] == str(gateway.process.pid)
    assert said["build id"] == build_id()
    frames = re.findall(r"^#\d+ 0x[0-9a-f]+(.*)$", text, re.M)
    assert any(re.search("Gatehouse(3run|5start)", frame) for frame in frames), text
    said = gateway.stderr_file.read_text().splitlines()  # lines of the log may be in between
    assert all(line in said for line in text.splitlines())


def test_it_says_which_thread_it_was(start, configure, upstream):
    gateway = start(configure([upstream]))
    clerk = thread_called(gateway.process.pid, "clerk")
    _, text = crashed(gateway, signal.SIGSEGV, clerk)
    assert facts(text)["thread"] == f"{clerk} clerk"
    assert re.search(r"^#\d+ .* _Z\w*2gh3app5Clerk", text, re.M), text  # what began the thread


def test_its_addresses_lead_to_lines_of_source(start, configure, upstream):
    _, text = crashed(start(configure([upstream])), signal.SIGSEGV)
    linked = re.search(r"^#\d+ 0x[0-9a-f]+ gatehouse\+(0x[0-9a-f]+) _ZN2gh3app9Gatehouse3runEv\+", text, re.M)[1]
    done = subprocess.run(["addr2line", "-f", "-i", "-e", BINARY, linked], capture_output=True, text=True, check=True).stdout
    assert "Gatehouse3run" in done and re.search(r"gatehouse\.cpp:\d+", done), done


def test_a_report_holds_nothing_that_a_request_brought(start, configure, upstream):
    gateway = start(configure([upstream]))
    for _ in range(3):
        gateway.get("/bob.keller@example.com", [("Authorization", "Bearer hush-hush-hush"), ("Cookie", "sid=hush-hush-hush")])
    _, text = crashed(gateway, signal.SIGSEGV)
    assert "bob" not in text and "hush" not in text


def test_the_next_start_tells_of_it_once(start, configure, upstream):
    gateway = start(configure([upstream]))
    file, _ = crashed(gateway, signal.SIGSEGV)
    another = start(gateway.config)
    line, = until(lambda: [line for line in another.log() if line["component"] == "crash"], "a word about it")
    assert line["level"] == "ERROR" and line["file"] == str(file) and line["signal"] == "SIGSEGV" and line["build_id"] == build_id()
    assert line["function"].startswith(("gh::", "(anonymous", "main")), line
    assert another.metric("gatehouse_crash_reports") == 1
    another.stop()
    third = start(gateway.config)
    assert not [line for line in third.log() if line["component"] == "crash"]
    assert [each.name for each in (another.directory.parent / "gateway0" / "data" / "crash").iterdir()] == [file.stem + ".told.txt"]


def test_the_next_start_makes_it_an_event(start, configure, upstream):
    sentry = Sentry()
    try:
        config = configure([upstream])
        config["telemetry"] |= {"release": "1.4.2", "environment": "staging"}
        gateway = start(config, env={"SENTRY_DSN": sentry.dsn})
        _, text = crashed(gateway, signal.SIGSEGV)
        sentry.answers = [(500, {})]
        second = start(config, env={"SENTRY_DSN": sentry.dsn})
        until(lambda: sentry.bodies, "an event that it does not take")
        second.stop()
        third = start(config, env={"SENTRY_DSN": sentry.dsn})
        event, = sentry.until_events(1, level="fatal")
        assert [event["release"], event["environment"], event["platform"]] == ["1.4.2", "staging", "native"]
        said = facts(text)
        image, = event["debug_meta"]["images"]
        code = said["build id"]
        assert image["code_id"] == code and image["type"] == "elf" and image["image_addr"] == said["loaded"].split()[0]
        assert image["debug_id"].replace("-", "") == "".join(
            bytes.fromhex(code)[at:end][::step].hex() for at, end, step in ((0, 4, -1), (4, 6, -1), (6, 8, -1), (8, 16, 1)))
        exception, = event["exception"]["values"]
        assert exception["type"] == "SIGSEGV" and exception["mechanism"]["handled"] is False
        frames = exception["stacktrace"]["frames"]
        assert [frame["instruction_addr"] for frame in frames] == re.findall(r"^#\d+ (0x[0-9a-f]+)", text, re.M)[::-1]
        assert any(frame.get("function", "").startswith("gh::app::Gatehouse::") for frame in frames)
        until(lambda: [each for each in reports(gateway) if each.name.endswith(".told.txt")], "that it is told")
        third.stop()
        refused, taken = (json.loads(body.split(b"\n")[0])["event_id"] for body in sentry.bodies)
        assert refused == taken == event["event_id"]
        assert len(sentry.events(level="fatal")) == 1 and not sentry.events(level="error") and not sentry.faults
    finally:
        sentry.stop()


def test_files_are_few_and_what_is_no_report_is_passed_over(start, configure, upstream):
    gateway = start(configure([upstream]))
    gateway.stop()
    folder = gateway.directory / "data" / "crash"
    for number in range(30):
        (folder / f"20260101T0000{number:02}Z-1.told.txt").write_text("gatehouse crashed\nsignal: 6 SIGABRT\nend\n")
    (folder / "20260102T000000Z-1.txt").write_bytes(os.urandom(1000))
    another = start(gateway.config)
    assert len(list(folder.iterdir())) == 16
    line, = until(lambda: [line for line in another.log() if line["component"] == "crash"], "a word about it")
    assert line["level"] == "WARNING"


def test_the_version_says_its_build_id():
    assert f"build id  {build_id()}" in run("version").stdout
