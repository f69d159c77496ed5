#include "crypto/password_hash.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::crypto {
namespace {

const std::string salt = "$c2FsdHNhbHRzYWx0c2FsdA";                      // 16 bytes
const std::string tag = "$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";  // 32 bytes
const std::string bcrypt_rest = "QCuWK8y6NGQ1.Sqq9JBNduHyYu9LGmnFxRNTw1e95m3uUna8u3WGO";

std::string argon2(const std::string& parameters) {
    return "$argon2id$v=19$" + parameters + salt + tag;
}

std::string reason_of(const std::string& stored) {
    const auto hash = parse_password_hash(stored);
    if (!hash) return std::string(hash.error().reason);
    EXPECT_EQ(to_text(*hash), stored);
    return "";
}

TEST(PasswordHash, ReadsTheFieldsOfArgon2id) {
    const auto read = parse_password_hash(argon2("m=65536,t=3,p=4"));
    ASSERT_TRUE(read);
    const auto& hash = std::get<Argon2idHash>(*read);
    EXPECT_EQ(hash.memory_kib, 65536U);
    EXPECT_EQ(hash.passes, 3U);
    EXPECT_EQ(hash.lanes, 4U);
    EXPECT_EQ(hash.salt, "saltsaltsaltsalt");
    ASSERT_EQ(hash.tag.size(), 32U);
    EXPECT_EQ(hash.tag[31], '\x1f');
}

TEST(PasswordHash, ReadsTheFieldsOfBcrypt) {
    for (const std::string prefix : {"$2a$", "$2b$", "$2y$"}) {
        const auto read = parse_password_hash(prefix + "12$" + bcrypt_rest);
        ASSERT_TRUE(read);
        const auto& hash = std::get<BcryptHash>(*read);
        EXPECT_EQ(hash.cost, 12U);
        EXPECT_EQ(hash.setting, prefix + "12$QCuWK8y6NGQ1.Sqq9JBNdu");
        EXPECT_EQ(hash.digest, "HyYu9LGmnFxRNTw1e95m3uUna8u3WGO");
    }
}

TEST(PasswordHash, RefusesWhatWouldStallTheHouse) {
    struct Case {
        std::string stored, reason;  // no reason: must parse
    };
    const std::string bounds = "password.hash_bounds";
    const Case cases[] = {
        {argon2("m=8,t=1,p=1"), ""},
        {argon2("m=262144,t=4,p=1"), ""},
        {argon2("m=262145,t=1,p=1"), bounds},
        {argon2("m=262144,t=5,p=1"), bounds},
        {argon2("m=4294967295,t=1,p=1"), bounds},
        {argon2("m=8,t=131072,p=1"), ""},
        {argon2("m=8,t=131073,p=1"), bounds},
        {argon2("m=65536,t=4294967295,p=1"), bounds},  // times 65536, it is small again in 32 bits
        {argon2("m=2040,t=1,p=255"), ""},
        {argon2("m=2048,t=1,p=256"), bounds},
        {argon2("m=8,t=1,p=536870913"), bounds},  // times 8, it is 8 in 32 bits
        {"$2b$04$" + bcrypt_rest, ""},
        {"$2b$14$" + bcrypt_rest, ""},
        {"$2b$15$" + bcrypt_rest, bounds},
        {"$2b$31$" + bcrypt_rest, bounds},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.stored);
        EXPECT_EQ(reason_of(c.stored), c.reason);
    }
}

TEST(PasswordHash, BoundsSaltAndTag) {
    struct Case {
        std::size_t salt, tag;
        std::string_view reason;
    };
    constexpr Case cases[] = {
        {8, 16, ""},
        {64, 64, ""},
        {7, 32, "password.hash_bounds"},
        {65, 32, "password.hash_bounds"},
        {16, 15, "password.hash_bounds"},
        {16, 65, "password.hash_bounds"},
        {16, 0, "password.hash_bounds"},
        {100, 100, "password.hash"},  // longer than any text is read
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::to_string(c.salt) + " " + std::to_string(c.tag));
        const Argon2idHash hash{.memory_kib = 64,
                                .passes = 1,
                                .lanes = 1,
                                .salt = std::string(c.salt, 's'),
                                .tag = std::string(c.tag, 't')};
        EXPECT_EQ(reason_of(to_text(hash)), c.reason);
    }
}

