#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "net/tls_choices.hpp"
#include "net/tls_settings.hpp"

namespace gh::net {

/// Reads both and sees that they belong together, so that a pair caught half-written is told apart.
/// @return `unavailable` "tls.file_unreadable" or as TlsContext::make; the detail names the file
[[nodiscard]] Result<CertificateChain> load_certificate_files(const CertificateFiles& files);

/// PEM text of one file, at most crypto::pem_bytes_max.
[[nodiscard]] Result<std::string> read_pem_file(const std::filesystem::path& file);

/// By what a changed file is known. Links are followed, so that a swapped link counts.
struct FileStamp {
    std::int64_t modified_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    bool present = false;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
[[nodiscard]] FileStamp stamp_of(const std::filesystem::path& file);

struct PairStamp {
    FileStamp cert;
    FileStamp key;
    friend bool operator==(const PairStamp&, const PairStamp&) = default;
};
/// Take it before reading the files: a change in between is then seen the next time.
[[nodiscard]] PairStamp stamp_of(const CertificateFiles& files);

/// Decides when a pair is to be read again. No clock, no files: it is told what was seen.
/// A pair that was refused is tried again each time (its other half may come without a trace in the stamps), but each
/// change is reported once.
class CertificateWatcher {
 public:
    /// @param in_use  the stamps taken before the pair now served was read
    explicit CertificateWatcher(PairStamp in_use) : in_use_(in_use) {}

    [[nodiscard]] bool should_reload(const PairStamp& seen);
    /// The pair seen there is served now.
    void accepted(const PairStamp& seen);
    /// The pair seen there is no good and the old one stays. @return whether to report it: once per change
    [[nodiscard]] bool refused(const PairStamp& seen);

 private:
    PairStamp in_use_;
    std::optional<PairStamp> reported_;
};

}  // namespace gh::net
