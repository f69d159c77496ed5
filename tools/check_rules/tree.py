"""The files under judgement, and their text with comments and strings blanked out."""

import functools
import pathlib
import re
import subprocess

CPP = (".cpp", ".hpp")
_SKIPPED = {".git", "build", "data", "node_modules", "__pycache__", ".pytest_cache"}

# Raw strings before ordinary ones; digit separators (1'000) are no character literals.
_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\ ]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', re.MULTILINE)
_ALLOW = re.compile(r"check: allow (?P<rules>[\w, -]+?): \S")


class Tree:
    def __init__(self, root, paths=None):
        self.root = pathlib.Path(root)
        self.paths = sorted(paths if paths is not None else _list(self.root))
        self.notes = []

    def cpp(self):
        return [path for path in self.paths if path.endswith(CPP)]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        """The file as text, or an empty string when it is binary or a dangling link."""
        try:
            data = (self.root / path).read_bytes()
        except OSError:
            return ""
        return "" if b"\0" in data[:8192] else data.decode("utf-8", "replace")

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """C++ without comments and literals; every line keeps its number."""
        return _TOKEN.sub(_blank, self.text(path))

    def includes(self, path):
        """(line, bracket, name) of every #include."""
        text = self.text(path)
        return [(line_of(text, m.start(1)), m[1], m[2]) for m in _INCLUDE.finditer(text)]

    def allows(self, path, line, rule):
        """Whether the line itself says `check: allow RULE: reason`."""
        lines = self.text(path).splitlines()
        found = _ALLOW.search(lines[line - 1]) if 0 < line <= len(lines) else None
        return bool(found) and rule in re.split(r"[, ]+", found["rules"])


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def _blank(match):
    text = match[0]
    inside = re.sub(r"[^\n]", " ", text)
    if text.startswith("/"):
        return inside
    return '"' + inside[1:-1] + '"' if len(text) > 1 else text


def _list(root):
    """What git tracks or would track; without git (an unpacked archive), what lies there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode()
        paths = [path for path in listing.split("\0") if path]
    except (OSError, subprocess.CalledProcessError):
        paths = [str(path.relative_to(root)) for path in root.rglob("*")
                 if not _SKIPPED & set(path.relative_to(root).parts)]
    return [path for path in paths if (root / path).is_file()]
