#include "storage/backup/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/try.hpp"
#include "codec/hex.hpp"
#include "storage/backup/line.hpp"

namespace gh::storage::backup {
namespace {

using crypto::SealedStream;

constexpr std::size_t chunk_bytes = SealedStream::chunk_bytes;

std::unexpected<Error> io_error(const std::filesystem::path& file, int error_number) {
    return fail_errno(ErrorKind::unavailable, "backup.io", file.string(), error_number);
}

std::unexpected<Error> name_taken(const std::filesystem::path& file) {
    return fail(ErrorKind::conflict, "backup.exists",
                file.string() + " is there already; choose another name, or remove it");
}

std::string hex_of(const crypto::Sha256Digest& digest) {
    return codec::encode_hex(crypto::text_of(digest));
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

Result<Sink> Sink::create(const std::filesystem::path& file, const crypto::Secret* passphrase) {
    struct stat facts{};
    if (::lstat(file.c_str(), &facts) == 0) return name_taken(file);
    auto temporary =
        folder_of(file) / fmt::format(".{}.{}.part", file.filename().string(), ::getpid());
    ::unlink(temporary.c_str());
    UniqueFd fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return io_error(temporary, errno);
    Sink sink(file, std::move(temporary), std::move(fd));
    if (passphrase != nullptr) {
        GH_TRY(auto seal, SealedStream::make(*passphrase));
        GH_TRY_VOID(sink.write(seal.header()));
        sink.seal_ = std::move(seal);
    }
    return sink;
}

Sink::~Sink() {
    crypto::wipe(waiting_.data(), waiting_.size());
    if (fd_) ::unlink(temporary_.c_str());
}

std::unexpected<Error> Sink::failed(int error_number) const {
    if (error_number != ENOSPC && error_number != EDQUOT && error_number != EFBIG)
        return io_error(file_, error_number);
    return fail_errno(ErrorKind::exhausted, "backup.full",
                      file_.string() +
                          ": there is no room for it, nothing was kept; make room, or "
                          "name a file on another disk",
                      error_number);
}

Result<void> Sink::write(std::string_view octets) {
    while (!octets.empty()) {
        const auto written = ::write(fd_.get(), octets.data(), octets.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed(errno);
        octets.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> Sink::line(std::string_view text) {
    if (text.size() >= line_bytes_max) {
        return fail(ErrorKind::invalid_argument, "backup.line_too_long",
                    "a row or a file is larger than the 64 MiB a backup can hold");
    }
    hash_.update(text);
    hash_.update("\n");
    waiting_ += text;
    waiting_ += '\n';
    std::string_view rest = waiting_;
    std::string sealed;
    // The last chunk is told apart from the others: so one is held back.
    for (; rest.size() > chunk_bytes; rest.remove_prefix(chunk_bytes)) {
        const auto chunk = rest.substr(0, chunk_bytes);
        sealed.clear();
        if (seal_) seal_->seal(chunk, false, sealed);
        GH_TRY_VOID(write(seal_ ? std::string_view(sealed) : chunk));
    }
    waiting_.erase(0, waiting_.size() - rest.size());
    return {};
}

std::string Sink::sha256() { return hex_of(hash_.finish()); }

Result<void> Sink::finish() {
    std::string sealed;
    if (seal_) seal_->seal(waiting_, true, sealed);
    GH_TRY_VOID(write(seal_ ? std::string_view(sealed) : waiting_));
    if (::fsync(fd_.get()) != 0) return failed(errno);
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST) return name_taken(file_);
        // Not every file system knows it (NFS).
        if (errno != EINVAL || ::rename(temporary_.c_str(), file_.c_str()) != 0)
            return io_error(file_, errno);
    }
    fd_ = UniqueFd();
    const UniqueFd folder(::open(folder_of(file_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) return io_error(file_, errno);
    return {};
}

Result<Source> Source::open(const std::filesystem::path& file, const crypto::Secret* passphrase) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd && errno == ENOENT)
        return fail(ErrorKind::not_found, "backup.absent", "there is no file " + file.string());
    if (!fd) return io_error(file, errno);
    struct stat facts{};
    if (::fstat(fd.get(), &facts) != 0) return io_error(file, errno);
    if (!S_ISREG(facts.st_mode))
        return fail(ErrorKind::invalid_argument, "backup.io", file.string() + " is no file");
    Source source(file, std::move(fd));
    GH_TRY(source.ahead_, source.read(SealedStream::header_bytes));
    const bool sealed = source.ahead_.starts_with(SealedStream::magic);
    if (sealed && passphrase == nullptr) {
        return fail(ErrorKind::invalid_argument, "backup.sealed",
                    file.string() + " is sealed; add --passphrase-stdin and type its passphrase");
    }
    if (!sealed && passphrase != nullptr) {
        return fail(ErrorKind::invalid_argument, "backup.not_sealed",
                    file.string() +
                        " is not sealed, so it may be anybody's; leave "
                        "--passphrase-stdin away if you trust where it comes from");
    }
    if (!sealed) return source;
    auto opened = SealedStream::of_header(source.ahead_, *passphrase);
    if (!opened && opened.error().kind == ErrorKind::corrupt)
        return source.damaged(opened.error().detail);
    if (!opened) return std::unexpected(opened.error());
    source.seal_ = *std::move(opened);
    GH_TRY(source.ahead_, source.read(SealedStream::sealed_chunk_bytes));
    return source;
}

Source::~Source() {
    crypto::wipe(text_.data(), text_.size());
    crypto::wipe(ahead_.data(), ahead_.size());
}

std::unexpected<Error> Source::damaged(std::string_view what) const {
    return fail(ErrorKind::corrupt, "backup.damaged",
                fmt::format("{} is damaged: {}; take another backup", file_.string(), what));
}

Result<std::string> Source::read(std::size_t most) {
    std::string octets(most, '\0');
    std::size_t got = 0;
    while (got < most) {
        const auto n = ::read(fd_.get(), octets.data() + got, most - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(file_, errno);
        if (n == 0) break;
        got += static_cast<std::size_t>(n);
    }
    octets.resize(got);
    return octets;
}

/// Appends what was read ahead to text_.
Result<void> Source::fill() {
    const auto size = seal_ ? SealedStream::sealed_chunk_bytes : chunk_bytes;
    auto chunk = std::exchange(ahead_, {});
    GH_TRY(ahead_, read(size));
    ended_ = ahead_.empty();
    if (!seal_) {
        text_ += chunk;
        return {};
    }
    if (auto opened = seal_->open(chunk, ended_, text_); !opened) {
        if (seal_->count() > 0) return damaged(opened.error().detail);
        return fail(ErrorKind::invalid_argument, "backup.passphrase",
                    fmt::format("the passphrase is not that of {}, or the file is damaged",
                                file_.string()));
    }
    return {};
}

Result<std::optional<std::string_view>> Source::line() {
    if (begun_) hash_.update(std::string_view(text_).substr(last_begin_, last_size_));
    begun_ = true;
    if (at_ > chunk_bytes) {
        text_.erase(0, at_);
        at_ = 0;
    }
    last_begin_ = at_;
    last_size_ = 0;
    for (std::size_t from = at_;;) {
        const auto end = text_.find('\n', from);
        if (end != std::string::npos) {
            at_ = end + 1;
            last_size_ = at_ - last_begin_;
            return std::string_view(text_).substr(last_begin_, last_size_ - 1);
        }
        if (ended_) break;
        from = text_.size();
        if (from - at_ > line_bytes_max) return damaged("a line has no end");
        GH_TRY_VOID(fill());
    }
    if (at_ != text_.size()) return damaged("it ends in the middle of a line");
    return std::nullopt;
}

std::string Source::sha256_before() { return hex_of(hash_.finish()); }

}  // namespace gh::storage::backup
