#include "base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <thread>

#include "base/try.hpp"

namespace gh {
namespace {

constexpr std::string_view reason_io = "file.io";

/// Holds the directory for the moment a file is replaced in it, so that two writers never share one ".new".
class DirectoryLock {
 public:
    explicit DirectoryLock(int fd) : fd_(fd) {
        while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
        }
    }
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;
    ~DirectoryLock() { ::flock(fd_, LOCK_UN); }

 private:
    int fd_;
};

/// write(2) until all is written. @return errno, or 0
int write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const auto n = ::write(fd, content.data(), content.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}

/// The mode is set apart from open(2), whose own is cut by the umask, and after the owner, who takes bits from it.
/// @return errno, or 0
int write_new(int directory, const std::string& name, std::string_view content, mode_t mode,
              std::optional<FileOwner> owner = {}) {
    const UniqueFd file(::openat(directory, name.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return errno;
    if (const int error = write_all(file.get(), content)) return error;
    if (owner && ::fchown(file.get(), owner->user, owner->group) != 0) return errno;
    if (::fchmod(file.get(), mode) != 0) return errno;
    return ::fsync(file.get()) == 0 ? 0 : errno;
}

/// @return errno, or 0
int rename_to_absent(int directory, const std::string& from, const std::string& to) {
    if (::renameat2(directory, from.c_str(), directory, to.c_str(), RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL) return errno;
    // A file system that knows no such rename, such as NFS, knows links.
    return ::linkat(directory, from.c_str(), directory, to.c_str(), 0) == 0 ? 0 : errno;
}

Result<void> sync_directory(const UniqueFd& directory, const std::string& of) {
    if (::fsync(directory.get()) == 0) return {};
    return fail_errno(ErrorKind::unavailable, reason_io, "syncing the directory of " + of, errno);
}

std::string new_name_of(const std::string& name) { return "." + name + ".new"; }

Result<void> replace(const UniqueFd& directory, const std::string& name, std::string_view content,
                     mode_t mode, std::optional<FileOwner> owner) {
    const auto new_name = new_name_of(name);
    const DirectoryLock lock(directory.get());
    ::unlinkat(directory.get(), new_name.c_str(), 0);  // left by a process that was killed
    int error = write_new(directory.get(), new_name, content, mode, owner);
    if (error == 0 &&
        ::renameat(directory.get(), new_name.c_str(), directory.get(), name.c_str()) != 0) {
        error = errno;
    }
    if (error != 0) {
        ::unlinkat(directory.get(), new_name.c_str(), 0);
        return fail_errno(ErrorKind::unavailable, reason_io, "writing " + name, error);
    }
    return sync_directory(directory, name);
}

/// Such a one cannot be renamed onto. Kernels that cannot tell say no.
bool is_mount(int directory, const std::string& name) {
    struct statx facts{};
    if (::statx(directory, name.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &facts) != 0)
        return false;
    return (facts.stx_attributes_mask & facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

Result<UniqueFd> open_directory(const std::filesystem::path& directory) {
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return fail_errno(ErrorKind::unavailable, reason_io, directory.string(), errno);
    return fd;
}

Result<void> replace_file(const UniqueFd& directory, std::string_view name,
                          std::string_view content, mode_t mode) {
    return replace(directory, std::string(name), content, mode, std::nullopt);
}

Result<void> replace_file(const UniqueFd& directory, std::string_view name,
                          std::string_view content, mode_t mode, FileOwner owner) {
    return replace(directory, std::string(name), content, mode, owner);
}

Result<void> check_replaceable(const UniqueFd& directory, std::string_view name, FileOwner owner) {
    const std::string final_name(name);
    if (is_mount(directory.get(), final_name))
        return fail_errno(ErrorKind::unavailable, reason_io, "replacing " + final_name, EBUSY);
    const DirectoryLock lock(directory.get());
    const auto probe = new_name_of(final_name);
    ::unlinkat(directory.get(), probe.c_str(), 0);
    const int error = write_new(directory.get(), probe, {}, 0600, owner);
    ::unlinkat(directory.get(), probe.c_str(), 0);
    if (error == 0) return {};
    return fail_errno(ErrorKind::unavailable, reason_io, "replacing " + final_name, error);
}

Result<void> create_file(const UniqueFd& directory, std::string_view name, std::string_view content,
                         mode_t mode) {
    const std::string final_name(name);
    const std::string new_name = "." + final_name + "." + std::to_string(::getpid()) + ".new";
    ::unlinkat(directory.get(), new_name.c_str(), 0);  // left by one that was killed
    int error = write_new(directory.get(), new_name, content, mode);
    if (error == 0) error = rename_to_absent(directory.get(), new_name, final_name);
    ::unlinkat(directory.get(), new_name.c_str(), 0);
    if (error == EEXIST)
        return fail(ErrorKind::conflict, "file.exists", final_name + " is there already");
    if (error != 0)
        return fail_errno(ErrorKind::unavailable, reason_io, "writing " + final_name, error);
    return sync_directory(directory, final_name);
}

Result<UniqueFd> open_file(const UniqueFd& directory, std::string_view name) {
    const std::string wanted(name);
    UniqueFd fd(::openat(directory.get(), wanted.c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd && errno == ENOENT) return fail(ErrorKind::not_found, "file.absent", wanted);
    if (!fd && errno == ELOOP)
        return fail(ErrorKind::invalid_argument, "file.kind", wanted + " is a link");
    struct stat facts{};
    if (!fd || ::fstat(fd.get(), &facts) != 0)
        return fail_errno(ErrorKind::unavailable, reason_io, wanted, errno);
    if (!S_ISREG(facts.st_mode))
        return fail(ErrorKind::invalid_argument, "file.kind", wanted + " is no regular file");
    return fd;
}

Result<bool> file_exists(const std::filesystem::path& file) {
    struct stat facts{};
    if (::lstat(file.c_str(), &facts) == 0) return true;
    if (errno == ENOENT) return false;
    return fail_errno(ErrorKind::unavailable, reason_io, file.string(), errno);
}

Result<void> remove_file(const UniqueFd& directory, std::string_view name) {
    const std::string doomed(name);
    if (::unlinkat(directory.get(), doomed.c_str(), 0) != 0 && errno != ENOENT)
        return fail_errno(ErrorKind::unavailable, reason_io, "removing " + doomed, errno);
    return sync_directory(directory, doomed);
}

Result<std::string> read_file(const UniqueFd& file, std::size_t bytes_max) {
    std::string content;
    content.resize(bytes_max + 1);
    std::size_t got = 0;
    while (got < content.size()) {
        const auto n = ::read(file.get(), content.data() + got, content.size() - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(ErrorKind::unavailable, reason_io, "reading", errno);
        if (n == 0) break;
        got += static_cast<std::size_t>(n);
    }
    if (got > bytes_max) return fail(ErrorKind::corrupt, "file.too_long");
    content.resize(got);
    return content;
}

Result<std::string> read_file_at(const std::filesystem::path& file, std::size_t bytes_max) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return fail_errno(ErrorKind::unavailable, reason_io, file.string(), errno);
    return read_file(fd, bytes_max);
}

Result<FileLock> FileLock::acquire(const std::filesystem::path& file,
                                   std::chrono::milliseconds patience) {
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail_errno(ErrorKind::unavailable, reason_io, file.string(), errno);
    constexpr std::chrono::milliseconds pause{20};
    for (auto waited = std::chrono::milliseconds{0};; waited += pause) {
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail_errno(ErrorKind::unavailable, reason_io, file.string(), errno);
        }
        if (waited >= patience) {
            return fail(ErrorKind::unavailable, "file.locked",
                        file.string() + " is held by another process");
        }
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace gh
