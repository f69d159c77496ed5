#include "export/otlp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace gh::exporting::otlp {
namespace {

using namespace std::chrono_literals;
using telemetry::Attribute;

telemetry::TraceId trace_id() {
    telemetry::TraceId id;
    for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(0x10 + i);
    return id;
}

const std::array<Attribute, 5> facts{{{"text", std::string_view("a\"b\n\xff")},
                                      {"yes", true},
                                      {"minus", std::int64_t{-1}},
                                      {"half", 0.5},
                                      {"nan", std::numeric_limits<double>::quiet_NaN()}}};

telemetry::SpanRecord span() {
    return {.name = "GET /a",
            .kind = telemetry::SpanKind::server,
            .id = {1, 2, 3, 4, 5, 6, 7, 8},
            .parent = telemetry::SpanId{8, 7, 6, 5, 4, 3, 2, 1},
            .begins = SystemTime(1'700'000'000s),
            .duration = 1'500us,
            .failed = true,
            .why = "upstream.timeout",
            .attributes = facts};
}

TEST(Otlp, WritesJsonAsTheProtocolHasIt) {
    std::string spans;
    append_span(spans, Encoding::json, trace_id(), span(), 3);
    telemetry::SpanRecord root{.name = "job", .id = {9}, .begins = SystemTime(1s)};
    append_span(spans, Encoding::json, trace_id(), root);
    EXPECT_EQ(count(Encoding::json, spans), 2U);
    const auto text = body(Encoding::json, {{"service.name", "gatehouse"}}, spans);
    EXPECT_EQ(
        text,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"gatehouse\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"gatehouse\"},"
        "\"spans\":[{\"traceId\":\"101112131415161718191a1b1c1d1e1f\",\"spanId\":"
        "\"0102030405060708\",\"parentSpanId\":\"0807060504030201\",\"name\":\"GET /a\",\"kind\":2,"
        "\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":"
        "\"1700000000001500000\",\"attributes\":[{\"key\":\"text\",\"value\":{\"stringValue\":"
        "\"a\\\"b\\n\\ufffd\"}},{\"key\":\"yes\",\"value\":{\"boolValue\":true}},{\"key\":"
        "\"minus\",\"value\":{\"intValue\":\"-1\"}},{\"key\":\"half\",\"value\":{\"doubleValue\":"
        "0.5}},{\"key\":\"nan\",\"value\":{\"doubleValue\":0}},{\"key\":\"gatehouse.spans_dropped\""
        ",\"value\":{\"intValue\":\"3\"}}],\"status\":{\"code\":2,\"message\":\"upstream.timeout\"}"
        "},{\"traceId\":\"101112131415161718191a1b1c1d1e1f\",\"spanId\":\"0900000000000000\","
        "\"name\":\"job\",\"kind\":1,\"startTimeUnixNano\":\"1000000000\",\"endTimeUnixNano\":"
        "\"1000000000\",\"attributes\":[]}]}]}]}");
}

TEST(Otlp, LinksASpanWithThoseOfOtherTraces) {
    const std::array links{
        telemetry::TraceContext{.trace_id = trace_id(), .span_id = {7, 0, 0, 0, 0, 0, 0, 1}},
        telemetry::TraceContext{.trace_id = trace_id(), .span_id = {7, 0, 0, 0, 0, 0, 0, 2}}};
    telemetry::SpanRecord root{.name = "j", .id = {9}, .begins = SystemTime(1s), .links = links};
    std::string json, protobuf;
    append_span(json, Encoding::json, trace_id(), root);
    EXPECT_TRUE(json.contains(
        "\"attributes\":[],\"links\":["
        "{\"traceId\":\"101112131415161718191a1b1c1d1e1f\",\"spanId\":\"0700000000000001\"},"
        "{\"traceId\":\"101112131415161718191a1b1c1d1e1f\",\"spanId\":\"0700000000000002\"}]}"))
        << json;
    append_span(protobuf, Encoding::protobuf, trace_id(), root);
    const std::string first(
        "\x6a\x1c"
        "\x0a\x10\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
        "\x12\x08\x07\0\0\0\0\0\0\x01",
        30);
    EXPECT_TRUE(protobuf.contains(first));
    EXPECT_TRUE(protobuf.ends_with("\x02"));
}

TEST(Otlp, WritesProtobufByHandAsItsEncodingSays) {
    std::string spans;
    const std::array<Attribute, 1> one{{{"n", std::int64_t{300}}}};
    telemetry::SpanRecord root{.name = "j",
                               .id = {9, 0, 0, 0, 0, 0, 0, 1},
                               .begins = SystemTime(1s),
                               .duration = 1ns,
                               .attributes = one};
    append_span(spans, Encoding::protobuf, trace_id(), root);
    const std::string expected = std::string(
        "\x12\x3d"
        "\x0a\x10\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
        "\x12\x08\x09\0\0\0\0\0\0\x01"
        "\x2a\x01j"
        "\x30\x01"
        "\x39\x00\xca\x9a\x3b\0\0\0\0"
        "\x41\x01\xca\x9a\x3b\0\0\0\0"
        "\x4a\x08\x0a\x01n\x12\x03\x18\xac\x02",
        63);
    EXPECT_EQ(spans, expected);
    append_span(spans, Encoding::protobuf, trace_id(), span(), 1);
    EXPECT_EQ(count(Encoding::protobuf, spans), 2U);
    EXPECT_EQ(first_spans(Encoding::protobuf, spans, 1), expected) << "one at least";
    EXPECT_EQ(first_spans(Encoding::protobuf, spans, spans.size() - 1), expected);
    EXPECT_EQ(first_spans(Encoding::protobuf, spans, spans.size()), spans);
    EXPECT_EQ(spans.find("b\n\xff"), std::string::npos) << "no text that is not UTF-8";
    const auto text = body(Encoding::protobuf, {{"service.name", "g"}}, spans);
    EXPECT_TRUE(text.ends_with(spans));
    EXPECT_EQ(text.find(spans) + spans.size(), text.size());
}

}  // namespace
}  // namespace gh::exporting::otlp
