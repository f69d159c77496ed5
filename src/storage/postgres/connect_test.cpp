#include <cstdlib>

#include "storage/open.hpp"
#include "storage/postgres/connector.hpp"
#include "storage/testing.hpp"

namespace gh::storage::postgres {
namespace {

Result<ConnectionHandle> connect(const PostgresUrl& url) {
    net::Loop loop;
    Connector connector(loop, url, {});
    std::optional<Result<ConnectionHandle>> outcome;
    auto whole = [](Connector& with, net::Loop& on,
                    std::optional<Result<ConnectionHandle>>& into) -> Task<> {
        const bool stop = false;
        net::Wakeup attempt(on);
        into.emplace(co_await with.connect(attempt, stop));
        on.stop();
    };
    loop.post([&] { spawn(whole(connector, loop, outcome)); });
    loop.run();
    return *std::move(outcome);
}

class PostgresConnectTest : public testing::Test {
 protected:
    void SetUp() override {
        server = TestServer::shared();
        if (server == nullptr) GTEST_SKIP() << "PostgreSQL 15 is not installed (tools/setup test)";
        url = server->remote("postgres");
    }
    void expect_refused(std::string_view what) const {
        SCOPED_TRACE(what);
        const auto made = connect(url);
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().reason, "storage.connection");
        EXPECT_TRUE(made.error().detail.contains(what)) << made.error().detail;
        EXPECT_FALSE(made.error().detail.contains(url.password.view())) << made.error().detail;
    }
    TestServer* server = nullptr;
    PostgresUrl url;
};

TEST_F(PostgresConnectTest, VerifiesTheServerByAddressAndByName) {
    for (const auto* host : {"127.0.0.1", "localhost"}) {
        url.host = host;
        const auto made = connect(url);
        ASSERT_TRUE(made) << host << ": " << describe(made.error());
    }
}

TEST_F(PostgresConnectTest, RefusesAServerThatProvesNothing) {
    url.ca_file = server->certificate("other");
    expect_refused("name the CA that signed it");
    url.ca_file = PostgresUrl().ca_file;  // what a URL without sslrootcert means
    expect_refused("sslrootcert");
    url.ca_file = server->certificate("missing");
    expect_refused("make sslrootcert name a readable file");
    url.ca_file = server->certificate("ca");
    url.host = "127.0.0.2";
    expect_refused("connect by a name it holds");
    url.tls = TlsMode::verify_ca;
    EXPECT_TRUE(connect(url));
    url.tls = TlsMode::require;
    EXPECT_TRUE(connect(url));
    url.ca_file = server->certificate("other");
    expect_refused("name the CA that signed it");
    url.ca_file = PostgresUrl().ca_file;  // none was named: whoever answers
    EXPECT_TRUE(connect(url));
}

TEST_F(PostgresConnectTest, RefusesAServerWithoutTls) {
    server->admin("ALTER SYSTEM SET ssl = off");
    server->admin("SELECT pg_reload_conf()");
    server->until("SHOW ssl", "off");
    expect_refused("turn ssl on in postgresql.conf");
    url.tls = TlsMode::require;
    expect_refused("turn ssl on in postgresql.conf");
    url.tls = TlsMode::disable;
    EXPECT_TRUE(connect(url));
    server->admin("ALTER SYSTEM RESET ssl");
    server->admin("SELECT pg_reload_conf()");
    server->until("SHOW ssl", "on");
}

TEST_F(PostgresConnectTest, SaysWhatIsWrongWithTheUrl) {
    auto right = url;
    url.password = config::Secret(std::string("not this one"));
    expect_refused("correct storage.password");
    url.password = config::Secret();
    EXPECT_FALSE(connect(url));
    url = right;
    url.database = "elsewhere";
    expect_refused("create the database");
    url = right;
    url.port = 1;
    expect_refused("is the server running");
    url = server->local("postgres");
    url.host += "/missing";
    EXPECT_FALSE(connect(url));
}

TEST_F(PostgresConnectTest, ASessionIsWhatWeSayAndNotTheEnvironment) {
    constexpr Statement settings{
        .name = "settings",
        .sql =
            "SELECT current_setting('application_name'), current_setting('search_path'), "
            "current_setting('statement_timeout'), current_setting('transaction_read_only'), "
            "current_database(), (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"};
    for (const auto& [name, value] :
         {std::pair{"PGHOST", "192.0.2.1"}, std::pair{"PGOPTIONS", "-c search_path=evil"},
          std::pair{"PGDATABASE", "elsewhere"}, std::pair{"PGSSLMODE", "disable"},
          std::pair{"PGAPPNAME", "other"}})
        ::setenv(name, value, 1);
    telemetry::Registry registry;
    Observer observer(registry, nullptr, milliseconds(1'000));
    auto database = open_postgres(url, {.min = 1, .max = 1}, observer, nullptr);
    const auto rows = run_to_end(database->query(settings));
    for (const auto* name : {"PGHOST", "PGOPTIONS", "PGDATABASE", "PGSSLMODE", "PGAPPNAME"})
        ::unsetenv(name);
    ASSERT_TRUE(rows) << describe(rows.error());
    EXPECT_EQ((*rows)[0].text(0), "gatehouse");
    EXPECT_EQ((*rows)[0].text(1), "public,pg_temp");
    EXPECT_EQ((*rows)[0].text(2), "30s");
    EXPECT_EQ((*rows)[0].text(3), "on");
    EXPECT_EQ((*rows)[0].text(4), "postgres");
    EXPECT_TRUE((*rows)[0].boolean(5));
}

TEST_F(PostgresConnectTest, NoVariableOfLibpqCountsOnceTheyAreForgotten) {
    // PostgreSQL 15, 34.15. PGHOSTADDR and PGSERVICE win over what a connection is told, others fill what it is not.
    constexpr const char* names[] = {"PGHOST",
                                     "PGHOSTADDR",
                                     "PGPORT",
                                     "PGDATABASE",
                                     "PGUSER",
                                     "PGPASSWORD",
                                     "PGPASSFILE",
                                     "PGCHANNELBINDING",
                                     "PGSERVICE",
                                     "PGSERVICEFILE",
                                     "PGOPTIONS",
                                     "PGAPPNAME",
                                     "PGSSLMODE",
                                     "PGREQUIRESSL",
                                     "PGSSLCOMPRESSION",
                                     "PGSSLCERT",
                                     "PGSSLKEY",
                                     "PGSSLROOTCERT",
                                     "PGSSLCRL",
                                     "PGSSLCRLDIR",
                                     "PGSSLSNI",
                                     "PGREQUIREPEER",
                                     "PGSSLMINPROTOCOLVERSION",
                                     "PGSSLMAXPROTOCOLVERSION",
                                     "PGGSSENCMODE",
                                     "PGKRBSRVNAME",
                                     "PGGSSLIB",
                                     "PGCONNECT_TIMEOUT",
                                     "PGCLIENTENCODING",
                                     "PGTARGETSESSIONATTRS",
                                     "PGDATESTYLE",
                                     "PGTZ",
                                     "PGGEQO",
                                     "PGSYSCONFDIR",
                                     "PGLOCALEDIR"};
    for (const auto* name : names) ::setenv(name, "192.0.2.1", 1);
    EXPECT_FALSE(connect(url));
    forget_postgres_environment();
    for (const auto* name : names) EXPECT_EQ(::getenv(name), nullptr) << name;
    const auto made = connect(url);
    EXPECT_TRUE(made) << describe(made.error());
    auto local = server->local("postgres");
    EXPECT_TRUE(connect(local));
}

// libpq reads part of what has come, OpenSSL keeps part of what it has decrypted: neither may be forgotten.
TEST_F(PostgresConnectTest, LosesNoWakeUpWithLargeValuesOverTls) {
    constexpr Statement echo{.name = "echo", .sql = "SELECT $1::text, length($1)"};
    constexpr Statement rows{.name = "rows",
                             .sql = "SELECT repeat('y', n) FROM generate_series(1, 3000) AS n"};
    telemetry::Registry registry;
    Observer observer(registry, nullptr, milliseconds(1'000));
    auto database = open_postgres(url, {.min = 1, .max = 1}, observer, nullptr);
    for (const std::size_t size :
         {1U, 8'100U, 8'192U, 16'300U, 16'384U, 16'385U, 65'536U, 9'000'000U}) {
        const auto got = run_to_end(database->query(echo, std::string(size, 'x')));
        ASSERT_TRUE(got) << describe(got.error());
        EXPECT_EQ((*got)[0].text(0).size(), size);
        EXPECT_EQ((*got)[0].integer(1), static_cast<std::int64_t>(size));
    }
    const auto got = run_to_end(database->query(rows));
    ASSERT_TRUE(got) << describe(got.error());
    ASSERT_EQ(got->size(), 3'000U);
    EXPECT_EQ((*got)[2'999].text(0).size(), 3'000U);
}

}  // namespace
}  // namespace gh::storage::postgres
