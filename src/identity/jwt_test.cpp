#include "identity/jwt.hpp"

#include <gtest/gtest.h>

#include <string>

#include "identity/test_tokens.hpp"

namespace gh::identity {
namespace {

using codec::JoseAlgorithm;
using testing::hs256;
using testing::test_secret;

constexpr SystemTime now{std::chrono::seconds{1'000'000}};

KeySet secret_set(JoseAlgorithm algorithm = JoseAlgorithm::hs256,
                  std::optional<std::string> id = {}) {
    return KeySet({VerificationKey::symmetric(algorithm, crypto::Secret(test_secret), std::move(id))
                       .value()});
}

const JwtPolicy policy{.issuer = "https://idp", .audience = {"api"}};

/// The refusal's reason; empty when the token was believed.
std::string verdict(std::string_view token, const JwtPolicy& by = policy,
                    const KeySet& keys = secret_set(), SystemTime at = now) {
    const auto claims = verify_jwt(token, keys, by, at);
    return claims ? "" : std::string(claims.error().reason);
}

TEST(VerifyJwt, ReadsWhatABelievedTokenSays) {
    const auto claims = verify_jwt(
        hs256(
            R"({"iss":"https://idp","sub":"alice","aud":["x","api"],"exp":1000060,"iat":999999,"nbf":999999,
                  "jti":"t1","roles":["user","Site Admin"],"scope":"read  write","x":{"y":[]}})"),
        secret_set(), policy, now);
    ASSERT_TRUE(claims) << describe(claims.error());
    EXPECT_EQ(claims->issuer, "https://idp");
    EXPECT_EQ(claims->subject, "alice");
    EXPECT_EQ(claims->token_id, "t1");
    EXPECT_EQ(claims->roles, (std::vector<std::string>{"user", "Site Admin"}));
    EXPECT_EQ(claims->scopes, (std::vector<std::string>{"read", "write"}));
    EXPECT_EQ(claims->expires, now + std::chrono::seconds(60));
    EXPECT_FALSE(claims->delegated);
}

TEST(VerifyJwt, JudgesEachClaim) {
    struct Case {
        std::string_view claims, reason;  // empty reason: believed
    };
    constexpr Case cases[] = {
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001})", ""},
        // issuer: byte by byte
        {R"({"sub":"a","aud":"api","exp":1000001})", "jwt.issuer"},
        {R"({"iss":"https://idp/","sub":"a","aud":"api","exp":1000001})", "jwt.issuer"},
        {R"({"iss":"HTTPS://idp","sub":"a","aud":"api","exp":1000001})", "jwt.issuer"},
        {R"({"iss":["https://idp"],"sub":"a","aud":"api","exp":1000001})", "jwt.issuer"},
        {R"({"iss":"","sub":"a","aud":"api","exp":1000001})", "jwt.issuer"},
        // audience
        {R"({"iss":"https://idp","sub":"a","exp":1000001})", "jwt.audience"},
        {R"({"iss":"https://idp","sub":"a","aud":"apis","exp":1000001})", "jwt.audience"},
        {R"({"iss":"https://idp","sub":"a","aud":"x api","exp":1000001})", "jwt.audience"},
        {R"({"iss":"https://idp","sub":"a","aud":[],"exp":1000001})", "jwt.audience"},
        {R"({"iss":"https://idp","sub":"a","aud":["x","api"],"exp":1000001})", ""},
        {R"({"iss":"https://idp","sub":"a","aud":{"api":1},"exp":1000001})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":["api",7],"exp":1000001})", "jwt.claims"},
        // expiry: good before that second and not in it
        {R"({"iss":"https://idp","sub":"a","aud":"api"})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000000})", "jwt.expired"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000000.9})", "jwt.expired"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001.5})", ""},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":999})", "jwt.expired"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":0})", "jwt.expired"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":-1})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":"1000001"})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":null})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1e300})",
         ""},  // brought to what a clock can count
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":18446744073709551615})", ""},
        // not before, issued at
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000009,"nbf":1000000})", ""},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000009,"nbf":1000001})",
         "jwt.not_yet"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000009,"nbf":"now"})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000099,"iat":1000060})", ""},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000099,"iat":1000061})",
         "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000009,"iat":1000010})",
         "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000009,"iat":true})", "jwt.claims"},
        // subject: it is sent on in a field
        {R"({"iss":"https://idp","aud":"api","exp":1000001})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"","aud":"api","exp":1000001})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":7,"aud":"api","exp":1000001})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":" a","aud":"api","exp":1000001})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a\r\nX-Evil: 1","aud":"api","exp":1000001})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a\u0000","aud":"api","exp":1000001})", "jwt.claims"},
        // the rest
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001,"jti":7})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001,"roles":7})", "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001,"roles":["user",7]})",
         "jwt.claims"},
        {R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001,"roles":null})", ""},
        {R"({"iss":"https://idp","sub":"a","sub":"b","aud":"api","exp":1000001})", "jwt.malformed"},
        {R"([])", "jwt.malformed"},
        {"not json", "jwt.malformed"},
        {"", "jwt.malformed"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.claims);
        EXPECT_EQ(verdict(hs256(c.claims)), c.reason);
    }
}

