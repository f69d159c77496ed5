#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "vault/rotation/rule.hpp"

// What a rotation makes; pure but for the random bytes. RSA takes seconds.

namespace gh::vault::rotation {

/// A new value before anybody was told of it: a JSON object that is merged into the secret.
struct Candidate {
    crypto::Secret fields;
    std::string role;  ///< postgresql: whose password is among them
};

/// Each character as likely as any other.
/// @param alphabet  2 to 256 characters, each once
[[nodiscard]] crypto::Secret random_text(std::string_view alphabet, std::size_t length);

/// The role that is to have the next password: the other of two that take turns.
/// @param newest  the secret's fields, a JSON object; empty: there is none yet
[[nodiscard]] std::string next_role(const Generator& by, std::string_view newest);

/// @param newest  as of next_role()
[[nodiscard]] Candidate generate(const Generator& by, std::string_view newest);

/// A field that is a text. @return `not_found` "rotation.field"
[[nodiscard]] Result<crypto::Secret> text_field(std::string_view fields, std::string_view name);

inline constexpr std::string_view username_field = "username";
inline constexpr std::string_view password_field = "password";

}  // namespace gh::vault::rotation
