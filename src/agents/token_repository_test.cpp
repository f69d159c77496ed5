#include "agents/token_repository.hpp"

#include "agents/testing.hpp"
#include "crypto/secret.hpp"

namespace gh::agents {
namespace {

class TokenRepositoryTest : public AgentsTest {
 protected:
    static NewToken fresh(const std::string& agent_id, int second = 0, int lifetime = 1'000) {
        return {.made = make_token(at(second)),
                .agent_id = agent_id,
                .family = {},
                .created_by = "user:ada",
                .expires_at = at(second + lifetime)};
    }
    Claimed refresh(const std::string& text, const NewToken& next, int second) {
        return run_to_end(tokens().refresh(text, next, at(second))).value();
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, TokenRepositoryTest, storage::both_engines, storage::engine_name);

constexpr storage::Statement every_column{.name = "t.tokens", .sql = "SELECT * FROM agent_tokens"};

TEST_P(TokenRepositoryTest, TheDatabaseHoldsAHashAndNoText) {
    const auto token = fresh(online("build-7").id);
    ASSERT_TRUE(run_to_end(tokens().add(token, at(0))));
    const auto secret = token.made.text.substr(41);
    const auto rows = run_to_end(database->query(every_column)).value();
    ASSERT_EQ(rows.size(), 1U);
    bool hashed = false;
    for (std::size_t column = 0; column < 10; ++column) {
        const auto& value = rows[0].value(column);
        if (const auto* text = std::get_if<std::string>(&value)) {
            EXPECT_EQ(text->find(secret), std::string::npos) << column;
        }
        if (const auto* blob = std::get_if<storage::Blob>(&value))
            hashed = hashed || is_hash_of(blob->octets, token.made.text);
    }
    EXPECT_TRUE(hashed);
    EXPECT_TRUE(run_to_end(tokens().is_known(token.made.text)).value());
    auto forged = token.made.text;
    forged.back() = forged.back() == 'A' ? 'B' : 'A';
    EXPECT_FALSE(run_to_end(tokens().is_known(forged)).value());
}

TEST_P(TokenRepositoryTest, ATokenIsExchangedForTheNextOfItsFamilyOnce) {
    const auto agent = online("build-7");
    const auto first = fresh(agent.id), second = fresh({}, 1), third = fresh({}, 2);
    const auto kept = run_to_end(tokens().add(first, at(0))).value();
    EXPECT_EQ(kept.family, kept.id);
    const auto next = refresh(first.made.text, second, 1);
    EXPECT_EQ(next.refusal, "");
    EXPECT_EQ(next.token.family, kept.family);
    EXPECT_EQ(next.token.agent_id, agent.id);
    EXPECT_EQ(next.token.created_by, "user:ada");
    EXPECT_EQ(run_to_end(tokens().find(agent.id, kept.id)).value().used_at, at(1));
    EXPECT_EQ(refresh(second.made.text, third, 2).refusal, "");
}

TEST_P(TokenRepositoryTest, OneThatIsUsedASecondTimeEndsItsFamilyAndNoOther) {
    const auto agent = online("build-7");
    const auto first = fresh(agent.id), second = fresh({}, 1), other = fresh(agent.id, 2);
    ASSERT_TRUE(run_to_end(tokens().add(first, at(0))));
    ASSERT_TRUE(run_to_end(tokens().add(other, at(0))));
    ASSERT_EQ(refresh(first.made.text, second, 1).refusal, "");
    const auto again = refresh(first.made.text, fresh({}, 2), 2);
    EXPECT_EQ(again.refusal, "agent.token_reused");
    EXPECT_TRUE(again.family_ended);
    EXPECT_EQ(again.token.agent_id, agent.id);
    EXPECT_EQ(refresh(second.made.text, fresh({}, 3), 3).refusal, "agent.token_ended");
    const auto third = refresh(first.made.text, fresh({}, 3), 3);
    EXPECT_EQ(third.refusal, "agent.token_ended") << "told once";
    EXPECT_FALSE(third.family_ended);
    EXPECT_EQ(refresh(other.made.text, fresh({}, 3), 3).refusal, "");
}

TEST_P(TokenRepositoryTest, WhatIsOverOrNoneOfOursIsRefused) {
    const auto agent = online("build-7");
    const auto token = fresh(agent.id, 0, 10);
    ASSERT_TRUE(run_to_end(tokens().add(token, at(0))));
    EXPECT_EQ(refresh(token.made.text, fresh({}), 10).refusal, "agent.token_expired");
    EXPECT_EQ(refresh(make_token(at(0)).text, fresh({}), 1).refusal, "agent.token_unknown");
    EXPECT_EQ(refresh("gha_", fresh({}), 1).refusal, "agent.token_unknown");
    EXPECT_EQ(refresh(token.made.text + "A", fresh({}), 1).refusal, "agent.token_unknown");
    EXPECT_EQ(refresh(token.made.text, fresh({}), 9).refusal, "") << "still good until then";
}

TEST_P(TokenRepositoryTest, RevokingEndsTheFamilyAndIsOfTheAgentOfThePath) {
    const auto agent = online("build-7"), other = online("build-8");
    const auto token = fresh(agent.id), next = fresh({}, 1);
    const auto kept = run_to_end(tokens().add(token, at(0))).value();
    ASSERT_EQ(refresh(token.made.text, next, 1).refusal, "");
    EXPECT_EQ(reason(run_to_end(tokens().revoke(other.id, kept.id, at(2)))), "agent.token_unknown");
    EXPECT_EQ(run_to_end(tokens().revoke(agent.id, kept.id, at(2))).value().revoked_at, at(2));
    EXPECT_EQ(run_to_end(tokens().revoke(agent.id, kept.id, at(3))).value().revoked_at, at(2));
    EXPECT_EQ(refresh(next.made.text, fresh({}, 3), 3).refusal, "agent.token_ended");
}

TEST_P(TokenRepositoryTest, AnAgentHasSoManyFamiliesAndNoMore) {
    const auto agent = online("build-7");
    for (std::int64_t i = 0; i < TokenRepository::families_max; ++i)
        ASSERT_TRUE(run_to_end(tokens().add(fresh(agent.id, 0, 10), at(0))));
    EXPECT_EQ(reason(run_to_end(tokens().add(fresh(agent.id), at(1)))), "agent.tokens_many");
    EXPECT_TRUE(run_to_end(tokens().add(fresh(agent.id, 20), at(20)))) << "those have expired";
    EXPECT_EQ(run_to_end(tokens().clean(at(11))).value(),
              static_cast<std::uint64_t>(TokenRepository::families_max));
    EXPECT_EQ(run_to_end(tokens().list(agent.id, {}, 10)).value().size(), 1U);
}

TEST_P(TokenRepositoryTest, ListsArePagedAndUsesAreTheLatest) {
    const auto agent = online("build-7");
    std::vector<Token> made;
    for (int i = 0; i < 3; ++i)
        made.push_back(run_to_end(tokens().add(fresh(agent.id, i), at(i))).value());
    const auto page =
        run_to_end(tokens().list(agent.id, {{made[0].created_at, made[0].id}}, 1)).value();
    ASSERT_EQ(page.size(), 1U);
    EXPECT_EQ(page[0].id, made[1].id);
    ASSERT_TRUE(run_to_end(tokens().touch({{made[1].family, at(9)}})));
    ASSERT_TRUE(run_to_end(tokens().touch({{made[1].family, at(8)}})));
    EXPECT_EQ(run_to_end(tokens().find(agent.id, made[1].id)).value().last_used_at, at(9));
    EXPECT_FALSE(run_to_end(tokens().find(agent.id, made[2].id)).value().last_used_at);
}

}  // namespace
}  // namespace gh::agents
