#include "app/migrate_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "app/data_folder.hpp"
#include "app/machine.hpp"
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

/// A database whose schema is not looked at yet.
struct Bare {
    std::optional<DataFolder> folder;
    telemetry::Registry registry;
    storage::Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<storage::Database> database;
    std::string place;
};

Result<std::unique_ptr<Bare>> open_bare(const Overrides& overrides,
                                        const Surroundings& surroundings) {
    GH_TRY(const auto read, read_settings(overrides, surroundings));
    GH_TRY_VOID(make_directory(read.settings.data_dir));
    auto bare = std::make_unique<Bare>();
    GH_TRY(bare->folder, DataFolder::open(read.settings, DataFolder::Use::shared));
    const auto& storage = read.settings.storage;
    bare->place = storage.url ? storage::text_of(*storage.url)
                              : "sqlite:" + (read.settings.data_dir / "gatehouse.db").native();
    GH_TRY(bare->database,
           storage::open_database(storage, read.settings.data_dir, bare->observer, nullptr));
    return bare;
}

Result<storage::SchemaState> look(Bare& bare) {
    return net::run_to_end(storage::schema_state(*bare.database, storage::embedded_migrations()));
}

std::string step_text(const storage::Migration& step) {
    return fmt::format("{:04} {}", step.number, step.name);
}

}  // namespace

CommandResult migrate_up(const Overrides& overrides, const Surroundings& surroundings,
                         bool dry_run) {
    auto bare = open_bare(overrides, surroundings);
    if (!bare) return failed(bare.error());
    const auto before = look(**bare);
    if (!before) return failed(before.error());
    std::string out;
    for (const auto* step : before->pending) {
        if (dry_run) {
            fmt::format_to(std::back_inserter(out), "-- {}\n{}\n", step_text(*step),
                           step->sql((*bare)->database->dialect()));
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
    auto bare = open_bare(overrides, surroundings);
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
    auto bare = open_bare(overrides, surroundings);
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
