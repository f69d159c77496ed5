#include "api/precondition.hpp"

#include <gtest/gtest.h>

#include "api/testing.hpp"

namespace gh::api {
namespace {

using Judge = std::optional<Reply> (*)(const Call&, std::optional<std::string_view>);

int judged(Judge judge, std::string_view method, std::string_view match,
           std::string_view none_match, std::optional<std::string_view> etag) {
    FakeCall call(method, "/x");
    if (!match.empty()) call.with("If-Match", match);
    if (!none_match.empty()) call.with("if-none-match", none_match);
    const auto answer = judge(call.call(), etag);
    return answer ? answer->status : 0;
}

TEST(Preconditions, AreJudgedInTheOrderOfRfc9110) {
    struct Case {
        std::string_view method, match, none_match;
        std::optional<std::string_view> etag;
        int status;
    };
    const Case cases[] = {
        {"GET", "", "", "\"1\"", 0},
        {"GET", "", "\"1\"", "\"1\"", 304},
        {"HEAD", "", "\"0\", W/\"1\"", "\"1\"", 304},  // weakly
        {"GET", "", "*", "\"1\"", 304},
        {"GET", "", "*", std::nullopt, 0},
        {"GET", "", "\"2\"", "\"1\"", 0},
        {"PUT", "", "*", "\"1\"", 412},  // make, but do not overwrite
        {"PUT", "", "*", std::nullopt, 0},
        {"PUT", "\"1\"", "", "\"1\"", 0},
        {"PUT", "\"0\", \"1\"", "", "\"1\"", 0},
        {"PUT", "W/\"1\"", "", "\"1\"", 412},  // strongly
        {"PUT", "\"2\"", "", "\"1\"", 412},
        {"PUT", "*", "", "\"1\"", 0},
        {"PUT", "*", "", std::nullopt, 412},
        {"PUT", "\"1\"", "", std::nullopt, 412},
        {"GET", "\"2\"", "\"1\"", "\"1\"", 412},  // If-Match first
        {"PUT", "1", "", "\"1\"", 400},
        {"GET", "", "1", "\"1\"", 400},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(judged(judge_preconditions, c.method, c.match, c.none_match, c.etag), c.status)
            << c.method << " " << c.match << " " << c.none_match;
    }
}

TEST(Preconditions, AreWantedOfWhoeverChangesWhatIsThere) {
    EXPECT_EQ(judged(judge_change, "PATCH", "", "", "\"1\""), 428);
    EXPECT_EQ(judged(judge_change, "PATCH", "\"1\"", "", "\"1\""), 0);
    EXPECT_EQ(judged(judge_change, "PATCH", "\"0\"", "", "\"1\""), 412);
    EXPECT_EQ(judged(judge_change, "PUT", "", "", std::nullopt), 0);
}

TEST(Preconditions, SayTheTagOfWhatTheClientHas) {
    FakeCall call("GET", "/x");
    call.with("If-None-Match", "\"1\"");
    const auto answer = judge_preconditions(call.call(), "\"1\"");
    ASSERT_TRUE(answer && answer->status == 304);
    EXPECT_EQ(answer->fields.front().second, "\"1\"");
    EXPECT_EQ(etag_of_version(7), "\"7\"");
    EXPECT_EQ(etag_of_text("a"), etag_of_text("a"));
    EXPECT_NE(etag_of_text("a"), etag_of_text("b"));
}

}  // namespace
}  // namespace gh::api
