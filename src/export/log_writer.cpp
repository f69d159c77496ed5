#include "export/log_writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.hpp"
#include "base/signal_stack.hpp"
#include "base/try.hpp"
#include "export/log_file.hpp"
#include "export/log_queue.hpp"

namespace gh::exporting {
namespace {

using std::chrono::steady_clock;

constexpr milliseconds write_patience{200};
constexpr seconds reopen_interval{1};

std::uint64_t lines_in(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

telemetry::Counter& counter(telemetry::Registry& registry, const char* name, const char* help,
                            const std::string& log) {
    return registry.counter({.name = name, .help = help, .labels = {"log"}}).with({log});
}

/// Wakes one thread; a ring before the wait is not lost.
class Bell {
 public:
    explicit Bell(int descriptor) noexcept : descriptor_(descriptor) {}
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    ~Bell() { ::close(descriptor_); }

    void ring() noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto done = ::write(descriptor_, &one, sizeof one);
    }
    void wait(milliseconds timeout) noexcept {
        struct pollfd ask{.fd = descriptor_, .events = POLLIN, .revents = 0};
        if (::poll(&ask, 1, static_cast<int>(timeout.count())) <= 0) return;
        std::uint64_t rings = 0;
        [[maybe_unused]] const auto done = ::read(descriptor_, &rings, sizeof rings);
    }

 private:
    int descriptor_;
};

/// Catches the one line that the writer itself has to say.
class StringSink final : public telemetry::LogSink {
 public:
    void append(std::string_view line) noexcept override { text.append(line); }
    std::string text;
};

}  // namespace

class LogWriter::Impl {
 public:
    Impl(LogWriterOptions options, telemetry::Registry& registry, LogFile file, int bell)
        : options_(std::move(options)),
          dropped_(counter(registry, "gatehouse_log_lines_dropped_total",
                           "Log lines lost because too many waited or the device failed.",
                           options_.name)),
          errors_(counter(registry, "gatehouse_log_write_errors_total",
                          "Failed attempts to open or write the log.", options_.name)),
          written_bytes_(counter(registry, "gatehouse_log_written_bytes_total",
                                 "Bytes written to the log.", options_.name)),
          file_(std::move(file)),
          bell_(bell),
          queue_(options_.queue_bytes_max, options_.batch_bytes),
          backoff_(options_.retry_first),
          dropped_told_(dropped_.value()) {}

