#pragma once

// What request and response heads have in common. Only the two parsers include this.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/h1_head.hpp"

namespace gh::http::h1 {

[[nodiscard]] constexpr HeadResult incomplete() { return {}; }

[[nodiscard]] constexpr HeadResult refused(std::uint16_t status, std::string_view reason) {
    return {.state = HeadResult::State::refused, .status = status, .reason = reason};
}

[[nodiscard]] constexpr HeadResult complete(std::size_t bytes) {
    return {.state = HeadResult::State::complete, .bytes = bytes};
}

/// Whether parsing is worth it when the first `scanned` bytes were parsed before and held no whole
/// head: the empty line or something that ends the attempt is among the new bytes.
[[nodiscard]] bool is_worth_parsing(std::string_view bytes, std::size_t scanned,
                                    std::size_t bytes_max);

/// Reads field lines from offset `at` to the empty line behind them.
/// @return `complete` with the offset behind the empty line, or what a request is refused with
[[nodiscard]] HeadResult read_fields(std::string_view bytes, std::size_t at, std::size_t fields_max,
                                     Fields& out);

/// 1*DIGIT up to 2^63-1 (RFC 9110 §8.6).
[[nodiscard]] std::optional<std::uint64_t> parse_length(std::string_view value);

enum class Coding : std::uint8_t {
    chunked,
    unknown,    // a list of other codings, then chunked
    malformed,  // everything else
};
[[nodiscard]] Coding transfer_coding(std::string_view value);

/// What the Connection lines of a message say (RFC 9110 §7.6.1).
struct ConnectionOptions {
    bool close = false;
    bool keep_alive = false;
    bool upgrade = false;
};
void read_connection(std::string_view value, ConnectionOptions& options);

}  // namespace gh::http::h1