TEST(VerifyJwt, WantsTheAudienceOrTheWordAny) {
    const auto token = hs256(R"({"iss":"https://idp","sub":"a","exp":1000001})");
    EXPECT_EQ(verdict(token, {.issuer = "https://idp"}), "jwt.audience");
    const JwtPolicy any{.issuer = "https://idp", .any_audience = true};
    EXPECT_EQ(verdict(token, any), "");
    for (const std::string_view strange : {"7", "{}", "[7]", R"(["api",null])"}) {
        SCOPED_TRACE(strange);
        EXPECT_EQ(verdict(hs256(R"({"iss":"https://idp","sub":"a","exp":1000001,"aud":)" +
                                std::string(strange) + "}"),
                          any),
                  "jwt.claims");
    }
}

TEST(VerifyJwt, MayBelieveTokensThatStateNoIssuerButNeverAnother) {
    const JwtPolicy legacy{.issuer = "legacy", .issuer_required = false, .any_audience = true};
    EXPECT_EQ(verdict(hs256(R"({"sub":"a","exp":1000001})"), legacy), "");
    EXPECT_EQ(verdict(hs256(R"({"iss":"legacy","sub":"a","exp":1000001})"), legacy), "");
    EXPECT_EQ(verdict(hs256(R"({"iss":"other","sub":"a","exp":1000001})"), legacy), "jwt.issuer");
}

TEST(VerifyJwt, GivesLeewayOnlyWhenTold) {
    JwtPolicy patient = policy;
    patient.leeway = std::chrono::seconds(5);
    const auto late = hs256(R"({"iss":"https://idp","sub":"a","aud":"api","exp":999996})");
    EXPECT_EQ(verdict(late, patient), "");
    EXPECT_EQ(verdict(late, patient, secret_set(), now + std::chrono::seconds(1)), "jwt.expired");
    EXPECT_EQ(verdict(late), "jwt.expired");
    const auto early =
        hs256(R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000099,"nbf":1000005})");
    EXPECT_EQ(verdict(early, patient), "");
    EXPECT_EQ(verdict(early), "jwt.not_yet");
}

TEST(VerifyJwt, TakesAccessTokensAndNoOtherKind) {
    struct Case {
        std::string_view type, reason;
    };
    constexpr Case cases[] = {
        {"JWT", ""},
        {"jwt", ""},
        {"at+jwt", ""},
        {"AT+JWT", ""},
        {"application/at+jwt", ""},
        {"logout+jwt", "jwt.type"},
        {"dpop+jwt", "jwt.type"},
        {"id_token+jwt", "jwt.type"},
        {"JOSE", "jwt.type"},
    };
    const std::string_view claims = R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001})";
    for (const auto& c : cases) {
        SCOPED_TRACE(c.type);
        const auto header = R"({"alg":"HS256","typ":")" + std::string(c.type) + R"("})";
        EXPECT_EQ(verdict(hs256(claims, test_secret, header)), c.reason);
    }
    EXPECT_EQ(verdict(hs256(claims, test_secret, R"({"alg":"HS256"})")), "");
}

