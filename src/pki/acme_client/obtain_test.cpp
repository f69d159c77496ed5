#include "pki/acme_client/obtain.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "net/run_task.hpp"
#include "pki/acme_client/testing.hpp"

namespace gh::pki::acme_client {
namespace {

class AcmeObtain : public acme::ServerTest {
 protected:
    void SetUp() override {
        now = std::chrono::system_clock::now();  // what is obtained is judged by it
        config.domains = {"corp.example"};
        ServerTest::SetUp();
    }
    Task<Result<Leaf>> all(Session& talk, Wanted wanted) {
        auto directory = url("directory");
        GH_CO_TRY_VOID(co_await talk.open(std::move(directory)));
        GH_CO_TRY_VOID(co_await talk.sign_in(key, applicant));
        const ProofPlaces places{http, tls};
        co_return co_await obtain(talk, key, places, std::move(wanted));
    }
    Result<Leaf> get(Wanted wanted = {.names = {"a.corp.example", "b.corp.example"}}) {
        return net::run_to_end(all(session, std::move(wanted)));
    }
    std::string refusal(Wanted wanted = {.names = {"a.corp.example"}}) {
        const auto leaf = get(std::move(wanted));
        return leaf ? "" : std::string(leaf.error().reason) + " " + leaf.error().detail;
    }

