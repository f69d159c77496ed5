#include "codec/path.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

constexpr PathRules strict;
constexpr PathRules lenient{.allow_encoded_slash = true, .allow_parameters = true};

/// The normal path, or "! reason".
std::string normal(std::string_view raw, PathRules rules = strict) {
    const auto path = normalise_path(raw, rules);
    return path ? std::string(path->view()) : "! " + std::string(path.error().reason);
}

TEST(NormalPath, GivesEachPathOneSpelling) {
    struct Case {
        std::string_view raw, normal;
    };
    constexpr Case cases[] = {
        {"/", "/"},
        {"/a/b/", "/a/b/"},
        {"/a-b_c.d~e!$&'()*+,=:@", "/a-b_c.d~e!$&'()*+,=:@"},
        // escapes: unreserved decoded, the rest in upper case
        {"/%61dmin", "/admin"},
        {"/%41dmin", "/Admin"},
        {"/%7Euser/%2D%2e%5f", "/~user/-._"},
        {"/a%20b", "/a%20b"},
        {"/%c3%a9", "/%C3%A9"},
        {"/%e2%82%ac/%f0%9f%98%80", "/%E2%82%AC/%F0%9F%98%80"},
        {"/%3a%40", "/%3A%40"},  // reserved: an escape is not the same as the character
        {"/%3fx%23y", "/%3Fx%23y"},
        {"/%3Bx", "/%3Bx"},
        // decoded once only
        {"/%252e%252e/admin", "/%252e%252e/admin"},
        {"/%2561dmin", "/%2561dmin"},
        {"/a%25", "/a%25"},
        {"/%252f", "/%252f"},
        // characters that browsers send raw
        {"/a[0]|{b}^`\"<>", "/a%5B0%5D%7C%7Bb%7D%5E%60%22%3C%3E"},
        // dot segments, however spelled (RFC 3986 §5.2.4)
        {"/a/./b", "/a/b"},
        {"/a/../b", "/b"},
        {"/a/b/..", "/a/"},
        {"/a/b/.", "/a/b/"},
        {"/.", "/"},
        {"/..", "/"},
        {"/../../etc", "/etc"},
        {"/a/b/c/./../../g", "/a/g"},
        {"/public/%2e%2e/admin", "/admin"},
        {"/public/.%2E/admin", "/admin"},
        {"/public/%2e./admin", "/admin"},
        {"/public/%2e/admin", "/public/admin"},
        {"/a/%2e%2e", "/"},
        // not dot segments
        {"/.well-known/jwks.json", "/.well-known/jwks.json"},
        {"/...", "/..."},
        {"/a/..b/b..", "/a/..b/b.."},
        {"/a./.b", "/a./.b"},
        // runs of slashes
        {"//admin", "/admin"},
        {"///", "/"},
        {"/a//b///c//", "/a/b/c/"},
        {"/a//../b", "/b"},
        {"//..//admin", "/admin"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.raw);
        EXPECT_EQ(normal(c.raw), c.normal);
        EXPECT_EQ(normal(c.normal), c.normal) << "what is normal stays as it is";
    }
}

