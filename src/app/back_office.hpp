#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "api/route.hpp"
#include "app/agents_house.hpp"
#include "app/bus_house.hpp"
#include "app/checkpoint_keeper.hpp"
#include "app/clerk.hpp"
#include "app/health.hpp"
#include "app/health_facts.hpp"
#include "app/identity_house.hpp"
#include "app/kill_house.hpp"
#include "app/log_level_route.hpp"
#include "app/own_routes.hpp"
#include "app/pki_house.hpp"
#include "app/plans_house.hpp"
#include "app/profile_routes.hpp"
#include "app/settings.hpp"
#include "app/state.hpp"
#include "app/vault_house.hpp"
#include "audit/log.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/key_store.hpp"
#include "net/work_pool.hpp"
#include "storage/fallback.hpp"
#include "storage/sqlite/integrity.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "vault/keyring.hpp"

namespace gh::app {

/// The control plane's rooms of a running house, over what is durable. Outlives the workers.
class BackOffice {
 public:
    /// Opens the database and furnishes the rooms; on a first start, makes the first users. A database that is away may come
    /// later.
    /// @param keys, ca, registry, log  outlive it
    /// @param keyring                  whose keys the database must hold
    /// @return what cannot be mended by waiting: errors of files and keys, a schema that is not ours, another house's vault
    [[nodiscard]] static Result<std::unique_ptr<BackOffice>> open(
        const Settings& settings, crypto::KeyStore& keys, std::unique_ptr<vault::Keyring> keyring,
        pki::InternalCa& ca, telemetry::Registry& registry, telemetry::Log& log);
    /// Of what open() has made ready.
    BackOffice(const Settings& settings, crypto::KeyStore& keys,
               std::unique_ptr<vault::Keyring> keyring, std::unique_ptr<State> state,
               std::unique_ptr<storage::Fallback> fallback, std::unique_ptr<audit::Log> audit,
               CheckpointKeeper checkpoints, std::unique_ptr<IdentityHouse> identity,
               pki::InternalCa& ca, crypto::Secret enrolment_secret, telemetry::Registry& registry,
               telemetry::Log& log);

    /// From now on it does what nobody asks for, too.
    /// @param sqlite  the database's file, looked at whether it is whole; empty: that is a server's business
    /// @param client  has certificates of a CA; outlives it
    /// @param tracer  of what it does by itself; null: nobody wants to know; outlives it
    void start(const std::filesystem::path& sqlite, pki::acme_client::Client& client,
               const telemetry::Tracer* tracer);
    /// Before its end, and before the log's, when the workers stand still: whatever holds the database is run no more.
    void stop() {
        profiles_.stop_watching();
        clerk_.reset();
        integrity_.reset();
        state_->close();
    }

    [[nodiscard]] std::vector<api::Route> routes();
    [[nodiscard]] IdentityHouse& identity() { return *identity_; }
    [[nodiscard]] PkiHouse& pki() { return pki_; }
    [[nodiscard]] AgentsHouse& agents() { return agents_; }
    [[nodiscard]] KillWatch& kills() { return kills_.watch(); }
    [[nodiscard]] const std::shared_ptr<const identity::ApiKeyHasher>& hasher() const {
        return state_->hasher;
    }
    /// How everything is that the control plane needs, beside what is known of the rest.
    [[nodiscard]] HealthReport health(CheckStates known) const;
    void apply(const HealthConfig& config) { health_.apply(config); }
    /// The loops of the workers, once nothing can fail any more, until stop().
    void watch(const std::vector<const net::Loop*>& loops) { profiles_.watch(loops); }

 private:
    /// Has it our schema, and keys of our vault?
    [[nodiscard]] Task<Result<void>> recognise_database();
    /// Once the database answers: is it ours, who is there, what is over? At the start, or from the clerk.
    [[nodiscard]] Task<Result<void>> greet_database();
    /// The same at the start, which does not wait long for a database that says nothing.
    [[nodiscard]] Task<Result<void>> greet_in_time();
    [[nodiscard]] Task<Result<void>> welcome_first_users();
    [[nodiscard]] Task<Result<void>> renew();
    [[nodiscard]] std::vector<Health::Probe> probes();
    [[nodiscard]] StorageState storage_state() const;

    const Settings settings_;  // of the start
    crypto::KeyStore& keys_;
    const std::unique_ptr<vault::Keyring> keyring_;
    telemetry::Registry& registry_;
    telemetry::Log& log_;
    std::unique_ptr<State> state_;
    std::unique_ptr<storage::Fallback> fallback_;
    std::unique_ptr<audit::Log> audit_;
    CheckpointKeeper checkpoints_;
    std::unique_ptr<IdentityHouse> identity_;
    VaultHouse vault_;
    LogLevelRoom log_level_;
    ProfileRoom profiles_;
    PkiHouse pki_;
    AgentsHouse agents_;
    BusHouse bus_;
    PlansHouse plans_;
    KillHouse kills_;
    net::WorkPool looking_{{.threads = 1, .queue_max = 4, .name = "health"}};
    Health health_;
    std::unique_ptr<Clerk> clerk_;
    std::unique_ptr<storage::IntegrityCheck> integrity_;
};

}  // namespace gh::app
