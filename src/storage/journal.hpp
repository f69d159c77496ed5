#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "net/answer.hpp"

namespace gh::storage {

/// One write that waits for the database.
struct JournalRecord {
    std::uint64_t sequence = 0;  ///< of this journal, from 1 without gaps; given by append()
    std::string id;              ///< UUIDv7: the database takes it once
    std::string kind;            ///< who applies it: "audit.append"
    SystemTime at;
    std::string payload;  ///< JSON
};

inline constexpr std::size_t journal_payload_bytes_max = 1024 * 1024;

/// One line without its end: checksum, space, JSON object. See docs/formats/journal.md.
[[nodiscard]] std::string journal_line(const JournalRecord& record);
/// @return `corrupt` "journal.line"
[[nodiscard]] Result<JournalRecord> parse_journal_line(std::string_view line);

/// An append-only file of writes that could not reach the database. What append() has acknowledged is on disk.
///
/// Segments are named by the sequence of their first record; those whose records were all let go are removed. A record that
/// was cut short at the end of the last segment (the power went) is cut off when it is opened: nobody was told it was kept.
class Journal {
 public:
    struct Options {
        std::uint64_t segment_bytes = 16 * 1024 * 1024;
        std::uint64_t bytes_max =
            1024 * 1024 * 1024;            ///< of all segments together; beyond: refused
        std::size_t waiting_max = 10'000;  ///< appends that wait for the disk
    };

    /// What waits for the database.
    struct Backlog {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
        std::optional<SystemTime> oldest;
    };

    /// Makes the folder (0700) when it is missing; its parent must exist.
    /// @return `unavailable` "journal.io", `corrupt` "journal.damaged" (a bad line that is not the last one): the detail says
    ///         where, and what to do
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& folder,
                                                               Options options);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// Resumes once the record is on disk; several share one fsync.
    /// @return `invalid_argument` "journal.too_large"; `exhausted` "journal.full" (bytes_max, waiting_max or the disk);
    ///         `unavailable` "journal.io"
    [[nodiscard]] Task<Result<void>> append(JournalRecord record);

    /// Shows those that were not let go, in order, until `wants` says no more. Reads the disk.
    [[nodiscard]] Result<void> each(const std::function<bool(JournalRecord)>& wants) const;
    /// The oldest of them, at most `count`.
    [[nodiscard]] Result<std::vector<JournalRecord>> oldest(std::size_t count) const;
    /// Lets go of every record up to and with `sequence`, which oldest() gave: the database has them. One caller at a time.
    [[nodiscard]] Result<void> release(std::uint64_t sequence);
    [[nodiscard]] Backlog backlog() const;

 private:
    struct Segment {
        std::filesystem::path path;
        std::uint64_t first = 0;  // sequence
        std::uint64_t bytes = 0;
        std::uint64_t records = 0;
    };
    struct Waiting {
        JournalRecord record;
        net::Answer<Result<void>>::Giver give;
    };

    Journal(std::filesystem::path folder, Options options);
    [[nodiscard]] Result<void> load();
    [[nodiscard]] Result<void> drop_empty();
    [[nodiscard]] Result<void> load_segment(Segment& segment, bool last);
    void run();
    [[nodiscard]] Result<void> write(std::vector<Waiting>& group);
    [[nodiscard]] Result<void> begin_segment(std::uint64_t first);
    [[nodiscard]] Result<void> skip_to(std::uint64_t sequence);
    [[nodiscard]] Result<void> release_last();
    [[nodiscard]] std::uint64_t bytes() const;  // under mutex_

    const std::filesystem::path folder_;
    const Options options_;
    int folder_fd_ = -1;
    std::mutex file_mutex_;  // before mutex_
    int file_ = -1;          // of the last segment; under file_mutex_

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Waiting> waiting_;
    std::deque<Segment> segments_;  // the last one is being written
    std::uint64_t next_ = 1;        // sequence
    std::uint64_t released_ = 0;
    std::uint64_t offset_ = 0;  // in the first segment: where the record after released_ begins
    std::optional<SystemTime> oldest_;  // of the first record that was not let go
    bool failed_ =
        false;  // the end of the file is in doubt: no more appends until it is opened again
    bool closing_ = false;
    std::jthread thread_;
};

}  // namespace gh::storage
