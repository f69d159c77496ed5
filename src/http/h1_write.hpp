#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace gh::http {

// The writers own framing and connection management: Content-Length, Transfer-Encoding, Connection,
// Keep-Alive, Proxy-Connection and Host lines among the fields are passed over and written from
// `body`, `keep_alive` and `authority`, so that what is sent cannot contradict itself. Everything
// else is written in order and trusted to be valid (parsed, or checked with is_token and
// is_field_value). The output grows once a head.

/// Appends a request head in HTTP/1.1. Host comes first, from `authority`; `body` gives
/// Content-Length or Transfer-Encoding (Framing::none: neither, which means no body); `keep_alive`
/// false gives "Connection: close"; `expects_continue` gives "Expect: 100-continue", other Expect
/// lines are passed over, as HTTP/1.0 may carry any of them without meaning it; `upgrade_websocket`
/// gives "Connection: upgrade" and "Upgrade: websocket" in place of other Upgrade lines.
/// POST, PUT and PATCH without a body say "Content-Length: 0".
void append_request_head(std::string& out, const RequestHead& head);

/// Appends a response head in HTTP/1.1. The reason phrase is the registered one when `reason` is
/// empty. Framing::none keeps the Content-Length among the fields (answers to HEAD, 304) unless the
/// status is 1xx or 204; length and chunked write their line; until_close implies "Connection:
/// close"; tunnel gives "Connection: upgrade" and keeps the Upgrade line.
/// @param client  HTTP/1.0 gets "Connection: keep-alive" where the connection stays open (RFC 9112
/// §9.3)
void append_response_head(std::string& out, const ResponseHead& head,
                          Version client = Version::http_1_1);

/// "HTTP/1.1 100 Continue" and its empty line.
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

/// `now` as a Date value (IMF-fixdate, RFC 9110 §5.6.7): 29 bytes, kept per thread and made anew
/// once a second. The view is valid until this thread's next call with another second.
[[nodiscard]] std::string_view date_text(SystemTime now);

}  // namespace gh::http
