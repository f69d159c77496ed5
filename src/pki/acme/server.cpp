#include "pki/acme/server.hpp"

#include <array>
#include <utility>

#include "access/lookup.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"

namespace gh::pki::acme {
namespace {

constexpr std::size_t limiter_bytes = std::size_t{4} << 20;

std::string target_of(const api::Call& call) {
    std::string target(call.path);
    if (!call.query.empty()) target += "?" + std::string(call.query);
    return target;
}

/// By the key that came along.
Result<Request> believe_key(Jws jws) {
    GH_TRY(const auto key, public_key_of(*jws.key));
    if (!jws.signed_by(key)) return fail(ErrorKind::invalid_argument, "acme.signature");
    return Request{std::move(jws), {}};
}

}  // namespace

Server::Metrics::Metrics(telemetry::Registry& registry)
    : tries(registry.counter(
          {.name = "gatehouse_acme_tries_total",
           .help = "Challenges that were tried, by what was found; each up to three times.",
           .labels = {"challenge", "found"}})),
      refused(
          registry.counter({.name = "gatehouse_acme_refused_total",
                            .help = "Requests of ACME clients that were refused, by the type of "
                                    "the problem.",
                            .labels = {"type"}})),
      waiting(registry.one_gauge("gatehouse_acme_challenges_waiting",
                                 "Challenges that are tried or wait for it.")) {}

Server::Server(Parts parts)
    : metrics(parts.registry),
      parts_(std::move(parts)),
      accounts_(parts_.database),
      orders_(parts_.database),
      external_(crypto::HmacHash::sha256, parts_.external_secret.copy()),
      limiter_({.memory_max = limiter_bytes}),
      account_limit_(1, parts_.accounts_per_hour, std::chrono::hours(1)),
      total_limit_(2, parts_.accounts_per_hour_total, std::chrono::hours(1)),
      denied_(parts_.database, parts_.log) {}

Task<Result<Request>> Server::accept(const api::Call& call, std::string_view body, SignedBy by) {
    GH_CO_TRY(auto jws, parse_jws(body, JwsUse::request));
    if (jws.url != parts_.base_url + target_of(call)) {
        co_return fail(ErrorKind::invalid_argument, "acme.url",
                       "url of the protected header is not " + parts_.base_url + target_of(call));
    }
    if (!nonces_.use(jws.nonce)) co_return fail(ErrorKind::invalid_argument, "acme.bad_nonce");
    co_return co_await find_signer(std::move(jws), by);
}

Task<Result<Request>> Server::find_signer(Jws jws, SignedBy by) {
    if (jws.key) {
        if (by == SignedBy::account) {
            co_return fail(ErrorKind::invalid_argument, "acme.malformed",
                           "kid with the URL of an account is wanted, not jwk");
        }
        co_return believe_key(std::move(jws));
    }
    if (by == SignedBy::key)
        co_return fail(ErrorKind::invalid_argument, "acme.malformed", "jwk is wanted, not kid");
    const auto accounts = url("account/");
    if (!jws.key_id.starts_with(accounts))
        co_return fail(ErrorKind::not_found, "acme.account_unknown");
    const auto id = jws.key_id.substr(accounts.size());
    if (!time_of_uuid_v7(id)) co_return fail(ErrorKind::not_found, "acme.account_unknown");
    GH_CO_TRY(auto account, co_await find_account(id));
    GH_CO_TRY(const auto key, public_key_of(account.key));
    if (!jws.signed_by(key)) co_return fail(ErrorKind::invalid_argument, "acme.signature");
    // Only who holds the key learns that it is over.
    if (account.status != Status::valid)
        co_return fail(ErrorKind::permission_denied, "acme.account_ended");
    co_return Request{std::move(jws), std::move(account)};
}

Task<Result<Account>> Server::find_account(std::string id) {
    const access::Lookup lookup(lookups);
    if (!lookup.admitted()) co_return fail(ErrorKind::unavailable, "acme.busy");
    co_return co_await accounts_.find(std::move(id));
}

Task<Result<Request>> Server::accept_get(const api::Call& call, std::string_view body) {
    GH_CO_TRY(auto request, co_await accept(call, body, SignedBy::account));
    if (!request.jws.payload.empty()) {
        co_return fail(ErrorKind::invalid_argument, "acme.malformed",
                       "an empty payload is wanted (POST-as-GET)");
    }
    co_return request;
}

Task<> Server::record_denied(const api::Call& call, audit::Record record, Error why) {
    return denied_.record(call, std::move(record), std::move(why));
}

Result<void> Server::admit_account(const api::Call& call) {
    const std::array charges{access::Charge{&account_limit_, limiter_.client(call.client_network)},
                             access::Charge{&total_limit_, limiter_.client(access::Principal{})}};
    std::array<access::LimitDecision, 2> decisions{};
    if (limiter_.admit(charges, net::Loop::current()->now(), decisions)) return {};
    const auto most =
        decisions[0].allowed ? parts_.accounts_per_hour_total : parts_.accounts_per_hour;
    return fail(ErrorKind::exhausted, "acme.rate_limited",
                std::to_string(most) + " new accounts an hour");
}

crypto::Secret Server::secret_of(std::string_view external_key_id) const {
    return external_secret_of(external_, external_key_id);
}

crypto::Secret external_secret_of(const crypto::HmacKey& key, std::string_view id) {
    auto code = key.code_of("acme external key " + std::string(id));
    crypto::Secret secret(code.bytes());
    crypto::wipe(code.data.data(), code.data.size());
    return secret;
}

}  // namespace gh::pki::acme
