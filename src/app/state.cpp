#include "app/state.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "net/loop.hpp"
#include "net/run_task.hpp"
#include "storage/alone.hpp"
#include "storage/open.hpp"

namespace gh::app {
namespace {

constexpr std::size_t secret_bytes = 32;
constexpr std::string_view hash_key = "api-key-hash";

constexpr auto patience = milliseconds(1'000), pause = milliseconds(100);

}  // namespace

Result<crypto::Secret> kept_secret(crypto::KeyStore& keys, std::string_view name) {
    auto stored = keys.load(name);
    if (stored && stored->bytes().size() == secret_bytes) return stored;
    if (stored) {
        return fail(
            ErrorKind::corrupt, "state.secret",
            fmt::format("keys/{} in the data directory is damaged; restore it from a backup",
                        name));
    }
    if (stored.error().kind != ErrorKind::not_found) return stored;
    auto made = crypto::Secret::random(secret_bytes);
    GH_TRY_VOID(keys.store(name, made));
    return made;
}

State::State(std::unique_ptr<storage::Observer> watching, std::unique_ptr<storage::Database> opened,
             crypto::Secret key)
    : observer(std::move(watching)),
      database(std::move(opened)),
      hasher(std::make_shared<const identity::ApiKeyHasher>(std::move(key))),
      users(*database),
      keys(*database, hasher),
      roles(*database),
      revocations(*database),
      certificates(*database) {}

Result<std::unique_ptr<State>> State::open(const Settings& settings, crypto::KeyStore& keys,
                                           telemetry::Registry& registry, telemetry::Log* log,
                                           Schema schema) {
    auto key = schema == Schema::bring_up ? kept_secret(keys, hash_key)
                                          : crypto::Secret::random(secret_bytes);
    if (!key) return std::unexpected(std::move(key).error());
    auto observer = std::make_unique<storage::Observer>(registry, log, settings.storage.slow_query);
    GH_TRY(auto database,
           storage::open_database(settings.storage, settings.data_dir, *observer, log));
    if (schema == Schema::bring_up && database->dialect() == storage::Dialect::sqlite) {
        GH_TRY(const auto applied,
               net::run_to_end(storage::migrate(*database, storage::embedded_migrations(),
                                                std::chrono::system_clock::now())));
        if (applied > 0 && log != nullptr)
            log->info("storage", "schema brought up to date").field("steps", applied);
    }
    return std::make_unique<State>(std::move(observer), std::move(database), *std::move(key));
}

namespace {

/// A restore or a new master key of another node. One that has been killed is let go of in a moment.
Task<Result<void>> check_not_replaced(storage::Database& database) {
    for (auto waited = milliseconds(0);; waited += pause) {
        GH_CO_TRY(const bool replaced, co_await storage::kept_by_one(database));
        if (!replaced) co_return Result<void>{};
        if (waited >= patience) break;
        co_await net::Sleep(*net::Loop::current(), pause);
    }
    co_return fail(ErrorKind::conflict, "storage.replaced",
                   "a restore into this database, or a new master key for it, is under way; wait "
                   "until it has ended, and give this node the keys/ of then");
}

}  // namespace

Task<Result<void>> State::check_schema() {
    GH_CO_TRY_VOID(co_await check_not_replaced(*database));
    GH_CO_TRY(const auto state,
              co_await storage::schema_state(*database, storage::embedded_migrations()));
    if (state.pending.empty()) co_return Result<void>{};
    co_return fail(ErrorKind::conflict, "migration.pending",
                   fmt::format("the database lacks {} of the {} steps of its schema; run: "
                               "gatehouse migrate up",
                               state.pending.size(), storage::embedded_migrations().size()));
}

}  // namespace gh::app