TEST(PasswordHash, RefusesEverythingElseAsCorrupt) {
    const std::string good = argon2("m=64,t=1,p=1");
    const std::string head = "$argon2id$v=19$m=64,t=1,p=1";
    const std::string cases[] = {
        "",
        "secret",
        "$",
        "$$$$$",
        "$1$salt$XGD8cBZl4WdtPjeLB8LTs1",
        "$argon2i$v=19$m=64,t=1,p=1" + salt + tag,
        "$argon2d$v=19$m=64,t=1,p=1" + salt + tag,
        "$argon2id$v=16$m=64,t=1,p=1" + salt + tag,
        "$argon2id$m=64,t=1,p=1" + salt + tag,
        "$ARGON2ID$v=19$m=64,t=1,p=1" + salt + tag,
        argon2("t=1,m=64,p=1"),
        argon2("m=64,t=1"),
        argon2("m=64,t=1,p=1,data=AAAA"),
        argon2("m=64,t=1,p=1,"),
        argon2("m=,t=1,p=1"),
        argon2("m=064,t=1,p=1"),
        argon2("m=+64,t=1,p=1"),
        argon2("m=-64,t=1,p=1"),
        argon2("m= 64,t=1,p=1"),
        argon2("m=64 ,t=1,p=1"),
        argon2("m=4294967296,t=1,p=1"),
        argon2("m=64,t=0,p=1"),
        argon2("m=64,t=1,p=0"),
        argon2("m=0,t=1,p=1"),
        argon2("m=7,t=1,p=1"),
        argon2("m=15,t=1,p=2"),
        head,
        head + salt,
        head + salt + tag + "$",
        head + salt + tag + "=",
        head + salt + tag + "\n",
        head + "$c2FsdHNhbHQ=" + tag,
        head + "$c2FsdHNhbHR" + tag,    // bits that no byte needs
        head + "$c2FsdHNhbHRza" + tag,  // no such length
        head + "$c2FsdHNhbH-_" + tag,
        " " + good,
        good + std::string(1, '\0'),
        "$2$04$" + bcrypt_rest,
        "$2x$04$" + bcrypt_rest,
        "$2b$4$" + bcrypt_rest,
        "$2b$4$x" + bcrypt_rest,
        "$2b$03$" + bcrypt_rest,
        "$2b$32$" + bcrypt_rest,
        "$2b$0a$" + bcrypt_rest,
        "$2b$-4$" + bcrypt_rest,
        "$2b$04," + bcrypt_rest,
        "$2b$04$" + bcrypt_rest + "O",
        "$2b$04$" + bcrypt_rest.substr(1),
        "$2b$04$QCuWK8y6NGQ1.Sqq9JBNduHyYu9LGmnFxRNTw1e95m3uUna8u3WGP",  // bits that no byte needs
        "$2b$04$QCuWK8y6NGQ1.Sqq9JBN uHyYu9LGmnFxRNTw1e95m3uUna8u3WGO",
        "$2b$04$QCuWK8y6NGQ1.Sqq9JBN+uHyYu9LGmnFxRNTw1e95m3uUna8u3WGO",
    };
    ASSERT_EQ(reason_of(good), "");
    for (const auto& stored : cases) {
        SCOPED_TRACE(stored);
        const auto hash = parse_password_hash(stored);
        EXPECT_FALSE(hash);
        if (!hash) {
            EXPECT_EQ(hash.error().reason, "password.hash");
            EXPECT_EQ(hash.error().kind, ErrorKind::corrupt);
        }
    }
}

}  // namespace
}  // namespace gh::crypto
