#pragma once

#include <cstdint>

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
    /// Seals some values anew; how many. None: it is done.
    [[nodiscard]] Task<Result<std::uint64_t>> step(SystemTime now);
    /// Forgets the keys that open nothing any more; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> finish(storage::Also<std::uint64_t> also = {});

 private:
    storage::Database& database_;
    Keyring& keyring_;
};

}  // namespace gh::vault
