#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/unique_fd.hpp"
#include "export/spool_record.hpp"

namespace gh::exporting {

struct SpoolOptions {
    std::uint64_t bytes_max = 256 * 1024 * 1024;
    std::uint64_t segment_bytes = 4 * 1024 * 1024;  ///< then another file begins
};

/// Batches that wait on the disk for a server that is away, first in first out: a folder of segments and of the position
/// up to which they were sent. One process at a time; for one thread.
///
/// A batch is there once append() has returned, also when the process is killed. Segments are synced when the next one
/// begins and at sync(): a power cut may cost what was written since, and what it leaves half written is seen by its
/// checksum. The position is not synced, so after a power cut some batches may come twice; after a kill only the one that
/// was on its way.
class Spool {
 public:
    /// Makes the folder (0700). @return `unavailable` "file.locked": another process has it; "file.io"
    [[nodiscard]] static Result<Spool> open(const std::filesystem::path& folder,
                                            SpoolOptions options);

    /// Makes room first: the oldest segments go.
    /// @return `unavailable` "file.io": nothing was written; `invalid_argument` "spool.too_large"
    [[nodiscard]] Result<void> append(std::uint32_t lines, std::string_view body);

    struct Batch {
        std::uint32_t lines = 0;
        std::string body;
        SpoolPosition end;  ///< for sent()
    };
    /// The oldest. Steps over what is damaged. @return nothing: there is none
    [[nodiscard]] std::optional<Batch> front();
    /// The batch that ends there is done with, and whatever was before it.
    void sent(const SpoolPosition& end);

    [[nodiscard]] bool empty() const { return segments_.empty(); }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    void sync();

    /// What was lost since the last call.
    struct Lost {
        std::uint64_t lines = 0;    ///< gone to make room
        std::uint64_t damaged = 0;  ///< segments whose rest cannot be read
    };
    [[nodiscard]] Lost take_lost() { return std::exchange(lost_, {}); }

 private:
    struct Segment {
        std::uint64_t number = 0;
        std::uint64_t bytes = 0;
    };

    Spool(FileLock lock, UniqueFd folder, SpoolOptions options)
        : lock_(std::move(lock)), folder_(std::move(folder)), options_(options) {}
    [[nodiscard]] Result<void> find_segments(const std::filesystem::path& folder);
    void read_position();
    void write_position();
    [[nodiscard]] Result<void> begin_segment();
    void end_segment();
    void drop_oldest();
    void remove_front();
    [[nodiscard]] UniqueFd open_segment(const Segment& segment) const;
    [[nodiscard]] std::uint64_t lines_left(const Segment& segment, std::uint64_t from) const;

    FileLock lock_;
    UniqueFd folder_;
    SpoolOptions options_;
    std::deque<Segment> segments_;  // by number; none is sent to its end
    UniqueFd writing_;              // the last of them; none: the next batch begins another
    std::uint64_t last_number_ = 0;
    SpoolPosition position_;
    UniqueFd position_file_;
    std::uint64_t bytes_ = 0;
    Lost lost_;
};

}  // namespace gh::exporting
