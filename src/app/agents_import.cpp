#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <string>

#include "agents/import/importer.hpp"
#include "app/agents_command.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using agents::Imported;
using agents::Kind;

std::string json_of(const Imported& done) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object();
    for (const auto kind : agents::kinds) {
        const auto& count = done.of(kind);
        const auto skipped = std::ranges::count(done.skipped, kind, &agents::Skipped::kind);
        out.name(name_of(kind)).begin_object();
        out.name("imported").integer(static_cast<std::int64_t>(count.written));
        out.name("there_already").integer(static_cast<std::int64_t>(count.there));
        out.name("skipped").integer(skipped);
        out.end_object();
    }
    out.name("left_out").begin_array();
    for (const auto& each : done.skipped) {
        out.begin_object().name("entry").string(each.entry).name("why").string(each.why);
        out.end_object();
    }
    out.end_array().end_object();
    return text + "\n";
}

std::string table_of(const Imported& done, bool dry_run) {
    auto text = fmt::format("{:<12} {:>10} {:>14} {:>10}\n", "", dry_run ? "to import" : "imported",
                            "there already", "skipped");
    for (const auto kind : agents::kinds) {
        const auto& count = done.of(kind);
        const auto skipped = std::ranges::count(done.skipped, kind, &agents::Skipped::kind);
        fmt::format_to(std::back_inserter(text), "{:<12} {:>10} {:>14} {:>10}\n", name_of(kind),
                       count.written, count.there, skipped);
    }
    for (const auto& each : done.skipped)
        fmt::format_to(std::back_inserter(text), "skipped {}: {}\n", each.entry, each.why);
    return text;
}

/// What is taken over is in the audit log before any of it is in the database.
audit::Record begun(const agents::Dump& dump) {
    auto record = audit::act_of_shell("agent.import", "agents");
    const auto told = [&](Kind kind, std::size_t count) {
        record.details.push_back({std::string(name_of(kind)), static_cast<std::int64_t>(count)});
    };
    told(Kind::agents, dump.agents.size());
    told(Kind::tokens, dump.tokens.size());
    told(Kind::threats, dump.threats.size());
    told(Kind::audit_logs, dump.audit_logs.size());
    return record;
}

Result<Imported> import_file(const Overrides& overrides, const Surroundings& surroundings,
                             const AgentsOptions& options) {
    GH_TRY(const auto text, read_file_at(options.file, agents::Dump::bytes_max));
    auto dump = agents::parse_dump(text);
    if (!dump) {
        auto error = std::move(dump).error();
        error.detail = fmt::format("{}: no JSON that can be read ({}), {}", options.file,
                                   error.reason, error.detail);
        return std::unexpected(std::move(error));
    }
    if (options.dry_run) {
        Imported read;
        read.of(Kind::agents).written = dump->agents.size();
        read.of(Kind::tokens).written = dump->tokens.size();
        read.of(Kind::threats).written = dump->threats.size();
        read.of(Kind::audit_logs).written = dump->audit_logs.size();
        read.skipped = std::move(dump->skipped);
        return read;
    }
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    GH_TRY_VOID(record_act(*verb->state, begun(*dump)));
    const auto tell = [](Kind kind, std::size_t done, std::size_t all) {
        fmt::print(stderr, "{}: {} of {}\n", name_of(kind), done, all);
    };
    return net::run_to_end(agents::import_dump(*verb->state->database, *std::move(dump),
                                               std::chrono::system_clock::now(), tell));
}

}  // namespace

CommandResult agents_import(const Overrides& overrides, const Surroundings& surroundings,
                            const AgentsOptions& options) {
    const auto done = import_file(overrides, surroundings, options);
    if (!done) return failed(done.error());
    return {.exit_code = 0,
            .out = options.json ? json_of(*done) : table_of(*done, options.dry_run),
            .err = {}};
}

}  // namespace gh::app
