#include "identity/role_repository.hpp"

#include <algorithm>
#include <utility>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "identity/user.hpp"

namespace gh::identity {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement select_custom{
    .name = "roles.list",
    .sql = "SELECT name, permissions, updated_at FROM roles WHERE built_in = 0 ORDER BY name",
    .postgres =
        "SELECT name, permissions::text, updated_at FROM roles WHERE NOT built_in ORDER BY name"};
constexpr Statement count_others{
    .name = "roles.count",
    .sql = "SELECT count(*) FROM roles WHERE built_in = 0 AND name <> $1",
    .postgres = "SELECT count(*) FROM roles WHERE NOT built_in AND name <> $1"};
constexpr Statement upsert{
    .name = "roles.put",
    .sql =
        "INSERT INTO roles (name, built_in, permissions, created_at, updated_at) "
        "VALUES ($1, 0, $2, $3, $3) "
        "ON CONFLICT (name) DO UPDATE SET permissions = $2, updated_at = $3",
    .postgres =
        "INSERT INTO roles (name, built_in, permissions, created_at, updated_at) "
        "VALUES ($1, false, $2::jsonb, $3, $3) "
        "ON CONFLICT (name) DO UPDATE SET permissions = $2::jsonb, updated_at = $3"};
constexpr Statement select_one{
    .name = "roles.find",
    .sql = "SELECT name, permissions, updated_at FROM roles WHERE built_in = 0 AND name = $1",
    .postgres =
        "SELECT name, permissions::text, updated_at FROM roles WHERE NOT built_in AND name = $1"};
constexpr Statement delete_one{.name = "roles.remove", .sql = "DELETE FROM roles WHERE name = $1"};

std::string text_of(const std::vector<std::string>& permissions) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& each : permissions) out.string(each);
    out.end_array();
    return text;
}

CustomRole role_of_row(const storage::Row& row) {
    CustomRole role{.name = std::string(row.text(0)), .permissions = {}, .updated_at = row.time(2)};
    const auto value = codec::json::parse(row.text(1));
    const auto* names = value ? value->array() : nullptr;
    if (names == nullptr) return role;  // of another hand: it holds nothing
    for (const auto& each : *names) {
        if (const auto* name = each.string()) role.permissions.push_back(*name);
    }
    return role;
}

Task<Result<CustomRole>> read(Session& session, std::string name) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(name)));
    if (!row) co_return fail(ErrorKind::not_found, "role.unknown");
    co_return role_of_row(*row);
}

Task<Result<CustomRole>> write(Session& session, CustomRole role) {
    GH_CO_TRY(const auto others, co_await session.query(count_others, role.name));
    if (others[0].integer(0) >= static_cast<std::int64_t>(custom_roles_max))
        co_return fail(ErrorKind::exhausted, "role.too_many");
    GH_CO_TRY_VOID(
        co_await session.execute(upsert, role.name, text_of(role.permissions), role.updated_at));
    co_return role;
}

Task<Result<CustomRole>> erase(Session& session, std::string name) {
    GH_CO_TRY(auto role, co_await read(session, name));
    auto done = co_await session.execute(delete_one, std::move(name));
    if (!done && done.error().reason == "storage.foreign_key")
        co_return fail(ErrorKind::conflict, "role.in_use");
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return role;
}

}  // namespace

Task<Result<std::vector<CustomRole>>> RoleRepository::list() {
    GH_CO_TRY(const auto rows, co_await database_.query(select_custom));
    std::vector<CustomRole> roles;
    roles.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) roles.push_back(role_of_row(rows[i]));
    co_return roles;
}

Task<Result<CustomRole>> RoleRepository::put(std::string name, std::vector<std::string> permissions,
                                             SystemTime now, storage::Also<CustomRole> also) {
    if (!valid_role_name(name) || access::role_of(name) != access::Role::none)
        co_return fail(ErrorKind::invalid_argument, "role.name");
    std::ranges::sort(permissions);
    const auto [first, last] = std::ranges::unique(permissions);
    permissions.erase(first, last);
    for (const auto& each : permissions) {
        if (!access::permission_of(each))
            co_return fail(ErrorKind::invalid_argument, "role.permission", each);
    }
    CustomRole role{std::move(name), std::move(permissions), now};
    auto work = [role = std::move(role), also = std::move(also)](Session& session) {
        return storage::with_also(session, write(session, role), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<CustomRole>> RoleRepository::remove(std::string name, storage::Also<CustomRole> also) {
    auto work = [name = std::move(name), also = std::move(also)](Session& session) {
        return storage::with_also(session, erase(session, name), also);
    };
    co_return co_await database_.write(std::move(work));
}

access::CustomRoles custom_roles_of(const std::vector<CustomRole>& roles) {
    access::CustomRoles out;
    for (const auto& role : roles) {
        auto& held = out[role.name];
        for (const auto& each : role.permissions) {
            if (const auto permission = access::permission_of(each)) held.add(*permission);
        }
    }
    return out;
}

std::shared_ptr<const access::CustomRoles> RoleSource::current() const {
    const std::scoped_lock lock(mutex_);
    return roles_;
}

void RoleSource::publish(access::CustomRoles roles) {
    const std::scoped_lock lock(mutex_);
    if (*roles_ == roles) return;
    roles_ = std::make_shared<const access::CustomRoles>(std::move(roles));
    generation_.fetch_add(1, std::memory_order_release);
}

}  // namespace gh::identity
