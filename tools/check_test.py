"""Each rule of tools/check finds what was planted for it, and leaves alone what only looks like it."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

from check_rules import files, floors, format, lengths, weight, windows, words  # noqa: E402
from check_rules.tree import Tree  # noqa: E402

FLOORS = "set(floor_0 base)\nset(floor_1 codec crypto)\nset(floor_3 access)\nset(floor_4 identity pki)\n"


def plant(root, texts):
    for path, text in texts.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return Tree(root, list(texts))


def module(name, **fields):
    lines = [f"{key} {' '.join(value)}" for key, value in fields.items()]
    return f"gatehouse_module(\n  NAME {name}\n  " + "\n  ".join(lines) + ")\n"


def planted_rooms(tmp_path, extra):
    texts = {
        "src/CMakeLists.txt": FLOORS,
        "src/base/CMakeLists.txt": module("base", SOURCES=["error.cpp"]),
        "src/codec/CMakeLists.txt": module("codec", DEPS=["base"]),
        "src/crypto/CMakeLists.txt": module("crypto", DEPS=["base"]),
        "src/identity/CMakeLists.txt": module("identity", DEPS=["base"], PRIVATE_DEPS=["codec"]),
        "src/pki/CMakeLists.txt": module("pki", DEPS=["base"]),
        "src/codec/json.hpp": '#include "base/error.hpp"\n#include <vector>\n',
    }
    return plant(tmp_path, texts | extra)


def test_floors_find_nothing_in_a_house_in_order(tmp_path):
    assert floors.check(planted_rooms(tmp_path, {})) == []


@pytest.mark.parametrize("path, text, expected", [
    ("src/base/a.cpp", '#include "codec/json.hpp"', "base may not include codec/json.hpp: arrows point down"),
    ("src/identity/a.cpp", '#include "pki/ca.hpp"', "rooms on floor 4 never use one another"),
    ("src/identity/a.cpp", '\n  #  include "crypto/hash.hpp"', "src/identity/a.cpp:2: identity may not include"),
    ("src/identity/a.cpp", '#include "token.hpp"', "with its room's name in front"),
    ("src/identity/CMakeLists.txt", module("identity", DEPS=["pki"]), "identity may not use pki"),
    ("src/codec/CMakeLists.txt", module("codec", DEPS=["access"]), "it stands on floor 3, above 1"),
    ("src/attic/CMakeLists.txt", module("attic", DEPS=["base"]), "attic stands on no floor"),
])
def test_floors_find_an_arrow_that_points_the_wrong_way(tmp_path, path, text, expected):
    found = floors.check(planted_rooms(tmp_path, {path: text}))
    assert [line for line in found if expected in line], found


def test_floors_find_a_ring_between_neighbours(tmp_path):
    found = floors.check(planted_rooms(tmp_path, {
        "src/codec/CMakeLists.txt": module("codec", DEPS=["base", "crypto"]),
        "src/crypto/CMakeLists.txt": module("crypto", DEPS=["base", "codec"]),
    }))
    assert any("codec > crypto > codec" in line for line in found), found


def test_floors_let_a_test_use_what_test_deps_name_and_nothing_else(tmp_path):
    tree = planted_rooms(tmp_path, {
        "src/pki/CMakeLists.txt": module("pki", DEPS=["base"], TEST_DEPS=["crypto"]),
        "src/pki/ca_test.cpp": '#include "crypto/hash.hpp"\n',
        "src/pki/ca.cpp": '#include "crypto/hash.hpp"\n',
    })
    assert [line.split(":")[0] for line in floors.check(tree)] == ["src/pki/ca.cpp"]


def planted_windows(tmp_path, extra):
    texts = {
        "windows/CMakeLists.txt": "foreach(room base vault windows)\nforeach(library boost fmt)\n"
                                  "add_library(w ${house}/vault/store.cpp\n  file.cpp)\n",
        "windows/file.cpp": '#include <windows.h>\n#include <io.h>\n#include "base/error.hpp"\n',
        "src/vault/store.cpp": '#include <vector>\n#include <fmt/core.h>\n#include "vault/store.hpp"\n',
        "src/vault/store.hpp": '#include <boost/json.hpp>\n#include "base/error.hpp"\n',
        "src/vault/other.cpp": '#include <unistd.h>\n#include "db/pool.hpp"\n',
    }
    return plant(tmp_path, texts | extra)


def test_windows_lets_be_what_is_there_and_what_is_not_compiled_for_it(tmp_path):
    assert windows.check(planted_windows(tmp_path, {})) == []
    assert windows.check(plant(tmp_path, {"src/a/a.cpp": "#include <unistd.h>\n"})) == []


@pytest.mark.parametrize("name", ["<unistd.h>", "<sys/stat.h>", "<openssl/evp.h>", "<boost/asio.hpp>", "<windows.h>", '"db/pool.hpp"'])
def test_windows_finds_what_is_not_there_however_far_down_it_is_included(tmp_path, name):
    found = windows.check(planted_windows(tmp_path, {
        "src/vault/store.hpp": '#include "vault/place.hpp"\n',
        "src/vault/place.hpp": f"#include <string>\n#include {name}\n",
    }))
    assert [line for line in found if line.startswith("src/vault/place.hpp:2: ") and name.strip('<>"') in line] == found != []


PLANTED_WORDS = [
    ("src/a/a.cpp", 'std::' + 'cout << "x";', "iostream"),
    ("src/a/a.cpp", "#include <iostream>", "iostream"),
    ("src/a/a.cpp", "std::" + "regex r;", "regex"),
    ("src/a/a.cpp", "auto s = std::format(1);", "format"),
    ("src/a/a.cpp", "using namespace std;", "using-namespace"),
    ("src/a/a_test.cpp", "std::this_thread::sleep_for(1s);", "sleep"),
    ("tests/system/test_a.py", "time." + "sleep(1)", "sleep"),
    ("src/a/a.cpp", "auto* p = new Thing;", "new"),
    ("src/a/a.cpp", "delete p;", "delete"),
    ("src/a/a.cpp", "auto* p = malloc(3);", "malloc"),
    ("src/a/a.cpp", "sprintf(b, c);", "unsafe-c"),
    ("src/a/a.cpp", "// TO" + "DO: later", "marker"),
    ("tools/x.py", "# FIX" + "ME", "marker"),
    ("docs/a.md", "see /wo" + "rk/main", "machine-path"),
    ("docs/a.md", "see /ro" + "ot/.cache", "machine-path"),
    ("docs/a.md", "from https://registry.build." + "internal/x", "registry-host"),
    ("docs/a.md", "as VE" + "R-12 says", "requirement-id"),
]


@pytest.mark.parametrize("path, text, name", PLANTED_WORDS)
def test_words_find_what_was_planted_and_say_where(tmp_path, path, text, name):
    found = words.check(plant(tmp_path, {path: f"\n{text}\n"}))
    assert [line for line in found if line.startswith(f"{path}:2: ") and f"({name})" in line], found


@pytest.mark.parametrize("path, text", [
    ("src/a/a.cpp", "// a new door; delete the old one; std::" + "cout is not used"),
    ("src/a/a.cpp", 'auto text = "new std::' + 'regex";'),
    ("src/a/a.cpp", "Thing(const Thing&) = delete;"),
    ("src/a/a.cpp", "using namespace std::chrono_literals;"),
    ("src/a/a.cpp", "#include <new>"),
    ("src/a/a.cpp", "return std::shared_ptr<Keys>(new Keys(1));"),
    ("src/a/a.cpp", "list.head = new (frame) Free{};"),
    ("src/a/a.hpp", "static void* operator new(std::size_t n); static void operator delete(void* p);"),
    ("src/a/a.cpp", "if (method == Method::delete_) renew();"),
    ("tests/support/wait.py", "time." + "sleep(pause)"),
    ("docs/a.md", "https://example.com/work/main and ./roots/"),
    ("src/a/a.cpp", "auto* p = new Thing;  // check: allow new: the library frees it"),
])
def test_words_leave_alone_what_only_looks_alike(tmp_path, path, text):
    assert words.check(plant(tmp_path, {path: text})) == []


def test_an_allowance_without_a_reason_or_for_another_rule_allows_nothing(tmp_path):
    tree = plant(tmp_path, {"src/a/a.cpp": "new A;  // check: allow new: \nnew B;  // check: allow delete: why\n"})
    assert len(words.check(tree)) == 2


@pytest.mark.skipif(not shutil.which(format.PROGRAM), reason=f"{format.PROGRAM} is not installed")
def test_format_finds_the_file_that_is_not_formatted(tmp_path):
    shutil.copy(TOOLS.parent / ".clang-format", tmp_path)
    tree = plant(tmp_path, {"src/a/good.cpp": "int a = 1;\n", "src/a/bad.cpp": "int   a=1 ;\n"})
    assert [line.split(":")[0] for line in format.check(tree)] == ["src/a/bad.cpp"]


def function(name, lines):
    return f"int {name}(int x) {{\n" + "    ++x;\n" * (lines - 2) + "}\n"


def test_lengths_know_functions_from_scopes_and_initialisers():
    code = """
