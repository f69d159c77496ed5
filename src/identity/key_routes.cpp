#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/permission.hpp"
#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/precondition.hpp"
#include "api/reply.hpp"
#include "api/types.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "identity/room.hpp"
#include "identity/route_words.hpp"
#include "net/loop.hpp"

namespace gh::identity {
namespace {

using access::Access;
using access::Permission;
using access::PrincipalType;
using api::Object;

constexpr std::size_t names_max = 32;

const api::Type<std::vector<std::string>>& scopes_type() {
    static const auto type =
        api::list_of(api::text({.length_max = 128}), {.items_max = names_max, .distinct = true});
    return type;
}

const api::Type<PrincipalType>& kind_type() {
    static const auto type = api::choice<PrincipalType>(
        {{"api_key", PrincipalType::api_key}, {"service", PrincipalType::service}});
    return type;
}

struct ShownKey {
    std::string id, name, owner, subject;
    PrincipalType kind = PrincipalType::api_key;
    std::vector<std::string> roles, scopes;
    std::optional<SystemTime> expires_at, revoked_at, last_used_at;
    std::int64_t version = 1;
    SystemTime created_at, updated_at;
    std::optional<std::string> key;
};

ShownKey shown(const StoredKey& key) {
    return {.id = key.id,
            .name = key.name,
            .owner = key.owner,
            .subject = key.subject,
            .kind = key.kind,
            .roles = key.roles,
            .scopes = key.scopes,
            .expires_at = key.expires_at,
            .revoked_at = key.revoked_at,
            .last_used_at = key.last_used_at,
            .version = key.version,
            .created_at = key.created_at,
            .updated_at = key.updated_at,
            .key = {}};
}

const api::Type<ShownKey>& key_type() {
    static const auto moment = api::maybe(api::time());
    static const auto type =
        Object<ShownKey>("Key", "A key for the header X-API-Key.")
            .required("id", &ShownKey::id, api::text(), "Stands in the key itself, and in logs.")
            .required("name", &ShownKey::name, api::text(), "For people.")
            .required("owner", &ShownKey::owner, api::text(), "Who made it.")
            .required("subject", &ShownKey::subject, api::text(), "Whom it stands for.")
            .required("kind", &ShownKey::kind, kind_type(), "What its bearer is.")
            .required("roles", &ShownKey::roles, role_names_type(), "What its bearer may.")
            .required("scopes", &ShownKey::scopes, scopes_type(), "None: all that the roles allow.")
            .optional("expires_at", &ShownKey::expires_at, moment, "When it ends.")
            .optional("revoked_at", &ShownKey::revoked_at, moment, "When it was ended.")
            .optional("last_used_at", &ShownKey::last_used_at, moment, "To within a minute.")
            .required("version", &ShownKey::version,
                      api::integer_64(1, std::numeric_limits<std::int64_t>::max()), "The ETag.")
            .required("created_at", &ShownKey::created_at, api::time(), "When it was made.")
            .required("updated_at", &ShownKey::updated_at, api::time(), "When last changed.")
            .optional("key", &ShownKey::key, api::maybe(api::text()),
                      "The key itself, shown this once.")
            .type();
    return type;
}

struct WantedKey {
    std::string name;
    std::optional<std::string> subject;
    PrincipalType kind = PrincipalType::api_key;
    std::vector<std::string> roles, scopes;
    std::optional<SystemTime> expires_at;
};

const api::Type<WantedKey>& wanted_key_type() {
    static const auto type =
        Object<WantedKey>("NewKey", "A key to be made.")
            .required("name", &WantedKey::name, api::text({.length_max = 128}), "For people.")
            .optional(
                "subject", &WantedKey::subject,
                api::maybe(api::text({.length_max = user_name_bytes_max})),
                "Whom it stands for; its id, where left out. Only who administers keys may say it.")
            .optional("kind", &WantedKey::kind, kind_type(), "api_key, where left out.")
            .optional("roles", &WantedKey::roles, role_names_type(), "Not above one's own.")
            .optional("scopes", &WantedKey::scopes, scopes_type(),
                      "None: all that the roles allow.")
            .optional("expires_at", &WantedKey::expires_at, api::maybe(api::time()),
                      "When it ends; never, where left out.")
            .type();
    return type;
}

struct KeyQuery : api::Page {
    std::optional<std::string> owner;
};

constexpr std::array<std::string_view, 2> key_orders{"created_at", "-created_at"};

const Object<KeyQuery>& key_query() {
    static const auto table = [] {
        Object<KeyQuery> query("KeyQuery", "Which keys.");
        api::add_page(query, "keys", 3);
        api::add_sort(query, {key_orders.begin(), key_orders.end()});
        query.optional("owner", &KeyQuery::owner,
                       api::maybe(api::text({.length_max = user_name_bytes_max})), "Only theirs.");
        return query;
    }();
    return table;
}

const api::Type<api::Items<ShownKey>>& key_page_type() {
    static const auto type = api::page_of("KeyPage", key_type());
    return type;
}

api::Reply with_tag(api::Reply reply, const StoredKey& key) {
    reply.fields.emplace_back("ETag",
                              api::etag_of_version(static_cast<std::uint64_t>(key.version)));
    return reply;
}

storage::Also<StoredKey> recorded(const api::Call& call, std::string action) {
    return audit::also<StoredKey>(audit::act_of(call, std::move(action), "key"), tell_key);
}

/// Who may do everything with everybody's keys. Others see and make their own.
bool administers(const Room& room, const api::Call& call) {
    return access::permissions_of(call.principal, *room.role_source.current())
        .has(Permission::keys_write);
}

/// A user of ours, signed in: what a key may do, another key made with it may outlive, and somebody else's user may bear the
/// same name.
bool may_own(const Room& room, const api::Call& call) {
    return call.principal.type == PrincipalType::user && call.principal.scopes.empty() &&
           call.principal.issuer == room.issuer.name();
}

std::optional<api::Reply> refuse_stranger(const Room& room, const api::Call& call) {
    if (administers(room, call) || may_own(room, call)) return {};
    return api::refusal(call, 403, "key.owner",
                        "Keys are for users, or wants the permission keys:write.");
}

/// The key of the path; `not_found` for one that is somebody else's, as for one that is not there.
Task<Result<StoredKey>> key_of(Room& room, const api::Call& call) {
    GH_CO_TRY(auto key, co_await room.keys.find(std::string(call.param("key"))));
    if (!administers(room, call) && (!may_own(room, call) || key.owner != call.principal.subject))
        co_return fail(ErrorKind::not_found, "key.unknown");
    co_return key;
}

Task<Result<api::Reply>> list_keys(Room& room, api::Call call, KeyQuery query) {
    if (auto refused = refuse_stranger(room, call)) co_return *std::move(refused);
    KeyPage page{.newest_first = query.order == 1,
                 .limit = query.limit + std::size_t{1},
                 .after = {},
                 .offset = static_cast<std::size_t>(query.offset),
                 .owner = administers(room, call) ? query.owner : call.principal.subject};
    if (query.after) {
        GH_CO_TRY(const auto when, api::time_of_key((*query.after)[1]));
        page.after = {when, (*query.after)[2]};
    }
    GH_CO_TRY(auto keys, co_await room.keys.list(std::move(page)));
    api::Items<ShownKey> items;
    if (keys.size() > query.limit) {
        keys.resize(query.limit);
        items.next_cursor =
            api::encode_cursor("keys", {std::string(key_orders[query.order]),
                                        api::key_of_time(keys.back().created_at), keys.back().id});
    }
    for (const auto& key : keys) items.items.push_back(shown(key));
    co_return api::reply(200, key_page_type(), items);
}

Task<Result<api::Reply>> show_key(Room& room, api::Call call) {
    GH_CO_TRY(const auto key, co_await key_of(room, call));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(key.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    co_return with_tag(api::reply(200, key_type(), shown(key)), key);
}

/// Nothing that its maker has not.
std::optional<api::Reply> judge_wanted(const Room& room, const api::Call& call,
                                       const WantedKey& wanted) {
    const auto custom = room.role_source.current();
    if (auto refused = above_oneself(call, {wanted.roles, wanted.scopes}, *custom)) return refused;
    if (administers(room, call)) return {};
    if (wanted.subject || wanted.kind != PrincipalType::api_key)
        return api::refusal(call, 403, "key.subject", "This wants the permission keys:write.");
    return {};
}

api::Reply with_text(std::uint16_t status, const MadeKey& made) {
    auto body = shown(made.key);
    body.key = made.text;
    auto reply = status == 201 ? api::created("/api/v1/keys/" + made.key.id, key_type(), body)
                               : api::reply(status, key_type(), body);
    return with_tag(std::move(reply), made.key);
}

Task<Result<api::Reply>> add_key(Room& room, api::Call call, WantedKey wanted) {
    if (auto refused = refuse_stranger(room, call)) co_return *std::move(refused);
    if (auto refused = judge_wanted(room, call, wanted)) co_return *std::move(refused);
    NewKey key{
        .name = std::move(wanted.name),
        .owner = call.principal.subject,
        .subject = std::move(wanted.subject)
                       .value_or(administers(room, call) ? std::string() : call.principal.subject),
        .kind = wanted.kind,
        .roles = std::move(wanted.roles),
        .scopes = std::move(wanted.scopes),
        .expires_at = wanted.expires_at,
        .answers_to = answers_for_keys_of(call.principal)};
    auto made = co_await room.keys.create(std::move(key), net::Loop::current()->system_now(),
                                          recorded(call, "key.create"));
    if (!made) co_return refused_by_rules(call, std::move(made).error());
    co_return with_text(201, *made);
}

Task<Result<api::Reply>> rotate_key(Room& room, api::Call call) {
    GH_CO_TRY(const auto before, co_await key_of(room, call));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(before.version));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    const auto custom = room.role_source.current();
    if (auto refused = above_oneself(call, {before.roles, before.scopes}, *custom))
        co_return *std::move(refused);
    auto made =
        co_await room.keys.rotate(before.id, before.version, net::Loop::current()->system_now(),
                                  recorded(call, "key.rotate"));
    if (!made) co_return refused_by_rules(call, std::move(made).error());
    room.revocations.add({end_of_key(made->key)}, net::Loop::current()->system_now());
    co_return with_text(200, *made);
}

/// Whoever administers keys need not see one to end it: so it works while the database is away, too.
Task<Result<api::Reply>> revoke_key(Room& room, api::Call call) {
    std::string id(call.param("key"));
    const bool conditional = call.head.fields.find("If-Match") != nullptr ||
                             call.head.fields.find("If-None-Match") != nullptr;
    if (!administers(room, call) || conditional) {
        GH_CO_TRY(const auto before, co_await key_of(room, call));
        const auto tag = api::etag_of_version(static_cast<std::uint64_t>(before.version));
        if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    }
    auto record = audit::act_of(call, "key.revoke", "key", id);
    GH_CO_TRY_VOID(co_await room.revoker.end(
        RevocationKind::key, id, net::Loop::current()->system_now(), std::move(record)));
    if (room.revoker.waits()) co_return ended(room.revoker);
    const auto after = co_await room.keys.find(std::move(id));
    if (after) co_return with_tag(api::reply(200, key_type(), shown(*after)), *after);
    // It is over, whether or not the database can still show it.
    if (storage::is_away(after.error())) co_return ended(room.revoker);
    co_return std::unexpected(after.error());
}

std::vector<api::Answer> one_or_ended() {
    auto answers = ended_answers();
    answers.insert(answers.begin(), api::answers(200, "The key.", key_type()));
    return answers;
}

}  // namespace

std::vector<api::Route> key_routes(Room& room) {
    const auto one = api::answers(200, "The key.", key_type());
    return {
        {.method = "GET",
         .path = "/api/v1/keys",
         .access = Access::authenticated(),
         .handle = api::with(room, list_keys, api::query(key_query())),
         .summary = "Keys: one's own, or all with keys:write.",
         .answers = {api::answers(200, "A page of them.", key_page_type())}},
        {.method = "POST",
         .path = "/api/v1/keys",
         .access = Access::authenticated(),
         .handle = api::with(room, add_key, api::json_body(wanted_key_type())),
         .summary = "Makes a key, with no more rights than one's own.",
         .answers = {api::answers(201, "The key, with its text.", key_type())},
         .body_bytes_max = 16 * 1024},
        {.method = "GET",
         .path = "/api/v1/keys/{key}",
         .access = Access::authenticated(),
         .handle = api::with(room, show_key),
         .summary = "One key, without its text.",
         .answers = {one}},
        {.method = "POST",
         .path = "/api/v1/keys/{key}/rotate",
         .access = Access::authenticated(),
         .handle = api::with(room, rotate_key),
         .summary = "A new text under the same id; the old one ends now.",
         .answers = {api::answers(200, "The key, with its text.", key_type())}},
        {.method = "DELETE",
         .path = "/api/v1/keys/{key}",
         .access = Access::authenticated(),
         .handle = api::with(room, revoke_key),
         .summary = "Ends a key for good.",
         .answers = one_or_ended()},
    };
}

}  // namespace gh::identity
