#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "storage/database.hpp"
#include "vault/barrier.hpp"

namespace gh::vault {

/// What became of the data keys when the master key did.
struct RenewedKeys {
    std::uint64_t sealed = 0;  ///< with the new master key
    std::vector<KeyId>
        unopened;    ///< which opened with neither, and stay: what they seal opens no more
    KeyId made = 0;  ///< a new one, for what is sealed from now on; 0: that was done before
};

/// The data keys. They rest in the database, each sealed with a key of the seal's, so that every node over one database has
/// the same and hears of a new one with the first value it seals. What opened a value once is remembered. Any thread.
///
/// Errors besides storage's: `not_found` "barrier.key"; `corrupt` "keyring.sealed": the database belongs to another seal, and
/// the detail says what to do.
class Keyring {
 public:
    /// @param root    32 bytes: Seal::derived_key()
    /// @param former  Seal::former_key()
    explicit Keyring(crypto::Secret root, std::optional<crypto::Secret> former = {});

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
    /// Seals those with the root that are sealed with the former one, and makes a new one with it: who has the former master
    /// key and a copy of the database has those of before. In a transaction of its own; done once, it does nothing.
    [[nodiscard]] Task<Result<RenewedKeys>> renew(storage::Session& session, SystemTime now);
    /// Forgets keys that open nothing any more; how many.
    [[nodiscard]] static Task<Result<std::uint64_t>> retire(storage::Session& session);

 private:
    [[nodiscard]] Task<Result<Barrier>> make(storage::Session& session, SystemTime now);
    [[nodiscard]] Task<Result<Barrier>> learn(storage::Session& session, KeyId id);
    [[nodiscard]] Task<Result<void>> renew_some(storage::Session& session,
                                                const storage::Rows& rows, RenewedKeys& renewed);
    [[nodiscard]] Barrier known() const;
    [[nodiscard]] Result<crypto::Secret> open_key(KeyId id, const std::string& sealed) const;

    Barrier root_;
    Barrier former_;  ///< empty: there is none
    mutable std::mutex mutex_;
    Barrier known_;
};

}  // namespace gh::vault
