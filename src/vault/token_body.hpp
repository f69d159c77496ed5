#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "vault/tokens.hpp"
#include "vault/wrapped_answers.hpp"

/// Bodies of auth/token and sys/wrapping, read and written; pure.
///
/// Errors: `invalid_argument` "kv.body", the detail is for the client.
namespace gh::vault::kv {

/// As long lasts a token that says nothing.
inline constexpr seconds token_ttl_usual = std::chrono::hours(32 * 24);
inline constexpr std::size_t token_meta_max = 64;

/// {"policies": ["team"], "ttl": "1h", "renewable": true, "explicit_max_ttl": "8h", "period": 0, "meta": {"for": "ci"},
/// "display_name": "ci", "no_parent": false}
[[nodiscard]] Result<WantedToken> parse_wanted_token(std::string_view body);

/// Which token, and for how much longer: {"token": "gh_...", "increment": "1h"}, or with `accessor` in the place of `token`.
struct NamedToken {
    std::string_view text;  ///< as it stands in the body
    std::string accessor;
    std::optional<seconds> increment;
};
/// @param what  "token", "accessor", or empty: neither is taken
[[nodiscard]] Result<NamedToken> parse_named_token(std::string_view body, std::string_view what);

/// {"auth": {...}}
[[nodiscard]] std::string text_of_auth(const Token& token, std::string_view text, SystemTime now,
                                       std::string_view request_id);
/// @param text  of the token, where who asks has it
[[nodiscard]] std::string text_of(const Token& token, std::string_view text, SystemTime now,
                                  std::string_view request_id);

/// What stands in the place of an answer that was wrapped.
struct WrapInfo {
    std::string token, accessor;
    seconds ttl{};
    SystemTime created_at;
    std::string path;              ///< "secret/data/a": what was asked for
    std::string wrapped_accessor;  ///< of a token that is in it
};
[[nodiscard]] WrapInfo wrap_info_of(const MadeWrapping& made, std::string wrapped_accessor = {});
[[nodiscard]] std::string text_of(const WrapInfo& wrapped, std::string_view request_id);
/// What is known of one that waits.
[[nodiscard]] std::string text_of(const WrappedAnswer& waiting, std::string_view request_id);

}  // namespace gh::vault::kv
