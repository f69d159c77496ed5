#pragma once

#include <cstdint>

#include "base/task.hpp"
#include "storage/session.hpp"
#include "vault/keyring.hpp"
#include "vault/rekey.hpp"

namespace gh::vault::transit {

/// Rekey::step() for versions of transit keys.
/// @param newest  what they are sealed with from now on
[[nodiscard]] Task<Result<RekeyStep>> seal_some(storage::Session& session, Keyring& keyring,
                                                Barrier newest, RekeyPosition after);
/// How many an older key than this sealed.
[[nodiscard]] Task<Result<std::uint64_t>> count_waiting(storage::Session& session, KeyId newest);

}  // namespace gh::vault::transit
