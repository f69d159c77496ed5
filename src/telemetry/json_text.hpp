#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gh::telemetry {

/// The most bytes one byte of input can become.
inline constexpr std::size_t json_growth_max = 6;

/// Writes `text` as the inside of a JSON string (RFC 8259 §7) and returns the end of what was
/// written. The output is valid UTF-8 whatever comes in: each ill-formed sequence becomes \ufffd
/// (Unicode 15 §3.9, maximal subparts). Control characters, DEL and C1 (U+0080..U+009F) are
/// escaped, so that a line does nothing to the terminal that shows it.
///
/// @param out  room for json_growth_max bytes per byte of `text`
[[nodiscard]] char* write_json_text(char* out, std::string_view text) noexcept;

/// The same at the end of a string, without quotes.
void append_json_text(std::string& out, std::string_view text);

/// The end of the well-formed UTF-8 sequence at the beginning of `text`; 0 where it is ill-formed,
/// and then `skip` says how many bytes stand for it.
struct Utf8Sequence {
    std::size_t length;
    std::size_t skip;
};
/// @param text  not empty
[[nodiscard]] Utf8Sequence utf8_sequence(std::string_view text) noexcept;

/// How many bytes at the beginning are ASCII and not NUL; may stop up to seven early.
[[nodiscard]] std::size_t ascii_run(std::string_view text) noexcept;

/// At most `bytes_max` bytes of the beginning, not ending within a well-formed sequence.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) noexcept;

}  // namespace gh::telemetry
