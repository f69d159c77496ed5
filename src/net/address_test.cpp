#include "net/address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace gh::net {
namespace {

TEST(Address, ReadsLiteralsOfBothFamiliesAndNothingElse) {
    struct Case {
        std::string_view ip, text;  // empty text: refused
    };
    constexpr Case cases[] = {
        {"127.0.0.1", "127.0.0.1:80"},
        {"::1", "[::1]:80"},
        {"2001:db8::2", "[2001:db8::2]:80"},
        {"localhost", ""},
        {"[::1]", ""},
        {"127.0.0.256", ""},
        {"", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.ip);
        const auto address = Address::parse(c.ip, 80);
        EXPECT_EQ(address ? address->text() : "", c.text);
    }
}

TEST(Address, ReadsAMappedPeerAsIPv4) {
    sockaddr_storage raw{};
    auto& six = reinterpret_cast<sockaddr_in6&>(raw);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(1234);
    ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:192.0.2.7", &six.sin6_addr), 1);
    const Address peer(raw);
    EXPECT_EQ(peer.text(), "192.0.2.7:1234");
    EXPECT_FALSE(peer.is_loopback());
}

}  // namespace
}  // namespace gh::net
