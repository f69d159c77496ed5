#include "app/env_on_disk.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/file.hpp"
#include "base/try.hpp"
#include "config/dotenv.hpp"
#include "config/problem.hpp"
#include "crypto/secret.hpp"

namespace gh::app {

EnvOnDisk::~EnvOnDisk() { crypto::wipe(text_.data(), text_.size()); }

Result<EnvOnDisk> EnvOnDisk::open(const std::filesystem::path& named) {
    EnvOnDisk file;
    std::error_code gone;
    const auto whole = std::filesystem::absolute(named, gone);
    file.name_ = whole.filename();
    auto folder = open_directory(whole.parent_path());
    auto read = folder ? Result<void>() : std::unexpected(folder.error());
    if (folder) {
        file.folder_ = *std::move(folder);
        read = file.read();
    }
    if (read) return file;
    auto error = std::move(read).error();
    const auto quoted = config::quote(named.native());
    if (error.reason == "file.absent" || (!folder && !std::filesystem::exists(whole, gone)))
        return fail(ErrorKind::not_found, "import.absent", "there is no file " + quoted);
    if (error.reason == "file.too_long") error.detail = quoted + " is larger than 256 KiB";
    if (error.reason == "file.kind") {
        return fail(ErrorKind::invalid_argument, "usage",
                    fmt::format("command line: {}; name the file {}", error.detail,
                                error.detail.ends_with("link") ? "it leads to" : "itself"));
    }
    return std::unexpected(std::move(error));
}

Result<void> EnvOnDisk::read() {
    GH_TRY(const auto fd, open_file(folder_, name_));
    if (::fstat(fd.get(), &facts_) != 0)
        return fail_errno(ErrorKind::unavailable, "file.io", name_, errno);
    GH_TRY(text_, read_file(fd, config::dotenv_bytes_max));
    return {};
}

bool EnvOnDisk::is(const std::filesystem::path& other) const {
    struct stat facts{};
    return ::stat(other.c_str(), &facts) == 0 && facts.st_dev == facts_.st_dev &&
           facts.st_ino == facts_.st_ino;
}

Result<void> EnvOnDisk::check_replaceable() const {
    return gh::check_replaceable(folder_, name_, {facts_.st_uid, facts_.st_gid});
}

Result<void> EnvOnDisk::check_unchanged() const {
    EnvOnDisk now;
    GH_TRY(const auto fd, open_file(folder_, name_));
    if (::fstat(fd.get(), &now.facts_) != 0)
        return fail_errno(ErrorKind::unavailable, "file.io", name_, errno);
    GH_TRY(now.text_, read_file(fd, config::dotenv_bytes_max));
    if (now.text_ == text_ && now.facts_.st_ino == facts_.st_ino) return {};
    return fail(
        ErrorKind::conflict, "import.changed",
        fmt::format("somebody has changed {} meanwhile: it stays as it is; run this again", name_));
}

Result<void> EnvOnDisk::replace(std::string_view text) const {
    GH_TRY_VOID(check_unchanged());
    return replace_file(folder_, name_, text, facts_.st_mode & 07777,
                        {facts_.st_uid, facts_.st_gid});
}

Result<void> EnvOnDisk::remove() const {
    GH_TRY_VOID(check_unchanged());
    return remove_file(folder_, name_);
}

}  // namespace gh::app
