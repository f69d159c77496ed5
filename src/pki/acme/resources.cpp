#include "pki/acme/resources.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "pki/acme/identifier.hpp"

namespace gh::pki::acme {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 6> statuses{"pending", "ready",       "valid",
                                                   "invalid", "deactivated", "revoked"};
constexpr std::array<std::string_view, 3> types{"http-01", "tls-alpn-01", "dns-01"};

}  // namespace

std::string_view name_of(Status status) { return statuses[std::to_underlying(status)]; }

Status status_of(std::string_view name) {
    const auto* found = std::ranges::find(statuses, name);
    return found == statuses.end() ? Status::invalid
                                   : static_cast<Status>(found - statuses.begin());
}

std::string_view name_of(ChallengeType type) { return types[std::to_underlying(type)]; }

std::optional<ChallengeType> challenge_type_of(std::string_view name) {
    const auto* found = std::ranges::find(types, name);
    if (found == types.end()) return {};
    return static_cast<ChallengeType>(found - types.begin());
}

bool proves(ChallengeType type, std::string_view name) {
    return type == ChallengeType::dns_01 || !is_wildcard(name);
}

}  // namespace gh::pki::acme
