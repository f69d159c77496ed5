#pragma once

#include <mutex>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "storage/session.hpp"
#include "vault/barrier.hpp"

namespace gh::vault {

/// The data keys. They rest in the database, each sealed with a key of the seal's, so that every node over one database has
/// the same and hears of a new one with the first value it seals. What opened a value once is remembered. Any thread.
///
/// Errors besides storage's: `not_found` "barrier.key"; `corrupt` "keyring.sealed": the database belongs to another seal.
class Keyring {
 public:
    /// Of Seal::derived_key().
    static constexpr std::string_view purpose = "data keys";
    /// @param root  32 bytes
    explicit Keyring(crypto::Secret root);

    /// That has the database's newest key and no other: a database that was restored under us may know another by the same
    /// id, so nothing is remembered here. The first is made.
    [[nodiscard]] Task<Result<Barrier>> for_sealing(storage::Session& session, SystemTime now);
    /// One that has this key.
    [[nodiscard]] Task<Result<Barrier>> for_opening(storage::Session& session, KeyId id);
    /// A new key, for everything that is sealed from the next transaction on; in its own, seal nothing.
    [[nodiscard]] Task<Result<KeyId>> add(storage::Session& session, SystemTime now);
    /// Forgets keys that open nothing any more; how many.
    [[nodiscard]] static Task<Result<std::uint64_t>> retire(storage::Session& session);

 private:
    [[nodiscard]] Task<Result<Barrier>> make(storage::Session& session, SystemTime now);
    [[nodiscard]] Barrier known() const;
    [[nodiscard]] Result<crypto::Secret> open(KeyId id, const std::string& sealed) const;

    Barrier root_;
    mutable std::mutex mutex_;
    Barrier known_;
};

}  // namespace gh::vault
