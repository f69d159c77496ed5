// A path that passed is normal, says the same again, and hides nothing that an upstream could resolve.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/path.hpp"
#include "codec/percent.hpp"
#include "codec/target.hpp"

namespace {

using gh::codec::NormalPath;
using gh::codec::PathRules;

void demand(bool holds) {
    if (!holds) std::abort();
}

bool has_dot_segment(std::string_view path) {
    for (auto slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
        const auto name = path.substr(slash + 1, path.find('/', slash + 1) - slash - 1);
        if (name == "." || name == "..") return true;
    }
    return false;
}

void check(std::string_view raw, PathRules rules) {
    const auto path = gh::codec::normalise_path(raw, rules);
    if (!path) return;
    const std::string normal(path->view());
    demand(normal.starts_with('/'));
    demand(!normal.contains("//"));
    demand(!has_dot_segment(normal));
    demand(normal.find_first_of("\\?# \t\r\n") == std::string::npos);
    for (const char c : normal) demand(c > 0x20 && c < 0x7f);
    demand(path->is_borrowed() == (normal == raw && path->view().data() == raw.data()));
    if (!rules.allow_parameters) demand(!normal.contains(';'));

    const auto again = gh::codec::normalise_path(normal, rules);
    demand(again && again->view() == normal);
    demand(again->has_encoded_slash() == path->has_encoded_slash());
    demand(again->has_parameters() == path->has_parameters());

    // What an upstream sees that decodes once.
    const auto decoded = gh::codec::percent_decode(normal);
    demand(decoded.has_value());
    demand(decoded->find('\\') == std::string::npos && decoded->find('\0') == std::string::npos);
    demand(!has_dot_segment(*decoded));
    if (!rules.allow_encoded_slash) demand(!decoded->contains("//"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto target = gh::codec::split_target(input);
    const auto raw = target ? target->path : input;
    check(raw, {});
    check(raw, {.allow_encoded_slash = true, .allow_parameters = true});
    return 0;
}
