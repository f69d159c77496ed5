#include "codec/host.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

TEST(Host, ReadsNamesAddressesAndPorts) {
    struct Case {
        std::string_view text, name;
        int port;  // 0: none
        bool is_address;
    };
    constexpr Case cases[] = {
        {"example.com", "example.com", 0, false},
        {"EXAMPLE.Com:8443", "example.com", 8443, false},
        {"example.com.", "example.com", 0, false},
        {"localhost:1", "localhost", 1, false},
        {"a_b-c.d:65535", "a_b-c.d", 65535, false},
        {"127.0.0.1", "127.0.0.1", 0, true},
        {"127.0.0.1:80", "127.0.0.1", 80, true},
        {"[::1]", "::1", 0, true},
        {"[2001:DB8::0:1]:443", "2001:db8::1", 443, true},
        {"[::ffff:127.0.0.1]", "127.0.0.1", 0, true},
        {"1e100.net", "1e100.net", 0, false},
        {"4.example", "4.example", 0, false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto host = parse_host(c.text);
        ASSERT_TRUE(host);
        EXPECT_EQ(host->name(), c.name);
        EXPECT_EQ(host->port().value_or(0), c.port);
        EXPECT_EQ(host->address().has_value(), c.is_address);
    }
}

TEST(Host, RefusesTricks) {
    for (const std::string_view text :
         {"",       ":80",          ".",      "..",          "a..b",
          ".a",     "a b",          "a,b",    "a/b",         "user@host",
          "a%2eb",  "a:",           "a:0",    "a:65536",     "a:080000",
          "a:8x",   "a:-1",         "a:1:2",  "::1",         "[::1",
          "[::1]x", "[::1]:",       "[]",     "[1.2.3.4]",   "[fe80::1%25eth0]",
          "1.2.3",  "1.2.3.256",    "0x7f.1", "127.0.0.0x1", "2130706433",
          "a.1",    "\xc3\xa9.com", "a\t",    "a\\b",        "a?b",
          "a#b"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_host(text));
    }
    EXPECT_TRUE(parse_host(std::string(63, 'a')));
    EXPECT_FALSE(parse_host(std::string(64, 'a')));
    std::string longest;
    while (longest.size() < 250) longest += "a.";
    longest.resize(253, 'b');
    EXPECT_TRUE(parse_host(longest));
    EXPECT_FALSE(parse_host(longest + "b"));
}

TEST(Host, BorrowsANormalName) {
    const std::string text = "api.example.com:8443";
    EXPECT_EQ(parse_host(text).value().name().data(), text.data());
}

}  // namespace
}  // namespace gh::codec
