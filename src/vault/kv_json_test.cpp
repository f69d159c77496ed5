#include "vault/kv_json.hpp"

#include <gtest/gtest.h>

namespace gh::vault::kv {
namespace {

std::string text_of(std::string_view target, std::string_view patch) {
    return std::string(crypto::text_of(merged(target, patch).bytes()));
}

TEST(KvJson, MergesAsRfc7396Says) {
    struct Case {
        std::string_view target, patch, result;
    };
    // Appendix A, those whose target and patch are objects.
    const Case cases[] = {
        {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        {R"({"a":"b"})", R"({"a":null})", R"({})"},
        {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
        {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
        {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
        {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
    };
    for (const auto& c : cases) EXPECT_EQ(text_of(c.target, c.patch), c.result) << c.patch;
}

TEST(KvJson, KeepsWhatIsNotNamedAsItWasWritten) {
    EXPECT_EQ(text_of(" { \"n\" : 12345678901234567890.10 , \"s\": {\"x\": [1, \"}\"]} }\n",
                      R"({"m":1e400})"),
              R"({"n":12345678901234567890.10,"s":{"x": [1, "}"]},"m":1e400})");
    EXPECT_EQ(text_of(R"({"\u0061":1,"b\"":2})", R"({"a":null,"b\u0022":3})"), R"({"b\"":3})")
        << "a name has many spellings";
}

TEST(KvJson, KnowsMembersByTheirPlace) {
    const auto members = members_of(R"({ "a" : {"b": ","} , "c\"": "}\\" ,"d":[{}]})");
    ASSERT_EQ(members.size(), 3U);
    EXPECT_EQ(members[0], (std::pair<std::string_view, std::string_view>{"a", R"({"b": ","})"}));
    EXPECT_EQ(members[1], (std::pair<std::string_view, std::string_view>{R"(c\")", R"("}\\")"}));
    EXPECT_EQ(members[2], (std::pair<std::string_view, std::string_view>{"d", "[{}]"}));
    EXPECT_TRUE(members_of("{ }").empty());
}

}  // namespace
}  // namespace gh::vault::kv
