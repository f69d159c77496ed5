#include "vault/kv_body.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"

namespace gh::vault::kv {
namespace {

std::string reason(const auto& result) { return result ? "" : std::string(result.error().reason); }

TEST(KvWrite, KeepsTheDataByteForByte) {
    struct Case {
        std::string_view body, data;
        std::optional<std::uint64_t> cas;
    };
    const Case cases[] = {
        {R"({"data":{}})", "{}", {}},
        {R"( { "options" : { "cas" : 3 } , "data" : {"a": [1, {"b": "}"}], "c": "\\\"," } } )",
         R"({"a": [1, {"b": "}"}], "c": "\\\"," })", 3},
        {R"({"data":{"n":12345678901234567890.1234567890123456789},"options":{"cas":"0"}})",
         R"({"n":12345678901234567890.1234567890123456789})", 0},
        {R"({"options":null,"data":{"data":{"data":1}}})", R"({"data":{"data":1}})", {}},
        {R"({"data":{"x":null},"options":{"cas":null}})", R"({"x":null})", {}},
    };
    for (const auto& c : cases) {
        const auto write = parse_write(c.body);
        ASSERT_TRUE(write) << c.body;
        EXPECT_EQ(crypto::text_of(write->data.bytes()), c.data);
        EXPECT_EQ(write->cas, c.cas) << c.body;
    }
}

TEST(KvWrite, RefusesWhatItWouldHaveToGuess) {
    for (const std::string_view body :
         {"", "[]", "{", "{}", R"({"data":[]})", R"({"data":null})", R"({"data":{},"data":{}})",
          R"({"d\u0061ta":{}})", R"({"data":{},"":1})", R"({"data":{},"version":1})",
          R"({"data":{},"options":1})", R"({"data":{},"options":{"cas":-1}})",
          R"({"data":{},"options":{"cas":1.5}})", R"({"data":{},"options":{"cas":"x"}})",
          R"({"data":{},"options":{"cas":"-1"}})", R"({"data":{},"options":{"cas":0,"other":1}})",
          R"({"data":{}} x)"})
        EXPECT_EQ(reason(parse_write(body)), "kv.body") << body;
}

TEST(KvVersions, AreNumbersAlsoAsText) {
    EXPECT_EQ(parse_versions(R"({"versions":[1,"2"]})").value(),
              (std::vector<std::uint64_t>{1, 2}));
    std::string many = R"({"versions":[1)";
    for (int i = 0; i < 999; ++i) many += ",1";
    EXPECT_EQ(parse_versions(many + "]}")->size(), 1'000U);
    EXPECT_EQ(reason(parse_versions(many + ",1]}")), "kv.body");
    for (const std::string_view body :
         {"", "{}", R"({"versions":[]})", R"({"versions":1})", R"({"versions":[0]})",
          R"({"versions":[-1]})", R"({"versions":[true]})", R"({"versions":[1],"x":1})"})
        EXPECT_EQ(reason(parse_versions(body)), "kv.body") << body;
}

TEST(KvSettings, SayHowASecretIsKept) {
    const auto wanted = parse_settings(
        R"({"max_versions":"5","cas_required":true,"delete_version_after":"3h25m19s","custom_metadata":{"a":"b"}})",
        false);
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->max_versions, 5U);
    EXPECT_EQ(wanted->cas_required, true);
    EXPECT_EQ(wanted->delete_after, seconds(3 * 3600 + 25 * 60 + 19));
    EXPECT_EQ(wanted->custom_metadata.at("a"), "b");
    EXPECT_TRUE(wanted->forgets_other_metadata);
    EXPECT_FALSE(wanted->must_exist);
    for (
        const std::string_view body :
        {"{}",
         R"({"max_versions":null,"cas_required":null,"delete_version_after":null,"custom_metadata":null})"}) {
        const auto nothing = parse_settings(body, false);
        ASSERT_TRUE(nothing);
        EXPECT_FALSE(nothing->max_versions || nothing->cas_required || nothing->delete_after);
        EXPECT_TRUE(nothing->custom_metadata.empty() && !nothing->forgets_other_metadata);
    }
    for (const bool merges : {false, true}) {
        for (const std::string_view body :
             {"", R"({"max_versions":1001})", R"({"max_versions":-1})", R"({"cas_required":"x"})",
              R"({"delete_version_after":"3 h"})", R"({"custom_metadata":{"a":1}})",
              R"({"custom_metadata":["a"]})", R"({"custom_metadata":"a"})", R"({"other":1})"})
            EXPECT_EQ(reason(parse_settings(body, merges)), "kv.body") << body;
    }
    EXPECT_EQ(reason(parse_settings(R"({"custom_metadata":{"a":null}})", false)), "kv.body");
}

