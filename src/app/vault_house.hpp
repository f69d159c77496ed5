#pragma once

#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "storage/database.hpp"
#include "vault/keyring.hpp"
#include "vault/room.hpp"
#include "vault/seal.hpp"
#include "vault/secret_repository.hpp"

namespace gh::app {

/// The vault of a running house.
class VaultHouse {
 public:
    /// @param database, audit  outlive it
    VaultHouse(const vault::Seal& seal, storage::Database& database, audit::Log& audit)
        : keyring_(seal.derived_key(vault::Keyring::purpose)),
          secrets_(database, keyring_),
          room_{secrets_, audit} {}
    VaultHouse(const VaultHouse&) = delete;
    VaultHouse& operator=(const VaultHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() { return vault::kv_routes(room_); }

 private:
    vault::Keyring keyring_;
    vault::SecretRepository secrets_;
    vault::Room room_;
};

}  // namespace gh::app
