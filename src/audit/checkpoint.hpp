#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle.hpp"
#include "audit/note.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

/// Checkpoints (C2SP tlog-checkpoint): what the log was at one moment, as the text of a signed note.
namespace gh::audit {

inline constexpr std::size_t checkpoint_extensions_max = 16;

struct Checkpoint {
    std::string origin;  ///< which log; the name of the key that signs for it
    std::uint64_t size = 0;
    Hash root{};
    std::optional<SystemTime> time;  ///< our first extension line: "time 2026-01-31T23:59:59.123Z"
    std::vector<std::string> extensions;  ///< further lines as they stand, without the newline
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The lines origin, size in decimal, root in base64, extensions. Strict: the text it takes is the one that
/// format_checkpoint() writes for its answer.
/// @return `invalid_argument` "checkpoint.malformed"
[[nodiscard]] Result<Checkpoint> parse_checkpoint(std::string_view text);

/// @return `invalid_argument` "checkpoint.malformed" for what parse_checkpoint() would not take: an origin that is no
///         note name, a size beyond tree_size_max, an empty extension, ...
[[nodiscard]] Result<std::string> format_checkpoint(const Checkpoint& checkpoint);

/// A checkpoint of the log that `signer` is named after, as a signed note.
/// @return as format_checkpoint() and format_note(); "checkpoint.origin" when the origin is another log's
[[nodiscard]] Result<std::string> sign_checkpoint(const Checkpoint& checkpoint,
                                                  const NoteSigner& signer);

/// The checkpoint of a note that the log's own key has signed.
/// @return as open_note() and parse_checkpoint(); `unauthenticated` "checkpoint.origin" when it speaks of another log
[[nodiscard]] Result<Checkpoint> open_checkpoint(std::string_view message, const NoteVerifier& log);

}  // namespace gh::audit
