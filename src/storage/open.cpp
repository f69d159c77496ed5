#include "storage/open.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/try.hpp"
#include "storage/postgres/database.hpp"
#include "storage/sqlite/database.hpp"
#include "storage/traced.hpp"
#include "storage/url.hpp"

namespace gh::storage {

void forget_postgres_environment() {
    std::vector<std::string> names;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (text.starts_with("PG")) names.emplace_back(text.substr(0, text.find('=')));
    }
    for (const auto& name : names) ::unsetenv(name.c_str());
}

std::string place_of(const StorageConfig& config, const std::filesystem::path& data_dir) {
    const auto url = config.url.value_or(SqliteUrl{data_dir / "gatehouse.db"});
    const auto* server = std::get_if<PostgresUrl>(&url);
    return server != nullptr ? server->redacted() : text_of(url);
}

Result<std::unique_ptr<Database>> open_database(const StorageConfig& config,
                                                const std::filesystem::path& data_dir,
                                                Observer& observer, telemetry::Log* log) {
    const auto url = config.url.value_or(SqliteUrl{data_dir / "gatehouse.db"});
    if (const auto* sqlite = std::get_if<SqliteUrl>(&url)) {
        GH_TRY(auto opened, open_sqlite(sqlite->file, config.pool, observer));
        return traced(std::move(opened));
    }
    auto postgres = std::get<PostgresUrl>(url);
    if (!config.password.empty()) postgres.password = config.password;
    return traced(open_postgres(std::move(postgres), config.pool, observer, log));
}

}  // namespace gh::storage
