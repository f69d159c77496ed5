#pragma once

#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "storage/database.hpp"
#include "vault/keyring.hpp"
#include "vault/room.hpp"
#include "vault/secret_repository.hpp"

namespace gh::app {

/// The vault of a running house.
class VaultHouse {
 public:
    /// @param keyring, database, audit  outlive it
    VaultHouse(vault::Keyring& keyring, storage::Database& database, audit::Log& audit)
        : secrets_(database, keyring), room_{secrets_, audit} {}
    VaultHouse(const VaultHouse&) = delete;
    VaultHouse& operator=(const VaultHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() { return vault::kv_routes(room_); }

 private:
    vault::SecretRepository secrets_;
    vault::Room room_;
};

}  // namespace gh::app
