#include "gateway/trace_context.hpp"

#include <gtest/gtest.h>

namespace gh::gateway {
namespace {

constexpr std::string_view trace = "4bf92f3577b34da6a3ce929d0e0e4736";

TEST(TraceContext, KeepsAValidTraceAndNamesASpanOfItsOwn) {
    Arena arena;
    const auto next =
        next_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", arena);
    ASSERT_EQ(next.size(), 55U);
    EXPECT_EQ(trace_id_of(next), trace);
    EXPECT_EQ(next.substr(53), "00");
    EXPECT_NE(next.substr(36, 16), "00f067aa0ba902b7");
}

TEST(TraceContext, StartsANewTraceWhereTheGivenOneIsInvalid) {
    constexpr std::string_view cases[] = {
        "",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
    };
    for (const auto given : cases) {
        SCOPED_TRACE(given);
        Arena arena;
        const auto next = next_traceparent(given, arena);
        EXPECT_EQ(next.size(), 55U);
        EXPECT_NE(trace_id_of(next), trace);
        EXPECT_NE(trace_id_of(next), std::string(32, '0'));
    }
}

}  // namespace
}  // namespace gh::gateway
