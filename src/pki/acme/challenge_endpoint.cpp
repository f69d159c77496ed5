#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "pki/acme/bodies.hpp"
#include "pki/acme/endpoints.hpp"
#include "pki/acme/identifier.hpp"
#include "pki/acme/problem.hpp"

namespace gh::pki::acme {
namespace {

void tell_authorization(audit::Record& record, const Authorization& authorization) {
    const bool proven = authorization.status == Status::valid;
    record.details = {{"name", authorization.name}, {"order", authorization.order_id}};
    if (authorization.tried)
        record.details.push_back({"challenge", std::string(name_of(*authorization.tried))});
    if (!proven && !authorization.error.empty())
        record.details.push_back({"error", authorization.error});
    if (authorization.status == Status::invalid) record.outcome = audit::Outcome::failure;
}

Task<Result<Authorization>> find_own(Server& server, const Request& request, std::string id) {
    GH_CO_TRY(auto found, co_await server.orders().find_authorization(std::move(id)));
    if (found.account_id != request.account->id)
        co_return fail(ErrorKind::permission_denied, "acme.not_yours");
    co_return found;
}

/// A challenge that was chosen, and whose it is.
struct Chosen {
    std::string authorization_id;
    Proof proof;
    audit::Record record;  ///< how it ended, for the audit log
};

Chosen chosen(const Account& account, const Authorization& authorization, ChallengeType type,
              audit::Record record) {
    return {.authorization_id = authorization.id,
            .proof = {.type = type,
                      .name = std::string(base_of(authorization.name)),
                      .token = authorization.token,
                      .key_authorization = authorization.token + "." + account.thumbprint},
            .record = std::move(record)};
}

Task<Result<void>> keep(Server& server, Chosen one, Result<void> outcome) {
    auto error = outcome ? std::string() : problem_text(outcome.error());
    auto also = audit::also<Authorization>(std::move(one.record), tell_authorization);
    GH_CO_TRY_VOID(co_await server.orders().finish(
        std::move(one.authorization_id), std::move(error), server.now(), std::move(also)));
    co_return Result<void>{};
}

/// Tries until it is proven or the patience is over (RFC 8555 §8.2). A turn is for asking, not for the pauses.
Task<Result<void>> prove(Server& server, Turns::Place& place, Chosen one) {
    auto& loop = *net::Loop::current();
    const auto& pauses = server.parts().retries;
    for (std::size_t tries = 0;; ++tries) {
        co_await place.turn();
        GH_CO_TRY(const bool open,
                  co_await server.orders().go_on(one.authorization_id, server.now()));
        if (!open) co_return Result<void>{};
        auto outcome = co_await server.parts().validator.check(one.proof);
        place.give_back();
        const auto found = outcome ? std::string_view("proven") : outcome.error().reason;
        server.metrics.tries.with({name_of(one.proof.type), found}).add();
        if (outcome || tries == pauses.size())
            co_return co_await keep(server, std::move(one), std::move(outcome));
        co_await net::Sleep(loop, pauses[tries]);
    }
}

/// Nobody waits for it: clients look at the authorization. What could not be written down is tried anew by resume().
Task<> try_challenge(Server& server, std::unique_ptr<Turns::Place> place, Chosen one) {
    const auto done = co_await prove(server, *place, std::move(one));
    // It was deactivated meanwhile, or its time is over.
    if (done || done.error().reason == "acme.state" || done.error().reason == "acme.not_found")
        co_return;
    server.parts()
        .log.warning("pki", "the outcome of a challenge could not be kept; it is tried again")
        .error(done.error());
}

Task<Result<void>> begin(Server& server, const api::Call& call, const Account& account,
                         Authorization authorization, ChallengeType type) {
    if (server.turns.contains(authorization.id)) co_return Result<void>{};
    auto place = server.turns.line_up(account.id, authorization.id);
    if (!place) {
        co_return fail(ErrorKind::exhausted, "acme.line_full");
    }
    GH_CO_TRY(const bool ours,
              co_await server.orders().begin(authorization.id, type, server.now()));
    if (!ours) co_return Result<void>{};
    auto record = act_of(call, account, "acme.authorization.validate", "acme_authorization",
                         authorization.id);
    auto one = chosen(account, authorization, type, std::move(record));
    spawn(try_challenge(server, std::move(place), std::move(one)));
    co_return Result<void>{};
}

/// As begin() does, of a challenge that some node has begun.
Task<Result<void>> go_on(Server& server, Authorization authorization) {
    if (!authorization.tried || server.turns.contains(authorization.id)) co_return Result<void>{};
    GH_CO_TRY(const auto account, co_await server.accounts().find(authorization.account_id));
    auto place = server.turns.line_up(account.id, authorization.id);
    if (!place) co_return Result<void>{};  // until the next time
    auto record =
        audit::act_of_shell("acme.authorization.validate", "acme_authorization", authorization.id);
    record.actor_type = access::PrincipalType::service;
    record.actor = holder_of(account);
    auto one = chosen(account, authorization, *authorization.tried, std::move(record));
    spawn(try_challenge(server, std::move(place), std::move(one)));
    co_return Result<void>{};
}

}  // namespace

Task<Result<void>> resume(Server& server) {
    server.metrics.waiting.set(static_cast<std::int64_t>(server.turns.in_line()));
    GH_CO_TRY(auto abandoned, co_await server.orders().take_over(server.now()));
    for (auto& each : abandoned) GH_CO_TRY_VOID(co_await go_on(server, std::move(each)));
    co_return Result<void>{};
}

Answer authorization(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept(call, body, SignedBy::account));
    std::string id(call.param("authorization"));
    GH_CO_TRY(auto found, co_await find_own(server, request, std::move(id)));
    if (!request.jws.payload.empty()) {
        GH_CO_TRY_VOID(read_deactivation(request.jws.payload));
    }
    // Some were ended with their order, and clients end each.
    if (!request.jws.payload.empty() && found.status != Status::deactivated) {
        auto record = act_of(call, *request.account, "acme.authorization.deactivate",
                             "acme_authorization", found.id);
        auto also = audit::also<Authorization>(std::move(record), tell_authorization);
        GH_CO_TRY(found, co_await server.orders().deactivate(found.id, std::move(also)));
    }
    auto reply = json_reply(200, text_of(server, found, server.now()));
    if (found.tried && found.status == Status::pending)
        reply.fields.emplace_back("Retry-After", "1");
    co_return reply;
}

Answer challenge(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept(call, body, SignedBy::account));
    const auto type = challenge_type_of(call.param("type"));
    std::string id(call.param("authorization"));
    GH_CO_TRY(auto found, co_await find_own(server, request, std::move(id)));
    if (!type || !proves(*type, found.name)) co_return fail(ErrorKind::not_found, "acme.not_found");
    const bool open = found.standing(server.now()) == Status::pending;
    if (!request.jws.payload.empty()) {
        GH_CO_TRY_VOID(read_readiness(request.jws.payload));
        if (open) {
            GH_CO_TRY_VOID(co_await begin(server, call, *request.account, found, *type));
            GH_CO_TRY(found, co_await server.orders().find_authorization(found.id));
        }
    }
    auto reply = json_reply(200, challenge_text(server, found, *type, server.now()));
    reply.fields.emplace_back("Link", "<" + server.url("authz/" + found.id) + ">;rel=\"up\"");
    if (found.tried && found.status == Status::pending)
        reply.fields.emplace_back("Retry-After", "1");
    co_return reply;
}

}  // namespace gh::pki::acme
