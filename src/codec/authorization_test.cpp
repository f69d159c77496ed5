#include "codec/authorization.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

TEST(Authorization, TakesSchemeAndTokenApart) {
    struct Case {
        std::string_view value;
        AuthScheme scheme;
        std::string_view token;
    };
    constexpr Case cases[] = {
        {"Bearer abc.def-_~+/==", AuthScheme::bearer, "abc.def-_~+/=="},
        {"bearer abc", AuthScheme::bearer, "abc"},
        {"BEARER   abc", AuthScheme::bearer, "abc"},
        {"Basic dXNlcjpwYXNz", AuthScheme::basic, "dXNlcjpwYXNz"},
        {"DPoP abc", AuthScheme::dpop, "abc"},
        {"Custom abc=", AuthScheme::other, "abc="},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.value);
        const auto parts = parse_authorization(c.value).value();
        EXPECT_EQ(parts.scheme, c.scheme);
        EXPECT_EQ(parts.token, c.token);
        EXPECT_EQ(parts.parameters, "");
    }
}

TEST(Authorization, KeepsTheParametersOfOtherSchemesUnread) {
    const auto parts = parse_authorization("Digest username=\"a, b\", realm=x").value();
    EXPECT_EQ(parts.scheme, AuthScheme::other);
    EXPECT_EQ(parts.scheme_text, "Digest");
    EXPECT_EQ(parts.token, "");
    EXPECT_EQ(parts.parameters, "username=\"a, b\", realm=x");
    EXPECT_EQ(parse_authorization("Negotiate").value().scheme_text, "Negotiate");
}

TEST(Authorization, RefusesWhatIsNotOneToken) {
    for (const std::string_view value :
         {"", " ", "Bearer", "Bearer ", " Bearer abc", "Bearer abc def", "Bearer abc,def",
          "Bearer abc, Bearer def", "Bearer =", "Bearer a=b", "Bearer\tabc", "Bearer \"abc\"",
          "Bearer abc ", "Be(arer abc", "Basic user:pass", "Digest a\x01"}) {
        SCOPED_TRACE(value);
        EXPECT_FALSE(parse_authorization(value));
    }
    EXPECT_TRUE(parse_authorization("Bearer " + std::string(authorization_bytes_max - 7, 'a')));
    EXPECT_FALSE(parse_authorization("Bearer " + std::string(authorization_bytes_max - 6, 'a')));
}

}  // namespace
}  // namespace gh::codec
