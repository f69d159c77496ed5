#include "storage/open.hpp"

#include "storage/postgres/database.hpp"
#include "storage/sqlite/database.hpp"
#include "storage/url.hpp"

namespace gh::storage {

Result<std::unique_ptr<Database>> open_database(const StorageConfig& config,
                                                const std::filesystem::path& data_dir,
                                                Observer& observer, telemetry::Log* log) {
    const auto url = config.url.value_or(SqliteUrl{data_dir / "gatehouse.db"});
    if (const auto* sqlite = std::get_if<SqliteUrl>(&url))
        return open_sqlite(sqlite->file, config.pool, observer);
    auto postgres = std::get<PostgresUrl>(url);
    if (!config.password.empty()) postgres.password = config.password;
    return open_postgres(std::move(postgres), config.pool, observer, log);
}

}  // namespace gh::storage
