#include "codec/hex.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

TEST(Hex, WritesLowerCaseAndReadsBoth) {
    const std::string bytes("\x00\x7f\xff", 3);
    EXPECT_EQ(encode_hex(bytes), "007fff");
    EXPECT_EQ(decode_hex("007fff").value(), bytes);
    EXPECT_EQ(decode_hex("007FFf").value(), bytes);
    EXPECT_EQ(decode_hex("").value(), "");
}

TEST(Hex, RefusesAnythingElse) {
    for (const std::string_view text : {"0", "0g", "g0", " 00", "0x00", "00 "})
        EXPECT_FALSE(decode_hex(text)) << text;
}

}  // namespace
}  // namespace gh::codec
