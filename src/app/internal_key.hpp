#pragma once

#include "app/state.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/key_store.hpp"

namespace gh::app {

/// Keeps the key that agents and services of the house show one another: role `user`, made at the first start, replaced
/// after 30 days, each good for 60, so that whoever still holds the one before has as long again to fetch the next. It lies in
/// the key store as "internal-key", and is shown by nothing.
/// @return whether one was made; errors of the key store and the database
[[nodiscard]] Task<Result<bool>> keep_internal_key(State& state, crypto::KeyStore& keys,
                                                   SystemTime now);

}  // namespace gh::app
