#include "config/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace gh::config {
namespace {

class Descriptor {
 public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

 private:
    int fd_;
};

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
    // Non-blocking: opening a pipe without a writer would otherwise wait here for ever.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) {
        const auto kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable;
        return fail_errno(kind, errno == ENOENT ? "file.missing" : "file.read", path.native(),
                          errno);
    }
    struct stat about{};
    if (::fstat(file.get(), &about) != 0) {
        return fail_errno(ErrorKind::unavailable, "file.read", path.native(), errno);
    }
    if (!S_ISREG(about.st_mode)) {
        return fail(ErrorKind::invalid_argument, "file.kind",
                    fmt::format("{}: is not a regular file", path.native()));
    }
    std::string content;
    content.resize(bytes_max + 1);
    std::size_t filled = 0;
    while (filled < content.size()) {
        const auto got = ::read(file.get(), content.data() + filled, content.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(ErrorKind::unavailable, "file.read", path.native(), errno);
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    if (filled > bytes_max) {
        return fail(ErrorKind::invalid_argument, "file.size",
                    fmt::format("{}: is larger than {} bytes", path.native(), bytes_max));
    }
    content.resize(filled);
    content.shrink_to_fit();
    return content;
}

}  // namespace gh::config
