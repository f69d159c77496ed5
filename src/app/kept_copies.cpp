#include "app/kept_copies.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/try.hpp"
#include "vault/sealed_file.hpp"

namespace gh::app {
namespace {

using std::filesystem::path;

Result<std::vector<std::string>> names_in(const path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error))
        names.push_back(at->path().filename().string());
    if (error && error != std::errc::no_such_file_or_directory)
        return fail_errno(ErrorKind::unavailable, "file.io", folder.string(), error.value());
    std::ranges::sort(names);
    return names;
}

/// Empty: it is none. What cannot be read may be one: forgetting the former master key would lose it.
Result<std::string> sealed_in(const UniqueFd& directory, const std::string& name) {
    const auto file = open_file(directory, name);
    if (!file && file.error().reason != "file.io") return std::string();
    if (!file) return std::unexpected(file.error());
    auto content = read_file(*file, kept_bytes_max);
    if (!content && content.error().reason != "file.too_long") return content;
    if (!content || !content->starts_with(vault::sealed_file_magic)) return std::string();
    return content;
}

Result<std::string> sealed_at(const path& folder, const UniqueFd& directory,
                              const std::string& name) {
    auto sealed = sealed_in(directory, name);
    if (!sealed) {
        sealed.error().detail = (folder / name).string() + " cannot be read, and may be a copy " +
                                "that is sealed: " + sealed.error().detail;
    }
    return sealed;
}

}  // namespace

Result<RenewedCopies> renew_kept_copies(const path& data_dir, const vault::Barrier& barrier,
                                        const vault::Barrier& former) {
    const auto folder = data_dir / kept_folder;
    RenewedCopies renewed;
    GH_TRY(const auto names, names_in(folder));
    if (names.empty()) return renewed;
    GH_TRY(const auto directory, open_directory(folder));
    for (const auto& name : names) {
        GH_TRY(const auto sealed, sealed_at(folder, directory, name));
        if (sealed.empty() || vault::open_sealed_file(barrier, kept_kind, sealed)) continue;
        const auto content = vault::open_sealed_file(former, kept_kind, sealed);
        if (!content) {
            renewed.unopened.push_back((folder / name).string());
            continue;
        }
        const auto anew = vault::seal_as_file(barrier, kept_kind, content->bytes());
        GH_TRY_VOID(replace_file(directory, name, anew, 0600));
        ++renewed.sealed;
    }
    return renewed;
}

}  // namespace gh::app
