#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "vault/backend/secret_store.hpp"

namespace gh::windows {

/// A file that only the user who runs this process reaches, by an access list that inherits nothing.
class PrivateFile final : public vault::StorePlace {
 public:
    /// @param file      its folder is made when something is first written, for this user alone, too
    /// @param patience  for the turns of others
    PrivateFile(std::filesystem::path file, std::size_t bytes_max,
                std::chrono::milliseconds patience = std::chrono::seconds(10))
        : file_(std::move(file)), bytes_max_(bytes_max), patience_(patience) {}

    [[nodiscard]] std::string name() const override;
    /// @return also `invalid_argument` "file.kind": it is a folder or a link; `permission_denied` "file.denied"
    Result<std::optional<std::string>> read() override;
    /// Where the file system replaces in two steps, as FAT does, a power cut between them leaves the new one beside, as .new.
    /// @return also those of make_private_folder()
    Result<void> replace(std::string_view content) override;
    /// A lock on a file beside, which stays there as long as there is a file to lock, and so tells of one that is lost; Windows
    /// frees it when the process dies. @return also `permission_denied` "file.denied"; those of make_private_folder()
    Result<std::unique_ptr<Turn>> take_turn() override;

 private:
    [[nodiscard]] std::filesystem::path beside(std::wstring_view ending) const;

    std::filesystem::path file_;
    std::size_t bytes_max_;
    std::chrono::milliseconds patience_;
};

}  // namespace gh::windows
