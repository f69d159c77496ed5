#include <chrono>
#include <string>
#include <utility>

#include "access/policy_scope.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "vault/compat.hpp"
#include "vault/kv_body.hpp"
#include "vault/token_body.hpp"

namespace gh::vault {
namespace {

constexpr std::size_t accessors_max = 10'000;

SystemTime now() { return std::chrono::system_clock::now(); }

/// Whose credential is one of those that are kept: others are a configuration's, or signed and nowhere.
bool is_kept(const access::Principal& who) { return who.revoked_by == access::RevokedBy::key_list; }

/// What there is to say of a credential that is not kept.
Token token_of(const access::Principal& who) {
    Token token;
    token.accessor = who.token_id;
    token.display_name = who.subject;
    token.policies = who.roles;
    for (auto& policy : access::policies_of(who)) token.policies.push_back(std::move(policy));
    token.created_at = who.issued_at;
    token.expires_at = who.expires;
    return token;
}

api::Reply bad_token() { return refused(403, "token.unknown", "bad token"); }

api::Reply invalid_accessor() { return refused(400, "token.unknown", "invalid accessor"); }

/// What is not there, to who asked for it by name.
Result<api::Reply> answered(const Entry& entry, Result<Token> token, std::string_view text) {
    if (token) return json(kv::text_of(*token, text, now(), entry.call.request_id));
    const auto& error = token.error();
    if (error.kind == ErrorKind::not_found || error.reason == "token.elsewhere") return bad_token();
    return std::unexpected(std::move(token).error());
}

// --- making ---

Answered make(Room& room, const Entry& entry, WantedToken wanted) {
    if (wanted.terms.period && !entry.may.has(Capability::sudo))
        co_return refused(400, "token.period",
                          "root or sudo privileges required to create periodic token");
    GH_CO_TRY(const auto made, co_await room.tokens.create(entry.call, std::move(wanted)));
    co_return json(kv::text_of_auth(made.token, made.text, now(), entry.call.request_id));
}

Answered create(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto wanted, kv::parse_wanted_token(body));
    if (wanted.is_orphan && !entry.may.has(Capability::sudo))
        co_return refused(400, "token.orphan",
                          "root or sudo privileges required to create orphan token");
    wanted.may_be_orphan = entry.may.has(Capability::sudo);
    co_return co_await make(room, entry, std::move(wanted));
}

Answered create_orphan(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto wanted, kv::parse_wanted_token(body));
    wanted.is_orphan = true;
    wanted.may_be_orphan = true;
    co_return co_await make(room, entry, std::move(wanted));
}

// --- looking ---

Answered show_own(Room& room, Entry entry, std::string_view /*body*/) {
    const auto& who = entry.call.principal;
    const auto text = presented_token(entry.call);
    if (!is_kept(who)) co_return answered(entry, token_of(who), text);
    co_return answered(entry, co_await room.tokens.find(who.token_id), text);
}

Answered show_named(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto named, kv::parse_named_token(body, "token"));
    auto accessor = co_await room.tokens.accessor_of(named.text);
    if (!accessor) co_return answered(entry, std::unexpected(accessor.error()), {});
    co_return answered(entry, co_await room.tokens.find(*std::move(accessor)), named.text);
}

Answered show_by_accessor(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto named, kv::parse_named_token(body, "accessor"));
    auto token = co_await room.tokens.find(std::move(named.accessor));
    if (!token && token.error().kind == ErrorKind::not_found) co_return invalid_accessor();
    co_return answered(entry, std::move(token), {});
}

Answered list_accessors(Room& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY(const auto accessors, co_await room.tokens.accessors(accessors_max));
    co_return json(kv::text_of(accessors, entry.call.request_id));
}

// --- renewing ---

Answered renew(Room& room, const Entry& entry, std::string accessor, std::string_view text,
               std::optional<seconds> wished) {
    const auto renewed = co_await room.tokens.renew(entry.call, std::move(accessor), wished);
    if (renewed) co_return json(kv::text_of_auth(*renewed, text, now(), entry.call.request_id));
    if (renewed.error().kind == ErrorKind::not_found) co_return bad_token();
    co_return std::unexpected(renewed.error());
}

Answered renew_own(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto named, kv::parse_named_token(body, {}));
    const auto& who = entry.call.principal;
    if (!is_kept(who)) co_return refused(400, "token.not_renewable", "token is not renewable");
    co_return co_await renew(room, entry, who.token_id, presented_token(entry.call),
                             named.increment);
}

