#include "pki/profile.hpp"

#include <algorithm>
#include <array>

namespace gh::pki {
namespace {

using std::chrono::days;
using std::chrono::hours;

// In the order of the enumeration. 397 days is what browsers still take.
constexpr std::array table{
    ProfileRules{"server", "serverAuth", true, days{90}, days{397}},
    ProfileRules{"client", "clientAuth", false, days{90}, days{397}},
    ProfileRules{"agent", "clientAuth", false, hours{24}, hours{24}},
    ProfileRules{"infrastructure", "serverAuth,clientAuth", true, days{365}, days{397}},
};

}  // namespace

const ProfileRules& rules_of(Profile profile) { return table[static_cast<std::size_t>(profile)]; }

std::optional<Profile> profile_of(std::string_view name) {
    const auto* found = std::ranges::find(table, name, &ProfileRules::name);
    if (found == table.end()) return {};
    return static_cast<Profile>(found - table.begin());
}

}  // namespace gh::pki
