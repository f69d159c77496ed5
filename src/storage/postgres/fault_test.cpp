#include <csignal>
#include <fstream>
#include <string>

#include "storage/testing.hpp"

namespace gh::storage {
namespace {

constexpr Statement make{.name = "f.make", .sql = "CREATE TABLE t (name TEXT PRIMARY KEY)"};
constexpr Statement insert{.name = "f.insert", .sql = "INSERT INTO t (name) VALUES ($1)"};
constexpr Statement count_all{.name = "f.count", .sql = "SELECT count(*) FROM t"};
constexpr Statement star{.name = "f.star", .sql = "SELECT * FROM t"};
constexpr Statement widen{.name = "f.widen", .sql = "ALTER TABLE t ADD COLUMN more TEXT"};
constexpr Statement own_pid{.name = "f.pid", .sql = "SELECT pg_backend_pid()"};
constexpr Statement foreign{.name = "f.foreign", .sql = "SELECT * FROM foreign_table"};

class PostgresFaultTest : public testing::Test {
 protected:
    void SetUp() override {
        server = TestServer::shared();
        if (server == nullptr) GTEST_SKIP() << "PostgreSQL 15 is not installed (tools/setup test)";
        name = server->make_database();
        open({.min = 2, .max = 4});
        const auto made = run_to_end(database->query(make));
        ASSERT_TRUE(made) << describe(made.error());
    }
    void open(PoolConfig pool) {
        database.reset();
        database = open_postgres(server->local(name), pool, observer, nullptr);
    }
    [[nodiscard]] std::string failure_of(Result<Rows> result) const {
        return result ? "" : describe(result.error());
    }
    /// While the server is away, and until we have noticed that it is back.
    void wait_until_it_answers() {
        std::string failure;
        for (int i = 0; i < 300; ++i) {
            failure = failure_of(run_to_end(database->query(count_all)));
            if (failure.empty()) return;
            EXPECT_TRUE(failure.starts_with("storage.connection") ||
                        failure.starts_with("storage.acquire_timeout"))
                << failure;
            server->admin("SELECT pg_sleep(0.1)");
        }
        FAIL() << failure;
    }
    /// Ends every connection of ours, and waits until the server knows no more of them. New ones come meanwhile.
    void end_all() const {
        const auto pids = server->admin(
            "SELECT coalesce(string_agg(pid::text, ','), '0') FROM pg_stat_activity "
            "WHERE datname = '" +
            name + "'");
        const auto these = " FROM pg_stat_activity WHERE pid IN (" + pids + ")";
        server->admin("SELECT pg_terminate_backend(pid)" + these);
        server->until("SELECT count(*) = 0" + these, "t");
    }

