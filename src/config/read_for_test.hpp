#pragma once

#include <map>
#include <string>
#include <utility>

#include "config/reader.hpp"
#include "config/type.hpp"
#include "config/yaml.hpp"

// For unit tests of rooms: a section read from a piece of YAML.

namespace gh::config {

/// What came of reading; `problems` is empty exactly when all was well.
template <class T>
struct ReadForTest {
    T value{};
    std::string problems;
    std::string shown;  ///< as `config show` would print it
    std::string literal_secrets;
    Origins origins;
};

template <class T>
ReadForTest<T> read_for_test(const Type<T>& type, const std::string& yaml,
                             std::map<std::string, std::string, std::less<>> variables = {}) {
    ReadForTest<T> out;
    const auto tree = parse_yaml(yaml, "f");
    if (!tree) {
        out.problems = tree.error().line_text();
        return out;
    }
    Problems problems;
    const Environment environment(std::move(variables));
    Reader reader({.file = "f", .folder = "/etc/gatehouse", .environment = &environment}, problems,
                  out.origins);
    const bool good = type.read(*tree, reader, out.value);
    out.problems = good || !problems.empty() ? problems.text() : "refused without a word";
    out.literal_secrets = reader.literal_secrets().text();
    if (good) out.shown = write_yaml(type.show(out.value));
    return out;
}

}  // namespace gh::config
