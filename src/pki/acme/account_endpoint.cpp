#include <utility>

#include "access/lookup.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "pki/acme/bodies.hpp"
#include "pki/acme/endpoints.hpp"
#include "pki/acme/problem.hpp"

namespace gh::pki::acme {
namespace {

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::invalid_argument, "acme.malformed", std::move(detail));
}

void tell_account(audit::Record& record, const Account& account) {
    record.object_id = account.id;
    record.actor = holder_of(account);
    record.details = {{"thumbprint", account.thumbprint},
                      {"contacts", static_cast<std::int64_t>(account.contacts.size())}};
    if (account.external_key_id)
        record.details.push_back({"external_key", *account.external_key_id});
}

storage::Also<Account> told(audit::Record record) {
    return audit::also<Account>(std::move(record), tell_account);
}

audit::Record act_of_stranger(const api::Call& call, std::string action) {
    auto record = audit::act_of(call, std::move(action), "acme_account");
    record.actor_type = access::PrincipalType::service;
    return record;
}

/// RFC 8555 §7.3.4: the inner JWS is about the same key and URL.
/// @return the external key's id
Result<std::string> bound_to(const Server& server, const Request& request, const Jws& binding) {
    const auto refused = [](std::string why) {
        return fail(ErrorKind::permission_denied, "acme.external_account_refused", std::move(why));
    };
    if (binding.url != request.jws.url) return refused("its url is not the request's");
    const auto key = codec::json::parse(binding.payload, {.bytes_max = request_bytes_max});
    const auto bound =
        key ? read_account_key(*key) : fail(ErrorKind::invalid_argument, "acme.public_key");
    if (!bound || thumbprint_of(*bound) != thumbprint_of(*request.jws.key))
        return refused("its payload is not the account's key");
    if (binding.key_id.size() != UuidText().size() ||
        !binding.signed_by(server.secret_of(binding.key_id)))
        return refused("it was not made with a key of ours; gatehouse ca acme-key gives one");
    return binding.key_id;
}

api::Reply reply_with(const Server& server, std::uint16_t status, const Account& account) {
    auto reply = json_reply(status, text_of(server, account));
    reply.fields.emplace_back("Location", server.url_of(account));
    return reply;
}

Result<AccountRepository::New> wanted_account(const Server& server, const Request& request,
                                              const NewAccount& wanted) {
    AccountRepository::New made{
        .key = *request.jws.key, .contacts = wanted.contacts, .external_key_id = {}};
    if (wanted.external_account) {
        GH_TRY(made.external_key_id, bound_to(server, request, *wanted.external_account));
    } else if (server.parts().config.external_account_required) {
        return fail(ErrorKind::permission_denied, "acme.external_account");
    }
    return made;
}

Task<Result<Account>> find_by_key(Server& server, codec::Jwk key) {
    const access::Lookup lookup(server.lookups);
    if (!lookup.admitted()) co_return fail(ErrorKind::unavailable, "acme.busy");
    co_return co_await server.accounts().find_by_key(thumbprint_of(key));
}

Task<Result<Account>> make_account(Server& server, const api::Call& call, const Request& request,
                                   const NewAccount& wanted) {
    GH_CO_TRY(auto made, wanted_account(server, request, wanted));
    GH_CO_TRY_VOID(server.admit_account(call));
    auto also = told(act_of_stranger(call, "acme.account.create"));
    co_return co_await server.accounts().create(std::move(made), server.now(), std::move(also));
}

}  // namespace

audit::Record act_of(const api::Call& call, const Account& account, std::string action,
                     std::string object_type, std::string object_id) {
    auto record = audit::act_of(call, std::move(action), std::move(object_type));
    record.object_id = std::move(object_id);
    record.actor_type = access::PrincipalType::service;
    record.actor = holder_of(account);
    return record;
}

std::string holder_of(const Account& account) { return "acme:" + account.id; }

