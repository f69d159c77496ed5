#include "gateway/config.hpp"

#include <gtest/gtest.h>

#include "config/read_for_test.hpp"
#include "gateway/config_words.hpp"

namespace gh::gateway {
namespace {

using config::read_for_test;

TEST(Endpoint, IsSchemeHostAndPort) {
    struct Case {
        std::string_view text, shown;  // empty: refused
    };
    constexpr Case cases[] = {
        {"http://127.0.0.1:8000", "http://127.0.0.1:8000"},
        {"http://backend", "http://backend"},
        {"https://Backend.Example.COM", "https://backend.example.com"},
        {"https://backend:443/", "https://backend"},
        {"http://backend:80", "http://backend"},
        {"https://[::1]:8443", "https://[::1]:8443"},
        {"http://[2001:DB8::1]", "http://[2001:db8::1]"},
        {"http://a_b:1", "http://a_b:1"},
        {"backend:8000", ""},
        {"ftp://backend", ""},
        {"HTTP://backend", ""},
        {"http://", ""},
        {"http://:80", ""},
        {"http://backend/path", ""},
        {"http://backend?q", ""},
        {"http://backend#f", ""},
        {"http://user:password@backend", ""},
        {"http://backend:0", ""},
        {"http://backend:65536", ""},
        {"http://backend:", ""},
        {"http://backend:08", ""},
        {"http://::1:80", ""},
        {"http://[::1", ""},
        {"http://[::1]80", ""},
        {"http://[127.0.0.1]", ""},
        {"http://back end", ""},
        {"http://-a", ""},
        {"http://a..b", ""},
        {"http://a.", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto endpoint = parse_endpoint(c.text);
        EXPECT_EQ(endpoint ? endpoint->text() : "", c.shown);
    }
}

TEST(UpstreamConfig, ReadsAndShowsEveryKey) {
    const auto bare = read_for_test(upstream_type(), "name: a\nendpoints: [\"http://b\"]\n");
    ASSERT_EQ(bare.problems, "");
    UpstreamConfig wanted;
    wanted.name = "a";
    wanted.endpoints = {EndpointConfig{.host = "b", .port = 80}};
    EXPECT_EQ(bare.value, wanted);

    const std::string full =
        "name: a\nendpoints: [\"https://b\", \"https://c:8443\"]\nbalance: "
        "hash:header:X-User\nhealth_check: {}\n"
        "circuit_breaker: {enabled: false, failures: 1, window: 1s, open_for: 1s, "
        "half_open_requests: 2}\n"
        "timeouts: {connect: 1s, response: 1s, idle: 1s, tunnel_idle: 1s, total: 1h}\n"
        "retry: {attempts: 3, on: [connect, 503, 429], budget_percent: 0}\nconnections_max: "
        "1\npending_max: 0\n"
        "resolve_interval: 1m\ntls: {ca_file: ca.pem, server_name: b.internal, cert_file: c, "
        "key_file: k}\n";
    const auto read = read_for_test(upstream_type(), full);
    ASSERT_EQ(read.problems, "");
    EXPECT_EQ(read.value.balance.header, "X-User");
    EXPECT_EQ(read.value.health_check, HealthCheckConfig{});
    EXPECT_EQ(read.value.retry.on_statuses, (std::vector<std::uint16_t>{503, 429}));
    EXPECT_EQ(read.value.timeouts.total, std::chrono::hours(1));
    const auto again = read_for_test(upstream_type(), read.shown);
    ASSERT_EQ(again.problems, "") << read.shown;
    EXPECT_EQ(again.value, read.value);
}

TEST(UpstreamConfig, RefusesWhatCannotWork) {
    struct Case {
        std::string yaml, wanted;
    };
    const std::string head = "name: a\nendpoints: [\"http://b\"]\n";
    const Case cases[] = {
        {"endpoints: [\"http://b\"]",
         "f:1: name: is missing: What routes, metrics and the log call it."},
        {"name: a",
         "f:1: endpoints: is missing: http or https URLs; several are balanced, https is always "
         "verified."},
        {"name: a\nendpoints: []", "f:2: endpoints: has 0 entries, allowed: 1 to 256"},
        {"name: a\nendpoints:\n  - http://b\n  - http://u:hunter2@c",
         "f:4: endpoints[1]: \"http://***@c\" holds credentials, which belong into inject.headers, "
         "allowed: "
         "http://HOST:PORT or https://HOST:PORT"},
        {"name: a\nendpoints: [\"http://b\", \"http://b:80\"]",
         "f:1: has the endpoint http://b twice"},
        {head + "balance: random",
         "f:3: balance: \"random\" is unknown, allowed: round_robin, least_requests, "
         "hash:header:NAME, hash:client_ip"},
        {head + "balance: \"hash:header:\"",
         "f:3: balance: \"hash:header:\" is unknown, allowed: round_robin, "
         "least_requests, hash:header:NAME, hash:client_ip"},
        {head + "retry: {on: [connect, 404]}",
         "f:3: retry.on[1]: \"404\" is unknown, did you mean 504? allowed: connect, 500, 502, 503, "
         "504, 429"},
        {head + "retry: {attempts: 0}",
         "f:3: retry.attempts: \"0\" is out of range, allowed: 1 to 10"},
        {head + "tls: {ca_file: x}", "f:1: has tls, but no endpoint is https"},
        {"name: a\nendpoints: [\"https://b\"]\ntls: {cert_file: x}",
         "f:3: tls: has one of cert_file and key_file, wanted: both or neither"},
        {head + "health_check: {path: health}",
         "f:3: health_check.path: \"health\" does not begin with /"},
        {head + "circuit_breaker: {failures: 0}",
         "f:3: circuit_breaker.failures: \"0\" is out of range, allowed: 1 to 10000"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(read_for_test(upstream_type(), c.yaml).problems, c.wanted);
    }
}

TEST(Paths, AreWrittenTheOneWayThatRequestsAreComparedIn) {
    for (const auto* path : {"/", "/api", "/api/", "/a.b/..c/.d", "/a%20b", "/%C3%A4", "/a;b=c,d",
                             "/a%2Fb", "/~x/@y:z"}) {
        EXPECT_EQ(read_for_test(path_type(), std::string("\"") + path + "\"").problems, "") << path;
    }
    for (const auto* path :
         {"", "api", "/a//b", "/a/./b", "/a/..", "/.", "/a b", "/a?b", "/a#b", "/a%2", "/a%zz",
          "/a%2f", "/a%41", "/a%2E", "/a%00", "/\xc3\xa4", "/a\\\\b", "/a%"}) {
        EXPECT_NE(read_for_test(path_type(), std::string("\"") + path + "\"").problems, "") << path;
    }
}

TEST(Hosts, AreNamesOrAddressesWithoutPort) {
    EXPECT_EQ(read_for_test(host_type(), "API.Example.COM").value, "api.example.com");
    for (const auto* host : {"localhost", "\"*.example.com\"", "127.0.0.1", "\"[::1]\"", "a-b.c"}) {
        EXPECT_EQ(read_for_test(host_type(), host).problems, "") << host;
    }
    for (const auto* host : {"a:80", "http://a", "\"*\"", "a.*.b", "\"*.\"", "a b", "a/", "a.",
                             ".a", "-a", "\"[]\"", "\"[x]\"", "\"[::1\""}) {
        EXPECT_NE(read_for_test(host_type(), host).problems, "") << host;
    }
}

TEST(Origins, AreKeptAsBrowsersSendThem) {
    struct Case {
        std::string_view written, kept;  // empty: refused
    };
    constexpr Case cases[] = {
        {"http://localhost:3000", "http://localhost:3000"},
        {"https://App.Example.com:443", "https://app.example.com"},
        {"http://a:80", "http://a"},
        {"capacitor://localhost", "capacitor://localhost"},
        {"*", "*"},
        {"null", ""},
        {"https://a/", ""},
        {"https://a/path", ""},
        {"https://*.a", ""},
        {"a.example.com", ""},
        {"://a", ""},
        {"https://", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.written);
        const auto read = read_for_test(origin_type(), "\"" + std::string(c.written) + "\"");
        EXPECT_EQ(read.problems.empty() ? read.value : "", c.kept);
    }
}

const std::string head = "match: {path_prefix: /api/}\nupstream: b\n";

TEST(RouteConfig, ReadsEveryKindOfAccess) {
    using Kind = AccessConfig::Kind;
    struct Case {
        std::string access;
        Kind kind;
    };
    const Case cases[] = {
        {"public", Kind::anyone},
        {"authenticated", Kind::authenticated},
        {"{role: user}", Kind::role},
        {"{role: billing}", Kind::role},
        {"{scopes: [a, b]}", Kind::scopes},
        {"{client_certificate: true}", Kind::client_certificate},
        {"{agent: true}", Kind::agent},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.access);
        const auto read = read_for_test(route_type(), head + "access: " + c.access);
        ASSERT_EQ(read.problems, "");
        EXPECT_EQ(read.value.access.kind, c.kind);
        const auto again = read_for_test(route_type(), read.shown);
        ASSERT_EQ(again.problems, "") << read.shown;
        EXPECT_EQ(again.value, read.value);
    }
    EXPECT_EQ(AccessConfig{}.kind, Kind::nobody);
}

TEST(RouteConfig, ReadsAndShowsEveryKey) {
    const auto read =
        read_for_test(route_type(),
                      "name: n\nmatch: {path: /api, methods: [GET, PURGE], host: "
                      "\"*.example.com\", listener: public, header: {X-A: b}}\n"
                      "upstream: b\naccess: public\nrate_limit: [{requests: 100, per: 1m, by: "
                      "client_ip}, {requests: 1, per: 1h, by: "
                      "principal}, {requests: 5, per: 1s, by: route}]\nrequest_body_max: "
                      "0\nrequest_body: buffer\n"
                      "cors: {origins: [\"http://localhost:3000\"], methods: [GET], headers: "
                      "[X-A], expose: [X-B], credentials: true, "
                      "max_age: 1h}\ninject: {headers: {X-User: \"${principal.subject}/$${x}\", "
                      "Authorization: \"Bearer ${env:TOKEN}\"}}\n"
                      "access_log: false\nallow_encoded_slash: true\nsecurity_headers: page\ncsp: "
                      "\"default-src 'self'\"\n"
                      "timeouts: {response: 1m, idle: 2m, tunnel_idle: 3m, total: 4m}\n",
                      {{"TOKEN", "hunter2"}});
    ASSERT_EQ(read.problems, "");
    const auto& route = read.value;
    EXPECT_EQ(route.name, "n");
    EXPECT_EQ(route.rate_limit.size(), 3U);
    EXPECT_EQ(route.request_body_max, 0U);
    ASSERT_EQ(route.inject.headers.size(), 2U);
    ASSERT_EQ(route.inject.headers[0].parts.size(), 2U);
    EXPECT_EQ(route.inject.headers[0].parts[0].fact, RequestFact::principal_subject);
    EXPECT_EQ(route.inject.headers[0].parts[1].text, "/${x}");
    EXPECT_EQ(route.inject.headers[1].parts.at(0).text, "Bearer hunter2");
    EXPECT_NE(read.origins.find("inject.headers.Authorization"), nullptr);
    EXPECT_EQ(route.timeouts.total, std::chrono::minutes(4));
    const auto again = read_for_test(route_type(), read.shown);
    ASSERT_EQ(again.problems, "") << read.shown;
    EXPECT_EQ(again.value, read.value);
}

TEST(RouteConfig, DefaultsAreThoseOfTheManual) {
    const auto read = read_for_test(route_type(), head + "access: public");
    ASSERT_EQ(read.problems, "");
    EXPECT_EQ(read.value.name, "/api/");
    EXPECT_EQ(read.value.request_body_max, 10U * 1024 * 1024);
    EXPECT_EQ(read.value.request_body, BodyMode::stream);
    EXPECT_TRUE(read.value.access_log);
    EXPECT_FALSE(read.value.allow_encoded_slash);
    EXPECT_FALSE(read.value.cors);
    EXPECT_EQ(read.value.security_headers, SecurityHeaders::api);
}

TEST(RouteConfig, RefusesWhatWouldBeOpenOrCannotWork) {
    struct Case {
        std::string yaml, wanted;
    };
    const std::string open = head + "access: public\n";
    std::string nine;
    for (int i = 0; i < 9; ++i) nine += "{requests: 1, per: 1m},";
    const Case cases[] = {
        {head,
         "f:1: access: is missing: Who may: public, authenticated, {role: }, {scopes: []}, "
         "{client_certificate: "
         "true} or {agent: true}."},
        {head + "access: everybody",
         "f:3: access: \"everybody\" is unknown, allowed: public, authenticated"},
        {head + "access:", "f:3: access: is nothing, wanted: a single value or a map"},
        {head + "access: [public]", "f:3: access: is a list, wanted: a single value or a map"},
        {head + "access: {}",
         "f:3: access: wants exactly one of role, scopes, client_certificate: true, agent: true"},
        {head + "access: {agent: false}",
         "f:3: access: wants exactly one of role, scopes, client_certificate: true, agent: true"},
        {head + "access: {role: user, agent: false}",
         "f:3: access: wants exactly one of role, scopes, client_certificate: true, agent: true"},
        {head + "access: {role: user, scopes: [a]}",
         "f:3: access: wants exactly one of role, scopes, client_certificate: true, agent: true"},
        {head + "access: {scopes: []}", "f:3: access.scopes: has 0 entries, allowed: 1 to 100"},
        {head + "access: {roles: user}",
         "f:3: access.roles: unknown key, did you mean role? allowed: role, scopes, "
         "client_certificate, agent"},
        {"match: {}\nupstream: b\naccess: public",
         "f:1: match: wants exactly one of path and path_prefix"},
        {"match: {path: /a, path_prefix: /b}\nupstream: b\naccess: public",
         "f:1: match: wants exactly one of path and path_prefix"},
        {"match: {path: /a, methods: [get]}\nupstream: b\naccess: public",
         "f:1: match.methods[0]: \"get\" is not a method, allowed: upper-case names such as GET"},
        {"match: {path: /a, methods: [CONNECT]}\nupstream: b\naccess: public",
         "f:1: match.methods[0]: \"CONNECT\" is never passed on"},
        {"match: {path: /a, header: {\"a b\": c}}\nupstream: b\naccess: public",
         "f:1: match: \"a b\" is not a header name"},
        {"upstream: b\naccess: public",
         "f:1: match: is missing: Which requests; everything said must hold."},
        {open + "rate_limit: [{requests: 0, per: 1m}]",
         "f:4: rate_limit[0].requests: \"0\" is out of range, allowed: 1 to 1000000000"},
        {open + "rate_limit: [{requests: 1}]", "f:4: rate_limit[0].per: is missing: The window."},
        {open + "rate_limit: [" + nine + "]", "f:4: rate_limit: has 9 entries, allowed: 0 to 8"},
        {open + "rate_limit: {requests: 1, per: 1m}", "f:4: rate_limit: is a map, wanted: a list"},
        {open + "rate_limit: [{requests: 1, per: 1m, by: user}]",
         "f:4: rate_limit[0].by: \"user\" is unknown, allowed: client_ip, principal, route"},
        {open + "cors: {origins: [\"*\"], credentials: true}",
         "f:4: cors: the origin \"*\" together with credentials would let every page act as its "
         "visitor, allowed: a list "
         "of origins, or credentials: false"},
        {open + "cors: {origins: [\"https://a\", \"*\"], credentials: true}",
         "f:4: cors: the origin \"*\" together with credentials would let every page act as its "
         "visitor, allowed: a list "
         "of origins, or credentials: false"},
        {open + "cors: {credentials: true}", "f:4: cors: names no origin, wanted: origins"},
        {open + "cors: {origins: [\"https://a/\"]}",
         "f:4: cors.origins[0]: \"https://a/\" is not an origin, allowed: SCHEME://HOST or "
         "SCHEME://HOST:PORT without a "
         "path, or *"},
        {open + "inject: {headers: {Host: x}}",
         "f:4: inject: \"Host\" must not be injected: it is no header name, or set by the gateway "
         "itself"},
        {open + "inject: {headers: {X-Gatehouse-Subject: root}}",
         "f:4: inject: \"X-Gatehouse-Subject\" must not be injected: it is no header name, or set "
         "by the gateway itself"},
        {open + "inject: {headers: {X-A: \"a\\r\\nX-B: c\"}}",
         "f:4: inject.headers.X-A: holds what a header value must not, allowed: visible ASCII and "
         "blanks"},
        {open + "inject: {headers: {X-A: \"${principal.password}\"}}",
         "f:4: inject.headers.X-A: \"principal.password\" is no reference, allowed: ${env:NAME}, "
         "${file:PATH}, "
         "${secret:PATH#FIELD}, and here ${principal.subject}, ${principal.type}, "
         "${principal.roles}, ${principal.scopes}, "
         "${principal.issuer}, ${client.ip}, ${request.id}, ${request.correlation_id}"},
        {open + "csp: \"${principal.subject}\"",
         "f:4: csp: \"principal.subject\" is no reference, allowed: ${env:NAME}, ${file:PATH}, "
         "${secret:PATH#FIELD}"},
        {open + "request_body_max: 10M",
         "f:4: request_body_max: \"10M\" is not a size, allowed: a whole number of bytes, or one "
         "with kB, MB, GB (powers of "
         "1000) or KiB, MiB, GiB (powers of 1024)"},
        {open + "security_headers: all",
         "f:4: security_headers: \"all\" is unknown, allowed: api, page, none"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(read_for_test(route_type(), c.yaml).problems, c.wanted);
    }
}

TEST(RouteMatch, PrefixesEndAtASegment) {
    struct Case {
        std::string path, prefix;
        std::string_view asked;
        bool covered;
    };
    const Case cases[] = {
        {"", "/api/", "/api/x", true}, {"", "/api/", "/api/", true}, {"", "/api/", "/api", false},
        {"", "/api", "/api", true},    {"", "/api", "/api/x", true}, {"", "/api", "/apix", false},
        {"", "/", "/anything", true},  {"/api", "", "/api", true},   {"/api", "", "/api/", false},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(covers_path(RouteMatch{.path = c.path, .path_prefix = c.prefix}, c.asked),
                  c.covered)
            << c.path << c.prefix << ' ' << c.asked;
    }
}

TEST(Routes, ThatCanNeverBeReachedAreFound) {
    struct Case {
        std::string first, second;
        bool hidden;
    };
    const Case cases[] = {
        {"{path_prefix: /}", "{path_prefix: /api/}", true},
        {"{path_prefix: /api/}", "{path_prefix: /}", false},
        {"{path_prefix: /api/}", "{path: /api/x}", true},
        {"{path_prefix: /api/}", "{path: /api}", false},
        {"{path_prefix: /api}", "{path_prefix: /api/}", true},
        {"{path_prefix: /api/}", "{path_prefix: /api}", false},
        {"{path: /a}", "{path: /a}", true},
        {"{path: /a}", "{path_prefix: /a}", false},
        {"{path_prefix: /, methods: [GET]}", "{path_prefix: /, methods: [GET, POST]}", false},
        {"{path_prefix: /, methods: [GET, POST]}", "{path_prefix: /, methods: [GET]}", true},
        {"{path_prefix: /, methods: [GET]}", "{path_prefix: /}", false},
        {"{path_prefix: /, host: a.b}", "{path_prefix: /, host: a.b}", true},
        {"{path_prefix: /, host: a.b}", "{path_prefix: /}", false},
        {"{path_prefix: /, host: \"*.b\"}", "{path_prefix: /, host: a.b}", true},
        {"{path_prefix: /, host: \"*.b\"}", "{path_prefix: /, host: a.a.b}", false},
        {"{path_prefix: /, host: \"*.b\"}", "{path_prefix: /, host: b}", false},
        {"{path_prefix: /, listener: x}", "{path_prefix: /, listener: y}", false},
        {"{path_prefix: /, listener: x}", "{path_prefix: /, listener: x}", true},
        {"{path_prefix: /, header: {A: b}}", "{path_prefix: /, header: {a: b, c: d}}", true},
        {"{path_prefix: /, header: {A: b}}", "{path_prefix: /, header: {A: c}}", false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.first + " then " + c.second);
        std::vector<RouteConfig> routes;
        for (const auto& match : {c.first, c.second}) {
            auto read =
                read_for_test(route_type(), "match: " + match + "\nupstream: b\naccess: public");
            ASSERT_EQ(read.problems, "");
            routes.push_back(std::move(read.value));
        }
        EXPECT_EQ(hidden_routes(routes).size(), c.hidden ? 1U : 0U);
    }
}

}  // namespace
}  // namespace gh::gateway
