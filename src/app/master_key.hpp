#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/kept_copies.hpp"
#include "app/settings.hpp"
#include "base/error.hpp"
#include "vault/keyring.hpp"

namespace gh::app {

/// What is sealed with a new master key.
struct RenewedMaster {
    std::uint64_t keys = 0;  ///< in DATA/keys
    RenewedCopies copies;
    vault::RenewedKeys data_keys;
    std::vector<std::string> recovery_keys;  ///< which open it, too
};

/// Another master key: everything that one derived of the former seals is sealed anew, and then the former is forgotten. Alone
/// in the data directory and on the database. What was cut short is gone on with; killed anywhere, everything opens.
/// @param known  recovery keys that the caller vouches for: vault::Seal::begin_renewal()
/// @return errors of open_verb_state(); `conflict` "data_dir.in_use", "rekey.in_use"; of vault::Seal; of the key store: before
///         anything is changed, where a key does not open
[[nodiscard]] Result<RenewedMaster> renew_master(const Overrides& overrides,
                                                 const Surroundings& surroundings,
                                                 const std::vector<std::string>& known);

}  // namespace gh::app