TEST(KvSettings, AreTakenAwayByNullWhereTheyAreMerged) {
    const auto wanted = parse_settings(
        R"({"max_versions":null,"cas_required":null,"delete_version_after":null,"custom_metadata":{"a":null,"b":"c"}})",
        true);
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->max_versions, 0U);
    EXPECT_EQ(wanted->cas_required, false);
    EXPECT_EQ(wanted->delete_after, seconds(0));
    EXPECT_EQ(wanted->custom_metadata.at("a"), std::nullopt);
    EXPECT_EQ(wanted->custom_metadata.at("b"), "c");
    EXPECT_TRUE(wanted->must_exist && !wanted->forgets_other_metadata);
    EXPECT_TRUE(parse_settings(R"({"custom_metadata":null})", true)->forgets_other_metadata);
}

TEST(KvSettings, ReadDurationsAsTheirClientsWriteThem) {
    struct Case {
        std::string_view text;
        std::optional<int> count;
    };
    const Case cases[] = {{"\"0s\"", 0},       {"\"90\"", 90},          {"90", 90},
                          {"\"1d2h\"", 93600}, {"\"30m\"", 1800},       {"\"\"", {}},
                          {"\"-1s\"", {}},     {"\"1.5h\"", {}},        {"\"1s1h\"", {}},
                          {"\"1h1h\"", {}},    {"\"500ms\"", {}},       {"true", {}},
                          {"-1", {}},          {"\"99999999999s\"", {}}};
    for (const auto& c : cases) {
        const auto wanted =
            parse_settings("{\"delete_version_after\":" + std::string(c.text) + "}", false);
        const auto got = wanted && wanted->delete_after
                             ? std::optional(static_cast<int>(wanted->delete_after->count()))
                             : std::nullopt;
        EXPECT_EQ(got, c.count) << c.text;
    }
}

TEST(KvQuery, NamesAVersionOnce) {
    EXPECT_EQ(parse_version_query(""), 0U);
    EXPECT_EQ(parse_version_query("version=0"), 0U);
    EXPECT_EQ(parse_version_query("x=1&version=7"), 7U);
    for (const auto* query : {"version=", "version=x", "version=-1", "version=1&version=1",
                              "version=99999999999", "version=1%"})
        EXPECT_EQ(reason(parse_version_query(query)), "kv.query") << query;
    EXPECT_TRUE(asks_for_list("list=true"));
    EXPECT_TRUE(asks_for_list("list=1"));
    EXPECT_FALSE(asks_for_list("list=false"));
    EXPECT_FALSE(asks_for_list("list="));
    EXPECT_FALSE(asks_for_list(""));
}

TEST(KvPolicy, IsATextUnderEitherName) {
    EXPECT_EQ(parse_policy_text(R"({"policy":"path \"a\" {}"})"), "path \"a\" {}");
    EXPECT_EQ(parse_policy_text(R"({"rules":"x"})"), "x");
    for (const std::string_view body :
         {"", "{}", R"({"policy":{}})", R"({"policy":"","expiration":"2030"})", R"(["policy"])"})
        EXPECT_EQ(reason(parse_policy_text(body)), "kv.body") << body;
}

