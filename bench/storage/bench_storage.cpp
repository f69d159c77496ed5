// What the database costs through our interface. Prints one JSON object.
//
//   gh_bench_storage select URL COROUTINES CONNECTIONS SECONDS ROWS   the look-up of pgbench -S, one statement a transaction
//   gh_bench_storage work URL COROUTINES CONNECTIONS SECONDS ROWS     the same as work: BEGIN, look-up, COMMIT, none shared
//   gh_bench_storage borrow URL COROUTINES CONNECTIONS SECONDS ROWS   a connection borrowed and given back, nothing asked
//   gh_bench_storage connect URL COROUTINES CONNECTIONS SECONDS ROWS  the look-up on a connection made for it
//   gh_bench_storage append FILE COROUTINES 0 SECONDS 0               durable appends to SQLite, one row a transaction
//   gh_bench_storage fsync FILE 1 0 SECONDS 0                         the disk alone: 4 KiB written and synced

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "net/loop.hpp"
#include "storage/postgres/database.hpp"
#include "storage/postgres/pool.hpp"
#include "storage/sqlite/database.hpp"

namespace {

using namespace gh;
using namespace gh::storage;
using Clock = std::chrono::steady_clock;

constexpr Statement look_up{.name = "bench.look_up",
                            .sql = "SELECT abalance FROM pgbench_accounts WHERE aid = $1"};
constexpr Statement make{.name = "bench.make",
                         .sql = "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)"};
constexpr Statement append{.name = "bench.append", .sql = "INSERT INTO t (text) VALUES ($1)"};

struct Options {
    std::string what, where;
    unsigned coroutines, connections;
    double seconds;
    unsigned rows;
};

struct Tally {
    std::vector<std::uint32_t> microseconds;
    std::uint64_t failures = 0;
    Clock::time_point started, ended;
};

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

void print(Tally& tally, double cpu) {
    std::ranges::sort(tally.microseconds);
    const auto count = tally.microseconds.size();
    const auto at = [&](double share) {
        return count == 0 ? 0
                          : tally.microseconds[static_cast<std::size_t>(
                                share * static_cast<double>(count - 1))];
    };
    const std::chrono::duration<double> took = tally.ended - tally.started;
    fmt::print(
        "{{\"count\": {}, \"failures\": {}, \"seconds\": {:.4f}, \"per_second\": {:.1f}, "
        "\"p50_us\": {}, "
        "\"p99_us\": {}, \"cpu_us\": {:.2f}}}\n",
        count, tally.failures, took.count(), static_cast<double>(count) / took.count(), at(0.5),
        at(0.99), count == 0 ? 0.0 : 1e6 * cpu / static_cast<double>(count));
}

/// Runs `once` in that many coroutines of one loop, again and again until the time is over.
using Once = std::function<Task<bool>()>;
Task<> repeat(const Once& once, Clock::time_point until, Tally& tally) {
    for (auto begun = Clock::now(); begun < until;) {
        const bool done = co_await once();
        const auto now = Clock::now();
        if (!done) ++tally.failures;
        tally.microseconds.push_back(static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(now - begun).count()));
        begun = now;
    }
}

void measure(net::Loop& loop, const Options& options, const Once& once, const Once& warm_up,
             const Once& end) {
    Tally tally;
    unsigned left = options.coroutines;
    double cpu = 0;
    auto one = [&]() -> Task<> {
        co_await repeat(once,
                        tally.started + std::chrono::duration_cast<Clock::duration>(
                                            std::chrono::duration<double>(options.seconds)),
                        tally);
        if (--left > 0) co_return;
        tally.ended = Clock::now();
        cpu = cpu_seconds() - cpu;
        std::ignore = co_await end();
        loop.stop();
    };
    auto all = [&]() -> Task<> {
        std::ignore = co_await warm_up();
        tally.started = Clock::now();
        cpu = cpu_seconds();
        for (unsigned i = 0; i < options.coroutines; ++i) spawn(one());
    };
    loop.post([&] { spawn(all()); });
    loop.run();
    print(tally, cpu);
}

std::minstd_rand chance(4711);
std::int64_t some_row(const Options& options) {
    return static_cast<std::int64_t>(chance() % options.rows + 1);
}
Task<bool> nothing() { co_return true; }

