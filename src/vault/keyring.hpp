#pragma once

#include <mutex>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "storage/database.hpp"
#include "vault/barrier.hpp"

namespace gh::vault {

/// The data keys. They rest in the database, each sealed with a key of the seal's, so that every node over one database has
/// the same and hears of a new one with the first value it seals. What opened a value once is remembered. Any thread.
///
/// Errors besides storage's: `not_found` "barrier.key"; `corrupt` "keyring.sealed": the database belongs to another seal, and
/// the detail says what to do.
class Keyring {
 public:
    /// @param root  32 bytes: Seal::derived_key()
    explicit Keyring(crypto::Secret root);

    /// That has the database's newest key and no other: a database that was restored under us may know another by the same
    /// id, so nothing is remembered here. The first is made.
    [[nodiscard]] Task<Result<Barrier>> for_sealing(storage::Session& session, SystemTime now);
    /// Opens what a barrier of this keyring sealed, whichever key that was. @return also errors of Barrier::open()
    [[nodiscard]] Task<Result<crypto::Secret>> open(storage::Session& session, crypto::Bytes sealed,
                                                    Place place);
    /// Does the database's newest key open, if it has one? Better asked at the start than with the first secret.
    [[nodiscard]] Task<Result<void>> check(storage::Database& database) const;
    /// A new key, for everything that is sealed from the next transaction on; in its own, seal nothing.
    [[nodiscard]] Task<Result<KeyId>> add(storage::Session& session, SystemTime now);
    /// Forgets keys that open nothing any more; how many.
    [[nodiscard]] static Task<Result<std::uint64_t>> retire(storage::Session& session);

 private:
    [[nodiscard]] Task<Result<Barrier>> make(storage::Session& session, SystemTime now);
    [[nodiscard]] Task<Result<Barrier>> learn(storage::Session& session, KeyId id);
    [[nodiscard]] Barrier known() const;
    [[nodiscard]] Result<crypto::Secret> open_key(KeyId id, const std::string& sealed) const;

    Barrier root_;
    mutable std::mutex mutex_;
    Barrier known_;
};

}  // namespace gh::vault
