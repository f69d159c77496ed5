#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/problem.hpp"
#include "config/secret.hpp"

namespace gh::config {

inline constexpr std::size_t dotenv_bytes_max = 256 * 1024;

/// Reads a `.env` file the way python-dotenv does, except that a line it cannot understand is an error.
///
/// `NAME=value`, an optional `export` in front, blanks around the equals sign; `#` begins a comment at the start of a
/// line or after a blank. In single quotes only \\ and \' are escapes, in double quotes the usual ones; both may span
/// lines. `${NAME}` and `${NAME:-default}` in a value that is not in single quotes stand for a variable of `process`
/// or, failing that, of a line above. A name set twice keeps its last value; a name without `=` is left out.
///
/// @param file  for messages; a problem never shows a value
[[nodiscard]] std::expected<Environment, Problem> parse_dotenv(std::string_view text,
                                                               std::string_view file,
                                                               const Environment& process);

/// `${name}` in a value, and who answered it.
struct DotenvReference {
    enum class From : std::uint8_t { process, line, fallback, nobody };
    std::string name;
    From from = From::nobody;
};

/// `NAME=value` and where it stands.
struct DotenvAssignment {
    std::string name;
    Secret value;
    std::uint32_t line = 0;             ///< of its beginning
    std::size_t begin = 0;              ///< octets of the text: the beginning of that line
    std::size_t end = 0;                ///< the end of the value, before a comment behind it
    std::vector<DotenvReference> uses;  ///< all of them, in order
};

/// The same, with each assignment in order, also those that a later one overrides.
[[nodiscard]] std::expected<std::vector<DotenvAssignment>, Problem> parse_dotenv_assignments(
    std::string_view text, std::string_view file, const Environment& process);

}  // namespace gh::config
