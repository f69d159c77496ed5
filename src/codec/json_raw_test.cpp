#include "codec/json_raw.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"

namespace gh::codec::json {
namespace {

TEST(JsonRaw, GivesWhatAMemberIsAsItIsSpelt) {
    constexpr std::string_view object =
        "\n{ \"a\" : 1.50 ,\"s\":\"q\\\"},\" , \"o\":{ \"a\":[1 , \"]\"] },\t\"n\":null,\"l\" :[ "
        "1,\n{}]} ";
    ASSERT_TRUE(parse(object));
    EXPECT_EQ(raw_member(object, "a"), "1.50");
    EXPECT_EQ(raw_member(object, "s"), "\"q\\\"},\"");
    EXPECT_EQ(raw_member(object, "o"), "{ \"a\":[1 , \"]\"] }");
    EXPECT_EQ(raw_member(object, "n"), "null");
    EXPECT_EQ(raw_member(object, "l"), "[ 1,\n{}]");
    EXPECT_EQ(raw_member(object, "z"), std::nullopt);
    EXPECT_EQ(raw_member("{}", "a"), std::nullopt);
    EXPECT_EQ(raw_member("[]", "a"), std::nullopt);
    EXPECT_EQ(raw_member(R"({"\u0061":1})", "a"), std::nullopt) << "which is spelt otherwise";
    EXPECT_EQ(raw_member(R"({"x":{"a":1},"a":2})", "a"), "2");
}

TEST(JsonRaw, GivesWhatAnArrayHolds) {
    const auto elements = raw_elements(" [1e2 , {\"a\":[ ]}, \"x,y\",[]] ");
    EXPECT_EQ(elements, (std::vector<std::string_view>{"1e2", "{\"a\":[ ]}", "\"x,y\"", "[]"}));
    EXPECT_TRUE(raw_elements("[ ]").empty());
    EXPECT_TRUE(raw_elements("{}").empty());
}

TEST(JsonRaw, StaysWithinWhatIsNoJson) {
    for (const std::string_view text :
         {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":\"\\", "{\"a\":[[[",
          "{\"a\":}}}", "[", "[,", "[,,", "[\"", "]", "{:,", "[}]"}) {
        (void)raw_member(text, "a");
        EXPECT_LE(raw_elements(text).size(), 4U) << text;
    }
}

}  // namespace
}  // namespace gh::codec::json
