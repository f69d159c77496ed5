#include "gateway/filters/request_ids.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

TEST(CorrelationId, IsShortAndOfHarmlessCharacters) {
    EXPECT_TRUE(is_correlation_id("a"));
    EXPECT_TRUE(is_correlation_id("AZaz09._-"));
    EXPECT_TRUE(is_correlation_id(std::string(128, 'a')));
    EXPECT_FALSE(is_correlation_id(std::string(129, 'a')));
    constexpr std::string_view bad[] = {"",    " ",   "a b",  "a,b",      "a\"", "a:b",
                                        "a/b", "a;b", "\xe9", "{\"a\":1", "a\n", "<a>"};
    for (const auto text : bad) EXPECT_FALSE(is_correlation_id(text)) << text;
}

TEST(RequestIds, KeepsOneGoodCorrelationIdAndMakesOneOtherwise) {
    struct Case {
        std::vector<std::string_view> given;
        bool kept;
    };
    const Case cases[] = {
        {{"story-1"}, true}, {{}, false}, {{"bad one"}, false}, {{"story-1", "story-2"}, false}};
    for (const auto& c : cases) {
        FakeHouse house;
        for (const auto id : c.given) house.client.with("X-Correlation-ID", id);
        EXPECT_EQ(RequestIds().on_request(house.begin()), Verdict::walk_on);
        const auto& exchange = house.exchange;
        EXPECT_EQ(exchange.correlation_id == "story-1", c.kept);
        EXPECT_TRUE(is_correlation_id(exchange.correlation_id));
        EXPECT_EQ(exchange.traceparent.view().substr(0, 3), "00-");
    }
}

constexpr std::string_view trace = "4bf92f3577b34da6a3ce929d0e0e4736";

TEST(RequestIds, GoesOnWithAGoodTraceAndBeginsOneOtherwise) {
    struct Case {
        std::vector<std::string> parents;
        bool followed;
    };
    const std::string good = "00-" + std::string(trace) + "-00f067aa0ba902b7-00";
    const Case cases[] = {{{good}, true},
                          {{}, false},
                          {{"00-" + std::string(32, '0') + "-00f067aa0ba902b7-01"}, false},
                          {{good, good}, false}};
    for (const auto& c : cases) {
        FakeHouse house;
        for (const auto& parent : c.parents) house.client.with("traceparent", parent);
        house.client.with("tracestate", "a=1").with("tracestate", "b=2");
        (void)RequestIds().on_request(house.begin());
        const auto& exchange = house.exchange;
        EXPECT_EQ(exchange.traceparent.trace_id() == trace, c.followed);
        EXPECT_NE(exchange.traceparent.span_id(), "00f067aa0ba902b7");
        EXPECT_EQ(exchange.tracestate, c.followed ? "a=1,b=2" : "");
        EXPECT_EQ(exchange.traceparent.view().ends_with(c.followed ? "-00" : "-01"), true);
        EXPECT_FALSE(exchange.trace.recording());
    }
}

TEST(RequestIds, NamesItsOwnHopWhateverEitherSideSays) {
    FakeHouse house;
    house.client.with("X-Request-ID", "theirs");
    auto& exchange = house.begin();
    RequestIds filter;
    (void)filter.on_request(exchange);
    exchange.response.fields.add("X-Request-ID", "the upstream's");
    exchange.response.fields.add("x_correlation_id", "the upstream's");
    filter.on_response(exchange);
    EXPECT_EQ(house.answered("X-Request-ID"), exchange.request_id_text());
    EXPECT_EQ(house.answered("X-Correlation-ID"), exchange.correlation_id);
    EXPECT_EQ(exchange.response.fields.size(), 2U);
    EXPECT_NE(exchange.request_id_text(), "theirs");
}

}  // namespace
}  // namespace gh::gateway
