"""Arrows point down only: the floors of src/CMakeLists.txt against what rooms declare and include.

A room may use rooms on lower floors, and, on floors 1 to 3, its neighbours where DEPS says so and no ring forms.
Rooms on floor 4 never use one another. What is included must be in the declared closure.
"""

import re

from check_rules.tree import line_of

_FLOOR = re.compile(r"^\s*set\(floor_(\d+)((?:\s+\w+)*)\s*\)", re.MULTILINE)
_MODULE = re.compile(r"gatehouse_module\(([^)]*)\)")
_KEYWORDS = ("NAME", "DEPS", "PRIVATE_DEPS", "LIBS", "PRIVATE_LIBS", "SOURCES", "TESTS", "TEST_DEPS")
_NEIGHBOURS_ALLOWED = (1, 2, 3)


def read_floors(text):
    """Room -> floor."""
    return {room: int(number) for number, rooms in _FLOOR.findall(text) for room in rooms.split()}


def read_modules(text):
    """[(line, {keyword: [words]})] of one CMakeLists.txt."""
    text = re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), text)
    modules = []
    for match in _MODULE.finditer(text):
        fields, keyword = {}, None
        for word in match[1].split():
            if word in _KEYWORDS:
                keyword = word
            elif keyword:
                fields.setdefault(keyword, []).append(word)
        modules.append((line_of(text, match.start()), fields))
    return modules


def check(tree):
    floors = read_floors(tree.text("src/CMakeLists.txt"))
    home, declared, for_tests, found = {}, {}, {}, []
    for path in tree.paths:
        if not re.fullmatch(r"src/\w+(/\w+)*/CMakeLists\.txt", path):
            continue
        room = path.split("/")[1]
        if room not in floors:
            found.append(f"{path}:1: room {room} stands on no floor; add it to src/CMakeLists.txt")
        for line, fields in read_modules(tree.text(path)):
            for name in fields.get("NAME", []):
                home[name] = room
            uses = fields.get("DEPS", []) + fields.get("PRIVATE_DEPS", [])
            declared.setdefault(room, []).extend((path, line, name) for name in uses)
            for_tests.setdefault(room, set()).update(fields.get("TEST_DEPS", []))
    edges = {room: {home.get(name, name) for _, _, name in uses} - {room} for room, uses in declared.items()}
    for room, uses in declared.items():
        for path, line, name in uses:
            if reason := _upward(floors, room, home.get(name, name)):
                found.append(f"{path}:{line}: {room} may not use {name}: {reason}")
    for ring in _rings(edges):
        found.append(f"src/CMakeLists.txt:1: rooms form a ring: {' > '.join(ring)}; break it with an interface below")
    closures = {room: _closure(edges, room) for room in edges}
    for path in tree.cpp():
        found.extend(_check_includes(tree, path, floors, closures, edges, for_tests))
    return found


def _upward(floors, room, used):
    if used == room:
        return None
    if used not in floors:
        return "it stands on no floor"
    mine, theirs = floors.get(room, 99), floors[used]
    if theirs > mine:
        return f"arrows point down, and it stands on floor {theirs}, above {mine}"
    if theirs == mine and mine not in _NEIGHBOURS_ALLOWED:
        return f"rooms on floor {mine} never use one another; declare an interface on floor 3"
    return None


def _check_includes(tree, path, floors, closures, edges, for_tests):
    parts = path.split("/")
    if parts[0] != "src" or len(parts) < 3:
        return
    room = parts[1]
    reachable = {room} | closures.get(room, set())
    if path.endswith("_test.cpp"):
        for extra in for_tests.get(room, set()):
            reachable |= {extra} | _closure(edges, extra)
    for line, bracket, name in tree.includes(path):
        used = name.split("/")[0]
        if bracket != '"':
            continue
        if "/" not in name:
            yield f'{path}:{line}: include "{name}" with its room\'s name in front'
        elif used in floors and used not in reachable:
            reason = _upward(floors, room, used) or "it is not in DEPS or PRIVATE_DEPS"
            yield f"{path}:{line}: {room} may not include {name}: {reason}"


def _closure(edges, room):
    seen, todo = set(), list(edges.get(room, ()))
    while todo:
        if (next_room := todo.pop()) not in seen:
            seen.add(next_room)
            todo.extend(edges.get(next_room, ()))
    return seen


def _rings(edges):
    for room in sorted(edges):
        for used in sorted(edges[room]):
            if room in _closure(edges, used) and room < used:
                yield (room, used, room)
