#include "codec/base64.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

// RFC 4648 §10.
TEST(Base64, WritesAndReadsTheExamplesOfTheStandard) {
    struct Case {
        std::string_view plain, padded, url;
    };
    constexpr Case cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.padded);
        EXPECT_EQ(encode_base64(c.plain), c.padded);
        EXPECT_EQ(encode_base64url(c.plain), c.url);
        EXPECT_EQ(decode_base64(c.padded).value(), c.plain);
        EXPECT_EQ(decode_base64url(c.url).value(), c.plain);
    }
}

TEST(Base64, EveryByteComesBack) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
        EXPECT_EQ(decode_base64url(encode_base64url(all)).value(), all);
        EXPECT_EQ(decode_base64(encode_base64(all)).value(), all);
    }
}

TEST(Base64, AcceptsOneTextForOneValue) {
    for (const std::string_view text : {"Zg==", "Zg=", "Z", "Zm9vY", "Zh", "Zm9", "Zm 9v", " Zm9v",
                                        "Zm9v\n", "Zm+v", "Zm/v", "Zm9v.", "Zm9\xc3", "?m9v"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(decode_base64url(text));
    }
    for (const std::string_view text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm-v", "Zm_v", "=",
                                        "==", "====", "Zm9v=", "Zm=v", "Zg==Zg==", "Zm9v\n"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(decode_base64(text));
    }
    EXPECT_FALSE(decode_base64url(std::string_view("Zm9\0", 4)));
}

}  // namespace
}  // namespace gh::codec
