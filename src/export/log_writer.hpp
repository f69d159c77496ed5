#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::exporting {

struct LogWriterOptions {
    std::string name;             ///< value of the label `log`: "access", "server"
    std::string path = "stdout";  ///< a file, "stdout" or "stderr"
    std::size_t queue_bytes_max =
        8 * 1024 * 1024;  ///< lines waiting; beyond it new ones are dropped and counted
    std::size_t batch_bytes = 64 * 1024;  ///< a buffer this full wakes the writer
    std::chrono::milliseconds flush_interval{
        200};  ///< the longest a line waits while the disk is well
    std::chrono::milliseconds retry_first{
        100};  ///< after a failed write; doubles up to `retry_max`
    std::chrono::milliseconds retry_max{5'000};
    std::chrono::milliseconds close_timeout{2'000};  ///< for what is left when the process ends
};

/// Writes log lines on one background thread. Callers copy a line into a buffer of their shard and
/// go on: a full disk, a stalled pipe or a failing device costs lines, which are counted, never
/// time.
///
/// Lines of one worker keep their order. A line is written whole or, where a device fails in the
/// middle, ended by a newline before the next one begins. Metrics, all with the label `log`:
/// gatehouse_log_lines_dropped_total, gatehouse_log_write_errors_total,
/// gatehouse_log_written_bytes_total.
class LogWriter final : public telemetry::LogSink {
 public:
    /// Opens the file (0640, appended to) and starts the thread.
    /// @return  or `unavailable` "log.open"
    [[nodiscard]] static Result<std::unique_ptr<LogWriter>> open(LogWriterOptions options,
                                                                 telemetry::Registry& registry);
    ~LogWriter() override;

    void append(std::string_view line) noexcept override;

    /// Hands over what a worker could not while its buffer was being emptied. Called by a worker's
    /// timer.
    void flush() noexcept;

    /// Waits until everything appended before has been written; tries at once, whatever the
    /// back-off says.
    /// @return false when it could not be, or not in time
    bool drain(std::chrono::milliseconds timeout);

    /// Opens the path anew, soon, after it was rotated away. What was appended before may go to
    /// either file, each line to one of them. Where that fails the old file stays in use and
    /// opening is tried again. No effect on stdout.
    void reopen() noexcept;

    /// Writes what is left, at most for `close_timeout`, counts the rest as dropped and ends the
    /// thread. Lines appended afterwards are dropped.
    void close() noexcept;

 private:
    class Impl;
    explicit LogWriter(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gh::exporting
