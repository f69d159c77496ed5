#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// WebSocket (RFC 6455), a server's side, without extensions; pure.

namespace gh::http::websocket {

enum class Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

/// Why a side closes (RFC 6455 §7.4.1).
enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    no_status = 1005,  ///< never sent
    invalid_payload = 1007,
    policy_violation = 1008,
    too_big = 1009,
    internal_error = 1011
};

/// Is it a Sec-WebSocket-Key: 16 octets in base64?
[[nodiscard]] bool is_key(std::string_view text);
/// Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2).
[[nodiscard]] std::string accept_of(std::string_view key);

/// A whole message or a control frame, as servers send them: not masked.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);
/// A close frame. @param reason  UTF-8, at most 123 octets
void append_close(std::string& out, CloseCode code, std::string_view reason = {});

/// What a client has sent: a message put together of its frames, or a control frame.
struct Received {
    Opcode opcode = Opcode::text;  ///< text, binary, close, ping or pong
    std::string
        payload;  ///< unmasked; of a close frame the reason; of text UTF-8 only if who reads it looks
    CloseCode code = CloseCode::no_status;  ///< of a close frame
};

/// Reads a client's frames from octets that come in any pieces.
class Reader {
 public:
    /// @param message_bytes_max  of a whole message, of however many frames
    explicit Reader(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

    /// Keeps no more than what came and is not yet taken by next().
    void append(std::string_view octets);
    /// The next one; nothing: more octets are needed, or fault() is set and nothing comes any more.
    [[nodiscard]] std::optional<Received> next();
    /// Why the connection must be closed. Nothing: it is in order.
    [[nodiscard]] std::optional<CloseCode> fault() const { return fault_; }

 private:
    struct Head {
        Opcode opcode = Opcode::continuation;
        bool final = false;
        std::uint64_t length = 0;
        std::size_t bytes = 0;  ///< of the head itself, its mask among them
    };
    [[nodiscard]] std::optional<Head> read_head();
    [[nodiscard]] bool judge(const Head& head);
    [[nodiscard]] std::string take_payload(const Head& head);
    [[nodiscard]] std::optional<Received> take_control(const Head& head);
    bool refuse(CloseCode why);

    const std::size_t message_bytes_max_;
    std::string octets_;
    std::size_t begin_ = 0;
    std::string message_;  ///< of frames that came before the last one
    std::optional<Opcode> message_opcode_;
    std::optional<CloseCode> fault_;
};

}  // namespace gh::http::websocket
