#include "app/back_office.hpp"

#include <chrono>
#include <utility>

#include "app/first_users.hpp"
#include "app/pool_route.hpp"
#include "base/try.hpp"

namespace gh::app {

BackOffice::BackOffice(std::unique_ptr<State> state, std::unique_ptr<storage::Fallback> fallback,
                       std::unique_ptr<audit::Log> audit, std::unique_ptr<IdentityHouse> identity,
                       telemetry::Log& log)
    : log_(log),
      state_(std::move(state)),
      fallback_(std::move(fallback)),
      audit_(std::move(audit)),
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
    GH_TRY(auto identity,
           IdentityHouse::open(settings, *state, *audit, keys, std::chrono::system_clock::now()));
    auto office = std::make_unique<BackOffice>(std::move(state), std::move(fallback),
                                               std::move(audit), std::move(identity), log);
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
    GH_TRY(auto made, make_first_users(settings, *state_, std::chrono::system_clock::now()));
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

void BackOffice::start() {
    clerk_ = std::make_unique<Clerk>(Clerk::Parts{
        state_->revocations, identity_->revocations(), state_->roles, identity_->roles(),
        state_->keys, identity_->key_uses(), identity_->oauth(), *fallback_, log_});
}

std::vector<api::Route> BackOffice::routes() {
    auto all = identity_->routes();
    all.push_back(pool_route(*state_->database));
    return all;
}

std::optional<StorageState> BackOffice::storage_state() const {
    if (!clerk_) return {};
    return StorageState{clerk_->database_answers(), fallback_->backlog().records};
}

}  // namespace gh::app