    const AccountKey key = AccountKey::generate();
    Applicant applicant;
    access::HttpProofs http;
    net::TlsProofs tls;
    Direct way{table};
    Session session{way};
};

TEST_P(AcmeObtain, ACertificateIsHadAndItsProofsAreShownMeanwhile) {
    std::vector<std::string> shown;
    network.meanwhile = [&]() -> Task<> {
        const auto& proof = network.asked.back();
        const auto found = http.find("/.well-known/acme-challenge/" + proof.token);
        EXPECT_TRUE(found && *found == proof.key_authorization);
        EXPECT_EQ(proof.type, acme::ChallengeType::http_01);
        shown.push_back(proof.name);
        co_return;
    };
    const auto leaf = get();
    ASSERT_TRUE(leaf) << describe(leaf.error());
    EXPECT_EQ(leaf->names, (std::vector<std::string>{"a.corp.example", "b.corp.example"}));
    EXPECT_EQ(shown.size(), 2U);
    for (const auto& proof : network.asked)
        EXPECT_FALSE(http.find("/.well-known/acme-challenge/" + proof.token));
    const auto again = get();
    ASSERT_TRUE(again) << describe(again.error());
    EXPECT_NE(again->chain_pem, leaf->chain_pem);
    EXPECT_EQ(std::ranges::count(acts(), std::string("acme.account.create success")), 1)
        << "the account is found again";
}

TEST(AcmeChallenge, TheOtherWayIsTriedAfterAFailure) {
    using enum ChallengeChoice;
    const Authorization both{.challenges = {{"dns-01", "https://c/1", "t", {}},
                                            {"http-01", "https://c/2", "t", {}},
                                            {"tls-alpn-01", "https://c/3", "t", {}}}};
    struct Case {
        ChallengeChoice choice;
        bool http_first;
        std::uint32_t failures;
        std::string_view chosen;
    };
    constexpr Case cases[] = {
        {any, true, 0, "http-01"},
        {any, true, 1, "tls-alpn-01"},
        {any, true, 2, "http-01"},
        {any, false, 0, "tls-alpn-01"},
        {any, false, 1, "http-01"},
        {http_01, false, 0, "http-01"},
        {http_01, false, 1, "http-01"},
        {tls_alpn_01, true, 0, "tls-alpn-01"},
        {tls_alpn_01, true, 3, "tls-alpn-01"},
    };
    for (const auto& c : cases) {
        const auto* chosen = choose_challenge(
            both, {.challenge = c.choice, .http_first = c.http_first, .failures = c.failures});
        ASSERT_NE(chosen, nullptr);
        EXPECT_EQ(chosen->type, c.chosen);
    }
    const Authorization one{.challenges = {{"http-01", "https://c/2", "t", {}}}};
    EXPECT_EQ(choose_challenge(one, {.http_first = false}), one.challenges.data());
    EXPECT_EQ(choose_challenge(one, {.challenge = tls_alpn_01}), nullptr);
    const Authorization dns{.challenges = {{"dns-01", "https://c/1", "t", {}}}};
    EXPECT_EQ(choose_challenge(dns, {}), nullptr);
}

TEST_P(AcmeObtain, ANonceThatIsRefusedIsReplacedSoManyTimes) {
    int refused = 0;
    way.instead = [&](const std::string&,
                      const std::string& body) -> std::optional<Result<Answer>> {
        if (body.empty() || ++refused > 10) return std::nullopt;
        auto answer = problem(400, "badNonce");
        answer.nonce = nonce();
        return answer;
    };
    EXPECT_TRUE(get());
    refused = -1'000'000;
    EXPECT_TRUE(refusal().starts_with("acme_client.refused 400, badNonce"));
}

TEST_P(AcmeObtain, AProofThatFailsIsToldWithItsReason) {
    network.failure = Error{ErrorKind::invalid_argument, "acme.connection", "nobody is there"};
    const auto told = refusal();
    EXPECT_TRUE(told.starts_with("acme_client.refused a.corp.example: connection: ")) << told;
    EXPECT_TRUE(told.contains("nobody is there")) << told;
    for (const auto& proof : network.asked)
        EXPECT_FALSE(http.find("/.well-known/acme-challenge/" + proof.token));
    network.failure.reset();
    EXPECT_TRUE(refusal({.names = {"a.elsewhere.example"}}).contains("rejectedIdentifier"));
}

TEST_P(AcmeObtain, AnAccountIsBoundWhereTheCaWantsIt) {
    config.external_account_required = true;
    open();
    EXPECT_TRUE(refusal().starts_with("acme_client.external_account "));
    applicant.external_key_id = "nobody's";
    applicant.external_key = crypto::Secret::random(32);
    EXPECT_TRUE(refusal().starts_with("acme_client.refused "));
}

TEST_P(AcmeObtain, WhatTheCaSaysOfTheMomentIsTold) {
    struct Case {
        Answer answer;
        ErrorKind kind;
        std::optional<seconds> retry_after;
    };
    const Case cases[] = {
        {problem(429, "rateLimited", "3600"), ErrorKind::exhausted, seconds(3600)},
        {problem(403, "rateLimited"), ErrorKind::exhausted, std::nullopt},
        {problem(503, "", "5"), ErrorKind::unavailable, seconds(5)},
        {problem(500, "serverInternal"), ErrorKind::unavailable, std::nullopt},
        {problem(403, "unauthorized"), ErrorKind::invalid_argument, std::nullopt},
        {Answer{.status = 200, .body = "<html>"}, ErrorKind::corrupt, std::nullopt},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.answer.body);
        way.instead = [&](const std::string& asked,
                          const std::string&) -> std::optional<Result<Answer>> {
            return asked.ends_with("directory") ? std::optional<Result<Answer>>(c.answer)
                                                : std::nullopt;
        };
        const auto leaf = get();
        ASSERT_FALSE(leaf);
        EXPECT_EQ(leaf.error().kind, c.kind);
        if (c.answer.status != 200) {
            EXPECT_EQ(session.retry_after(), c.retry_after);
        }
    }
}

TEST_P(AcmeObtain, ACaThatSpeaksOfOtherNamesIsNotFollowed) {
    way.instead = [&](const std::string& asked,
                      const std::string&) -> std::optional<Result<Answer>> {
        if (!asked.contains("/authz/")) return std::nullopt;
        return Answer{.status = 200,
                      .nonce = nonce(),
                      .body = R"({"status":"pending","identifier":{"type":"dns",)"
                              R"("value":"admin.corp.example"},"challenges":[]})"};
    };
    EXPECT_TRUE(refusal().contains("a name that was not ordered"));
}

TEST_P(AcmeObtain, AnOrderEndsInTimeHoweverSlowTheCaIs) {
    auto ticks = std::chrono::steady_clock::now();
    way.instead = [&](const std::string&, const std::string&) -> std::optional<Result<Answer>> {
        ticks += seconds(15);
        return std::nullopt;
    };
    Session slow(way, seconds(50), [&] { return ticks; });
    const auto leaf = net::run_to_end(all(slow, {.names = {"a.corp.example"}}));
    ASSERT_FALSE(leaf);
    EXPECT_EQ(leaf.error().reason, "acme_client.slow");
    EXPECT_EQ(way.asked.size(), 4U);
}

TEST_P(AcmeObtain, WhatIsReplacedMattersLessThanTheCertificate) {
    const auto leaf = get({.names = {"a.corp.example"}});
    ASSERT_TRUE(leaf);
    ASSERT_TRUE(get({.names = {"a.corp.example"}, .replaces = leaf->renewal_id}));
    way.asked.clear();
    ASSERT_TRUE(get({.names = {"a.corp.example"}, .replaces = leaf->renewal_id}))
        << "it was replaced already";
    EXPECT_EQ(std::ranges::count(way.asked, url("new-order")), 2);
}

TEST_P(AcmeObtain, WhatIsReplacedIsLeftOutWhereTheCaWillNotHearOfIt) {
    const auto leaf = get({.names = {"a.corp.example"}});
    ASSERT_TRUE(leaf);
    struct Case {
        Answer answer;
        bool had;
        std::ptrdiff_t orders;
    };
    const Case cases[] = {
        {problem(403, "unauthorized"), true, 2},    {problem(404, ""), true, 2},
        {problem(409, "alreadyReplaced"), true, 2}, {problem(429, "rateLimited"), false, 1},
        {problem(500, "serverInternal"), false, 1},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.answer.body);
        way.asked.clear();
        bool first = true;
        way.instead = [&](const std::string& asked,
                          const std::string&) -> std::optional<Result<Answer>> {
            if (!asked.ends_with("/new-order") || !std::exchange(first, false)) return std::nullopt;
            return c.answer;
        };
        EXPECT_EQ(get({.names = {"a.corp.example"}, .replaces = leaf->renewal_id}).has_value(),
                  c.had);
        EXPECT_EQ(std::ranges::count(way.asked, url("new-order")), c.orders);
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, AcmeObtain, storage::both_engines, storage::engine_name);

}  // namespace
}  // namespace gh::pki::acme_client
