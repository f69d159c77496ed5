#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace gh::app {

/// A `.env` as it was read: what is written later is for this one and no other, whatever its name leads to by then.
class EnvOnDisk {
 public:
    /// @return `not_found` "import.absent"; `invalid_argument` "usage": no regular file, or too large
    [[nodiscard]] static Result<EnvOnDisk> open(const std::filesystem::path& named);

    EnvOnDisk(EnvOnDisk&&) = default;
    EnvOnDisk& operator=(EnvOnDisk&&) = delete;
    EnvOnDisk(const EnvOnDisk&) = delete;
    EnvOnDisk& operator=(const EnvOnDisk&) = delete;
    ~EnvOnDisk();

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool has_other_names() const { return facts_.st_nlink > 1; }
    /// Is it the file that this path leads to?
    [[nodiscard]] bool is(const std::filesystem::path& other) const;

    /// Before anything is done that cannot be undone: could replace() do it? @return `unavailable` "file.io"
    [[nodiscard]] Result<void> check_replaceable() const;
    /// Another text, the mode and the owner as they are. @return `conflict` "import.changed", `unavailable` "file.io"
    [[nodiscard]] Result<void> replace(std::string_view text) const;
    /// @return as replace()
    [[nodiscard]] Result<void> remove() const;

 private:
    EnvOnDisk() = default;
    [[nodiscard]] Result<void> read();
    [[nodiscard]] Result<void> check_unchanged() const;

    UniqueFd folder_;
    std::string name_, text_;
    struct stat facts_{};
};

}  // namespace gh::app
