#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "access/lookup.hpp"
#include "agents/room.hpp"
#include "agents/route_words.hpp"
#include "api/object.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "crypto/secret.hpp"
#include "net/loop.hpp"

namespace gh::agents {
namespace {

using access::Access;
using api::Object;

constexpr std::size_t pem_characters_max = 64 * 1024;

struct Coming {
    std::string token, csr;
    std::optional<std::string> agent_version;
    std::optional<std::vector<std::string>> capabilities;
};

const api::Type<Coming>& coming_type() {
    using C = Coming;
    static const auto type =
        Object<C>("AgentEnrolment", "A one-time token, and the key that is to be certified.")
            .required("token", &C::token, api::text({.secret = true}), "As it was shown.")
            .required("csr", &C::csr, api::text({.length_max = pem_characters_max, .lines = true}),
                      "PKCS #10, PEM, signed with that key. It names nobody, or as agreed.")
            .optional("agent_version", &C::agent_version, api::maybe(agent_version_type()),
                      "Of its program.")
            .optional("capabilities", &C::capabilities, api::maybe(capabilities_type()),
                      "What it can do, instead of what was announced.")
            .type();
    return type;
}

struct Enrolled {
    ShownAgent agent;
    std::string serial, certificate, ca;
    SystemTime not_after;
    TokenPair tokens;
    std::int64_t heartbeat_interval_ms = 0;
};

const api::Type<Enrolled>& enrolled_type() {
    using E = Enrolled;
    static const auto pem = api::text({.length_max = pem_characters_max, .lines = true});
    static const auto type =
        Object<E>("EnrolledAgent", "All that an agent needs.")
            .required("agent", &E::agent, agent_type(), "Itself.")
            .required("serial", &E::serial, api::text(), "Of its certificate, lower-case hex.")
            .required("certificate", &E::certificate, pem, "PEM: the leaf, then the intermediate.")
            .required("ca", &E::ca, pem, "PEM: the root.")
            .required("not_after", &E::not_after, api::time(), "When its certificate ends.")
            .required("tokens", &E::tokens, token_pair_type(), "Its tokens.")
            .required("heartbeat_interval_ms", &E::heartbeat_interval_ms, count_type(),
                      "How often it should beat.")
            .type();
    return type;
}

struct Kept {
    Agent agent;
    Token token;
};

/// The agent's side of the exchange. What it had before it has lost: it comes anew.
Task<Result<void>> arrive(storage::Session& session, Credentials& credentials,
                          std::string enrolment, Arrival arrival, NewToken token,
                          audit::Record record, SystemTime now, std::shared_ptr<Kept> kept) {
    GH_CO_TRY(kept->agent, co_await AgentRepository::arrive(session, std::move(enrolment),
                                                            std::move(arrival), now));
    GH_CO_TRY_VOID(co_await end_tokens(session, credentials, kept->agent.id, now));
    token.agent_id = kept->agent.id;
    token.created_by = "agent:" + kept->agent.id;
    GH_CO_TRY(kept->token, co_await TokenRepository::put(session, std::move(token), now));
    record.actor_type = access::PrincipalType::agent;
    record.actor = kept->agent.id;
    record.act.clear();
    tell_agent(record, kept->agent);
    co_return co_await audit::Log::append(session, std::move(record));
}

Task<Result<api::Reply>> enrol(Room& room, api::Call call, Coming given) {
    const auto now = net::Loop::current()->system_now();
    auto made = make_token(now);
    NewToken token{.made = made,
                   .agent_id = {},
                   .family = {},
                   .created_by = {},
                   .expires_at = now + room.config.token_ttl};
    Arrival arrival{.ip_address = std::string(call.client_ip),
                    .agent_version = std::move(given.agent_version).value_or(""),
                    .capabilities = std::move(given.capabilities)};
    auto kept = std::make_shared<Kept>();
    auto record = audit::act_of(call, "agent.enrol", "agent");
    Credentials::Arrive work = [&room, token = std::move(token), arrival = std::move(arrival),
                                record = std::move(record), now,
                                kept](storage::Session& session, std::string enrolment) {
        return arrive(session, room.credentials, std::move(enrolment), arrival, token, record, now,
                      kept);
    };
    std::string secret(given.token);
    crypto::wipe(given.token.data(), given.token.size());
    GH_CO_TRY(auto exchanged, co_await room.credentials.exchange(
                                  call, std::move(secret), std::move(given.csr), std::move(work)));
    if (auto* refusal = std::get_if<api::Reply>(&exchanged)) co_return std::move(*refusal);
    auto& certificate = std::get<Credentials::Certificate>(exchanged);
    room.watch.met(kept->agent);
    room.log.info("agents", "an agent has come")
        .field("agent", kept->agent.id)
        .field("hostname", kept->agent.hostname);
    Enrolled body{.agent = shown(kept->agent),
                  .serial = std::move(certificate.serial),
                  .certificate = std::move(certificate.chain_pem),
                  .ca = std::move(certificate.root_pem),
                  .not_after = certificate.not_after,
                  .tokens = token_pair(room, kept->token, made, now),
                  .heartbeat_interval_ms = room.config.heartbeat_interval.count()};
    co_return api::reply(201, enrolled_type(), body);
}

struct Refresh {
    std::string refresh_token;
};

const api::Type<Refresh>& refresh_type() {
    static const auto type = Object<Refresh>("AgentRefresh", "A refresh token, to be used up.")
                                 .required("refresh_token", &Refresh::refresh_token,
                                           api::text({.secret = true}), "As it was given.")
                                 .type();
    return type;
}

/// Who has used a token for the second time: its agent, or a thief. Both are without one now.
Task<Result<void>> record_reuse(storage::Session& session, Credentials& credentials,
                                audit::Record record, Token token, SystemTime now, seconds window) {
    GH_CO_TRY_VOID(co_await credentials.end_family(session, token.family, now));
    Report report{.agent_id = token.agent_id,
                  .type = "token.reuse",
                  .severity = Severity::high,
                  .fingerprint = token.family,
                  .details = R"({"token":")" + token.id + R"("})"};
    const auto put = co_await ThreatRepository::put(session, std::move(report), now, window);
    // With so many open ones it is looked at anyway; the family ends.
    if (!put && put.error().reason != "threat.many") co_return std::unexpected(put.error());
    record.object_id = token.agent_id;
    record.outcome = audit::Outcome::denied;
    record.severity = audit::Severity::high;
    record.details.push_back({"token", token.id});
    co_return co_await audit::Log::append(session, std::move(record));
}

Task<Result<void>> after_claim(storage::Session& session, Credentials& credentials,
                               audit::Record record, Claimed claimed, SystemTime now,
                               seconds window) {
    if (!claimed.family_ended) co_return Result<void>{};
    co_return co_await record_reuse(session, credentials, std::move(record),
                                    std::move(claimed.token), now, window);
}

/// Nobody who guesses gets as far as a transaction that writes.
Task<Result<bool>> is_known(Room& room, std::string token) {
    const access::Lookup lookup(room.lookups);
    if (!lookup.admitted()) co_return fail(ErrorKind::unavailable, "agents.busy");
    co_return co_await room.tokens.is_known(std::move(token));
}

Task<Result<api::Reply>> refresh(Room& room, api::Call call, Refresh given) {
    const auto id = id_of_token(given.refresh_token);
    if (!id) co_return poor_token(call);
    const auto known = co_await is_known(room, given.refresh_token);
    if (!known) co_return std::unexpected(known.error());
    if (!*known) co_return poor_token(call);
    const auto now = net::Loop::current()->system_now();
    auto made = make_token(now);
    NewToken next{.made = made,
                  .agent_id = {},
                  .family = {},
                  .created_by = {},
                  .expires_at = now + room.config.token_ttl};
    auto record = audit::act_of(call, "agent.token_reuse", "agent");
    storage::Also<Claimed> also{.before = audit::Log::lock,
                                .after = [&room, record = std::move(record), now](
                                             storage::Session& session, const Claimed& claimed) {
                                    return after_claim(session, room.credentials, record, claimed,
                                                       now, room.config.threat_window);
                                }};
    GH_CO_TRY(const auto claimed,
              co_await room.tokens.refresh(std::move(given.refresh_token), std::move(next), now,
                                           std::move(also)));
    if (claimed.family_ended) {
        room.credentials.family_ended(claimed.token.family, now);
        room.log
            .warning("agents",
                     "a refresh token was used a second time: all that came of it has ended")
            .field("agent", claimed.token.agent_id)
            .field("token", claimed.token.id);
    }
    if (!claimed.refusal.empty()) co_return poor_token(call);
    co_return api::reply(200, token_pair_type(), token_pair(room, claimed.token, made, now));
}

Task<Result<api::Reply>> show_self(Room& room, api::Call call) {
    const std::string id(call.principal.subject);
    if (!is_itself(call, id)) co_return not_itself(call);
    GH_CO_TRY(const auto agent, co_await room.agents.find(id));
    co_return with_version(api::reply(200, agent_type(), shown(agent)), agent.version);
}

}  // namespace

std::vector<api::Route> enrol_routes(Room& room) {
    return {{.method = "POST",
             .path = "/api/v1/agents/enrol",
             .access = Access::anyone(),
             .handle = api::with(room, enrol, api::json_body(coming_type())),
             .summary = "Exchanges a one-time token for a certificate and tokens.",
             .answers = {api::answers(201, "All of it.", enrolled_type())},
             .body_bytes_max = 64 * 1024},
            {.method = "POST",
             .path = "/api/v1/agents/refresh",
             .access = Access::anyone(),
             .handle = api::with(room, refresh, api::json_body(refresh_type())),
             .summary = "The next tokens, for a refresh token; good once.",
             .answers = {api::answers(200, "They.", token_pair_type())},
             .body_bytes_max = 4 * 1024},
            {.method = "GET",
             .path = "/api/v1/agents/self",
             .access = Access::agent(),
             .handle = api::with(room, show_self),
             .summary = "The agent that asks.",
             .answers = {api::answers(200, "The agent.", agent_type())}}};
}

}  // namespace gh::agents
