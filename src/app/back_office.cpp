#include "app/back_office.hpp"

#include <chrono>
#include <utility>

#include "app/first_users.hpp"
#include "app/pool_route.hpp"
#include "base/try.hpp"

namespace gh::app {

BackOffice::BackOffice(std::unique_ptr<State> state, std::unique_ptr<storage::Fallback> fallback,
                       std::unique_ptr<audit::Log> audit, CheckpointKeeper checkpoints,
                       std::unique_ptr<IdentityHouse> identity, telemetry::Registry& registry,
                       telemetry::Log& log)
    : registry_(registry),
      log_(log),
      state_(std::move(state)),
      fallback_(std::move(fallback)),
      audit_(std::move(audit)),
      checkpoints_(std::move(checkpoints)),
      identity_(std::move(identity)) {}

Result<std::unique_ptr<BackOffice>> BackOffice::open(const Settings& settings,
                                                     crypto::KeyStore& keys,
                                                     telemetry::Registry& registry,
                                                     telemetry::Log& log) {
    GH_TRY(auto state, State::open(settings, keys, registry, &log));
    GH_TRY(auto journal, storage::Journal::open(settings.data_dir / "fallback_db", {}));
    auto fallback =
        std::make_unique<storage::Fallback>(*state->database, std::move(journal), registry, log);
    auto audit = std::make_unique<audit::Log>(*fallback, registry, log);
    GH_TRY(auto checkpoints, CheckpointKeeper::open(settings.data_dir, settings.audit.origin, keys,
                                                    *state->database));
    GH_TRY(auto identity,
           IdentityHouse::open(settings, *state, *audit, keys, std::chrono::system_clock::now()));
    auto office =
        std::make_unique<BackOffice>(std::move(state), std::move(fallback), std::move(audit),
                                     std::move(checkpoints), std::move(identity), registry, log);
    if (auto schema = office->state_->check_schema(); !schema) {
        if (!storage::is_away(schema.error())) return std::unexpected(std::move(schema).error());
        log.error("storage", "the database does not answer; what needs it gets 503 until it does")
            .error(schema.error());
        return office;
    }
    GH_TRY_VOID(office->welcome_first_users(settings));
    return office;
}

Result<void> BackOffice::welcome_first_users(const Settings& settings) {
    const auto now = std::chrono::system_clock::now();
    GH_TRY(const auto keys, take_over_keys(settings, *state_, now));
    if (keys > 0) log_.info("identity", "took over keys of API_KEYS").field("keys", keys);
    GH_TRY(auto made, make_first_users(settings, *state_, now));
    if (!made) return {};
    log_.info("identity", "made the first users").field("imported", made->imported);
    if (!made->admin_password) return {};
    GH_TRY(const auto file, show_once(*made->admin_password, settings.data_dir));
    if (file) {
        log_.warning(
                "identity",
                "the one-time password of the user admin is in a file; delete it once it is read")
            .field("file", file->native());
    }
    return {};
}

void BackOffice::start(const std::filesystem::path& sqlite) {
    clerk_ = std::make_unique<Clerk>(Clerk::Parts{
        state_->revocations, identity_->revocations(), state_->roles, identity_->roles(),
        state_->keys, identity_->key_uses(), *fallback_, checkpoints_, registry_, log_});
    if (!sqlite.empty())
        integrity_ = std::make_unique<storage::IntegrityCheck>(sqlite, registry_, log_);
}

std::vector<api::Route> BackOffice::routes() {
    auto all = identity_->routes();
    all.push_back(pool_route(*state_->database));
    return all;
}

std::optional<StorageState> BackOffice::storage_state() const {
    if (!clerk_) return {};
    return StorageState{clerk_->database_answers(), fallback_->backlog().records,
                        integrity_ && integrity_->found_damage()};
}

}  // namespace gh::app
