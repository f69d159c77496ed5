#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "http/message.hpp"
#include "net/address.hpp"
#include "net/stream.hpp"

namespace gh::http {

/// What is known of a connection before its first request; written at accept and handshake, read by everybody.
struct ConnectionFacts {
    net::Address peer;
    std::string peer_ip;   ///< the peer's address as text, without port
    std::string listener;  ///< name of the one that accepted
    bool encrypted = false;
    std::string_view tls_version;  ///< "TLSv1.3"; empty when not encrypted
    std::shared_ptr<const void>
        certificate;  ///< whoever accepted knows the type; null: none was shown
};

/// A request that could not be read. It is answered, logged and counted like any other, then the connection closes.
struct Unreadable {
    std::uint16_t status = 0;  ///< 0: the request was readable
    std::string_view reason;   ///< stable token for the log
};

struct BodyPiece {
    enum class State : std::uint8_t {
        data,       // bytes, not empty
        blocked,    // nothing now: wait for the wakeup
        end,        // the body is complete; trailers() may be read
        malformed,  // the framing broke: answer 400 if nothing was sent yet, then abort
        closed,     // the client left before the end
    };
    State state = State::blocked;
    std::string_view bytes;
};

/// The client's side of one exchange, an HTTP/1 connection's current request or one stream of HTTP/2.
/// Nothing here waits: who hears `blocked` waits on wakeup(), which any change on this side wakes.
class Downstream {
 public:
    virtual ~Downstream() = default;

    [[nodiscard]] virtual RequestHead& request() = 0;
    [[nodiscard]] virtual const Unreadable& unreadable() const = 0;
    [[nodiscard]] virtual const ConnectionFacts& connection() const = 0;
    [[nodiscard]] virtual net::Wakeup& wakeup() = 0;

    /// The next octets of the request's body, decoded. They are the caller's until it suspends or asks again, and are not
    /// given twice; not asking is back-pressure.
    [[nodiscard]] virtual BodyPiece body() = 0;
    [[nodiscard]] virtual const Fields& trailers() const = 0;
    /// 100 (Continue), where the client waits for it and nothing was answered yet.
    virtual void send_continue() = 0;

    /// Sends the head and the first octets of the body in one write. `head.body` says how the end will be known; it is
    /// brought in line with what the client understands, and framing fields are written here, not by the caller. `last`: that was all.
    /// @return done; blocked: kept, flush() before the next write(); failed: the client is gone
    [[nodiscard]] virtual net::IoState respond(ResponseHead& head, std::string_view body,
                                               bool last) = 0;
    /// More of the body; the same answers. Not while flush() says blocked.
    [[nodiscard]] virtual net::IoState write(std::string_view body, bool last,
                                             const Fields* trailers = nullptr) = 0;
    [[nodiscard]] virtual net::IoState flush() = 0;
    /// How much respond() or write() should bring at once, now that nothing is kept. Never 0.
    [[nodiscard]] virtual std::size_t room() const {
        return std::numeric_limits<std::size_t>::max();
    }

    [[nodiscard]] virtual bool responded() const = 0;
    /// The client has left or reset its stream: there is nobody to answer.
    [[nodiscard]] virtual bool gone() const = 0;
    /// Ends the exchange so that the client cannot take what it has for a complete message.
    virtual void abort() = 0;
    /// After this answer the connection is not used again.
    virtual void close_after() = 0;

    /// Octets as seen on this side: decoded body in, body out.
    [[nodiscard]] virtual std::uint64_t body_received() const = 0;
    [[nodiscard]] virtual std::uint64_t body_sent() const = 0;

    /// After respond() with 101: the bare stream, and what the client sent behind its request. Null for HTTP/2.
    [[nodiscard]] virtual net::Stream* tunnel() = 0;
    [[nodiscard]] virtual std::string_view tunnel_leftover() = 0;
};

/// Answers requests: exactly one response, or abort(), by the time the task ends.
class Handler {
 public:
    virtual ~Handler() = default;
    virtual Task<> handle(Downstream& downstream) = 0;
};

}  // namespace gh::http
