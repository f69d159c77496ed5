#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/downstream.hpp"
#include "http/h1_connection.hpp"
#include "net/listener.hpp"
#include "net/socket_stream.hpp"

// Both ends of a connection on one loop: a client that follows a test's script, and a handler that does as it is told.

namespace gh::http {

/// Two connected TCP sockets, non-blocking: a reset can be told from an end.
struct SocketPair {
    int house = -1;
    int client = -1;

    /// @param receive_bytes  of the client's socket buffer; 0: the system's
    explicit SocketPair(int receive_bytes = 0) {
        const auto listening = net::open_listening_socket(*net::Address::parse("127.0.0.1", 0));
        if (!listening) return;
        const auto address = net::local_address(*listening);
        client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (receive_bytes > 0) {
            ::setsockopt(client, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
        }
        EXPECT_EQ(::connect(client, address.raw(), address.length()), 0);
        ::fcntl(client, F_SETFL, O_NONBLOCK);
        house = ::accept4(*listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        ::close(*listening);
    }
};

/// The far end: says what a test wants and waits for what it expects.
class FarEnd {
 public:
    static constexpr seconds patience{5};

    FarEnd(net::Loop& loop, int fd)
        : wakeup_(loop), stream_(std::make_unique<net::SocketStream>(loop, fd)) {
        stream_->notify(&wakeup_);
    }

    Task<> send(std::string bytes) {
        auto state = stream_->write(bytes);
        while (state == net::IoState::blocked) {
            co_await wakeup_.wait();
            state = stream_->flush();
        }
    }
    /// @return what came up to and with `mark`; all there was when the connection ended before
    Task<std::string> until(std::string mark) {
        auto& loop = wakeup_.loop();
        wakeup_.expire_at(loop.now() + patience);
        std::size_t found = std::string::npos;
        while ((found = received_.find(mark)) == std::string::npos && !over()) {
            if (wakeup_.expired()) {
                ADD_FAILURE() << "waited in vain for " << mark << " behind " << received_;
                break;
            }
            const auto io = stream_->read(loop.scratch());
            received_.append(loop.scratch().data(), io.bytes);
            ended = io.state == net::IoState::ended;
            reset = io.state == net::IoState::failed;
            if (io.state == net::IoState::blocked) co_await wakeup_.wait();
        }
        auto text = received_.substr(0, found == std::string::npos ? found : found + mark.size());
        received_.erase(0, text.size());
        co_return text;
    }
    /// Everything until the connection ends.
    Task<std::string> rest() {
        auto& loop = wakeup_.loop();
        wakeup_.expire_at(loop.now() + patience);
        while (!over()) {
            if (wakeup_.expired()) {
                ADD_FAILURE() << "the connection stayed open behind " << received_;
                break;
            }
            const auto io = stream_->read(loop.scratch());
            received_.append(loop.scratch().data(), io.bytes);
            ended = io.state == net::IoState::ended;
            reset = io.state == net::IoState::failed;
            if (io.state == net::IoState::blocked) co_await wakeup_.wait();
        }
        co_return std::exchange(received_, {});
    }
    /// What has come since; nothing when nothing did.
    [[nodiscard]] std::string take() {
        auto& loop = wakeup_.loop();
        const auto io = stream_->read(loop.scratch());
        received_.append(loop.scratch().data(), io.bytes);
        ended = io.state == net::IoState::ended;
        reset = io.state == net::IoState::failed;
        return std::exchange(received_, {});
    }
    Task<> wait() { co_await wakeup_.wait(); }
    void finish() { stream_->finish_writing(); }
    void close() { stream_.reset(); }
    void close_with_reset() {
        stream_->reset_on_close();
        stream_.reset();
    }
    [[nodiscard]] bool over() const { return ended || reset; }
    [[nodiscard]] net::Wakeup& wakeup() { return wakeup_; }

    bool ended = false;
    bool reset = false;

 private:
    net::Wakeup wakeup_;
    std::unique_ptr<net::SocketStream> stream_;
    std::string received_;
};

/// The whole request body, waiting where it must. "!" behind it: it broke off; "?": its framing was wrong.
inline Task<std::string> read_body(Downstream& request) {
    std::string text;
    for (;;) {
        const auto piece = request.body();
        switch (piece.state) {
            case BodyPiece::State::data: text += piece.bytes; break;
            case BodyPiece::State::blocked: co_await request.wakeup().wait(); break;
            case BodyPiece::State::end: co_return text;
            case BodyPiece::State::malformed: co_return text + "?";
            case BodyPiece::State::closed: co_return text + "!";
        }
    }
}

inline void respond_with(Downstream& request, std::uint16_t status, std::string_view body) {
    ResponseHead head;
    head.status = status;
    head.body = {Framing::length, body.size()};
    (void)request.respond(head, body, true);
}

/// Answers with "METHOD target body", or as the test says; a request that cannot be read with its status.
class ScriptedHandler final : public Handler {
 public:
    using Script = Task<> (*)(Downstream&);

    Task<> handle(Downstream& request) override {
        co_await answer(request);
        while (flushes && request.flush() == net::IoState::blocked)
            co_await request.wakeup().wait();
    }

    Script script = nullptr;
    bool flushes = true;  ///< waits until its answer has left, as a handler should
    int requests = 0;
    std::vector<std::string> reasons;

 private:
    Task<> answer(Downstream& request) {
        ++requests;
        if (request.unreadable().status != 0) {
            reasons.emplace_back(request.unreadable().reason);
            respond_with(request, request.unreadable().status, {});
            co_return;
        }
        if (script) {
            co_await script(request);
            co_return;
        }
        const auto body = co_await read_body(request);
        std::string text(request.request().method_text);
        text += " " + std::string(request.request().target) + " " + body;
        respond_with(request, 200, text);
    }
};

/// A connection of the kind `C` served on one end while a test's script runs on the other, until both are through.
template <class C>
class Conversation {
 public:
    using Script = Task<> (*)(Conversation&, FarEnd&);

    void run(Script script) {
        SocketPair sockets(receive_bytes);
        facts.peer_ip = "127.0.0.1";
        facts.listener = "public";
        FarEnd client(loop, sockets.client);
        spawn(serve(sockets.house));
        spawn(follow(script, client));
        loop.run();
    }
    void drain() {
        draining = true;
        wakeup->wake();
    }

    net::Loop loop;
    ServerLimits limits;
    ConnectionFacts facts;
    ScriptedHandler handler;
    bool draining = false;
    bool served = false;
    int receive_bytes = 0;
    net::Wakeup* wakeup = nullptr;

 private:
    Task<> serve(int fd) {
        {
            net::Wakeup own(loop);
            wakeup = &own;
            net::SocketStream stream(loop, fd);
            stream.notify(&own);
            C connection(stream, facts, own, limits);
            co_await connection.serve(handler, draining);
        }
        served = true;
        through();
    }
    Task<> follow(Script script, FarEnd& client) {
        co_await script(*this, client);
        client.close();
        through();
    }
    void through() {
        if (++through_ == 2) loop.stop();
    }
    int through_ = 0;
};

}  // namespace gh::http
