#pragma once

#include <cstdint>
#include <string_view>

#include "http/field.hpp"

namespace gh::http {

enum class Method : std::uint8_t {
    get,
    head,
    post,
    put,
    delete_,
    connect,
    options,
    trace,
    patch,
    other
};

/// Case matters (RFC 9110 §9.1).
[[nodiscard]] Method method_of(std::string_view text);

/// RFC 9110 §9.2.2: may be sent again without asking.
[[nodiscard]] constexpr bool is_idempotent(Method method) {
    return method == Method::get || method == Method::head || method == Method::put ||
           method == Method::delete_ || method == Method::options || method == Method::trace;
}

enum class Version : std::uint8_t { http_1_0, http_1_1, http_2 };

/// How the end of a body is known (RFC 9112 §6).
enum class Framing : std::uint8_t {
    none,         // no body
    length,       // content-length octets
    chunked,      // the chunked coding
    until_close,  // responses only
    tunnel,       // after a 101 or a successful CONNECT: no message any more
};

struct BodyFraming {
    Framing kind = Framing::none;
    std::uint64_t length = 0;  ///< with Framing::length
};

/// A request's head; all views point into the buffer it was read into.
struct RequestHead {
    Method method = Method::other;
    std::string_view method_text;
    std::string_view target;     ///< origin-form as sent, or "*"; absolute-form is cut to it
    std::string_view authority;  ///< never with userinfo; empty only in HTTP/1.0
    std::string_view scheme;     ///< where the client named it: HTTP/2, absolute-form
    Version version = Version::http_1_1;
    Fields fields;
    BodyFraming body;
    bool keep_alive = true;
    bool expects_continue = false;
    bool upgrade_websocket = false;  ///< Connection: upgrade and Upgrade: websocket, or RFC 8441
};

/// A response's head, as read from an upstream or about to be sent.
struct ResponseHead {
    std::uint16_t status = 0;
    std::string_view reason;
    Version version = Version::http_1_1;
    Fields fields;
    BodyFraming body;
    bool keep_alive = true;
};

/// The reason phrase of a status (RFC 9110 §15), or an empty view.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status);

}  // namespace gh::http
