#include "identity/jwks.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace gh::identity {
namespace {

using std::chrono::seconds;

constexpr SteadyTime start{std::chrono::hours{1}};
constexpr std::string_view document =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
constexpr std::string_view rotated =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

bool has_key(const JwksCache& cache, std::string id) {
    const codec::JoseHeader header{
        .algorithm = codec::JoseAlgorithm::eddsa, .key_id = std::move(id), .type = {}};
    return cache.keys()->find(header).has_value();
}

TEST(JwksCache, WantsItsFirstSetAtOnceAndTheNextWhenItIsDue) {
    JwksCache cache("https://idp/jwks", {}, {.refresh = seconds(300), .apart = seconds(10)});
    EXPECT_EQ(cache.keys()->size(), 0U);
    EXPECT_TRUE(cache.begin(start));
    EXPECT_FALSE(cache.begin(start + seconds(60))) << "one at a time";
    EXPECT_TRUE(cache.accept(document, start + seconds(1)).value());
    EXPECT_TRUE(has_key(cache, "a"));
    EXPECT_EQ(cache.next_fetch(), start + seconds(301));
    EXPECT_FALSE(cache.begin(start + seconds(300)));
    EXPECT_TRUE(cache.begin(start + seconds(301)));
    EXPECT_FALSE(cache.accept(document, start + seconds(301)).value()) << "nothing new";
}

TEST(JwksCache, FetchesOnceInTenSecondsWhateverTokensName) {
    JwksCache cache("https://idp/jwks");
    int woken = 0;
    cache.on_miss([&] { ++woken; });
    ASSERT_TRUE(cache.begin(start));
    ASSERT_TRUE(cache.accept(document, start));
    for (int i = 0; i < 1000; ++i) cache.miss();
    EXPECT_EQ(woken, 1);
    EXPECT_FALSE(cache.begin(start + seconds(9)));
    EXPECT_EQ(cache.next_fetch(), start + seconds(10));
    int fetches = 0;
    for (int second = 0; second <= 100; ++second) {
        cache.miss();
        const auto now = start + seconds(second);
        if (!cache.begin(now)) continue;
        ++fetches;
        ASSERT_TRUE(cache.accept(document, now));
    }
    EXPECT_EQ(fetches, 10);
    EXPECT_EQ(woken, 10);
}

TEST(JwksCache, KeepsTheLastGoodSetThroughAnOutage) {
    JwksCache cache("https://idp/jwks");
    ASSERT_TRUE(cache.begin(start));
    ASSERT_TRUE(cache.accept(document, start));
    auto now = start + std::chrono::hours(1);
    for (const std::string_view broken :
         {"", "<html>", R"({"keys":[]})", R"({"keys":[{"kty":"oct","k":"AQ","alg":"HS256"}]})"}) {
        ASSERT_TRUE(cache.begin(now));
        EXPECT_FALSE(cache.accept(broken, now));
        EXPECT_TRUE(has_key(cache, "a"));
        EXPECT_EQ(cache.next_fetch(), now + seconds(10)) << "again soon, not at once";
        now += seconds(10);
    }
    ASSERT_TRUE(cache.begin(now));
    cache.give_up(now + seconds(5));
    EXPECT_TRUE(has_key(cache, "a"));
    EXPECT_FALSE(cache.begin(now + seconds(14)));
    ASSERT_TRUE(cache.begin(now + seconds(15)));
    EXPECT_TRUE(cache.accept(rotated, now + seconds(15)).value());
    EXPECT_FALSE(has_key(cache, "a")) << "a key that was withdrawn is no longer believed";
    EXPECT_TRUE(has_key(cache, "b"));
}

TEST(JwksCache, BelievesOnlyTheAlgorithmThatWasNamed) {
    JwksCache cache("https://idp/jwks", codec::JoseAlgorithm::es256);
    ASSERT_TRUE(cache.begin(start));
    EXPECT_EQ(cache.accept(document, start).error().reason, "jwks.empty");
}

/// Answers what it was told to, and counts.
class ScriptedFetcher final : public JwksFetcher {
 public:
    Task<Result<std::string>> fetch(std::string uri) override {
        asked.push_back(std::move(uri));
        if (answer.empty()) co_return fail(ErrorKind::unavailable, "test.down");
        co_return answer;
    }
    std::vector<std::string> asked;
    std::string answer;
};

Result<bool> turn(const std::shared_ptr<JwksCache>& cache, JwksFetcher& fetcher, SteadyTime now) {
    Result<bool> out = false;
    auto body = [](Result<bool>& result, std::shared_ptr<JwksCache> on, JwksFetcher& by,
                   SteadyTime at) -> Task<> {
        auto clock = std::function<SteadyTime()>([at] { return at; });
        result = co_await refresh_keys(std::move(on), by, std::move(clock));
    };
    spawn(body(out, cache, fetcher, now));
    return out;
}

TEST(RefreshKeys, FetchesWhenItIsTimeAndOnlyThen) {
    const auto cache = std::make_shared<JwksCache>("https://idp/jwks");
    ScriptedFetcher fetcher;
    EXPECT_EQ(turn(cache, fetcher, start).error().reason, "test.down");
    EXPECT_FALSE(turn(cache, fetcher, start + seconds(9)).value());
    fetcher.answer = document;
    EXPECT_TRUE(turn(cache, fetcher, start + seconds(10)).value());
    EXPECT_FALSE(turn(cache, fetcher, start + seconds(20)).value());
    EXPECT_EQ(fetcher.asked, (std::vector<std::string>{"https://idp/jwks", "https://idp/jwks"}));
    EXPECT_TRUE(has_key(*cache, "a"));
}

}  // namespace
}  // namespace gh::identity
