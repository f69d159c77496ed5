#include "app/lone_database.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <tuple>
#include <utility>

#include "base/try.hpp"
#include "net/run_task.hpp"
#include "storage/alone.hpp"
#include "storage/backup/backup.hpp"
#include "storage/open.hpp"

namespace gh::app {
namespace {

constexpr auto patience = std::chrono::hours(24);
constexpr auto others_patience =
    std::chrono::seconds(3);  // connections end a moment after their process
constexpr auto others_pause = milliseconds(100);

}  // namespace

LoneDatabase::LoneDatabase() : observer_(registry_, nullptr, milliseconds(patience)) {}

Result<std::unique_ptr<LoneDatabase>> LoneDatabase::open(const Settings& settings,
                                                         const std::string& name) {
    auto storage = settings.storage;
    auto opened = std::make_unique<LoneDatabase>();
    if (auto* url = storage.url ? std::get_if<storage::PostgresUrl>(&*storage.url) : nullptr) {
        opened->others_ = url->application_name;
        url->application_name = name;
        storage.pool.min = 1;
        storage.pool.max = 1;
        storage.pool.statement_timeout = patience;
        storage.pool.lifetime_max = patience;
    }
    GH_TRY(opened->database_,
           storage::open_database(storage, settings.data_dir, opened->observer_, nullptr));
    return opened;
}

LoneDatabase::~LoneDatabase() {
    // What cannot be given back goes with the connection.
    if (others_ && database_) std::ignore = net::run_to_end(storage::end_alone(*database_));
}

/// Who is there besides; empty: nobody. First nobody comes any more, then those who came are counted.
Task<Result<std::string>> LoneDatabase::others() const {
    GH_CO_TRY(const bool alone, co_await storage::take_alone(*database_));
    if (!alone)
        co_return "a restore into this database, or a new master key for it, is under way from "
            "another node; wait until it has ended";
    GH_CO_TRY(const auto open, co_await storage::backup::others_connected(*database_, *others_));
    if (open == 0) co_return std::string();
    co_return fmt::format(
        "{} connections of other nodes to this database are open; stop every gatehouse that uses "
        "it and try again",
        open);
}

Result<void> LoneDatabase::check_alone(std::string_view reason) {
    if (!others_) return {};
    for (auto waited = milliseconds(0);; waited += others_pause) {
        GH_TRY(auto there, net::run_to_end(others()));
        if (there.empty()) return {};
        if (waited >= others_patience) return fail(ErrorKind::conflict, reason, std::move(there));
        std::this_thread::sleep_for(others_pause);
    }
}

}  // namespace gh::app
