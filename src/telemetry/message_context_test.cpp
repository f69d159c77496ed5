#include "telemetry/message_context.hpp"

#include <gtest/gtest.h>

namespace gh::telemetry {
namespace {

constexpr std::string_view trace = "4bf92f3577b34da6a3ce929d0e0e4736", span = "00f067aa0ba902b7";

std::string with(std::string_view trace_id, std::string_view span_id, std::string_view flags) {
    return std::string(R"({"trace_id":")")
        .append(trace_id)
        .append(R"(","span_id":")")
        .append(span_id)
        .append(R"(","trace_flags":)")
        .append(flags)
        .append("}");
}

TEST(MessageContext, IsWhatATraceparentSays) {
    const auto context =
        parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    ASSERT_TRUE(context);
    EXPECT_EQ(to_message_context(*context), with(trace, span, "1"));
    EXPECT_EQ(parse_message_context(to_message_context(*context)), context);
    const TraceContext left_out{new_trace_id(), new_span_id(), false};
    EXPECT_EQ(parse_message_context(to_message_context(left_out)), left_out);
}

TEST(MessageContext, FlagsAreANumberOrTwoDigits) {
    EXPECT_TRUE(parse_message_context(with(trace, span, "1"))->sampled);
    EXPECT_TRUE(parse_message_context(with(trace, span, R"("01")"))->sampled);
    EXPECT_TRUE(parse_message_context(with(trace, span, "255"))->sampled);
    EXPECT_FALSE(parse_message_context(with(trace, span, "0"))->sampled);
    EXPECT_FALSE(parse_message_context(with(trace, span, "254"))->sampled);
    for (const auto flags : {"256", "-1", "1.5", "true", "null", R"("1")", R"("001")", R"("0x")"})
        EXPECT_FALSE(parse_message_context(with(trace, span, flags))) << flags;
}

TEST(MessageContext, OthersMembersArePassedOver) {
    EXPECT_TRUE(parse_message_context(
        R"({"trace_state":"a=b","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":1})"));
}

TEST(MessageContext, WhatIsInvalidIsNoContext) {
    const std::string zeros(32, '0');
    for (const auto& json :
         {std::string(), std::string("null"), std::string("[]"), std::string("{}"),
          std::string(2000, ' '), with(zeros, span, "1"), with(trace, zeros.substr(16), "1"),
          with("4BF92F3577B34DA6A3CE929D0E0E4736", span, "1"), with(trace.substr(1), span, "1"),
          with(std::string(trace) + "0", span, "1"), with(trace, "00f067aa0ba902bg", "1"),
          with(trace, span, "1") + "x", with("4bf92f3577b34da6a3ce929d0e0e473-", span, "1"),
          std::string(R"({"trace_id":1,"span_id":2,"trace_flags":1})")}) {
        EXPECT_FALSE(parse_message_context(json)) << json;
    }
}

}  // namespace
}  // namespace gh::telemetry
