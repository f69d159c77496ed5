#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "audit/merkle.hpp"
#include "audit/note.hpp"
#include "audit/proof.hpp"
#include "base/error.hpp"

/// The lines of an export, each with its newline: docs/formats/audit-log.md. First the head, then checkpoints from the
/// oldest to the newest, then records with rising indices.
namespace gh::audit {

[[nodiscard]] std::string export_head(const NoteVerifier& log);

/// @param note         a signed checkpoint
/// @param consistency  with the checkpoint on the line before; empty for the first one
[[nodiscard]] std::string export_checkpoint(std::string_view note,
                                            std::span<const Hash> consistency);

/// @param inclusion  in the tree of the last checkpoint
/// @param record     the leaf: what encode_record() wrote
[[nodiscard]] std::string export_record(std::uint64_t index, std::span<const Hash> inclusion,
                                        std::string_view record);

// --- reading ---

inline constexpr std::size_t export_line_bytes_max = 2 * 1024 * 1024;

struct ExportedHead {
    std::string origin, verifier_key;
};
struct ExportedCheckpoint {
    std::string note;  ///< its signature is not judged
    Proof consistency;
};
struct ExportedRecord {
    std::uint64_t index = 0;
    Proof inclusion;
    std::string record;  ///< not judged: parse_record() does
};
using ExportLine = std::variant<ExportedHead, ExportedCheckpoint, ExportedRecord>;

/// Reads one line, without its newline, and nothing that differs by a byte from what the functions above write.
/// @return `invalid_argument` "audit.export_malformed"
[[nodiscard]] Result<ExportLine> parse_export_line(std::string_view line);

}  // namespace gh::audit
