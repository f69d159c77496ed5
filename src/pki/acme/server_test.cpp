#include "pki/acme/server.hpp"

#include "access/lookup.hpp"
#include "pki/acme/server_testing.hpp"

namespace gh::pki::acme {
namespace {

class AcmeServerTest : public ServerTest {};
INSTANTIATE_TEST_SUITE_P(Engines, AcmeServerTest, storage::both_engines, storage::engine_name);

TEST_P(AcmeServerTest, TellsWhereEverythingIs) {
    const auto reply = get("/acme/directory");
    EXPECT_EQ(said(reply, "newNonce"), url("new-nonce"));
    EXPECT_EQ(said(reply, "newAccount"), url("new-account"));
    EXPECT_EQ(said(reply, "newOrder"), url("new-order"));
    EXPECT_EQ(said(reply, "revokeCert"), url("revoke-cert"));
    EXPECT_EQ(said(reply, "keyChange"), url("key-change"));
    EXPECT_EQ(said(reply, "renewalInfo"), url("renewal-info"));
    const auto fresh = get("/acme/new-nonce");
    EXPECT_EQ(fresh.status, 204);
    EXPECT_TRUE(server->nonces().use(field_of(fresh, "Replay-Nonce")));
    EXPECT_EQ(field_of(fresh, "Cache-Control"), "no-store");
    EXPECT_EQ(field_of(fresh, "Link"), "<" + url("directory") + ">;rel=\"index\"");
    EXPECT_EQ(run(api::FakeCall("HEAD", "/acme/new-nonce")).status, 200);
    const auto client = make_account();
    EXPECT_EQ(look(client, url("new-nonce")).status, 204);
    EXPECT_EQ(said(look(client, url("directory")), "newOrder"), url("new-order"));
}

TEST_P(AcmeServerTest, KeepsOneAccountAKey) {
    const auto client = make_account(R"({"contact":["mailto:ops@example.com"]})");
    EXPECT_TRUE(client.url.starts_with(url("account/")));
    const auto again = post_by_key(client.signer, url("new-account"), "{}");
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(field_of(again, "Location"), client.url);
    const auto stranger =
        post_by_key(Signer(), url("new-account"), R"({"onlyReturnExisting":true})");
    EXPECT_EQ(problem_in(stranger), "accountDoesNotExist 400");
    const auto shown = look(client, client.url);
    EXPECT_EQ(said(shown, "status"), "valid");
    EXPECT_TRUE(shown.body.contains("mailto:ops@example.com"));
    EXPECT_EQ(post(client, client.url, R"({"contact":[]})").status, 200);
    EXPECT_FALSE(look(client, client.url).body.contains("mailto:"));
    EXPECT_EQ(acts(), (std::vector<std::string>{"acme.account.create success",
                                                "acme.account.update success"}));
}

TEST_P(AcmeServerTest, WhatWasSentOnceIsNotTakenAgain) {
    const auto client = make_account();
    const auto body = client.signer.sign(
        client.signer.header(Signer::by_account(client.url), client.url, nonce()), "");
    EXPECT_EQ(send(client.url, body).status, 200);
    const auto again = send(client.url, body);
    EXPECT_EQ(problem_in(again), "badNonce 400");
    EXPECT_EQ(again.content_type, "application/problem+json");
    EXPECT_TRUE(server->nonces().use(field_of(again, "Replay-Nonce")));
}

TEST_P(AcmeServerTest, BelievesNoOneElse) {
    const auto client = make_account();
    const Signer other;
    const auto sent = [&](const Signer& signer, const std::string& who, const std::string& to) {
        return problem_in(send(client.url, signer.sign(signer.header(who, to, nonce()), "")));
    };
    const auto self = Signer::by_account(client.url);
    EXPECT_EQ(sent(client.signer, self, client.url), "200");
    EXPECT_EQ(sent(other, self, client.url), "malformed 400");
    EXPECT_EQ(sent(client.signer, self, url("new-order")), "unauthorized 401");
    EXPECT_EQ(sent(client.signer, self, client.url + "?x=1"), "unauthorized 401");
    EXPECT_EQ(sent(client.signer, client.signer.by_key(), client.url), "malformed 400");
    const auto nobody = Signer::by_account(url("account/00000000-0000-7000-8000-000000000000"));
    EXPECT_EQ(sent(client.signer, nobody, client.url), "accountDoesNotExist 400");
    const auto elsewhere = Signer::by_account("https://other.example" + client.url.substr(18));
    EXPECT_EQ(sent(client.signer, elsewhere, client.url), "accountDoesNotExist 400");
    const auto second = make_account();
    EXPECT_EQ(problem_in(look(second, client.url)), "unauthorized 403");
    EXPECT_EQ(problem_in(post_by_key(client.signer, url("new-order"), "{}")), "malformed 400");
    EXPECT_EQ(problem_in(send(client.url, "{")), "malformed 400");
}

TEST_P(AcmeServerTest, ADeactivatedAccountDoesNothingMore) {
    const auto client = make_account();
    const auto order = ready_order(client, {"a.corp.example"});
    const auto ended = post(client, client.url, R"({"status":"deactivated"})");
    EXPECT_EQ(said(ended, "status"), "deactivated");
    EXPECT_EQ(problem_in(look(client, client.url)), "unauthorized 401");
    EXPECT_EQ(problem_in(look(client, order)), "unauthorized 401");
    EXPECT_EQ(problem_in(post_by_key(client.signer, url("new-account"), "{}")), "unauthorized 401");
    const auto kept =
        storage::run_to_end(server->orders().find(order.substr(url("order/").size()))).value();
    EXPECT_EQ(kept.order.status, Status::invalid);
    EXPECT_EQ(kept.authorizations.front().status, Status::deactivated);
    EXPECT_EQ(acts().back(), "acme.account.deactivate success");
}

TEST_P(AcmeServerTest, AnAccountThatTheOperatorEndsDoesNothingMore) {
    const auto client = make_account();
    const auto order = ready_order(client, {"a.corp.example"});
    const auto id = client.url.substr(url("account/").size());
    const auto ended = storage::run_to_end(server->accounts().revoke(id, {})).value();
    EXPECT_EQ(ended.status, Status::revoked);
    EXPECT_EQ(problem_in(look(client, order)), "unauthorized 401");
    EXPECT_EQ(problem_in(post_by_key(client.signer, url("new-account"), "{}")), "unauthorized 401");
    const auto kept =
        storage::run_to_end(server->orders().find(order.substr(url("order/").size()))).value();
    EXPECT_EQ(kept.order.status, Status::invalid);
    const auto all = storage::run_to_end(server->accounts().list("")).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].account.status, Status::revoked);
    const auto unknown = storage::run_to_end(server->accounts().revoke("none", {}));
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().reason, "acme.account_unknown");
}

