#include "telemetry/access_line.hpp"

#include "codec/json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace gh::telemetry {
namespace {

AccessRecord full() {
    return {.timestamp = SystemTime(std::chrono::milliseconds(1'767'268'800'042)),
            .method = "POST",
            .target = "/api/query?x=1&token=abc",
            .protocol = "HTTP/1.1",
            .host = "api.example.com",
            .status = 200,
            .duration = std::chrono::microseconds(12'345),
            .bytes_in = 17,
            .bytes_out = 123'456,
            .outcome = "ok",
            .code = "auth.none",
            .route = "/api/",
            .upstream = "backend",
            .upstream_address = "127.0.0.1:8000",
            .upstream_duration = std::chrono::microseconds(11'005),
            .client_ip = "2001:db8::1",
            .principal = "weather",
            .principal_type = "agent",
            .request_id = "0192f0c1-0000-7000-8000-000000000000",
            .correlation_id = "c-1",
            .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
            .tls_version = "TLSv1.3",
            .user_agent = "curl/8 \"quoted\""};
}

std::string line_of(const AccessRecord& record) {
    std::string out;
    append_access_line(out, record);
    return out;
}

TEST(AccessLine, WritesEveryFieldInOrder) {
    EXPECT_EQ(
        line_of(full()),
        "{\"timestamp\":\"2026-01-01T12:00:00.042Z\",\"level\":\"INFO\",\"component\":\"access\","
        "\"message\":\"request\",\"request_id\":\"0192f0c1-0000-7000-8000-000000000000\","
        "\"correlation_id\":\"c-1\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
        "\"client_ip\":\"2001:db8::1\",\"method\":\"POST\",\"host\":\"api.example.com\","
        "\"target\":\"/api/query?x=1&token=***\",\"protocol\":\"HTTP/"
        "1.1\",\"tls_version\":\"TLSv1.3\","
        "\"user_agent\":\"curl/8 "
        "\\\"quoted\\\"\",\"principal\":\"weather\",\"principal_type\":\"agent\","
        "\"agent_name\":\"weather\",\"route\":\"/api/\",\"upstream\":\"backend\","
        "\"upstream_address\":\"127.0.0.1:8000\",\"upstream_duration_ms\":11.005,\"status\":200,"
        "\"outcome\":\"ok\",\"code\":\"auth.none\",\"duration_ms\":12.345,\"bytes_in\":17,\"bytes_"
        "out\":123456}\n");
}

TEST(AccessLine, LeavesOutWhatIsNotKnown) {
    EXPECT_EQ(
        line_of({.timestamp = SystemTime(std::chrono::seconds(0)),
                 .principal = "alice",
                 .principal_type = "user"}),
        "{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"level\":\"INFO\",\"component\":\"access\","
        "\"message\":\"request\",\"principal\":\"alice\",\"principal_type\":\"user\",\"status\":0,"
        "\"duration_ms\":0.000,\"bytes_in\":0,\"bytes_out\":0}\n");
}

TEST(AccessLine, AppendsBehindWhatIsThere) {
    std::string out = "before\n";
    append_access_line(out, full());
    append_access_line(out, full());
    EXPECT_EQ(out, "before\n" + line_of(full()) + line_of(full()));
}

TEST(AccessLine, ANegativeDurationIsZero) {
    auto record = full();
    record.duration = std::chrono::nanoseconds(-5);
    EXPECT_TRUE(line_of(record).contains("\"duration_ms\":0.000,"));
}

TEST(AccessLine, HostileValuesOfAnyLengthStayOneJsonLineWithinItsBound) {
    for (const char bad : {'\n', '"', '\x00', '\xff', '\xc3', '\x7f'}) {
        const std::string value(70'000, bad);
        auto record = full();
        for (auto* field :
             {&record.method, &record.target, &record.protocol, &record.host, &record.outcome,
              &record.code, &record.route, &record.upstream, &record.upstream_address,
              &record.client_ip, &record.principal, &record.request_id, &record.correlation_id,
              &record.trace_id, &record.tls_version, &record.user_agent}) {
            *field = value;
        }
        record.bytes_in = std::numeric_limits<std::uint64_t>::max();
        record.bytes_out = std::numeric_limits<std::int64_t>::max();
        record.status = std::numeric_limits<unsigned>::max();
        record.duration = record.upstream_duration = std::chrono::nanoseconds::max();
        const auto line = line_of(record);
        EXPECT_LT(line.size(), 64u * 1024);
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        const auto read = codec::json::parse(line);
        ASSERT_TRUE(read.has_value()) << line;
        ASSERT_NE(read->find("bytes_out"), nullptr);
        EXPECT_EQ(read->find("bytes_out")->integer(), std::numeric_limits<std::int64_t>::max());
    }
}

}  // namespace
}  // namespace gh::telemetry
