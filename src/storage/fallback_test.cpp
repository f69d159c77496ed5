#include "storage/fallback.hpp"

#include "storage/testing.hpp"
#include "telemetry/log.hpp"

namespace gh::storage {
namespace {

const SystemTime now{seconds(1'700'000'000)};

constexpr Statement make{
    .name = "t.make",
    .sql = "CREATE TABLE t (name TEXT PRIMARY KEY, n INTEGER CHECK (n < 100)) STRICT",
    .postgres = "CREATE TABLE t (name TEXT PRIMARY KEY, n BIGINT CHECK (n < 100))"};
constexpr Statement insert{.name = "t.insert", .sql = "INSERT INTO t (name, n) VALUES ($1, $2)"};
constexpr Statement list_all{.name = "t.list",
                             .sql = "SELECT name FROM t ORDER BY rowid",
                             .postgres = "SELECT name FROM t ORDER BY ctid"};
constexpr Statement insert_once{
    .name = "t.insert_once",
    .sql = "INSERT INTO t (name, n) VALUES ($1, 1) ON CONFLICT (name) DO NOTHING"};
constexpr Statement count_ids{.name = "t.ids", .sql = "SELECT count(*) FROM journal_applied"};
constexpr Statement list_rejects{.name = "t.rejects",
                                 .sql = "SELECT payload, reason FROM journal_rejects"};

class FallbackTest : public EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(migrate(*database, embedded_migrations(), now)));
        ASSERT_TRUE(run_to_end(database->query(make)));
        sometimes.emplace(*database);
        reopen();
    }
    void reopen() {
        fallback.reset();
        fallback.emplace(*sometimes, Journal::open(folder.path / "fallback_db", {}).value(),
                         registry, log);
        fallback->on("t", [](Session& session, JournalRecord record) -> Task<Result<void>> {
            const auto value = record.payload.substr(6, record.payload.size() - 8);
            GH_CO_TRY_VOID(co_await session.execute(insert, value, value == "bad" ? 100 : 1));
            co_return Result<void>{};
        });
        fallback->on_rejected([this](JournalRecord, Error why) { return tell(why); });
    }
    /// Not at once, and yet before the record leaves the journal.
    Task<> tell(Error why) {
        co_await net::Sleep(*net::Loop::current(), milliseconds(5));
        EXPECT_GT(fallback->backlog().records, 0U);
        rejected = why.reason;
    }
    std::string_view submit(const std::string& name) {
        const auto done = run_to_end(fallback->submit({"t", R"({"a":")" + name + R"("})"}, now));
        return done ? "" : done.error().reason;
    }
    std::size_t replay() { return run_to_end(fallback->replay(now)).value(); }
    [[nodiscard]] std::string names() const {
        const auto rows = run_to_end(database->query(list_all)).value();
        std::string all;
        for (std::size_t i = 0; i < rows.size(); ++i) all += rows[i].text(0);
        return all;
    }

