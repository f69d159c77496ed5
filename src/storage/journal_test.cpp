#include "storage/journal.hpp"

#include <algorithm>
#include <fstream>

#include "crypto/digest.hpp"
#include "storage/testing.hpp"

namespace gh::storage {
namespace {

const SystemTime now{std::chrono::microseconds(1'700'000'000'123'456)};

class JournalTest : public testing::Test {
 protected:
    void open(Journal::Options options = {}) {
        journal.reset();
        auto opened = Journal::open(path(), options);
        ASSERT_TRUE(opened) << describe(opened.error());
        journal = *std::move(opened);
    }
    [[nodiscard]] std::filesystem::path path() const { return folder.path / "fallback_db"; }
    std::string_view append(std::string id, std::string payload = R"({"n":1})") {
        const auto done = run_to_end(journal->append(
            {.id = std::move(id), .kind = "test", .at = now, .payload = std::move(payload)}));
        return done ? "" : done.error().reason;
    }
    [[nodiscard]] std::string ids() const {
        std::string all;
        const auto records = journal->oldest(1'000);
        if (!records) return describe(records.error());
        for (const auto& record : *records) all += record.id;
        return all;
    }
    [[nodiscard]] std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> all;
        for (const auto& entry : std::filesystem::directory_iterator(path()))
            all.push_back(entry.path());
        std::ranges::sort(all);
        return all;
    }

    TestFolder folder;
    std::unique_ptr<Journal> journal;
};

TEST(JournalLine, ReadsWhatItWrote) {
    const JournalRecord record{.sequence = 7,
                               .id = "an \"id\"",
                               .kind = "audit.append",
                               .at = now,
                               .payload = R"({"payload":{"a":[1,2]},"z":"}"})"};
    const auto read = parse_journal_line(journal_line(record));
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_EQ(read->sequence, 7U);
    EXPECT_EQ(read->id, record.id);
    EXPECT_EQ(read->kind, record.kind);
    EXPECT_EQ(read->at, now);
    EXPECT_EQ(read->payload, record.payload);
}

TEST(JournalLine, NoticesEveryFlippedBit) {
    const auto line =
        journal_line({.sequence = 1, .id = "a", .kind = "k", .at = now, .payload = "{}"});
    for (std::size_t i = 0; i < line.size() * 8; ++i) {
        auto flipped = line;
        flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
        EXPECT_FALSE(parse_journal_line(flipped)) << i;
    }
    for (std::size_t length = 0; length < line.size(); ++length)
        EXPECT_FALSE(parse_journal_line(std::string_view(line).substr(0, length)));
}

TEST(JournalLine, ReadsNothingButWhatIsWritten) {
    constexpr std::string_view objects[] = {
        R"({"sequence":1,"id":"a","kind":"k","at":1,"payload":{}})",  // as it is written
        R"({"payload":{},"sequence":1,"id":"a","kind":"k","at":1})",
        R"({"sequence":-1,"id":"a","kind":"k","at":1,"payload":{}})",
        R"({"sequence":1,"id":"a","kind":"k","at":9223372036854775807,"payload":{}})",
        R"({"sequence":1,"id":"a","kind":"k","at":-9223372036854775808,"payload":{}})",
        R"({"sequence": 1,"id":"a","kind":"k","at":1,"payload":{}})",
        R"({"sequence":1,"id":"a","kind":"k","at":1,"more":1,"payload":{}})",
        R"({"sequence":1,"id":"a","kind":"k","at":1,"payload":[]})",
    };
    for (const auto object : objects) {
        const auto line = crypto::sha256_hex(object).substr(0, 16) + ' ' + std::string(object);
        EXPECT_EQ(parse_journal_line(line).has_value(), object == objects[0]) << object;
    }
}

TEST_F(JournalTest, KeepsOrderAndSurvivesARestart) {
    open();
    for (const auto* id : {"a", "b", "c"}) EXPECT_EQ(append(id), "");
    EXPECT_EQ(ids(), "abc");
    open();
    EXPECT_EQ(append("d"), "");
    EXPECT_EQ(ids(), "abcd");
    EXPECT_EQ(journal->backlog().records, 4U);
    EXPECT_EQ(journal->backlog().oldest, now);
}

TEST_F(JournalTest, LetsGoOfWhatTheDatabaseHas) {
    open();
    for (const auto* id : {"a", "b", "c"}) EXPECT_EQ(append(id), "");
    ASSERT_TRUE(journal->release(journal->oldest(2)->back().sequence));
    EXPECT_EQ(ids(), "c");
    EXPECT_EQ(journal->backlog().records, 1U);
    ASSERT_TRUE(journal->release(journal->oldest(1)->back().sequence));
    EXPECT_EQ(journal->backlog().records, 0U);
    EXPECT_FALSE(journal->backlog().oldest);
    EXPECT_TRUE(files().empty());
    EXPECT_EQ(append("d"), "");
    EXPECT_EQ(ids(), "d");
    open();
    EXPECT_EQ(ids(), "d");
}

TEST_F(JournalTest, BeginsNewSegmentsAndRemovesOldOnes) {
    open({.segment_bytes = 300});
    for (char id = 'a'; id <= 'j'; ++id) EXPECT_EQ(append(std::string(1, id)), "");
    const auto before = files().size();
    EXPECT_GT(before, 2U);
    EXPECT_EQ(ids(), "abcdefghij");
    ASSERT_TRUE(journal->release(6));
    EXPECT_LT(files().size(), before);
    EXPECT_EQ(ids(), "ghij");
    open({.segment_bytes = 300});
    EXPECT_TRUE(ids().ends_with(
        "ghij"));  // those before them in a segment come again: the database knows their ids
    EXPECT_EQ(append("k"), "");
    EXPECT_TRUE(ids().ends_with("ghijk"));
}

TEST_F(JournalTest, ATornTailIsCutOff) {
    open();
    for (const auto* id : {"a", "b"}) EXPECT_EQ(append(id), "");
    const auto file = files().front();
    journal.reset();
    const auto whole = std::filesystem::file_size(file);
    const auto tail =
        journal_line({.sequence = 3, .id = "c", .kind = "k", .at = now, .payload = "{}"}) + "\n";
    for (std::size_t length = 1; length < tail.size(); ++length) {
        SCOPED_TRACE(length);
        std::ofstream(file, std::ios::app | std::ios::binary) << tail.substr(0, length);
        open();
        EXPECT_EQ(ids(), "ab");
        journal.reset();
        ASSERT_EQ(std::filesystem::file_size(file), whole);
    }
}

TEST_F(JournalTest, AnEmptySegmentOfAnEarlierCrashDoesNotHideWhichTailMayBeTorn) {
    open();
    EXPECT_EQ(append("a"), "");
    const auto file = files().front();
    journal.reset();
    const auto stale = path() / "00000000000000000007.jsonl";
    std::ofstream(stale).close();
    std::ofstream(file, std::ios::app) << "torn";
    open();
    EXPECT_EQ(ids(), "a");
    EXPECT_EQ(files(), std::vector{file});
}

TEST_F(JournalTest, ASegmentOfNothingButATornLineIsGone) {
    std::filesystem::create_directory(path());
    std::ofstream(path() / "00000000000000000007.jsonl") << "torn";
    open();
    EXPECT_TRUE(files().empty());
    EXPECT_EQ(append("a"), "");
    open();
    EXPECT_EQ(ids(), "a");
}

TEST_F(JournalTest, DamageInTheMiddleStopsTheStart) {
    open();
    for (const auto* id : {"a", "b", "c"}) EXPECT_EQ(append(id), "");
    const auto file = files().front();
    journal.reset();
    std::fstream change(file, std::ios::in | std::ios::out | std::ios::binary);
    change.seekp(30);
    change.put('#');
    change.close();
    const auto opened = Journal::open(path(), {});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "journal.damaged");
    EXPECT_NE(opened.error().detail.find(":1: "), std::string::npos) << opened.error().detail;
}

TEST_F(JournalTest, RefusesWhatDoesNotFit) {
    open({.bytes_max = 150});
    EXPECT_EQ(append("a"), "");
    EXPECT_EQ(append("b"), "");
    EXPECT_EQ(append("c"), "journal.full");
    EXPECT_EQ(append("d", std::string(journal_payload_bytes_max + 1, 'x')), "journal.too_large");
    EXPECT_EQ(ids(), "ab");
}

TEST_F(JournalTest, MoreThanMayWaitForTheDiskAreRefusedAndTheOthersKept) {
    open({.waiting_max = 3});
    net::Loop loop;
    int left = 2'000, kept = 0, refused = 0;
    auto one = [&](int i) -> Task<> {
        JournalRecord record{.id = std::to_string(i), .kind = "k", .at = now, .payload = "{}"};
        const auto done = co_await journal->append(std::move(record));
        if (!done) {
            EXPECT_EQ(done.error().reason, "journal.full");
        }
        ++(done ? kept : refused);
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < 2'000; ++i) spawn(one(i));
    });
    loop.run();
    EXPECT_GT(refused, 0);  // the disk does not take 2,000 in one turn, three at a time
    EXPECT_GE(kept, 3);
    EXPECT_EQ(journal->backlog().records, static_cast<std::uint64_t>(kept));
}

TEST_F(JournalTest, ManyAtOnceShareTheDisk) {
    open();
    net::Loop loop;
    int left = 500, failed = 0;
    auto one = [&](int i) -> Task<> {
        JournalRecord record{.id = std::to_string(i), .kind = "k", .at = now, .payload = "{}"};
        const auto done = co_await journal->append(std::move(record));
        if (!done) ++failed;
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < 500; ++i) spawn(one(i));
    });
    loop.run();
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(journal->backlog().records, 500U);
    EXPECT_EQ(journal->oldest(1'000)->size(), 500U);
}

}  // namespace
}  // namespace gh::storage
