#include "storage/postgres/pool.hpp"

#include <poll.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "storage/testing.hpp"

namespace gh::storage::postgres {
namespace {

constexpr Statement one{.name = "p.one", .sql = "SELECT 1"};
constexpr Statement divide{.name = "p.divide", .sql = "SELECT 100 / $1::bigint"};
constexpr Statement rest{.name = "p.rest", .sql = "SELECT pg_sleep($1::float8)"};

class PostgresPoolTest : public testing::Test {
 protected:
    void SetUp() override {
        server = TestServer::shared();
        if (server == nullptr) GTEST_SKIP() << "PostgreSQL 15 is not installed (tools/setup test)";
        url = server->local("postgres");
    }
    void open(PoolConfig pool) { database = open_postgres(url, pool, observer, nullptr); }

    /// Polls until the statistics please; a minute at most.
    template <class Pleased>
    [[nodiscard]] bool until(Pleased pleased) const {
        for (int i = 0; i < 6'000; ++i) {
            if (pleased(database->statistics())) return true;
            ::poll(nullptr, 0, 10);
        }
        return false;
    }
    /// Holds a connection for itself alone for so long.
    [[nodiscard]] Task<Result<void>> hold(double for_seconds) const {
        auto work = [for_seconds](Session& session) -> Task<Result<void>> {
            GH_CO_TRY_VOID(co_await session.query(rest, for_seconds));
            co_return Result<void>{};
        };
        return database->read(std::move(work));
    }

