#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "api/route.hpp"
#include "app/vault_tokens.hpp"
#include "audit/act.hpp"
#include "audit/log.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "base/try.hpp"
#include "identity/room.hpp"
#include "net/work_pool.hpp"
#include "storage/database.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "vault/keyring.hpp"
#include "vault/leases/lessor.hpp"
#include "vault/leases/room.hpp"
#include "vault/policy_repository.hpp"
#include "vault/room.hpp"
#include "vault/rotation/room.hpp"
#include "vault/rotation/rotator.hpp"
#include "vault/secret_repository.hpp"
#include "vault/transit/room.hpp"
#include "vault/wrapped_answers.hpp"

namespace gh::app {

/// The vault of a running house.
class VaultHouse {
 public:
    /// @param keyring, database, audit, identity, registry, log  outlive it
    VaultHouse(vault::Keyring& keyring, storage::Database& database, audit::Log& audit,
               identity::Room& identity, telemetry::Registry& registry, telemetry::Log& log)
        : secrets_(database, keyring),
          policies_(database),
          wrapped_(database),
          tokens_(identity, database),
          transit_keys_(database, keyring),
          open_keys_(transit_keys_),
          rotations_(database, keyring),
          room_{secrets_, policies_, wrapped_,
                tokens_,  audit,     [&roles = identity.role_source] { return roles.current(); },
                uses_},
          rotation_room_{room_, rotations_},
          rotator_({rotations_, secrets_, making_, registry, log,
                    [](std::string action, std::string path) {
                        return audit::act_of_house(std::move(action), "secret", std::move(path));
                    }}),
          leases_(database),
          lessor_({leases_, secrets_, registry, log}),
          lease_room_{room_, leases_, lessor_},
          transit_{room_, transit_keys_, open_keys_, signing_, making_, log} {}
    VaultHouse(const VaultHouse&) = delete;
    VaultHouse& operator=(const VaultHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() {
        auto all = vault::kv_routes(room_);
        std::ranges::move(vault::policy_routes(room_), std::back_inserter(all));
        std::ranges::move(vault::self_routes(room_), std::back_inserter(all));
        std::ranges::move(vault::token_routes(room_), std::back_inserter(all));
        std::ranges::move(vault::wrap_routes(room_), std::back_inserter(all));
        for (const auto routes : {vault::transit::key_routes, vault::transit::use_routes,
                                  vault::transit::export_routes, vault::transit::tool_routes})
            std::ranges::move(routes(transit_), std::back_inserter(all));
        std::ranges::move(vault::rotation::rule_routes(rotation_room_), std::back_inserter(all));
        std::ranges::move(vault::rotation::history_routes(rotation_room_), std::back_inserter(all));
        std::ranges::move(vault::leases::database_routes(lease_room_), std::back_inserter(all));
        std::ranges::move(vault::leases::lease_routes(lease_room_), std::back_inserter(all));
        return all;
    }

    /// Rotates the secrets that are due, ends what has had its time.
    [[nodiscard]] Task<Result<void>> rotate_secrets() { return rotator_.run_due(); }
    /// Ends the users of leases that are over.
    [[nodiscard]] Task<Result<void>> end_leases() { return lessor_.end_due(); }
    /// Writes down who has read which version of them, and learns which are rotated.
    [[nodiscard]] Task<Result<void>> watch_rotations() {
        GH_CO_TRY_VOID(co_await uses_.write(rotations_));
        GH_CO_TRY(auto paths, co_await rotations_.paths());
        uses_.watch(std::move(paths));
        GH_CO_TRY_VOID(co_await rotator_.observe());
        co_return co_await lessor_.observe();
    }

    /// Another version of each transit key that wants one by itself; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> rotate_due() {
        return vault::transit::rotate_due(transit_, std::chrono::system_clock::now());
    }

 private:
    vault::SecretRepository secrets_;
    vault::PolicyRepository policies_;
    vault::WrappedAnswers wrapped_;
    VaultTokens tokens_;
    vault::transit::Repository transit_keys_;
    vault::transit::OpenKeys open_keys_;
    vault::rotation::Repository rotations_;
    vault::rotation::Uses uses_;
    vault::Room room_;
    vault::rotation::RotationRoom rotation_room_;
    net::WorkPool signing_{{.threads = 2, .queue_max = 64, .name = "signing"}};
    // A new RSA key takes a second and more: who asks for many is told so soon, and signatures do not wait.
    net::WorkPool making_{{.threads = 1, .queue_max = 4, .name = "key making"}};
    vault::rotation::Rotator rotator_;
    vault::leases::Repository leases_;
    vault::leases::Lessor lessor_;
    vault::leases::LeaseRoom lease_room_;
    vault::transit::TransitRoom transit_;
};

}  // namespace gh::app
