#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "access/rate_limiter.hpp"

namespace gh::access {

/// A limit and its answer under the name that clients see.
struct NamedDecision {
    std::string_view name;  ///< printable ASCII; anything else is written as '?'
    const Limit* limit;
    LimitDecision decision;
};

/// Enough for charges_max items with names of up to 64 characters.
constexpr std::size_t rate_limit_field_bytes_max = RateLimiter::charges_max * 192;

/// `"name";q=100;w=60, ...`: value of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11).
/// @param out  written from the start; items that do not fit are left out whole
/// @return the part of `out` that was written
[[nodiscard]] std::string_view write_rate_limit_policy(std::span<const NamedDecision> items,
                                                       std::span<char> out);

/// `"name";r=50;t=30, ...`: value of RateLimit (same draft).
[[nodiscard]] std::string_view write_rate_limit(std::span<const NamedDecision> items,
                                                std::span<char> out);

/// The longest wait among those that refused; 0 when none did. Value of Retry-After in seconds.
[[nodiscard]] std::uint32_t retry_after_seconds(std::span<const NamedDecision> items);

}  // namespace gh::access
