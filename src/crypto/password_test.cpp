#include "crypto/password.hpp"

#include <argon2.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

namespace gh::crypto {
namespace {

using namespace std::string_view_literals;

constexpr auto argon2id = PasswordScheme::argon2id;
constexpr auto bcrypt = PasswordScheme::bcrypt;

bool matches(std::string_view password, std::string_view stored) {
    const auto check = verify_password(Secret(password), stored, argon2id);
    EXPECT_TRUE(check);
    return check && check->matches;
}

// Made by other implementations: OpenBSD's bcrypt (python3-bcrypt 3.2.2), libsodium 1.0.18 (python3-nacl), Botan 2.19. The
// first is of the reference implementation's own tests. One of bcrypt's with cost 12 is further down.
TEST(Password, VerifiesWhatOthersMade) {
    struct Case {
        std::string_view password, stored;
    };
    constexpr Case cases[] = {
        {"password",
         "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
        {"gr\xc3\xbc\xc3\x9f\x65",
         "$argon2id$v=19$m=8,t=1,p=1$krPVnfnE0Zwr1TOc9hbnkg$"
         "cxbUHX7gueAoQUJ18Vf7iJtzH9tPUSvpji6QR2uHuoo"},
        {"gr\xc3\xbc\xc3\x9f\x65",
         "$argon2id$v=19$m=19456,t=2,p=1$DIgq3ONkRfn/ugUqp2xLqQ$"
         "ppcAa4q0AFf/LoDeKuC+RfOBhQdUd6ac6ClQCp/2al8"},
        {"\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xf0\x9d\x84\x9e",
         "$argon2id$v=19$m=65536,t=2,p=1$8vAd5WIl44HYOIYRYOoomw$"
         "k2TZY9hVHYRFv9/bgj0+MMyLvOpQnJnLY4J4+634iJQ"},
        {"gr\xc3\xbc\xc3\x9f\x65",  // four lanes and a short tag
         "$argon2id$v=19$m=4096,t=3,p=4$c2FsdHNhbHRzYWx0$RidPYCjCEWYLOWDKcp8//C5hTssneKx8"},
        {"correct horse", "$2b$04$QCuWK8y6NGQ1.Sqq9JBNduHyYu9LGmnFxRNTw1e95m3uUna8u3WGO"},
        {"correct horse", "$2y$04$QCuWK8y6NGQ1.Sqq9JBNduHyYu9LGmnFxRNTw1e95m3uUna8u3WGO"},
        {"Kk4DQuMMfZL9o", "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"},
        {"\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xf0\x9d\x84\x9e",
         "$2a$05$IBoCAYGZFbkb8I3jRtNvD.448eBbZ1VS5Ay2ZI6LRYRYg.Meg7omu"},
        {"\xc3\xbf\xc3\xbf\xc3\xbf\xc4\x80",
         "$2b$04$Z1XsObqsVfsQDpk0leucSOXKmKKfKmddrNiYvVaZtSkY1TbVVvjNS"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01234567",  // 72 bytes
         "$2b$04$qUSV0hhY2esCo.DF06erEuzX/bJF6w0eD8F7ug9eB9JbrNCMIPVdq"},
        {"correct horse",  // the salt's last character has bits that do not count
         "$2b$04$QCuWK8y6NGQ1.Sqq9JBNdvHyYu9LGmnFxRNTw1e95m3uUna8u3WGO"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.stored);
        EXPECT_TRUE(matches(c.password, c.stored));
        EXPECT_FALSE(matches(std::string(c.password.substr(1)), c.stored));
        EXPECT_FALSE(matches(std::string(c.password) + "x", c.stored));
        EXPECT_FALSE(matches(std::string(c.password) + '\0', c.stored));
    }
}

TEST(Password, OfABcryptHashIsNeverCut) {
    const std::string_view stored = "$2b$04$QCuWK8y6NGQ1.Sqq9JBNduHyYu9LGmnFxRNTw1e95m3uUna8u3WGO";
    EXPECT_FALSE(matches("correct horse\0battery"sv, stored));
    const std::string_view full = "$2b$04$qUSV0hhY2esCo.DF06erEuzX/bJF6w0eD8F7ug9eB9JbrNCMIPVdq";
    EXPECT_FALSE(matches(
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789", full));
}

TEST(Password, IsHashedAsConfigured) {
    const Secret password("correct horse battery staple");
    const auto argon = hash_password(argon2id, password);
    ASSERT_TRUE(argon);
    EXPECT_TRUE(argon->starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << *argon;
    const auto blowfish = hash_password(bcrypt, password);
    ASSERT_TRUE(blowfish);
    EXPECT_TRUE(blowfish->starts_with("$2b$12$")) << *blowfish;
    EXPECT_EQ(blowfish->size(), 60U);
    for (const auto& stored : {*argon, *blowfish}) {
        EXPECT_TRUE(matches("correct horse battery staple", stored));
        EXPECT_FALSE(matches("correct horse battery stapl", stored));
        EXPECT_FALSE(matches("Correct horse battery staple", stored));
    }
    EXPECT_NE(*hash_password(argon2id, password), *argon);  // a salt of its own
    EXPECT_NE(blowfish->substr(7, 22), hash_password(bcrypt, password)->substr(7, 22));
}

TEST(Password, IsRefusedRatherThanChanged) {
    struct Case {
        std::string password;
        std::string_view argon2id_reason, bcrypt_reason;
    };
    const Case cases[] = {
        {"", "password.empty", "password.empty"},
        {std::string(72, 'a'), "", ""},
        {std::string(73, 'a'), "", "password.too_long"},
        {std::string(1024, 'a'), "", "password.too_long"},
        {std::string(1025, 'a'), "password.too_long", "password.too_long"},
        {std::string("a\0b", 3), "", "password.nul"},
        {"caf\xe9", "password.encoding", "password.encoding"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.password.size());
        const Secret password(c.password);
        for (const auto scheme : {argon2id, bcrypt}) {
            const auto reason = scheme == bcrypt ? c.bcrypt_reason : c.argon2id_reason;
            const auto hash = hash_password(scheme, password);
            EXPECT_EQ(hash ? "" : hash.error().reason, reason);
            if (!hash) {
                EXPECT_EQ(hash.error().kind, ErrorKind::invalid_argument);
            }
        }
    }
}

TEST(Password, ThatCouldNotBeSetMatchesNothing) {
    const auto stored = hash_password(argon2id, Secret("x")).value();
    for (const std::string& password : {std::string(), std::string(1025, 'x'), std::string("\xff")})
        EXPECT_FALSE(matches(password, stored));
    const Argon2idHash of_latin1{
        .memory_kib = 8, .passes = 1, .lanes = 1, .salt = "saltsalt", .tag = {}};
    auto hash = of_latin1;
    hash.tag.resize(16);
    ASSERT_EQ(::argon2id_hash_raw(1, 8, 1, "\xff", 1, "saltsalt", 8, hash.tag.data(), 16),
              ARGON2_OK);
    EXPECT_FALSE(matches("\xff", to_text(hash)));
}

TEST(Password, SaysWhatIsWrongWithTheStoredHash) {
    const Secret password("correct horse");
    EXPECT_EQ(verify_password(password, "correct horse", argon2id).error().kind,
              ErrorKind::corrupt);
    EXPECT_EQ(verify_password(password, "", argon2id).error().reason, "password.hash");
    EXPECT_EQ(verify_password(
                  password, "$2b$31$QCuWK8y6NGQ1.Sqq9JBNduHyYu9LGmnFxRNTw1e95m3uUna8u3WGO", bcrypt)
                  .error()
                  .reason,
              "password.hash_bounds");
}

/// A hash of "correct horse" with other parameters than ours.
std::string argon2id_of(std::uint32_t memory_kib, std::uint32_t passes, std::size_t salt = 16,
                        std::size_t tag = 32) {
    Argon2idHash hash{.memory_kib = memory_kib,
                      .passes = passes,
                      .lanes = 1,
                      .salt = std::string(salt, 's'),
                      .tag = std::string(tag, '\0')};
    EXPECT_EQ(::argon2id_hash_raw(passes, memory_kib, 1, "correct horse", 13, hash.salt.data(),
                                  salt, hash.tag.data(), tag),
              ARGON2_OK);
    return to_text(hash);
}

TEST(Password, WantsANewHashWhenTheOldOneIsWeakerOrOfAnotherScheme) {
    struct Case {
        std::string stored;
        bool rehash_to_argon2id, rehash_to_bcrypt;
    };
    const Case cases[] = {
        {argon2id_of(19456, 2), false, true},
        {argon2id_of(47104, 1), false, true},  // OWASP holds it for equal
        {argon2id_of(19455, 3), true, true},
        {argon2id_of(19456, 1), true, true},
        {argon2id_of(19456, 2, 15), true, true},
        {argon2id_of(19456, 2, 16, 31), true, true},
        {"$2b$04$QCuWK8y6NGQ1.Sqq9JBNduHyYu9LGmnFxRNTw1e95m3uUna8u3WGO", true, true},
        {"$2b$12$8OYgWB/EBvHTbZ3laStWIuEhVvsl923g9IMfSPNNaJZl1IgC7Gfne", true, false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.stored);
        for (const auto wanted : {argon2id, bcrypt}) {
            const auto good = verify_password(Secret("correct horse"), c.stored, wanted);
            ASSERT_TRUE(good);
            EXPECT_TRUE(good->matches);
            EXPECT_EQ(good->rehash_wanted,
                      wanted == bcrypt ? c.rehash_to_bcrypt : c.rehash_to_argon2id);
        }
        const auto bad =
            verify_password(Secret("wrong"), c.stored, c.rehash_to_bcrypt ? bcrypt : argon2id);
        ASSERT_TRUE(bad);
        EXPECT_FALSE(bad->matches);
        EXPECT_FALSE(bad->rehash_wanted);
    }
}

TEST(Password, TooLongForBcryptKeepsItsArgon2idHash) {
    const Secret password(std::string(73, 'a'));
    const auto stored = hash_password(argon2id, password).value();
    const auto check = verify_password(password, stored, bcrypt).value();
    EXPECT_TRUE(check.matches);
    EXPECT_FALSE(check.rehash_wanted);
}

TEST(DecoyHash, CostsWhatOursCostAndMatchesNobody) {
    const auto argon = decoy_hash(argon2id).value(), blowfish = decoy_hash(bcrypt).value();
    EXPECT_TRUE(argon.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    EXPECT_TRUE(blowfish.starts_with("$2b$12$"));
    EXPECT_FALSE(matches("correct horse", argon));
    EXPECT_FALSE(matches("correct horse", blowfish));
    EXPECT_NE(decoy_hash(argon2id).value(), argon);
}

TEST(RandomPassword, HasNoCharactersThatLookAlike) {
    std::set<std::string> seen;
    std::array<std::size_t, 256> counts{};
    for (int i = 0; i < 1000; ++i) {
        const auto password = random_password();
        const std::string text(text_of(password.bytes()));
        EXPECT_EQ(text.size(), 24U);
        for (const char c : text) ++counts[static_cast<unsigned char>(c)];
        EXPECT_TRUE(seen.insert(text).second);
    }
    EXPECT_EQ(std::ranges::count_if(counts, [](auto n) { return n > 0; }), 55);
    for (const char c : "0Oo1Iil"sv) EXPECT_EQ(counts[static_cast<unsigned char>(c)], 0U);
    // 24000 characters over 55 kinds: 436 each, with a deviation of 21; seven of those are a chance of 1e-12.
    for (const auto n : counts) {
        if (n > 0) {
            EXPECT_NEAR(static_cast<double>(n), 436, 150);
        }
    }
}

/// What we rely on: the library clears its working memory before it gives it back.
TEST(Argon2, WipesItsMemory) {
    static std::vector<std::uint8_t> memory;
    static bool freed = false;
    std::array<std::uint8_t, 32> tag;
    std::string password = "correct horse", salt = "saltsalt";
    argon2_context context{};
    context.out = tag.data();
    context.outlen = tag.size();
    context.pwd = reinterpret_cast<std::uint8_t*>(password.data());
    context.pwdlen = static_cast<std::uint32_t>(password.size());
    context.salt = reinterpret_cast<std::uint8_t*>(salt.data());
    context.saltlen = static_cast<std::uint32_t>(salt.size());
    context.t_cost = 1;
    context.m_cost = 64;
    context.lanes = context.threads = 1;
    context.version = ARGON2_VERSION_13;
    context.allocate_cbk = [](std::uint8_t** given, std::size_t size) {
        memory.assign(size, 0xa5);
        *given = memory.data();
        return 0;
    };
    context.free_cbk = [](std::uint8_t* given, std::size_t size) {
        freed = given == memory.data() && size == memory.size();
    };
    ASSERT_EQ(::argon2id_ctx(&context), ARGON2_OK);
    EXPECT_TRUE(freed);
    EXPECT_EQ(memory, std::vector<std::uint8_t>(64 * 1024, 0));
}

}  // namespace
}  // namespace gh::crypto
