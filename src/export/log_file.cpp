#include "export/log_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <utility>

#include "base/try.hpp"

namespace gh::exporting {

Result<LogFile> LogFile::open(const std::string& path) {
    const bool out = path == "stdout" || path == "/dev/stdout";
    const bool err = path == "stderr" || path == "/dev/stderr";
    if (out || err) {
        const int copy = ::fcntl(out ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        if (copy < 0) return fail_errno(ErrorKind::unavailable, "log.open", path, errno);
        return LogFile(copy, true);
    }
    // Readable too: to see how the file ends, and because a FIFO opened this way waits for no
    // reader.
    const int descriptor =
        ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (descriptor < 0) return fail_errno(ErrorKind::unavailable, "log.open", path, errno);
    return LogFile(descriptor, false);
}

LogFile::LogFile(int descriptor, bool stream) noexcept : descriptor_(descriptor), stream_(stream) {
    struct stat facts{};
    regular_ = ::fstat(descriptor_, &facts) == 0 && S_ISREG(facts.st_mode);
    if (!stream_) look_at_end();
}

LogFile::LogFile(LogFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      stream_(other.stream_),
      regular_(other.regular_),
      half_line_(other.half_line_),
      size_at_failure_(other.size_at_failure_) {}

LogFile& LogFile::operator=(LogFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    stream_ = other.stream_;
    regular_ = other.regular_;
    half_line_ = other.half_line_;
    size_at_failure_ = other.size_at_failure_;
    return *this;
}

LogFile::~LogFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

off_t LogFile::size() const noexcept {
    struct stat facts{};
    return regular_ && ::fstat(descriptor_, &facts) == 0 ? facts.st_size : 0;
}

void LogFile::look_at_end() noexcept {
    char last = '\n';
    const auto bytes = size();
    if (bytes > 0 && ::pread(descriptor_, &last, 1, bytes - 1) != 1) last = '\n';
    half_line_ = last != '\n';
}

Result<std::size_t> LogFile::write_some(std::string_view bytes,
                                        std::chrono::milliseconds patience) const {
    if (!regular_) {
        struct pollfd ask{.fd = descriptor_, .events = POLLOUT, .revents = 0};
        const int ready = ::poll(&ask, 1, static_cast<int>(patience.count()));
        if (ready <= 0) return fail(ErrorKind::unavailable, "log.stalled");
        bytes = bytes.substr(0, PIPE_BUF);  // what a pipe that is ready takes without blocking
    }
    const auto taken = ::write(descriptor_, bytes.data(), bytes.size());
    if (taken > 0) return static_cast<std::size_t>(taken);
    return fail_errno(ErrorKind::unavailable, "log.write", "write", taken < 0 ? errno : EIO);
}

Result<std::size_t> LogFile::write(std::string_view bytes, std::chrono::milliseconds patience) {
    if (half_line_) {
        GH_TRY_VOID(write_some("\n", patience));
        half_line_ = false;
    }
    auto taken = write_some(bytes, patience);
    if (!taken) size_at_failure_ = size();
    return taken;
}

bool LogFile::disturbed() {
    if (!regular_ || stream_ || size() == size_at_failure_) return false;
    look_at_end();
    return true;
}

}  // namespace gh::exporting
