#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api/type.hpp"
#include "base/error.hpp"

namespace gh::api {

/// What a client is told of a failure (RFC 9457). Nothing here comes from an Error's detail.
struct Problem {
    std::uint16_t status = 500;
    std::string_view code;    ///< stable token: "auth.required"
    std::string_view detail;  ///< safe for anyone to read
    std::string_view request_id;
    std::span<const FieldError> errors = {};
};

inline constexpr std::string_view problem_content_type = "application/problem+json";

/// Appends the document. `type` is "about:blank" and `title` the status's phrase, as RFC 9457 §4.2.1 wants them together;
/// `code` is the member programs look at. `errors` is there where single fields are at fault, each with `pointer` (into the
/// body, RFC 6901) or `parameter` (of the query), `code` and `detail`.
void append_problem(std::string& out, const Problem& problem);

/// The schema of that document, for references.
void describe_problem(codec::json::Writer& out, Schemas& schemas);

/// The status that tells a client of an error of this kind.
[[nodiscard]] std::uint16_t status_of(ErrorKind kind);

}  // namespace gh::api
