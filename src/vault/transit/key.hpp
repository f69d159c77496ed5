#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "vault/transit/key_type.hpp"

namespace gh::vault::transit {

inline constexpr std::size_t key_name_bytes_max = 128;
inline constexpr std::uint32_t versions_max = 1'000;  ///< of a key at a time: trimming makes room
inline constexpr std::int64_t keys_max = 10'000;
inline constexpr std::uint32_t hmac_key_bytes_min = 32;
inline constexpr std::uint32_t hmac_key_bytes_max = 512;
inline constexpr auto auto_rotate_min = std::chrono::hours(1);
inline constexpr auto auto_rotate_max = std::chrono::days(36'500);

/// Letters, digits, '_', and between them '.' and '-'.
/// @return `invalid_argument` "transit.name"
[[nodiscard]] Result<void> check_key_name(std::string_view name);

/// What a key is from its making on.
struct NewKey {
    std::string name;
    KeyType type = KeyType::aes256_gcm96;
    std::uint32_t key_bytes = 0;  ///< of hmac; 0 with all others
    bool derived = false;
    bool exportable = false;
    seconds auto_rotate{0};  ///< 0: never
};

/// All that is known of a key but what is secret.
struct KeyFacts {
    NewKey key;
    std::string id;  ///< of this one: another that is made by its name later has another
    std::uint32_t latest = 0;
    std::uint32_t min_decryption = 1;
    std::uint32_t min_encryption =
        0;  ///< 0: the latest, or any from min_decryption on that is asked for
    std::uint32_t min_available = 0;  ///< versions below are gone
    bool deletion_allowed = false;
    SystemTime created_at;
    SystemTime rotated_at;
};

/// What is not named stays as it is.
struct KeySettings {
    std::optional<std::uint32_t> min_decryption;
    std::optional<std::uint32_t> min_encryption;
    std::optional<bool> deletion_allowed;
    bool becomes_exportable = false;  ///< and stays it
    std::optional<seconds> auto_rotate;
};

/// 0, or an hour and more. @return `invalid_argument` "transit.settings"
[[nodiscard]] Result<void> check_auto_rotate(seconds period);
/// @return `invalid_argument` "transit.settings": they contradict each other; the detail is for the client
[[nodiscard]] Result<KeyFacts> with_settings(KeyFacts facts, const KeySettings& wanted);
/// Without the versions below. @return as with_settings()
[[nodiscard]] Result<KeyFacts> trimmed_to(KeyFacts facts, std::uint32_t available);

/// May it have another version? @return `conflict` "transit.too_many"
[[nodiscard]] Result<void> check_rotation(const KeyFacts& facts);

/// What a write did, for the audit log.
struct KeyChange {
    KeyFacts facts;
    bool was_there = false;  ///< and was left as it is
};

}  // namespace gh::vault::transit
