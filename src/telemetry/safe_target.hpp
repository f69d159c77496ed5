#pragma once

#include <string>
#include <string_view>

namespace gh::telemetry {

inline constexpr std::size_t safe_target_bytes_max = 2048;

/// A request target that may be logged: values of query parameters with secrets (token,
/// access_token, api_key, key, password, secret, code, signature and their kin; names compared
/// percent-decoded and without case) and userinfo become "***"; cut at 2 KiB, a cut one ends in
/// "...".
[[nodiscard]] std::string safe_target(std::string_view target);

/// The same without an allocation where nothing is to be masked: then the result is `target` or its
/// beginning.
/// @param scratch  overwritten; the result may point into it
[[nodiscard]] std::string_view safe_target(std::string_view target, std::string& scratch);

}  // namespace gh::telemetry
