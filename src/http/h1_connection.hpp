#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/chunked.hpp"
#include "http/downstream.hpp"
#include "http/h1_head.hpp"
#include "net/loop.hpp"

namespace gh::http {

struct ServerLimits {
    HeadLimits head;
    std::uint32_t requests_max = 100'000;
    std::uint32_t streams_max = 128;  ///< HTTP/2, open at once
    milliseconds header_timeout{10'000};
    milliseconds keep_alive_timeout{75'000};
    milliseconds send_timeout{60'000};
    milliseconds goaway_timeout{1'000};    ///< HTTP/2: for a client to say that it has heard
    milliseconds newcomer_timeout{1'000};  ///< in a drain: since accept, for the first request
    milliseconds linger_timeout{2'000};    ///< after an early answer, for the client to read it
    std::size_t linger_bytes_max = 1024 * 1024;
};

/// One HTTP/1 connection (RFC 9112): its requests one after another, pipelined ones in order. Reused from request to
/// request without allocating; while idle it holds no buffer.
class H1Connection final : public Downstream {
 public:
    H1Connection(net::Stream& stream, const ConnectionFacts& facts, net::Wakeup& wakeup,
                 const ServerLimits& limits);

    /// Serves until the connection ends. `draining` may turn true at any time: then the request under way is the last.
    Task<> serve(Handler& handler, const bool& draining);

    [[nodiscard]] RequestHead& request() override { return request_; }
    [[nodiscard]] const Unreadable& unreadable() const override { return unreadable_; }
    [[nodiscard]] const ConnectionFacts& connection() const override { return facts_; }
    [[nodiscard]] net::Wakeup& wakeup() override { return wakeup_; }
    [[nodiscard]] BodyPiece body() override;
    [[nodiscard]] const Fields& trailers() const override { return chunked_.trailers(); }
    void send_continue() override;
    [[nodiscard]] net::IoState respond(ResponseHead& head, std::string_view body,
                                       bool last) override;
    [[nodiscard]] net::IoState write(std::string_view body, bool last,
                                     const Fields* trailers) override;
    [[nodiscard]] net::IoState flush() override;
    [[nodiscard]] bool responded() const override { return responded_; }
    [[nodiscard]] bool gone() const override;
    void abort() override;
    void close_after() override { keep_alive_ = false; }
    [[nodiscard]] std::uint64_t body_received() const override { return body_received_; }
    [[nodiscard]] std::uint64_t body_sent() const override { return body_sent_; }
    [[nodiscard]] net::Stream* tunnel() override;
    [[nodiscard]] std::string_view tunnel_leftover() override;

 private:
    enum class HeadState : std::uint8_t { ready, refused, closed };

    Task<HeadState> read_head(const bool& draining);
    Task<> finish_sending();
    Task<> linger();
    [[nodiscard]] HeadState refuse(std::uint16_t status, std::string_view reason);
    [[nodiscard]] bool make_room();
    [[nodiscard]] BodyPiece length_body();
    [[nodiscard]] BodyPiece chunked_body();
    [[nodiscard]] bool body_finished();
    [[nodiscard]] bool promised() const;
    void start_request();
    void carry_over();

    [[nodiscard]] std::string_view unparsed() const { return {data_ + begin_, end_ - begin_}; }

    net::Stream& stream_;
    const ConnectionFacts& facts_;
    net::Wakeup& wakeup_;
    const ServerLimits& limits_;

    // What was received: a pooled block, or a larger one of our own for a long head.
    net::BufferPool::Lease block_;
    std::unique_ptr<char[]> large_;
    char* data_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;  // first octet nobody has taken yet
    std::size_t end_ = 0;

    RequestHead request_;
    std::size_t scanned_ = 0;
    Unreadable unreadable_;

    // The body: left of its length, or the chunked decoder over its own block once the head's block is used up.
    std::uint64_t body_left_ = 0;
    ChunkedDecoder chunked_;
    net::BufferPool::Lease body_block_;
    std::size_t body_begin_ = 0;
    std::size_t body_end_ = 0;
    bool body_done_ = true;

    Framing response_framing_ = Framing::none;
    std::uint64_t body_received_ = 0;
    std::uint64_t body_sent_ = 0;
    const SteadyTime accepted_;
    std::uint32_t requests_ = 0;
    bool continue_pending_ = false;
    bool responded_ = false;
    bool response_done_ = false;
    bool keep_alive_ = true;
    bool aborted_ = false;
};

}  // namespace gh::http
