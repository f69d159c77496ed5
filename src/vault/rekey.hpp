#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "vault/keyring.hpp"

namespace gh::vault {

/// How far a change of the data key is.
struct RekeyState {
    KeyId newest = 0;           ///< 0: there is none yet
    std::uint64_t waiting = 0;  ///< values that are sealed with an older key
};

/// A value in the order in which they are sealed anew; the first one goes before all.
struct RekeyPosition {
    bool in_transit = false;  ///< of a transit key, which come behind all secrets
    KeyId key_id = 0;
    std::string path;
    std::uint64_t version = 0;
};

struct RekeyStep {
    std::uint64_t sealed = 0;
    std::vector<std::string> unopened;  ///< which do not open, why, and what to do: they stay
    std::optional<RekeyPosition> next;  ///< what to go on behind; nothing: all were looked at
};

/// Changing the data key while others read and write: a new key, then value by value sealed anew, some in a transaction. What
/// is killed in between is gone on with: every value opens at any time.
class Rekey {
 public:
    static constexpr std::int64_t values_at_once = 50;  // at most 50 MiB, twice

    /// @param keyring  outlives it
    Rekey(storage::Database& database, Keyring& keyring) : database_(database), keyring_(keyring) {}

    [[nodiscard]] Task<Result<RekeyState>> state();
    /// A new data key. @return its id
    [[nodiscard]] Task<Result<KeyId>> begin(SystemTime now, storage::Also<KeyId> also = {});
    /// The data keys sealed with the new master key, and a new one: Keyring::renew().
    [[nodiscard]] Task<Result<RenewedKeys>> renew_keys(SystemTime now,
                                                       storage::Also<RenewedKeys> also = {});
    /// Seals some values anew that an older key sealed. What does not open keeps nobody from sealing the rest.
    [[nodiscard]] Task<Result<RekeyStep>> step(RekeyPosition after, SystemTime now);
    /// Forgets the keys that open nothing any more; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> finish(storage::Also<std::uint64_t> also = {});

 private:
    storage::Database& database_;
    Keyring& keyring_;
};

}  // namespace gh::vault
