#include "codec/json_writer.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace gh::codec::json {
namespace {

TEST(JsonWriter, PutsCommasBetweenValuesAndNowhereElse) {
    std::string text;
    Writer out(text);
    out.begin_object();
    out.name("none").begin_array().end_array();
    out.name("some").begin_array().integer(1).boolean(true).begin_object().end_object().null();
    out.end_array();
    out.name("in").begin_object().name("a").string("x").name("b").raw("[2]").end_object();
    out.end_object();
    EXPECT_EQ(text, R"({"none":[],"some":[1,true,{},null],"in":{"a":"x","b":[2]}})");
}

TEST(JsonWriter, EscapesNamesAndStringsAndWritesEveryInteger) {
    std::string text;
    Writer out(text);
    out.begin_array().string("a\"\n").integer(std::numeric_limits<std::int64_t>::min());
    out.begin_object().name("\\").string("\xff").end_object().end_array();
    EXPECT_EQ(text, "[\"a\\\"\\u000a\",-9223372036854775808,{\"\\\\\":\"\\ufffd\"}]");
}

TEST(JsonWriter, WritesWhatWasReadAgain) {
    const std::string all =
        R"({"a":[null,true,-7,1.5,"x\"y",{}],"b":{"c":[],"d":[[1],{"e":false}]}})";
    std::string text;
    Writer(text).value(parse(all).value());
    EXPECT_EQ(text, all);
}

}  // namespace
}  // namespace gh::codec::json
