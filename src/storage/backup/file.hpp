#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "crypto/digest.hpp"
#include "crypto/sealed_stream.hpp"

namespace gh::storage::backup {

/// The file a backup is written to: under a temporary name beside its own until it is whole and on disk.
class Sink {
 public:
    /// @param file        must not exist; 0600
    /// @param passphrase  seals it; null: it can be read by who can read the file
    /// @return `conflict` "backup.exists", `unavailable` "backup.io", errors of SealedStream
    [[nodiscard]] static Result<Sink> create(const std::filesystem::path& file,
                                             const crypto::Secret* passphrase);
    /// Removes what was written, unless finish() gave it its name.
    ~Sink();
    Sink(Sink&&) = default;
    Sink& operator=(Sink&&) = delete;

    /// @return `exhausted` "backup.full" (the disk, a quota, a limit), `unavailable` "backup.io",
    ///         `invalid_argument` "backup.line_too_long"
    [[nodiscard]] Result<void> line(std::string_view text);
    /// SHA-256 of all lines so far, hex.
    [[nodiscard]] std::string sha256();
    /// Syncs it and gives it its name. @return also `conflict` "backup.exists"
    [[nodiscard]] Result<void> finish();

 private:
    Sink(std::filesystem::path file, std::filesystem::path temporary, UniqueFd fd)
        : file_(std::move(file)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
    [[nodiscard]] Result<void> write(std::string_view octets);
    [[nodiscard]] std::unexpected<Error> failed(int error_number) const;

    std::filesystem::path file_, temporary_;
    UniqueFd fd_;
    std::optional<crypto::SealedStream> seal_;
    crypto::Sha256 hash_;
    std::string waiting_;  // less than a chunk
};

/// Reads what a Sink has written, line by line.
class Source {
 public:
    /// @return `not_found` "backup.absent", `unavailable` "backup.io"; `invalid_argument` "backup.sealed" (it wants a
    ///         passphrase) or "backup.not_sealed" (a passphrase was given, so nothing else will do)
    [[nodiscard]] static Result<Source> open(const std::filesystem::path& file,
                                             const crypto::Secret* passphrase);
    ~Source();
    Source(Source&&) = default;
    Source& operator=(Source&&) = delete;

    /// The next line, until the next call; nothing at the end.
    /// @return `invalid_argument` "backup.passphrase" (a wrong one, or damage in the first 64 KiB); `corrupt`
    ///         "backup.damaged" (changed, cut short, too long a line); `unavailable` "backup.io"
    [[nodiscard]] Result<std::optional<std::string_view>> line();
    /// SHA-256 of all lines before the one that line() gave last, hex.
    [[nodiscard]] std::string sha256_before();

 private:
    Source(std::filesystem::path file, UniqueFd fd) : file_(std::move(file)), fd_(std::move(fd)) {}
    [[nodiscard]] Result<void> fill();
    [[nodiscard]] Result<std::string> read(std::size_t most);
    [[nodiscard]] std::unexpected<Error> damaged(std::string_view what) const;

    std::filesystem::path file_;
    UniqueFd fd_;
    std::optional<crypto::SealedStream> seal_;
    crypto::Sha256 hash_;
    std::string ahead_;  // read, and not yet looked at: to know the last chunk
    std::string text_;
    std::size_t at_ = 0;                          // in text_: where the next line begins
    std::size_t last_begin_ = 0, last_size_ = 0;  // of the line given last, in text_
    bool begun_ = false, ended_ = false;
};

}  // namespace gh::storage::backup
