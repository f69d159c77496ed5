#include "net/socket_stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/task.hpp"
#include "net/dialer.hpp"
#include "net/listener.hpp"

namespace gh::net {
namespace {

Task<> send_all(Loop& loop, std::unique_ptr<SocketStream> stream, std::string bytes) {
    Wakeup wakeup(loop);
    stream->notify(&wakeup);
    std::string_view left = bytes;
    while (!left.empty()) {
        const auto piece = left.substr(0, 100'000);
        left.remove_prefix(piece.size());
        auto state = stream->write(piece.substr(0, 10), piece.substr(10));
        while (state == IoState::blocked) {
            co_await wakeup.wait();
            state = stream->flush();
        }
        EXPECT_EQ(state, IoState::done);
    }
    stream->finish_writing();
}

Task<> receive_all(Loop& loop, std::unique_ptr<SocketStream> stream, std::string& into) {
    Wakeup wakeup(loop);
    stream->notify(&wakeup);
    for (;;) {
        const auto io = stream->read(loop.scratch());
        if (io.state == IoState::done) into.append(loop.scratch().data(), io.bytes);
        if (io.state == IoState::blocked) co_await wakeup.wait();
        if (io.state == IoState::ended || io.state == IoState::failed) break;
    }
    loop.stop();
}

TEST(SocketStream, CarriesMoreThanTheKernelBuffersThroughADialAndAListener) {
    Loop loop;
    std::string sent(8'000'000, 'x');
    for (std::size_t i = 0; i < sent.size(); i += 997) sent[i] = static_cast<char>('a' + i % 26);
    std::string received;
    auto fd = open_listening_socket(Address::parse("127.0.0.1", 0).value());
    ASSERT_TRUE(fd) << fd.error().detail;
    Listener listener(loop, *fd, [&](int accepted, const Address& peer) {
        EXPECT_TRUE(peer.is_loopback());
        spawn(receive_all(loop, std::make_unique<SocketStream>(loop, accepted), received));
    });
    auto dial_and_send = [](Loop& l, Address to, const std::string& bytes) -> Task<> {
        Wakeup wakeup(l);
        auto dial = Dial::start(l, to, wakeup);
        EXPECT_TRUE(dial);
        while (dial->state() == IoState::blocked) co_await wakeup.wait();
        EXPECT_EQ(dial->state(), IoState::done);
        spawn(send_all(l, dial->take(), bytes));
    };
    spawn(dial_and_send(loop, listener.address(), sent));
    loop.run();
    EXPECT_EQ(received, sent);
    listener.close();
    loop.stop();
    loop.run();  // one more turn, in which the accepting task ends
}

TEST(Dial, TellsThatNobodyListens) {
    Loop loop;
    auto fd = open_listening_socket(Address::parse("127.0.0.1", 0).value());
    ASSERT_TRUE(fd);
    const auto address = local_address(*fd);
    ::close(*fd);
    auto try_dial = [](Loop& l, Address to) -> Task<> {
        Wakeup wakeup(l);
        auto dial = Dial::start(l, to, wakeup);
        if (dial) {
            while (dial->state() == IoState::blocked) co_await wakeup.wait();
            EXPECT_EQ(dial->state(), IoState::failed);
            EXPECT_NE(dial->error(), 0);
        }
        l.stop();
    };
    spawn(try_dial(loop, address));
    loop.run();
}

}  // namespace
}  // namespace gh::net
