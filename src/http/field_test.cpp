#include "http/field.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::http {
namespace {

TEST(FieldId, KnowsEveryNameInAnyCase) {
    struct Case {
        std::string_view name;
        FieldId id;
    };
    constexpr Case cases[] = {
        {"accept", FieldId::accept},
        {"Access-Control-Request-Headers", FieldId::access_control_request_headers},
        {"access-control-request-method", FieldId::access_control_request_method},
        {"Authorization", FieldId::authorization},
        {"cache-control", FieldId::cache_control},
        {"CONNECTION", FieldId::connection},
        {"content-encoding", FieldId::content_encoding},
        {"Content-Length", FieldId::content_length},
        {"content-security-policy", FieldId::content_security_policy},
        {"content-type", FieldId::content_type},
        {"Cookie", FieldId::cookie},
        {"date", FieldId::date},
        {"DPoP", FieldId::dpop},
        {"expect", FieldId::expect},
        {"client-ip", FieldId::forwarding_claim},
        {"cf-connecting-ip", FieldId::forwarding_claim},
        {"cf-connecting-ipv6", FieldId::forwarding_claim},
        {"fastly-client-ip", FieldId::forwarding_claim},
        {"front-end-https", FieldId::forwarding_claim},
        {"proxy-client-ip", FieldId::forwarding_claim},
        {"true-client-ip", FieldId::forwarding_claim},
        {"wl-proxy-client-ip", FieldId::forwarding_claim},
        {"x-forwarded", FieldId::forwarding_claim},
        {"x-forwarded-port", FieldId::forwarding_claim},
        {"x-forwarded-foo", FieldId::forwarding_claim},
        {"x-forwarded-a-name-that-is-longer-than-any-slot-of-the-table", FieldId::forwarding_claim},
        {"x-real-ip", FieldId::forwarding_claim},
        {"x-envoy-external-address", FieldId::forwarding_claim},
        {"x-original-url", FieldId::forwarding_claim},
        {"proxy", FieldId::proxy},
        {"forwarded", FieldId::forwarded},
        {"hOsT", FieldId::host},
        {"keep-alive", FieldId::keep_alive},
        {"location", FieldId::location},
        {"origin", FieldId::origin},
        {"proxy-authenticate", FieldId::proxy_authenticate},
        {"proxy-authorization", FieldId::proxy_authorization},
        {"proxy-connection", FieldId::proxy_connection},
        {"retry-after", FieldId::retry_after},
        {"sec-websocket-key", FieldId::sec_websocket_key},
        {"server", FieldId::server},
        {"strict-transport-security", FieldId::strict_transport_security},
        {"TE", FieldId::te},
        {"traceparent", FieldId::traceparent},
        {"tracestate", FieldId::tracestate},
        {"trailer", FieldId::trailer},
        {"Transfer-Encoding", FieldId::transfer_encoding},
        {"upgrade", FieldId::upgrade},
        {"user-agent", FieldId::user_agent},
        {"vary", FieldId::vary},
        {"via", FieldId::via},
        {"x-api-key", FieldId::x_api_key},
        {"x-correlation-id", FieldId::x_correlation_id},
        {"x-forwarded-for", FieldId::x_forwarded_for},
        {"x-forwarded-host", FieldId::x_forwarded_host},
        {"x-forwarded-proto", FieldId::x_forwarded_proto},
        {"x-request-id", FieldId::x_request_id},
        {"X-Gatehouse-Subject", FieldId::x_gatehouse},
        {"x-gatehouse-a-name-that-is-longer-than-any-slot-of-the-table", FieldId::x_gatehouse},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        EXPECT_EQ(field_id(c.name), c.id);
        std::string upper(c.name);
        for (auto& letter : upper) letter = static_cast<char>(std::toupper(letter));
        EXPECT_EQ(field_id(upper), c.id);
    }
}

TEST(FieldId, TakesNothingElseForAKnownName) {
    constexpr std::string_view names[] = {"",
                                          "x",
                                          "t",
                                          "hos",
                                          "hosts",
                                          "hast",
                                          "content-lengti",
                                          "content\rlength",
                                          "Content_Length",
                                          "Transfer_Encoding",
                                          "transfer\x0d"
                                          "encoding",
                                          "x-gatehouse",
                                          "y-gatehouse-subject",
                                          "x-forwardedfor",
                                          "x-real-ips",
                                          "client_ip",
                                          "x-forwarded\rfor",
                                          "authorisation",
                                          "\x48\x4f\x53\x14"};
    for (const auto name : names) EXPECT_EQ(field_id(name), FieldId::other) << name;
}

TEST(FieldId, SeesThroughUnderscoresInExtensionNames) {
    // A WSGI backend reads HTTP_X_GATEHOUSE_SUBJECT from either spelling.
    EXPECT_EQ(field_id("X_Gatehouse_Subject"), FieldId::x_gatehouse);
    EXPECT_EQ(field_id("x-gatehouse_roles"), FieldId::x_gatehouse);
    EXPECT_EQ(field_id("X_Forwarded-For"), FieldId::x_forwarded_for);
    EXPECT_EQ(field_id("X_API_KEY"), FieldId::x_api_key);
    EXPECT_EQ(field_id("X_Real-IP"), FieldId::forwarding_claim);
    EXPECT_EQ(field_id("X_Forwarded_Port"), FieldId::forwarding_claim);
}

TEST(Fields, KeepOrderAndDuplicatesAndRemoveBySet) {
    Fields fields;
    fields.add("Via", "a");
    fields.add("X-Other", "b");
    fields.add("via", "c");
    fields.add("TE", "trailers");
    EXPECT_EQ(fields.count(FieldId::via), 2U);
    EXPECT_EQ(fields.value(FieldId::via), "a");
    ASSERT_NE(fields.find("x-OTHER"), nullptr);
    EXPECT_EQ(fields.find("x-none"), nullptr);
    fields.remove({FieldId::via, FieldId::te});
    ASSERT_EQ(fields.size(), 1U);
    EXPECT_EQ(fields.begin()->value, "b");
}

}  // namespace
}  // namespace gh::http
