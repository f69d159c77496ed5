#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace gh::codec::json {
class Value;
class Writer;
}  // namespace gh::codec::json

namespace gh::vault {

inline constexpr std::size_t recipients_max = 16;

/// The master key, sealed for somebody who can open it: one line of a seal.
struct Recipient {
    std::string kind;  ///< "key", "passphrase", "recovery": which protector
    /// What that protector wants to know again: its salt, its public key. No secrets.
    std::vector<std::pair<std::string, std::string>> parameters;
    std::string sealed;  ///< octets

    /// Null where there is none of this name.
    [[nodiscard]] const std::string* parameter(std::string_view name) const;
    friend bool operator==(const Recipient&, const Recipient&) = default;
};

/// Strict: unknown members are refused.
/// @param list  an array; null: there is none
/// @return `corrupt` "seal.malformed"
[[nodiscard]] Result<std::vector<Recipient>> recipients_of(const codec::json::Value* list);
/// As an array that recipients_of() reads.
void write_recipients(codec::json::Writer& out, const std::vector<Recipient>& recipients);

}  // namespace gh::vault
