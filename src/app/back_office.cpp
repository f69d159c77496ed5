#include "app/back_office.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "app/first_users.hpp"
#include "app/internal_key.hpp"
#include "app/machine.hpp"
#include "app/pool_route.hpp"
#include "base/try.hpp"
#include "net/run_task.hpp"
#include "net/within.hpp"
#include "storage/open.hpp"

namespace gh::app {
namespace {

constexpr seconds greeting_patience{3};

constexpr storage::Statement ping{.name = "health.ping", .sql = "SELECT 1"};

Task<Result<void>> ask_database(storage::Database& database) {
    GH_CO_TRY_VOID(co_await database.query(ping));
    co_return Result<void>{};
}

Task<Result<void>> ask_disk(const net::WorkPool& pool, std::filesystem::path folder,
                            std::uint64_t free_min) {
    auto look = [folder = std::move(folder), free_min] { return check_disk(folder, free_min); };
    co_return co_await pool.run(std::move(look));
}

}  // namespace

BackOffice::BackOffice(const Settings& settings, crypto::KeyStore& keys,
                       std::unique_ptr<vault::Keyring> keyring, std::unique_ptr<State> state,
                       std::unique_ptr<storage::Fallback> fallback,
                       std::unique_ptr<audit::Log> audit, CheckpointKeeper checkpoints,
                       std::unique_ptr<IdentityHouse> identity, pki::InternalCa& ca,
                       crypto::Secret enrolment_secret, telemetry::Registry& registry,
                       telemetry::Log& log)
    : settings_(settings),
      keys_(keys),
      keyring_(std::move(keyring)),
      registry_(registry),
      log_(log),
      state_(std::move(state)),
      fallback_(std::move(fallback)),
      audit_(std::move(audit)),
      checkpoints_(std::move(checkpoints)),
      identity_(std::move(identity)),
      vault_(*keyring_, *state_->database, *audit_, identity_->room(), registry_, log_),
      log_level_{.log = log_, .audit = *audit_},
      profiles_(*audit_, registry_, log_),
      pki_(*state_->database, state_->certificates, ca, std::move(enrolment_secret), registry, log),
      agents_(*state_->database,
              {.token_key = pki_.enrolment().token_key,
               .authority = [&ca] { return ca.issuer(); },
               .trust_domain = settings_.agents.trust_domain,
               .enrolment = &pki_.enrolment(),
               .issuer = &identity_->issuer(),
               .revocations = &identity_->revocations(),
               .plans_stirred = [this](const auto& stirs) { plans_.heed(stirs); },
               .agent_ended = [this](const auto& agent) { bus_.agent_ended(agent); }},
              settings_.agents, registry, log),
      bus_(*state_->database, *fallback_, settings_.bus,
           std::ranges::all_of(settings_.auth.trusted_issuers,
                               &identity::TrustedIssuerConfig::issuer_required),
           registry, log),
      plans_(*state_->database, *fallback_, settings_.plans, registry, log),
      kills_(*state_->database, agents_.credentials(), agents_.heartbeats(),
             settings_.agents.trust_domain,
             {.database = *state_->database,
              .recorded = state_->revocations,
              .revocations = identity_->revocations(),
              .learn_certificates = [this](SystemTime since) { return pki_.learn_since(since); },
              .data_dir = settings_.data_dir},
             identity_->roles(), log),

