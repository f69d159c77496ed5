#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::api {

/// What a client is told of a failure (RFC 9457). Nothing here comes from an Error's detail.
struct Problem {
    std::uint16_t status = 500;
    std::string_view code;    ///< stable token: "auth.required"
    std::string_view detail;  ///< safe for anyone to read
    std::string_view request_id;
};

inline constexpr std::string_view problem_content_type = "application/problem+json";

/// Appends the document. `type` is "about:blank" and `title` the status's phrase, as RFC 9457 §4.2.1 wants them together;
/// `code` is the member programs look at.
void append_problem(std::string& out, const Problem& problem);

/// The status that tells a client of an error of this kind.
[[nodiscard]] std::uint16_t status_of(ErrorKind kind);

}  // namespace gh::api
