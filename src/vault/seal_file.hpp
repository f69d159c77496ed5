#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "vault/recipient.hpp"

namespace gh::vault {

/// What DATA/keys/seal.json says. docs/formats/sealed.md
struct SealFile {
    static constexpr std::size_t bytes_max = 64 * 1024;
    static constexpr std::size_t recipients_max = gh::vault::recipients_max;

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
