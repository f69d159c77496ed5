#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "vault/recipient.hpp"

namespace gh::vault {

/// Secrets in one file that is replaced whole: what is in it is all there is, and no part of it opens elsewhere.
/// docs/formats/store-file.md
struct StoreFile {
    static constexpr std::size_t bytes_max = std::size_t{8} << 20;
    static constexpr std::size_t secrets_max = 10'000;
    static constexpr std::size_t proof_bytes = 32;

    std::vector<Recipient> recipients;
    std::map<std::string, std::string, std::less<>> sealed;  ///< octets, by path
    std::string proof;                                       ///< octets

    friend bool operator==(const StoreFile&, const StoreFile&) = default;
};

/// Strict: there is one text for one file, so that no octet can be another and nobody sees.
/// @return `corrupt` "store.malformed" or "seal.malformed"; `conflict` "store.newer": another version
[[nodiscard]] Result<StoreFile> parse_store_file(std::string_view text);

/// JSON, one line.
[[nodiscard]] std::string text_of(const StoreFile& file);
/// The text that the proof is of: all but itself.
[[nodiscard]] std::string proved_text(const StoreFile& file);

}  // namespace gh::vault
