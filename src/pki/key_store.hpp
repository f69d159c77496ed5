#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "crypto/key_store.hpp"

namespace gh::pki {

/// One file per key, 0600, in a directory of our own, 0700. What others may read or have put there is refused.
class FileKeyStore final : public crypto::KeyStore {
 public:
    /// Makes the directory when it is missing (its parent must be there).
    /// @return `permission_denied` "key_store.open_to_others" or "key_store.owner": the detail says what to do;
    ///         `unavailable` "key_store.io"
    [[nodiscard]] static Result<FileKeyStore> open(const std::filesystem::path& directory);

    /// Of everything that is there, in order. @return `unavailable` "key_store.io"
    [[nodiscard]] Result<std::vector<std::string>> names() const;

    /// @return also `permission_denied` as above, `corrupt` "key_store.not_a_file" or "key_store.too_long",
    ///         `unavailable` "key_store.io"
    [[nodiscard]] Result<crypto::Secret> load(std::string_view name) override;
    /// @return also `unavailable` "key_store.io"
    [[nodiscard]] Result<void> store(std::string_view name, const crypto::Secret& value) override;

 private:
    FileKeyStore(std::filesystem::path directory, UniqueFd fd)
        : directory_(std::move(directory)), directory_fd_(std::move(fd)) {}

    std::filesystem::path directory_;
    UniqueFd directory_fd_;
};

}  // namespace gh::pki
