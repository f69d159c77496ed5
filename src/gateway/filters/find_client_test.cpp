#include "gateway/filters/find_client.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

class FindClientTest : public testing::Test {
 protected:
    FindClientTest() {
        house.trust("10.0.0.0/8");
        house.trust("2001:db8::/32");
    }
    Exchange& find(std::string_view peer, std::vector<std::string_view> lines) {
        house.again();
        house.from(peer);
        for (const auto line : lines) house.client.with("X-Forwarded-For", line);
        EXPECT_EQ(FindClient().on_request(house.begin()), Verdict::walk_on);
        return house.exchange;
    }
    FakeHouse house;
};

TEST_F(FindClientTest, BelievesTrustedProxiesAndNobodyElse) {
    struct Case {
        std::string_view peer;
        std::vector<std::string_view> lines;
        std::string_view client;
    };
    const Case cases[] = {
        {"192.0.2.1", {}, "192.0.2.1"},
        {"192.0.2.1", {"198.51.100.7"}, "192.0.2.1"},  // anyone can write that
        {"192.0.2.1", {"10.0.0.1"}, "192.0.2.1"},
        {"10.0.0.1", {}, "10.0.0.1"},
        {"10.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
        {"10.0.0.1", {"6.6.6.6, 198.51.100.7"}, "198.51.100.7"},
        {"10.0.0.1", {"6.6.6.6", "198.51.100.7"}, "198.51.100.7"},
        {"10.0.0.1", {"198.51.100.7, 10.0.0.3,10.0.0.2"}, "198.51.100.7"},
        {"10.0.0.1", {"198.51.100.7", "10.0.0.2"}, "198.51.100.7"},
        {"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},  // all of them ours
        {"10.0.0.1", {"198.51.100.7:4711"}, "198.51.100.7"},
        {"10.0.0.1", {"2001:db8:1::1"}, "2001:db8:1::1"},
        {"10.0.0.1", {"2a00::1, 2001:db8::1"}, "2a00::1"},
        {"10.0.0.1", {"[2a00::1]:4711"}, "2a00::1"},
        {"2001:db8::7", {"198.51.100.7"}, "198.51.100.7"},
        {"10.0.0.1", {"198.51.100.7, unknown"}, "10.0.0.1"},
        {"10.0.0.1", {"198.51.100.7, "}, "10.0.0.1"},
        {"10.0.0.1", {"198.51.100.7, <script>, 10.0.0.2"}, "10.0.0.2"},
        {"10.0.0.1", {"["}, "10.0.0.1"},
        {"10.0.0.1", {"[]"}, "10.0.0.1"},
        {"10.0.0.1", {"1.2.3.4.5"}, "10.0.0.1"},
        {"10.0.0.1", {""}, "10.0.0.1"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.peer) + " <- " +
                     std::string(c.lines.empty() ? "" : c.lines.front()));
        const auto& exchange = find(c.peer, c.lines);
        EXPECT_EQ(exchange.client_ip, c.client);
        EXPECT_EQ(exchange.client_address.ip_text(), c.client);
        EXPECT_EQ(exchange.peer_is_trusted, c.peer != "192.0.2.1");
    }
}

TEST_F(FindClientTest, WalksNoFurtherThanThirtyTwoHops) {
    std::string hops = "198.51.100.7";
    for (int i = 0; i < 31; ++i) hops += ", 10.0.0.2";
    EXPECT_EQ(find("10.0.0.1", {hops}).client_ip, "198.51.100.7");
    EXPECT_EQ(find("10.0.0.1", {hops + ", 10.0.0.2"}).client_ip, "10.0.0.2");
}

TEST_F(FindClientTest, TakesTheSchemeFromTheProxyNextToUs) {
    struct Case {
        std::string_view peer;
        bool encrypted;  ///< the connection to us
        std::vector<std::string_view> lines;
        bool wanted;
    };
    const Case cases[] = {
        {"192.0.2.1", false, {"https"}, false},        {"192.0.2.1", true, {"http"}, true},
        {"10.0.0.1", false, {"https"}, true},          {"10.0.0.1", false, {"HTTPS"}, true},
        {"10.0.0.1", true, {"http"}, false},           {"10.0.0.1", true, {}, true},
        {"10.0.0.1", false, {"https", "http"}, false}, {"10.0.0.1", false, {"https, http"}, false},
        {"10.0.0.1", true, {"gopher"}, false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.lines.empty() ? "" : c.lines.back());
        house.again();
        house.from(c.peer);
        house.client.facts.encrypted = c.encrypted;
        for (const auto line : c.lines) house.client.with("X-Forwarded-Proto", line);
        (void)FindClient().on_request(house.begin());
        EXPECT_EQ(house.exchange.client_encrypted, c.wanted);
    }
}

}  // namespace
}  // namespace gh::gateway