TEST_P(AcmeServerTest, AccountsOfNobodyAreRemoved) {
    const auto idle = make_account(), ordering = make_account(), holding = make_account();
    (void)make_certificate(holding, {"a.corp.example"}, Signer());
    now += std::chrono::days(2);
    EXPECT_EQ(storage::run_to_end(server->orders().clean(now)).value(), 1U);
    (void)make_order(ordering, {"b.corp.example"});
    const auto clean = [&](SystemTime before) {
        return storage::run_to_end(server->accounts().clean(before)).value();
    };
    EXPECT_EQ(clean(start), 0U);
    EXPECT_EQ(clean(now), 1U);
    EXPECT_EQ(problem_in(look(idle, idle.url)), "accountDoesNotExist 400");
    EXPECT_EQ(look(ordering, ordering.url).status, 200);
    EXPECT_EQ(look(holding, holding.url).status, 200);
}

TEST_P(AcmeServerTest, LooksUpOnlySoMuchAtOnceForStrangers) {
    const auto client = make_account();
    server->lookups = access::Lookup::at_once_max;
    for (const auto& refused : {post_by_key(Signer(), url("new-account"), "{}"),
                                look(client, client.url), get("/acme/renewal-info/AAAA.AAAA")}) {
        EXPECT_EQ(problem_in(refused), "rateLimited 503");
        EXPECT_EQ(field_of(refused, "Retry-After"), "5");
    }
    server->lookups = access::Lookup::at_once_max - 1;
    EXPECT_EQ(look(client, client.url).status, 200);
    EXPECT_EQ(server->lookups, access::Lookup::at_once_max - 1);
    EXPECT_EQ(refusals("rateLimited"), 3U);
}

TEST_P(AcmeServerTest, WhatNamesNoAccountIsNotLookedUp) {
    const Signer signer;
    server->lookups = access::Lookup::at_once_max;  // it would be refused for that
    for (const auto* id : {"", "1", "a\\u0000b", "00000000-0000-4000-8000-000000000000"}) {
        const auto header =
            signer.header(Signer::by_account(url("account/") + id), url("new-order"), nonce());
        EXPECT_EQ(problem_in(send(url("new-order"), signer.sign(header, "{}"))),
                  "accountDoesNotExist 400")
            << id;
    }
}