Answer new_account(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(auto request, co_await server.accept(call, body, SignedBy::key));
    GH_CO_TRY(const auto wanted, read_new_account(request.jws.payload));
    const auto known = co_await find_by_key(server, *request.jws.key);
    if (known && known->status != Status::valid)
        co_return fail(ErrorKind::permission_denied, "acme.account_ended");
    if (known) co_return reply_with(server, 200, *known);
    if (known.error().kind != ErrorKind::not_found) co_return std::unexpected(known.error());
    if (wanted.only_existing) co_return fail(ErrorKind::not_found, "acme.account_unknown");
    const auto account = co_await make_account(server, call, request, wanted);
    if (account) co_return reply_with(server, 201, *account);
    if (account.error().reason == "acme.external_account_refused") {
        auto record = act_of_stranger(call, "acme.account.create");
        record.details = {{"thumbprint", thumbprint_of(*request.jws.key)},
                          {"external_key", wanted.external_account->key_id}};
        co_await server.record_denied(call, std::move(record), account.error());
    }
    co_return std::unexpected(account.error());
}

Answer account(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(auto request, co_await server.accept(call, body, SignedBy::account));
    auto& account = *request.account;
    if (call.param("account") != account.id)
        co_return fail(ErrorKind::permission_denied, "acme.not_yours");
    if (request.jws.payload.empty()) co_return json_reply(200, text_of(server, account));
    GH_CO_TRY(auto update, read_account_update(request.jws.payload));
    if (!update.contacts && !update.deactivate) co_return json_reply(200, text_of(server, account));
    auto also = told(act_of_stranger(
        call, update.deactivate ? "acme.account.deactivate" : "acme.account.update"));
    AccountRepository::Change change{
        .contacts = std::move(update.contacts), .key = {}, .deactivate = update.deactivate};
    GH_CO_TRY(const auto changed,
              co_await server.accounts().change(account.id, std::move(change), std::move(also)));
    co_return json_reply(200, text_of(server, changed));
}

Answer account_orders(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept_get(call, body));
    const auto& account = *request.account;
    if (call.param("account") != account.id)
        co_return fail(ErrorKind::permission_denied, "acme.not_yours");
    constexpr std::string_view cursor = "after=";
    std::string after;
    if (call.query.starts_with(cursor)) after = call.query.substr(cursor.size());
    GH_CO_TRY(const auto ids,
              co_await server.orders().list(account.id, std::move(after), server.now()));
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("orders").begin_array();
    for (const auto& id : ids) out.string(server.url("order/" + id));
    out.end_array().end_object();
    auto reply = json_reply(200, std::move(text));
    if (ids.size() == OrderRepository::orders_page) {
        reply.fields.emplace_back("Link", "<" + server.url_of(account) +
                                              "/orders?after=" + ids.back() + ">;rel=\"next\"");
    }
    co_return reply;
}

/// RFC 8555 §7.3.5: the account signs outside, the new key inside.
Answer key_change(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(auto request, co_await server.accept(call, body, SignedBy::account));
    GH_CO_TRY(const auto inner, parse_jws(request.jws.payload, JwsUse::key_change));
    if (inner.url != request.jws.url) co_return malformed("the inner url is not the outer one");
    GH_CO_TRY(const auto key, public_key_of(*inner.key));
    if (!inner.signed_by(key)) co_return fail(ErrorKind::invalid_argument, "acme.signature");
    GH_CO_TRY(const auto wanted, read_key_change(inner.payload));
    const auto& account = *request.account;
    if (wanted.account != request.jws.key_id || thumbprint_of(wanted.old_key) != account.thumbprint)
        co_return malformed("account or oldKey is not the account that signed");
    const auto holder = co_await server.accounts().find_by_key(thumbprint_of(*inner.key));
    if (!holder && holder.error().kind != ErrorKind::not_found)
        co_return std::unexpected(holder.error());
    if (holder) {
        auto reply = problem_reply({ErrorKind::conflict, "acme.key_in_use", {}});
        reply.fields.emplace_back("Location", server.url_of(*holder));
        co_return reply;
    }
    AccountRepository::Change change{.contacts = {}, .key = *inner.key};
    auto also = audit::also<Account>(
        act_of_stranger(call, "acme.account.key_change"),
        [before = account.thumbprint](audit::Record& record, const Account& after) {
            tell_account(record, after);
            record.details.push_back({"old_thumbprint", before});
        });
    GH_CO_TRY(const auto changed,
              co_await server.accounts().change(account.id, std::move(change), std::move(also)));
    co_return json_reply(200, text_of(server, changed));
}

}  // namespace gh::pki::acme
