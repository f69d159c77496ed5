#include "storage/postgres/once.hpp"

#include <gtest/gtest.h>

#include "storage/testing.hpp"

namespace gh::storage {
namespace {

class PostgresOnceTest : public testing::Test {
 protected:
    void SetUp() override {
        server = TestServer::shared();
        if (server == nullptr) GTEST_SKIP() << "PostgreSQL 15 is not installed (tools/setup test)";
        url = server->remote("postgres");
    }
    static std::string said(const Result<void>& done) { return done ? "" : describe(done.error()); }
    TestServer* server = nullptr;
    PostgresUrl url;
};

TEST_F(PostgresOnceTest, LetsInWhoeverTheServerLetsIn) {
    EXPECT_EQ(said(run_to_end(log_in_once(url))), "");
    auto stranger = url;
    stranger.password = config::Secret("something else");
    const auto refused = said(run_to_end(log_in_once(stranger)));
    EXPECT_TRUE(refused.starts_with("storage.connection: ")) << refused;
    EXPECT_TRUE(refused.contains("password authentication failed")) << refused;
    EXPECT_FALSE(refused.contains("storage.password"))
        << "advice for another database: " << refused;
    auto nowhere = url;
    nowhere.port = 1;
    EXPECT_TRUE(said(run_to_end(log_in_once(nowhere))).contains("is the server running"));
}

TEST_F(PostgresOnceTest, RunsAllOfAScriptOrNothing) {
    url.database = server->make_database();
    EXPECT_EQ(
        said(run_to_end(run_once(
            url, "CREATE TABLE a (i int); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)"))),
        "");
    EXPECT_EQ(server->admin("SELECT sum(i) FROM a", url.database), "3");
    const auto refused = said(run_to_end(run_once(url, "DELETE FROM a; DELETE FROM b")));
    EXPECT_TRUE(refused.contains("42P01")) << refused;
    EXPECT_EQ(server->admin("SELECT sum(i) FROM a", url.database), "3");
}

TEST_F(PostgresOnceTest, GivesUpASlowServer) {
    const OncePatience little{.connect = seconds(3), .answer = milliseconds(200)};
    const auto begun = std::chrono::steady_clock::now();
    const auto done = run_to_end(run_once(url, "SELECT pg_sleep(30)", little));
    EXPECT_FALSE(done);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
}

TEST_F(PostgresOnceTest, TellsAServerNothingThatIsTooLate) {
    url.database = server->make_database();
    OncePatience patience;
    patience.until = std::chrono::steady_clock::now() + patience.answer - milliseconds(1);
    const auto late = said(run_to_end(run_once(url, "CREATE TABLE late (i int)", patience)));
    EXPECT_TRUE(late.starts_with("storage.late: ")) << late;
    EXPECT_EQ(
        server->admin("SELECT count(*) FROM pg_tables WHERE tablename = 'late'", url.database),
        "0");
    patience.until = std::chrono::steady_clock::now() + seconds(60);
    EXPECT_EQ(said(run_to_end(run_once(url, "CREATE TABLE late (i int)", patience))), "");
}

TEST_F(PostgresOnceTest, QuotesNames) {
    EXPECT_EQ(quoted_identifier("app"), "\"app\"");
    EXPECT_EQ(quoted_identifier("a\" b; --"), "\"a\"\" b; --\"");
}

}  // namespace
}  // namespace gh::storage
