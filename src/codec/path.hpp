#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.hpp"
#include "codec/borrowed_text.hpp"

namespace gh::codec {

inline constexpr std::size_t path_bytes_max = 8192;

/// What a route may allow by name. A caller that does not know the route yet allows all, matches,
/// and then asks the NormalPath what it holds.
struct PathRules {
    bool allow_encoded_slash = false;  ///< "%2F" stays as it is, and separates nothing
    bool allow_parameters = false;     ///< ";" stays as it is
};

/// A path as it is judged and as it is sent on: the two are one.
class NormalPath {
 public:
    [[nodiscard]] std::string_view view() const { return text_.view(); }
    /// Was it normal already? Then the view is into the text it was made of.
    [[nodiscard]] bool is_borrowed() const { return text_.is_borrowed(); }
    [[nodiscard]] bool has_encoded_slash() const { return has_encoded_slash_; }
    [[nodiscard]] bool has_parameters() const { return has_parameters_; }

 private:
    friend Result<NormalPath> normalise_path(std::string_view, PathRules);
    BorrowedText text_;
    bool has_encoded_slash_ = false;
    bool has_parameters_ = false;
};

/// Gives each path one spelling (RFC 3986 §6.2.2), so that no other spelling reaches what a route
/// protects:
///
/// - escapes in upper case; those of unreserved characters decoded, once ("%252e" stays "%252e");
/// characters that RFC
///   3986 does not allow raw but browsers send ("|", "[", "{", ...) escaped
/// - "." and ".." resolved, however they were escaped; ".." at the root stays there
/// - runs of "/" become one: upstreams differ on whether "//admin" is "/admin", and clients that
/// join a base and a path
///   carelessly are many, so it is made the same thing rather than refused
///
/// A path that is normal already is passed through as a view, with no allocation.
///
/// @param raw  from the request target, without the query; begins with "/"
/// @return     `invalid_argument` with one of
///             "path.relative" (does not begin with "/"), "path.too_long" (above `path_bytes_max`),
///             "path.bad_escape" ("%", "%g1"),
///             "path.control" (a control character or space, raw; a control character, escaped),
///             "path.not_ascii" (raw bytes beyond ASCII), "path.not_utf8" (escapes that spell no
///             UTF-8: overlong forms hide "/" and "." from us and show them to lenient decoders),
///             "path.backslash" (raw or escaped: a slash to some upstreams),
///             "path.delimiter" ("?" or "#": not part of a path),
///             "path.encoded_slash" ("%2F" unless allowed, and beside "." or ".." always),
///             "path.parameter" (";" unless allowed: servers that take "/admin;x" for "/admin"
///             exist. With an empty name or "." or ".." before it always, escaped or not)
[[nodiscard]] Result<NormalPath> normalise_path(std::string_view raw, PathRules rules);

}  // namespace gh::codec
