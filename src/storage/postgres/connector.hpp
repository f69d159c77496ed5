#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/resolver.hpp"
#include "storage/config.hpp"
#include "storage/postgres/connection.hpp"
#include "storage/url.hpp"

namespace gh::storage::postgres {

/// Makes connections to one server, all alike: what a session must have is decided here and nowhere else. What the
/// environment says (PGHOST, PGOPTIONS, a password file) does not count.
class Connector {
 public:
    Connector(net::Loop& loop, PostgresUrl url, const PoolConfig& config);

    /// Resolves, connects, shakes hands and authenticates.
    /// @param attempt  woken by who wants it to end early, with `stop` set
    /// @return `unavailable` "storage.connection"; the detail says what to do
    [[nodiscard]] Task<Result<ConnectionHandle>> connect(net::Wakeup& attempt, const bool& stop);

    /// The server, as the log may name it.
    [[nodiscard]] const std::string& place() const { return place_; }

 private:
    using Setting = std::pair<const char*, std::string>;
    [[nodiscard]] Task<Result<std::string>> addresses();
    [[nodiscard]] ConnectionHandle start(const std::string& addresses) const;
    [[nodiscard]] Error failed(std::string_view why) const { return connect_error(place_, why); }

    net::Loop& loop_;
    const PostgresUrl url_;
    const std::string place_;
    const milliseconds timeout_;
    std::vector<Setting> settings_;
    std::unique_ptr<net::Resolver> resolver_;  // where the host is a name
};

}  // namespace gh::storage::postgres
