#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "telemetry/redaction.hpp"

namespace gh::telemetry::redaction {

/// Where a mark was seen.
struct Place {
    std::string_view text;
    std::size_t at;
    std::size_t floor;  ///< what is before it has been replaced already
    Redactor::Form form;
    std::size_t& numbers_end;  ///< no run of digits that begins before it is looked at again
};

/// What is to be replaced.
struct Found {
    std::size_t begin = 0, end = 0;
    RedactedKind kind = RedactedKind::secret;
    std::string
        value{};        ///< as it is compared: lower case, decoded, digits only; empty: as written
    bool bare = false;  ///< not within quotes in JSON: a number
};

using Matcher = std::optional<Found> (*)(const Place&);

[[nodiscard]] std::optional<Found> match_email(const Place& place);
/// Card numbers and US social security numbers.
[[nodiscard]] std::optional<Found> match_number(const Place& place);
[[nodiscard]] std::optional<Found> match_ip(const Place& place);
/// A value by the name in front of it: "password": "...".
[[nodiscard]] std::optional<Found> match_named(const Place& place);
/// "Bearer ..." and "Basic ...".
[[nodiscard]] std::optional<Found> match_scheme(const Place& place);
/// "://user:password@".
[[nodiscard]] std::optional<Found> match_userinfo(const Place& place);
/// What tells by its shape that it is a token.
[[nodiscard]] std::optional<Found> match_token(const Place& place);
[[nodiscard]] std::optional<Found> match_jwt(const Place& place);
[[nodiscard]] std::optional<Found> match_private_key(const Place& place);

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }
constexpr bool is_base64url(char c) { return is_alphanumeric(c) || c == '-' || c == '_'; }
constexpr bool is_hex(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// The character there; 0 beyond the end.
constexpr char char_at(std::string_view text, std::size_t i) {
    return i < text.size() ? text[i] : '\0';
}

/// Does `text` hold `word` (lower case) at `at`, in any case?
[[nodiscard]] bool holds(std::string_view text, std::size_t at, std::string_view word);

/// Is text[at..] "%XX"?
[[nodiscard]] bool is_percent_escape(std::string_view text, std::size_t at);

/// How many backslashes end at `end`, not looking before `floor`.
[[nodiscard]] std::size_t backslashes_before(std::string_view text, std::size_t end,
                                             std::size_t floor);

/// Where an escape of JSON that `at` stands in ends; `at` where it stands in none.
[[nodiscard]] std::size_t escape_end(std::string_view text, std::size_t at, std::size_t floor);

/// Does a word begin at `at`: is what is before it none of letter, digit, '_' or '-', or the end of an escape?
[[nodiscard]] bool at_word(const Place& place, std::size_t at);

/// Does what begins here stand in the place of a value already: "[secret]", "[token:3f9a1c02]", "***"?
/// @return how long it is; 0: it does not
[[nodiscard]] std::size_t mask_length(std::string_view text);

/// No word of prose: with a digit, or of both cases, or long.
[[nodiscard]] bool looks_random(std::string_view value);

}  // namespace gh::telemetry::redaction
