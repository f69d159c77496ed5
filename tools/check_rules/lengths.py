"""The length ratchet: what is short may not become long, what is long may only become shorter.

Offenders of today stand in tools/length_baseline.json with their length. One that grew, and one that joined, is found.
"""

import json
import re

from check_rules.tree import line_of

FILE_MAX = 400
FUNCTION_MAX = 60
TEST_BODY_MAX = 100  # a test's table is its body
BASELINE = "tools/length_baseline.json"

_SCOPE = re.compile(r"(^|[\s;}])(namespace|class|struct|union|enum|extern)\b[^()]*$")
_INITIALISERS = re.compile(r"\)\s*(const|noexcept|\s)*:(?!:)")
_NAME = re.compile(r"([~\w:]+|operator\s*\S+?)\s*\(")


def functions(code):
    """[(name, first line, length)] of function bodies in blanked C++; lambdas count with their function.

    Judges each `{` by the words before it: a scope to look into, a function to measure, or an initialiser.
    """
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), code, flags=re.MULTILINE)
    code = re.sub(r"\b(public|private|protected)\s*:(?!:)", lambda m: " " * (len(m[0]) - 1) + ";", code)
    found, start, at = [], 0, 0
    while at < len(code):
        char = code[at]
        if char in ";}":
            start = at + 1
        elif char == "{":
            words = code[start:at]
            if _is_initialiser(words):
                at = _closing(code, at)
            elif _is_scope(words):
                start = at + 1
            else:
                end = _closing(code, at)
                if "(" in words:
                    first = line_of(code, start + len(words) - len(words.lstrip()))
                    found.append((_name_of(words), first, line_of(code, end) - first + 1))
                start, at = end + 1, end
        at += 1
    return found


def _is_scope(words):
    """A namespace, or a class head: the keyword with no parenthesis behind it (alignas aside)."""
    plain = re.sub(r"alignas\s*\([^)]*\)", "", words)
    return bool(_SCOPE.search(plain)) or not plain.strip()


def _is_initialiser(words):
    last = words.rstrip()[-1:]
    if _INITIALISERS.search(words):
        return last not in ")}" and not re.search(r"[\w>]\s*\)\s*$", words)
    return last in "=,([" or (last and "(" not in words and not _is_scope(words))


def _name_of(words):
    found = _NAME.search(re.sub(r"\b(requires|alignas|noexcept|decltype|explicit)\s*\(", " ", words))
    name = found[1] if found else "?"
    if name.startswith(("TEST", "BENCHMARK", "INSTANTIATE")):
        name += "(" + " ".join(words[found.end():].split(")")[0].split()) + ")"
    return name


def _closing(code, at):
    depth = 0
    for position in range(at, len(code)):
        if code[position] == "{":
            depth += 1
        elif code[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    return len(code) - 1


def offenders(tree):
    """{"path" or "path: function": (length, limit, line)} of everything above its limit."""
    long = {}
    for path in tree.paths:
        if path.endswith((".cpp", ".hpp", ".py")) or path.startswith("tools/"):
            length = tree.text(path).count("\n")
            if length > FILE_MAX and not path.endswith(".json"):
                long[path] = (length, FILE_MAX, 1)
    for path in tree.cpp():
        for name, line, length in functions(tree.code(path)):
            limit = TEST_BODY_MAX if name.startswith("TEST") else FUNCTION_MAX
            key = f"{path}: {name}"
            if length > limit and length > long.get(key, (0,))[0]:
                long[key] = (length, limit, line)
    return long


def check(tree):
    baseline = json.loads(tree.text(BASELINE) or "{}")
    found, long = [], offenders(tree)
    for key, (length, limit, line) in long.items():
        allowed = max(limit, baseline.get(key, 0))
        if length > allowed:
            path, _, name = key.partition(": ")
            what = f"{name} is" if name else "the file is"
            found.append(f"{path}:{line}: {what} {length} lines long, {allowed} are allowed; split it by noun")
    for key, length in baseline.items():
        if key not in long or long[key][0] < length:
            tree.notes.append(f"{key} became shorter: tools/check --record-lengths tightens the ratchet")
    return found


def record(tree):
    lengths = {key: length for key, (length, _, _) in sorted(offenders(tree).items())}
    (tree.root / BASELINE).write_text(json.dumps(lengths, indent=2) + "\n")
