#include "net/certificate_files.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/try.hpp"
#include "crypto/x509.hpp"
#include "net/certificate_pair.hpp"

namespace gh::net {
namespace {

struct CloseFd {
    int fd;
    ~CloseFd() { ::close(fd); }
};

}  // namespace

Result<std::string> read_pem_file(const std::filesystem::path& file) {
    const auto unreadable = [&](int error) {
        return fail_errno(ErrorKind::unavailable, "tls.file_unreadable", file.string(), error);
    };
    // Not blocking: a FIFO must not hold the reload.
    const CloseFd opened{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    if (opened.fd < 0) return unreadable(errno);
    std::string text;
    constexpr std::size_t step = 16 * 1024;
    for (;;) {
        const auto size = text.size();
        text.resize(size + step);
        const auto n = ::read(opened.fd, text.data() + size, step);
        if (n < 0 && errno != EINTR) return unreadable(errno);
        text.resize(size + static_cast<std::size_t>(n > 0 ? n : 0));
        if (n == 0) return text;
        if (text.size() > crypto::pem_bytes_max) return unreadable(EFBIG);
    }
}

Result<CertificateChain> load_certificate_files(const CertificateFiles& files) {
    CertificateChain chain{.source = files.cert_file.string()};
    if (files.key_file != files.cert_file) chain.source += " with " + files.key_file.string();
    GH_TRY(chain.cert_pem, read_pem_file(files.cert_file));
    GH_TRY(chain.key_pem, read_pem_file(files.key_file));
    GH_TRY_VOID(read_pair(chain));
    return chain;
}

FileStamp stamp_of(const std::filesystem::path& file) {
    struct stat facts{};
    if (::stat(file.c_str(), &facts) != 0) return {};
    constexpr std::int64_t nanoseconds = 1'000'000'000;
    return {.modified_ns = facts.st_mtim.tv_sec * nanoseconds + facts.st_mtim.tv_nsec,
            .size = static_cast<std::uint64_t>(facts.st_size),
            .inode = facts.st_ino,
            .present = true};
}

PairStamp stamp_of(const CertificateFiles& files) {
    return {stamp_of(files.cert_file), stamp_of(files.key_file)};
}

bool CertificateWatcher::should_reload(const PairStamp& seen) {
    if (seen != in_use_) return true;
    reported_.reset();  // the change was taken back
    return false;
}

void CertificateWatcher::accepted(const PairStamp& seen) {
    in_use_ = seen;
    reported_.reset();
}

bool CertificateWatcher::refused(const PairStamp& seen) {
    if (reported_ == seen) return false;
    reported_ = seen;
    return true;
}

}  // namespace gh::net
