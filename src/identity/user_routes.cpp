#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/precondition.hpp"
#include "api/reply.hpp"
#include "api/types.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "crypto/password.hpp"
#include "identity/room.hpp"
#include "identity/route_words.hpp"
#include "net/loop.hpp"

namespace gh::identity {
namespace {

using access::Access;
using access::Permission;
using api::Object;

struct ShownUser {
    std::string id;
    std::string name;
    std::optional<std::string> email;
    std::vector<std::string> roles;
    bool disabled = false;
    bool password_change_required = false;
    std::int64_t version = 1;
    SystemTime created_at, updated_at;
    std::optional<std::string> one_time_password;
};

ShownUser shown(const User& user) {
    return {.id = user.id,
            .name = user.name,
            .email = user.email,
            .roles = user.roles,
            .disabled = user.disabled_at.has_value(),
            .password_change_required = user.password_change_required,
            .version = user.version,
            .created_at = user.created_at,
            .updated_at = user.updated_at,
            .one_time_password = {}};
}

const api::Type<ShownUser>& user_type() {
    static const auto type =
        Object<ShownUser>("User", "Somebody who may sign in.")
            .required("id", &ShownUser::id, api::text(), "UUID.")
            .required("name", &ShownUser::name, api::text(), "What they sign in with.")
            .optional("email", &ShownUser::email, api::maybe(email_type()), "Where to write to.")
            .required("roles", &ShownUser::roles, role_names_type(), "What they are.")
            .required("disabled", &ShownUser::disabled, api::boolean(), "Kept out.")
            .required("password_change_required", &ShownUser::password_change_required,
                      api::boolean(), "The password is for one use.")
            .required("version", &ShownUser::version,
                      api::integer_64(1, std::numeric_limits<std::int64_t>::max()),
                      "Grows with every change; the ETag.")
            .required("created_at", &ShownUser::created_at, api::time(), "When they were made.")
            .required("updated_at", &ShownUser::updated_at, api::time(), "When last changed.")
            .optional("one_time_password", &ShownUser::one_time_password, api::maybe(api::text()),
                      "Made for them, shown this once.")
            .type();
    return type;
}

struct WantedUser {
    std::string name;
    std::optional<std::string> email;
    std::vector<std::string> roles{"user"};
    std::optional<std::string> password;
};

const api::Type<WantedUser>& wanted_user_type() {
    static const auto type =
        Object<WantedUser>("NewUser", "A user to be made.")
            .required("name", &WantedUser::name, user_name_type(), "Unique, whatever the case.")
            .optional("email", &WantedUser::email, api::maybe(email_type()), "Where to write to.")
            .optional("roles", &WantedUser::roles, role_names_type(), "user, where left out.")
            .optional("password", &WantedUser::password, api::maybe(password_type()),
                      "For one use. Left out: one is made and shown.")
            .type();
    return type;
}

struct ChangedUser {
    std::optional<std::optional<std::string>> email;
    std::optional<std::vector<std::string>> roles;
    std::optional<bool> disabled;
};

const api::Type<ChangedUser>& changed_user_type() {
    static const auto type =
        Object<ChangedUser>("UserChange", "What of a user changes; what is left out stays.")
            .optional("email", &ChangedUser::email, api::maybe(api::nullable(email_type())),
                      "null: none.")
            .optional("roles", &ChangedUser::roles, api::maybe(role_names_type()),
                      "Instead of those so far.")
            .optional("disabled", &ChangedUser::disabled, api::maybe(api::boolean()),
                      "true keeps them out and voids their tokens.")
            .type();
    return type;
}

struct UserQuery : api::Page {
    std::optional<std::string> role;
};

// By which users can be sorted, and the order of the repository that it is.
using UserOrder = UserPage::Order;
constexpr std::array user_orders{
    std::pair{"created_at", UserOrder::oldest}, std::pair{"-created_at", UserOrder::newest},
    std::pair{"name", UserOrder::name}, std::pair{"-name", UserOrder::name_backwards}};

const Object<UserQuery>& user_query() {
    static const auto table = [] {
        Object<UserQuery> query("UserQuery", "Which users.");
        api::add_page(query, "users", 3);
        std::vector<std::string> words;
        for (const auto& [word, order] : user_orders) words.emplace_back(word);
        api::add_sort(query, words);
        query.optional("role", &UserQuery::role, api::maybe(role_name_type()),
                       "Only those who have it.");
        return query;
    }();
    return table;
}

const api::Type<api::Items<ShownUser>>& user_page_type() {
    static const auto type = api::page_of("UserPage", user_type());
    return type;
}

/// A change of a user, as the audit log tells it: which one, and what they are now.
storage::Also<User> recorded(const api::Call& call, std::string action) {
    return audit::also<User>(audit::act_of(call, std::move(action), "user"), tell_user);
}

/// With its tag.
api::Reply with_tag(api::Reply reply, const User& user) {
    reply.fields.emplace_back("ETag",
                              api::etag_of_version(static_cast<std::uint64_t>(user.version)));
    return reply;
}

constexpr std::size_t uuid_length = 36;

Task<Result<User>> find_named(Room& room, std::string name) {
    GH_CO_TRY(auto found, co_await room.users.find_by_name(std::move(name)));
    co_return std::move(found.user);
}

Task<Result<api::Reply>> list_users(Room& room, api::Call, UserQuery query) {
    const auto& [word, order] = user_orders[query.order];
    const bool named = order == UserOrder::name || order == UserOrder::name_backwards;
    UserPage page{.order = order,
                  .limit = query.limit + std::size_t{1},
                  .after = {},
                  .offset = static_cast<std::size_t>(query.offset),
                  .role = query.role};
    if (query.after) {
        const auto& key = (*query.after)[1];
        page.after = {.created_at = {}, .name = key, .id = (*query.after)[2]};
        if (!named) {
            GH_CO_TRY(page.after->created_at, api::time_of_key(key));
        }
    }
    GH_CO_TRY(auto users, co_await room.users.list(std::move(page)));
    api::Items<ShownUser> items;
    if (users.size() > query.limit) {
        users.resize(query.limit);
        const auto& last = users.back();
        items.next_cursor = api::encode_cursor(
            "users", {word, named ? last.name : api::key_of_time(last.created_at), last.id});
    }
    for (const auto& user : users) items.items.push_back(shown(user));
    co_return api::reply(200, user_page_type(), items);
}

Task<Result<api::Reply>> show_user(Room& room, api::Call call) {
    GH_CO_TRY(const auto user, co_await room.users.find(std::string(call.param("user"))));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(user.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    co_return with_tag(api::reply(200, user_type(), shown(user)), user);
}

Task<Result<api::Reply>> add_user(Room& room, api::Call call, WantedUser wanted) {
    if (auto refused = above_oneself(call, {wanted.roles, {}}, *room.role_source.current()))
        co_return *std::move(refused);
    crypto::Secret password;
    std::optional<std::string> one_time;
    if (wanted.password) {
        password = secret_of(*wanted.password);
    } else {
        password = crypto::random_password();
        one_time.emplace(crypto::text_of(password.bytes()));
    }
    auto hash = co_await room.sign_in.hash(std::move(password));
    if (!hash && hash.error().kind == ErrorKind::invalid_argument)
        co_return wrong_field(call, "/password", hash.error().reason, "Cannot be a password.");
    if (!hash) co_return std::unexpected(std::move(hash).error());
    NewUser user{.name = std::move(wanted.name),
                 .email = std::move(wanted.email),
                 .roles = std::move(wanted.roles),
                 .password_hash = *std::move(hash),
                 .password_change_required = true};
    auto made = co_await room.users.create(std::move(user), net::Loop::current()->system_now(),
                                           recorded(call, "user.create"));
    if (!made) co_return refused_by_rules(call, std::move(made).error());
    auto body = shown(*made);
    body.one_time_password = std::move(one_time);
    co_return with_tag(api::created("/api/v1/users/" + made->id, user_type(), body), *made);
}

Task<Result<api::Reply>> change_user(Room& room, api::Call call, ChangedUser wanted) {
    if (wanted.roles) {
        if (auto refused = above_oneself(call, {*wanted.roles, {}}, *room.role_source.current()))
            co_return *std::move(refused);
    }
    const std::string id(call.param("user"));
    GH_CO_TRY(const auto before, co_await room.users.find(id));
    if (auto refused = above_oneself(call, {before.roles, {}}, *room.role_source.current()))
        co_return *std::move(refused);
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(before.version));
    if (auto answer = api::judge_change(call, tag)) co_return *std::move(answer);
    const auto now = net::Loop::current()->system_now();
    UserChange change{.email = std::move(wanted.email),
                      .roles = std::move(wanted.roles),
                      .disabled = wanted.disabled,
                      .expected_version = before.version};
    auto after =
        co_await room.users.change(id, std::move(change), now, recorded(call, "user.change"));
    if (!after) co_return refused_by_rules(call, std::move(after).error());
    if (after->tokens_valid_from != before.tokens_valid_from)
        room.revocations.add({end_of_tokens(*after)}, now);
    co_return with_tag(api::reply(200, user_type(), shown(*after)), *after);
}

/// A new one-time password: who forgot theirs gets in again, and their tokens end.
Task<Result<api::Reply>> reset_password(Room& room, api::Call call) {
    const std::string id(call.param("user"));
    GH_CO_TRY(const auto before, co_await room.users.find(id));
    if (auto refused = above_oneself(call, {before.roles, {}}, *room.role_source.current()))
        co_return *std::move(refused);
    auto password = crypto::random_password();
    const std::string text(crypto::text_of(password.bytes()));
    GH_CO_TRY(auto hash, co_await room.sign_in.hash(std::move(password)));
    const auto now = net::Loop::current()->system_now();
    GH_CO_TRY(const auto after,
              co_await room.users.set_password(id, std::move(hash), true, now,
                                               recorded(call, "user.reset_password")));
    room.revocations.add({end_of_tokens(after)}, now);
    auto body = shown(after);
    body.one_time_password = text;
    co_return with_tag(api::reply(200, user_type(), body), after);
}

/// The name of the user of the path, who may be named or given by id. An id means nothing while the database is away.
Task<Result<std::string>> name_of_user(Room& room, const api::Call& call) {
    std::string given(call.param("user"));
    const bool is_id = given.size() == uuid_length && std::ranges::count(given, '-') == 4;
    // Whom one may touch their roles say, unless one may touch everybody.
    if (!is_id && call.principal.role == access::Role::admin) co_return given;
    auto found = is_id ? co_await room.users.find(given) : co_await find_named(room, given);
    if (!found) co_return std::unexpected(std::move(found).error());
    if (access::highest_role(found->roles) > call.principal.role)
        co_return fail(ErrorKind::permission_denied, "role.above_own");
    co_return std::move(found->name);
}

/// Everywhere they are signed in. Works while the database is away, too: then it holds here at once, elsewhere once it is back.
Task<Result<api::Reply>> end_tokens(Room& room, api::Call call) {
    GH_CO_TRY(auto name, co_await name_of_user(room, call));
    auto record = audit::act_of(call, "user.end_tokens", "user", name);
    GH_CO_TRY_VOID(co_await room.revoker.end(RevocationKind::subject, std::move(name),
                                             net::Loop::current()->system_now(),
                                             std::move(record)));
    co_return ended(room.revoker);
}

}  // namespace

std::vector<api::Route> user_routes(Room& room) {
    const auto one = api::answers(200, "The user.", user_type());
    return {
        {.method = "GET",
         .path = "/api/v1/users",
         .access = Access::permission(Permission::users_read),
         .handle = api::with(room, list_users, api::query(user_query())),
         .summary = "Users, in the order of their making.",
         .answers = {api::answers(200, "A page of them.", user_page_type())}},
        {.method = "POST",
         .path = "/api/v1/users",
         .access = Access::permission(Permission::users_write),
         .handle = api::with(room, add_user, api::json_body(wanted_user_type())),
         .summary = "Makes a user.",
         .answers = {api::answers(201, "The user.", user_type())},
         .body_bytes_max = 16 * 1024},
        {.method = "GET",
         .path = "/api/v1/users/{user}",
         .access = Access::permission(Permission::users_read),
         .handle = api::with(room, show_user),
         .summary = "One user.",
         .answers = {one}},
        {.method = "PATCH",
         .path = "/api/v1/users/{user}",
         .access = Access::permission(Permission::users_write),
         .handle = api::with(room, change_user, api::json_body(changed_user_type())),
         .summary = "Changes a user; wants If-Match.",
         .answers = {one},
         .body_bytes_max = 16 * 1024},
        {.method = "POST",
         .path = "/api/v1/users/{user}/password",
         .access = Access::permission(Permission::users_write),
         .handle = api::with(room, reset_password),
         .summary = "Gives a user a new one-time password.",
         .answers = {one}},
        {.method = "DELETE",
         .path = "/api/v1/users/{user}/tokens",
         .access = Access::permission(Permission::users_write),
         .handle = api::with(room, end_tokens),
         .summary = "Ends all tokens of a user, given by id or by name; the name works while the "
                    "database is away.",
         .answers = ended_answers()},
    };
}

}  // namespace gh::identity
