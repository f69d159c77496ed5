"""Pages that must be there, and links between pages that must lead somewhere."""

import re

REQUIRED = {
    "LICENSE": "Apache License",
    "README.md": "./run",
    "ARCHITECTURE.md": "floor",
    "CONTRIBUTING.md": "tools/check",
    "SECURITY.md": "report",
    "CHANGELOG.md": "## [",
    "CMakePresets.json": "\"dev\"",
}
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)|(?:src|srcset)=\"([^\"#]+)\"")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def check(tree):
    found = []
    present = set(tree.paths)
    for path, word in REQUIRED.items():
        if path not in present:
            found.append(f"{path}:1: missing")
        elif word not in tree.text(path):
            found.append(f"{path}:1: does not say `{word}`")
    for path in tree.paths:
        if not path.endswith(".md"):
            continue
        text = tree.text(path)
        prose = _FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
        for match in _LINK.finditer(prose):
            target = match[1] or match[3]
            if "://" in target or target.startswith("mailto:"):
                continue
            if not (tree.root / path).parent.joinpath(target).exists():
                found.append(f"{path}:{prose.count(chr(10), 0, match.start()) + 1}: link to {target} leads nowhere")
    return found
