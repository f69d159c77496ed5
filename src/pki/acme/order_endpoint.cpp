#include <algorithm>
#include <functional>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "pki/acme/bodies.hpp"
#include "pki/acme/endpoints.hpp"
#include "pki/acme/identifier.hpp"
#include "pki/issue.hpp"
#include "pki/lower.hpp"
#include "pki/name_constraints.hpp"
#include "pki/signing_request.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki::acme {
namespace {

/// Names that the configuration and the CA itself allow.
Result<void> check_names(const Server& server, const std::vector<std::string>& names) {
    const auto constraints = constraints_of(server.parts().issuer()->certificate());
    for (const auto& name : names) {
        const bool allowed = is_within(name, server.parts().config.domains) &&
                             (constraints.empty() || is_within(name, constraints.dns));
        if (!allowed) return fail(ErrorKind::invalid_argument, "acme.identifier", name);
    }
    return {};
}

Result<void> check_owner(const Request& request, const std::string& account_id) {
    if (request.account->id == account_id) return {};
    return fail(ErrorKind::permission_denied, "acme.not_yours");
}

/// While an account wants an external key, one from before has nothing to order (RFC 8555 §7.3.4).
Result<void> check_account(const Server& server, const Account& account) {
    if (account.external_key_id || !server.parts().config.external_account_required) return {};
    return fail(ErrorKind::permission_denied, "acme.external_account",
                "this account was made without one; make another with a key of the operator's");
}

/// What the certificate renews must be this account's, and for one of these names at least (RFC 9773 §5).
Task<Result<std::string>> serial_replaced(Server& server, const Account& account, NewOrder wanted) {
    if (wanted.replaces.empty()) co_return std::string();
    GH_CO_TRY(const auto id, read_renewal_id(wanted.replaces));
    const auto refused = fail(ErrorKind::invalid_argument, "acme.malformed",
                              "replaces is no certificate of this account for one of the names");
    const auto found = co_await server.parts().certificates.find_facts(id.serial);
    if (!found && found.error().kind != ErrorKind::not_found)
        co_return std::unexpected(found.error());
    if (!found || found->issuer_key_id != id.issuer_key_id ||
        found->issued_to != holder_of(account))
        co_return refused;
    for (const auto& name : wanted.names) {
        if (std::ranges::find(found->names.dns, name) != found->names.dns.end())
            co_return found->serial;
    }
    co_return refused;
}

/// A request whose names are the order's, by a key that is not the account's (RFC 8555 §11.1).
Result<SigningRequest> read_request(const std::string& der, const Order& order,
                                    const Account& account) {
    const auto refused = [](std::string why) {
        return fail(ErrorKind::invalid_argument, "acme.csr", std::move(why));
    };
    auto request = parse_signing_request(der);
    if (!request) return refused(describe(request.error()));
    // Some name the host in the subject alone, as RFC 8555 §7.4 allows.
    auto& dns = request->names.dns;
    request->common_name = lower(request->common_name);
    if (!request->common_name.empty()) dns.push_back(request->common_name);
    std::ranges::sort(dns);
    const auto [again, end] = std::ranges::unique(dns);
    dns.erase(again, end);
    const auto wanted = text_of_names({.dns = order.names, .addresses = {}, .uris = {}});
    if (text_of_names(request->names) != wanted)
        return refused("it must name these and no others: " + wanted);
    GH_TRY(const auto own, public_key_of(account.key));
    if (is_key(request->key.get(), own)) return refused("its key is the account's");
    return request;
}

Result<IssuedCertificate> issue_ordered(const Server& server, SigningRequest request,
                                        SystemTime now) {
    const LeafRequest leaf{.profile = Profile::server,
                           .common_name = std::move(request.common_name),
                           .names = std::move(request.names)};
    auto issued = server.parts().issuer()->issue(leaf, request.key.get(), now);
    if (issued || issued.error().kind != ErrorKind::invalid_argument) return issued;
    return fail(ErrorKind::invalid_argument, "acme.csr", describe(issued.error()));
}

Task<Result<void>> fulfil_and_tell(
    storage::Session& session, StoredCertificate certificate, Order order, SystemTime now,
    std::function<Task<Result<void>>(storage::Session&, const StoredCertificate&)> tell) {
    OrderRepository::Fulfilment done{
        .order_id = order.id, .serial = certificate.serial, .replaced_serial = {}};
    if (!order.replaces.empty()) {
        GH_CO_TRY(const auto replaced, read_renewal_id(order.replaces));
        done.replaced_serial = replaced.serial;
    }
    GH_CO_TRY_VOID(co_await OrderRepository::fulfil(session, std::move(done), now));
    co_return co_await tell(session, certificate);
}

/// Certificate, order and record: all of them are written, or none.
storage::Also<StoredCertificate> with_order(audit::Record record, const Order& order,
                                            SystemTime now) {
    auto told = audit::also<StoredCertificate>(
        std::move(record), [order_id = order.id](audit::Record& act, const StoredCertificate& one) {
            tell_certificate(act, one);
            act.details.push_back({"order", order_id});
        });
    return {.before = std::move(told.before),
            .after = [order, now, tell = std::move(told.after)](storage::Session& session,
                                                                const StoredCertificate& one)
                -> Task<Result<void>> { return fulfil_and_tell(session, one, order, now, tell); }};
}

}  // namespace

