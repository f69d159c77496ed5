#include "storage/postgres/once.hpp"

#include <memory>
#include <string_view>
#include <utility>

#include "base/try.hpp"
#include "net/loop.hpp"
#include "storage/backup/table.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/postgres/connector.hpp"

namespace gh::storage {
namespace {

using postgres::Connection;
using postgres::ConnectionHandle;
using postgres::Connector;
using postgres::Exchange;
using postgres::Failure;
using postgres::Outcome;
using postgres::Remedy;

/// Advice about the house's own database does not help with another.
Error without_advice(Error error) {
    for (const std::string_view own :
         {"; correct storage.", "; give the password in storage.", "; let the user of storage.",
          "; lower storage.", "; create the database or the user, or correct"}) {
        if (const auto at = error.detail.find(own); at != std::string::npos)
            error.detail.resize(at);
    }
    return error;
}

/// A connection alone: it is counted nowhere, for no statement on it is one of the house.
struct Alone {
    Alone(net::Loop& loop, ConnectionHandle handle, milliseconds patience)
        : watcher(loop),
          connection(
              std::make_shared<Connection>(loop, std::move(handle), patience, observer, watcher)) {}
    telemetry::Registry registry;
    Observer observer{registry, nullptr, std::chrono::hours(1)};
    net::Wakeup watcher;
    std::shared_ptr<Connection> connection;
};

/// Keeps what the connection needs as long as it runs.
Task<> serve(std::shared_ptr<Alone> alone) { co_await Connection::serve(alone->connection); }

Task<Result<ConnectionHandle>> connect(net::Loop& loop, PostgresUrl url, OncePatience patience) {
    PoolConfig config;
    config.statement_timeout = patience.answer;
    config.connect_timeout = patience.connect;
    Connector connector(loop, std::move(url), config);
    const bool stop = false;
    net::Wakeup attempt(loop);
    auto handle = co_await connector.connect(attempt, stop);
    if (!handle) co_return std::unexpected(without_advice(std::move(handle).error()));
    co_return handle;
}

Result<void> read_outcome(Outcome outcome) {
    if (outcome.failure && !outcome.failure->connection)
        return std::unexpected(without_advice(std::move(outcome.failure->error)));
    if (!outcome.lost && !outcome.failure) return {};
    return fail(ErrorKind::unavailable, "storage.commit_unknown",
                "the connection ended before the server had said whether it has done it");
}

}  // namespace

Task<Result<void>> log_in_once(PostgresUrl url, OncePatience patience) {
    auto& loop = *net::Loop::current();
    GH_CO_TRY_VOID(co_await connect(loop, std::move(url), patience));
    co_return Result<void>{};
}

Task<Result<void>> run_once(PostgresUrl url, std::string script, OncePatience patience) {
    auto& loop = *net::Loop::current();
    GH_CO_TRY(auto handle, co_await connect(loop, std::move(url), patience));
    if (std::chrono::steady_clock::now() > patience.until - patience.answer) {
        co_return fail(ErrorKind::unavailable, "storage.late",
                       "the server was found too late; it was told nothing");
    }
    const auto alone = std::make_shared<Alone>(loop, std::move(handle), patience.answer);
    spawn(serve(alone));
    Exchange exchange;
    exchange.script = "BEGIN READ WRITE; " + std::move(script) + "; COMMIT";
    exchange.patience = patience.answer;
    auto outcome = co_await alone->connection->ask(std::move(exchange));
    if (alone->connection->open()) {
        alone->connection->end(
            Failure{{ErrorKind::unavailable, "storage.busy", "it is done"}, Remedy::none, true});
    }
    co_return read_outcome(std::move(outcome));
}

std::string quoted_identifier(std::string_view name) { return backup::sql_name(name); }

}  // namespace gh::storage
