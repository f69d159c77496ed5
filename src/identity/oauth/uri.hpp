#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gh::identity::oauth {

inline constexpr std::size_t redirect_uri_bytes_max = 1024;

/// Where codes may be sent: `https://`; `http://` on this machine (RFC 8252 §7.3); or a private-use scheme with a dot in it
/// (§7.1), which no scheme of the browser's own has. Without fragment, user information and characters that mean something
/// to HTML, header fields or policies.
[[nodiscard]] bool valid_redirect_uri(std::string_view uri);

/// Compared byte by byte (RFC 9700 §2.1), but for the port of a loopback address (RFC 8252 §7.3).
[[nodiscard]] bool redirect_uri_allowed(std::span<const std::string> registered,
                                        std::string_view asked);

/// May a program other than the client receive what is sent there? Everybody on the machine can listen on a loopback
/// port or claim a scheme (RFC 8252 §8.6).
[[nodiscard]] bool is_contested(std::string_view redirect_uri);

/// The source that a Content-Security-Policy names it by: "https://app.example:8443", "com.example.app:".
[[nodiscard]] std::string policy_source_of(std::string_view redirect_uri);

/// With more parameters behind its own.
/// @param parameters  "a=1&b=2"
[[nodiscard]] std::string with_parameters(std::string_view redirect_uri,
                                          std::string_view parameters);

/// What a token may be meant for (RFC 8707 §2): an absolute URI without a fragment.
[[nodiscard]] bool valid_resource(std::string_view uri);

/// "https://as.example:8443" of "https://as.example:8443/path".
[[nodiscard]] std::string_view origin_of(std::string_view url);

}  // namespace gh::identity::oauth
