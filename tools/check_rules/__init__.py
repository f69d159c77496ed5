"""The rules of tools/check. Each has check(tree) -> iterable of "path:line: what is wrong; what to do"."""
