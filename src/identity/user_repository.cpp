#include "identity/user_repository.hpp"

#include <algorithm>
#include <utility>

#include "base/id.hpp"
#include "identity/key_repository.hpp"
#include "identity/names.hpp"
#include "identity/revocations.hpp"
#include "identity/user.hpp"
#include "identity/user_pages.hpp"

namespace gh::identity {
namespace {

using storage::Row;
using storage::Session;
using storage::Statement;

constexpr Statement select_by_id{
    .name = "users.find",
    .sql =
        "SELECT id, name, email, roles, password_change_required, disabled_at, "
        "tokens_valid_from, version, created_at, updated_at, password_hash "
        "FROM user_records WHERE id = $1"};
constexpr Statement select_by_name{
    .name = "users.find_by_name",
    .sql =
        "SELECT id, name, email, roles, password_change_required, disabled_at, "
        "tokens_valid_from, version, created_at, updated_at, password_hash "
        "FROM user_records WHERE name_folded = $1"};
constexpr Statement insert{
    .name = "users.create",
    .sql =
        "INSERT INTO users (id, name, name_folded, email, password_hash, password_changed_at, "
        "password_change_required, created_at, updated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"};
constexpr Statement insert_role{.name = "users.add_role",
                                .sql = "INSERT INTO user_roles (user_id, role) VALUES ($1, $2)"};
constexpr Statement delete_roles{.name = "users.remove_roles",
                                 .sql = "DELETE FROM user_roles WHERE user_id = $1"};
constexpr Statement update{
    .name = "users.change",
    .sql =
        "UPDATE users SET email = $2, disabled_at = $3, tokens_valid_from = $4, "
        "version = version + 1, updated_at = $5 WHERE id = $1"};
constexpr Statement update_password{
    .name = "users.set_password",
    .sql =
        "UPDATE users SET password_hash = $2, password_change_required = $3, "
        "password_changed_at = $4, tokens_valid_from = $5, version = version + 1, "
        "updated_at = $4 WHERE id = $1"};
constexpr Statement update_tokens{
    .name = "users.end_tokens",
    .sql = "UPDATE users SET tokens_valid_from = $2 WHERE id = $1 AND tokens_valid_from < $2"};
constexpr Statement update_hash{
    .name = "users.rehash",
    .sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"};
constexpr Statement count_all{.name = "users.count", .sql = "SELECT count(*) FROM users"};
constexpr Statement select_hash_like{
    .name = "users.find_hash", .sql = "SELECT 1 FROM users WHERE password_hash LIKE $1 LIMIT 1"};
constexpr Statement count_other_admins{
    .name = "users.count_other_admins",
    .sql =
        "SELECT count(*) FROM users u JOIN user_roles r ON r.user_id = u.id "
        "WHERE r.role = 'admin' AND u.disabled_at IS NULL AND u.id <> $1"};
// Taken by whoever may remove an administrator, so that two cannot remove each other.
constexpr Statement lock_admins{
    .name = "users.lock_admins",
    .sql = "SELECT name FROM roles WHERE name = 'admin'",
    .postgres = "SELECT name FROM roles WHERE name = 'admin' FOR UPDATE"};

std::vector<std::string> split_roles(const std::optional<std::string>& text) {
    auto roles = split_names(text.value_or(""), ',');
    std::ranges::sort(roles);
    return roles;
}

User user_of(const Row& row) {
    return {.id = row.text(0),
            .name = row.text(1),
            .email = row.optional_text(2),
            .roles = split_roles(row.optional_text(3)),
            .password_change_required = row.boolean(4),
            .disabled_at = row.optional_time(5),
            .tokens_valid_from = row.time(6),
            .version = row.integer(7),
            .created_at = row.time(8),
            .updated_at = row.time(9)};
}

Result<void> check_roles(const std::vector<std::string>& roles) {
    if (roles.size() > user_roles_max)
        return fail(ErrorKind::invalid_argument, "user.role", "too many roles");
    if (!std::ranges::all_of(roles, valid_role_name))
        return fail(ErrorKind::invalid_argument, "user.role");
    return {};
}

Result<void> check_email(const std::optional<std::string>& email) {
    if (!email) return {};
    const auto at = email->find('@');
    const bool good = email->size() <= email_bytes_max && at != std::string::npos && at > 0 &&
                      at + 1 < email->size() && email->find('@', at + 1) == std::string::npos &&
                      std::ranges::all_of(*email, [](char c) { return c > ' ' && c != 0x7f; });
    if (!good) return fail(ErrorKind::invalid_argument, "user.email");
    return {};
}

Task<Result<void>> put_roles(Session& session, std::string id, std::vector<std::string> roles) {
    std::ranges::sort(roles);
    const auto [first, last] = std::ranges::unique(roles);
    roles.erase(first, last);
    for (const auto& role : roles) {
        auto done = co_await session.execute(insert_role, id, role);
        if (!done && done.error().reason == "storage.foreign_key")
            co_return fail(ErrorKind::invalid_argument, "user.role", "no role " + role);
        GH_CO_TRY_VOID(std::move(done));
    }
    co_return Result<void>{};
}

Task<Result<UserSecret>> read(Session& session, const Statement& statement, std::string key) {
    GH_CO_TRY(const auto row, co_await session.query_one(statement, std::move(key)));
    if (!row) co_return fail(ErrorKind::not_found, "user.unknown");
    co_return UserSecret{user_of(*row), (*row).optional_text(10)};
}

Task<Result<User>> make(Session& session, NewUser user, SystemTime now) {
    const std::string id(view(uuid_v7(now)));
    std::optional<SystemTime> password_changed;
    if (user.password_hash) password_changed = now;
    auto done = co_await session.execute(insert, id, user.name, folded(user.name), user.email,
                                         user.password_hash, password_changed,
                                         user.password_change_required, now);
    if (!done && done.error().reason == "storage.unique")
        co_return fail(ErrorKind::conflict, "user.name_taken");
    GH_CO_TRY_VOID(std::move(done));
    GH_CO_TRY_VOID(co_await put_roles(session, id, std::move(user.roles)));
    GH_CO_TRY(auto made, co_await read(session, select_by_id, id));
    co_return std::move(made.user);
}

Task<Result<std::vector<User>>> make_first(Session& session, std::vector<FirstUser> users,
                                           SystemTime now) {
    std::vector<User> made;
    GH_CO_TRY(const auto known, co_await session.query(count_all));
    if (known[0].integer(0) > 0) co_return made;
    for (auto& [user, also] : users) {
        auto rows = make(session, std::move(user), now);
        GH_CO_TRY(auto one, co_await storage::with_also(session, std::move(rows), also));
        made.push_back(std::move(one));
        now += std::chrono::microseconds(1);  // lists are in the order of their making
    }
    co_return made;
}

Result<void> check_user(const NewUser& user) {
    if (!valid_user_name(user.name) || of_the_house(user.name))
        return fail(ErrorKind::invalid_argument, "user.name");
    GH_TRY_VOID(check_email(user.email));
    return check_roles(user.roles);
}

bool is_admin(const std::vector<std::string>& roles) {
    return std::ranges::find(roles, "admin") != roles.end();
}

Task<Result<void>> keep_an_admin(Session& session, const User& before, const UserChange& change) {
    const bool was = !before.disabled_at && is_admin(before.roles);
    const bool stays = !change.disabled.value_or(before.disabled_at.has_value()) &&
                       (!change.roles || is_admin(*change.roles));
    if (!was || stays) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await session.query(lock_admins));
    GH_CO_TRY(const auto others, co_await session.query(count_other_admins, before.id));
    if (others[0].integer(0) > 0) co_return Result<void>{};
    co_return fail(ErrorKind::conflict, "user.last_admin");
}

Task<Result<void>> record_end(Session& session, std::string name, SystemTime issued_before,
                              SystemTime now) {
    Revocation revocation{RevocationKind::subject, std::move(name), issued_before,
                          now + token_lifetime_max};
    co_return co_await RevocationRepository::record(session, std::move(revocation), now);
}

Task<Result<User>> alter(Session& session, std::string id, UserChange change, SystemTime now) {
    GH_CO_TRY(const auto found, co_await read(session, select_by_id, id));
    const auto& before = found.user;
    if (change.expected_version && *change.expected_version != before.version)
        co_return fail(ErrorKind::conflict, "user.changed");
    GH_CO_TRY_VOID(co_await keep_an_admin(session, before, change));
    const auto email = change.email.value_or(before.email);
    auto disabled_at = before.disabled_at;
    if (change.disabled)
        disabled_at =
            *change.disabled ? std::optional(before.disabled_at.value_or(now)) : std::nullopt;
    const bool loses = change.roles || (disabled_at && !before.disabled_at);
    const auto valid_from = loses ? next_millisecond(now) : before.tokens_valid_from;
    GH_CO_TRY_VOID(co_await session.execute(update, id, email, disabled_at, valid_from, now));
    if (loses) GH_CO_TRY_VOID(co_await record_end(session, before.name, valid_from, now));
    if (disabled_at && !before.disabled_at)
        GH_CO_TRY_VOID(co_await KeyRepository::interrupt(session, before.name, now));
    if (change.roles) {
        GH_CO_TRY_VOID(co_await session.execute(delete_roles, id));
        GH_CO_TRY_VOID(co_await put_roles(session, id, *std::move(change.roles)));
    }
    GH_CO_TRY(auto after, co_await read(session, select_by_id, id));
    co_return std::move(after.user);
}

Task<Result<User>> put_password(Session& session, std::string id, std::string hash,
                                bool change_required, SystemTime now) {
    const auto valid_from = next_millisecond(now);
    GH_CO_TRY_VOID(
        co_await session.execute(update_password, id, hash, change_required, now, valid_from));
    GH_CO_TRY(auto changed, co_await read(session, select_by_id, id));
    GH_CO_TRY_VOID(co_await record_end(session, changed.user.name, valid_from, now));
    co_return std::move(changed.user);
}

}  // namespace

bool valid_user_name(std::string_view name) {
    constexpr std::string_view marks = "._@+-";
    const auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= user_name_bytes_max && alphanumeric(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return alphanumeric(c) || marks.contains(c); });
}

