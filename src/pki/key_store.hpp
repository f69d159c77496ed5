#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "pki/file.hpp"

namespace gh::pki {

/// Where private keys rest. A value is replaced whole or not at all, also when the process is killed while storing.
class KeyStore {
 public:
    /// A name is a token of ours: 1 to 64 of a-z, 0-9, '-' and '_'; any other is `invalid_argument` "key_store.name".
    static constexpr std::size_t name_bytes_max = 64;
    static constexpr std::size_t value_bytes_max = 64 * 1024;

    virtual ~KeyStore() = default;
    /// @return `not_found` "key_store.absent"; any other error means that the value may well be there
    [[nodiscard]] virtual Result<crypto::Secret> load(std::string_view name) = 0;
    /// @return `invalid_argument` "key_store.too_long"; after any error the old value stays
    [[nodiscard]] virtual Result<void> store(std::string_view name,
                                             const crypto::Secret& value) = 0;

    [[nodiscard]] static bool valid_name(std::string_view name);
};

/// One file per key, 0600, in a directory of our own, 0700. What others may read or have put there is refused.
class FileKeyStore final : public KeyStore {
 public:
    /// Makes the directory when it is missing (its parent must be there).
    /// @return `permission_denied` "key_store.open_to_others" or "key_store.owner": the detail says what to do;
    ///         `unavailable` "key_store.io"
    [[nodiscard]] static Result<FileKeyStore> open(const std::filesystem::path& directory);

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
