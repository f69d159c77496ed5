// A policy, and a path behind the first NUL that it is asked about: what no rule is for is not allowed, and what is added
// takes nothing of deny away.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vault/path_rules.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::vault;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto document = text.substr(0, text.find('\0'));
    const auto path = text.substr(document.size() == size ? size : document.size() + 1);
    const auto policy = parse_policy(document);
    if (!policy) {
        if (policy.error().reason != "policy.syntax") std::abort();
        return 0;
    }
    PathRules rules;
    rules.add(*policy);
    const auto may = rules.at(path, false);
    (void)rules.at(path, true);
    if (policy->empty() && !may.empty()) std::abort();
    if (may.has(Capability::deny) && may != Capabilities{Capability::deny}) std::abort();
    rules.add(*policy);
    if (rules.at(path, false) != may) std::abort();
    rules.add({{std::string(path), Capabilities{Capability::deny}}});
    const bool plain = path.find_first_of("+*") == std::string_view::npos;
    if (plain && !rules.at(path, false).has(Capability::deny)) std::abort();
    return 0;
}
