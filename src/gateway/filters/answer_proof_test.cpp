#include "gateway/filters/answer_proof.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

TEST(AnswerProof, AnswersTokensOfOursAndLeavesTheRestAlone) {
    access::HttpProofs proofs;
    ASSERT_TRUE(proofs.put("ours", "ours.thumbprint"));
    struct Case {
        std::string_view method, target;
        bool answered;
    };
    constexpr Case cases[] = {
        {"GET", "/.well-known/acme-challenge/ours", true},
        {"HEAD", "/.well-known/acme-challenge/ours", true},
        {"POST", "/.well-known/acme-challenge/ours", false},
        {"GET", "/.well-known/acme-challenge/theirs", false},
        {"GET", "/", false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.target);
        FakeHouse house;
        house.services.proofs = &proofs;
        house.client.ask(c.method, c.target);
        AnswerProof filter(house.services);
        EXPECT_EQ(filter.on_request(house.begin()),
                  c.answered ? Verdict::answered : Verdict::walk_on);
        if (!c.answered) continue;
        EXPECT_EQ(house.exchange.response.status, 200);
        ASSERT_TRUE(house.exchange.shared_body);
        EXPECT_EQ(*house.exchange.shared_body, "ours.thumbprint");
        EXPECT_EQ(house.answered("Content-Type"), "application/octet-stream");
    }
}

TEST(AnswerProof, IsSilentWhereNobodyProvesAnything) {
    FakeHouse house;
    house.client.ask("GET", "/.well-known/acme-challenge/ours");
    AnswerProof filter(house.services);
    EXPECT_EQ(filter.on_request(house.begin()), Verdict::walk_on);
}

}  // namespace
}  // namespace gh::gateway
