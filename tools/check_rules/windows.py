"""What is compiled for Windows, too, asks for nothing that Windows has not.

The sources that windows/CMakeLists.txt names, and all that they include: headers of C++, of the libraries that are linked
into the folder of doors there, and of rooms that have a door. Only files in windows/ may include Windows' own.
"""

import re

_LIST = "windows/CMakeLists.txt"
_SOURCE = re.compile(r"(\$\{house\}/)?([\w/]+\.cpp)\b")
_ROOMS = re.compile(r"foreach\(room ([\w ]+)\)")
_LIBRARIES = re.compile(r"foreach\(library ([\w ]+)\)")
_OF_CPP = re.compile(r"[a-z_]+")
_OF_BOOST = ("boost/json", "boost/system")


def check(tree):
    text = tree.text(_LIST)
    if not text:
        return []
    rooms = {room for rooms in _ROOMS.findall(text) for room in rooms.split()}
    libraries = {name for names in _LIBRARIES.findall(text) for name in names.split()} - {"boost"} | {"gtest"}
    todo = [("src/" if house else "windows/") + name for house, name in _SOURCE.findall(text)]
    seen, found = set(todo), []
    while todo:
        path = todo.pop()
        for line, bracket, name in tree.includes(path):
            first = name.split("/")[0]
            if bracket == '"' and first in rooms:
                used = name if first == "windows" else f"src/{name}"
                if used not in seen:
                    seen.add(used)
                    todo.append(used)
            elif bracket == '"' or not _is_there(name, libraries) and not path.startswith("windows/"):
                if not tree.allows(path, line, "windows"):
                    found.append(f"{path}:{line}: {name} is not there for Windows, where this is compiled, too; "
                                 "keep it elsewhere, and run ./test windows")
    return found


def _is_there(name, libraries):
    return bool(_OF_CPP.fullmatch(name)) or name.startswith(_OF_BOOST) or name.split("/")[0] in libraries
