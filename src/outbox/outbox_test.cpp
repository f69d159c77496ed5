#include "outbox/outbox.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "base/run_inline.hpp"

namespace gh::outbox {
namespace {

/// A session that nothing is asked of.
class NoSession final : public storage::Session {
 public:
    [[nodiscard]] storage::Dialect dialect() const override { return storage::Dialect::sqlite; }
    Task<Result<std::uint64_t>> execute_many(const storage::Statement& /*statement*/,
                                             std::vector<storage::Parameters> /*sets*/) override {
        co_return fail(ErrorKind::internal, "test");
    }
    Task<Result<void>> script(std::string /*sql*/) override {
        co_return fail(ErrorKind::internal, "test");
    }
    Task<Result<storage::Rows>> run(const storage::Statement& /*statement*/,
                                    storage::Parameters /*parameters*/) override {
        co_return fail(ErrorKind::internal, "test");
    }
};

class Remembered final : public Outbox {
 public:
    Task<Result<void>> lock(storage::Session& /*session*/) override {
        said += "lock ";
        co_return Result<void>{};
    }
    Task<Result<void>> post(storage::Session& /*session*/, Notice notice) override {
        if (full) co_return fail(ErrorKind::exhausted, "bus.inbox_full");
        said += "post:" + notice.recipient + " ";
        co_return Result<void>{};
    }
    void ring(const std::string& recipient) override { said += "ring:" + recipient + " "; }
    void committed(const Notice& notice) override { said += "committed:" + notice.type + " "; }
    bool full = false;
    std::string said;
};

class PostingTest : public testing::Test {
 protected:
    Task<Result<void>> noted(std::string word) {
        outbox.said += word + " ";
        co_return Result<void>{};
    }
    storage::Also<int> other() {
        return {.before = [this](storage::Session&) { return noted("first"); },
                .after = [this](storage::Session&, const int&) { return noted("last"); }};
    }
    Result<void> before(storage::Also<int>& also) { return *run_inline(also.before(session)); }
    Result<void> after(storage::Also<int>& also, int value) {
        return *run_inline(also.after(session, value));
    }
    static std::vector<Notice> say(const int& value) {
        std::vector<Notice> all;
        for (int i = 0; i < value; ++i)
            all.push_back({.recipient = std::string(1, static_cast<char>('a' + i)), .type = "t"});
        return all;
    }
    NoSession session;
    Remembered outbox;
};

TEST_F(PostingTest, WhatElseBelongsToTheWriteComesFirstAndLast) {
    Posting posting(outbox);
    auto also = posting.also<int>(say, other());
    ASSERT_TRUE(before(also));
    ASSERT_TRUE(after(also, 2));
    EXPECT_EQ(outbox.said, "first lock post:a post:b last ");
}

TEST_F(PostingTest, OnlyWhatIsCommittedCountsAndIsToldOnce) {
    {
        Posting posting(outbox);
        auto also = posting.also<int>(say);
        ASSERT_TRUE(after(also, 1));
        ASSERT_TRUE(after(also, 1)) << "the database had it run again";
        outbox.said.clear();
        EXPECT_TRUE(posting.heed(Result<int>(1)));
        EXPECT_EQ(outbox.said, "committed:t ring:a ");
    }
    EXPECT_EQ(outbox.said, "committed:t ring:a ");
    outbox.said.clear();
    {
        Posting posting(outbox);
        auto also = posting.also<int>(say);
        ASSERT_TRUE(after(also, 1));
        EXPECT_FALSE(posting.heed(Result<int>(fail(ErrorKind::unavailable, "storage.busy"))));
    }
    EXPECT_EQ(outbox.said, "post:a ring:a ") << "it may be there: who waits looks for himself";
}

TEST_F(PostingTest, AFullInboxUndoesTheWrite) {
    Posting posting(outbox);
    auto also = posting.also<int>(say);
    outbox.full = true;
    const auto done = after(also, 1);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "bus.inbox_full");
}

}  // namespace
}  // namespace gh::outbox
