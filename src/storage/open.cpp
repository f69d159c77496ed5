#include "storage/open.hpp"

#include "base/try.hpp"
#include "storage/postgres/database.hpp"
#include "storage/sqlite/database.hpp"
#include "storage/url.hpp"

namespace gh::storage {

Result<std::unique_ptr<Database>> open_database(const StorageConfig& config,
                                                const std::filesystem::path& data_dir,
                                                Observer& observer, telemetry::Log* log) {
    StorageUrl url = SqliteUrl{data_dir / "gatehouse.db"};
    if (!config.url.empty()) {
        GH_TRY(url, parse_storage_url(config.url.view()));
    }
    if (const auto* sqlite = std::get_if<SqliteUrl>(&url))
        return open_sqlite(sqlite->file, config.pool, observer);
    return open_postgres(std::get<PostgresUrl>(std::move(url)), config.pool, observer, log);
}

}  // namespace gh::storage