Answered renew_named(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto named, kv::parse_named_token(body, "token"));
    auto accessor = co_await room.tokens.accessor_of(named.text);
    if (!accessor) co_return answered(entry, std::unexpected(accessor.error()), {});
    co_return co_await renew(room, entry, *std::move(accessor), named.text, named.increment);
}

Answered renew_by_accessor(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto named, kv::parse_named_token(body, "accessor"));
    auto found = co_await room.tokens.find(named.accessor);
    if (!found && found.error().kind == ErrorKind::not_found) co_return invalid_accessor();
    co_return co_await renew(room, entry, std::move(named.accessor), {}, named.increment);
}

// --- ending ---

Answered end_own(Room& room, Entry entry, std::string_view /*body*/) {
    GH_CO_TRY_VOID(co_await room.tokens.revoke_own(entry.call));
    co_return api::no_content();
}

/// What is not there needs no end, as their clients expect of texts; an accessor is asked for by name.
Answered end_named(Room& room, Entry entry, bool lets_go, std::string_view body) {
    GH_CO_TRY(const auto named, kv::parse_named_token(body, "token"));
    auto accessor = co_await room.tokens.accessor_of(named.text);
    if (!accessor && accessor.error().kind == ErrorKind::not_found) co_return api::no_content();
    if (!accessor) co_return std::unexpected(accessor.error());
    GH_CO_TRY_VOID(co_await room.tokens.revoke(entry.call, *std::move(accessor), lets_go));
    co_return api::no_content();
}

Answered end_by_accessor(Room& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto named, kv::parse_named_token(body, "accessor"));
    const auto done = co_await room.tokens.revoke(entry.call, std::move(named.accessor), false);
    if (done) co_return api::no_content();
    if (done.error().kind == ErrorKind::not_found) co_return invalid_accessor();
    co_return std::unexpected(done.error());
}

// --- the table ---

constexpr std::size_t wanted_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t named_bytes_max = std::size_t{8} * 1024;

void add_own(Table& table) {
    table.add("GET", "/v1/auth/token/lookup-self", {.is_open = true}, show_own, "Who asks.");
    table.add_write("/v1/auth/token/lookup-self", {.is_open = true}, show_own, "Who asks.",
                    named_bytes_max);
    table.add_write("/v1/auth/token/renew-self", {.is_open = true}, renew_own,
                    "Who asks may ask for longer.", named_bytes_max);
    table.add_write("/v1/auth/token/revoke-self", {.is_silent = true, .is_open = true}, end_own,
                    "Who asks may ask no more.", named_bytes_max);
}

}  // namespace

std::vector<api::Route> token_routes(Room& room) {
    Table table(room);
    add_own(table);
    const auto add = [&](std::string_view place, const Answer& answer, const std::string& summary,
                         bool is_silent = false, bool wants_sudo = false) {
        const Door door{
            .want = Want::update, .place = place, .is_silent = is_silent, .wants_sudo = wants_sudo};
        table.add_write("/v1/" + std::string(place), door, answer, summary, wanted_bytes_max);
    };
    add("auth/token/create", create, "A token with no more rights than one's own.");
    add("auth/token/create-orphan", create_orphan, "A token that outlasts its maker's.");
    add("auth/token/lookup", show_named, "What is known of a token.");
    add("auth/token/lookup-accessor", show_by_accessor, "The same, by its accessor.");
    add("auth/token/renew", renew_named, "Makes a token last longer.");
    add("auth/token/renew-accessor", renew_by_accessor, "The same, by its accessor.");
    const auto ends = [](bool lets_go) {
        return [lets_go](Room& there, Entry entry, std::string_view body) {
            return end_named(there, std::move(entry), lets_go, body);
        };
    };
    add("auth/token/revoke", ends(false), "Ends a token and those it made.", true);
    add("auth/token/revoke-orphan", ends(true), "Ends a token; those it made stay.", true, true);
    add("auth/token/revoke-accessor", end_by_accessor, "Ends a token by its accessor.", true);
    constexpr Door all{.want = Want::list, .place = "auth/token/accessors", .wants_sudo = true};
    for (const auto* method : {"GET", "LIST"}) {
        for (const auto* end : {"", "/"})
            table.add(method, std::string("/v1/auth/token/accessors") + end, all, list_accessors,
                      "Accessors of all tokens that live.");
    }
    return std::move(table).take();
}

}  // namespace gh::vault
