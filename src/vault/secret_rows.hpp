#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "storage/session.hpp"
#include "vault/keyring.hpp"
#include "vault/secret.hpp"

// What the files of the repository have in common. Only they include this.

namespace gh::vault {

/// Where a version of a secret lies.
[[nodiscard]] Place place_of(std::string_view path, std::uint64_t version);

/// Is it this value alone that cannot be had, and not the database?
[[nodiscard]] bool is_unopened(const Error& error);
/// Which one, why, and what to do.
[[nodiscard]] std::string describe_unopened(const Place& place, const Error& error);

/// version, key_id, created_at, deleted_at from this column on.
[[nodiscard]] SecretVersion version_of(const storage::Row& row, std::size_t column);

struct SecretHead {
    std::uint64_t current_version = 0;
    std::uint32_t max_versions = 0;
    bool cas_required = false;
    seconds delete_after{0};
    std::string custom_metadata;
    SystemTime created_at, updated_at;
};
/// Nothing where the path is unknown.
[[nodiscard]] Task<Result<std::optional<SecretHead>>> find_head(storage::Session& session,
                                                                std::string path);

/// SecretRepository::get() within a transaction of the caller's.
[[nodiscard]] Task<Result<OpenedSecret>> read_secret(storage::Session& session, Keyring& keyring,
                                                     std::string path, std::uint64_t version,
                                                     SystemTime now);
/// Another version, the same way, whatever check-and-set the path asks of others.
[[nodiscard]] Task<Result<SecretChange>> add_secret_version(
    storage::Session& session, Keyring& keyring, std::string path,
    std::shared_ptr<const crypto::Secret> value, SystemTime now);
/// Deletes a version, which may be taken back; nothing where it is gone.
[[nodiscard]] Task<Result<void>> delete_secret_version(storage::Session& session, std::string path,
                                                       std::uint64_t version, SystemTime now);

[[nodiscard]] std::unexpected<Error> unknown_secret(std::string_view path);

}  // namespace gh::vault
