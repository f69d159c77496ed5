#include "app/state_files.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "app/unseal.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "crypto/key_store.hpp"

namespace gh::app {
namespace {

using storage::backup::File;

constexpr std::string_view certificate = "ca.pem", keys = "keys/", journal = "fallback_db/";
constexpr std::size_t segment_digits = 20;
constexpr std::string_view segment_suffix = ".jsonl";

bool is_segment(std::string_view name) {
    return name.size() == segment_digits + segment_suffix.size() &&
           name.ends_with(segment_suffix) && name.find_first_not_of("0123456789") == segment_digits;
}

/// The names of those that are there, in order.
Result<std::vector<std::string>> names_of(const std::filesystem::path& data_dir) {
    std::vector<std::string> names;
    std::error_code error;
    if (std::filesystem::exists(data_dir / certificate, error)) names.emplace_back(certificate);
    for (const auto folder : {keys, journal}) {
        for (std::filesystem::directory_iterator at(data_dir / folder, error), end;
             !error && at != end; at.increment(error)) {
            auto name = std::string(folder) + at->path().filename().string();
            if (is_state_file(name)) names.push_back(std::move(name));
        }
        if (error && error != std::errc::no_such_file_or_directory) {
            return fail_errno(ErrorKind::unavailable, "backup.io", (data_dir / folder).string(),
                              error.value());
        }
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace

bool is_state_file(std::string_view name) {
    if (name == certificate) return true;
    if (name.starts_with(keys)) {
        const auto key = name.substr(keys.size());
        // The seal, and the key of a house that has no other: without either its backup would open nothing.
        return crypto::KeyStore::valid_name(key) || key == vault::Seal::file_name ||
               key == own_key_file;
    }
    return name.starts_with(journal) && is_segment(name.substr(journal.size()));
}

Result<void> read_state_files(const std::filesystem::path& data_dir,
                              const std::function<Result<void>(File)>& take) {
    GH_TRY(const auto names, names_of(data_dir));
    for (const auto& name : names) {
        const bool segment = name.starts_with(journal);
        auto content = read_file_at(data_dir / name, segment ? storage::backup::file_bytes_max
                                                             : crypto::KeyStore::value_bytes_max);
        if (!content) {
            std::error_code ignored;
            if (segment && !std::filesystem::exists(data_dir / name, ignored)) continue;
            return fail(ErrorKind::unavailable, "backup.io",
                        (data_dir / name).string() + ": " + content.error().detail);
        }
        // A line without its end is being written, or was when the power went.
        if (segment) content->resize(content->rfind('\n') + 1);
        if (segment && content->empty()) continue;
        GH_TRY_VOID(take({name, *std::move(content)}));
    }
    return {};
}

bool has_state_files(const std::filesystem::path& data_dir) {
    const auto names = names_of(data_dir);
    return !names || !names->empty();
}

}  // namespace gh::app
