#pragma once

#include <memory>
#include <string>

#include "http/downstream.hpp"
#include "http/h2_session.hpp"

namespace gh::http {

class H2Connection;

/// One stream of HTTP/2 as an exchange sees it. It outlives the stream itself where the client resets it, until the
/// exchange has noticed: so it owns a copy of the head.
class H2Exchange final : public Downstream {
 public:
    H2Exchange(H2Connection& connection, StreamId id, const RequestHead& head, bool ended);
    H2Exchange(H2Connection& connection, StreamId id, Unreadable unreadable);
    ~H2Exchange() override;

    [[nodiscard]] RequestHead& request() override { return request_; }
    [[nodiscard]] const Unreadable& unreadable() const override { return unreadable_; }
    [[nodiscard]] const ConnectionFacts& connection() const override;
    [[nodiscard]] net::Wakeup& wakeup() override { return wakeup_; }
    [[nodiscard]] BodyPiece body() override;
    [[nodiscard]] const Fields& trailers() const override { return trailers_; }
    void send_continue() override;
    [[nodiscard]] net::IoState respond(ResponseHead& head, std::string_view body,
                                       bool last) override;
    [[nodiscard]] net::IoState write(std::string_view body, bool last,
                                     const Fields* trailers) override;
    [[nodiscard]] net::IoState flush() override;
    [[nodiscard]] std::size_t room() const override;
    [[nodiscard]] bool responded() const override { return responded_; }
    [[nodiscard]] bool gone() const override { return closed_; }
    void abort() override;
    void close_after() override {}
    [[nodiscard]] std::uint64_t body_received() const override { return body_received_; }
    [[nodiscard]] std::uint64_t body_sent() const override { return body_sent_; }
    [[nodiscard]] net::Stream* tunnel() override { return nullptr; }
    [[nodiscard]] std::string_view tunnel_leftover() override { return {}; }

 private:
    friend class H2Connection;
    void receive(std::string_view bytes);
    void end_request(const Fields& trailers);
    void close();
    [[nodiscard]] std::size_t fill(std::span<char> out, bool& eof);
    [[nodiscard]] std::string_view keep(std::string_view text);
    void account();
    [[nodiscard]] bool settled() const { return response_done_ || aborted_; }

    H2Connection& connection_;
    const StreamId id_;
    net::Wakeup wakeup_;
    std::string text_;  // what request_ views
    RequestHead request_;
    Unreadable unreadable_;
    std::string received_;    // body not asked for yet, at most one window
    std::string handed_out_;  // the piece the exchange is looking at
    std::string trailer_text_;
    Fields trailers_;
    std::string content_length_;
    std::string sending_;  // body not framed yet, at most one write
    std::size_t sent_ = 0;
    std::size_t counted_ = 0;  // of what sending_ takes, in connection_.held_
    std::uint64_t body_received_ = 0;
    std::uint64_t body_sent_ = 0;
    bool request_ended_ = false;
    bool continue_pending_ = false;
    bool responded_ = false;
    bool response_done_ = false;
    bool closed_ = false;
    bool aborted_ = false;
};

}  // namespace gh::http
