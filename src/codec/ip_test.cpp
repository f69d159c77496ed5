#include "codec/ip.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

TEST(IpAddress, ReadsEverySpellingAndWritesOne) {
    struct Case {
        std::string_view text, canonical;
    };
    constexpr Case cases[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"192.0.2.1", "192.0.2.1"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8::0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // one zero group is not shortened
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run is
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of equals
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"::ffff:192.0.2.1", "192.0.2.1"},  // mapped: the same client
        {"::ffff:c000:201", "192.0.2.1"},
        {"0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"},
        {"fe80::1", "fe80::1"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto address = IpAddress::parse(c.text);
        ASSERT_TRUE(address);
        EXPECT_EQ(address->text(), c.canonical);
        EXPECT_EQ(IpAddress::parse(c.canonical).value(), *address);
    }
}

TEST(IpAddress, RefusesWhatOnlySomeReadersTake) {
    for (const std::string_view text : {"",
                                        "1",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "1.2.3.",
                                        ".1.2.3",
                                        "1..2.3",
                                        "01.2.3.4",
                                        "1.2.3.256",
                                        "1.2.3.0x4",
                                        "1.2.3.4 ",
                                        "+1.2.3.4",
                                        ":",
                                        ":::",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1::2::3",
                                        "1:2:3:4:5:6:7:8::",
                                        "::1:2:3:4:5:6:7:8",
                                        "12345::",
                                        "g::",
                                        "fe80::1%eth0",
                                        "[::1]",
                                        "::1.2.3",
                                        "1.2.3.4::",
                                        "::1.2.3.4:5",
                                        "1:2:3:4:5:6:7:1.2.3.4",
                                        ":1",
                                        "1:",
                                        "::-1"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(IpAddress::parse(text));
    }
}

TEST(IpAddress, KnowsLoopbackAndNothing) {
    EXPECT_TRUE(IpAddress::parse("127.9.9.9").value().is_loopback());
    EXPECT_TRUE(IpAddress::parse("::1").value().is_loopback());
    EXPECT_TRUE(IpAddress::parse("::ffff:127.0.0.1").value().is_loopback());
    EXPECT_FALSE(IpAddress::parse("128.0.0.1").value().is_loopback());
    EXPECT_FALSE(IpAddress::parse("1::1").value().is_loopback());
    EXPECT_TRUE(IpAddress::parse("::").value().is_unspecified());
    EXPECT_TRUE(IpAddress::parse("0.0.0.0").value().is_unspecified());
    EXPECT_NE(IpAddress::parse("::").value(), IpAddress::parse("0.0.0.0").value());
}

TEST(IpAddress, MasksToAPrefix) {
    const auto v6 = IpAddress::parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff").value();
    EXPECT_EQ(v6.masked(64).text(), "2001:db8:ffff:ffff::");
    EXPECT_EQ(v6.masked(33).text(), "2001:db8:8000::");
    EXPECT_EQ(v6.masked(128), v6);
    EXPECT_EQ(v6.masked(0).text(), "::");
    EXPECT_EQ(IpAddress::parse("192.0.2.255").value().masked(25).text(), "192.0.2.128");
}

TEST(Cidr, ContainsItsOwnAndNoOthers) {
    struct Case {
        std::string_view block, address;
        bool inside;
    };
    constexpr Case cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.0.0.1", true},
        {"10.0.0.0/8", "a00::", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::", false},
        {"::/0", "2001:db8::", true},
        {"::/0", "1.2.3.4", false},
        {"192.0.2.128/25", "192.0.2.129", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"127.0.0.1/32", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"2001:db8::/32", "2001:db8:1::1", true},
        {"2001:db8::/32", "2001:db9::", false},
        {"::1/128", "::1", true},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.block) + " " + std::string(c.address));
        const auto block = Cidr::parse(c.block);
        ASSERT_TRUE(block);
        EXPECT_EQ(block->contains(IpAddress::parse(c.address).value()), c.inside);
    }
}

TEST(Cidr, SaysWhatIsWrong) {
    struct Case {
        std::string_view text, reason;
    };
    constexpr Case cases[] = {
        {"10.0.0.0/33", "ip.prefix"},
        {"10.0.0.0/", "ip.prefix"},
        {"10.0.0.0/-1", "ip.prefix"},
        {"10.0.0.0/08", "ip.prefix"},
        {"::/129", "ip.prefix"},
        {"10.1.0.0/8", "ip.host_bits"},
        {"2001:db8::1/64", "ip.host_bits"},
        {"10.0.0/8", "ip.malformed"},
        {"/8", "ip.malformed"},
        {"::ffff:10.0.0.0/8", "ip.prefix"},
        {"", "ip.malformed"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto block = Cidr::parse(c.text);
        EXPECT_EQ(block ? "" : block.error().reason, c.reason);
    }
    EXPECT_EQ(Cidr::parse("10.0.0.0/8").value().text(), "10.0.0.0/8");
    EXPECT_EQ(Cidr::parse("::1").value().text(), "::1/128");
}

}  // namespace
}  // namespace gh::codec