TEST(KvPaths, AreAListOrOneText) {
    using Paths = std::vector<std::string>;
    EXPECT_EQ(parse_paths(R"({"paths":["a","b/"]})"), (Paths{"a", "b/"}));
    EXPECT_EQ(parse_paths(R"({"path":"a"})"), (Paths{"a"}));
    EXPECT_EQ(parse_paths(R"({"path":"a, b,"})"), (Paths{"a", "b", ""}));
    std::string many = R"({"paths":["")";
    for (std::size_t i = 1; i < paths_max; ++i) many += R"(,"")";
    EXPECT_TRUE(parse_paths(many + "]}"));
    EXPECT_EQ(reason(parse_paths(many + R"(,""]})")), "kv.body");
    for (const std::string_view body : {"", "{}", R"({"paths":[]})", R"({"paths":[1]})",
                                        R"({"paths":{}})", R"({"paths":["a"],"x":1})"})
        EXPECT_EQ(reason(parse_paths(body)), "kv.body") << body;
}

TEST(KvAnswers, SayThingsTwiceForClientsOfOlderDays) {
    const auto told = codec::json::parse(enveloped(R"({"keys":["a"],"n":{"x":1}})", "r", true));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->find("keys")->array()->size(), 1U);
    EXPECT_EQ(told->find("data")->find("n")->find("x")->integer(), 1);
    EXPECT_EQ(told->find("n")->find("x")->integer(), 1);
    EXPECT_TRUE(codec::json::parse(enveloped("{}", "r", true)));
}

TEST(KvAnswers, AreWhatClientsOfKvStoresRead) {
    OpenedSecret secret;
    secret.version = {
        .version = 2, .key_id = 1, .created_at = SystemTime(seconds(60)), .deleted_at = {}};
    secret.value = std::make_shared<const crypto::Secret>(std::string_view(R"({"a": 1.0})"));
    EXPECT_EQ(text_of(secret, "r"),
              R"({"request_id":"r","lease_id":"","renewable":false,"lease_duration":0,"data":)"
              R"({"data":{"a": 1.0},"metadata":{"created_time":"1970-01-01T00:01:00Z",)"
              R"("deletion_time":"","destroyed":false,"version":2,"custom_metadata":null}},)"
              R"("wrap_info":null,"warnings":null,"auth":null})"
              "\n");
    secret.version.key_id.reset();
    secret.version.deleted_at = SystemTime(seconds(61));
    secret.value.reset();
    const auto gone = text_of(secret, "r");
    EXPECT_TRUE(gone.contains(R"("data":{"data":null,)")) << gone;
    EXPECT_TRUE(gone.contains(R"("deletion_time":"1970-01-01T00:01:01Z","destroyed":true)"));
    SecretFacts facts;
    facts.current_version = 2;
    facts.cas_required = true;
    facts.delete_after = seconds(3'600 + 19);
    facts.custom_metadata = R"({"owner":"ada"})";
    facts.versions = {secret.version};
    const auto told = codec::json::parse(text_of(facts, "r"));
    ASSERT_TRUE(told);
    const auto* data = told->find("data");
    EXPECT_EQ(data->find("oldest_version")->integer(), 2);
    EXPECT_EQ(data->find("cas_required")->boolean(), true);
    EXPECT_EQ(*data->find_string("delete_version_after"), "1h0m19s");
    EXPECT_EQ(*data->find("custom_metadata")->find_string("owner"), "ada");
    EXPECT_EQ(data->find("versions")->find("2")->find("destroyed")->boolean(), true);
    EXPECT_EQ(text_of_errors({}), "{\"errors\":[]}\n");
    EXPECT_EQ(text_of_errors("a \"b\""), "{\"errors\":[\"a \\\"b\\\"\"]}\n");
}

}  // namespace
}  // namespace gh::vault::kv
