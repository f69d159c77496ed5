#pragma once

#include <string>

#include "gateway/exchange.hpp"
#include "gateway/proxy/hidden_texts.hpp"
#include "gateway/proxy/request_body.hpp"
#include "gateway/proxy/upstream.hpp"
#include "http/chunked.hpp"

namespace gh::gateway::proxy {

/// How one attempt ended.
enum class Ended : unsigned char {
    complete,      // the client has the whole answer
    tunnelled,     // 101: both sides have said all they had to say
    retry_status,  // an answer that says "later", not passed on; its status is in exchange.response
    no_answer,     // the upstream closed without a byte of an answer
    malformed,     // an answer nobody could read
    opaque,        // an answer in which injected secrets cannot be looked for
    timeout,       // no head in time
    client_gone,
    client_slow,  // it sent or took nothing for too long
    client_malformed,
    too_large,
    expired,  // the credential or the total time ran out
    cut,      // the upstream broke off within its body
};

/// The bytes of one attempt, both ways at once, in one coroutine: request body up, answer down, each only as fast as the
/// other side takes it. Memory is one piece a direction.
class Relay {
 public:
    Relay(Exchange& exchange, Connection& connection, RequestBody& body, bool may_retry);

    [[nodiscard]] Task<Ended> run();

    /// The connection stands at the beginning of the next exchange.
    [[nodiscard]] bool reusable() const;
    /// The first byte of an answer has arrived.
    [[nodiscard]] bool answered() const { return head_done_ || !partial_.empty(); }

 private:
    enum class Step : unsigned char { idle, moved, over };

    [[nodiscard]] Step push_request();
    [[nodiscard]] Step send_piece(std::string_view bytes);
    [[nodiscard]] Step finish_request();
    [[nodiscard]] Step pull_response();
    [[nodiscard]] Step read_head(std::string_view bytes);
    [[nodiscard]] Step pass_head(std::string_view rest);
    [[nodiscard]] Step pass_body(std::string_view bytes);
    [[nodiscard]] Step upstream_ended(bool cleanly);
    [[nodiscard]] std::string_view decode_chunks(std::string_view bytes);
    [[nodiscard]] const http::Fields& trailers();
    [[nodiscard]] Task<> tunnel();
    [[nodiscard]] Step end(Ended how);
    void send_head();
    void set_deadline();
    [[nodiscard]] Ended what_took_too_long() const;

    Exchange& exchange_;
    Connection& up_;
    RequestBody& body_;
    http::Downstream& client_;
    net::Wakeup& wakeup_;
    const bool may_retry_;

    http::BodyFraming request_framing_;
    bool request_done_ = false;
    bool request_broken_ = false;  // the upstream takes no more; it may still have answered
    SteadyTime sent_at_;

    std::string partial_;  // the beginning of an answer's head
    std::size_t scanned_ = 0;
    bool head_done_ = false;
    bool keep_alive_ = false;
    bool excess_ = false;  // the upstream said more than its answer
    http::Framing framing_ = http::Framing::none;
    std::uint64_t left_ = 0;
    http::ChunkedDecoder chunks_;
    bool response_done_ = false;
    Hiding hiding_;
    http::Fields trailers_;  // where they are not sent as they came

    SteadyTime answer_deadline_ = SteadyTime::max();  // set once the upstream has heard everything
    Ended ended_ = Ended::complete;
    bool moved_ = true;  // since the deadline was last set
};

}  // namespace gh::gateway::proxy
