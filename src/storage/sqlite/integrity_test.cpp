#include "storage/sqlite/integrity.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "storage/test_folder.hpp"

namespace gh::storage {
namespace {

class KeptLines final : public telemetry::LogSink {
 public:
    void append(std::string_view line) noexcept override { text += line; }
    std::string text;
};

class IntegrityTest : public testing::Test {
 protected:
    void SetUp() override {
        run("CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT) STRICT;"
            "CREATE INDEX people_by_name ON people (name);"
            "CREATE TABLE roles (person TEXT REFERENCES people (id)) STRICT;"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
            "INSERT INTO people SELECT 'id' || i, 'a name that is long enough ' || i FROM n;");
    }
    void run(const std::string& sql) {
        auto connection =
            SqliteConnection::open(file, SqliteConnection::Mode::read_write, observer);
        ASSERT_TRUE(connection);
        const auto done = (*connection)->script(sql);
        ASSERT_TRUE(done) << describe(done.error());
    }
    [[nodiscard]] std::string octets() const {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& octets) const { std::ofstream(file, std::ios::binary) << octets; }
    std::vector<std::string> findings() {
        auto connection = SqliteConnection::open(file, SqliteConnection::Mode::read_only, observer);
        if (!connection) return {"not opened"};
        const std::atomic<bool> stop = false;
        const auto found = find_damage(**connection, stop);
        return found ? *found : std::vector{describe(found.error())};
    }

    TestFolder folder;
    std::filesystem::path file = folder.path / "test.db";
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(1'000)};
};

TEST_F(IntegrityTest, AWholeDatabaseHasNoFindings) {
    EXPECT_EQ(findings(), std::vector<std::string>{});
}

TEST_F(IntegrityTest, PagesThatWereWrittenOverAreFound) {
    auto text = octets();
    ASSERT_GT(text.size(), 100'000U);
    text.replace(text.size() / 2, 4'096, std::string(4'096, 'x'));
    write(text);
    EXPECT_FALSE(findings().empty());
}

TEST_F(IntegrityTest, AFileThatWasCutShortIsFound) {
    const auto text = octets();
    write(text.substr(0, text.size() - 40'000));
    EXPECT_FALSE(findings().empty());
}

TEST_F(IntegrityTest, AnIndexThatTellsOtherThanItsTableIsFound) {
    auto text = octets();
    const auto at = text.find("a name that is long enough 1234");
    ASSERT_NE(at, std::string::npos);
    text[at] = 'A';
    write(text);
    EXPECT_FALSE(findings().empty());
}

TEST_F(IntegrityTest, ARowThatRefersToNothingIsFound) {
    run("PRAGMA foreign_keys=OFF; INSERT INTO roles VALUES ('nobody');");
    EXPECT_EQ(findings(), std::vector<std::string>{
                              "a row of roles refers to a row of people that is not there"});
}

TEST_F(IntegrityTest, WhoStopsItNeedNotWait) {
    auto connection = SqliteConnection::open(file, SqliteConnection::Mode::read_only, observer);
    const std::atomic<bool> stop = true;
    const auto found = find_damage(**connection, stop);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().reason, "storage.timeout");
}

TEST_F(IntegrityTest, TheHouseIsTold) {
    auto text = octets();
    text.replace(text.size() / 2, 4'096, std::string(4'096, 'x'));
    write(text);
    KeptLines lines;
    telemetry::Log log(lines);
    {
        const IntegrityCheck check(file, registry, log);
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!check.found_damage() && std::chrono::steady_clock::now() < give_up)
            std::this_thread::yield();
        EXPECT_TRUE(check.found_damage());
    }
    EXPECT_TRUE(lines.text.contains("the database is damaged")) << lines.text;
    EXPECT_TRUE(lines.text.contains(file.native()));
    std::string page;
    registry.render(page);
    EXPECT_TRUE(page.contains("database_damaged 1\n")) << page;
}

TEST(SqliteFile, ThatIsNoneIsRefusedWithAWayOut) {
    const TestFolder folder;
    const auto file = folder.path / "test.db";
    telemetry::Registry registry;
    Observer observer(registry, nullptr, milliseconds(1'000));
    const std::string noise(8'192, '\x5a');
    std::ofstream(file, std::ios::binary) << noise;
    const auto opened = SqliteConnection::open(file, SqliteConnection::Mode::read_write, observer);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(opened.error().detail.contains("restore")) << opened.error().detail;
    EXPECT_TRUE(opened.error().detail.contains(file.native()));
    std::ifstream in(file, std::ios::binary);
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>(in), {}}), noise) << "it is left alone";
}

}  // namespace
}  // namespace gh::storage
