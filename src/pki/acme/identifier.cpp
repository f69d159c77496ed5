#include "pki/acme/identifier.hpp"

#include <algorithm>

#include "pki/host_names.hpp"
#include "pki/lower.hpp"

namespace gh::pki::acme {
Result<std::string> read_identifier(std::string_view text) {
    const auto name = lower(text.substr(0, 256));
    const auto base = base_of(name);
    // What is not said in the detail is what came: it may hold anything.
    const bool good =
        valid_dns_name(name) && !base.contains('_') && base.contains('.') && !is_wildcard(base);
    if (good) return name;
    return fail(ErrorKind::invalid_argument, "acme.identifier",
                "wanted: a DNS name of two labels at least, of letters, digits and hyphens, with "
                "\"*.\" in front at most");
}

bool is_within(std::string_view name, std::span<const std::string> domains) {
    const auto base = base_of(name);
    return std::ranges::any_of(domains, [base](std::string_view domain) {
        if (!base.ends_with(domain)) return false;
        const auto rest = base.size() - domain.size();
        return rest == 0 || base[rest - 1] == '.';
    });
}

}  // namespace gh::pki::acme
