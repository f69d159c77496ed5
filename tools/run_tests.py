"""Runs the parts of ./test, one after the other, and counts.

Every case counts once: those of GoogleTest and pytest by name, other ctest entries and builds as one each. The last
line is `N passed, M failed, K skipped`; above it stand what failed and, with its reason, what was skipped.
"""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
PYTEST = ["/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-ra"]
JOBS = os.cpu_count() or 2
SIDE_BY_SIDE = ["-n", str(JOBS), "--dist", "loadfile"]  # each file on one runner
TAIL_LINES = 60
BUILD_MINUTES_MAX = 60
TESTS_MINUTES_MAX = 60
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "600"))
SANITIZERS = {
    "asan": {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
    "tsan": {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"},
}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, name, failure=None, skip=None):
        if failure is not None:
            self.failed.append(f"{name}: {failure}".rstrip(": "))
        elif skip is not None:
            self.skipped.append(f"{name}: {skip}")
        else:
            self.passed += 1

    def close(self):
        for title, lines in (("skipped", self.skipped), ("failed", self.failed)):
            if lines:
                print(f"\n{title}:", *lines, sep="\n  ")
        print(f"\n{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped", flush=True)
        return 1 if self.failed else 0


def first_line(text):
    return ((text or "").strip().splitlines() or [""])[0][:200]


def verdict(case):
    """(failure, skip) of one JUnit <testcase>, as ctest, GoogleTest and pytest write them."""
    for tag in ("failure", "error"):
        if (node := case.find(tag)) is not None:
            return first_line(node.get("message") or node.text) or "failed", None
    node = case.find("skipped")
    if node is not None:
        return None, first_line(node.get("message") or node.text) or "no reason given"
    if case.get("status") in ("notrun", "disabled"):
        return None, "disabled"
    return (None, None) if case.get("status") != "fail" else ("failed", None)


def count_cases(tally, path, prefix=""):
    """Adds the cases of a JUnit file; returns how many failed, or None when there is no readable file."""
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return None
    failures = 0
    for case in cases:
        failure, skip = verdict(case)
        failures += failure is not None
        name = ".".join(part for part in (case.get("classname"), case.get("name")) if part)
        tally.add(prefix + name, failure, skip)
    return failures


def count_ctest(tally, junit, gtest_dir, prefix):
    """A ctest entry that left a GoogleTest report counts as its cases; if it died without one, as one failure."""
    for case in ElementTree.parse(junit).iter("testcase"):
        name = case.get("name")
        failure, skip = verdict(case)
        seen = count_cases(tally, gtest_dir / f"gh_{name}_test.xml", prefix)
        if seen is None or (failure is not None and seen == 0):
            tally.add(f"{prefix}{name}", failure, skip)


class Runner:
    def __init__(self):
        self.tally = Tally()
        LOGS.mkdir(parents=True, exist_ok=True)

    def run(self, name, command, minutes_max, environment=None):
        """Runs a command into build/logs/NAME.log; prints one line, and the log's tail when it failed."""
        log = LOGS / f"{name}.log"
        print(f"{name} ...", end=" ", flush=True)
        begin = time.monotonic()
        status = run_bounded(command, log, minutes_max * 60, environment)
        print(f"{'ok' if status == 0 else f'failed ({status})'} in {time.monotonic() - begin:.0f} s", flush=True)
        if status != 0:
            lines = log.read_text(errors="replace").splitlines()
            print(f"--- the end of build/logs/{name}.log", *lines[-TAIL_LINES:], "---", sep="\n", flush=True)
        return status

    def build(self, preset, *options):
        for name, command in ((f"configure-{preset}", ["cmake", "--preset", preset]),
                              (f"build-{preset}", ["cmake", "--build", "--preset", preset, "-j", str(JOBS), *options])):
            status = self.run(name, command, BUILD_MINUTES_MAX)
            if status != 0:
                self.tally.add(name, f"see build/logs/{name}.log")
                return False
        self.tally.add(f"build-{preset}")
        return True

    def ctest(self, preset, environment=None):
        name = f"ctest-{preset}"
        junit, reports = LOGS / f"{name}.xml", LOGS / f"{name}-cases"
        shutil.rmtree(reports, ignore_errors=True)
        junit.unlink(missing_ok=True)
        command = ["ctest", "--preset", preset, "-j", str(JOBS), "--no-tests=error", "--output-junit", str(junit)]
        status = self.run(name, command, TESTS_MINUTES_MAX, {"GTEST_OUTPUT": f"xml:{reports}/", **(environment or {})})
        if not junit.exists():
            self.tally.add(name, f"ended with {status} and no report")
            return
        before = len(self.tally.failed)
        count_ctest(self.tally, junit, reports, f"{preset}: " if preset != "dev" else "")
        if status != 0 and len(self.tally.failed) == before:
            self.tally.add(name, f"ended with {status} although no case failed")

    def pytest(self, name, paths, arguments=(), environment=None, prefix=""):
        junit = LOGS / f"{name}.xml"
        junit.unlink(missing_ok=True)
        command = [*PYTEST, f"--junitxml={junit}", *paths, *arguments]
        status = self.run(name, command, TESTS_MINUTES_MAX, environment)
        failures = count_cases(self.tally, junit, prefix)
        if failures is None or (status != 0 and failures == 0):
            self.tally.add(name, f"ended with {status} {'and no report' if failures is None else 'although no case failed'}")


def run_bounded(command, log, seconds_max, environment=None):
    """Exit status, or "timeout". The command leads a process group of its own, which is ended with it."""
    with open(log, "wb") as out:
        try:
            child = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                     env={**os.environ, **(environment or {})}, start_new_session=True)
        except OSError as error:
            out.write(f"{error}\n".encode())
            return 127
        try:
            return child.wait(seconds_max)
        except subprocess.TimeoutExpired:
            out.write(f"\nended after {seconds_max:.0f} s, the most it may take\n".encode())
            return "timeout"
        finally:
            end_group(child)