    void start() {
        // The thread inherits the mask: signals are other threads' business, and a closed pipe or a
        // file size limit shows as an error of write().
        sigset_t all, before;
        sigfillset(&all);
        leave_fault_signals(all);
        sigdelset(&all, SIGPROF);  // profiles ask every thread
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([this] { run(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        pthread_setname_np(thread_.native_handle(), "log-writer");
    }

    void append(std::string_view line) noexcept;
    bool drain(milliseconds timeout);
    void close() noexcept;
    void ring() noexcept { bell_.ring(); }
    void reopen() noexcept {
        reopen_wanted_.store(true, std::memory_order_release);
        bell_.ring();
    }

 private:
    void run();
    [[nodiscard]] milliseconds pause() const;
    void open_anew();
    [[nodiscard]] bool write_everything();
    [[nodiscard]] bool write_batch();
    void failed();
    void begin_line_anew();
    void tell_of_dropped();
    void drop_rest();

    const LogWriterOptions options_;
    telemetry::Counter& dropped_;
    telemetry::Counter& errors_;
    telemetry::Counter& written_bytes_;
    LogFile file_;
    Bell bell_;
    LogQueue queue_;
    std::atomic<bool> batch_waits_{
        false};  // the bell was rung for it; once, also while the device fails
    std::atomic<bool> reopen_wanted_{false};
    std::atomic<bool> closing_{false};

    std::mutex drain_mutex_;
    std::condition_variable drained_;
    std::uint64_t drain_wanted_ = 0;  // tickets: the newest asked for, tried, and done
    std::uint64_t drain_tried_ = 0;
    std::uint64_t drain_done_ = 0;

    // The thread's own.
    LogQueue::Batch batch_;
    std::size_t offset_ = 0;  // of batch_.text: what was written
    bool failing_ = false;
    milliseconds backoff_;
    SteadyTime retry_at_{};
    SteadyTime reopen_at_{};
    std::optional<SteadyTime> give_up_;  // set when closing
    std::uint64_t dropped_told_;

    std::mutex close_mutex_;
    std::thread thread_;  // last: it uses all of the above
};

void LogWriter::Impl::append(std::string_view line) noexcept {
    try {
        const auto added = queue_.add(line);
        if (added == LogQueue::Added::batch_is_full && !batch_waits_.exchange(true)) bell_.ring();
        if (added != LogQueue::Added::no_room) return;
    } catch (const std::bad_alloc&) {  // then as if there were no room
    }
    dropped_.add(lines_in(line));
}

bool LogWriter::Impl::drain(milliseconds timeout) {
    std::unique_lock lock(drain_mutex_);
    const auto ticket = ++drain_wanted_;
    bell_.ring();
    drained_.wait_for(lock, timeout, [&] { return drain_tried_ >= ticket; });
    return drain_done_ >= ticket;
}

void LogWriter::Impl::close() noexcept {
    const std::scoped_lock lock(close_mutex_);
    if (!thread_.joinable()) return;
    queue_.shut();
    closing_.store(true, std::memory_order_release);
    bell_.ring();
    thread_.join();
}

milliseconds LogWriter::Impl::pause() const {
    if (!failing_) return options_.flush_interval;
    const auto next =
        give_up_ ? std::min(*give_up_, steady_clock::now() + options_.retry_first) : retry_at_;
    return std::max(std::chrono::ceil<milliseconds>(next - steady_clock::now()), milliseconds(1));
}

void LogWriter::Impl::run() {
    keep_signal_stack();
    for (;;) {
        bell_.wait(pause());
        const bool closing = closing_.load(std::memory_order_acquire);
        const auto now = steady_clock::now();
        if (closing && !give_up_) give_up_ = now + options_.close_timeout;
        std::uint64_t ticket = 0;
        bool urgent = closing;
        {
            const std::scoped_lock lock(drain_mutex_);
            ticket = drain_wanted_;
            urgent = urgent || ticket > drain_tried_;
        }
        if (reopen_wanted_.load(std::memory_order_acquire) && now >= reopen_at_) open_anew();
        if (failing_ && !urgent && now < retry_at_) continue;

        batch_waits_.store(false);  // before the buffers are taken: what is added later rings again
        const bool done = write_everything();
        {
            const std::scoped_lock lock(drain_mutex_);
            drain_tried_ = ticket;
            if (done) drain_done_ = ticket;
        }
        drained_.notify_all();
        if (closing && (done || steady_clock::now() >= *give_up_)) break;
    }
    drop_rest();
}

void LogWriter::Impl::open_anew() {
    if (file_.is_stream()) {
        reopen_wanted_.store(false, std::memory_order_release);
        return;
    }
    reopen_wanted_.store(false, std::memory_order_release);
    auto fresh = LogFile::open(options_.path);
    if (!fresh) {
        errors_.add();
        reopen_wanted_.store(true, std::memory_order_release);
        reopen_at_ = steady_clock::now() + reopen_interval;
        return;
    }
    file_ = *std::move(fresh);
    begin_line_anew();
    failing_ = false;  // perhaps on another disk now
}

/// The beginning of the current line is somewhere else, or gone: it is written again as a whole.
void LogWriter::Impl::begin_line_anew() {
    if (offset_ == 0) return;
    const auto newline = batch_.text.rfind('\n', offset_ - 1);
    offset_ = newline == std::string::npos ? 0 : newline + 1;
}

bool LogWriter::Impl::write_everything() {
    if (failing_ && file_.disturbed()) begin_line_anew();
    if (!write_batch()) return false;
    for (std::size_t shard = 0; shard < telemetry::shards_max; ++shard) {
        if (queue_.take(shard, batch_) && !write_batch()) return false;
    }
    tell_of_dropped();
    return write_batch();
}

bool LogWriter::Impl::write_batch() {
    while (offset_ < batch_.text.size()) {
        const auto taken =
            file_.write(std::string_view(batch_.text).substr(offset_), write_patience);
        if (!taken) {
            failed();
            return false;
        }
        offset_ += *taken;
        written_bytes_.add(*taken);
    }
    offset_ = 0;
    queue_.give_back(batch_);
    failing_ = false;
    backoff_ = options_.retry_first;
    return true;
}

void LogWriter::Impl::failed() {
    errors_.add();
    failing_ = true;
    retry_at_ = steady_clock::now() + backoff_;
    backoff_ = std::min(backoff_ * 2, options_.retry_max);
}

void LogWriter::Impl::tell_of_dropped() {
    const auto dropped = dropped_.value();
    if (dropped == dropped_told_) return;
    StringSink sink;
    telemetry::Log(sink)
        .warning("log", "lines were dropped")
        .field("lines", dropped - dropped_told_);
    dropped_told_ = dropped;
    batch_.text = std::move(sink.text);
}

void LogWriter::Impl::drop_rest() {
    std::uint64_t lines = lines_in(std::string_view(batch_.text).substr(offset_));
    queue_.give_back(batch_);
    for (std::size_t shard = 0; shard < telemetry::shards_max; ++shard) {
        if (!queue_.take(shard, batch_)) continue;
        lines += lines_in(batch_.text);
        queue_.give_back(batch_);
    }
    if (lines > 0) dropped_.add(lines);
}

LogWriter::LogWriter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

LogWriter::~LogWriter() { close(); }

Result<std::unique_ptr<LogWriter>> LogWriter::open(LogWriterOptions options,
                                                   telemetry::Registry& registry) {
    GH_TRY(auto file, LogFile::open(options.path));
    const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0) return fail_errno(ErrorKind::unavailable, "log.open", "eventfd", errno);
    auto impl = std::make_unique<Impl>(std::move(options), registry, std::move(file), bell);
    impl->start();
    return std::unique_ptr<LogWriter>(new LogWriter(std::move(impl)));
}

void LogWriter::append(std::string_view line) noexcept { impl_->append(line); }
void LogWriter::flush() noexcept { impl_->ring(); }
bool LogWriter::drain(std::chrono::milliseconds timeout) { return impl_->drain(timeout); }
void LogWriter::reopen() noexcept { impl_->reopen(); }
void LogWriter::close() noexcept { impl_->close(); }

}  // namespace gh::exporting
