#include "storage/config.hpp"

#include <memory>
#include <string>
#include <utility>

#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::storage {
namespace {

using config::Node;
using config::Object;
using config::Reader;
using config::Type;
using std::chrono::hours;

/// A URL whose file starts at the folder of the configuration, and which holds no password.
class UrlRules final : public Type<StorageUrl>::Rules {
 public:
    bool read(const Node& node, Reader& reader, StorageUrl& out) const override {
        const auto scalar = reader.scalar(node, "sqlite:PATH or postgresql://user@host/database");
        if (!scalar) return false;
        auto url = parse_storage_url(scalar->text);
        if (!url) {
            reader.refuse(node, url.error().detail);
            return false;
        }
        if (auto* sqlite = std::get_if<SqliteUrl>(&*url)) {
            sqlite->file = reader.resolve(sqlite->file.native());
        } else if (!std::get<PostgresUrl>(*url).password.empty()) {
            reader.refuse(node,
                          "holds a password, which would be shown wherever the URL is, wanted: "
                          "storage.password: ${env:NAME} or ${file:PATH}");
            return false;
        }
        out = *std::move(url);
        return true;
    }
    [[nodiscard]] Node show(const StorageUrl& url) const override {
        return Node::scalar(text_of(url));
    }
    [[nodiscard]] config::Shape shape() const override { return config::text().shape(); }
};

Type<PoolConfig> pool_type() {
    constexpr std::uint32_t connections_max = 1'000;
    Object<PoolConfig> table;
    table.key("min", &PoolConfig::min, config::integer(0U, connections_max),
              "Connections that are kept open.");
    table.key("max", &PoolConfig::max, config::integer(1U, connections_max),
              "No more than these at once.");
    table.key("acquire_timeout", &PoolConfig::acquire_timeout,
              config::duration(milliseconds(10), hours(1)),
              "How long a transaction waits for a connection.");
    table.key("statement_timeout", &PoolConfig::statement_timeout,
              config::duration(milliseconds(10), hours(1)), "No statement takes longer.");
    table.key("idle_timeout", &PoolConfig::idle_timeout,
              config::duration(milliseconds(1'000), hours(24)),
              "Those above min are closed when nobody wants them for so long.");
    table.key("lifetime_max", &PoolConfig::lifetime_max,
              config::duration(milliseconds(1'000), hours(24 * 7)),
              "After it a connection is replaced.");
    table.check([](const Node& node, Reader& reader, const PoolConfig& pool) {
        if (pool.min <= pool.max) return true;
        reader.refuse(node, "has a min above its max");
        return false;
    });
    return table.type();
}

}  // namespace

Type<StorageConfig> storage_type() {
    Object<StorageConfig> table;
    table.key("url", &StorageConfig::url,
              config::maybe(Type<StorageUrl>(std::make_shared<UrlRules>())),
              "sqlite:PATH, or postgresql://user@host/database?sslmode=verify-full. Left out: "
              "gatehouse.db in data_dir. Cannot change while running.");
    table.key("password", &StorageConfig::password, config::secret(),
              "Of PostgreSQL's user, by reference.");
    table.key("pool", &StorageConfig::pool, pool_type(), "Connections to the database.");
    table.key("slow_query", &StorageConfig::slow_query, config::duration(milliseconds(1), hours(1)),
              "Statements that take longer are logged, without their values.");
    table.check([](const Node& node, Reader& reader, const StorageConfig& storage) {
        if (storage.password.empty()) return true;
        if (storage.url && std::holds_alternative<PostgresUrl>(*storage.url)) return true;
        reader.refuse(node, "has a password without a url of PostgreSQL");
        return false;
    });
    return table.type();
}

}  // namespace gh::storage
