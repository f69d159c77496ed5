#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "audit/merkle.hpp"
#include "audit/note.hpp"

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

}  // namespace gh::audit
