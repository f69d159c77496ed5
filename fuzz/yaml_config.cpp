// The configuration file: whatever is read must be written and read back to the same tree, and the sections must judge
// any tree without a word too few.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/problem.hpp"
#include "config/reader.hpp"
#include "config/yaml.hpp"
#include "gateway/config.hpp"
#include "identity/config.hpp"
#include "net/config.hpp"

namespace {

using gh::config::Node;

bool same(const Node& a, const Node& b) {
    if (a.kind() != b.kind() || a.text() != b.text() || a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a.kind() == Node::Kind::map && a.key(i).name != b.key(i).name) return false;
        if (!same(a.child(i), b.child(i))) return false;
    }
    return true;
}

/// A section either reads `tree`, and then shows something that it reads back, or says what is wrong.
template <class T>
void judge(const gh::config::Type<T>& type, const Node& tree) {
    gh::config::Problems problems;
    gh::config::Origins origins;
    // No environment and no folder with files: references are refused, so that no disk is touched.
    gh::config::Reader reader({.file = "fuzz", .folder = "/nonexistent"}, problems, origins);
    T value{};
    if (type.read(tree, reader, value) != problems.empty()) std::abort();
    if (!problems.empty()) return;
    const Node shown = type.show(value);
    const auto again = gh::config::parse_yaml(gh::config::write_yaml(shown), "fuzz");
    if (!again || !same(shown, *again)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.contains("${file:")) return 0;  // absolute paths would be opened
    const auto tree = gh::config::parse_yaml(text, "fuzz");
    if (!tree) return tree.error().text.empty() ? std::abort(), 0 : 0;
    const auto again = gh::config::parse_yaml(gh::config::write_yaml(*tree), "fuzz");
    if (again ? !same(*tree, *again) : again.error().text != "larger than 1048576 bytes")
        std::abort();

    static const auto listener = gh::net::listener_type();
    static const auto limits = gh::net::limits_type();
    static const auto upstream = gh::gateway::upstream_type();
    static const auto route = gh::gateway::route_type();
    static const auto auth = gh::identity::auth_type();
    judge(listener, *tree);
    judge(limits, *tree);
    judge(upstream, *tree);
    judge(route, *tree);
    judge(auth, *tree);
    return 0;
}
