"""The counts of ./test: every way a case can end is counted once, and a program that died is never counted as green."""

import pathlib
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import run_tests  # noqa: E402

CTEST = """<testsuite tests="4">
<testcase name="base" status="run"/><testcase name="codec" status="fail"><failure message="Failed"/></testcase>
<testcase name="check" status="run"/><testcase name="later" status="disabled"><skipped message="Disabled"/></testcase>
</testsuite>"""
GTEST = """<testsuites><testsuite name="Uuid">
<testcase name="Sorts" status="run" result="completed" classname="Uuid"/>
<testcase name="Breaks" status="run" result="completed" classname="Uuid"><failure message="two&#xA;lines"/></testcase>
<testcase name="Waits" status="run" result="skipped" classname="Uuid"><skipped message="no database"/></testcase>
<testcase name="DISABLED_Old" status="notrun" result="suppressed" classname="Uuid"/>
</testsuite></testsuites>"""
PYTEST = """<testsuites><testsuite name="pytest">
<testcase classname="tests.a" name="test_good"/>
<testcase classname="tests.a" name="test_bad"><error message="boom"/></testcase>
<testcase classname="tests.a" name="test_away"><skipped message="chromium is missing"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize("text, passed, failed, skipped", [
    (GTEST, 1, ["Uuid.Breaks: two"], ["Uuid.Waits: no database", "Uuid.DISABLED_Old: disabled"]),
    (PYTEST, 1, ["tests.a.test_bad: boom"], ["tests.a.test_away: chromium is missing"]),
])
def test_each_dialect_of_junit_is_read(tmp_path, text, passed, failed, skipped):
    (tmp_path / "a.xml").write_text(text)
    tally = run_tests.Tally()
    assert run_tests.count_cases(tally, tmp_path / "a.xml") == len(failed)
    assert (tally.passed, tally.failed, tally.skipped) == (passed, failed, skipped)


def test_a_test_program_counts_as_its_cases_and_as_one_failure_when_it_died_without_a_failing_case(tmp_path):
    (tmp_path / "ctest.xml").write_text(CTEST)
    (tmp_path / "gh_base_test.xml").write_text(GTEST)
    tally = run_tests.Tally()
    run_tests.count_ctest(tally, tmp_path / "ctest.xml", tmp_path, "")
    assert tally.passed == 2  # a case of base, and check
    assert tally.failed == ["Uuid.Breaks: two", "codec: Failed"]  # codec left no report: it crashed
    assert len(tally.skipped) == 3


@pytest.mark.parametrize("failed, skipped, status", [([], [], 0), (["a: why"], [], 1), ([], ["b: why"], 0)])
def test_the_last_line_is_the_counts_and_the_status_tells_of_failure(capsys, failed, skipped, status):
    tally = run_tests.Tally()
    tally.passed, tally.failed, tally.skipped = 7, failed, skipped
    assert tally.close() == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"7 passed, {len(failed)} failed, {len(skipped)} skipped"
    assert all(f"  {line}" in lines for line in failed + skipped)


def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path):
    script = "sleep 60 & echo $!; wait"
    begin = time.monotonic()
    status = run_tests.run_bounded(["bash", "-c", script], tmp_path / "log", 0.5)
    assert status == "timeout" and time.monotonic() - begin < 20
    grandchild = (tmp_path / "log").read_text().split()[0]
    state = subprocess.run(["ps", "-o", "stat=", "-p", grandchild], capture_output=True, text=True, check=False).stdout
    assert state.strip()[:1] in ("", "Z")  # gone, or dead and not yet reaped


def test_a_missing_program_is_a_failure_that_says_so(tmp_path):
    assert run_tests.run_bounded([str(tmp_path / "nothing")], tmp_path / "log", 5) == 127
    assert "nothing" in (tmp_path / "log").read_text()


def test_windows_runs_under_a_prefix_of_its_own_that_is_gone_afterwards(monkeypatch):
    monkeypatch.setattr(run_tests.subprocess, "run", lambda *_, **__: None)
    seen = []

    class House:
        def build(self, preset):
            return seen.append(("build", preset)) or True

        def ctest(self, preset, environment):
            assert pathlib.Path(environment["WINEPREFIX"]).is_dir()
            seen.append(("ctest", preset, environment["WINEPREFIX"]))

        def pytest(self, name, paths, arguments, environment):
            seen.append((name, paths, arguments, environment["WINEPREFIX"]))

    run_tests.windows(House(), ("-k", "life"))
    prefix = seen[1][2]
    assert seen == [("build", "windows"), ("ctest", "windows", prefix),
                    ("pytest-windows", ["tests/windows"], ("-k", "life"), prefix)]
    assert not pathlib.Path(prefix).exists()


def test_an_unknown_part_is_wrong_usage():
    run = subprocess.run([sys.executable, ROOT / "tools" / "run_tests.py", "nonsense"], capture_output=True, text=True,
                         check=False)
    assert run.returncode == 2 and "usage" in run.stderr
