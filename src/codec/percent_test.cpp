#include "codec/percent.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

TEST(Percent, DecodesOnceAndRefusesBadEscapes) {
    EXPECT_EQ(percent_decode("a%20b%2Fc%2f+").value(), "a b/c/+");
    EXPECT_EQ(percent_decode("%2525").value(), "%25");
    EXPECT_EQ(percent_decode("%00").value(), std::string(1, '\0'));
    for (const std::string_view text : {"%", "%2", "%g0", "%0g", "a%"})
        EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(Percent, EncodesAllButUnreserved) {
    EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
    EXPECT_EQ(percent_encode(" /%\xc3\xa9"), "%20%2F%25%C3%A9");
}

}  // namespace
}  // namespace gh::codec
