#include "vault/backend/backend.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "codec/hex.hpp"
#include "vault/secret_fields.hpp"

namespace gh::vault {
namespace {

constexpr std::string_view check_folder = "gatehouse-check/";

Result<void> judge(bool good, std::string_view detail) {
    if (good) return {};
    return fail(ErrorKind::corrupt, "backend.check", std::string(detail));
}

template <class T>
Result<void> outcome_of(const Result<T>& done) {
    if (!done) return std::unexpected(done.error());
    return {};
}

}  // namespace

std::vector<std::string> names_below(const std::vector<std::string>& paths,
                                     std::string_view folder) {
    std::set<std::string> names;
    for (const auto& path : paths) {
        if (!path.starts_with(folder)) continue;
        const auto rest = path.substr(folder.size());
        names.insert(rest.substr(0, std::min(rest.find('/'), rest.size() - 1) + 1));
    }
    names.erase("");
    return {names.begin(), names.end()};
}

Task<Result<std::vector<BackendCheck>>> check_backend(Backend& backend) {
    const auto random = crypto::Secret::random(16);
    const auto word = codec::encode_hex(crypto::text_of(random.bytes()));
    const auto path = std::string(check_folder) + word.substr(0, 12);
    std::vector<BackendCheck> seen;
    const auto went = [&](std::string_view what, Result<void> outcome) {
        seen.push_back({what, std::move(outcome)});
        return seen.back().outcome.has_value();
    };
    auto fields = one_field(only_field, word);
    const auto written = co_await backend.set(path, std::move(fields));
    if (!went("written", outcome_of(written))) co_return seen;
    const auto back = co_await backend.get(path);
    const auto text = back ? field_of(*back, {}, path)
                           : Result<std::string>(fail(ErrorKind::internal, "backend.check"));
    const bool same = text && *text == word;
    if (!went("read back", back ? judge(same, "it is not what was written") : outcome_of(back)))
        co_return seen;
    const auto names = co_await backend.list(std::string(check_folder));
    const bool listed =
        names && std::ranges::find(*names, path.substr(check_folder.size())) != names->end();
    if (!went("listed", names ? judge(listed, "its name is not there") : outcome_of(names)))
        co_return seen;
    const auto removed = co_await backend.remove(path);
    if (!went("deleted", outcome_of(removed))) co_return seen;
    const auto after = co_await backend.get(path);
    const bool gone = !after && after.error().kind == ErrorKind::not_found;
    went("gone", judge(gone, after ? "it can still be read" : describe(after.error())));
    co_return seen;
}

}  // namespace gh::vault