def end_group(child):
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
            child.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def binary_of(preset):
    return {"GATEHOUSE_BIN": str(ROOT / "build" / preset / "gatehouse")}


def unit(house):
    if house.build("dev"):
        house.ctest("dev")


def system(house, arguments=()):
    if house.build("release"):
        house.pytest("pytest-system", ["tests/system"], [*SIDE_BY_SIDE, *arguments], binary_of("release"))


def tools(house, arguments=()):
    house.pytest("pytest-tools", ["tools"], arguments)


def examples(house, arguments=()):
    house.pytest("pytest-examples", ["tests/examples"], arguments)


def bench(house, arguments=()):
    tools = ("gateway", "identity", "storage", "audit", "pki", "telemetry", "bus", "rabbitmq")
    if house.build("release", "--target", "gatehouse", *(f"gh_bench_{tool}" for tool in tools)):
        house.pytest("pytest-bench", ["tests/bench"], arguments, binary_of("release"))


def docs(house, arguments=()):
    house.pytest("pytest-docs", ["tests/docs"], arguments, binary_of("release"))


def check(house):
    status = house.run("check", ["tools/check"], 10)
    print((LOGS / "check.log").read_text(), end="")
    house.tally.add("check", None if status == 0 else "see above")


def gcc(house):
    house.build("gcc")


def tidy(house):
    house.build("tidy", "--", "-k", "0")  # all that it finds, not only the first


def everything(house):
    unit(house)  # holds the check and the replay of fuzz corpora
    tools(house)
    examples(house)
    system(house)
    bench(house)
    docs(house)  # after the binary is built: verbs and configurations of the pages are tried on it
    gcc(house)


def sanitized(house, preset):
    if not house.build(preset):
        return
    reports = LOGS / f"{preset}-reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir()
    options = {key: f"{value}:log_path={reports}/report" for key, value in SANITIZERS[preset].items()}
    house.ctest(preset, SANITIZERS[preset])
    house.pytest(f"pytest-{preset}", ["tests/system"], SIDE_BY_SIDE, {**binary_of(preset), **options, "GATEHOUSE_SLOW": "1"},
                 f"{preset}: ")
    # A server that a test has stopped may have said something that no client saw.
    for report in sorted(reports.iterdir()):
        lines = report.read_text(errors="replace").splitlines()
        print(f"--- {report.relative_to(ROOT)}", *lines[:TAIL_LINES], sep="\n")
        house.tally.add(f"{preset}: {report.name}", next((line for line in lines if "ERROR" in line or "WARNING" in line),
                                                         "the sanitizer spoke"))


def fuzz(house):
    targets = sorted(path.stem for path in (ROOT / "fuzz").glob("*.cpp") if path.stem != "replay_main")
    if not targets:
        house.tally.add("fuzz", skip="there is no fuzz target")
        return
    if house.run("build-fuzz", ["tools/fuzz", "--build"], BUILD_MINUTES_MAX) != 0:
        house.tally.add("build-fuzz", "see build/logs/build-fuzz.log")
        return

    def one(target):
        log = LOGS / f"fuzz-{target}.log"
        return target, run_bounded(["tools/fuzz", target, str(FUZZ_SECONDS)], log, FUZZ_SECONDS * 2 + 300)

    print(f"fuzzing {len(targets)} targets, {FUZZ_SECONDS} s each, {JOBS} at a time", flush=True)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for target, status in pool.map(one, targets):
            lines = (LOGS / f"fuzz-{target}.log").read_text(errors="replace").splitlines()
            done = next((line for line in lines if line.startswith("Done ")), "")
            print(f"fuzz-{target}: {done if status == 0 else f'failed ({status})'}", flush=True)
            if status != 0:
                print(*lines[-TAIL_LINES:], sep="\n", flush=True)
            house.tally.add(f"fuzz-{target}", None if status == 0 else f"see build/logs/fuzz-{target}.log")


def long(house):
    for preset in SANITIZERS:
        sanitized(house, preset)
    fuzz(house)


def windows(house, arguments=()):
    """Programs for Windows, under Wine with a prefix of their own: what is found there is thrown away."""
    if not house.build("windows"):
        return
    with tempfile.TemporaryDirectory(prefix="gatehouse-wine-") as prefix:
        environment = {"WINEPREFIX": prefix, "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=", "DISPLAY": ""}
        try:
            reports = {"GTEST_OUTPUT": f"xml:Z:{LOGS}/ctest-windows-cases/"}  # as Windows has paths
            house.ctest("windows", {**environment, **reports})
            house.pytest("pytest-windows", ["tests/windows"], arguments, environment)
        finally:
            # Its server lingers, and would write into the folder that goes.
            subprocess.run(["/usr/lib/wine/wineserver64", "-k"], env={**os.environ, **environment}, check=False)


PARTS = {
    part.__name__: part
    for part in (unit, system, tools, examples, bench, docs, check, gcc, tidy, long, windows)
}
WITH_ARGUMENTS = (system, tools, examples, bench, docs, windows)


def main(arguments):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    part = PARTS.get(arguments[0]) if arguments else everything
    if part is None or (len(arguments) > 1 and part not in WITH_ARGUMENTS):
        print(f"usage: ./test [{' | '.join(PARTS)}] [pytest arguments]", file=sys.stderr)
        return 2
    house = Runner()
    part(house, *([arguments[1:]] if part in WITH_ARGUMENTS and arguments else []))
    return house.tally.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
