"""What looks like a secret: private keys, known token shapes, values with much entropy given to telling names, .env.

A line that must look so says why: `secret-scan: allow reason`. Whole files stand, with a rule, in the allow file.
"""

import fnmatch
import math
import re

ALLOW_FILE = "tools/secret_scan.allow"
SIZE_MAX = 5 * 1024 * 1024
ENTROPY_MIN = 3.5  # bits a character; a random hex string has 4, random base64 has 6, prose without spaces 3 to 3.5
_MARK = re.compile(r"secret-scan: allow \S")

RULES = (
    # Alone in quotes it is a header without a key.
    ("private-key", re.compile(r"""-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?!["'`])""")),
    ("aws-key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("github-token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})")),
    ("gitlab-token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("api-key", re.compile(r"\bsk-(?:ant-|proj-|live-)?[A-Za-z0-9_-]{20,}|\b[sr]k_live_[A-Za-z0-9]{20,}")),
    ("google-key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("slack-token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}")),
    ("vault-token", re.compile(r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}")),
    ("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}")),
    ("password-in-url", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'${<]+:(?P<value>[^\s/@\"'${<]{8,})@")),
)
_ASSIGNMENT = re.compile(
    r"""(?ix) [\w.-]* (?: secret | passw(?:or)?d | passphrase | token | api_?key | private_?key | credential ) [\w.-]*
        ["']? \s* (?: := | => | = | : ) \s* (?P<quote>["'`]?) (?P<value> [A-Za-z0-9+/=_.~!@\#%^*-]{16,} ) (?P=quote)""")
# What stands where a secret would: names, calls, references, words spelled out.
_HARMLESS = re.compile(r"(?i)^(?:[a-z_]+(?:[._-]{1,2}[a-z_]+)*|.*(?:example|change-?me|placeholder|redacted|\*{4}).*)$")


def entropy(text):
    return -sum(n / len(text) * math.log2(n / len(text)) for n in map(text.count, set(text)))


def looks_random(value):
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    return kinds >= 2 and bool(re.search("[0-9]", value)) and not _HARMLESS.match(value) and entropy(value) >= ENTROPY_MIN


def is_env_file(path):
    name = path.rsplit("/", 1)[-1]
    return (name == ".env" or name.startswith(".env.") or name.endswith(".env")) and not name.endswith(".example")


def read_allow_file(text):
    """[(rule or *, glob)] of lines `rule glob  # reason`; a line without a reason allows nothing."""
    lines = (line.partition("#") for line in text.splitlines())
    return [tuple(words.split()) for words, _, reason in lines if len(words.split()) == 2 and reason.strip()]


def scan(path, data, allowed=()):
    """Yields "path:line: ..." for each finding; the secret itself is never printed."""
    rules_off = {rule for rule, glob in allowed if fnmatch.fnmatch(path, glob)}
    if "*" in rules_off:
        return
    if is_env_file(path) and "env-file" not in rules_off:
        yield f"{path}:1: environment file (env-file); keep it out of the tree, and its names in .env.example"
    for number, line in enumerate(data[:SIZE_MAX].decode("utf-8", "replace").splitlines(), 1):
        if _MARK.search(line):
            continue
        for rule in sorted(set(_findings(line)) - rules_off):
            yield f"{path}:{number}: looks like a secret ({rule}); remove it, or mark the line and say why"


def _findings(line):
    for rule, pattern in RULES:
        found = pattern.search(line)
        if found and not (pattern.groups and _HARMLESS.match(found["value"])):
            yield rule
    for match in _ASSIGNMENT.finditer(line):
        if looks_random(match["value"]):
            yield "assignment"


def check(tree):
    allowed = read_allow_file(tree.text(ALLOW_FILE))
    return [line for path in tree.paths for line in scan(path, (tree.root / path).read_bytes(), allowed)]
