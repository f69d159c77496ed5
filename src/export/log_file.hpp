#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::exporting {

/// Where log lines end up: a file that is appended to, or a standard stream. For one thread at a
/// time.
class LogFile {
 public:
    /// @param path  a file (made with 0640 where it is missing), "stdout" or "stderr"
    /// @return      or `unavailable` "log.open"
    [[nodiscard]] static Result<LogFile> open(const std::string& path);

    LogFile(LogFile&& other) noexcept;
    LogFile& operator=(LogFile&& other) noexcept;
    ~LogFile();

    /// Writes as much as the device takes. A pipe or terminal that is full is waited for `patience`
    /// long. A file that ended in half a line when it was opened gets its newline first. The
    /// calling thread has SIGPIPE and SIGXFSZ blocked.
    ///
    /// @return  how many of `bytes` were taken, at least one, or `unavailable` "log.stalled",
    /// "log.write"
    [[nodiscard]] Result<std::size_t> write(std::string_view bytes,
                                            std::chrono::milliseconds patience);

    /// After a failed write: has somebody truncated the file or written to it meanwhile? Then the
    /// end of a half-written line must not follow; write() will begin on a new line.
    [[nodiscard]] bool disturbed();

    /// A standard stream: there is no path to open anew.
    [[nodiscard]] bool is_stream() const noexcept { return stream_; }

 private:
    LogFile(int descriptor, bool stream) noexcept;
    [[nodiscard]] Result<std::size_t> write_some(std::string_view bytes,
                                                 std::chrono::milliseconds patience) const;
    void look_at_end() noexcept;
    [[nodiscard]] off_t size() const noexcept;

    int descriptor_;
    bool stream_;
    bool regular_ =
        false;  // anything else is asked before writing, so that a stalled reader stalls nobody
    bool half_line_ = false;  // at the end of the file, and not ours to finish
    off_t size_at_failure_ = 0;
};

}  // namespace gh::exporting
