#pragma once

#include <cstddef>
#include <cstdint>
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

/// One version, without its value.
struct SecretVersion {
    std::uint64_t version = 0;
    std::optional<KeyId> key_id;  ///< what it is sealed with; nothing: its value was destroyed
    SystemTime created_at;
    std::optional<SystemTime> deleted_at;  ///< may be taken back
};

struct OpenedSecret {
    SecretVersion version;
    std::shared_ptr<const crypto::Secret> value;  ///< null where it was deleted or destroyed
};

/// All that is known of a secret but its values.
struct SecretFacts {
    std::string path;
    std::uint64_t current_version = 0;
    std::uint32_t max_versions = 0;  ///< 0: `versions_kept`
    bool cas_required = false;
    SystemTime created_at;
    SystemTime updated_at;
    std::vector<SecretVersion> versions;  ///< ascending; those that are kept
};

/// What a write did, for the audit log.
struct SecretChange {
    std::string path;
    std::vector<std::uint64_t> versions;
    SystemTime at;
};

}  // namespace gh::vault
