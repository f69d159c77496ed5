#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "http/downstream.hpp"
#include "http/h1_connection.hpp"
#include "http/h2_session.hpp"
#include "net/loop.hpp"

namespace gh::http {

class H2Exchange;

/// One HTTP/2 connection (RFC 9113): each stream is handled as its own exchange, all share one transport. Output of all
/// streams leaves together once a turn. What streams hold that the client does not take is bounded for all of them
/// together: the more there is, the smaller the pieces each may add, down to `piece_bytes_min`, which it always may, so
/// that streams the client has left alone cannot stop those it reads.
class H2Connection final : public H2Handler {
 public:
    static constexpr std::size_t held_bytes_max =
        1024 * 1024;  // besides the last piece of each stream
    static constexpr std::size_t piece_bytes_min = 4 * 1024;

    H2Connection(net::Stream& stream, const ConnectionFacts& facts, net::Wakeup& wakeup,
                 const ServerLimits& limits);
    ~H2Connection();

    /// Serves until the connection ends and every exchange on it has. `draining` may turn true at any time.
    Task<> serve(Handler& handler, const bool& draining);

    void on_request(StreamId stream, RequestHead& head, bool end_stream) override;
    void on_refused(StreamId stream, std::uint16_t status, std::string_view reason) override;
    void on_data(StreamId stream, std::string_view bytes) override;
    void on_end(StreamId stream, const Fields& trailers) override;
    void on_close(StreamId stream, H2Error code) override;
    std::size_t fill(StreamId stream, std::span<char> out, bool& eof) override;

 private:
    friend class H2Exchange;
    enum class Turn : std::uint8_t { idle, moved, over };

    [[nodiscard]] Turn receive();
    [[nodiscard]] Turn send();
    void begin(std::unique_ptr<H2Exchange> stream);
    Task<> run(H2Exchange& stream);
    [[nodiscard]] H2Exchange* find(StreamId stream) const;
    void set_deadline();
    Task<> converse(const bool& draining);
    void announce_end();
    [[nodiscard]] std::size_t room() const;

    net::Stream& stream_;
    const ConnectionFacts& facts_;
    net::Wakeup& wakeup_;
    const ServerLimits& limits_;
    H2Session session_;
    Handler* handler_ = nullptr;
    std::unordered_map<StreamId, std::unique_ptr<H2Exchange>> streams_;
    std::string output_;
    SteadyTime idle_since_;  // of no stream
    std::uint32_t requests_ = 0;
    std::size_t held_ = 0;  // bytes of memory that bodies on their way out take, of all streams
    enum class Ending : std::uint8_t { none, announced, final };
    Ending ending_ = Ending::none;
    SteadyTime final_at_;  // once announced: when a client that does not answer has had its time
    bool broken_ = false;  // the transport is over; exchanges may still be ending
};

}  // namespace gh::http
