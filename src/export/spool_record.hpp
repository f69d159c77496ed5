#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

// What a spool has on the disk; pure. docs/formats/spool.md says it byte by byte.

namespace gh::exporting {

/// One batch that waits to be sent.
struct SpoolRecord {
    std::uint32_t lines = 0;
    std::string_view body;
};

inline constexpr std::size_t spool_header_bytes = 20;
inline constexpr std::size_t spool_body_bytes_max = 32 * 1024 * 1024;

/// @param body  at most spool_body_bytes_max
void append_spool_record(std::string& out, std::uint32_t lines, std::string_view body);

/// What a header says of itself, unchecked: enough to step over its record.
struct SpoolHeader {
    std::uint32_t lines = 0;
    std::size_t record_bytes = 0;  ///< with the header
};
/// @param bytes  begins with a header
/// @return       nothing: it is none, or cut short
[[nodiscard]] std::optional<SpoolHeader> parse_spool_header(std::string_view bytes);

/// @param bytes  begins with a record; what follows it is left alone
/// @return       `corrupt` "spool.damaged": cut short, or not what was written
[[nodiscard]] Result<SpoolRecord> parse_spool_record(std::string_view bytes);

/// How far a spool has been sent: everything before `offset` of `segment`, and of segments before it.
struct SpoolPosition {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    friend bool operator==(const SpoolPosition&, const SpoolPosition&) = default;
};

/// Always of the same length, so that it is written over.
[[nodiscard]] std::string spool_position_text(const SpoolPosition& position);
/// @return nothing: it is not what was written
[[nodiscard]] std::optional<SpoolPosition> parse_spool_position(std::string_view text);

}  // namespace gh::exporting