    TestServer* server = nullptr;
    std::string name;
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<Database> database;
};

TEST_F(PostgresFaultTest, ServesOnAfterARestartOfTheServer) {
    ASSERT_EQ(failure_of(run_to_end(database->query(insert, "before"))), "");
    server->stop();
    server->start();
    wait_until_it_answers();
    EXPECT_EQ(failure_of(run_to_end(database->query(insert, "after"))), "");
    EXPECT_GE(database->statistics().total_errors, 1U);
}

TEST_F(PostgresFaultTest, StartsWithTheServerAwayAndSaysSo) {
    server->stop();
    open({.min = 2, .max = 4});
    const auto away = run_to_end(database->query(count_all));
    server->start();
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(away.error().reason, "storage.connection");
    EXPECT_TRUE(away.error().detail.contains("is the server running")) << away.error().detail;
    wait_until_it_answers();
}

TEST_F(PostgresFaultTest, WhoBorrowsAfterIdleConnectionsWereEndedSeesNothingOfIt) {
    for (int round = 0; round < 5; ++round) {
        end_all();
        EXPECT_EQ(failure_of(run_to_end(database->query(insert, std::to_string(round)))), "");
        end_all();
        EXPECT_EQ(failure_of(run_to_end(database->query(count_all))), "");
    }
}

TEST_F(PostgresFaultTest, AConnectionThatEndsInTheMiddleFailsItsWorkOnly) {
    auto work = [this](Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await session.execute(insert, "lost"));
        end_all();
        GH_CO_TRY_VOID(co_await session.query(count_all));
        co_return Result<void>{};
    };
    const auto done = run_to_end(database->write(std::move(work)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(done.error().reason, "storage.connection") << done.error().detail;
    EXPECT_EQ((*run_to_end(database->query(count_all)))[0].integer(0), 0);
}

TEST_F(PostgresFaultTest, ACommitWithoutAnAnswerIsUnknown) {
    int runs = 0;
    auto work = [this, &runs](Session& session) -> Task<Result<void>> {
        ++runs;
        GH_CO_TRY_VOID(co_await session.execute(insert, "unknown"));
        end_all();
        co_return Result<void>{};
    };
    const auto done = run_to_end(database->write(std::move(work)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(done.error().reason, "storage.commit_unknown") << done.error().detail;
    EXPECT_EQ(runs, 1);
}

TEST_F(PostgresFaultTest, GivesUpAServerThatHangs) {
    open({.min = 1, .max = 2, .statement_timeout = milliseconds(200)});
    pid_t stopped = 0;
    auto work = [&stopped](Session& session) -> Task<Result<void>> {
        GH_CO_TRY(const auto rows, co_await session.query(own_pid));
        stopped = static_cast<pid_t>(rows[0].integer(0));
        ::kill(stopped, SIGSTOP);
        GH_CO_TRY_VOID(co_await session.query(count_all));
        co_return Result<void>{};
    };
    const auto done = run_to_end(database->read(std::move(work)));
    const auto next = failure_of(run_to_end(database->query(count_all)));
    ::kill(stopped, SIGCONT);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "storage.timeout");
    EXPECT_EQ(next, "");
    EXPECT_EQ(database->statistics().total_errors, 1U);
}

TEST_F(PostgresFaultTest, RunsAgainWhereAPreparedStatementNoLongerFits) {
    ASSERT_EQ(failure_of(run_to_end(database->query(insert, "a"))), "");
    for (int i = 0; i < 4; ++i) ASSERT_EQ(failure_of(run_to_end(database->query(star))), "");
    ASSERT_EQ(failure_of(run_to_end(database->query(widen))), "");
    for (int i = 0; i < 4; ++i) {
        const auto rows = run_to_end(database->query(star));
        ASSERT_TRUE(rows) << describe(rows.error());
        EXPECT_TRUE((*rows)[0].is_null(1));
    }
}

TEST_F(PostgresFaultTest, SaysThatAPermissionIsMissing) {
    server->admin("CREATE TABLE foreign_table (x BIGINT)", name);
    const auto done = run_to_end(database->query(foreign));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "storage.permission");
    EXPECT_TRUE(done.error().detail.contains("foreign_table")) << done.error().detail;
}

TEST_F(PostgresFaultTest, AStandbyReadsAndDoesNotWrite) {
    server->stop();
    const auto signal = server->data() / "standby.signal";
    std::ofstream(signal).close();
    std::filesystem::permissions(signal, std::filesystem::perms(0666));
    server->start();
    open({.min = 1, .max = 2});
    const auto read = failure_of(run_to_end(database->query(count_all)));
    const auto written = failure_of(run_to_end(database->query(insert, "x")));
    auto work = [](Session& session) { return session.execute(insert, "x"); };
    const auto worked = run_to_end(database->write(std::move(work)));
    server->stop();
    std::filesystem::remove(signal);
    server->start();
    EXPECT_EQ(read, "");
    EXPECT_TRUE(written.starts_with("storage.read_only: the server is a standby")) << written;
    ASSERT_FALSE(worked);
    EXPECT_EQ(worked.error().reason, "storage.read_only");
}

}  // namespace
}  // namespace gh::storage
