#include "app/vault_tokens.hpp"

#include <algorithm>
#include <utility>

#include "access/policy_scope.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "identity/rights.hpp"
#include "identity/route_words.hpp"
#include "net/loop.hpp"

namespace gh::app {
namespace {

using identity::StoredKey;
using identity::TermedKey;
using vault::Token;

SystemTime now() { return net::Loop::current()->system_now(); }

/// Errors of keys as those of tokens.
std::unexpected<Error> in_their_words(Error error) {
    const auto say = [&](std::string_view reason, std::string detail) {
        error.reason = reason;
        error.detail = std::move(detail);
    };
    if (error.reason == "key.unknown") say("token.unknown", "bad token");
    if (error.reason == "key.not_renewable") say("token.not_renewable", "lease is not renewable");
    if (error.reason == "key.too_many")
        say("token.too_many", "1000 tokens live already that stand for the same: revoke some");
    if (error.reason == "key.too_deep")
        say("token.too_deep",
            "a token that a token made, 16 times over: make it of an earlier one");
    if (error.reason == "key.name") say("token.wanted", "display_name holds what cannot be shown");
    if (error.reason.starts_with("key.") && error.kind == ErrorKind::invalid_argument)
        say("token.wanted", "who asks has a name, a role or a scope that no token can have");
    return std::unexpected(std::move(error));
}

identity::KeyTerms terms_of(const vault::WantedToken& wanted) {
    identity::KeyTerms terms;
    terms.renewable = wanted.terms.renewable;
    terms.ttl = wanted.terms.ttl;
    terms.period = wanted.terms.period;
    terms.max_ttl = wanted.terms.explicit_max_ttl;
    terms.meta = wanted.meta;
    return terms;
}

Token token_of(const StoredKey& key, const std::optional<identity::KeyTerms>& terms) {
    Token token;
    token.accessor = key.id;
    token.display_name = key.name;
    token.policies = key.roles;
    access::Principal bearer;
    bearer.type = key.kind;
    bearer.scopes = key.scopes;
    for (auto& policy : access::policies_of(bearer)) token.policies.push_back(std::move(policy));
    token.created_at = key.created_at;
    token.expires_at = key.expires_at;
    token.is_orphan = !key.parent.has_value();
    if (!terms) return token;
    token.meta = terms->meta;
    token.renewed_at = terms->renewed_at;
    vault::TokenTerms shown;
    shown.renewable = terms->renewable;
    shown.ttl = terms->ttl;
    shown.period = terms->period;
    shown.explicit_max_ttl = terms->max_ttl;
    token.terms = shown;
    return token;
}

/// It stands for whoever asks, and may what they may; or for itself, and may what some policies allow.
identity::NewKey key_for(const access::Principal& who, const vault::WantedToken& wanted) {
    identity::NewKey key;
    key.name = wanted.display_name.empty() ? "token" : "token-" + wanted.display_name;
    key.owner = who.subject;
    if (who.type == access::PrincipalType::service) key.kind = who.type;
    if (wanted.policies.empty()) {
        key.subject = who.subject;
        key.roles = who.roles;
        key.scopes = who.scopes;
        // Those of a token are for others to choose.
        if (access::policies_of(who).empty())
            std::erase_if(key.scopes, [](const std::string& scope) {
                return scope.starts_with(access::policy_scope_prefix);
            });
    }
    for (const auto& policy : wanted.policies)
        key.scopes.push_back(std::string(access::policy_scope_prefix) + policy);
    key.answers_to = identity::answers_for_keys_of(who);
    const bool is_stored = who.revoked_by == access::RevokedBy::key_list;
    if (is_stored && !wanted.is_orphan) key.parent = who.token_id;
    return key;
}

}  // namespace

Task<Result<vault::MadeToken>> VaultTokens::create(const api::Call& call,
                                                   vault::WantedToken wanted) {
    const auto& who = call.principal;
    const bool is_exchanged = who.revoked_by != access::RevokedBy::key_list && !who.origins.empty();
    if (!who.bound_key.empty() || !who.bound_certificate.empty() || !who.actors.empty() ||
        is_exchanged || !who.client_id.empty())
        co_return fail(
            ErrorKind::invalid_argument, "token.bound",
            "a credential that is bound to a key or a certificate, or acts for somebody, "
            "makes no tokens");
    auto key = key_for(who, wanted);
    const bool is_user = who.type == access::PrincipalType::user && who.scopes.empty() &&
                         who.issuer == room_.issuer.name();
    if (!key.parent && !is_user && !wanted.may_be_orphan)
        co_return fail(ErrorKind::invalid_argument, "token.orphan",
                       "this credential is kept elsewhere, so what it makes has no parent: that "
                       "wants sudo, or auth/token/create-orphan");
    const auto custom = room_.role_source.current();
    // What it has whole it may hand on whole.
    if (!wanted.policies.empty() &&
        !identity::may_hand_out(call.principal, {key.roles, key.scopes}, *custom,
                                access::Permission::keys_write))
        co_return fail(ErrorKind::invalid_argument, "token.above",
                       "child policies must be subset of parent");
    auto also =
        audit::also<StoredKey>(audit::act_of(call, "key.create", "key"), identity::tell_key);
    auto terms = terms_of(wanted);
    auto made = co_await terms_.create(std::move(key), terms, now(), std::move(also));
    if (!made) co_return in_their_words(std::move(made).error());
    vault::MadeToken token;
    token.token = token_of(made->key, terms);
    token.text = std::move(made->text);
    co_return token;
}

Task<Result<Token>> VaultTokens::find(std::string accessor) {
    const auto found = co_await terms_.find(std::move(accessor));
    if (!found) co_return in_their_words(found.error());
    const auto& key = found->key;
    if (key.revoked_at || (key.expires_at && *key.expires_at <= now()))
        co_return fail(ErrorKind::not_found, "token.unknown", "bad token");
    co_return token_of(key, found->terms);
}

Task<Result<std::string>> VaultTokens::accessor_of(std::string_view text) {
    // Ids of ours are as many hexadecimal digits; others of this form are the configuration's.
    const auto named = identity::api_key_id(text);
    const bool is_ours = named && named->size() == 16 &&
                         named->find_first_not_of("0123456789abcdef") == std::string_view::npos;
    auto id = co_await room_.keys.id_of(text);
    if (id || id.error().kind != ErrorKind::not_found) co_return id;
    if (is_ours) co_return fail(ErrorKind::not_found, "token.unknown", "bad token");
    co_return fail(ErrorKind::invalid_argument, "token.elsewhere",
                   "this token is not kept here: end it where it was made");
}

Task<Result<Token>> VaultTokens::renew(const api::Call& call, std::string accessor,
                                       std::optional<seconds> wished) {
    auto also = audit::also<TermedKey>(audit::act_of(call, "key.renew", "key"),
                                       [](audit::Record& told, const TermedKey& renewed) {
                                           identity::tell_key(told, renewed.key);
                                       });
    const auto renewed = co_await terms_.renew(std::move(accessor), wished, now(), std::move(also));
    if (!renewed) co_return in_their_words(renewed.error());
    co_return token_of(renewed->key, renewed->terms);
}

Task<Result<void>> VaultTokens::revoke(const api::Call& call, std::string accessor, bool lets_go) {
    // Without the database what is asked for is done all the same, and there once it is back.
    const auto known = co_await room_.keys.find(accessor);
    if (!known && known.error().kind == ErrorKind::not_found)
        co_return in_their_words(known.error());
    if (lets_go) co_return co_await revoke_alone(call, std::move(accessor));
    auto record = audit::act_of(call, "key.revoke", "key", accessor);
    const auto done = co_await room_.revoker.end(identity::RevocationKind::key, std::move(accessor),
                                                 now(), std::move(record));
    if (!done) co_return in_their_words(done.error());
    co_return Result<void>{};
}

Task<Result<void>> VaultTokens::revoke_alone(const api::Call& call, std::string accessor) {
    auto also = audit::also<StoredKey>(audit::act_of(call, "key.revoke", "key"),
                                       [](audit::Record& told, const StoredKey& key) {
                                           identity::tell_key(told, key);
                                           told.details.push_back({"lets_go", true});
                                       });
    const auto gone = co_await room_.keys.revoke_alone(std::move(accessor), now(), std::move(also));
    if (!gone) co_return in_their_words(gone.error());
    room_.revocations.add({identity::end_of_key(*gone)}, now());
    co_return Result<void>{};
}

Task<Result<void>> VaultTokens::revoke_own(const api::Call& call) {
    const auto& who = call.principal;
    switch (who.revoked_by) {
        case access::RevokedBy::key_list: co_return co_await revoke(call, who.token_id, false);
        case access::RevokedBy::token_list: {
            auto record = audit::act_of(call, "token.revoke", "token", who.token_id);
            co_return co_await room_.revoker.end(identity::RevocationKind::token, who.token_id,
                                                 now(), std::move(record));
        }
        case access::RevokedBy::nothing: break;
    }
    co_return fail(ErrorKind::invalid_argument, "token.wanted",
                   "this credential is not kept here: take it out of the configuration, or end it "
                   "where it was made");
}

Task<Result<std::vector<std::string>>> VaultTokens::accessors(std::size_t limit) {
    return terms_.living(now(), static_cast<std::int64_t>(limit));
}

}  // namespace gh::app