    TestServer* server = nullptr;
    PostgresUrl url;
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<Database> database;
};

TEST_F(PostgresPoolTest, OpensItsFewestInTheBackground) {
    open({.min = 3, .max = 5});
    EXPECT_TRUE(until([](const PoolStatistics& now) { return now.idle == 3; }));
    EXPECT_EQ(database->statistics().total_created, 3U);
    EXPECT_EQ(database->statistics().total_reused, 0U);
}

TEST_F(PostgresPoolTest, CountsWhatItMadeAndWhatItUsedAgain) {
    open({.min = 1, .max = 1});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(run_to_end(database->query(one)));
    const auto now = database->statistics();
    EXPECT_EQ(now.total_created, 1U);
    EXPECT_EQ(now.total_reused, 4U);
    EXPECT_EQ(now.total_errors, 0U);
    EXPECT_EQ(now.active, 0U);
    EXPECT_EQ(now.idle, 1U);
    EXPECT_EQ(now.waiting, 0U);
    EXPECT_DOUBLE_EQ(now.reuse_rate(), 0.8);
}

TEST_F(PostgresPoolTest, AConnectionThatWasNotUsedForLongIsAskedWhetherItIsThere) {
    constexpr Statement two{.name = "p.two", .sql = "SELECT 2"};
    Remembering watching(registry, nullptr, milliseconds(1'000));
    const auto asked = [&](milliseconds unused_max) {
        database =
            open_postgres(url, {.min = 1, .max = 1, .unused_max = unused_max}, watching, nullptr);
        for (int i = 0; i < 3; ++i) {
            EXPECT_TRUE(run_to_end(database->query(two)));
            EXPECT_TRUE(run_to_end(hold(0.0)));
            ::poll(nullptr, 0, 3);
        }
        EXPECT_EQ(database->statistics().total_created, 1U);
        database.reset();
        return watching.seen().contains("SELECT 1");
    };
    EXPECT_FALSE(asked(milliseconds(60'000)));
    EXPECT_TRUE(asked(milliseconds(1)));
}

TEST_F(PostgresPoolTest, MoreThanMayWaitAreRefusedAtOnce) {
    constexpr std::size_t surplus = 5;
    open({.min = 1, .max = 1, .acquire_timeout = milliseconds(60'000)});
    ASSERT_TRUE(run_to_end(database->query(one)));
    net::Loop loop;
    std::size_t left = Pool::waiting_max + surplus + 1, served = 0, refused = 0;
    const auto count = [&](bool done) {
        ++(done ? served : refused);
        if (--left == 0) loop.stop();
    };
    auto holder = [&]() -> Task<> { count((co_await hold(2.0)).has_value()); };
    auto reader = [&]() -> Task<> {
        const auto rows = co_await database->query(one);
        if (!rows) {
            EXPECT_EQ(rows.error().reason, "storage.busy");
        }
        EXPECT_TRUE(rows || left > Pool::waiting_max) << "a refusal that came late";
        count(rows.has_value());
    };
    loop.post([&] {
        spawn(holder());
        for (std::size_t i = 0; i < Pool::waiting_max + surplus; ++i) spawn(reader());
    });
    loop.run();
    EXPECT_EQ(refused, surplus);
    EXPECT_EQ(served, Pool::waiting_max + 1);
}

TEST_F(PostgresPoolTest, MoreStatementsThanMayBePreparedAreRunAllTheSame) {
    constexpr Statement count{.name = "p.prepared",
                              .sql = "SELECT count(*) FROM pg_prepared_statements"};
    open({.min = 1, .max = 1});
    for (std::size_t i = 0; i < Connection::prepared_max + 3; ++i) {
        const auto text = fmt::format("SELECT {}", i);
        const auto rows = run_to_end(database->query(Statement{.name = "p.many", .sql = text}));
        ASSERT_TRUE(rows) << describe(rows.error());
        EXPECT_EQ((*rows)[0].integer(0), static_cast<std::int64_t>(i));
    }
    const auto rows = run_to_end(database->query(count));
    ASSERT_TRUE(rows) << describe(rows.error());
    EXPECT_EQ((*rows)[0].integer(0), static_cast<std::int64_t>(Connection::prepared_max));
    EXPECT_EQ(database->statistics().total_created, 1U);
}

TEST_F(PostgresPoolTest, WhoWaitsTooLongIsTold) {
    open({.min = 1, .max = 1, .acquire_timeout = milliseconds(150)});
    ASSERT_TRUE(run_to_end(database->query(one)));
    net::Loop loop;
    std::optional<Result<void>> held, refused;
    auto first = [&]() -> Task<> {
        held.emplace(co_await hold(1.0));
        loop.stop();
    };
    auto second = [&]() -> Task<> { refused.emplace(co_await hold(0.0)); };
    loop.post([&] {
        spawn(first());
        spawn(second());
    });
    loop.run();
    EXPECT_TRUE(*held);
    ASSERT_TRUE(refused);
    ASSERT_FALSE(*refused);
    EXPECT_EQ(refused->error().kind, ErrorKind::deadline_exceeded);
    EXPECT_EQ(refused->error().reason, "storage.acquire_timeout");
    EXPECT_EQ(database->statistics().waiting, 0U);
}

TEST_F(PostgresPoolTest, FirstComeFirstServed) {
    open({.min = 1, .max = 1});
    net::Loop loop;
    std::vector<int> order;
    auto in_line = [&](int place) -> Task<> {
        std::ignore = co_await hold(place == 0 ? 0.3 : 0.0);
        order.push_back(place);
        if (order.size() == 20) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < 20; ++i) spawn(in_line(i));
    });
    loop.run();
    EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(PostgresPoolTest, ReadsThatShareAConnectionFailAlone) {
    open({.min = 1, .max = 1});
    ASSERT_TRUE(run_to_end(database->query(one)));
    net::Loop loop;
    int left = 400;
    auto read = [&](int by) -> Task<> {
        const auto rows = co_await database->query(divide, by);
        EXPECT_EQ(rows.has_value(), by != 0);
        if (rows) {
            EXPECT_EQ((*rows)[0].integer(0), 100 / by);
        } else {
            EXPECT_EQ(rows.error().reason, "storage.value") << describe(rows.error());
        }
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < 400; ++i) spawn(read(i % 7));
    });
    loop.run();
    const auto now = database->statistics();
    EXPECT_EQ(now.total_created, 1U);
    EXPECT_EQ(now.total_errors, 0U);
    EXPECT_EQ(now.active, 0U);
    EXPECT_EQ(now.idle, 1U);
}

/// Many borrow, ask, hold and sometimes break connections, in an order of chance.
struct Crowd {
    net::Loop& loop;
    Pool& pool;
    std::minstd_rand random{4711};
    std::set<Connection*> lent;
    std::size_t most = 0;
    unsigned borrowed = 0;
    unsigned left = 40;
    PoolStatistics at_the_end{};

    Task<> member() {
        for (int round = 0; round < 30; ++round) {
            auto lease = co_await pool.borrow(loop.now() + std::chrono::minutes(1));
            if (!lease) {
                ADD_FAILURE() << describe(lease.error());
                break;
            }
            ++borrowed;
            co_await use(lease->connection());
        }
        if (--left == 0) spawn(leave());
    }
    Task<> use(Connection& connection) {
        EXPECT_TRUE(lent.insert(&connection).second) << "lent twice";
        most = std::max(most, lent.size());
        for (auto asks = random() % 3; asks > 0; --asks) {
            Exchange exchange;
            exchange.steps.push_back({one, &no_parameters});
            const auto outcome = co_await connection.ask(std::move(exchange));
            EXPECT_EQ(outcome.rows.size(), 1U);
        }
        if (random() % 4 == 0) co_await net::Sleep(loop, std::chrono::microseconds(random() % 900));
        if (random() % 50 == 0)
            connection.close({{ErrorKind::internal, "test", ""}, Remedy::none, true});
        lent.erase(&connection);
    }
    Task<> leave() {
        at_the_end = pool.statistics();
        co_await pool.close(milliseconds(1'000));
        loop.stop();
    }
};

TEST_F(PostgresPoolTest, LendsNoConnectionTwice) {
    net::Loop loop;
    Pool pool(loop, Connector(loop, url, {}), {.min = 1, .max = 5}, observer, nullptr);
    Crowd crowd{.loop = loop, .pool = pool};
    loop.post([&] {
        for (unsigned i = 0; i < 40; ++i) spawn(crowd.member());
    });
    loop.run();
    const auto now = crowd.at_the_end;
    EXPECT_EQ(crowd.borrowed, 40U * 30U);
    EXPECT_EQ(crowd.most, 5U);
    EXPECT_EQ(now.active, 0U);
    EXPECT_LE(now.idle, 5U);
    EXPECT_EQ(now.waiting, 0U);
    EXPECT_GT(now.total_errors, 0U);
    // Each was new to its first user; some never had one.
    EXPECT_GE(now.total_created + now.total_reused, crowd.borrowed);
    EXPECT_LE(now.total_reused, crowd.borrowed);
    EXPECT_EQ(now.total_created - now.total_errors, now.idle);
}

TEST_F(PostgresPoolTest, LetsGoOfWhatIsNotWantedAndOfWhatIsOld) {
    open({.min = 1, .max = 4, .idle_timeout = milliseconds(200)});
    net::Loop loop;
    int left = 4;
    auto holder = [&]() -> Task<> {
        EXPECT_TRUE(co_await hold(0.3));
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < 4; ++i) spawn(holder());
    });
    loop.run();
    EXPECT_EQ(database->statistics().total_created, 4U);
    EXPECT_TRUE(until([](const PoolStatistics& now) { return now.idle == 1 && now.active == 0; }));
    database.reset();
    open({.min = 2, .max = 2, .lifetime_max = milliseconds(200)});
    EXPECT_TRUE(until([](const PoolStatistics& now) { return now.total_created >= 4; }));
    EXPECT_EQ(database->statistics().total_errors, 0U);
}

TEST_F(PostgresPoolTest, EndsWhatIsUnderWayBeforeItGoes) {
    open({.min = 1, .max = 1});
    net::Loop loop;
    std::optional<Result<void>> held, waiting;
    std::thread closer;
    int left = 2;
    auto one_of = [&](double for_seconds, std::optional<Result<void>>& into) -> Task<> {
        into.emplace(co_await hold(for_seconds));
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        spawn(one_of(0.5, held));
        spawn(one_of(0.0, waiting));
        closer = std::thread([&] {
            std::ignore = until([](const PoolStatistics& now) { return now.waiting == 1; });
            database.reset();
        });
    });
    loop.run();
    closer.join();
    ASSERT_TRUE(held);
    EXPECT_TRUE(*held) << describe(held->error());
    ASSERT_TRUE(waiting);
    ASSERT_FALSE(*waiting);
    EXPECT_EQ(waiting->error().reason, "storage.busy");
    // The server's processes end a moment after their clients have left.
    const auto sessions = [&] {
        return server->admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'gate'");
    };
    for (int i = 0; i < 1'000 && sessions() != "0"; ++i) ::poll(nullptr, 0, 10);
    EXPECT_EQ(sessions(), "0");
}

}  // namespace
}  // namespace gh::storage::postgres
