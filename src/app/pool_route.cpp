#include "app/pool_route.hpp"

#include <limits>
#include <string>

#include "api/object.hpp"
#include "api/types.hpp"

namespace gh::app {
namespace {

struct Pool {
    std::string engine;
    std::int64_t total_created = 0, total_reused = 0, total_errors = 0;
    double reuse_rate = 0;
    std::int64_t current_connections = 0, active = 0, idle = 0, waiting = 0;
};

const api::Type<Pool>& pool_type() {
    static const auto count = api::integer_64(0, std::numeric_limits<std::int64_t>::max());
    static const auto type =
        api::Object<Pool>("DatabasePool", "Connections to the database.")
            .required("engine", &Pool::engine, api::text(), "SQLite or PostgreSQL.")
            .required("total_created", &Pool::total_created, count, "Made since the start.")
            .required("total_reused", &Pool::total_reused, count, "Borrowed without making one.")
            .required("total_errors", &Pool::total_errors, count,
                      "Given up: refused, broken, timed out.")
            .required("reuse_rate", &Pool::reuse_rate, api::fraction(),
                      "total_reused of all that were borrowed, 0 to 1.")
            .required("current_connections", &Pool::current_connections, count, "Open now.")
            .required("active", &Pool::active, count, "Of them, borrowed.")
            .required("idle", &Pool::idle, count, "Of them, waiting to be.")
            .required("waiting", &Pool::waiting, count, "Who waits for one.")
            .type();
    return type;
}

Task<Result<api::Reply>> show_pool(const storage::Database& database, api::Call) {
    const auto now = database.statistics();
    const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    co_return api::reply(200, pool_type(),
                         {.engine = std::string(database.engine()),
                          .total_created = count(now.total_created),
                          .total_reused = count(now.total_reused),
                          .total_errors = count(now.total_errors),
                          .reuse_rate = now.reuse_rate(),
                          .current_connections = count(now.active + now.idle),
                          .active = count(now.active),
                          .idle = count(now.idle),
                          .waiting = count(now.waiting)});
}

}  // namespace

api::Route pool_route(const storage::Database& database) {
    return {.method = "GET",
            .path = "/db/pool",
            .access = access::Access::permission(access::Permission::database_read),
            .handle = api::with(database, show_pool),
            .summary = "How the connections to the database fare.",
            .answers = {api::answers(200, "How they fare.", pool_type())}};
}

}  // namespace gh::app
