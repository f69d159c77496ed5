#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "codec/json_outline.hpp"
#include "crypto/secret.hpp"
#include "vault/transit/key.hpp"

/// Bodies of transit's API; pure. What it has no answer for is refused and not passed over.
///
/// Errors: `invalid_argument` "transit.body", the detail is for the client.
namespace gh::vault::transit {

inline constexpr std::size_t batch_items_max = 1'000;
inline constexpr std::size_t slow_batch_items_max = 100;  ///< where each costs milliseconds
inline constexpr std::size_t text_bytes_max = std::size_t{1} << 20;  ///< of an item, as it is
inline constexpr std::size_t context_bytes_max = std::size_t{16} * 1024;
inline constexpr std::size_t body_bytes_max = std::size_t{4} << 20;

/// What is to be done with one text. Views are as long-lived as their Use; base64 as it came.
struct Item {
    std::optional<std::string_view> plaintext, ciphertext, input, signature, hmac;
    std::string_view context, associated_data, reference;
    std::uint32_t key_version = 0;  ///< 0: the latest
};

/// What is to be done with a key.
struct Use {
    std::vector<Item> items;  ///< one, or those of batch_input
    bool is_batch = false;
    std::uint32_t key_version = 0;  ///< beside batch_input: of items that name none
    std::optional<std::string_view> type, signature_algorithm, marshaling;
    std::string hash;         ///< empty: as it comes
    std::string salt_length;  ///< "auto", "hash" or a number; empty: as it comes
    bool prehashed = false;
    std::uint32_t bits = 256;
    std::optional<std::uint32_t> partial_failure_code;

    crypto::Secret text;  ///< that all views point into
    std::optional<codec::json::Outline> outline;
};
[[nodiscard]] Result<Use> parse_use(std::string_view body);

/// {"type": "ed25519", "derived": true, ...}; nothing at all is an AES key.
[[nodiscard]] Result<NewKey> parse_new_key(std::string name, std::string_view body);
[[nodiscard]] Result<KeySettings> parse_key_settings(std::string_view body);
/// {"min_available_version": 2}
[[nodiscard]] Result<std::uint32_t> parse_trim(std::string_view body);
/// Neither key nor name: an empty body, or {}.
[[nodiscard]] Result<void> parse_nothing(std::string_view body);

/// Of random and hash.
struct Tool {
    crypto::Secret input;  ///< decoded
    std::optional<std::string> hash, format;
    std::uint32_t bytes = 32;
};
[[nodiscard]] Result<Tool> parse_tool(std::string_view body);

}  // namespace gh::vault::transit