TEST_P(AcmeServerTest, CountsWhatItRefuses) {
    const auto client = make_account();
    const auto body = client.signer.sign(
        client.signer.header(Signer::by_account(client.url), client.url, "none"), "");
    EXPECT_EQ(problem_in(send(client.url, body)), "badNonce 400");
    EXPECT_EQ(problem_in(send(client.url, body)), "badNonce 400");
    EXPECT_EQ(refusals("badNonce"), 2U);
    EXPECT_EQ(refusals("malformed"), 0U);
}

// RFC 8555 §6.3: who asks for a resource says nothing.
TEST_P(AcmeServerTest, TakesNoPayloadWhereSomethingIsAskedFor) {
    const auto client = make_account();
    const auto order = make_order(client, {"a.corp.example"});
    for (const auto& at :
         {order, url("directory"), url("new-nonce"), client.url + "/orders", url("cert/00")}) {
        EXPECT_EQ(problem_in(post(client, at, "{}")), "malformed 400") << at;
    }
}

class KeyChanges : public ServerTest {
 protected:
    /// From `client`'s key to `next`, each part as RFC 8555 §7.3.5 has it unless `bend` changes it.
    api::Reply change(const Client& client, const Signer& next, std::string account,
                      std::string old_key, std::string inner_url) {
        const auto payload = R"({"account":")" + account + R"(","oldKey":)" + old_key + "}";
        const auto inner = next.sign(next.header(next.by_key(), inner_url, ""), payload);
        return post(client, url("key-change"), inner);
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, KeyChanges, storage::both_engines, storage::engine_name);

TEST_P(KeyChanges, GiveAnAccountAnotherKey) {
    auto client = make_account();
    const Signer next(codec::JoseAlgorithm::eddsa);
    const auto old_key = client.signer.jwk_text();
    EXPECT_EQ(change(client, next, client.url, old_key, url("key-change")).status, 200);
    EXPECT_EQ(problem_in(look(client, client.url)), "malformed 400");
    const Client renewed{next, client.url};
    EXPECT_EQ(look(renewed, client.url).status, 200);
    EXPECT_EQ(acts().back(), "acme.account.key_change success");
    EXPECT_TRUE(last_act().contains(thumbprint_of(client.signer.jwk())));
}

TEST_P(KeyChanges, WantBothKeysForOneAccount) {
    const auto client = make_account(), other = make_account();
    const auto old_key = client.signer.jwk_text();
    const Signer next;
    const auto to = url("key-change");
    EXPECT_EQ(problem_in(change(client, next, other.url, old_key, to)), "malformed 400");
    EXPECT_EQ(problem_in(change(client, next, client.url, next.jwk_text(), to)), "malformed 400");
    EXPECT_EQ(problem_in(change(client, next, client.url, old_key, url("new-order"))),
              "malformed 400");
    const auto taken = change(client, other.signer, client.url, old_key, to);
    EXPECT_EQ(taken.status, 409);
    EXPECT_EQ(field_of(taken, "Location"), other.url);
    EXPECT_EQ(look(client, client.url).status, 200);
}

class ExternalAccounts : public ServerTest {
 protected:
    ExternalAccounts() { config.external_account_required = true; }
    std::string made_key() {
        return storage::run_to_end(
                   server->accounts().add_external_key("ci", now, now + std::chrono::days(30), {}))
            .value()
            .id;
    }
    std::string try_with(const Signer& signer, const std::string& id, const crypto::Secret& secret,
                         const std::string& to, const std::string& jwk) {
        const auto payload = R"({"externalAccountBinding":)" + bound(id, secret, to, jwk) + "}";
        return problem_in(post_by_key(signer, url("new-account"), payload));
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, ExternalAccounts, storage::both_engines, storage::engine_name);

TEST_P(ExternalAccounts, AreForWhoeverHoldsAKeyOnce) {
    const Signer signer;
    const auto to = url("new-account");
    EXPECT_EQ(problem_in(post_by_key(signer, to, "{}")), "externalAccountRequired 403");
    const auto id = made_key();
    const auto secret = server->secret_of(id);
    EXPECT_EQ(try_with(signer, id, crypto::Secret::random(32), to, signer.jwk_text()),
              "unauthorized 403");
    EXPECT_EQ(try_with(signer, id, secret, url("new-order"), signer.jwk_text()),
              "unauthorized 403");
    EXPECT_EQ(try_with(signer, id, secret, to, Signer().jwk_text()), "unauthorized 403");
    EXPECT_EQ(
        try_with(signer, "no-such-key", server->secret_of("no-such-key"), to, signer.jwk_text()),
        "unauthorized 403");
    EXPECT_EQ(acts(), std::vector<std::string>(4, "acme.account.create denied"));
    EXPECT_EQ(try_with(signer, id, secret, to, signer.jwk_text()), "201");
    for (int i = 0; i < 30; ++i) (void)try_with(Signer(), "x", secret, to, signer.jwk_text());
    EXPECT_EQ(std::ranges::count(acts(), "acme.account.create denied"), 20);  // an hour
    const Signer second;
    EXPECT_EQ(try_with(second, id, secret, to, second.jwk_text()), "unauthorized 403");
    EXPECT_EQ(try_with(signer, id, secret, to, signer.jwk_text()), "200");  // the same account
}

TEST_P(ExternalAccounts, WantTheirKeyInTime) {
    const Signer signer;
    const auto id = made_key(), ended = made_key();
    const auto to = url("new-account");
    (void)storage::run_to_end(server->accounts().end_external_key(ended, now, {})).value();
    EXPECT_EQ(try_with(signer, ended, server->secret_of(ended), to, signer.jwk_text()),
              "unauthorized 403");
    now += std::chrono::days(30);
    EXPECT_EQ(try_with(signer, id, server->secret_of(id), to, signer.jwk_text()),
              "unauthorized 403");
    now -= seconds(1);
    EXPECT_EQ(storage::run_to_end(server->accounts().unused_keys("")).value().size(), 2U);
    EXPECT_EQ(try_with(signer, id, server->secret_of(id), to, signer.jwk_text()), "201");
    EXPECT_EQ(storage::run_to_end(server->accounts().unused_keys("")).value().size(), 1U);
    const auto listed = storage::run_to_end(server->accounts().list("")).value();
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed[0].key_name, "ci");
    now += std::chrono::days(100);
    EXPECT_EQ(storage::run_to_end(server->accounts().clean(now)).value(), 0U);
    // What was used ends with its account, and not alone.
    const auto late = storage::run_to_end(server->accounts().end_external_key(id, now, {}));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, "acme.external_key_unknown");
}