int select(const Options& options, const PostgresUrl& url, Observer& observer) {
    auto database = open_postgres(url, {.min = options.connections, .max = options.connections},
                                  observer, nullptr);
    net::Loop loop;
    const Once once = [&]() -> Task<bool> {
        const auto rows = co_await database->query(look_up, some_row(options));
        co_return rows.has_value() && rows->size() == 1;
    };
    const Once in_work = [&]() -> Task<bool> {
        const auto row = some_row(options);
        auto work = [row](Session& session) { return session.query_one(look_up, row); };
        const auto found = co_await database->read(std::move(work));
        co_return found.has_value() && found->has_value();
    };
    const Once warm_up = [&]() -> Task<bool> {
        while (database->statistics().idle < options.connections)
            co_await net::Sleep(loop, milliseconds(10));
        co_return true;
    };
    measure(loop, options, options.what == "work" ? in_work : once, warm_up, &nothing);
    return 0;
}

int borrow(const Options& options, const PostgresUrl& url, Observer& observer) {
    net::Loop loop;
    const PoolConfig config{.min = options.connections, .max = options.connections};
    postgres::Pool pool(loop, postgres::Connector(loop, url, config), config, observer, nullptr);
    // A thousand at once: the clock costs more than one.
    const Once once = [&]() -> Task<bool> {
        bool done = true;
        for (int i = 0; i < 1'000; ++i) {
            const auto lease = co_await pool.borrow(loop.now() + seconds(1));
            done = done && lease;
        }
        co_await net::Sleep(loop, milliseconds(0));
        co_return done;
    };
    const Once warm_up = [&]() -> Task<bool> {
        while (pool.statistics().idle < options.connections)
            co_await net::Sleep(loop, milliseconds(10));
        co_return true;
    };
    const Once end = [&]() -> Task<bool> {
        co_await pool.close(seconds(1));
        co_return true;
    };
    measure(loop, options, once, warm_up, end);
    return 0;
}

int connect(const Options& options, const PostgresUrl& url, Observer& observer) {
    net::Loop loop;
    postgres::Connector connector(loop, url, {});
    net::Wakeup watcher(loop);
    const Once once = [&]() -> Task<bool> {
        net::Wakeup attempt(loop);
        const bool stop = false;
        auto handle = co_await connector.connect(attempt, stop);
        if (!handle) co_return false;
        auto connection = std::make_shared<postgres::Connection>(loop, *std::move(handle),
                                                                 seconds(10), observer, watcher);
        spawn(postgres::Connection::serve(connection));
        const Parameters parameters{some_row(options)};
        postgres::Exchange exchange;
        exchange.steps.push_back({look_up, &parameters});
        const auto outcome = co_await connection->ask(std::move(exchange));
        connection->end({});
        co_return !outcome.failure;
    };
    measure(loop, options, once, &nothing, &nothing);
    return 0;
}

int append_rows(const Options& options, Observer& observer) {
    auto database = open_sqlite(options.where, {}, observer);
    if (!database) return 1;
    net::Loop loop;
    const std::string text(200, 'x');
    const Once once = [&]() -> Task<bool> {
        const auto rows = co_await (*database)->query(append, text);
        co_return rows.has_value();
    };
    const Once warm_up = [&]() -> Task<bool> {
        const auto rows = co_await (*database)->query(make);
        co_return rows.has_value();
    };
    measure(loop, options, once, warm_up, &nothing);
    return 0;
}

int sync_file(const Options& options) {
    const int fd = ::open(options.where.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return 1;
    net::Loop loop;
    const std::string page(4'096, 'x');
    const Once once = [&]() -> Task<bool> {
        co_return ::write(fd, page.data(), page.size()) == 4'096 && ::fdatasync(fd) == 0;
    };
    measure(loop, options, once, &nothing, &nothing);
    ::close(fd);
    return 0;
}

int run(const Options& options) {
    telemetry::Registry registry;
    Observer observer(registry, nullptr, seconds(10));
    if (options.what == "append") return append_rows(options, observer);
    if (options.what == "fsync") return sync_file(options);
    const auto url = parse_storage_url(options.where);
    const auto* server = url ? std::get_if<PostgresUrl>(&*url) : nullptr;
    if (server == nullptr) {
        fmt::print(stderr, "not a URL of PostgreSQL\n");
        return 2;
    }
    if (options.what == "select" || options.what == "work")
        return select(options, *server, observer);
    if (options.what == "borrow") return borrow(options, *server, observer);
    if (options.what == "connect") return connect(options, *server, observer);
    return 2;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 7) {
        fmt::print(stderr,
                   "usage: gh_bench_storage WHAT WHERE COROUTINES CONNECTIONS SECONDS ROWS\n");
        return 2;
    }
    const auto number = [&](int at) {
        return static_cast<unsigned>(std::strtoul(arguments[at], nullptr, 10));
    };
    const Options options{.what = arguments[1],
                          .where = arguments[2],
                          .coroutines = std::max(1U, number(3)),
                          .connections = std::max(1U, number(4)),
                          .seconds = std::strtod(arguments[5], nullptr),
                          .rows = std::max(1U, number(6))};
    return run(options);
}
