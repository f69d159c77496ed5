#include "codec/json_outline.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "codec/json_writer.hpp"

namespace gh::codec::json {
namespace {

std::string written(const Value& value) {
    std::string text;
    Writer(text).value(value);
    return text;
}

TEST(JsonOutline, ReadsEveryType) {
    const auto outline =
        Outline::read(
            R"( {"s": "a\"\u00e9\ud83d\ude00", "i": -42, "d": 1.5e3, "t": true, "n": null, "a": [1, [], {}], "": 0} )")
            .value();
    const auto& root = outline.root();
    EXPECT_TRUE(root.is_object());
    EXPECT_EQ(root.find_string("s"), "a\"\xc3\xa9\xf0\x9f\x98\x80");
    EXPECT_EQ(root.find("i")->integer(), -42);
    EXPECT_EQ(root.find("i")->number(), -42.0);
    EXPECT_EQ(root.find("d")->number(), 1500.0);
    EXPECT_EQ(root.find("d")->integer(), std::nullopt);
    EXPECT_EQ(root.find("t")->boolean(), true);
    EXPECT_TRUE(root.find("n")->is_null());
    EXPECT_EQ(root.find("a")->array()->size(), 3U);
    EXPECT_EQ(root.find("")->integer(), 0);
    EXPECT_EQ(root.find("absent"), nullptr);
    EXPECT_EQ(root.find_string("i"), std::nullopt);
    EXPECT_EQ(root.find("i")->find("i"), nullptr);
    EXPECT_FALSE(root.array().has_value());
    EXPECT_FALSE(root.find("a")->is_object());
}

TEST(JsonOutline, FindsMembersOfThisObjectAndNotOfThoseInside) {
    const auto outline =
        Outline::read(R"({"a":{"b":1,"c":[{"b":2}]},"x":[[{"b":3}],"b"],"b":4})").value();
    const auto& root = outline.root();
    EXPECT_EQ(root.find("b")->integer(), 4);
    EXPECT_EQ(root.find("a")->find("b")->integer(), 1);
    EXPECT_EQ(root.find("c"), nullptr);
    std::vector<std::size_t> sizes;
    const auto array = root.find("x")->array();
    for (const auto& each : *array) sizes.push_back(each.array() ? each.array()->size() : 0);
    EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 0}));
}

TEST(JsonOutline, PointsIntoTheTextItWasReadFromUnlessThereIsAnEscape) {
    const std::string text = R"({"plain":"as it is","\u0065scaped":"line\n"})";
    const auto outline = Outline::borrow(text).value();
    const auto plain = outline.root().find_string("plain").value();
    EXPECT_EQ(plain.data(), text.data() + text.find("as it is"));
    EXPECT_EQ(outline.root().find_string("escaped"), "line\n");
}

TEST(JsonOutline, StaysWhereItIsWhenItIsMoved) {
    const std::string long_text =
        R"(["a \"long\" text that no string keeps within itself","\t","b"])";
    for (const std::string& text : {std::string(R"(["a","\n"])"), long_text}) {
        SCOPED_TRACE(text);
        auto first = Outline::read(text).value();
        auto second = std::move(first);
        first = Outline::read("[0]").value();
        const auto third = std::move(second);
        EXPECT_EQ(written(third.root().value()), written(parse(text).value()));
    }
}

TEST(JsonOutline, IsWrittenAsItWasRead) {
    for (const std::string_view text :
         {R"({"a":[1,-2,true,false,null,"x\u0001",{"b":{}}],"c":[],"d":0.5})", R"("text")", "7",
          "18446744073709551615", "[[[]],[[],[]]]", "null"}) {
        SCOPED_TRACE(text);
        const auto outline = Outline::borrow(text).value();
        const auto again = written(outline.root().value());
        EXPECT_EQ(written(parse(again).value()), again);
        if (text.front() != '1') {  // that fits no integer of ours
            EXPECT_EQ(again, text);
        }
    }
}

TEST(JsonOutline, RefusesForTheSameReasonsAsTheTree) {
    struct Case {
        std::string_view text, reason;
    };
    constexpr Case cases[] = {
        {"", "json.malformed"},
        {"{\"a\":1,}", "json.malformed"},
        {"[1] x", "json.malformed"},
        {"1e999", "json.malformed"},
        {"\"\xff\"", "json.malformed"},
        {R"({"a":1,"\u0061":2})", "json.duplicate_name"},
        {R"([{"x":{"b":1,"c":2,"b":1}}])", "json.duplicate_name"},
        {R"({"a":1,"a":2)", "json.malformed"},
        {"[[[[]]]]", "json.too_deep"},
        {R"(["forty octets: one more than is allowed"])", "json.too_large"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const Limits limits{.bytes_max = 39, .depth_max = 3};
        const auto outline = Outline::borrow(c.text, limits);
        ASSERT_FALSE(outline);
        EXPECT_EQ(outline.error().reason, c.reason);
        EXPECT_EQ(Outline::read(std::string(c.text), limits).error().reason, c.reason);
        EXPECT_EQ(parse(c.text, limits).error().reason, c.reason);
    }
}

}  // namespace
}  // namespace gh::codec::json
