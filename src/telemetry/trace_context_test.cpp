#include "telemetry/trace_context.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::telemetry {
namespace {

constexpr std::string_view valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, IsReadAndWrittenAsItCame) {
    const auto context = parse_traceparent(valid);
    ASSERT_TRUE(context);
    EXPECT_TRUE(context->sampled);
    EXPECT_EQ(context->trace_id[0], 0x4b);
    EXPECT_EQ(context->span_id[7], 0xb7);
    const auto again = to_traceparent(*context);
    EXPECT_EQ(again.view(), valid);
    EXPECT_EQ(again.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(again.span_id(), "00f067aa0ba902b7");
}

TEST(TraceContext, OfALaterVersionIsReadAsFarAsItIsKnown) {
    const std::string later = "cc" + std::string(valid.substr(2)) + "-what-comes";
    const auto context = parse_traceparent(later);
    ASSERT_TRUE(context);
    EXPECT_EQ(to_traceparent(*context).view(), valid);
    EXPECT_TRUE(parse_traceparent("cc" + std::string(valid.substr(2))));
    EXPECT_FALSE(parse_traceparent("cc" + std::string(valid.substr(2)) + "x"));
}

TEST(TraceContext, OnlyTheLastFlagIsKnown) {
    const auto with = [](std::string_view flags) {
        return parse_traceparent(std::string(valid.substr(0, 53)) + std::string(flags));
    };
    EXPECT_FALSE(with("00")->sampled);
    EXPECT_FALSE(with("fe")->sampled);
    EXPECT_TRUE(with("ff")->sampled);
    EXPECT_EQ(to_traceparent(*with("ff")).view().substr(53), "01");
}

TEST(TraceContext, WhatIsInvalidIsNoContext) {
    constexpr std::string_view cases[] = {
        "",
        "00",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    for (const auto text : cases) EXPECT_FALSE(parse_traceparent(text)) << text;
}

TEST(TraceContext, StateGoesOnWhereItCouldStandInAField) {
    EXPECT_EQ(checked_tracestate("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
              "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    EXPECT_EQ(checked_tracestate("a=b\r\nX: y"), "");
    EXPECT_EQ(checked_tracestate("a=\xc3\xa4"), "");
    EXPECT_EQ(checked_tracestate(std::string(513, 'a')), "");
    EXPECT_EQ(checked_tracestate(std::string(32, ',')), "");
    EXPECT_EQ(checked_tracestate(std::string(31, ',')), std::string(31, ','));
}

TEST(TraceContext, NewIdsAreNeverZeroAndDiffer) {
    EXPECT_NE(new_trace_id(), TraceId{});
    EXPECT_NE(new_trace_id(), new_trace_id());
    EXPECT_NE(new_span_id(), new_span_id());
}

}  // namespace
}  // namespace gh::telemetry
