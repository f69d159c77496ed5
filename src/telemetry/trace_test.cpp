#include "telemetry/trace.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::telemetry {
namespace {

using namespace std::chrono_literals;

/// What came, as text.
struct Kept final : TraceSink {
    void append(const Trace& trace, const SpanRecord& root) noexcept override {
        ++traces;
        dropped = trace.spans_dropped();
        last = root;
        spans.clear();
        trace.for_each([this](const SpanRecord& each) {
            std::string text(each.name);
            for (const auto& [key, value] : each.attributes) {
                text += ' ';
                text += key;
                if (const auto* word = std::get_if<std::string_view>(&value))
                    text += "=" + std::string(*word);
                if (const auto* number = std::get_if<std::int64_t>(&value))
                    text += "=" + std::to_string(*number);
            }
            for (const auto& link : each.links) text += " ->" + std::to_string(link.span_id[0]);
            if (each.failed) text += " failed: " + std::string(each.why);
            spans.push_back({text, each.id, each.parent.value_or(SpanId{}), each.duration});
        });
    }
    struct Seen {
        std::string text;
        SpanId id, parent;
        std::chrono::nanoseconds duration;
    };
    int traces = 0;
    std::uint64_t dropped = 0;
    SpanRecord last;
    std::vector<Seen> spans;
};

class TraceTest : public ::testing::Test {
 protected:
    void begin(const Tracer& tracer, std::optional<TraceContext> parent = {}) {
        tracer.begin(trace, parent, now, now_at);
        Ambient::set_current(&trace);
    }
    void end(const Tracer& tracer, std::chrono::nanoseconds took = 1ms, bool failed = false) {
        Ambient::set_current(nullptr);
        tracer.end(trace, {.name = "root", .kind = SpanKind::server, .failed = failed}, now + took);
    }
    Kept kept;
    Trace trace;
    SteadyTime now = std::chrono::steady_clock::now();
    SystemTime now_at = std::chrono::system_clock::now();
};

TEST_F(TraceTest, StepsHangBelowWhereTheyStand) {
    const Tracer tracer(kept, {});
    begin(tracer);
    const auto root = trace.context();
    {
        Span outer("outer", SpanKind::client);
        outer.attribute("n", 1);
        EXPECT_NE(trace.context().span_id, root.span_id) << "the next hop hangs below the step";
        {
            Span inner("inner");
            inner.attribute("who", std::string("in") + "side");
            inner.fail("db.away");
        }
        outer.attribute("status", 200);
    }
    Span("after");
    EXPECT_EQ(trace.context(), root);
    end(tracer);
    ASSERT_EQ(kept.traces, 1);
    ASSERT_EQ(kept.spans.size(), 3U);
    EXPECT_EQ(kept.spans[0].text, "outer n=1 status=200");
    EXPECT_EQ(kept.spans[1].text, "inner who=inside failed: db.away");
    EXPECT_EQ(kept.spans[2].text, "after");
    EXPECT_EQ(kept.spans[0].parent, root.span_id);
    EXPECT_EQ(kept.spans[1].parent, kept.spans[0].id);
    EXPECT_EQ(kept.spans[2].parent, root.span_id);
    EXPECT_EQ(kept.last.id, root.span_id);
    EXPECT_FALSE(kept.last.parent);
    EXPECT_EQ(kept.last.begins, now_at);
    EXPECT_GE(kept.last.duration, 1ms);
}

TEST_F(TraceTest, AStepHasLinksToOtherTraces) {
    const Tracer tracer(kept, {});
    begin(tracer);
    {
        Span first("first"), second("second");
        first.link({.trace_id = {1}, .span_id = {1}}).link({.trace_id = {1}, .span_id = {2}});
        second.link({.trace_id = {2}, .span_id = {3}});
        first.link({.trace_id = {2}, .span_id = {9}});  // too late: another one has some
        Span many("many");
        for (std::size_t i = 0; i < Trace::links_max + 9; ++i) many.link({.span_id = {4}});
    }
    end(tracer);
    ASSERT_EQ(kept.spans.size(), 3U);
    EXPECT_EQ(kept.spans[0].text, "first ->1 ->2");
    EXPECT_EQ(kept.spans[1].text, "second ->3");
    EXPECT_EQ(kept.spans[2].text.size(), 4 + 4 * (Trace::links_max - 3));
}

TEST_F(TraceTest, WithoutATraceNothingIsRecorded) {
    Span span("nowhere");
    span.attribute("key", "value").fail("x");
    EXPECT_EQ(Trace::current(), nullptr);
}

TEST_F(TraceTest, StepsSideBySideMayEndInAnyOrder) {
    const Tracer tracer(kept, {});
    begin(tracer);
    auto first = std::make_unique<Span>("first");
    auto second = std::make_unique<Span>("second");
    first.reset();
    const auto open = trace.context().span_id;
    second.reset();
    Span("third");
    end(tracer);
    ASSERT_EQ(kept.spans.size(), 3U);
    EXPECT_EQ(kept.spans[1].id, open) << "the one that is still open is where the next hop hangs";
    EXPECT_EQ(kept.spans[2].parent, kept.last.id);
}

TEST_F(TraceTest, AStepThatWasMeasuredElsewhereIsTakenOver) {
    const Tracer tracer(kept, {});
    begin(tracer);
    const Attribute facts[] = {{"db.operation.name", std::string_view("select")}};
    trace.add("users.find", SpanKind::client, now + 2ms, 3ms, "storage.busy", facts);
    end(tracer);
    ASSERT_EQ(kept.spans.size(), 1U);
    EXPECT_EQ(kept.spans[0].text, "users.find db.operation.name=select failed: storage.busy");
    EXPECT_EQ(kept.spans[0].duration, 3ms);
    EXPECT_EQ(kept.last.duration, 5ms) << "no step ends after its root";
}

TEST_F(TraceTest, IsBounded) {
    const Tracer tracer(kept, {});
    begin(tracer);
    for (std::size_t i = 0; i < Trace::spans_max + 5; ++i) {
        Span span("step");
        span.attribute("text", std::string(5'000, 'x'));
        for (int k = 0; k < 10; ++k) span.attribute("k", k);
    }
    end(tracer);
    EXPECT_EQ(kept.spans.size(), Trace::spans_max);
    EXPECT_EQ(kept.dropped, 5U);
    EXPECT_LT(kept.spans.front().text.size(), Trace::text_bytes_max + 100);
    begin(tracer);
    end(tracer);
    EXPECT_TRUE(kept.spans.empty()) << "nothing is left for the next one";
}

TEST_F(TraceTest, TheCallersTraceIsFollowed) {
    const Tracer none(kept, {.share = 0.0, .slow = 0ns});
    TraceContext parent{.trace_id = new_trace_id(), .span_id = new_span_id(), .sampled = true};
    begin(none, parent);
    EXPECT_EQ(trace.id(), parent.trace_id);
    EXPECT_TRUE(trace.context().sampled);
    end(none);
    EXPECT_EQ(kept.traces, 1);
    EXPECT_EQ(kept.last.parent, parent.span_id);
    const Tracer all(kept, {.share = 1.0, .slow = 0ns});
    parent.sampled = false;
    begin(all, parent);
    end(all);
    EXPECT_EQ(kept.traces, 1);
}

TEST_F(TraceTest, WhatFailedOrWasSlowIsKeptWhateverTheShare) {
    const Tracer tracer(kept, {.share = 0.0, .slow = 50ms});
    begin(tracer);
    end(tracer, 49ms);
    EXPECT_EQ(kept.traces, 0);
    begin(tracer);
    end(tracer, 50ms);
    EXPECT_EQ(kept.traces, 1);
    begin(tracer);
    end(tracer, 1ms, true);
    EXPECT_EQ(kept.traces, 2);
    const Tracer neither(kept, {.share = 0.0, .slow = 0ns, .failures = false});
    begin(neither);
    end(neither, 1h, true);
    EXPECT_EQ(kept.traces, 2);
}

TEST_F(TraceTest, TheShareIsOfAllTraces) {
    constexpr int all = 20'000;
    const Tracer tracer(kept, {.share = 0.01, .slow = 0ns});
    for (int i = 0; i < all; ++i) {
        begin(tracer);
        end(tracer);
    }
    EXPECT_NEAR(kept.traces, all / 100, 60);  // four standard deviations
}

TEST_F(TraceTest, AJobIsATraceOfItsOwn) {
    const Tracer tracer(kept, {});
    {
        JobTrace job(&tracer, "clerk.clear_away");
        Span("step");
        job.fail("storage.busy");
    }
    EXPECT_EQ(Trace::current(), nullptr);
    EXPECT_EQ(kept.last.name, "clerk.clear_away");
    EXPECT_TRUE(kept.last.failed);
    EXPECT_EQ(kept.spans.size(), 1U);
    {
        const JobTrace poll(&tracer, "poll", JobTrace::Kind::poll);
    }
    EXPECT_EQ(kept.traces, 1) << "it found nothing to do";
    {
        JobTrace poll(&tracer, "poll", JobTrace::Kind::poll);
        poll.heed(Result<void>(fail(ErrorKind::unavailable, "storage.io")));
    }
    EXPECT_EQ(kept.traces, 2);
    EXPECT_EQ(kept.last.why, "storage.io");
    const JobTrace nobody(nullptr, "unseen");
    EXPECT_EQ(Trace::current(), nullptr);
}

}  // namespace
}  // namespace gh::telemetry
