#include "codec/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec::json {
namespace {

TEST(Json, ReadsEveryType) {
    const auto value =
        parse(
            R"( {"s": "a\"\u00e9\ud83d\ude00", "i": -42, "d": 1.5e3, "t": true, "n": null, "a": [1, [], {}], "": 0} )")
            .value();
    EXPECT_EQ(*value.find_string("s"), "a\"\xc3\xa9\xf0\x9f\x98\x80");
    EXPECT_EQ(value.find("i")->integer(), -42);
    EXPECT_EQ(value.find("i")->number(), -42.0);
    EXPECT_EQ(value.find("d")->number(), 1500.0);
    EXPECT_EQ(value.find("d")->integer(), std::nullopt);
    EXPECT_EQ(value.find("t")->boolean(), true);
    EXPECT_TRUE(value.find("n")->is_null());
    EXPECT_EQ(value.find("a")->array()->size(), 3U);
    EXPECT_EQ(value.find("")->integer(), 0);
    EXPECT_EQ(value.find("absent"), nullptr);
    EXPECT_EQ(value.find_string("i"), nullptr);
    EXPECT_EQ(parse("18446744073709551615").value().integer(), std::nullopt);  // does not fit
    EXPECT_EQ(parse("9223372036854775807").value().integer(), 9223372036854775807);
}

TEST(Json, RefusesWhatParsersDisagreeOn) {
    struct Case {
        std::string_view text, reason;
    };
    constexpr Case cases[] = {
        {"", "json.malformed"},
        {" ", "json.malformed"},
        {"{", "json.malformed"},
        {"{}{}", "json.malformed"},
        {"{} x", "json.malformed"},
        {"[1,]", "json.malformed"},
        {"{\"a\":1,}", "json.malformed"},
        {"{'a':1}", "json.malformed"},
        {"{a:1}", "json.malformed"},
        {"[1] // comment", "json.malformed"},
        {"/**/1", "json.malformed"},
        {"01", "json.malformed"},
        {"+1", "json.malformed"},
        {"1.", "json.malformed"},
        {"1e999", "json.malformed"},
        {"NaN", "json.malformed"},
        {"Infinity", "json.malformed"},
        {"\"\xff\"", "json.malformed"},
        {"\"\xc0\xaf\"", "json.malformed"},
        {"\"\\ud800\"", "json.malformed"},
        {"\"a\nb\"", "json.malformed"},
        {"\xef\xbb\xbf{}", "json.malformed"},
        {R"({"a":1,"a":2})", "json.duplicate_name"},
        {R"({"a":1,"\u0061":2})", "json.duplicate_name"},
        {R"([{"x":{"b":1,"c":2,"b":1}}])", "json.duplicate_name"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto value = parse(c.text);
        EXPECT_EQ(value ? "" : value.error().reason, c.reason);
    }
    EXPECT_FALSE(parse(std::string_view("\"\0\"", 3)));
}

TEST(Json, ReadsANumberAsTheNearestThereIs) {
    for (const auto& [text, number] :
         {std::pair{"123456879012345678901234567890", 1.2345687901234568e29},
          {"1.2345687901234568e+29", 1.2345687901234568e29},
          {"9007199254740993.0", 9007199254740992.0},
          {"0.1", 0.1},
          {"-2.2250738585072011e-308", -2.2250738585072011e-308},
          {"1e-999", 0.0},
          {"0e999", 0.0},
          {"18446744073709551615", 18446744073709551615.0}}) {
        const auto alone = parse(text);
        ASSERT_TRUE(alone) << text;
        EXPECT_EQ(alone->number(), number) << text;
        const auto within = parse("[" + std::string(text) + "," + text + "]");
        ASSERT_TRUE(within) << text;
        for (const auto& each : *within->array()) EXPECT_EQ(each.number(), number) << text;
    }
}

TEST(Json, FindsADoubleAmongManyNames) {
    std::string text = "{";
    for (int i = 0; i < 100; ++i) text += "\"n" + std::to_string(i) + "\":0,";
    EXPECT_TRUE(parse(text + "\"n100\":0}"));
    EXPECT_EQ(parse(text + "\"n0\":0}").error().reason, "json.duplicate_name");
}

TEST(Json, HasLimits) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(parse(nested(32)));
    EXPECT_EQ(parse(nested(33)).error().reason, "json.too_deep");
    EXPECT_EQ(parse(nested(100'000), {.bytes_max = 1 << 20}).error().reason, "json.too_deep");
    EXPECT_TRUE(parse("12345", {.bytes_max = 5}));
    EXPECT_EQ(parse("123456", {.bytes_max = 5}).error().reason, "json.too_large");
}

TEST(Json, QuotesAnyText) {
    std::string out;
    append_quoted(out, std::string_view("a\"\\\n\0\x1f\xc3\xa9\xff\xc3", 10));
    EXPECT_EQ(out, "\"a\\\"\\\\\\u000a\\u0000\\u001f\xc3\xa9\\ufffd\\ufffd\"");
    EXPECT_TRUE(parse(out));
}

}  // namespace
}  // namespace gh::codec::json
