#include "vault/wrapped_answers.hpp"

#include "storage/testing.hpp"

namespace gh::vault {
namespace {

using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

class WrappedAnswersTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        answers.emplace(*database);
    }
    Result<MadeWrapping> wrap(std::string body, seconds ttl = seconds(60),
                              std::string creator = "ada") {
        WrappedAnswer wanted;
        wanted.creator = std::move(creator);
        wanted.path = "secret/data/a";
        wanted.ttl = ttl;
        return run_to_end(
            answers->wrap(std::move(wanted), crypto::Secret(std::string_view(body)), now));
    }
    std::string unwrap(const std::string& token, SystemTime when = now) {
        const auto opened = run_to_end(answers->unwrap(token, when));
        return opened ? std::string(crypto::text_of(opened->body->bytes()))
                      : std::string(opened.error().reason);
    }
    void change(storage::Statement statement) {
        ASSERT_TRUE(run_to_end(database->query(statement)));
    }

    std::optional<WrappedAnswers> answers;
};
INSTANTIATE_TEST_SUITE_P(Engines, WrappedAnswersTest, storage::both_engines, storage::engine_name);

TEST_P(WrappedAnswersTest, AreForTheFirstWhoAsks) {
    const auto made = wrap("value").value();
    const auto seen = run_to_end(answers->look(made.token, now)).value();
    EXPECT_EQ(seen.path, "secret/data/a");
    EXPECT_EQ(seen.expires_at, now + seconds(60));
    EXPECT_EQ(unwrap(made.token), "value");
    EXPECT_EQ(unwrap(made.token), "wrap.token");
    EXPECT_EQ(run_to_end(answers->look(made.token, now)).error().reason, "wrap.token");
}

TEST_P(WrappedAnswersTest, EndByThemselves) {
    const auto made = wrap("value").value();
    EXPECT_EQ(unwrap(made.token, now + seconds(60)), "wrap.token");
    EXPECT_EQ(unwrap(made.token, now + seconds(59)), "value");
    EXPECT_EQ(wrap("x", seconds(0)).error().reason, "wrap.ttl");
    EXPECT_EQ(wrap("x", WrappedAnswers::ttl_max + seconds(1)).error().reason, "wrap.ttl");
}

TEST_P(WrappedAnswersTest, ATokenOpensItsOwnAndNothingThatWasMoved) {
    const auto one = wrap("one").value();
    const auto two = wrap("two").value();
    auto forged = one.token;
    forged.replace(8, 16, two.answer.id);
    EXPECT_EQ(unwrap(forged), "wrap.token");
    for (const std::string wrong : {"", "gh_wrap.", "gh_wrap.a.b", "x"})
        EXPECT_EQ(unwrap(wrong), "wrap.token") << wrong;
    change({.name = "t.creator", .sql = "UPDATE wrapped_answers SET creator = 'eve'"});
    EXPECT_EQ(unwrap(one.token), "wrap.token") << "who asked for it is bound to it";
    change({.name = "t.creator", .sql = "UPDATE wrapped_answers SET creator = 'ada'"});
    EXPECT_EQ(unwrap(one.token), "one");
    EXPECT_EQ(unwrap(two.token), "two");
}

TEST_P(WrappedAnswersTest, AreWrappedAnewUnderAnotherToken) {
    const auto made = wrap("value", seconds(30)).value();
    const auto again = run_to_end(answers->rewrap(made.token, now + seconds(20))).value();
    EXPECT_EQ(again.answer.expires_at, now + seconds(50));
    EXPECT_EQ(again.answer.path, "secret/data/a");
    EXPECT_EQ(unwrap(made.token), "wrap.token");
    EXPECT_EQ(unwrap(again.token, now + seconds(49)), "value");
}

TEST_P(WrappedAnswersTest, NobodyKeepsMoreThanTheyMay) {
    static constexpr storage::Statement insert{
        .name = "t.insert",
        .sql =
            "INSERT INTO wrapped_answers (id, creator, path, ttl_s, sealed, created_at, "
            "expires_at) VALUES ($1, 'ada', 'p', 1, $2, $3, $4)"};
    auto fill = [](storage::Session& session) -> Task<Result<void>> {
        for (std::int64_t i = 0; i < WrappedAnswers::of_creator_max; ++i) {
            const auto id = "w" + std::to_string(i);
            const storage::Blob sealed{"s"};
            GH_CO_TRY_VOID(co_await session.execute(insert, id, sealed, now - seconds(60),
                                                    now + seconds(i % 2 == 0 ? -1 : 1)));
        }
        co_return Result<void>{};
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(fill))));
    EXPECT_TRUE(wrap("half of them are over"));
    change({.name = "t.revive",
            .sql = "UPDATE wrapped_answers SET expires_at = expires_at + 1000000000"});
    while (wrap("x")) {
    }
    EXPECT_EQ(wrap("x").error().reason, "wrap.too_many");
    EXPECT_TRUE(wrap("x", seconds(1), "eve")) << "the others are not concerned";
}

}  // namespace
}  // namespace gh::vault
