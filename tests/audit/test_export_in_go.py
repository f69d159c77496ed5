"""An export that our code wrote, judged by Go's golang.org/x/mod/sumdb/tlog and note (verify_tlog.go beside this file)."""

import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess

import pytest

from support import go_verifier

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/formats/audit-log.md"
WRITER = os.environ.get("WRITE_AUDIT_EXPORT", str(HERE.parents[1] / "build/dev/tests/audit/write_audit_export"))
GO_DIR = pathlib.Path(os.environ.get("AUDIT_GO_DIR", HERE.parents[1] / "build/dev/tests/audit/go"))
FILES_PER_RUN = 1000


@pytest.fixture(scope="session")
def verifier():
    return go_verifier.program(GO_DIR)


def export(records, step, first=0):
    run = subprocess.run([WRITER, str(records), str(step), str(first)], capture_output=True, timeout=60, check=True)
    return run.stdout


def lines_of(data):
    # Not splitlines(): it would also split where a record holds U+2028.
    return data.removesuffix(b"\n").split(b"\n")


def joined(lines):
    return b"".join(line + b"\n" for line in lines)


KEY = json.loads(lines_of(export(0, 1))[0])["verifier_key"]


def judge(verifier, data, key=KEY):
    """(accepted, what was said) of an export on standard input."""
    run = subprocess.run([verifier, "-key", key], input=data, capture_output=True, timeout=60, check=False)
    assert run.returncode in (0, 1), run.stderr
    said = run.stdout.decode()
    assert ("REFUSED" in said) == (run.returncode == 1), said
    return run.returncode == 0, said


@pytest.mark.parametrize("records", [*range(10), 31, 64, 100, 1000])
def test_go_accepts_what_we_write(verifier, records):
    for step in (1, 7) if records <= 100 else (64,):
        accepted, said = judge(verifier, export(records, step))
        assert accepted, said
        assert f"all {records} records" in said and "every root was computed anew" in said


def test_go_accepts_some_records_of_many(verifier):
    lines = lines_of(export(100, 10))
    records = [line for line in lines if line.startswith(b'{"index":')]
    head = lines[:len(lines) - len(records)]
    accepted, said = judge(verifier, joined(head + records[3:90:7]))
    assert accepted and "13 of 100 records" in said, said


def test_each_byte_is_covered(verifier, tmp_path):
    data = export(3, 2)
    assert judge(verifier, data)[0]
    names = []
    for at in range(len(data)):
        spoiled = bytearray(data)
        spoiled[at] ^= 1 << at % 8
        names.append(tmp_path / f"{at:06}")
        names[-1].write_bytes(spoiled)
    said = []
    for begin in range(0, len(names), FILES_PER_RUN):
        run = subprocess.run([verifier, "-key", KEY, *names[begin:begin + FILES_PER_RUN]], text=True,
                             capture_output=True, timeout=120, check=False)
        said += run.stdout.splitlines()
    assert len(said) == len(data) > 2000
    assert [line for line in said if "REFUSED" not in line] == []


def test_each_cut_export_is_refused_or_says_what_is_missing(verifier):
    data = export(3, 2)
    lines = lines_of(data)
    for count in range(len(lines)):
        accepted, said = judge(verifier, joined(lines[:count]))
        records = sum(line.startswith(b'{"index":') for line in lines[:count])
        # Records that are missing at the end are counted; without the checkpoint before them they do not count at all.
        assert not accepted or f"{records} of " in said or "all 0 records" in said, said
    assert not judge(verifier, data[:-1])[0]
    assert not judge(verifier, data + b"\n")[0]
    assert not judge(verifier, b"")[0]


def test_lines_that_moved_are_refused(verifier):
    lines = lines_of(export(8, 2))
    for at in range(len(lines) - 1):
        moved = lines.copy()
        moved[at], moved[at + 1] = moved[at + 1], moved[at]
        assert not judge(verifier, joined(moved))[0], at
    for at in range(1, len(lines)):
        assert not judge(verifier, joined(lines[:at + 1] + lines[at:]))[0] or b'"consistency":[]' in lines[at], at


def test_a_history_that_was_rewritten_is_refused_although_its_key_signed_it(verifier):
    ours, theirs = lines_of(export(8, 3)), lines_of(export(8, 3, first=1))
    assert judge(verifier, joined(theirs))[0]
    checkpoints = [at for at, line in enumerate(ours) if line.startswith(b'{"checkpoint":')]
    for at in checkpoints[2:]:
        accepted, said = judge(verifier, joined(ours[:at] + theirs[at:]))
        assert not accepted and "invalid transparency proof" in said, said


def test_a_record_of_another_log_is_refused(verifier):
    lines, others = lines_of(export(8, 8)), lines_of(export(8, 8, first=1))
    for at in range(len(lines) - 8, len(lines)):
        assert not judge(verifier, joined(lines[:at] + [others[at]] + lines[at + 1:]))[0]


def test_another_key_of_the_same_name_is_refused(verifier):
    name, _, key = KEY.split("+")
    raw = bytearray(base64.b64decode(key))
    raw[-1] ^= 0x10
    key_id = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    accepted, said = judge(verifier, export(3, 1), f"{name}+{key_id}+{base64.b64encode(raw).decode()}")
    assert not accepted, said


def test_the_page_shows_what_is_written():
    page = PAGE.read_text(encoding="utf-8")
    lines = lines_of(export(2, 1))
    assert lines and all(line.decode() in page for line in lines)
    # The worked example: leaf hashes and root, computed by hand from the lines above.
    leaves = [hashlib.sha256(b"\0" + line[line.index(b',"record":') + len(b',"record":'):-1]).digest()
              for line in lines[-2:]]
    root = hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()
    for digest in (*leaves, root):
        assert digest.hex() in page
    assert f"\\n2\\n{base64.b64encode(root).decode()}\\n" in page
    members = re.findall(r"^\| `(\w+)` \|", page.split("## Record")[1].split("\n## ")[0], re.MULTILINE)
    record = json.loads(lines[-1])["record"]
    assert members == list(record)
