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
    std::size_t batch_bytes = 256 * 1024;  ///< a buffer this full wakes the writer
    std::chrono::milliseconds flush_interval{
        200};  ///< the longest a line waits while the disk is well
    std::chrono::milliseconds retry_first{
        100};  ///< after a failed write; doubles up to `retry_max`
    std::chrono::milliseconds retry_max{5'000};
    std::chrono::milliseconds close_timeout{2'000};  ///< for what is left when the process ends
};

/// Writes log lines on one background thread. Callers copy a line into the buffer of their shard
/// and go on: a full disk, a stalled pipe or a failing device costs lines, which are counted, never
/// time. What waits is kept while the device fails, and tried again; new lines are dropped once
/// `queue_bytes_max` wait. When it works again, a line of level WARNING says how many are missing.
///
/// Lines of one worker keep their order. Every line in the file is whole and has its own line, also
/// after a write that was cut short, a rotation or a crash of the process before.
///
/// Metrics, all with the label `log`: gatehouse_log_lines_dropped_total,
/// gatehouse_log_write_errors_total, gatehouse_log_written_bytes_total.
class LogWriter final : public telemetry::LogSink {
 public:
    /// Opens the file (0640, appended to) and starts the thread. The registry outlives the writer.
    /// @return  or `unavailable` "log.open"
    [[nodiscard]] static Result<std::unique_ptr<LogWriter>> open(LogWriterOptions options,
                                                                 telemetry::Registry& registry);
    ~LogWriter() override;

    /// Holds a lock that others hold only to exchange two buffers. Each shard from 1 on has its
    /// own.
    void append(std::string_view line) noexcept override;

    /// Asks for what waits to be written now rather than within `flush_interval`, and does not wait
    /// for it.
    void flush() noexcept;

    /// Waits until everything appended before has been written; it is tried at once, whatever the
    /// back-off says.
    /// @return false when it could not be, or not in time
    bool drain(std::chrono::milliseconds timeout);

    /// Opens the path anew, soon, after it was rotated away. What was appended before may go to
    /// either file, each line to one of them. Where that fails the old file stays in use and
    /// opening is tried every second. No effect on standard streams.
    void reopen() noexcept;

    /// Writes what waits, at most for `close_timeout`, counts the rest as dropped and ends the
    /// thread. Lines appended from now on are dropped.
    void close() noexcept;

 private:
    class Impl;
    explicit LogWriter(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gh::exporting
