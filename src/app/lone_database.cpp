#include "app/lone_database.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/try.hpp"
#include "net/run_task.hpp"
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
    }
    GH_TRY(opened->database_,
           storage::open_database(storage, settings.data_dir, opened->observer_, nullptr));
    return opened;
}

Result<void> LoneDatabase::check_alone(std::string_view reason) {
    if (!others_) return {};
    for (auto waited = milliseconds(0);; waited += others_pause) {
        GH_TRY(const auto others,
               net::run_to_end(storage::backup::others_connected(*database_, *others_)));
        if (others == 0) return {};
        if (waited >= others_patience) {
            return fail(ErrorKind::conflict, reason,
                        fmt::format("{} connections of other nodes to this database are open; stop "
                                    "every gatehouse that uses it and try again",
                                    others));
        }
        std::this_thread::sleep_for(others_pause);
    }
}

}  // namespace gh::app