namespace gh {
struct Pair { int a = {1}; int b{2}; };
template <class T> requires (sizeof(T) > 1) class Box : public Base<T> {
 public:
    explicit Box(int a) noexcept : a_{a}, b_(a), c_{[] { return 1; }()} {
        work();
    }
    int size() const {
        for (;;) { if (a_) { return 1; } }
    }
    std::vector<int> all_ = {1, 2};
};
constexpr int table[] = {1, 2};
Task<Result<int>> Room::find(Id id) {
    auto f = [&](int x) {
        return x;
    };
    co_return f(1);
}
TEST(Box, HoldsWhatItWasGiven) { EXPECT_TRUE(true); }
auto later(int x) -> std::optional<int> { return x; }
}
"""
    assert [(name, length) for name, _, length in lengths.functions(code)] == [
        ("Box", 3), ("size", 3), ("Room::find", 6), ("TEST(Box, HoldsWhatItWasGiven)", 1), ("later", 1)]


def planted_lengths(tmp_path, texts, baseline):
    return plant(tmp_path, texts | {lengths.BASELINE: json.dumps(baseline)})


def test_lengths_let_an_old_offender_stay_and_shrink_but_not_grow_nor_another_join(tmp_path):
    def found(length, baseline):
        return lengths.check(planted_lengths(tmp_path, {"src/a/a.cpp": function("walk", length)}, baseline))

    assert found(lengths.FUNCTION_MAX, {}) == []
    assert "walk is 61 lines long, 60 are allowed" in found(lengths.FUNCTION_MAX + 1, {})[0]
    assert found(80, {"src/a/a.cpp: walk": 80}) == []
    assert found(70, {"src/a/a.cpp: walk": 80}) == []
    assert "81 lines long, 80 are allowed" in found(81, {"src/a/a.cpp: walk": 80})[0]


def test_lengths_measure_files_too(tmp_path):
    long = {"src/a/a.cpp": "int a;\n" * (lengths.FILE_MAX + 1)}
    assert "the file is 401 lines long" in lengths.check(planted_lengths(tmp_path, long, {}))[0]
    assert lengths.check(planted_lengths(tmp_path, long, {"src/a/a.cpp": 401})) == []


def test_recording_lengths_makes_the_check_green_with_exactly_the_offenders(tmp_path):
    tree = planted_lengths(tmp_path, {"src/a/a.cpp": function("walk", 70) + function("step", 3)}, {})
    lengths.record(tree)
    assert json.loads((tmp_path / lengths.BASELINE).read_text()) == {"src/a/a.cpp: walk": 70}
    assert lengths.check(Tree(tmp_path, tree.paths)) == []


def pages():
    return {path: word or "x" for path, word in files.REQUIRED.items()}


def test_files_find_a_missing_page_an_empty_licence_and_a_link_to_nowhere(tmp_path):
    assert files.check(plant(tmp_path / "good", pages() | {"docs/a.md": "[up](../README.md#top) [x](https://x/)"})) == []
    bad = pages() | {"LICENSE": "none", "docs/a.md": "\n[lost](lost.md)\n```\n[code](no-link.md)\n```\n"}
    del bad["SECURITY.md"]
    found = files.check(plant(tmp_path / "bad", bad))
    assert [line.split(" ")[0] for line in found] == ["LICENSE:1:", "SECURITY.md:1:", "docs/a.md:2:"]


def test_weight_lists_the_ten_heaviest_units_heaviest_first(tmp_path):
    log = "# ninja log v5\n" + "".join(f"0\t{n * 1000}\t1\tunit{n}.cpp.o\tabc\n" for n in range(1, 15))
    (tmp_path / ".ninja_log").write_text(log + "0\t99000\t1\tgatehouse\tabc\n")
    lines = weight.report(tmp_path)
    assert len(lines) == 11 and lines[1].endswith("14.0 s  unit14.cpp.o") and lines[10].endswith("unit5.cpp.o")
    assert weight.report(tmp_path / "nothing") == []


def test_the_program_itself_fails_on_a_planted_violation_and_names_the_rule(tmp_path):
    """Through the command line, in a copy of the tools: rules that nobody calls would find nothing."""
    shutil.copytree(TOOLS, tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    plant(tmp_path, pages() | {"src/CMakeLists.txt": FLOORS, lengths.BASELINE: "{}"})

    def run(*rules):
        return subprocess.run([tmp_path / "tools" / "check", *rules], capture_output=True, text=True, check=False)

    names = ("floors", "words", "files", "lengths", "secrets")
    assert (clean := run(*names)).returncode == 0, clean.stdout
    plant(tmp_path, {
        "src/base/a.cpp": '#include "codec/a.hpp"\nint* p = new int;\n' + function("walk", 70),
        "docs/a.md": "[lost](lost.md)\n",
        "docs/key.txt": "-----BEGIN " + "PRIVATE KEY-----\n",
    })
    bad = run(*names)
    assert bad.returncode == 1
    for name in names:
        assert f"[{name}]" in bad.stdout
    assert run("nonsense").returncode == 2
