#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace gh::vault {

/// What may be done to a path, as policies name it.
enum class Capability : std::uint8_t { create, read, update, patch, remove, list, sudo, deny };

/// "create", "read", ...; `remove` is "delete".
[[nodiscard]] std::string_view name_of(Capability capability);
[[nodiscard]] std::optional<Capability> capability_of(std::string_view name);

/// A set of them, one bit each. Deny takes all others away.
class Capabilities {
 public:
    constexpr Capabilities() = default;
    constexpr Capabilities(std::initializer_list<Capability> all) {
        for (const auto each : all) add(each);
    }
    [[nodiscard]] constexpr bool has(Capability one) const { return (bits_ & bit(one)) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    constexpr void add(Capability one) { *this = *this | Capabilities(bit(one)); }
    friend constexpr Capabilities operator|(Capabilities a, Capabilities b) {
        const Capabilities both(static_cast<std::uint8_t>(a.bits_ | b.bits_));
        return both.has(Capability::deny) ? Capabilities(bit(Capability::deny)) : both;
    }
    friend constexpr Capabilities operator&(Capabilities a, Capabilities b) {
        return Capabilities(static_cast<std::uint8_t>(a.bits_ & b.bits_));
    }
    friend constexpr bool operator==(Capabilities, Capabilities) = default;

 private:
    explicit constexpr Capabilities(std::uint8_t bits) : bits_(bits) {}
    static constexpr std::uint8_t bit(Capability one) {
        return static_cast<std::uint8_t>(1U << static_cast<std::uint8_t>(one));
    }
    std::uint8_t bits_ = 0;
};

struct PathRule {
    std::string
        path;  ///< without '/' at its beginning; '+' for a segment, '*' at the end for whatever goes on so
    Capabilities capabilities;
};
using Policy = std::vector<PathRule>;

inline constexpr std::size_t policy_bytes_max = std::size_t{64} * 1024;
inline constexpr std::size_t policy_rules_max = 1'000;
inline constexpr std::size_t policy_path_bytes_max = 1'024;

/// A policy as OpenBao takes it: HCL, of which path "..." { capabilities = [...] } is read, or the same as JSON. What would
/// restrict further and is not known here (allowed_parameters, expiration, templates, ...) is refused, not passed over. Pure.
/// @return `invalid_argument` "policy.syntax", the detail is for who wrote it
[[nodiscard]] Result<Policy> parse_policy(std::string_view document);

/// Of a policy: 1 to 128 of a-z, 0-9 and "._-", and not "root".
/// @return `invalid_argument` "policy.name"
[[nodiscard]] Result<void> check_policy_name(std::string_view name);

}  // namespace gh::vault
