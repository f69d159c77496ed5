#include "http/h2_head.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "http/h2_budget.hpp"

namespace gh::http {
namespace {

using namespace std::string_view_literals;
using Kind = H2Verdict::Kind;
using Lines = std::vector<std::pair<std::string_view, std::string_view>>;

const Lines sound{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}};

struct Judged {
    H2Head text;
    RequestHead head;
    H2Verdict verdict;
};

void judge(Judged& out, const Lines& lines, bool end_stream = true,
           const H2HeadLimits& limits = {}) {
    out.text.clear();
    for (const auto& [name, value] : lines) out.text.add(name, value, limits);
    out.verdict = out.text.make_request(out.head, end_stream, limits);
}

Lines with(std::string_view name, std::string_view value) {
    auto lines = sound;
    lines.emplace_back(name, value);
    return lines;
}

TEST(H2Head, RefusesByItselfWhatNghttp2RefusesToo) {
    const Lines cases[] = {
        with("x", "a\r\nb"),
        with("x", "a\0b"sv),
        with("x", " a"),
        with("x", "a\t"),
        with("X", "a"),
        with("x y", "a"),
        with("", "a"),
        with("connection", "x"),
        with("keep-alive", "x"),
        with("upgrade", "h2c"),
        with("te", "gzip"),
        with(":path", "/b"),
        with("proxy-connection", "x"),
        with("transfer-encoding", "chunked"),
        with("host", "b"),
        with("content-length", "1"),
        with("content-length", "x"),
        {},
        {{":method", "GET"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", ""}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "u@a"}},
        {{":method", "G T"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "ws"}, {":path", "/"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "a"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "/ b"}, {":authority", "a"}},
        {{":method", "GET"}, {":scheme", "https"}, {":path", "*"}, {":authority", "a"}},
        {{":method", "GET"},
         {":method", "GET"},
         {":scheme", "https"},
         {":path", "/"},
         {":authority", "a"}},
        {{":method", "GET"}, {"x", "y"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}},
    };
    Judged judged;
    for (const auto& lines : cases) {
        judge(judged, lines);
        EXPECT_EQ(judged.verdict.kind, Kind::malformed)
            << (lines.empty() ? "" : testing::PrintToString(lines.back()));
    }
    judge(judged, sound);
    EXPECT_EQ(judged.verdict.kind, Kind::sound);
    judged.text.spoil();
    EXPECT_EQ(judged.text.make_request(judged.head, true, {}).kind, Kind::malformed);
}

TEST(H2Head, AcceptsHostForAuthorityAndTeTrailers) {
    Judged judged;
    judge(judged, {{":method", "OPTIONS"},
                   {":scheme", "http"},
                   {":path", "*"},
                   {"host", "b:81"},
                   {"te", "trailers"}});
    ASSERT_EQ(judged.verdict.kind, Kind::sound) << judged.verdict.reason;
    EXPECT_EQ(judged.head.authority, "b:81");
    EXPECT_EQ(judged.head.target, "*");
    judge(judged, with("host", "A"));
    EXPECT_EQ(judged.verdict.kind, Kind::sound);
}

TEST(H2Head, FramesTheBody) {
    struct Case {
        Lines lines;
        bool end_stream;
        Framing framing;
        std::uint64_t length;
    };
    const Case cases[] = {
        {sound, true, Framing::none, 0},
        {sound, false, Framing::chunked, 0},
        {with("content-length", "0"), true, Framing::none, 0},
        {with("content-length", "0"), false, Framing::none, 0},
        {with("content-length", "7"), false, Framing::length, 7},
    };
    Judged judged;
    for (const auto& c : cases) {
        judge(judged, c.lines, c.end_stream);
        EXPECT_EQ(judged.verdict.kind, Kind::sound);
        EXPECT_EQ(judged.head.body.kind, c.framing);
        EXPECT_EQ(judged.head.body.length, c.length);
    }
}

TEST(H2Head, CountsAsTheSettingsPromise) {
    // 42 + 44 + 38 + 43 bytes with their overheads, and 32 + 1 + n for the field.
    const auto of_bytes = [](Judged& judged, std::size_t value) {
        const std::string text(value, 'x');
        judge(judged, with("x", text), true, {.bytes_max = 300});
        return judged.verdict.status;
    };
    Judged judged;
    EXPECT_EQ(of_bytes(judged, 300 - 167 - 33), 0);
    EXPECT_EQ(of_bytes(judged, 300 - 167 - 33 + 1), 431);

    auto lines = sound;
    for (int i = 0; i < 3; ++i) lines.emplace_back("x", "y");
    judge(judged, lines, true, {.fields_max = 3});
    EXPECT_EQ(judged.verdict.kind, Kind::sound);
    lines.emplace_back("x", "y");
    judge(judged, lines, true, {.fields_max = 3});
    EXPECT_EQ(judged.verdict.reason, "http.fields_too_many");
}

TEST(H2Head, MakesTrailers) {
    H2Head text;
    Fields trailers;
    text.add("grpc-status", "0", {});
    EXPECT_EQ(text.make_trailers(trailers, {}).kind, Kind::sound);
    EXPECT_EQ(trailers.find("grpc-status")->value, "0");
    text.add("host", "b", {});
    EXPECT_EQ(text.make_trailers(trailers, {}).kind, Kind::malformed);
    EXPECT_EQ(trailers.size(), 0U);
}

TEST(H2Budget, IsRefilledByTimeAndWork) {
    const SteadyTime start{};
    H2Budget budget(10, 2, start);
    EXPECT_TRUE(budget.spend(10));
    EXPECT_FALSE(budget.spend(1));
    for (int ms = 100; ms <= 1000; ms += 100)
        budget.refill(start + milliseconds(ms));  // small steps add up
    EXPECT_TRUE(budget.spend(2));
    EXPECT_FALSE(budget.spend(1));
    budget.earn(3);
    EXPECT_TRUE(budget.spend(3));
    budget.refill(start + std::chrono::hours(24 * 365));
    EXPECT_TRUE(budget.spend(10));  // and no more than that
    EXPECT_FALSE(budget.spend(1));
    budget.refill(start);  // a clock that stands still or goes back gives nothing
    EXPECT_FALSE(budget.spend(1));
}

}  // namespace
}  // namespace gh::http
