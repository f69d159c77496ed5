#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "http/message.hpp"

namespace gh::http {

using StreamId = std::int32_t;

/// RFC 9113 §7.
enum class H2Error : std::uint32_t {
    no_error = 0,
    protocol_error = 1,
    internal_error = 2,
    flow_control_error = 3,
    stream_closed = 5,
    refused_stream = 7,
    cancel = 8,
    enhance_your_calm = 11,
    http_1_1_required = 13,
};

struct H2Limits {
    std::uint32_t streams_max = 100;  // open at once
    std::size_t header_bytes_max =
        32 * 1024;  // as RFC 9113 §6.5.2 counts: name + value + 32 a field; beyond: 431
    std::size_t fields_max = 100;             // beyond: 431; cookie crumbs count as one
    std::size_t target_bytes_max = 8 * 1024;  // beyond: 414
    std::size_t trailers_max = 32;
    std::uint32_t stream_window_bytes =
        64 * 1024;  // what a client may send ahead of consume(), a stream
    std::uint32_t connection_window_bytes = 1024 * 1024;  // the same for all streams together
    // Frames that ask for work and bring none (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA,
    // resets this side was made to send) draw from a budget that requests, data and
    // time refill.
    std::uint32_t idle_frames_max = 1000;
    std::uint32_t idle_frames_per_second = 50;
    std::uint32_t resets_max = 200;  // RST_STREAM by the client, in a burst (CVE-2023-44487)
    std::uint32_t resets_per_second = 33;
};

/// What a session tells its owner, called from inside feed() and pull(). Handlers may call the
/// stream functions of the session; they must not call feed or pull, destroy it, or throw.
class H2Handler {
 public:
    /// A request's head is complete and sound. `head` and all its views stay valid until
    /// on_close(stream) returns. Its `body` says chunked where the length is unknown. With
    /// `end_stream` no on_data or on_end follows.
    virtual void on_request(StreamId stream, RequestHead& head, bool end_stream) = 0;

    /// A head that is over the limits or asks for what this house does not do: status is 414, 417,
    /// 431 or 501. Answer with submit_response; the rest of the request is thrown away. on_close
    /// follows as usual.
    virtual void on_refused(StreamId stream, std::uint16_t status, std::string_view reason) = 0;

    /// Body bytes, valid during the call. Each must be given back by consume(), sooner or later.
    virtual void on_data(StreamId stream, std::string_view bytes) = 0;

    /// The request is complete; `trailers` are valid until on_close.
    virtual void on_end(StreamId stream, const Fields& trailers) = 0;

    /// The stream is gone, once for every on_request and on_refused. no_error: both sides said all
    /// they had to say, or this side reset with that code. Otherwise the request was cut off, and
    /// whoever works on it must stop; an upstream must not see such a request as complete.
    virtual void on_close(StreamId stream, H2Error code) = 0;

    /// Next bytes of the response body, written to `out` in place.
    /// @return how many; 0 with `eof` unset parks the stream until resume(); `eof` may come with
    /// the last bytes
    virtual std::size_t fill(StreamId stream, std::span<char> out, bool& eof) = 0;

 protected:
    ~H2Handler() = default;
};

/// The server's side of one HTTP/2 connection (RFC 9113), without any I/O: bytes in, events out,
/// bytes pulled.
///
/// Reset with PROTOCOL_ERROR before the handler hears of them: connection-specific fields, upper
/// case, CR, LF, NUL and other invalid characters in names or values, missing, repeated, unknown or
/// late pseudo fields, `:authority` unlike Host, several or malformed content-length,
/// content-length that is not what DATA brings. For the last, bodies of a declared length up to
/// `stream_window_bytes` are held until they are complete (all of a connection's up to half of its
/// window together). Longer ones are handed on but for the piece that would complete them, so that
/// an upstream may see a part of such a request but never a whole one.
///
/// A stream that was answered before its request was complete is reset with NO_ERROR.
class H2Session {
 public:
    H2Session(const H2Limits& limits, H2Handler& handler, SteadyTime now);
    ~H2Session();
    H2Session(H2Session&&) noexcept;
    H2Session& operator=(H2Session&&) noexcept;

    /// Reads what the client sent, from its connection preface on.
    /// @param now  refills the budget of idle frames
    /// @return `invalid_argument` "h2.protocol" or `exhausted` "h2.flood": pull() what remains (a
    /// GOAWAY), send it, close
    [[nodiscard]] Result<void> feed(std::string_view bytes, SteadyTime now);

    /// Appends frames to `out` until it holds about `bytes_max` bytes or there is nothing to send
    /// now.
    /// @return how many bytes were appended
    std::size_t pull(std::string& out, std::size_t bytes_max = 32 * 1024);

    /// Whether pull() would write anything now.
    [[nodiscard]] bool wants_write() const;
    /// Whether the connection has come to its end and what was pulled is all: close it.
    [[nodiscard]] bool finished() const;
    [[nodiscard]] std::size_t open_streams() const;

    // Calls about a stream that is no longer open do nothing.

    /// Sends an interim response (RFC 9110 §15.2), such as 100.
    void submit_informational(StreamId stream, std::uint16_t status);
    /// Sends a head; connection-specific fields are left out, names are put to lower case. With
    /// `has_body`, fill() is asked for bytes as the client's windows allow.
    void submit_response(StreamId stream, const ResponseHead& head, bool has_body);
    /// Trailers to send after the body; call before fill() says eof. They are copied.
    void submit_trailers(StreamId stream, const Fields& trailers);
    /// fill() has bytes again.
    void resume(StreamId stream);
    void reset(StreamId stream, H2Error code);
    /// Gives `bytes` of on_data back to the client's windows.
    void consume(StreamId stream, std::size_t bytes);

    /// First half of a graceful end (RFC 9113 §6.8): says that no new streams are wanted, still
    /// takes what is under way, and asks the client to say when it has heard so (a PING).
    void announce_shutdown();
    /// The client has: what it sends from now on, it sends knowing.
    [[nodiscard]] bool shutdown_heard() const;
    /// Second half, a round trip later: refuses new streams, lets open ones end; then finished().
    void shut_down();
    /// Ends at once with this code.
    void terminate(H2Error code);
    /// The transport is gone: on_close(cancel) for every open stream. Nothing but destruction may
    /// follow.
    void lost();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gh::http
