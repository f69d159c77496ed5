#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::pki {

/// Where private keys rest. A value is replaced whole or not at all, also when the process is killed while storing.
class KeyStore {
 public:
    /// A name is a token of ours, never input: 1 to 64 of a-z, 0-9, '-' and '_'.
    static constexpr std::size_t name_bytes_max = 64;
    static constexpr std::size_t value_bytes_max = 64 * 1024;

    virtual ~KeyStore() = default;
    /// @return `not_found` "key_store.absent"; any other error means that the value may well be there
    [[nodiscard]] virtual Result<std::string> load(std::string_view name) = 0;
    [[nodiscard]] virtual Result<void> store(std::string_view name, std::string_view value) = 0;
};

/// One file per key, 0600, in a directory of our own, 0700. What others may read or have put there is refused.
class FileKeyStore final : public KeyStore {
 public:
    /// Makes the directory when it is missing (its parent must be there).
    /// @return `permission_denied` "key_store.directory_open" or "key_store.owner": the detail says what to do;
    ///         `unavailable` "key_store.io"
    [[nodiscard]] static Result<FileKeyStore> open(const std::filesystem::path& directory);

    FileKeyStore(FileKeyStore&& other) noexcept;
    FileKeyStore& operator=(FileKeyStore&& other) noexcept;
    ~FileKeyStore() override;

    /// @return also `permission_denied` "key_store.key_open" or "key_store.owner",
    ///         `corrupt` "key_store.too_long" or "key_store.not_a_file", `unavailable` "key_store.io"
    [[nodiscard]] Result<std::string> load(std::string_view name) override;
    /// Written beside, synced, renamed, directory synced. @return `unavailable` "key_store.io"; the old value stays
    [[nodiscard]] Result<void> store(std::string_view name, std::string_view value) override;

 private:
    FileKeyStore(std::filesystem::path directory, int fd) : directory_(std::move(directory)), fd_(fd) {}

    std::filesystem::path directory_;
    int fd_ = -1;  // of the directory
};

}  // namespace gh::pki
