#include "app/agent_credentials.hpp"

#include <utility>

#include "base/try.hpp"
#include "pki/enrolment_repository.hpp"
#include "pki/enrolment_token.hpp"
#include "pki/exchange.hpp"
#include "pki/issue.hpp"
#include "plan/clock.hpp"
#include "plan/work_repository.hpp"

namespace gh::app {
namespace {

using identity::Revocation;
using identity::RevocationKind;
using identity::RevocationRepository;

/// What was made so far: the same subject may come again.
Revocation end_of_agent(const std::string& agent_id, SystemTime now) {
    return {RevocationKind::subject, agent_id, identity::next_millisecond(now),
            now + identity::token_lifetime_max};
}

/// For good, however clocks differ and transactions overtake each other: no token is made of a family that has ended.
Revocation end_of_family(const std::string& family, SystemTime now) {
    const auto end = now + identity::token_lifetime_max;
    return {RevocationKind::token, family, end, end};
}

/// `arrive`, and that it ran: a token that is shown again gets the first certificate again, and no agent comes twice.
Task<Result<void>> arrive_once(storage::Session& session, agents::Credentials::Arrive arrive,
                               std::string enrolment, std::shared_ptr<bool> came) {
    GH_CO_TRY_VOID(co_await arrive(session, std::move(enrolment)));
    *came = true;
    co_return Result<void>{};
}

Task<Result<void>> forget(std::shared_ptr<bool> came) {
    *came = false;
    co_return Result<void>{};
}

}  // namespace

pki::LeafRequest AgentCredentials::leaf_of(const std::string& agent_id) const {
    pki::LeafRequest leaf{.profile = pki::Profile::agent, .common_name = {}, .names = {}};
    leaf.names.uris = {"spiffe://" + parts_.trust_domain + "/agent/" + agent_id};
    return leaf;
}

Task<Result<void>> AgentCredentials::await(storage::Session& session, Awaited awaited) {
    auto leaf = leaf_of(awaited.agent_id);
    GH_CO_TRY_VOID(co_await pki::EnrolmentRepository::add(
        session, std::move(awaited.id), std::move(leaf), std::move(awaited.created_by), awaited.now,
        awaited.expires_at, pki::Enrolment::Door::agents));
    co_return Result<void>{};
}

Result<void> AgentCredentials::check(const std::string& agent_id, SystemTime now) {
    return pki::check_issuable(leaf_of(agent_id), *parts_.authority(), now);
}

std::string AgentCredentials::enrolment_token(const std::string& enrolment) {
    return pki::enrolment_token(parts_.token_key, enrolment);
}

Task<Result<std::variant<agents::Credentials::Certificate, api::Reply>>> AgentCredentials::exchange(
    api::Call call, std::string token, std::string csr, Arrive arrive) {
    auto came = std::make_shared<bool>(false);
    storage::Also<pki::StoredCertificate> more{
        // It may run again: then whoever came in between has come.
        .before = [came](storage::Session&) { return forget(came); },
        .after =
            [arrive = std::move(arrive), came](storage::Session& session,
                                               const pki::StoredCertificate& kept) {
                auto enrolment = pki::enrolment_of(kept.issued_to).value_or("");
                return arrive_once(session, arrive, std::move(enrolment), came);
            }};
    GH_CO_TRY(auto exchanged,
              co_await pki::exchange(*parts_.enrolment, call, std::move(token), std::move(csr),
                                     pki::Enrolment::Door::agents, std::move(more)));
    if (auto* refusal = std::get_if<api::Reply>(&exchanged)) co_return std::move(*refusal);
    if (!*came) co_return pki::poor_token(call);
    auto& kept = std::get<pki::StoredCertificate>(exchanged);
    co_return Certificate{.serial = std::move(kept.serial),
                          .chain_pem = std::move(kept.chain_pem),
                          .root_pem = parts_.enrolment->room.root_pem,
                          .not_after = kept.not_after};
}

Task<Result<void>> AgentCredentials::end_enrolment(storage::Session& session, std::string enrolment,
                                                   SystemTime now) {
    const auto ended = co_await pki::EnrolmentRepository::end(session, std::move(enrolment), now);
    // It may have been cleared away, or never have been ours: that of an agent that was taken over.
    if (!ended && ended.error().kind != ErrorKind::not_found)
        co_return std::unexpected(ended.error());
    co_return Result<void>{};
}

agents::Credentials::AccessToken AgentCredentials::access_token(const std::string& agent_id,
                                                                const std::string& family,
                                                                seconds lifetime, SystemTime now) {
    identity::TokenGrant grant;
    grant.subject = agent_id;
    grant.agent = true;
    grant.origins = {family};
    grant.lifetime = lifetime;
    auto made = parts_.issuer->issue(grant, now);
    return {.text = std::move(made.text), .expires = made.expires};
}

Task<Result<void>> AgentCredentials::end_agent(storage::Session& session, std::string agent_id,
                                               SystemTime now) {
    auto end = end_of_agent(agent_id, now);
    GH_CO_TRY_VOID(co_await RevocationRepository::record(session, std::move(end), now));
    // What it works on is for others from now on.
    GH_CO_TRY(const auto at, co_await plan::time_of(session));
    GH_CO_TRY(auto ended, co_await plan::WorkRepository::end_of_agent(session, agent_id, at));
    const std::scoped_lock lock(mutex_);
    stirred_.insert_or_assign(std::move(agent_id), std::move(ended.stirs));
    co_return Result<void>{};
}

void AgentCredentials::agent_ended(const std::string& agent_id, SystemTime now) {
    if (parts_.revocations) parts_.revocations->add({end_of_agent(agent_id, now)}, now);
    std::vector<plan::Stir> stirs;
    {
        const std::scoped_lock lock(mutex_);
        if (auto found = stirred_.extract(agent_id)) stirs = std::move(found.mapped());
    }
    if (parts_.plans_stirred) parts_.plans_stirred(stirs);
    if (parts_.agent_ended) parts_.agent_ended(agent_id);
}

Task<Result<void>> AgentCredentials::end_family(storage::Session& session, std::string family,
                                                SystemTime now) {
    auto end = end_of_family(family, now);
    return RevocationRepository::record(session, std::move(end), now);
}

void AgentCredentials::family_ended(const std::string& family, SystemTime now) {
    if (parts_.revocations) parts_.revocations->add({end_of_family(family, now)}, now);
}

}  // namespace gh::app
