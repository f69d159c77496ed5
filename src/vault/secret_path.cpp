#include "vault/secret_path.hpp"

#include "codec/utf8.hpp"

namespace gh::vault {
namespace {

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "secret.path", std::move(detail));
}

}  // namespace

Result<void> check_secret_path(std::string_view path) {
    if (path.empty() || path.size() > secret_path_bytes_max)
        return refuse("a path has 1 to " + std::to_string(secret_path_bytes_max) + " bytes");
    if (!codec::is_utf8(path) || codec::has_control_character(path))
        return refuse("a path is UTF-8 without control characters");
    std::size_t segments = 0;
    for (auto rest = path;; ++segments) {
        const auto segment = rest.substr(0, rest.find('/'));
        if (segment.empty() || segment == "." || segment == "..")
            return refuse("a segment of a path is not empty, \".\" or \"..\"");
        if (segment.size() == rest.size()) break;
        rest.remove_prefix(segment.size() + 1);
    }
    if (segments >= secret_path_segments_max)
        return refuse("a path has at most " + std::to_string(secret_path_segments_max) +
                      " segments");
    return {};
}

Result<void> check_secret_folder(std::string_view folder) {
    if (folder.empty()) return {};
    if (!folder.ends_with('/')) return refuse("a folder ends with '/'");
    folder.remove_suffix(1);
    return check_secret_path(folder);
}

}  // namespace gh::vault
