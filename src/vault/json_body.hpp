#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "codec/json_outline.hpp"
#include "vault/secret.hpp"

// What bodies of the API of KV stores have in common, whatever they ask for; pure.

namespace gh::vault::kv {

/// `invalid_argument` "kv.body"
[[nodiscard]] std::unexpected<Error> refused_body(std::string detail);

/// An object with none but these members, whose names are spelled as they are here.
/// @return `invalid_argument` "kv.body"
[[nodiscard]] Result<codec::json::Outline> read_object(
    std::string_view body, std::initializer_list<std::string_view> members);
/// The same, and no body is an empty object.
[[nodiscard]] Result<codec::json::Outline> read_optional_object(
    std::string_view body, std::initializer_list<std::string_view> members);

/// That it is one, whatever its members.
[[nodiscard]] Result<void> read_any_object(std::string_view body);

/// Is it there, and not null?
[[nodiscard]] bool says_something(const codec::json::Node* node);

/// Whole and not negative; clients of the shell send texts.
[[nodiscard]] std::optional<std::uint64_t> number_of(const codec::json::Node& node);
/// true or false; clients of the shell send texts.
[[nodiscard]] std::optional<bool> truth_of(const codec::json::Node& node);

/// No duration is longer; far beyond what anybody asks for.
inline constexpr seconds duration_max = delete_after_max;
/// Seconds, or hours, minutes and seconds in this order: "3h25m19s". Days are taken for hours' sake. At most `duration_max`
/// and a second.
[[nodiscard]] std::optional<seconds> duration_of(std::string_view text);
[[nodiscard]] std::optional<seconds> duration_of(const codec::json::Node& node);

}  // namespace gh::vault::kv