TEST(NormalPath, RefusesWhatUpstreamsReadDifferently) {
    struct Case {
        std::string_view raw, reason;
    };
    constexpr Case cases[] = {
        {"", "path.relative"},
        {"a", "path.relative"},
        {"*", "path.relative"},
        {"/a%2fb", "path.encoded_slash"},
        {"/a%2Fb", "path.encoded_slash"},
        {"/..%2fadmin", "path.encoded_slash"},
        {"/a\\b", "path.backslash"},
        {"/a%5cb", "path.backslash"},
        {"/..%5Cadmin", "path.backslash"},
        {"/a%", "path.bad_escape"},
        {"/a%2", "path.bad_escape"},
        {"/a%g1", "path.bad_escape"},
        {"/a%1g", "path.bad_escape"},
        {"/%u002e", "path.bad_escape"},
        {"/%%32%65", "path.bad_escape"},
        {"/a%00", "path.control"},
        {"/a%0d%0aX:y", "path.control"},
        {"/a%7f", "path.control"},
        {"/a b", "path.control"},
        {"/a\tb", "path.control"},
        {"/a\x7f", "path.control"},
        {"/\xc3\xa9", "path.not_ascii"},
        {"/a?b", "path.delimiter"},
        {"/a#b", "path.delimiter"},
        {"/a;b", "path.parameter"},
        {"/admin;x/secret", "path.parameter"},
        {"/..;/admin", "path.parameter"},
        {"/..%3b/admin", "path.parameter"},
        {"/.%3Bx/admin", "path.parameter"},
        // overlong "/" and ".", lone bytes, surrogates, beyond Unicode
        {"/%c0%af", "path.not_utf8"},
        {"/%c0%ae%c0%ae/admin", "path.not_utf8"},
        {"/%e0%80%af", "path.not_utf8"},
        {"/%f0%80%80%af", "path.not_utf8"},
        {"/%ed%a0%80", "path.not_utf8"},
        {"/%f4%90%80%80", "path.not_utf8"},
        {"/%80", "path.not_utf8"},
        {"/%ff", "path.not_utf8"},
        {"/%c3", "path.not_utf8"},
        {"/%c3/%a9", "path.not_utf8"},
        {"/%c3%", "path.bad_escape"},
        {"/%e2%82x", "path.not_utf8"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.raw);
        EXPECT_EQ(normal(c.raw), "! " + std::string(c.reason));
    }
    EXPECT_EQ(normal(std::string_view("/a\0b", 4)), "! path.control");
}

TEST(NormalPath, LetsEncodedSlashesAndParametersThroughByNameOnly) {
    struct Case {
        std::string_view raw, normal;
    };
    constexpr Case cases[] = {
        {"/a%2fb", "/a%2Fb"},
        {"/a%2F%2Fb", "/a%2F%2Fb"},
        {"/a%2f..b", "/a%2F..b"},
        {"/a%2f../b", "! path.encoded_slash"},
        {"/a%2f%2e%2e", "! path.encoded_slash"},
        {"/..%2fadmin", "! path.encoded_slash"},
        {"/.%2fadmin", "! path.encoded_slash"},
        {"/a%2f.%2fb", "! path.encoded_slash"},
        {"/a;v=1/b;c", "/a;v=1/b;c"},
        {"/a;..;/b", "/a;..;/b"},
        {"/..;/b", "! path.parameter"},
        {"/.;x", "! path.parameter"},
        {"/;x/b", "! path.parameter"},
        {"/%2e%2e;x", "! path.parameter"},
        {"/..%3bx", "! path.parameter"},
        {"/a%2f..;x", "! path.parameter"},
        {"/a%5cb", "! path.backslash"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.raw);
        EXPECT_EQ(normal(c.raw, lenient), c.normal);
    }
}

TEST(NormalPath, SaysWhatARouteMayHaveToRefuse) {
    const auto slash = normalise_path("/a%2fb", lenient).value();
    EXPECT_TRUE(slash.has_encoded_slash());
    EXPECT_FALSE(slash.has_parameters());
    const auto parameter = normalise_path("/a;b", lenient).value();
    EXPECT_FALSE(parameter.has_encoded_slash());
    EXPECT_TRUE(parameter.has_parameters());
    const auto gone = normalise_path("/a;b%2Fc/../d", lenient).value();
    EXPECT_FALSE(gone.has_encoded_slash() || gone.has_parameters())
        << "what is not sent need not be allowed";
    const auto plain = normalise_path("/a/%20", lenient).value();
    EXPECT_FALSE(plain.has_encoded_slash() || plain.has_parameters());
}

TEST(NormalPath, BorrowsWhatIsNormalAlready) {
    const std::string raw = "/api/v1/agents/0190-42/heartbeat.json";
    const auto same = normalise_path(raw, strict).value();
    EXPECT_TRUE(same.is_borrowed());
    EXPECT_EQ(same.view().data(), raw.data());
    EXPECT_FALSE(normalise_path("/api/../x", strict).value().is_borrowed());
    const auto moved = [] { return normalise_path("/a/../short", strict).value(); }();
    EXPECT_EQ(moved.view(), "/short");  // its own text moved with it
}

TEST(NormalPath, HasALongestOne) {
    const std::string longest = "/" + std::string(path_bytes_max - 1, 'a');
    EXPECT_EQ(normal(longest), longest);
    EXPECT_EQ(normal(longest + "a"), "! path.too_long");
}

}  // namespace
}  // namespace gh::codec
