#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gh::pki {

/// What a certificate is for: what it may prove (RFC 5280 §4.2.1.12), whom it names, how long it lives.
enum class Profile : std::uint8_t {
    server,
    client,
    agent,           ///< a client that is software: one SPIFFE id, a day
    infrastructure,  ///< a server that is a client of its peers, too: databases, brokers
};

struct ProfileRules {
    std::string_view name;
    std::string_view usage;  ///< of extKeyUsage, in OpenSSL's words
    bool serves;             ///< wants a DNS name or an address; may have a wildcard
    std::chrono::seconds lifetime;
    std::chrono::seconds lifetime_max;
};

[[nodiscard]] const ProfileRules& rules_of(Profile profile);
/// Nothing for a name that is none of ours.
[[nodiscard]] std::optional<Profile> profile_of(std::string_view name);

}  // namespace gh::pki
