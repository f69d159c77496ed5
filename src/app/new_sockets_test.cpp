#include "app/new_sockets.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

namespace gh::app {
namespace {

Settings with_listener(std::string host, std::uint16_t port) {
    Settings settings;
    settings.listeners.push_back(
        {.name = "public", .bind = {.host = std::move(host), .port = port}});
    return settings;
}

std::ptrdiff_t descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

TEST(NewSockets, AllWorkersShareThePortThatTheSystemPicks) {
    const auto before = descriptors();
    auto wanted = with_listener("127.0.0.1", 0);
    {
        const auto opened = NewSockets::open(wanted, {}, 3);
        ASSERT_TRUE(opened) << opened.error().detail;
        EXPECT_NE(wanted.listeners[0].bind.port, 0);
        EXPECT_EQ(descriptors(), before + 3);
        auto second = wanted;
        EXPECT_FALSE(NewSockets::open(second, {}, 1)) << "the port is really taken";
    }
    EXPECT_EQ(descriptors(), before) << "not handed over: closed again";
}

TEST(NewSockets, NamesTheAddressThatIsTakenAndLeavesNothingOpen) {
    auto other = with_listener("127.0.0.1", 0);
    const auto taken = NewSockets::open(other, {}, 1);
    ASSERT_TRUE(taken);
    const auto port = other.listeners[0].bind.port;

    const auto before = descriptors();
    auto wanted = with_listener("127.0.0.1", 0);
    wanted.listeners.push_back({.name = "second", .bind = {.host = "127.0.0.1", .port = port}});
    const auto refused = NewSockets::open(wanted, {}, 2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(refused.error().reason, "net.bind");
    EXPECT_TRUE(refused.error().detail.contains("127.0.0.1:" + std::to_string(port)))
        << refused.error().detail;
    EXPECT_EQ(descriptors(), before) << "neither the one that could be had nor the other";
}

TEST(NewSockets, WhatListensAlreadyIsNotOpenedAgain) {
    auto running = with_listener("127.0.0.1", 0);
    const auto open = NewSockets::open(running, {}, 1);
    ASSERT_TRUE(open);
    const auto port = running.listeners[0].bind.port;
    for (const std::uint16_t asked : {port, std::uint16_t{0}}) {
        auto wanted = with_listener("127.0.0.1", asked);
        const auto again = NewSockets::open(wanted, running, 1);
        ASSERT_TRUE(again) << again.error().detail;
        EXPECT_EQ(wanted.listeners[0].bind.port, port);
    }
    auto renamed = with_listener("127.0.0.1", port);
    renamed.listeners[0].name = "other";
    EXPECT_FALSE(NewSockets::open(renamed, running, 1)) << "one that nobody knows yet is opened";
}

}  // namespace
}  // namespace gh::app
