#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace gh::vault {

/// The master key, sealed for somebody who can open it: one line of the seal.
struct Recipient {
    std::string kind;  ///< "key", "passphrase", "recovery": which protector
    /// What that protector wants to know again: its salt, its public key. No secrets.
    std::vector<std::pair<std::string, std::string>> parameters;
    std::string sealed;  ///< octets

    /// Null where there is none of this name.
    [[nodiscard]] const std::string* parameter(std::string_view name) const;
    friend bool operator==(const Recipient&, const Recipient&) = default;
};

/// What DATA/keys/seal.json says. docs/formats/sealed.md
struct SealFile {
    static constexpr std::size_t bytes_max = 64 * 1024;
    static constexpr std::size_t recipients_max = 16;

    std::vector<Recipient> recipients;
    std::string
        keys_sealed;  ///< octets: proof that the key store holds nothing in plain; empty: it may

    /// Octets: the master key of before, sealed with the one of the recipients, as long as something may be sealed with it
    /// still; empty: nothing is.
    std::string former;

    friend bool operator==(const SealFile&, const SealFile&) = default;
};

/// Strict: unknown members and versions are refused. Version 2 is 1 with a former master key, which an older gatehouse must
/// not overlook.
/// @return `corrupt` "seal.malformed"; `conflict` "seal.newer": another version
[[nodiscard]] Result<SealFile> parse_seal_file(std::string_view text);

[[nodiscard]] std::string text_of(const SealFile& file);

}  // namespace gh::vault
