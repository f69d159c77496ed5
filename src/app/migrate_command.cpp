#include "app/migrate_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "app/data_folder.hpp"
#include "app/machine.hpp"
#include "app/restoring.hpp"
#include "app/verb_state.hpp"
#include "base/try.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "storage/migration.hpp"
#include "storage/open.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {
namespace {

enum class Purpose : std::uint8_t { look, change };

/// A database whose schema is not looked at yet.
struct Bare {
    std::optional<DataFolder> folder;
    telemetry::Registry registry;
    storage::Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<storage::Database> database;  ///< unset: there is none to look at
    std::string place;
};

Result<std::unique_ptr<Bare>> open_bare(const Overrides& overrides,
                                        const Surroundings& surroundings, Purpose purpose) {
    GH_TRY(const auto read, read_settings(overrides, surroundings));
    const auto& settings = read.settings;
    auto bare = std::make_unique<Bare>();
    bare->place = storage::place_of(settings.storage, settings.data_dir);
    if (purpose == Purpose::look) {  // makes nothing
        std::error_code unknown;
        const auto sqlite = sqlite_file_of(settings);
        if (!sqlite.empty() && !std::filesystem::exists(sqlite, unknown)) return bare;
    } else {
        GH_TRY_VOID(make_directory(settings.data_dir));
        GH_TRY(bare->folder, DataFolder::open(settings, DataFolder::Use::shared));
    }
    GH_TRY(bare->database,
           storage::open_database(settings.storage, settings.data_dir, bare->observer, nullptr));
    return bare;
}

Result<storage::SchemaState> look(Bare& bare) {
    if (!bare.database) {
        storage::SchemaState state;
        for (const auto& step : storage::embedded_migrations()) state.pending.push_back(&step);
        return state;
    }
    return net::run_to_end(storage::schema_state(*bare.database, storage::embedded_migrations()));
}

std::string step_text(const storage::Migration& step) {
    return fmt::format("{:04} {}", step.number, step.name);
}

}  // namespace

CommandResult migrate_up(const Overrides& overrides, const Surroundings& surroundings,
                         bool dry_run) {
    auto bare = open_bare(overrides, surroundings, dry_run ? Purpose::look : Purpose::change);
    if (!bare) return failed(bare.error());
    const auto dialect =
        (*bare)->database ? (*bare)->database->dialect() : storage::Dialect::sqlite;
    const auto before = look(**bare);
    if (!before) return failed(before.error());
    std::string out;
    for (const auto* step : before->pending) {
        if (dry_run) {
            fmt::format_to(std::back_inserter(out), "-- {}\n{}\n", step_text(*step),
                           step->sql(dialect));
        } else {
            fmt::format_to(std::back_inserter(out), "{}\n", step_text(*step));
        }
    }
    if (dry_run) return {.exit_code = 0, .out = std::move(out), .err = {}};
    const auto applied = net::run_to_end(storage::migrate(
        *(*bare)->database, storage::embedded_migrations(), std::chrono::system_clock::now()));
    if (!applied) return failed(applied.error());
    // Somebody else may have been quicker.
    if (*applied == 0) out.clear();
    out +=
        fmt::format("{}: {} step(s) applied, the schema is up to date\n", (*bare)->place, *applied);
    return {.exit_code = 0, .out = std::move(out), .err = {}};
}

CommandResult migrate_status(const Overrides& overrides, const Surroundings& surroundings) {
    auto bare = open_bare(overrides, surroundings, Purpose::look);
    if (!bare) return failed(bare.error());
    const auto state = look(**bare);
    if (!state) return failed(state.error());
    std::string out = (*bare)->place + "\n";
    for (const auto& step : state->applied) {
        fmt::format_to(std::back_inserter(out), "{:04} {:<16} applied {}\n", step.number, step.name,
                       config::time_text(step.applied_at));
    }
    for (const auto* step : state->pending)
        fmt::format_to(std::back_inserter(out), "{:04} {:<16} pending\n", step->number, step->name);
    return {.exit_code = 0, .out = std::move(out), .err = {}};
}

CommandResult migrate_verify(const Overrides& overrides, const Surroundings& surroundings) {
    auto bare = open_bare(overrides, surroundings, Purpose::look);
    if (!bare) return failed(bare.error());
    const auto state = look(**bare);
    if (!state) return failed(state.error());
    if (!state->pending.empty()) {
        return {.exit_code = 1,
                .out = {},
                .err = fmt::format("gatehouse: {} step(s) are pending, beginning with {}; run: "
                                   "gatehouse migrate up\n",
                                   state->pending.size(), step_text(*state->pending.front()))};
    }
    return {.exit_code = 0,
            .out = fmt::format("{}: {} steps, each as this program knows it\n", (*bare)->place,
                               state->applied.size()),
            .err = {}};
}

}  // namespace gh::app
