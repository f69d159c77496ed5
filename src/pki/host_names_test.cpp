#include "pki/host_names.hpp"

#include <gtest/gtest.h>

namespace gh::pki {
namespace {

TEST(HostNames, AreSortedIntoNamesAndAddressesOnce) {
    const std::vector<std::string> hosts = {"API.Example.com", "127.0.0.1",       "[::1]",
                                            "localhost.",      "localhost",       "*.example.com",
                                            "2001:DB8::0",     "api.example.com", "agent_1"};
    const auto names = names_from_hosts(hosts);
    ASSERT_TRUE(names) << describe(names.error());
    const crypto::CertificateNames expected{
        .dns = {"api.example.com", "localhost", "*.example.com", "agent_1"},
        .addresses = {"127.0.0.1", "::1", "2001:db8::"},
        .uris = {}};
    EXPECT_EQ(*names, expected);
}

TEST(HostNames, ThatNoCertificateShouldCarryAreRefused) {
    const std::string cases[] = {
        "",
        ".",
        "a..b",
        ".a",
        "-a.b",
        "a-.b",
        "a b",
        "a.*.b",
        "*",
        "*.",
        "*a.b",
        "a/b",
        "1.2.3",
        "1.2.3.256",
        "[::1",
        "::1%eth0",
        "b\xc3\xbc.de",
        std::string("a\0b", 3),
        "host:8443",
        "DNS:a,IP:1",
        std::string(64, 'a'),
        std::string(300, 'a'),
        "a\nb",
        "[localhost]",
    };
    for (const auto& host : cases) {
        SCOPED_TRACE(host);
        const auto names = names_from_hosts(std::vector{host});
        EXPECT_EQ(names ? "" : names.error().reason, "ca.name_invalid");
    }
}

}  // namespace
}  // namespace gh::pki
