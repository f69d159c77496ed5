#include "crypto/hmac.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::crypto {
namespace {

std::string hex(Bytes bytes) {
    std::string text;
    for (const auto b : bytes) {
        text += "0123456789abcdef"[b >> 4];
        text += "0123456789abcdef"[b & 15];
    }
    return text;
}

// RFC 4231, cases 2 and 6.
TEST(Hmac, AnswersAsTheStandardSays) {
    struct Case {
        HmacHash hash;
        std::string key, message, code;
    };
    const Case cases[] = {
        {HmacHash::sha256, "Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {HmacHash::sha384, "Jefe", "what do ya want for nothing?",
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecf"
         "ab21649"},
        {HmacHash::sha512, "Jefe", "what do ya want for nothing?",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f"
         "8f0e6fdcaeab1a34d4a6"
         "b4b636e070a38bce737"},
        {HmacHash::sha256, std::string(131, '\xaa'),
         "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.code);
        const HmacKey key(c.hash, Secret(c.key));
        EXPECT_EQ(hex(key.code_of(c.message).bytes()), c.code);
        EXPECT_EQ(key.code_of(c.message).size, code_bytes(c.hash));
    }
}

TEST(Hmac, KeysThatTakeTurnsOnOneThreadDoNotMix) {
    const HmacKey first(HmacHash::sha256, Secret(std::string_view("first key")));
    const HmacKey second(HmacHash::sha256, Secret(std::string_view("second key")));
    const HmacKey empty(HmacHash::sha256, Secret());
    const auto of_first = hex(first.code_of("message").bytes());
    const auto of_second = hex(second.code_of("message").bytes());
    const auto of_empty = hex(empty.code_of("message").bytes());
    EXPECT_NE(of_first, of_second);
    EXPECT_NE(of_second, of_empty);
    EXPECT_EQ(hex(first.code_of("message").bytes()), of_first);
    EXPECT_EQ(hex(first.code_of("message").bytes()), of_first);
    EXPECT_EQ(hex(second.code_of("message").bytes()), of_second);
    EXPECT_EQ(hex(empty.code_of("message").bytes()), of_empty);
}

TEST(Hmac, WantsTheWholeCode) {
    const HmacKey key(HmacHash::sha256, Secret(std::string_view("key")));
    const auto code = key.code_of("message");
    EXPECT_TRUE(key.verify(bytes_of("message"), code.bytes()));
    EXPECT_FALSE(key.verify(bytes_of("message"), code.bytes().first(31)));
    EXPECT_FALSE(key.verify(bytes_of("message"), {}));
    EXPECT_FALSE(key.verify(bytes_of("messagf"), code.bytes()));
}

}  // namespace
}  // namespace gh::crypto
