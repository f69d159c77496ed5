#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "storage/database.hpp"
#include "vault/keyring.hpp"
#include "vault/secret.hpp"

namespace gh::vault {

struct SecretPage {
    std::string folder;  ///< nothing, or "team/"
    std::string after;   ///< a name of the page before; empty: from the beginning
    std::size_t limit = 1'000;
};

/// Secrets in the database: versions, sealed. Values leave and enter it in plain, and nothing else does.
///
/// Errors besides storage's and the keyring's: `not_found` "secret.unknown" (the path, or that version of it);
/// `invalid_argument` "secret.path", "secret.too_long", "secret.cas_required", "secret.versions", "secret.settings"; `conflict`
/// "secret.cas";
/// `corrupt` "barrier.open": somebody changed the database.
class SecretRepository {
 public:
    /// @param keyring  outlives it
    SecretRepository(storage::Database& database, Keyring& keyring)
        : database_(database), keyring_(keyring) {}

    /// Another version; the oldest goes when there are more than are kept.
    /// @param cas  the version that must be the newest: 0 where there must be none yet
    [[nodiscard]] Task<Result<SecretChange>> put(std::string path, crypto::Secret value,
                                                 std::optional<std::uint64_t> cas, SystemTime now,
                                                 storage::Also<SecretChange> also = {});
    /// Another version, made of the value of the newest: `secret.unknown` where there is none to be read.
    /// @param make  pure; an exact value, or what refuses
    [[nodiscard]] Task<Result<SecretChange>> revise(
        std::string path, std::function<Result<crypto::Secret>(const crypto::Secret&)> make,
        std::optional<std::uint64_t> cas, SystemTime now, storage::Also<SecretChange> also = {});
    /// @param version  0: the newest
    /// @param now      what deletes itself has done so by then
    [[nodiscard]] Task<Result<OpenedSecret>> get(std::string path, std::uint64_t version,
                                                 SystemTime now = std::chrono::system_clock::now());
    [[nodiscard]] Task<Result<SecretFacts>> facts(std::string path);
    /// Makes the path known if it is not; versions beyond the new limit go with the next put().
    [[nodiscard]] Task<Result<SecretChange>> configure(std::string path, SecretSettings settings,
                                                       SystemTime now,
                                                       storage::Also<SecretChange> also = {});
    /// Names directly below a folder, in order of their bytes; folders end with '/'.
    [[nodiscard]] Task<Result<std::vector<std::string>>> list(SecretPage page);

    /// Versions that are not there are passed over. Empty: the newest.
    [[nodiscard]] Task<Result<SecretChange>> remove(std::string path,
                                                    std::vector<std::uint64_t> versions,
                                                    SystemTime now,
                                                    storage::Also<SecretChange> also = {});
    [[nodiscard]] Task<Result<SecretChange>> restore(std::string path,
                                                     std::vector<std::uint64_t> versions,
                                                     SystemTime now,
                                                     storage::Also<SecretChange> also = {});
    /// Values go for good.
    [[nodiscard]] Task<Result<SecretChange>> destroy(std::string path,
                                                     std::vector<std::uint64_t> versions,
                                                     SystemTime now,
                                                     storage::Also<SecretChange> also = {});
    /// All versions and all that is known of them.
    [[nodiscard]] Task<Result<SecretChange>> forget(std::string path, SystemTime now,
                                                    storage::Also<SecretChange> also = {});

 private:
    /// Within one write transaction, with what belongs to it.
    [[nodiscard]] Task<Result<SecretChange>> change(
        std::string path, std::function<Task<Result<SecretChange>>(storage::Session&)> rows,
        storage::Also<SecretChange> also);

    storage::Database& database_;
    Keyring& keyring_;
};

}  // namespace gh::vault
