"""Words that have no place in this house, each with its replacement.

A line that must have one says so itself: `// check: allow RULE: reason`.
"""

import re

from check_rules.tree import CPP, line_of


class Word:
    def __init__(self, name, pattern, instead, where, *, raw=False, but=""):
        self.name = name
        self.pattern = re.compile(pattern, re.MULTILINE)
        self.instead = instead
        self.where = re.compile(where)
        self.raw = raw  # judge comments and strings too
        self.but = re.compile(but) if but else None

    def applies(self, path):
        return self.where.search(path) and not (self.but and self.but.search(path))


_CODE = r"^(src|fuzz|bench|tests|windows)/.*\.(cpp|hpp)$"
_TESTS = r"(_test\.cpp$)|(^tests/.*\.cpp$)"
_TEXT = r"(^|/)(CMakeLists\.txt|run|test|Dockerfile)$|^tools/|\.(cpp|hpp|py|sh|md|cmake|json|ya?ml|html|ts|css)$"

WORDS = (
    Word("iostream", r"\bstd::(cout|cerr|clog)\b", "telemetry's log, or fmt::print in app", _CODE),
    Word("iostream", r"#\s*include\s*<(iostream|format|print)>", "fmt", _CODE),
    Word("regex", r"\bstd::(basic_|w)?regex\b|#\s*include\s*<regex>", "RE2, or a parser of its own", _CODE),
    Word("format", r"\bstd::(v?format(_to)?|print(ln)?)\b", "fmt: libstdc++ 12 has none", _CODE),
    Word("using-namespace", r"\busing\s+namespace\s+std\s*;", "names with std::", _CODE),
    Word("sleep", r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(", "a clock that the test moves", _TESTS),
    Word("sleep", r"\btime\.sleep\b", "support.wait: until() polls with a deadline", r"^tests/.*\.py$|^tools/.*_test\.py$",
         but=r"^tests/support/wait\.py$"),
    # Fine are placement, and an owner on the same line (make_unique reaches no private constructor).
    Word("new", r"^(?!.*_ptr<.*[({]\s*new\b).*(?<!operator )(?<!<)\bnew\b(?!\s*\()",
         "std::make_unique, a container or a pool", _CODE, but=r"^src/base/frame_pool\.cpp$"),
    Word("new", r"\bnew\s*\(\s*std::nothrow", "std::make_unique, a container or a pool", _CODE),
    Word("delete", r"(?<!operator )(?<!= )(?<!=)\bdelete\b", "an owner with a destructor", _CODE,
         but=r"^src/base/frame_pool\.cpp$"),
    Word("malloc", r"\b(malloc|calloc|realloc|free)\s*\(", "a container or a pool", r"^(src|windows)/.*\.(cpp|hpp)$"),
    Word("unsafe-c", r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|system|popen)\s*\(",
         "string_view, std::from_chars, fmt", _CODE),
    Word("marker", r"\b(FIX[M]E|TO[D]O|X[X]X|HA[C]K)\b", "do it now, or write an issue", _TEXT, raw=True),
    Word("machine-path", r"(?<![\w.-])/([w]ork|[r]oot)/|/[h]ome/\w+/", "a path relative to the checkout", r"", raw=True),
    Word("registry-host", r"\b(registry|proxy|mirror|artifactory|nexus)[\w.-]*\.(internal|corp|lan|local)\b",
         "the public name, or none", r"", raw=True),
    Word("requirement-id", r"\b([V]ER|[V]OS|[C]IT|[F]OS|[R]EM|[M]IS|[C]ON)-\d+\b", "say what is wanted in words", r"",
         raw=True),
)


def check(tree):
    found = []
    for path in tree.paths:
        words = [word for word in WORDS if word.applies(path)]
        for word in words:
            cpp = path.endswith(CPP)
            text = tree.text(path) if word.raw or not cpp else tree.code(path)
            for match in word.pattern.finditer(text):
                line = line_of(text, match.start())
                if not tree.allows(path, line, word.name):
                    found.append(f"{path}:{line}: `{match[0].strip()}` ({word.name}); use {word.instead}")
    return found
