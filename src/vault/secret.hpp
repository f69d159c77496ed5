#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "crypto/secret.hpp"
#include "vault/barrier.hpp"

namespace gh::vault {

inline constexpr std::size_t secret_bytes_max = std::size_t{1} << 20;
/// Kept of a secret that says nothing else.
inline constexpr std::uint32_t versions_kept = 10;
inline constexpr std::uint32_t versions_kept_max = 1'000;
inline constexpr seconds delete_after_max = std::chrono::days(36'500);
inline constexpr std::size_t custom_metadata_max = 64;
inline constexpr std::size_t custom_metadata_name_bytes_max = 128;
inline constexpr std::size_t custom_metadata_text_bytes_max = 512;

/// One version, without its value.
struct SecretVersion {
    std::uint64_t version = 0;
    std::optional<KeyId> key_id;  ///< what it is sealed with; nothing: its value was destroyed
    SystemTime created_at;
    std::optional<SystemTime> deleted_at;  ///< may be taken back; may lie ahead
};

struct OpenedSecret {
    SecretVersion version;
    std::shared_ptr<const crypto::Secret> value;  ///< null where it was deleted or destroyed
    std::string custom_metadata;                  ///< of the secret
};

/// All that is known of a secret but its values.
struct SecretFacts {
    std::string path;
    std::uint64_t current_version = 0;
    std::uint32_t max_versions = 0;  ///< 0: `versions_kept`
    bool cas_required = false;
    seconds delete_after{0};      ///< 0: never
    std::string custom_metadata;  ///< a JSON object of texts; empty: none
    SystemTime created_at;
    SystemTime updated_at;
    std::vector<SecretVersion> versions;  ///< ascending; those that are kept
};

/// How a secret is kept; what is not named stays as it is.
struct SecretSettings {
    std::optional<std::uint32_t> max_versions;
    std::optional<bool> cas_required;
    std::optional<seconds> delete_after;  ///< of versions that are written from now on
    /// What clients say of it, never sealed; without a text: is said no more.
    std::map<std::string, std::optional<std::string>, std::less<>> custom_metadata;
    bool forgets_other_metadata = false;  ///< that is not named
    bool must_exist = false;              ///< else the path becomes known
    bool must_be_new = false;             ///< becomes known with this, or is left alone
};

/// What a write did, for the audit log.
struct SecretChange {
    std::string path;
    std::vector<std::uint64_t> versions;
    SystemTime at;
    std::optional<SystemTime> deletes_at;  ///< what was written deletes itself then
    std::string custom_metadata;           ///< of the secret that was written
};

}  // namespace gh::vault
