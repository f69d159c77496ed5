#pragma once

#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

/// A request target in origin form (RFC 9112 §3.2.1), taken apart. Views into it.
struct Target {
    std::string_view path;   ///< raw: hand it to normalise_path
    std::string_view query;  ///< without "?"; sent on as it came
    bool has_query = false;  ///< "/x?" has one, an empty one
};

/// Splits at the first "?". The query is judged here, because it is sent on unchanged; the path is
/// not.
///
/// @return `invalid_argument` with "target.malformed" (does not begin with "/"), "target.fragment"
/// ("#"), or
///         "target.characters" (control characters, spaces or bytes beyond ASCII in the query)
[[nodiscard]] Result<Target> split_target(std::string_view target);

}  // namespace gh::codec
