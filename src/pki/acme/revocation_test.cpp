#include "pki/acme/server_testing.hpp"

namespace gh::pki::acme {
namespace {

class RevocationTest : public ServerTest {
 protected:
    static std::string payload(const std::string& chain, int reason = 0) {
        return R"({"certificate":")" + codec::encode_base64url(der_of(chain)) + R"(","reason":)" +
               std::to_string(reason) + "}";
    }
    static std::string serial_in(const std::string& chain) {
        return crypto::serial_of(crypto::read_certificates(chain).value().front().get());
    }
    static constexpr std::string_view to = "revoke-cert";
};
INSTANTIATE_TEST_SUITE_P(Engines, RevocationTest, storage::both_engines, storage::engine_name);

TEST_P(RevocationTest, IsItsAccountsToAsk) {
    const auto client = make_account(), other = make_account();
    const auto chain = make_certificate(client, {"a.corp.example"}, Signer());
    EXPECT_EQ(problem_in(post(other, url(to), payload(chain))), "unauthorized 403");
    EXPECT_EQ(acts().back(), "certificate.revoke denied");
    EXPECT_EQ(problem_in(post(client, url(to), payload(chain, 7))), "badRevocationReason 400");
    EXPECT_FALSE(revoked.covers_serial(serial_in(chain)));
    EXPECT_EQ(post(client, url(to), payload(chain, 1)).status, 200);
    EXPECT_EQ(revoked.find(serial_in(chain))->reason, RevocationReason::key_compromise);
    EXPECT_EQ(problem_in(post(client, url(to), payload(chain))), "alreadyRevoked 400");
    EXPECT_EQ(acts().back(), "certificate.revoke success");
}

TEST_P(RevocationTest, IsOpenToWhoHasProvenAllItsNames) {
    const auto client = make_account(), other = make_account();
    const auto chain = make_certificate(client, {"a.corp.example", "b.corp.example"}, Signer());
    (void)ready_order(other, {"a.corp.example"});
    EXPECT_EQ(problem_in(post(other, url(to), payload(chain))), "unauthorized 403");
    (void)ready_order(other, {"b.corp.example"});
    now += OrderRepository::lifetime;
    EXPECT_EQ(problem_in(post(other, url(to), payload(chain))), "unauthorized 403");
    (void)ready_order(other, {"a.corp.example", "b.corp.example"});
    EXPECT_EQ(post(other, url(to), payload(chain)).status, 200);
}

TEST_P(RevocationTest, IsOpenToWhoHoldsTheKey) {
    const auto client = make_account();
    const Signer key;
    const auto chain = make_certificate(client, {"a.corp.example"}, key);
    EXPECT_EQ(problem_in(post_by_key(Signer(), url(to), payload(chain))), "unauthorized 403");
    EXPECT_EQ(problem_in(post_by_key(client.signer, url(to), payload(chain))), "unauthorized 403");
    EXPECT_EQ(post_by_key(key, url(to), payload(chain)).status, 200);
    EXPECT_TRUE(revoked.covers_serial(serial_in(chain)));
}

TEST_P(RevocationTest, IsOfCertificatesOfOursAlone) {
    const auto client = make_account();
    const auto foreign = Authority::create({}, now)->issue({.names = {.dns = {"a.example"}}}, now);
    EXPECT_EQ(problem_in(post(client, url(to), payload(foreign->chain_pem))), "malformed 404");
    EXPECT_EQ(problem_in(post(client, url(to), R"({"certificate":"AAAA"})")), "malformed 400");
}

class RenewalTest : public RevocationTest {
 protected:
    std::string id_of(const std::string& chain) {
        const auto octets = [](const std::string& hex) {
            return codec::encode_base64url(codec::decode_hex(hex).value());
        };
        return octets(issuer->key_id()) + "." + octets(serial_in(chain));
    }
    std::string replacing(const std::string& name, const std::string& chain) {
        auto text = identifiers({name});
        text.pop_back();
        return text + R"(,"replaces":")" + id_of(chain) + "\"}";
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, RenewalTest, storage::both_engines, storage::engine_name);

TEST_P(RenewalTest, IsSuggestedForTheLastThirdOfALife) {
    const auto client = make_account();
    const auto chain = make_certificate(client, {"a.corp.example"}, Signer());
    const auto reply = get("/acme/renewal-info/" + id_of(chain));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(field_of(reply, "Retry-After"), "21600");
    // 90 days and the 300 seconds before them, from 2025-06-15T15:01:40Z.
    EXPECT_TRUE(reply.body.contains(R"("start":"2025-08-14T15:05:00Z")")) << reply.body;
    revoked.set_authorities({issuer->key_id()});
    const auto orphan = get("/acme/renewal-info/" + id_of(chain));
    EXPECT_TRUE(orphan.body.contains(R"("end":"2025-06-15T15:06:40Z")")) << orphan.body;
    revoked.set_authorities({});
    EXPECT_EQ(post(client, url("revoke-cert"), payload(chain)).status, 200);
    const auto over = get("/acme/renewal-info/" + id_of(chain));
    EXPECT_TRUE(over.body.contains(R"("end":"2025-06-15T15:06:40Z")")) << over.body;
    EXPECT_EQ(problem_in(get("/acme/renewal-info/AAAA.AAAA")), "malformed 404");
    EXPECT_EQ(problem_in(get("/acme/renewal-info/x")), "malformed 400");
}

TEST_P(RenewalTest, ReplacesACertificateOnce) {
    const auto client = make_account(), other = make_account();
    const auto chain = make_certificate(client, {"a.corp.example"}, Signer());
    const auto order = [&](const Client& by, const std::string& name) {
        return problem_in(post(by, url("new-order"), replacing(name, chain)));
    };
    EXPECT_EQ(order(other, "a.corp.example"), "malformed 400");
    EXPECT_EQ(order(client, "b.corp.example"), "malformed 400");
    const auto reply = post(client, url("new-order"), replacing("a.corp.example", chain));
    ASSERT_EQ(reply.status, 201) << reply.body;
    EXPECT_EQ(said(reply, "replaces"), id_of(chain));
    const auto first = field_of(reply, "Location");
    const auto second_reply = post(client, url("new-order"), replacing("a.corp.example", chain));
    const auto second = field_of(second_reply, "Location");
    EXPECT_EQ(second_reply.status, 201);  // the first came to nothing as yet
    const auto end = [&](const std::string& at) {
        for (const auto& each : authorizations(client, at))
            (void)post(client, challenge_of(each, "http-01"), "{}");
        const Signer key;
        return problem_in(
            finalize(client, at, request_for({"a.corp.example"}, key_of(key.key()).get())));
    };
    EXPECT_EQ(end(first), "200");
    EXPECT_EQ(end(second), "alreadyReplaced 409");
    EXPECT_EQ(order(client, "a.corp.example"), "alreadyReplaced 409");
    now += OrderRepository::lifetime;
    (void)storage::run_to_end(server->orders().clean(now)).value();
    EXPECT_EQ(order(client, "a.corp.example"), "alreadyReplaced 409");
}

}  // namespace
}  // namespace gh::pki::acme
