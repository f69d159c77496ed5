#include "pki/exchange.hpp"

#include <array>
#include <functional>
#include <utility>

#include "access/lookup.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "crypto/secret.hpp"
#include "net/loop.hpp"
#include "pki/enrolment_token.hpp"
#include "pki/issue.hpp"
#include "pki/route_words.hpp"

namespace gh::pki {
namespace {

/// A token that is shown again by somebody with another key is the one thing to look at here: told to operators.
Task<Result<Exchanged>> refuse_token(EnrolmentRoom& room, const api::Call& call,
                                     const Enrolment& enrolment, Error why) {
    if (why.kind != ErrorKind::permission_denied) co_return std::unexpected(std::move(why));
    if (why.reason == "enrolment.used") {
        room.log
            .warning("pki",
                     "a one-time token was shown again, with another key: gatehouse ca "
                     "enrol-revoke ends the enrolment")
            .field("enrolment", enrolment.id);
    }
    auto record = audit::act_of(call, "enrolment.use", "enrolment", enrolment.id);
    co_await room.denied.record(call, std::move(record), std::move(why));
    co_return poor_token(call);
}

Task<Result<Enrolment>> find_enrolment(EnrolmentRoom& room, std::string id) {
    const access::Lookup lookup(room.lookups);
    if (!lookup.admitted()) co_return fail(ErrorKind::unavailable, "pki.busy");
    co_return co_await room.enrolments.find(std::move(id));
}

Task<Result<void>> both(storage::Session& session, storage::Also<StoredCertificate> first,
                        storage::Also<StoredCertificate> second, StoredCertificate kept) {
    GH_CO_TRY_VOID(co_await first.after(session, kept));
    co_return co_await second.after(session, kept);
}

using Begin = std::function<Task<Result<void>>(storage::Session&)>;
Task<Result<void>> begin(storage::Session& session, Begin first, Begin second) {
    GH_CO_TRY_VOID(co_await first(session));
    if (second) GH_CO_TRY_VOID(co_await second(session));
    co_return Result<void>{};
}

/// The audit record, and then `more`.
storage::Also<StoredCertificate> recorded_and(audit::Record record,
                                              storage::Also<StoredCertificate> more) {
    auto also = audit::also<StoredCertificate>(std::move(record), tell_certificate);
    if (!more.after) return also;
    return {
        .before = [first = also.before, second = more.before](
                      storage::Session& session) { return begin(session, first, second); },
        .after = [first = std::move(also), second = std::move(more)](
                     storage::Session& session,
                     const StoredCertificate& kept) { return both(session, first, second, kept); }};
}

}  // namespace

api::Reply poor_token(const api::Call& call) {
    auto refusal =
        api::refusal(call, 401, "enrolment.token", "The token is not good, or no longer.");
    refusal.fields.emplace_back("WWW-Authenticate", "Bearer");
    return refusal;
}

audit::Record act_of_holder(const api::Call& call, const Enrolment& enrolment) {
    auto record = audit::act_of(call, "certificate.issue", "certificate");
    record.actor_type = access::PrincipalType::certificate;
    record.actor = holder_of(enrolment);
    record.act.clear();
    return record;
}

std::optional<api::Reply> refuse_often(EnrolmentRoom& room, const api::Call& call,
                                       const Enrolment& enrolment) {
    access::Principal holder;
    holder.type = access::PrincipalType::certificate;
    holder.subject = holder_of(enrolment);
    const std::array charges{access::Charge{&room.asked, room.limiter.client(holder)}};
    std::array<access::LimitDecision, 1> decisions{};
    if (room.limiter.admit(charges, net::Loop::current()->now(), decisions)) return {};
    auto refusal =
        api::refusal(call, 429, "enrolment.often", "This enrolment asked often; come back later.");
    refusal.fields.emplace_back("Retry-After", std::to_string(decisions[0].retry_after_seconds));
    return refusal;
}

Task<Result<Exchanged>> exchange(EnrolmentRoom& room, api::Call call, std::string token,
                                 std::string csr, Enrolment::Door door,
                                 storage::Also<StoredCertificate> more) {
    auto id = id_of_token(room.token_key, token);
    crypto::wipe(token.data(), token.size());
    if (!id) co_return poor_token(call);
    const auto enrolment = co_await find_enrolment(room, *std::move(id));
    if (!enrolment && enrolment.error().kind == ErrorKind::not_found) co_return poor_token(call);
    if (!enrolment) co_return std::unexpected(enrolment.error());
    if (enrolment->door != door) co_return poor_token(call);
    if (auto refused = refuse_often(room, call, *enrolment)) co_return *std::move(refused);
    const auto request = parse_signing_request(csr);
    if (!request) co_return refused_by_ca(call, request.error());
    const auto now = net::Loop::current()->system_now();
    auto key_id = key_id_of(request->key.get());
    if (auto judged = judge_use(*enrolment, key_id, now); !judged)
        co_return co_await refuse_token(room, call, *enrolment, std::move(judged).error());
    auto issued = issue_agreed(*request, enrolment->wanted, *room.room.issuer(), now);
    if (!issued) co_return refused_by_ca(call, std::move(issued).error());
    auto also = recorded_and(act_of_holder(call, *enrolment), std::move(more));
    auto kept = co_await room.enrolments.use(enrolment->id, std::move(key_id), *std::move(issued),
                                             now, std::move(also));
    if (!kept) co_return co_await refuse_token(room, call, *enrolment, std::move(kept).error());
    co_return *std::move(kept);
}

}  // namespace gh::pki
