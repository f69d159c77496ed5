#include "net/dialer.hpp"

#include <gtest/gtest.h>

#include "base/unique_fd.hpp"
#include "net/listener.hpp"
#include "net/stream_test_ends.hpp"

namespace gh::net {
namespace {

TEST(Dialer, IsBlockedUntilAnsweredAndThenHandsOverAStream) {
    Loop loop;
    const auto fd = open_listening_socket(Address::parse("127.0.0.1", 0).value());
    ASSERT_TRUE(fd);
    const UniqueFd listening(*fd);
    Wakeup wakeup(loop);
    auto dial = Dial::start(loop, local_address(listening.get()), wakeup);
    ASSERT_TRUE(dial);
    EXPECT_EQ(dial->state(), IoState::blocked) << "the loop has told nothing yet";
    turn(loop);
    EXPECT_EQ(dial->state(), IoState::done);
    const UniqueFd accepted(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    auto stream = dial->take();
    EXPECT_EQ(stream->write("hello"), IoState::done);
    std::array<char, 8> heard{};
    EXPECT_EQ(::recv(accepted.get(), heard.data(), heard.size(), 0), 5);
}

TEST(Dialer, MayBeLetGoOfWhileNobodyAnswers) {
    Loop loop;
    const auto fd = open_listening_socket(Address::parse("127.0.0.1", 0).value());
    ASSERT_TRUE(fd);
    Listener silent(loop, *fd, [](int each, const Address&) { ::close(each); });
    silent.stop_inviting();
    {
        Wakeup wakeup(loop);
        auto dial = Dial::start(loop, silent.address(), wakeup);
        ASSERT_TRUE(dial);
        turn(loop);
        EXPECT_EQ(dial->state(), IoState::blocked);
    }
    turn(loop);  // nobody is told of a connection that is gone
    silent.close();
    turn(loop);
}

TEST(Dialer, SaysWhatTheSystemRefusesAtOnce) {
    Loop loop;
    Wakeup wakeup(loop);
    const auto dial = Dial::start(loop, Address::parse("255.255.255.255", 9).value(), wakeup);
    ASSERT_FALSE(dial);  // broadcast: never over TCP
    EXPECT_EQ(dial.error().reason, "net.connect");
    EXPECT_TRUE(dial.error().detail.contains("255.255.255.255:9")) << dial.error().detail;
}

}  // namespace
}  // namespace gh::net