TEST_P(ExternalAccounts, FromBeforeTheyWereWantedOrderNothing) {
    config.external_account_required = false;
    open();
    const auto client = make_account();
    const auto order = ready_order(client, {"a.corp.example"});
    config.external_account_required = true;
    open();
    EXPECT_EQ(problem_in(post(client, url("new-order"), identifiers({"b.corp.example"}))),
              "externalAccountRequired 403");
    EXPECT_EQ(problem_in(finalize(client, order, "x")), "externalAccountRequired 403");
    EXPECT_EQ(look(client, client.url).status, 200);
}

TEST_P(AcmeServerTest, AllNetworksTogetherMakeSoManyAccountsAnHour) {
    accounts_total = 2;
    open();
    (void)make_account();
    (void)make_account();
    const auto refused = post_by_key(Signer(), url("new-account"), "{}");
    EXPECT_EQ(problem_in(refused), "rateLimited 429");
    EXPECT_TRUE(refused.body.contains("2 new accounts an hour")) << refused.body;
}

TEST_P(AcmeServerTest, TellsWhichAlgorithmsItTakes) {
    const Signer signer;
    auto header = signer.header(signer.by_key(), url("new-account"), nonce());
    header.replace(header.find("ES256"), 5, "PS256");
    const auto refused = send(url("new-account"), signer.sign(header, "{}"));
    EXPECT_EQ(problem_in(refused), "badSignatureAlgorithm 400");
    EXPECT_TRUE(refused.body.contains(R"("algorithms":["ES256","ES384","ES512","EdDSA","RS256"])"))
        << refused.body;
}

TEST_P(AcmeServerTest, OneNetworkMakesSoManyAccountsAnHour) {
    for (std::uint32_t i = 0; i < server->parts().accounts_per_hour; ++i) (void)make_account();
    const auto refused = post_by_key(Signer(), url("new-account"), "{}");
    EXPECT_EQ(problem_in(refused), "rateLimited 429");
    EXPECT_NE(field_of(refused, "Retry-After"), "");
}

}  // namespace
}  // namespace gh::pki::acme
