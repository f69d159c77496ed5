#include <fmt/format.h>

#include <memory>

#include "base/try.hpp"
#include "config/unit.hpp"
#include "storage/backup/backup.hpp"
#include "storage/backup/table.hpp"

namespace gh::storage::backup {
namespace {

Task<Result<void>> write_table(Session& session, const Table& table, Sink& sink, Manifest& manifest,
                               const Progress& progress) {
    GH_CO_TRY_VOID(sink.line(line_of(TableStart{table.name, table.columns})));
    auto& digest = manifest.tables.emplace_back(Manifest::TableSum{table.name, {}}).digest;
    Pages pages(session, table);
    for (;;) {
        GH_CO_TRY(const auto rows, co_await pages.next());
        if (rows.empty()) break;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            auto line = line_of(rows[i], table.columns.size());
            if (!line) {
                line.error().detail = fmt::format("table {}: {}", table.name, line.error().detail);
                co_return std::unexpected(line.error());
            }
            digest.add(*line);
            GH_CO_TRY_VOID(sink.line(*line));
        }
        progress(manifest.rows());
    }
    GH_CO_TRY(const auto count, co_await count_rows(session, table));
    if (count != digest.rows()) {
        co_return fail(
            ErrorKind::corrupt, "backup.count",
            fmt::format("table {} has {} rows, and {} by its key: the database is damaged; "
                        "see the log of serve",
                        table.name, count, digest.rows()));
    }
    co_return Result<void>{};
}

Task<Result<void>> write_tables(Session& session, std::span<const Table> tables, Sink& sink,
                                Manifest& manifest, const Progress& progress) {
    for (const auto& table : tables)
        GH_CO_TRY_VOID(co_await write_table(session, table, sink, manifest, progress));
    co_return Result<void>{};
}

Task<Result<void>> interrupted() {
    co_return fail(ErrorKind::unavailable, "backup.interrupted",
                   "the connection to the database ended meanwhile; run it again");
}

}  // namespace

Header header_of(std::span<const Migration> steps, const Database& database, std::string version,
                 SystemTime now) {
    Header header{.version = std::move(version),
                  .engine = std::string(database.engine()),
                  .made_at = config::time_text(now),
                  .schema = {}};
    for (const auto& step : steps) {
        header.schema.push_back({step.number, std::string(step.name),
                                 step.checksum(Dialect::sqlite), step.checksum(Dialect::postgres)});
    }
    return header;
}

Task<Result<void>> write_rows(Database& database, std::span<const Migration> steps, Sink& sink,
                              Manifest& manifest, Progress progress) {
    GH_CO_TRY(const auto tables, tables_of(steps));
    bool begun = false;  // what is written cannot be written again
    auto work = [&](Session& session) -> Task<Result<void>> {
        if (std::exchange(begun, true)) return interrupted();
        return write_tables(session, tables, sink, manifest, progress);
    };
    co_return co_await database.read(std::move(work));
}

}  // namespace gh::storage::backup