    telemetry::NoLog sink;
    telemetry::Log log{sink, telemetry::LogLevel::info};
    std::optional<Sometimes> sometimes;
    std::optional<Fallback> fallback;
    std::string_view rejected;
};
INSTANTIATE_TEST_SUITE_P(Engines, FallbackTest, both_engines, engine_name);

TEST_P(FallbackTest, GoesStraightIntoADatabaseThatIsThere) {
    EXPECT_EQ(submit("a"), "");
    EXPECT_EQ(names(), "a");
    EXPECT_EQ(fallback->backlog().records, 0U);
    EXPECT_EQ(submit("bad"), "storage.check");  // its own refusals are the caller's
    EXPECT_EQ(submit("a"), "storage.unique");
    EXPECT_EQ(fallback->backlog().records, 0U);
}

TEST_P(FallbackTest, WaitsInOrderWhileItIsAway) {
    EXPECT_EQ(submit("a"), "");
    sometimes->away = true;
    for (const auto* name : {"b", "c", "d"}) EXPECT_EQ(submit(name), "");
    EXPECT_EQ(replay(), 0U);
    const auto asked = sometimes->asked;
    EXPECT_EQ(submit("e"), "");
    EXPECT_EQ(sometimes->asked, asked);  // nobody waits for it in vain
    sometimes->away = false;
    EXPECT_EQ(submit("f"), "");
    EXPECT_EQ(names(), "a");  // it does not overtake
    EXPECT_EQ(replay(), 5U);
    EXPECT_EQ(names(), "abcdef");
    EXPECT_EQ(submit("g"), "");
    EXPECT_EQ(names(), "abcdefg");
}

TEST_P(FallbackTest, ARestartInTheMiddleAppliesNothingTwice) {
    sometimes->away = true;
    for (const auto* name : {"a", "b"}) EXPECT_EQ(submit(name), "");
    sometimes->away = false;
    // As after a crash between the commit and letting go: the journal still has what the database has.
    const auto copy = folder.path / "copy";
    std::filesystem::copy(folder.path / "fallback_db", copy);
    EXPECT_EQ(replay(), 2U);
    fallback.reset();
    std::filesystem::remove_all(folder.path / "fallback_db");
    std::filesystem::rename(copy, folder.path / "fallback_db");
    reopen();
    EXPECT_EQ(fallback->backlog().records, 2U);
    EXPECT_EQ(replay(), 2U);
    EXPECT_EQ(names(), "ab");
    EXPECT_EQ(rejected, "");
}

TEST_P(FallbackTest, ACommitInDoubtIsNotMadeTwice) {
    sometimes->loses_answer = true;
    EXPECT_EQ(submit("a"), "");
    EXPECT_EQ(fallback->backlog().records, 1U);
    EXPECT_EQ(replay(), 1U);
    EXPECT_EQ(names(), "a");
}

TEST_P(FallbackTest, WhatIsHarmlessTwiceLeavesNoId) {
    auto once = [](Session& session, JournalRecord record) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await session.execute(insert_once, std::move(record.payload)));
        co_return Result<void>{};
    };
    fallback->on("once", once, {}, Fallback::Again::is_harmless);
    int written = 0;
    auto put = [&](std::string name) {
        Fallback::Direct direct = [name](Session& session) -> Task<Result<void>> {
            GH_CO_TRY_VOID(co_await session.execute(insert_once, name));
            co_return Result<void>{};
        };
        Fallback::Payload payload = [name, &written] {
            ++written;
            return name;
        };
        return run_to_end(fallback->submit("once", now, std::move(direct), std::move(payload)));
    };
    EXPECT_TRUE(put(R"({"a":1})"));
    EXPECT_EQ(written, 0);  // nothing is made for a journal that is not needed
    sometimes->loses_answer = true;
    EXPECT_TRUE(put(R"({"b":2})"));
    EXPECT_EQ(written, 1);
    EXPECT_EQ(replay(), 1U);
    EXPECT_EQ(names(), R"({"a":1}{"b":2})");
    EXPECT_EQ(rejected, "");
    EXPECT_EQ(run_to_end(database->query(count_ids)).value()[0].integer(0), 0);
}

TEST_P(FallbackTest, WhatTheDatabaseRefusesIsKeptAndBlocksNobody) {
    sometimes->away = true;
    for (const auto* name : {"a", "bad", "b"}) EXPECT_EQ(submit(name), "");
    sometimes->away = false;
    EXPECT_EQ(replay(), 2U);  // one was refused
    EXPECT_EQ(names(), "ab");
    EXPECT_EQ(rejected, "storage.check");
    EXPECT_EQ(fallback->backlog().records, 0U);
    const auto rejects = run_to_end(database->query(list_rejects)).value();
    ASSERT_EQ(rejects.size(), 1U);
    EXPECT_EQ(rejects[0].text(0), R"({"a":"bad"})");
    EXPECT_EQ(rejects[0].text(1), "storage.check");
}

TEST_P(FallbackTest, ThousandsComeBackInBatches) {
    sometimes->away = true;
    EXPECT_EQ(submit("first"), "");
    net::Loop loop;
    int left = 2'000;
    auto one = [&](int i) -> Task<> {
        Command command{"t", R"({"a":"n)" + std::to_string(i) + R"("})"};
        EXPECT_TRUE(co_await fallback->submit(std::move(command), now));
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < 2'000; ++i) spawn(one(i));
    });
    loop.run();
    EXPECT_EQ(fallback->backlog().records, 2'001U);
    sometimes->away = false;
    EXPECT_EQ(replay(), 2'001U);
    EXPECT_EQ(fallback->backlog().records, 0U);
}

}  // namespace
}  // namespace gh::storage
