#include "vault/policy_repository.hpp"

#include <utility>

#include "base/try.hpp"

namespace gh::vault {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement upsert{
    .name = "policies.put",
    .sql =
        "INSERT INTO vault_policies (name, document, created_at, updated_at) "
        "VALUES ($1, $2, $3, $3) "
        "ON CONFLICT (name) DO UPDATE SET document = $2, updated_at = $3"};
constexpr Statement count_others{.name = "policies.count",
                                 .sql = "SELECT count(*) FROM vault_policies WHERE name <> $1"};
constexpr Statement select_one{.name = "policies.find",
                               .sql = "SELECT document FROM vault_policies WHERE name = $1"};
constexpr Statement select_names{.name = "policies.list",
                                 .sql = "SELECT name FROM vault_policies ORDER BY name"};
constexpr Statement delete_one{.name = "policies.remove",
                               .sql = "DELETE FROM vault_policies WHERE name = $1"};

Task<Result<PolicyChange>> write(Session& session, std::string name, std::string document,
                                 SystemTime now) {
    GH_CO_TRY(const auto others, co_await session.query(count_others, name));
    if (others[0].integer(0) >= policies_max)
        co_return fail(ErrorKind::conflict, "policy.too_many",
                       "there are 10000 policies: remove some");
    GH_CO_TRY_VOID(co_await session.execute(upsert, name, document, now));
    PolicyChange change;
    change.name = std::move(name);
    co_return change;
}

Task<Result<PolicyChange>> erase(Session& session, std::string name) {
    GH_CO_TRY_VOID(co_await session.execute(delete_one, name));
    PolicyChange change;
    change.name = std::move(name);
    co_return change;
}

Task<Result<std::optional<std::string>>> read(Session& session, std::string name) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, name));
    if (!row) co_return std::nullopt;
    co_return (*row).text(0);
}

Task<Result<std::vector<std::string>>> read_names(Session& session) {
    GH_CO_TRY(const auto rows, co_await session.query(select_names));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < rows.size(); ++i) names.push_back(rows[i].text(0));
    co_return names;
}

Task<Result<PathRules>> read_rules(Session& session, std::vector<std::string> names) {
    PathRules rules;
    for (const auto& name : names) {
        GH_CO_TRY(const auto document, co_await read(session, name));
        if (!document) continue;
        const auto policy = parse_policy(*document);
        if (!policy) {
            co_return fail(
                ErrorKind::corrupt, "policy.unreadable",
                "the policy " + name + " cannot be read, write it anew: " + policy.error().detail);
        }
        rules.add(*policy);
    }
    co_return rules;
}

}  // namespace

Task<Result<PolicyChange>> PolicyRepository::put(std::string name, std::string document,
                                                 SystemTime now, storage::Also<PolicyChange> also) {
    GH_CO_TRY_VOID(check_policy_name(name));
    GH_CO_TRY_VOID(parse_policy(document));
    auto work = [name = std::move(name), document = std::move(document), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, write(session, name, document, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::optional<std::string>>> PolicyRepository::find(std::string name) {
    auto work = [name = std::move(name)](Session& session) { return read(session, name); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<std::string>>> PolicyRepository::list() {
    auto work = [](Session& session) { return read_names(session); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<PolicyChange>> PolicyRepository::remove(std::string name,
                                                    storage::Also<PolicyChange> also) {
    auto work = [name = std::move(name), also = std::move(also)](Session& session) {
        return storage::with_also(session, erase(session, name), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<PathRules>> PolicyRepository::rules(std::vector<std::string> names) {
    auto work = [names = std::move(names)](Session& session) { return read_rules(session, names); };
    co_return co_await database_.read(std::move(work));
}

}  // namespace gh::vault
