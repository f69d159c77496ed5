#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "windows/system.hpp"

namespace gh::windows {

/// Everything for this user, nothing for anybody else, and nothing from the folder above.
class OwnersOnly {
 public:
    /// @param rights  as SDDL has them; FA: all
    /// @return `unavailable` "windows.user"
    [[nodiscard]] static Result<OwnersOnly> make(std::wstring_view rights = L"FA");
    /// Windows' SECURITY_DESCRIPTOR.
    [[nodiscard]] void* descriptor() const { return descriptor_.get(); }

 private:
    explicit OwnersOnly(void* descriptor) : descriptor_(descriptor) {}
    Local<void> descriptor_;
};

/// A folder for this user alone; one that is there is looked at, and has to be one already that nobody changes but this user,
/// administrators and the system. Volumes without access lists have nothing to look at.
/// @return `unavailable` "file.io"; `permission_denied` "folder.others": others may change it, or it is theirs, or a link
[[nodiscard]] Result<void> make_private_folder(const std::filesystem::path& folder);

}  // namespace gh::windows
