#include "pki/acme/server_testing.hpp"

namespace gh::pki::acme {
namespace {

using std::chrono::hours;
using Names = std::vector<std::string>;

class OrderTest : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Engines, OrderTest, storage::both_engines, storage::engine_name);

TEST_P(OrderTest, LeadsToACertificateForItsNamesAlone) {
    const auto client = make_account();
    const auto order = make_order(client, {"b.corp.example", "*.corp.example"});
    EXPECT_EQ(status_at(client, order), "pending");
    const auto all = authorizations(client, order);
    ASSERT_EQ(all.size(), 2U);
    const auto wildcard = look(client, all[0]), plain = look(client, all[1]);
    EXPECT_TRUE(wildcard.body.contains(R"("wildcard":true)"));
    EXPECT_TRUE(wildcard.body.contains(R"("value":"corp.example")"));
    EXPECT_FALSE(wildcard.body.contains("http-01"));
    EXPECT_TRUE(plain.body.contains("http-01"));
    const auto begun = post(client, challenge_of(all[0], "dns-01"), "{}");
    EXPECT_NE(said(begun, "status"), "pending");
    EXPECT_TRUE(field_of(begun, "Link").contains(">;rel=\"up\""));
    EXPECT_EQ(status_at(client, all[0]), "valid");
    EXPECT_EQ(status_at(client, order), "pending");
    EXPECT_EQ(post(client, challenge_of(all[1], "http-01"), "{}").status, 200);
    EXPECT_EQ(status_at(client, order), "ready");

    const auto& proof = network.asked.back();
    EXPECT_EQ(proof.name, "b.corp.example");
    EXPECT_EQ(proof.key_authorization, proof.token + "." + thumbprint_of(client.signer.jwk()));
    EXPECT_EQ(network.asked.front().name, "corp.example");

    const Signer key;
    const auto csr = request_for({"*.corp.example", "b.corp.example"}, key_of(key.key()).get());
    const auto done = finalize(client, order, csr);
    EXPECT_EQ(said(done, "status"), "valid");
    const auto chain = look(client, said(done, "certificate"));
    EXPECT_EQ(chain.content_type, "application/pem-certificate-chain");
    const auto read = crypto::read_certificates(chain.body).value();
    EXPECT_EQ(crypto::names_of(read.front().get()).dns,
              (Names{"*.corp.example", "b.corp.example"}));
    EXPECT_TRUE(issuer->signed_by_us(read.front().get()));
    EXPECT_EQ(problem_in(finalize(client, order, csr)), "orderNotReady 403");
    EXPECT_EQ(acts(), (std::vector<std::string>{
                          "acme.account.create success", "acme.authorization.validate success",
                          "acme.authorization.validate success", "certificate.issue success"}));
}

TEST_P(OrderTest, IsForNamesThatTheConfigurationAllows) {
    const auto client = make_account();
    const auto problem = [&](const Names& names) {
        return problem_in(post(client, url("new-order"), identifiers(names)));
    };
    EXPECT_EQ(problem({"a.corp.example"}), "201");
    EXPECT_EQ(problem({"corp.example.org"}), "rejectedIdentifier 400");
    EXPECT_EQ(problem({"a.corp.example", "a.example"}), "rejectedIdentifier 400");
    config.domains.clear();
    open();
    EXPECT_EQ(problem({"a.corp.example"}), "rejectedIdentifier 400");
}

TEST_P(OrderTest, IsForNamesThatTheAuthorityMaySign) {
    const auto root = Authority::create(RootRequest{}, start).value();
    issuer = std::make_shared<const Authority>(
        root.sign_intermediate({.constraints = {.dns = {"a.corp.example"}, .networks = {}}},
                               nullptr, start)
            .value());
    const auto client = make_account();
    EXPECT_EQ(post(client, url("new-order"), identifiers({"x.a.corp.example"})).status, 201);
    EXPECT_EQ(problem_in(post(client, url("new-order"), identifiers({"b.corp.example"}))),
              "rejectedIdentifier 400");
}

TEST_P(OrderTest, FailsWithAChallengeThatFails) {
    const auto client = make_account();
    const auto order = make_order(client, {"a.corp.example", "b.corp.example"});
    const auto all = authorizations(client, order);
    network.failure = Error{ErrorKind::invalid_argument, "acme.connection", "a.corp.example:80"};
    (void)post(client, challenge_of(all[0], "http-01"), "{}");
    EXPECT_EQ(network.asked.size(), 2U);  // it was tried again
    const auto failed = look(client, all[0]);
    EXPECT_EQ(said(failed, "status"), "invalid");
    EXPECT_TRUE(failed.body.contains("urn:ietf:params:acme:error:connection"));
    EXPECT_FALSE(failed.body.contains("dns-01"));  // another challenge is no way out
    EXPECT_EQ(status_at(client, order), "invalid");
    EXPECT_TRUE(look(client, order).body.contains("urn:ietf:params:acme:error:connection"));
    network.failure.reset();
    (void)post(client, challenge_of(all[0], "dns-01"), "{}");
    EXPECT_EQ(status_at(client, all[0]), "invalid");
    EXPECT_EQ(problem_in(finalize(client, order, "x")), "orderNotReady 403");
    EXPECT_EQ(acts().back(), "acme.authorization.validate failure");
}

TEST_P(OrderTest, TakesRequestsForItsNamesByAnotherKeyOnly) {
    const auto client = make_account();
    const auto order = ready_order(client, {"a.corp.example"});
    const Signer key;
    const auto own = key_of(key.key());
    const auto refused = [&](const std::string& csr) {
        return problem_in(finalize(client, order, csr));
    };
    EXPECT_EQ(refused(request_for({"a.corp.example", "b.corp.example"}, own.get())), "badCSR 400");
    EXPECT_EQ(refused(request_for({"b.corp.example"}, own.get())), "badCSR 400");
    EXPECT_EQ(refused(request_for({"a.corp.example"}, key_of(client.signer.key()).get())),
              "badCSR 400");
    EXPECT_EQ(refused("no request"), "badCSR 400");
    EXPECT_EQ(problem_in(post(client, order + "/finalize", "{}")), "badCSR 400");
    EXPECT_EQ(status_at(client, order), "ready");
    EXPECT_EQ(acts().back(), "certificate.issue denied");
    EXPECT_EQ(refused(request_for({"a.corp.example"}, own.get())), "200");
}

TEST_P(OrderTest, TakesNamesInWhateverLettersTwiceAndInTheSubject) {
    const auto client = make_account();
    const auto order = ready_order(client, {"a.corp.example", "b.corp.example"});
    const Signer key;
    const auto csr = request_for({"A.Corp.example", "a.corp.example", "b.corp.example"},
                                 key_of(key.key()).get(), "B.corp.Example");
    const auto done = finalize(client, order, csr);
    ASSERT_EQ(done.status, 200) << done.body;
    const auto chain = look(client, said(done, "certificate")).body;
    EXPECT_EQ(crypto::names_of(crypto::read_certificates(chain).value().front().get()).dns,
              (Names{"a.corp.example", "b.corp.example"}));
}

TEST_P(OrderTest, ChallengesFollowTheirAuthorization) {
    const auto client = make_account();
    const auto order = ready_order(client, {"a.corp.example"});
    const auto at = authorizations(client, order).front();
    const auto state = [&](std::string_view type) {
        return said(look(client, challenge_of(at, type)), "status");
    };
    EXPECT_EQ(state("dns-01"), "valid");
    EXPECT_EQ(state("http-01"), "invalid");
    now += OrderRepository::lifetime;
    EXPECT_EQ(state("dns-01"), "invalid");
    EXPECT_TRUE(look(client, challenge_of(at, "dns-01")).body.contains("its time has passed"));
    now -= OrderRepository::lifetime;
    (void)post(client, at, R"({"status":"deactivated"})");
    EXPECT_EQ(state("dns-01"), "invalid");
}

TEST_P(OrderTest, OfWhichTooManyChallengesWaitIsToldToComeBackSoon) {
    const auto client = make_account();
    const auto id = client.url.substr(url("account/").size());
    const auto order = make_order(client, {"a.corp.example"});
    const auto to = challenge_of(authorizations(client, order).front(), "dns-01");
    std::vector<std::unique_ptr<Turns::Place>> places;
    for (std::size_t i = 0; i < Turns::places_of_account_max; ++i)
        places.push_back(server->turns.line_up(id, std::to_string(i)));
    answered = [&places] { places.clear(); };
    const auto refused = post(client, to, "{}");
    EXPECT_EQ(problem_in(refused), "rateLimited 429");
    EXPECT_EQ(field_of(refused, "Retry-After"), "10");
    EXPECT_EQ(post(client, to, "{}").status, 200);
    EXPECT_EQ(status_at(client, order), "ready");
}

TEST_P(OrderTest, IsItsAccountsAlone) {
    const auto client = make_account(), other = make_account();
    const auto order = ready_order(client, {"a.corp.example"});
    const auto authorization = authorizations(client, order).front();
    EXPECT_EQ(problem_in(look(other, order)), "unauthorized 403");
    EXPECT_EQ(problem_in(look(other, authorization)), "unauthorized 403");
    EXPECT_EQ(problem_in(post(other, challenge_of(authorization, "dns-01"), "{}")),
              "unauthorized 403");
    EXPECT_EQ(problem_in(finalize(other, order, "x")), "unauthorized 403");
    EXPECT_EQ(problem_in(look(other, url("order/none"))), "malformed 404");
    EXPECT_EQ(problem_in(look(client, url("authz/none"))), "malformed 404");
    EXPECT_EQ(problem_in(look(client, challenge_of(authorization, "dns-02"))), "malformed 404");
    const auto list = look(client, client.url + "/orders");
    EXPECT_TRUE(list.body.contains(order));
    EXPECT_EQ(problem_in(look(other, client.url + "/orders")), "unauthorized 403");
    EXPECT_FALSE(look(other, other.url + "/orders").body.contains(order));
}

TEST_P(OrderTest, EndsWithItsTime) {
    const auto client = make_account();
    const auto order = ready_order(client, {"a.corp.example"});
    const auto open = make_order(client, {"b.corp.example"});
    const auto authorization = authorizations(client, open).front();
    now += OrderRepository::lifetime;
    EXPECT_EQ(status_at(client, order), "invalid");
    EXPECT_EQ(status_at(client, authorization), "invalid");
    EXPECT_EQ(problem_in(finalize(client, order, "x")), "orderNotReady 403");
    const auto asked = network.asked.size();
    (void)post(client, challenge_of(authorization, "http-01"), "{}");
    EXPECT_EQ(network.asked.size(), asked);
    EXPECT_EQ(storage::run_to_end(server->orders().clean(now)).value(), 2U);
    EXPECT_EQ(problem_in(look(client, order)), "malformed 404");
    EXPECT_EQ(problem_in(look(client, authorization)), "malformed 404");
}

TEST_P(OrderTest, ThoseOfThePastAreRemovedInPieces) {
    const auto client = make_account();
    auto& orders = server->orders();
    const auto id = client.url.substr(url("account/").size());
    constexpr auto piece = OrderRepository::cleaned_page;
    for (std::size_t i = 0; i <= piece; ++i) {
        OrderRepository::New order{.account_id = id, .names = {"a.corp.example"}};
        OrderLimits many{.orders_per_hour = 1000, .pending_authorizations = 1000};
        ASSERT_TRUE(storage::run_to_end(orders.create(std::move(order), many, now)));
    }
    now += OrderRepository::lifetime;
    EXPECT_EQ(storage::run_to_end(orders.clean(now)).value(), piece);
    EXPECT_EQ(storage::run_to_end(orders.clean(now)).value(), 1U);
    EXPECT_EQ(storage::run_to_end(orders.clean(now)).value(), 0U);
}

TEST_P(OrderTest, ThereAreOnlySoMany) {
    limits = {.orders_per_hour = 3, .pending_authorizations = 4};
    open();
    const auto client = make_account();
    const auto problem = [&](const Names& names) {
        return problem_in(post(client, url("new-order"), identifiers(names)));
    };
    const auto first = make_order(client, {"a.corp.example", "b.corp.example", "c.corp.example"});
    EXPECT_EQ(problem({"d.corp.example", "e.corp.example"}), "rateLimited 429");
    for (const auto& each : authorizations(client, first))
        EXPECT_EQ(said(post(client, each, R"({"status":"deactivated"})"), "status"), "deactivated");
    EXPECT_EQ(status_at(client, first), "invalid");
    EXPECT_EQ(problem({"d.corp.example", "e.corp.example"}), "201");
    EXPECT_EQ(problem({"f.corp.example"}), "201");
    EXPECT_EQ(problem({"g.corp.example"}), "rateLimited 429");
    EXPECT_EQ(problem_in(post(make_account(), url("new-order"), identifiers({"g.corp.example"}))),
              "201");
    now += hours(1);
    EXPECT_EQ(problem({"g.corp.example"}), "201");
}

TEST_P(OrderTest, ATryThatNobodyEndedMayBeBegunAnew) {
    const auto client = make_account();
    const auto order = make_order(client, {"a.corp.example"});
    const auto authorization = authorizations(client, order).front();
    const auto id = authorization.substr(url("authz/").size());
    auto& orders = server->orders();
    EXPECT_TRUE(*storage::run_to_end(orders.begin(id, ChallengeType::http_01, now)));
    EXPECT_EQ(said(look(client, challenge_of(authorization, "http-01")), "status"), "processing");
    (void)post(client, challenge_of(authorization, "http-01"), "{}");
    (void)post(client, challenge_of(authorization, "dns-01"), "{}");
    EXPECT_TRUE(network.asked.empty());
    now += OrderRepository::try_patience + seconds(1);
    (void)post(client, challenge_of(authorization, "http-01"), "{}");
    EXPECT_EQ(network.asked.size(), 1U);
    EXPECT_EQ(status_at(client, order), "ready");
}

TEST_P(OrderTest, AChallengeOfANodeThatEndedIsGoneOnWith) {
    const auto client = make_account();
    const auto order = make_order(client, {"a.corp.example"});
    const auto authorization = authorizations(client, order).front();
    const auto id = authorization.substr(url("authz/").size());
    EXPECT_TRUE(*storage::run_to_end(server->orders().begin(id, ChallengeType::http_01, now)));
    now += OrderRepository::try_patience;
    resume_all();
    EXPECT_TRUE(network.asked.empty());  // somebody may be at it
    now += seconds(1);
    resume_all();
    EXPECT_EQ(network.asked.size(), 1U);
    EXPECT_EQ(status_at(client, order), "ready");
    EXPECT_EQ(acts().back(), "acme.authorization.validate success");
    now += OrderRepository::try_patience + seconds(1);
    resume_all();
    EXPECT_EQ(network.asked.size(), 1U);
}

TEST_P(OrderTest, AClockThatWasSetBackHoldsNothingUp) {
    const auto client = make_account();
    const auto order = make_order(client, {"a.corp.example"});
    const auto id = authorizations(client, order).front().substr(url("authz/").size());
    EXPECT_TRUE(
        *storage::run_to_end(server->orders().begin(id, ChallengeType::http_01, now + hours(2))));
    resume_all();
    EXPECT_EQ(status_at(client, order), "ready");
    limits.orders_per_hour = 1;
    open();
    now -= hours(3);  // what was ordered is in the future
    EXPECT_EQ(post(client, url("new-order"), identifiers({"b.corp.example"})).status, 201);
}

// Whoever orders and deactivates in turn keeps nobody busy.
TEST_P(OrderTest, WhatWasDeactivatedIsNotTriedAgain) {
    const auto client = make_account();
    const auto order = make_order(client, {"a.corp.example"});
    const auto authorization = authorizations(client, order).front();
    const auto id = authorization.substr(url("authz/").size());
    network.failure = Error{ErrorKind::invalid_argument, "acme.connection", ""};
    network.meanwhile = [this, id]() -> Task<> {
        (void)co_await server->orders().deactivate(id, {});
    };
    (void)post(client, challenge_of(authorization, "http-01"), "{}");
    EXPECT_EQ(network.asked.size(), 1U);
    EXPECT_EQ(status_at(client, authorization), "deactivated");
    EXPECT_EQ(server->turns.in_line(), 0U);
}

TEST_P(OrderTest, AFailedOneLeavesRoomForOthers) {
    limits.pending_authorizations = 3;
    open();
    const auto client = make_account();
    const auto order = make_order(client, {"a.corp.example", "b.corp.example", "c.corp.example"});
    const auto all = authorizations(client, order);
    network.failure = Error{ErrorKind::invalid_argument, "acme.connection", ""};
    (void)post(client, challenge_of(all[0], "http-01"), "{}");
    EXPECT_EQ(status_at(client, all[0]), "invalid");
    EXPECT_EQ(status_at(client, all[1]), "deactivated");
    EXPECT_EQ(post(client, all[1], R"({"status":"deactivated"})").status, 200);  // as clients do
    EXPECT_EQ(post(client, url("new-order"),
                   identifiers({"d.corp.example", "e.corp.example", "f.corp.example"}))
                  .status,
              201);
}

}  // namespace
}  // namespace gh::pki::acme
