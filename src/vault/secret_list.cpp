#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "vault/secret_path.hpp"
#include "vault/secret_repository.hpp"

namespace gh::vault {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::size_t limit_max = 100'000;
constexpr std::int64_t rows_at_once = 1'000;

constexpr Statement select_all{
    .name = "secrets.list_all",
    .sql = "SELECT path FROM vault_secrets WHERE path >= $1 ORDER BY path LIMIT $2"};
constexpr Statement select_folder{
    .name = "secrets.list",
    .sql = "SELECT path FROM vault_secrets WHERE path >= $1 AND path < $2 ORDER BY path LIMIT $3"};

/// The first text behind everything in a folder: '0' is the character after '/'.
std::string behind(std::string folder) {
    folder.back() = '0';
    return folder;
}

Task<Result<storage::Rows>> paths_from(Session& session, const std::string& from,
                                       const std::string& folder) {
    if (folder.empty()) return session.query(select_all, from, rows_at_once);
    return session.query(select_folder, from, behind(folder), rows_at_once);
}

/// Walks over paths in their order and steps over what lies within a folder once it was named.
Task<Result<std::vector<std::string>>> walk(Session& session, SecretPage page) {
    std::vector<std::string> names;
    auto from = page.folder + page.after;
    if (page.after.ends_with('/')) {
        from = behind(from);
    } else if (!page.after.empty()) {
        from += '\x01';  // less than any character of a path
    }
    while (names.size() < page.limit) {
        GH_CO_TRY(const auto rows, co_await paths_from(session, from, page.folder));
        for (std::size_t i = 0; i < rows.size() && names.size() < page.limit; ++i) {
            const auto& path = rows[i].text(0);
            if (path < from) continue;
            auto name = path.substr(page.folder.size());
            const auto slash = name.find('/');
            const bool stepped = slash != std::string::npos;
            if (stepped) name.resize(slash + 1);
            from = stepped ? behind(page.folder + name) : path + '\x01';
            names.push_back(std::move(name));
        }
        if (rows.size() < static_cast<std::size_t>(rows_at_once)) break;
    }
    co_return names;
}

}  // namespace

Task<Result<std::vector<std::string>>> SecretRepository::list(SecretPage page) {
    GH_CO_TRY_VOID(check_secret_folder(page.folder));
    page.limit = std::min(page.limit, limit_max);
    auto work = [page = std::move(page)](Session& session) { return walk(session, page); };
    co_return co_await database_.read(std::move(work));
}

}  // namespace gh::vault
