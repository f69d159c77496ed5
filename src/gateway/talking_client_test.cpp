#include "gateway/talking_client.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"
#include "net/socket_stream.hpp"
#include "net/stream_test_ends.hpp"

namespace gh::gateway {
namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

class UpgradingDownstream final : public FakeDownstream {
 public:
    explicit UpgradingDownstream(net::Loop& loop)
        : FakeDownstream(loop), stream_(loop, ends.ours.release()) {
        stream_.notify(&wakeup());
        head.upgrade_websocket = true;
    }
    [[nodiscard]] net::Stream* tunnel() override { return has_tunnel ? &stream_ : nullptr; }
    [[nodiscard]] std::string_view tunnel_leftover() override { return leftover; }

    net::SocketEnds ends;
    std::string leftover;
    bool has_tunnel = true;

 private:
    net::SocketStream stream_;
};

struct TalkingClientTest : ::testing::Test {
    TalkingClientTest() {
        house.begin();
        house.exchange.client = &client;
    }
    void begin() {
        begin_talk(house.exchange, [](api::Talk&) -> Task<> { co_return; });
    }
    [[nodiscard]] std::string_view field(std::string_view name) const {
        const auto* found = house.exchange.response.fields.find(name);
        return found == nullptr ? std::string_view() : found->value;
    }
    /// A masked frame of a client's; short.
    static std::string frame(unsigned char first, std::string_view payload) {
        std::string octets{static_cast<char>(first), static_cast<char>(0x80 | payload.size())};
        octets += std::string(4, '\0');
        return octets.append(payload);
    }

    FakeHouse house;
    UpgradingDownstream client{house.worker.loop};
};

TEST_F(TalkingClientTest, TheHandshakeIsTheStandards) {
    client.with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", key);
    begin();
    EXPECT_EQ(house.exchange.response.status, 101);
    EXPECT_EQ(field("Upgrade"), "websocket");
    EXPECT_EQ(field("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_TRUE(house.exchange.talk);
}

TEST_F(TalkingClientTest, WhoAsksForNoneIsToldTo) {
    client.head.upgrade_websocket = false;
    begin();
    EXPECT_EQ(house.exchange.response.status, 426);
    EXPECT_EQ(field("Upgrade"), "websocket");
    client.head.upgrade_websocket = true;
    client.has_tunnel = false;  // HTTP/2
    begin();
    EXPECT_EQ(house.exchange.response.status, 426);
    client.has_tunnel = true;
    client.with("Sec-WebSocket-Version", "8").with("Sec-WebSocket-Key", key);
    begin();
    EXPECT_EQ(house.exchange.response.status, 426);
    EXPECT_EQ(field("Sec-WebSocket-Version"), "13");
    EXPECT_FALSE(house.exchange.talk);
}

TEST_F(TalkingClientTest, AKeyThatIsNoneIsRefused) {
    client.with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", "short");
    begin();
    EXPECT_EQ(house.exchange.response.status, 400);
    EXPECT_EQ(house.exchange.code, "websocket.key");
}

TEST_F(TalkingClientTest, PagesOfOtherOriginsOpenNone) {
    client.with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", key);
    client.with("Origin", "http://evil.example");
    begin();
    EXPECT_EQ(house.exchange.response.status, 403);
    client.reset();
    client.with("Sec-WebSocket-Version", "13").with("Sec-WebSocket-Key", key);
    client.with("Origin", "http://h.example");
    begin();
    EXPECT_EQ(house.exchange.response.status, 101);
}

TEST_F(TalkingClientTest, MessagesAreHeardAndPingsAnswered) {
    client.leftover = frame(0x81, "early") + frame(0x89, "1");
    TalkingClient talking(house.exchange);
    EXPECT_EQ(talking.heard(), "early");
    client.ends.say(frame(0x89, "2") + frame(0x81, "late"));
    net::turn(house.worker.loop);
    EXPECT_EQ(talking.heard(), "late");
    EXPECT_FALSE(talking.heard());
    EXPECT_EQ(client.ends.hear(),
              "\x8a\x01"
              "2")
        << "the last ping is answered";
    EXPECT_FALSE(talking.gone());
}

TEST_F(TalkingClientTest, WhatIsNoTextEndsIt) {
    TalkingClient talking(house.exchange);
    client.ends.say(frame(0x81, "\xff\xfe"));
    net::turn(house.worker.loop);
    EXPECT_FALSE(talking.heard());
    EXPECT_TRUE(talking.gone());
    EXPECT_FALSE(talking.heard()) << "nothing is read any more";
}

TEST_F(TalkingClientTest, WhoHasLeftIsGone) {
    TalkingClient talking(house.exchange);
    client.ends.peer = {};
    net::turn(house.worker.loop);
    EXPECT_FALSE(talking.heard());
    EXPECT_TRUE(talking.gone());
}

}  // namespace
}  // namespace gh::gateway