std::string folded(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

bool valid_role_name(std::string_view name) {
    constexpr std::string_view marks = "_-:.";
    const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
    return !name.empty() && name.size() <= 64 && letter(name.front()) &&
           std::ranges::all_of(name, [&](char c) {
               return letter(c) || (c >= '0' && c <= '9') || marks.contains(c);
           });
}

bool of_the_house(std::string_view name) {
    const auto lower = folded(name);
    return lower == "gatehouse" || lower == "environment";
}

Task<Result<User>> UserRepository::create(NewUser user, SystemTime now, storage::Also<User> also) {
    GH_CO_TRY_VOID(check_user(user));
    auto work = [user = std::move(user), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, make(session, user, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<User>>> UserRepository::create_first(std::vector<FirstUser> users,
                                                             SystemTime now) {
    for (const auto& each : users) GH_CO_TRY_VOID(check_user(each.user));
    auto work = [users = std::move(users), now](Session& session) {
        return make_first(session, users, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<User>> UserRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, select_by_id, id); };
    GH_CO_TRY(auto found, co_await database_.read(std::move(work)));
    co_return std::move(found.user);
}

Task<Result<UserSecret>> UserRepository::find_by_name(std::string name) {
    auto work = [name = folded(name)](Session& session) {
        return read(session, select_by_name, name);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<User>>> UserRepository::list(UserPage wanted) {
    auto work = [statement = page_statement(wanted), where = page_parameters(wanted)](
                    Session& session) { return session.run(statement, where); };
    GH_CO_TRY(const auto rows, co_await database_.read(std::move(work)));
    std::vector<User> users;
    users.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) users.push_back(user_of(rows[i]));
    co_return users;
}

Task<Result<User>> UserRepository::disable(Session& session, std::string id, SystemTime now) {
    return alter(session, std::move(id), {.disabled = true}, now);
}

Task<Result<User>> UserRepository::change(std::string id, UserChange change, SystemTime now,
                                          storage::Also<User> also) {
    if (change.email) GH_CO_TRY_VOID(check_email(*change.email));
    if (change.roles) GH_CO_TRY_VOID(check_roles(*change.roles));
    auto work = [id = std::move(id), change = std::move(change), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, alter(session, id, change, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<User>> UserRepository::set_password(std::string id, std::string hash,
                                                bool change_required, SystemTime now,
                                                storage::Also<User> also) {
    auto work = [id = std::move(id), hash = std::move(hash), change_required, now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_password(session, id, hash, change_required, now),
                                  also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> UserRepository::end_tokens(Session& session, std::string name, SystemTime at,
                                              SystemTime now) {
    const auto valid_from = next_millisecond(at);
    GH_CO_TRY(auto found, co_await read(session, select_by_name, folded(name)));
    GH_CO_TRY_VOID(co_await session.execute(update_tokens, found.user.id, valid_from));
    co_return co_await record_end(session, std::move(found.user.name), valid_from, now);
}

Task<Result<void>> UserRepository::rehash(std::string id, std::string old_hash, std::string hash) {
    GH_CO_TRY_VOID(co_await database_.query(update_hash, id, old_hash, hash));
    co_return Result<void>{};
}

Task<Result<bool>> UserRepository::has_hashes_of(crypto::PasswordScheme scheme) {
    const std::string_view begins =
        scheme == crypto::PasswordScheme::bcrypt ? "$2%" : "$argon2id$%";
    GH_CO_TRY(const auto rows, co_await database_.query(select_hash_like, begins));
    co_return !rows.empty();
}

Task<Result<std::int64_t>> UserRepository::count() {
    GH_CO_TRY(const auto rows, co_await database_.query(count_all));
    co_return rows[0].integer(0);
}

}  // namespace gh::identity
