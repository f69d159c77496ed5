#include "identity/oauth/uri.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gh::identity::oauth {
namespace {

TEST(RedirectUris, LeadToTlsThisMachineOrAnApp) {
    struct Case {
        std::string uri;
        bool good;
    };
    const Case cases[] = {
        {"https://app.example/back", true},
        {"https://app.example:8443/back?x=1", true},
        {"http://127.0.0.1/back", true},
        {"http://127.0.0.1:3000/back", true},
        {"http://[::1]:3000/back", true},
        {"http://localhost:3000/back", true},
        {"com.example.app:/back", true},
        {"http://app.example/back", false},
        {"http://localhost.example/back", false},
        {"https://app.example/back#x", false},
        {"https://ann@app.example/", false},
        {"https://app.example@evil.example/", false},
        {"https:/back", false},
        {"https://", false},
        {"/back", false},
        {"//app.example/back", false},
        {"javascript:alert(1)", false},
        {"data:text/html,x", false},
        {"app:/back", false},
        {"https://app.example/a b", false},
        {"https://app.example/\"><script>", false},
        {"https://app.example/;x", false},
        {"https://app.example/\r\nX: y", false},
        {"https://app.example\\@evil.example/", false},
        {"HTTPS://app.example/", false},
        {"", false},
        {"https://app.example/" + std::string(redirect_uri_bytes_max, 'a'), false},
    };
    for (const auto& c : cases) EXPECT_EQ(valid_redirect_uri(c.uri), c.good) << c.uri;
}

TEST(RedirectUris, AreComparedExactlyButForLoopbackPorts) {
    const std::vector<std::string> registered{"https://app.example/back", "http://127.0.0.1/back",
                                              "http://localhost:3000/", "com.example.app:/back"};
    struct Case {
        std::string_view uri;
        bool good;
    };
    constexpr Case cases[] = {
        {"https://app.example/back", true},
        {"https://app.example/back/", false},
        {"https://app.example/back?x", false},
        {"https://app.example:443/back", false},
        {"https://app.example.evil.example/back", false},
        {"https://app.example/Back", false},
        {"https://app.example/%62ack", false},
        {"http://app.example/back", false},
        {"http://127.0.0.1:49152/back", true},
        {"http://127.0.0.1:49152/other", false},
        {"http://127.0.0.2:49152/back", false},
        {"http://[::1]:49152/back", false},
        {"https://127.0.0.1:49152/back", false},
        {"http://localhost:3001/", false},
        {"com.example.app:/back", true},
        {"com.example.app:/backdoor", false},
    };
    for (const auto& c : cases) EXPECT_EQ(redirect_uri_allowed(registered, c.uri), c.good) << c.uri;
}

TEST(RedirectUris, AreNamedInPoliciesByTheirOrigin) {
    EXPECT_EQ(policy_source_of("https://app.example:8443/back?x"), "https://app.example:8443");
    EXPECT_EQ(policy_source_of("http://127.0.0.1:3000/back"), "http://127.0.0.1:3000");
    EXPECT_EQ(policy_source_of("http://[::1]:3000/back"), "http:");
    EXPECT_EQ(policy_source_of("com.example.app:/back"), "com.example.app:");
    EXPECT_TRUE(is_contested("com.example.app:/back"));
    EXPECT_TRUE(is_contested("http://127.0.0.1/"));
    EXPECT_FALSE(is_contested("https://app.example/"));
}

TEST(RedirectUris, KeepTheirOwnParameters) {
    EXPECT_EQ(with_parameters("https://a.example/", "code=1"), "https://a.example/?code=1");
    EXPECT_EQ(with_parameters("https://a.example/?x=1", "code=1"), "https://a.example/?x=1&code=1");
    EXPECT_EQ(with_parameters("https://a.example/?", "code=1"), "https://a.example/?code=1");
}

TEST(Resources, AreAbsoluteUris) {
    EXPECT_TRUE(valid_resource("https://api.example/"));
    EXPECT_TRUE(valid_resource("urn:example:files"));
    for (const auto* bad : {"", "api", "/api", "https:", "https://a#b", "https://a b", "1a://b"})
        EXPECT_FALSE(valid_resource(bad)) << bad;
}

TEST(Origins, EndBeforeThePath) {
    EXPECT_EQ(origin_of("https://as.example:8443/tenant"), "https://as.example:8443");
    EXPECT_EQ(origin_of("https://as.example"), "https://as.example");
}

}  // namespace
}  // namespace gh::identity::oauth
