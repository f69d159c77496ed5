#include "identity/jwks_uri.hpp"

#include <gtest/gtest.h>

namespace gh::identity {
namespace {

TEST(JwksUri, IsTakenApart) {
    const struct {
        std::string_view text;
        bool tls;
        std::string_view host;
        std::uint16_t port;
        std::string_view authority, target;
    } cases[] = {
        {"https://idp.example", true, "idp.example", 443, "idp.example", "/"},
        {"https://IdP.Example:8443/jwks", true, "idp.example", 8443, "IdP.Example:8443", "/jwks"},
        {"https://idp.example?v=2", true, "idp.example", 443, "idp.example", "/?v=2"},
        {"https://[2001:DB8::1]:9/a?b=/c", true, "2001:db8::1", 9, "[2001:DB8::1]:9", "/a?b=/c"},
        {"http://127.9.9.9/keys", false, "127.9.9.9", 80, "127.9.9.9", "/keys"},
        {"http://[::1]:8080/keys", false, "::1", 8080, "[::1]:8080", "/keys"},
        {"http://localhost:1/", false, "localhost", 1, "localhost:1", "/"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto uri = parse_jwks_uri(c.text);
        ASSERT_TRUE(uri);
        EXPECT_EQ(uri->tls, c.tls);
        EXPECT_EQ(uri->host, c.host);
        EXPECT_EQ(uri->port, c.port);
        EXPECT_EQ(uri->authority, c.authority);
        EXPECT_EQ(uri->target, c.target);
    }
}

TEST(JwksUri, KeysAreFetchedUnencryptedFromThisMachineOnly) {
    for (const auto* text :
         {"http://idp.example/jwks", "http://10.0.0.1/jwks", "http://localhost.example/jwks",
          "http://127.0.0.1.example/jwks", "http://127.example/jwks", "http://[::2]/jwks",
          "http://0.0.0.0/jwks", "http://127.0.0.1:80@idp.example/jwks"}) {
        const auto uri = parse_jwks_uri(text);
        ASSERT_FALSE(uri) << text;
        EXPECT_EQ(uri.error().reason, "config.jwks_uri");
        EXPECT_TRUE(uri.error().detail.contains("allowed: https://HOST/PATH"));
    }
}

TEST(JwksUri, RefusesWhatCannotBeDialled) {
    for (const auto* text : {"",
                             "idp.example",
                             "ftp://idp.example/",
                             "HTTPS://idp.example/",
                             "https://",
                             "https:///jwks",
                             "https://:443/jwks",
                             "https://idp.example:/jwks",
                             "https://idp.example:0/jwks",
                             "https://idp.example:jwks/",
                             "https://idp.example:65536/",
                             "https://idp.example:99999999999/",
                             "https://idp.example:-1/",
                             "https://user:word@idp.example/",
                             "https://idp.example/#keys",
                             "https://idp.example/a b",
                             "https://idp.example/a\r\nHost: b",
                             "https://idp.example\\b",
                             "https://[::1/jwks",
                             "https://1.2.3/jwks",
                             "https://b\xc3\xbc.example/"}) {
        EXPECT_FALSE(parse_jwks_uri(text)) << text;
    }
}

}  // namespace
}  // namespace gh::identity
