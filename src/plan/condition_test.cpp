#include "plan/condition.hpp"

#include <gtest/gtest.h>

namespace gh::plan {
namespace {

bool holds_for(std::string_view condition, std::string_view result) {
    const auto parsed = parse_condition(condition);
    EXPECT_TRUE(parsed) << condition << ": " << describe(parsed.error());
    const auto value = codec::json::parse(result).value();
    return parsed && holds(*parsed, [&value](std::string_view step) {
               return step == "a" ? &value : nullptr;
           });
}

std::string on_a(std::string_view path, std::string_view op, std::string_view value) {
    return R"({"step":"a","path":")" + std::string(path) + R"(","op":")" + std::string(op) +
           (value.empty() ? "\"}" : "\",\"value\":" + std::string(value) + "}");
}

TEST(Conditions, CompareWhatIsThereWithItsLike) {
    struct Case {
        std::string_view path, op, value;
        bool holds;
    };
    constexpr std::string_view result =
        R"({"n":50,"f":0.5,"t":"pm10","yes":true,"none":null,"list":[1,{"x":2}],"a/b":{"~":3}})";
    constexpr Case cases[] = {
        {"/n", "eq", "50", true},         {"/n", "eq", "50.0", true},
        {"/n", "gt", "49", true},         {"/n", "gt", "50", false},
        {"/n", "ge", "50", true},         {"/n", "lt", "50.5", true},
        {"/n", "le", "49", false},        {"/n", "ne", "1", true},
        {"/n", "ne", "50", false},        {"/f", "lt", "1", true},
        {"/t", "eq", "\"pm10\"", true},   {"/t", "lt", "\"q\"", true},
        {"/t", "eq", "10", false},        {"/t", "gt", "1", false},
        {"/yes", "eq", "true", true},     {"/yes", "ne", "false", true},
        {"/yes", "gt", "false", false},   {"/none", "eq", "null", true},
        {"/none", "ne", "null", false},   {"/n", "ne", "null", true},
        {"/list/0", "eq", "1", true},     {"/list/1/x", "eq", "2", true},
        {"/list/2", "eq", "2", false},    {"/list/00", "eq", "1", false},
        {"/list/-", "exists", "", false}, {"/list", "eq", "1", false},
        {"/list", "ne", "1", false},      {"/a~1b/~0", "eq", "3", true},
        {"/gone", "ne", "1", false},      {"/gone", "exists", "", false},
        {"/none", "exists", "", true},    {"", "exists", "", true},
        {"/n/x", "exists", "", false},
    };
    for (const auto& c : cases)
        EXPECT_EQ(holds_for(on_a(c.path, c.op, c.value), result), c.holds)
            << c.path << " " << c.op << " " << c.value;
}

TEST(Conditions, AreJoined) {
    const auto yes = on_a("", "eq", "1"), no = on_a("", "eq", "2");
    EXPECT_TRUE(holds_for(R"({"all":[)" + yes + "," + yes + "]}", "1"));
    EXPECT_FALSE(holds_for(R"({"all":[)" + yes + "," + no + "]}", "1"));
    EXPECT_TRUE(holds_for(R"({"any":[)" + no + "," + yes + "]}", "1"));
    EXPECT_FALSE(holds_for(R"({"any":[)" + no + "]}", "1"));
    EXPECT_TRUE(holds_for(R"({"not":)" + no + "}", "1"));
    EXPECT_FALSE(holds_for(R"({"step":"b","op":"exists"})", "1")) << "which has no result";
    const auto two =
        parse_condition(R"({"any":[)" + yes + R"(,{"step":"b","op":"exists"},)" + no + "]}");
    EXPECT_EQ(steps_of(two.value()), (std::vector<std::string>{"a", "b"}));
}

TEST(Conditions, AreRefusedForWhatTheyAreNot) {
    std::string deep = on_a("", "exists", "");
    for (int i = 0; i < 4; ++i) deep = R"({"not":)" + deep + "}";
    std::string many = on_a("", "exists", "");
    for (int i = 0; i < 32; ++i) many += "," + on_a("", "exists", "");
    const std::string wrong[] = {
        "",
        "1",
        "{}",
        "[]",
        R"({"step":"a"})",
        R"({"step":"","op":"exists"})",
        R"({"step":"a","op":"like","value":"x"})",
        R"({"step":"a","op":"eq"})",
        R"({"step":"a","op":"exists","value":1})",
        R"({"step":"a","op":"eq","value":[1]})",
        R"({"step":"a","op":"eq","value":1,"more":1})",
        R"({"step":"a","path":"x","op":"exists"})",
        R"({"step":"a","path":"/~2","op":"exists"})",
        R"({"step":"a","path":"/~","op":"exists"})",
        R"({"step":"a","path":1,"op":"exists"})",
        R"({"all":[]})",
        R"({"all":{}})",
        R"({"not":[]})",
        R"({"any":[1]})",
        deep,
        R"({"all":[)" + many + "]}",
        std::string(condition_bytes_max + 1, ' ') + on_a("", "exists", ""),
    };
    for (const auto& text : wrong) {
        const auto parsed = parse_condition(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().reason, "plan.condition");
    }
}

}  // namespace
}  // namespace gh::plan
