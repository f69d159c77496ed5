#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "identity/role_repository.hpp"
#include "storage/database.hpp"
#include "vault/keyring.hpp"
#include "vault/policy_repository.hpp"
#include "vault/room.hpp"
#include "vault/secret_repository.hpp"

namespace gh::app {

/// The vault of a running house.
class VaultHouse {
 public:
    /// @param keyring, database, audit, roles  outlive it
    VaultHouse(vault::Keyring& keyring, storage::Database& database, audit::Log& audit,
               const identity::RoleSource& roles)
        : secrets_(database, keyring),
          policies_(database),
          room_{secrets_, policies_, audit, [&roles] { return roles.current(); }} {}
    VaultHouse(const VaultHouse&) = delete;
    VaultHouse& operator=(const VaultHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() {
        auto all = vault::kv_routes(room_);
        std::ranges::move(vault::policy_routes(room_), std::back_inserter(all));
        std::ranges::move(vault::self_routes(room_), std::back_inserter(all));
        return all;
    }

 private:
    vault::SecretRepository secrets_;
    vault::PolicyRepository policies_;
    vault::Room room_;
};

}  // namespace gh::app
