#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.hpp"

namespace gh::http {

/// What a head may measure before it is refused.
struct HeadLimits {
    std::size_t bytes_max = 32 * 1024;        // whole head with its empty line; beyond: 431
    std::size_t fields_max = 100;             // field lines; beyond: 431
    std::size_t target_bytes_max = 8 * 1024;  // beyond: 414
};

struct HeadResult {
    enum class State : std::uint8_t { complete, incomplete, refused };
    State state = State::incomplete;
    std::size_t bytes = 0;     ///< complete: length of the head, the body begins there
    std::uint16_t status = 0;  ///< refused: what to answer before the connection closes
    std::string_view reason;   ///< refused: stable token, static storage: "http.field_name"
};

/// Reads a request head (RFC 9112 §2-6, RFC 9110), strictly: whatever two readers could understand
/// differently is refused.
///
/// @param bytes    everything received since the last message, from its first byte. One empty line
/// before the
///                 request line is skipped (§2.2).
/// @param scanned  how much of `bytes` an earlier call saw; 0 for a new head. Kept by the parser,
/// so that a head which
///                 arrives byte by byte costs two passes and not one a byte; 0 again when complete
///                 or refused.
/// @param out      filled when complete; its views point into `bytes`. Nothing is allocated once it
/// has grown.
/// @return `refused` with 400 and one of
///     "http.line_end"          bare LF or bare CR
///     "http.request_line"      not exactly method SP target SP version; more than one empty line
///     before it "http.method"            not a token "http.target"            characters, or a
///     form that the method does not have (§3.2) "http.folding"           obs-fold (§5.2)
///     "http.field_name"        empty, not a token, whitespace before the colon, no colon
///     "http.field_value"       a control character
///     "http.host"              missing, several, invalid, or unlike the authority of an
///     absolute-form target (§3.2) "http.content_length"    several, not digits only, beyond 2^63-1
///     "http.transfer_encoding" several, not "chunked", in HTTP/1.0
///     "http.framing"           both lengths (§6.1)
/// 414 "http.target_too_long", 417 "http.expectation", 431 "http.head_too_large" and
/// "http.fields_too_many", 501 "http.connect" (this house is no forward proxy), "http.method"
/// (longer than 32 bytes) and "http.transfer_encoding" (a well-formed list of codings that ends in
/// "chunked"), 505 "http.version". After a refusal the connection is of no further use.
[[nodiscard]] HeadResult parse_request_head(std::string_view bytes, const HeadLimits& limits,
                                            RequestHead& out, std::size_t& scanned);

/// Reads a response head from an upstream with the same strictness. Framing follows RFC 9112 §6.3:
/// no body for HEAD, 1xx, 204 and 304; 101 is a tunnel; without a length it lasts until the
/// connection closes. `keep_alive` is false wherever the connection cannot be used again, also
/// where a response that has no body claims one.
///
/// @param request_method  of the request this answers
/// @return `refused` with 502 and "upstream.malformed", or "upstream.head_too_large" by the limits
[[nodiscard]] HeadResult parse_response_head(std::string_view bytes, const HeadLimits& limits,
                                             Method request_method, ResponseHead& out,
                                             std::size_t& scanned);

}  // namespace gh::http