TEST(VerifyJwt, FindsRolesWhereTheIssuerPutsThem) {
    struct Case {
        std::string_view claim, claims;
        std::vector<std::string> roles;
    };
    const Case cases[] = {
        {"roles", R"("roles":["admin","user"])", {"admin", "user"}},
        {"roles", R"("roles":"admin")", {"admin"}},
        {"roles", R"("roles":"site admin")", {"site admin"}},
        {"realm_access.roles", R"("realm_access":{"roles":["user"]})", {"user"}},
        {"https://x.org/roles", R"("https://x.org/roles":["user"])", {"user"}},
        {"a.b.c", R"("a":{"b":{"c":"deep"}})", {"deep"}},
        {"a.b.c", R"("a":{"b":7})", {}},
        // a role that cannot be told from two once written down grants nothing
        {"roles", R"("roles":["user,admin"," admin","admin\n","","caf\u00e9","ok"])", {"ok"}},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.claims);
        JwtPolicy by = policy;
        by.roles_claim = c.claim;
        const auto token = hs256(R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001,)" +
                                 std::string(c.claims) + "}");
        const auto claims = verify_jwt(token, secret_set(), by, now);
        ASSERT_TRUE(claims);
        EXPECT_EQ(claims->roles, c.roles);
    }
}

TEST(VerifyJwt, KnowsThatSomebodyActsForTheSubject) {
    const auto claims = verify_jwt(
        hs256(R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001,"act":{"sub":"agent"}})"),
        secret_set(), policy, now);
    EXPECT_TRUE(claims.value().delegated);
}

TEST(VerifyJwt, LooksAtTheSignatureBeforeAnyClaim) {
    const auto wrong = hs256(R"({"iss":"nobody","exp":1})", "another secret of thirty-two bytes!");
    EXPECT_EQ(verdict(wrong), "jwt.signature");
    auto cut = hs256(R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001})");
    cut.resize(cut.rfind('.') + 1);
    EXPECT_EQ(verdict(cut), "jwt.signature");
}

TEST(VerifyJwt, HasALimitOfNames) {
    const auto verdict_of = [](std::string_view claims) {
        return verdict(
            hs256(R"({"iss":"https://idp","sub":"a","exp":1000001,)" + std::string(claims) + "}"));
    };
    std::string array = R"("api")", text = "s";
    for (std::size_t i = 1; i < names_max; ++i) {
        array += R"(,"r")";
        text += " s";
    }
    for (const bool too_many : {false, true}) {
        const auto list = too_many ? array + R"(,"r")" : array;
        const auto words = too_many ? text + " s" : text;
        const auto reason = too_many ? "jwt.claims" : "";
        EXPECT_EQ(verdict_of(R"("aud":"api","roles":[)" + list + "]"), reason);
        EXPECT_EQ(verdict_of(R"("aud":"api","scope":[)" + list + "]"), reason);
        EXPECT_EQ(verdict_of(R"("aud":"api","scope":")" + words + "\""), reason);
        EXPECT_EQ(verdict_of(R"("aud":[)" + list + "]"), reason);
    }
}

// RFC 8725 §2.1: the public key of an RSA pair, used as if it were an HMAC secret.
TEST(VerifyJwt, NeverTakesAPublicKeyForASecret) {
    const auto pair = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    const auto pem = pair.public_key().pem();
    const KeySet keys(
        {VerificationKey::asymmetric(JoseAlgorithm::es256, pair.public_key()).value()});
    const std::string_view claims = R"({"iss":"https://idp","sub":"a","aud":"api","exp":1000001})";
    EXPECT_EQ(verdict(testing::signed_by(pair, crypto::SignatureAlgorithm::es256,
                                         R"({"alg":"ES256"})", claims),
                      policy, keys),
              "");
    EXPECT_EQ(verdict(hs256(claims, pem), policy, keys), "jwt.algorithm");
    EXPECT_EQ(verdict(testing::signing_input(R"({"alg":"none"})", claims) + ".", policy, keys),
              "jwt.algorithm");
}

}  // namespace
}  // namespace gh::identity
