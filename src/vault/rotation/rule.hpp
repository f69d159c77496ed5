#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/type.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/key_pair.hpp"

// How a secret is replaced by itself; pure.

namespace gh::vault::rotation {

inline constexpr std::uint32_t length_min = 16;
inline constexpr std::uint32_t length_max = 1'024;
inline constexpr std::size_t alphabet_characters_max = 94;
inline constexpr std::size_t field_bytes_max = 128;
inline constexpr std::size_t role_bytes_max =
    63;  // NAMEDATALEN - 1: PostgreSQL cuts what is longer
inline constexpr std::size_t consumers_max = 100;
inline constexpr std::size_t consumer_bytes_max = 320;
inline constexpr seconds period_max = std::chrono::days(3'650);

/// What makes the new value.
enum class Kind : std::uint8_t { random, key_pair, postgresql };
/// What becomes of a hold that nobody has ended.
enum class AfterHold : std::uint8_t { proceed, roll_back };

[[nodiscard]] std::string_view name_of(Kind kind);
[[nodiscard]] std::string_view name_of(AfterHold after);

struct Generator {
    Kind kind = Kind::random;
    std::uint32_t length = 32;  ///< of a random text, of a password: characters
    std::string alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";  ///< each character once
    std::string field = "value";  ///< random: what is replaced
    crypto::KeyPairKind key_type = crypto::KeyPairKind::ed25519;
    std::string private_field = "private_key", public_field = "public_key";
    /// postgresql: `vault:PATH` or `vault:PATH#FIELD`, the secret with the URL of who may change the roles.
    std::string connection;
    std::string database;            ///< to log in to; empty: that of the URL
    std::vector<std::string> roles;  ///< one, or two that take turns
    friend bool operator==(const Generator&, const Generator&) = default;
};

struct Rule {
    Generator generator;
    seconds every{0};     ///< 0: only when somebody asks for it
    seconds overlap{0};   ///< how long the version before stays good
    seconds hold_max{0};  ///< how much longer, where a consumer has not moved
    AfterHold after_hold = AfterHold::proceed;
    /// Who must have moved, as "api_key:billing"; empty: everybody who was seen lately.
    std::vector<std::string> consumers;
    friend bool operator==(const Rule&, const Rule&) = default;

    /// Two roles of a server that take turns.
    [[nodiscard]] bool takes_turns() const { return generator.roles.size() == 2; }
};

/// As the API has it: read, written, described; contradictions are noted where they are.
[[nodiscard]] const api::Type<Rule>& rule_type();

/// What rule_type() wrote. @return `invalid_argument` "rotation.rule"
[[nodiscard]] Result<Rule> parse_rule(std::string_view text);
[[nodiscard]] std::string text_of(const Rule& rule);

/// "ed25519", "ecdsa-p256", ...
[[nodiscard]] Result<crypto::KeyPairKind> key_type_named(std::string_view name);

/// A secret that is named by `vault:PATH#FIELD`.
struct SecretName {
    std::string path;
    std::string field;
};
/// @return `invalid_argument` "rotation.connection"
[[nodiscard]] Result<SecretName> parse_connection(std::string_view text);

/// @param text  as the configuration has durations: "30d"
/// @return whole seconds up to `period_max`; `invalid_argument` "rotation.rule"
[[nodiscard]] Result<seconds> parse_period(std::string_view text);

}  // namespace gh::vault::rotation
