#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/session.hpp"
#include "vault/keyring.hpp"
#include "vault/rekey.hpp"

// A change of the data key, as far as values are concerned that a rotation keeps pending.

namespace gh::vault::rotation {

/// How many an older key sealed.
[[nodiscard]] Task<Result<std::uint64_t>> count_waiting(storage::Session& session, KeyId newest);
/// Seals all of them anew: there are few, and they are small.
[[nodiscard]] Task<Result<RekeyStep>> seal_pending(storage::Session& session, Keyring& keyring,
                                                   Barrier newest);

}  // namespace gh::vault::rotation