      health_(settings_.health, probes(), log_) {}

Result<std::unique_ptr<BackOffice>> BackOffice::open(
    const Settings& settings, crypto::KeyStore& keys, std::unique_ptr<vault::Keyring> keyring,
    pki::InternalCa& ca, telemetry::Registry& registry, telemetry::Log& log) {
    GH_TRY(auto state, State::open(settings, keys, registry, &log));
    log.info("storage", state->database->dialect() == storage::Dialect::sqlite
                            ? "Storage backend: SQLite"
                            : "Storage backend: PostgreSQL")
        .field("database", storage::place_of(settings.storage, settings.data_dir));
    if (open_to_others(settings.data_dir)) {
        log.warning("app", "others than its owner may look into the data directory: chmod 0700 it")
            .field("data_dir", settings.data_dir.native());
    }
    GH_TRY(auto journal, storage::Journal::open(settings.data_dir / "fallback_db", {}));
    auto fallback =
        std::make_unique<storage::Fallback>(*state->database, std::move(journal), registry, log);
    auto audit = std::make_unique<audit::Log>(*fallback, registry, log);
    GH_TRY(auto checkpoints, CheckpointKeeper::open(settings.data_dir, settings.audit.origin, keys,
                                                    *state->database));
    GH_TRY(auto identity, IdentityHouse::open(settings, *state, *fallback, *audit, keys, registry,
                                              std::chrono::system_clock::now()));
    GH_TRY(auto enrolment_secret, kept_secret(keys, enrolment_key));
    auto office = std::make_unique<BackOffice>(settings, keys, std::move(keyring), std::move(state),
                                               std::move(fallback), std::move(audit),
                                               std::move(checkpoints), std::move(identity), ca,
                                               std::move(enrolment_secret), registry, log);
    GH_TRY_VOID(office->pki_.open_acme(settings, *office->state_->database, keys));
    if (auto greeted = net::run_to_end(office->greet_in_time()); !greeted) {
        if (!storage::is_away(greeted.error())) return std::unexpected(std::move(greeted).error());
        log.error("storage", "the database does not answer; what needs it gets 503 until it does")
            .error(greeted.error());
    }
    return office;
}

Task<Result<void>> BackOffice::greet_in_time() {
    // Only this question may be given up: what comes after it makes users, and tells their passwords once.
    auto question = recognise_database();
    GH_CO_TRY_VOID(
        co_await net::within(greeting_patience, "storage.patience", std::move(question)));
    co_return co_await greet_database();
}

Task<Result<void>> BackOffice::recognise_database() {
    GH_CO_TRY_VOID(co_await state_->check_schema());
    co_return co_await keyring_->check(*state_->database);
}

Task<Result<void>> BackOffice::greet_database() {
    GH_CO_TRY_VOID(co_await recognise_database());
    GH_CO_TRY_VOID(co_await welcome_first_users());
    GH_CO_TRY_VOID(co_await renew());
    const auto now = std::chrono::system_clock::now();
    GH_CO_TRY(const auto revoked, co_await state_->revocations.list({}, now));
    GH_CO_TRY_VOID(co_await pki_.learn(now));
    identity_->revocations().learn(revoked, now);
    co_return Result<void>{};
}

Task<Result<void>> BackOffice::renew() {
    GH_CO_TRY(const bool made,
              co_await keep_internal_key(*state_, keys_, std::chrono::system_clock::now()));
    if (made) log_.info("identity", "made a new internal key; it is in the key store");
    co_return Result<void>{};
}

Task<Result<void>> BackOffice::welcome_first_users() {
    const auto now = std::chrono::system_clock::now();
    GH_CO_TRY(const auto keys, co_await take_over_keys(settings_, *state_, now));
    if (keys > 0) log_.info("identity", "took over keys of API_KEYS").field("keys", keys);
    GH_CO_TRY(auto made, co_await make_first_users(settings_, *state_, now));
    if (!made) co_return Result<void>{};
    log_.info("identity", "made the first users").field("imported", made->imported);
    for (const auto& [name, password] : made->passwords) {
        GH_CO_TRY(const auto file, show_once(name, password, settings_.data_dir));
        if (!file) continue;
        log_.warning("identity",
                     "a one-time password of a first user is in a file; delete it once it is read")
            .field("user", name)
            .field("file", file->native());
    }
    co_return Result<void>{};
}

void BackOffice::start(const std::filesystem::path& sqlite, pki::acme_client::Client& client,
                       const telemetry::Tracer* tracer) {
    clerk_ = std::make_unique<Clerk>(
        Clerk::Parts{state_->revocations,
                     identity_->revocations(),
                     state_->roles,
                     identity_->roles(),
                     state_->keys,
                     identity_->key_uses(),
                     identity_->oauth(),
                     *fallback_,
                     checkpoints_,
                     registry_,
                     log_,
                     [this] { return greet_database(); },
                     [this] { return renew(); },
                     [this] { return pki_.keep(); },
                     [&client](net::Resolver& resolver) { return client.keep(resolver); },
                     [this] { return vault_.rotate_due(); },
                     [this] { return vault_.rotate_secrets(); },
                     [this] { return vault_.watch_rotations(); },
                     [this] { return vault_.end_leases(); },
                     [this] { return agents_.keep(); },
                     settings_.agents.heartbeat_flush,
                     [this] { return agents_.write_last(); },
                     [this] { return bus_.keep(); },
                     [this] { return plans_.keep(); },
                     kills_.watch(),
                     health_,
                     tracer});
    if (!sqlite.empty())
        integrity_ = std::make_unique<storage::IntegrityCheck>(sqlite, registry_, log_);
}

std::vector<api::Route> BackOffice::routes() {
    auto all = identity_->routes();
    std::ranges::move(pki_.routes(), std::back_inserter(all));
    std::ranges::move(vault_.routes(), std::back_inserter(all));
    std::ranges::move(agents_.routes(), std::back_inserter(all));
    std::ranges::move(bus_.routes(), std::back_inserter(all));
    std::ranges::move(plans_.routes(), std::back_inserter(all));
    std::ranges::move(kills_.routes(), std::back_inserter(all));
    all.push_back(pool_route(*state_->database));
    std::ranges::move(log_level_routes(log_level_), std::back_inserter(all));
    std::ranges::move(profiles_.routes(), std::back_inserter(all));
    return all;
}

std::vector<Health::Probe> BackOffice::probes() {
    return {{Dependency::database, [this] { return ask_database(*state_->database); }},
            {Dependency::vault, [this] { return keyring_->check(*state_->database); }},
            {Dependency::ca, [this] { return pki_.check(std::chrono::system_clock::now()); }},
            {Dependency::disk,
             [this] { return ask_disk(looking_, settings_.data_dir, health_.disk_free_min()); }}};
}

HealthReport BackOffice::health(CheckStates known) const {
    if (clerk_) known.emplace(name_of(Dependency::database), check_of(storage_state()));
    return health_.report(std::move(known), std::chrono::steady_clock::now());
}

StorageState BackOffice::storage_state() const {
    const auto waiting = fallback_->backlog();
    StorageState state{.answers = clerk_->database_answers(),
                       .backlog = waiting.records,
                       .damaged = integrity_ && integrity_->found_damage()};
    if (waiting.oldest) {
        const auto waited = std::chrono::system_clock::now() - *waiting.oldest;
        state.oldest = std::max(std::chrono::floor<seconds>(waited), seconds(0));
    }
    return state;
}

}  // namespace gh::app
