#include "identity/dpop.hpp"

#include <gtest/gtest.h>

#include "codec/jwk.hpp"
#include "crypto/digest.hpp"
#include "identity/test_tokens.hpp"

namespace gh::identity {
namespace {

constexpr std::int64_t now_seconds = 1'700'000'000;
const SystemTime now{seconds(now_seconds)};

// RFC 9449 §4.1 and §7.1.
constexpr std::string_view rfc_thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
constexpr std::string_view rfc_token_proof =
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUk"
    "lDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUw"
    "Q2R2R1JEQSIsImNydiI6IlAtMjU2In19."
    "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY2"
    "9tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
constexpr std::string_view rfc_resource_proof =
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUk"
    "lDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUw"
    "Q2R2R1JEQSIsImNydiI6IlAtMjU2In19."
    "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm"
    "9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhX"
    "WG9hTnk1OUlpS0NBcWtzbVFFbyJ9."
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
constexpr std::string_view rfc_access_token =
    "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";  // secret-scan: allow stands in RFC 9449

TEST(Dpop, BelievesTheExamplesOfTheRfc) {
    const DpopRequest token{.method = "POST",
                            .scheme = "https",
                            .authority = "server.example.com",
                            .path = "/token",
                            .access_token = {},
                            .thumbprint = {}};
    const auto first = check_dpop_proof(rfc_token_proof, token, SystemTime(seconds(1'562'262'616)));
    ASSERT_TRUE(first) << describe(first.error());
    EXPECT_EQ(first->thumbprint, rfc_thumbprint);
    EXPECT_EQ(first->id, "-BwC3ESc6acc2lTc");

    const DpopRequest resource{.method = "GET",
                               .scheme = "https",
                               .authority = "resource.example.org",
                               .path = "/protectedresource",
                               .access_token = rfc_access_token,
                               .thumbprint = rfc_thumbprint};
    const auto second =
        check_dpop_proof(rfc_resource_proof, resource, SystemTime(seconds(1'562'262'618)));
    ASSERT_TRUE(second) << describe(second.error());
    EXPECT_EQ(second->id, "e1j3V_bKic8-LAEB");
}

/// Proofs as a client makes them, and as an attacker does.
class DpopTest : public ::testing::Test {
 protected:
    std::string_view check(std::string_view proof) const {
        const auto good = check_dpop_proof(proof, request, now);
        if (good) return "";
        EXPECT_EQ(good.error().kind, ErrorKind::unauthenticated);
        return good.error().reason;
    }
    std::string header(std::string_view alg = "ES256", std::string_view typ = "dpop+jwt") const {
        return R"({"typ":")" + std::string(typ) + R"(","alg":")" + std::string(alg) +
               R"(","jwk":)" + jwk + "}";
    }
    std::string claims(std::string_view htu = "https://api.example/x", std::string_view htm = "GET",
                       double iat = now_seconds, std::string_view more = "") const {
        return R"({"jti":"one","htm":")" + std::string(htm) + R"(","htu":")" + std::string(htu) +
               R"(","iat":)" + std::to_string(iat) + std::string(more) + "}";
    }
    std::string proof(std::string_view head, std::string_view said) const {
        return testing::signed_by(key, crypto::SignatureAlgorithm::es256, head, said);
    }
    std::string proof(std::string_view said) const { return proof(header(), said); }

    const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    std::string jwk = testing::jwk_of(key.public_key());
    DpopRequest request{.method = "GET",
                        .scheme = "https",
                        .authority = "api.example",
                        .path = "/x",
                        .access_token = {},
                        .thumbprint = {}};
};

TEST_F(DpopTest, SeesThroughEverySpellingOfTheSameUri) {
    struct Case {
        std::string_view htu, scheme, authority, path;
        bool same;
    };
    constexpr Case cases[] = {
        {"https://api.example/x", "https", "api.example", "/x", true},
        {"HTTPS://API.Example/x", "https", "api.example", "/x", true},
        {"https://api.example:443/x", "https", "api.example", "/x", true},
        {"https://api.example/x", "https", "API.example:443", "/x", true},
        {"https://api.example/x?a=b#c", "https", "api.example", "/x", true},
        {"https://api.example/%78", "https", "api.example", "/x", true},
        {"https://api.example/y/../x", "https", "api.example", "/x", true},
        {"https://api.example/a%2fb", "https", "api.example", "/a%2Fb", true},
        {"https://api.example", "https", "api.example", "/", true},
        {"https://api.example?q", "https", "api.example", "/", true},
        {"http://[::1]:8080/x", "http", "[0:0::1]:8080", "/x", true},
        {"http://api.example/x", "https", "api.example", "/x", false},
        {"https://api.example:8443/x", "https", "api.example", "/x", false},
        {"https://api.example.evil/x", "https", "api.example", "/x", false},
        {"https://api.example@evil/x", "https", "evil", "/x", false},
        {"https://api.example/X", "https", "api.example", "/x", false},
        {"https://api.example/x/", "https", "api.example", "/x", false},
        {"https://api.example/a/b", "https", "api.example", "/a%2Fb", false},
        {"/x", "https", "api.example", "/x", false},
        {"https:///x", "https", "api.example", "/x", false},
        {"https://api.example/%zz", "https", "api.example", "/%zz", false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.htu);
        request.scheme = c.scheme;
        request.authority = c.authority;
        request.path = c.path;
        EXPECT_EQ(check(proof(claims(c.htu))), c.same ? "" : "dpop.uri");
    }
}

TEST_F(DpopTest, IsGoodForAMinuteAndForOneMethod) {
    EXPECT_EQ(check(proof(claims("https://api.example/x", "GET", now_seconds - 60))), "");
    EXPECT_EQ(check(proof(claims("https://api.example/x", "GET", now_seconds - 60.5))),
              "dpop.time");
    EXPECT_EQ(check(proof(claims("https://api.example/x", "GET", now_seconds + 15))), "");
    EXPECT_EQ(check(proof(claims("https://api.example/x", "GET", now_seconds + 16))), "dpop.time");
    EXPECT_EQ(check(proof(claims("https://api.example/x", "POST"))), "dpop.method");
    EXPECT_EQ(check(proof(claims("https://api.example/x", "get"))), "dpop.method");
}

TEST_F(DpopTest, BelongsToTheTokenAndTheKeyItIsSentWith) {
    request.access_token = "the.access.token";
    EXPECT_EQ(check(proof(claims())), "dpop.claims");
    const auto hash = codec::encode_base64url(crypto::text_of(crypto::sha256("the.access.token")));
    const auto good =
        proof(claims("https://api.example/x", "GET", now_seconds, R"(,"ath":")" + hash + '"'));
    EXPECT_EQ(check(good), "");
    request.access_token = "another.access.token";
    EXPECT_EQ(check(good), "dpop.token");
    request.access_token = {};
    request.thumbprint = rfc_thumbprint;
    EXPECT_EQ(check(good), "dpop.other_key");
}

TEST_F(DpopTest, RefusesWhatIsNoProof) {
    const auto good = proof(claims());
    auto forged = good;
    forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
    const auto hs256 =
        testing::hs256(claims(), testing::test_secret,
                       R"({"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}})");
    struct Case {
        std::string text;
        std::string_view reason;
    };
    const Case cases[] = {
        {good, ""},
        {"", "dpop.malformed"},
        {"a.b", "dpop.malformed"},
        {std::string(9'000, 'a'), "dpop.malformed"},
        {good + "." + good, "dpop.malformed"},
        {proof(header(), "[]"), "dpop.malformed"},
        {forged, "dpop.signature"},
        {hs256, "dpop.algorithm"},
        {proof(header("none"), claims()), "dpop.algorithm"},
        {proof(header("ES256", "JWT"), claims()), "dpop.type"},
        {proof(R"({"typ":"dpop+jwt","alg":"ES256"})", claims()), "dpop.key"},
        {proof(R"({"typ":"dpop+jwt","alg":"ES256","jwk":"x"})", claims()), "dpop.key"},
        {proof(header("ES384"), claims()), "dpop.key"},
        {proof(header("RS256"), claims()), "dpop.key"},
        {proof(header("ES256", "DPOP+JWT"), claims()), ""},
        {proof(R"({"htm":"GET","htu":"https://api.example/x","iat":1700000000})"), "dpop.claims"},
        {proof(R"({"jti":1,"htm":"GET","htu":"https://api.example/x","iat":1700000000})"),
         "dpop.claims"},
        {proof(R"({"jti":"","htm":"GET","htu":"https://api.example/x","iat":1700000000})"),
         "dpop.claims"},
        {proof(R"({"jti":")" + std::string(257, 'j') +
               R"(","htm":"GET","htu":"https://api.example/x","iat":1700000000})"),
         "dpop.claims"},
        {proof(R"({"jti":"a","htm":"GET","htu":"https://api.example/x"})"), "dpop.claims"},
        {proof(R"({"jti":"a","htm":"GET","htu":"https://api.example/x","iat":"1700000000"})"),
         "dpop.claims"},
        {proof(R"({"jti":"a","htm":"GET","htu":"https://api.example/x","iat":1e300})"),
         "dpop.time"},
        {proof(R"({"jti":"a","htm":["GET"],"htu":"https://api.example/x","iat":1700000000})"),
         "dpop.claims"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text.substr(0, 80));
        EXPECT_EQ(check(c.text), c.reason);
    }
}

TEST_F(DpopTest, RefusesKeysThatArePrivateWeakOrNotTheSigners) {
    const auto with = [&](std::string_view members) {
        auto changed = jwk;
        changed.insert(1, members);
        return changed;
    };
    const auto other =
        testing::jwk_of(crypto::PrivateKey::generate(crypto::KeyKind::ec_p256).public_key());
    const std::pair<std::string, std::string_view> cases[] = {
        {with(R"("d":"AAAA",)"), "dpop.key"},
        {with(R"("alg":"ES384",)"), "dpop.key"},
        {with(R"("use":"enc",)"), "dpop.key"},
        {other, "dpop.signature"},
        {R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})", "dpop.key"},
        {R"({"kty":"oct","k":"AAAA"})", "dpop.key"},
        {R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", "dpop.key"},
    };
    for (const auto& [text, reason] : cases) {
        SCOPED_TRACE(text);
        jwk = text;
        EXPECT_EQ(check(proof(claims())), reason);
    }
}

}  // namespace
}  // namespace gh::identity