Answer new_order(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept(call, body, SignedBy::account));
    GH_CO_TRY(const auto wanted, read_new_order(request.jws.payload));
    GH_CO_TRY_VOID(check_names(server, wanted.names));
    GH_CO_TRY_VOID(check_account(server, *request.account));
    OrderRepository::New order{.account_id = request.account->id,
                               .names = wanted.names,
                               .replaces = wanted.replaces,
                               .replaced_serial = {}};
    GH_CO_TRY(order.replaced_serial, co_await serial_replaced(server, *request.account, wanted));
    const auto now = server.now();
    GH_CO_TRY(const auto made,
              co_await server.orders().create(std::move(order), server.parts().limits, now));
    auto reply = json_reply(201, text_of(server, made, now));
    reply.fields.emplace_back("Location", server.url("order/" + made.order.id));
    co_return reply;
}

Answer order(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept_get(call, body));
    GH_CO_TRY(const auto whole, co_await server.orders().find(std::string(call.param("order"))));
    GH_CO_TRY_VOID(check_owner(request, whole.order.account_id));
    auto reply = json_reply(200, text_of(server, whole, server.now()));
    co_return reply;
}

Answer finalize(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept(call, body, SignedBy::account));
    GH_CO_TRY(const auto whole, co_await server.orders().find(std::string(call.param("order"))));
    const auto& order = whole.order;
    GH_CO_TRY_VOID(check_owner(request, order.account_id));
    GH_CO_TRY_VOID(check_account(server, *request.account));
    const auto now = server.now();
    if (order.standing(now) != Status::ready) {
        co_return fail(ErrorKind::conflict, "acme.order_not_ready",
                       "it is " + std::string(name_of(order.standing(now))));
    }
    GH_CO_TRY(const auto der, read_finalize(request.jws.payload));
    GH_CO_TRY_VOID(check_names(server, order.names));
    auto asked = read_request(der, order, *request.account);
    if (!asked) {
        auto record = act_of(call, *request.account, "certificate.issue", "certificate", {});
        record.details = {{"order", order.id}};
        co_await server.record_denied(call, std::move(record), asked.error());
        co_return std::unexpected(std::move(asked).error());
    }
    GH_CO_TRY(auto issued, issue_ordered(server, *std::move(asked), now));
    auto record = act_of(call, *request.account, "certificate.issue", "certificate", issued.serial);
    auto also = with_order(std::move(record), order, now);
    auto holder = holder_of(*request.account);
    GH_CO_TRY_VOID(co_await server.parts().certificates.add(std::move(issued), std::move(holder),
                                                            now, std::move(also)));
    GH_CO_TRY(const auto fulfilled, co_await server.orders().find(order.id));
    auto reply = json_reply(200, text_of(server, fulfilled, now));
    reply.fields.emplace_back("Location", server.url("order/" + order.id));
    co_return reply;
}

}  // namespace gh::pki::acme
