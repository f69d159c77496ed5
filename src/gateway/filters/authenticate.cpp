#include "gateway/filters/authenticate.hpp"

#include <algorithm>
#include <optional>

#include "gateway/exchange.hpp"

namespace gh::gateway {
namespace {

using Standing = access::Verdict::Standing;

constexpr milliseconds ask_again{500};  // a look-up that hangs: what was known may do meanwhile

/// A token of three parts (RFC 7515 §7.1) that begins as a JSON object does; keys may look like anything else.
bool is_jws(std::string_view token) {
    return token.starts_with("eyJ") && std::ranges::count(token, '.') == 2;
}

/// Any credential of ours in the field of another API, or as a bearer token.
std::optional<access::Refusal> read_dialect(Exchange& exchange, const api::Dialect& dialect,
                                            access::Credentials& given) {
    constexpr std::string_view bearer = "Bearer ";
    const http::Field* sent = nullptr;
    for (const auto& field : exchange.request().fields) {
        if (!http::equals_ignoring_case(field.name, dialect.token_field)) continue;
        if (sent || given.has_authorization) return access::Refusal::token;
        sent = &field;
    }
    auto token = sent ? sent->value : std::string_view{};
    if (sent && is_jws(token)) {
        given.has_authorization = true;
        given.authorization = exchange.arena.copy(std::string(bearer) + std::string(token));
        return {};
    }
    if (!sent) {
        if (!http::equals_ignoring_case(given.authorization.substr(0, bearer.size()), bearer))
            return {};
        token = given.authorization.substr(bearer.size());
        if (is_jws(token)) return {};
        given.has_authorization = false;
        given.authorization = {};
    }
    if (given.has_api_key) return access::Refusal::missing;
    given.has_api_key = true;
    given.api_key = token;
    return {};
}

/// @return what is wrong with them: two of a kind, and whoever reads the other one would see somebody else
std::optional<access::Refusal> read_credentials(Exchange& exchange, access::Credentials& given) {
    for (const auto& field : exchange.request().fields) {
        if (field.id == http::FieldId::authorization) {
            if (given.has_authorization) return access::Refusal::token;
            given.has_authorization = true;
            given.authorization = field.value;
        } else if (field.id == http::FieldId::x_api_key) {
            if (given.has_api_key) return access::Refusal::missing;
            given.has_api_key = true;
            given.api_key = field.value;
        } else if (field.id == http::FieldId::dpop) {
            given.dpop_fields = given.dpop_fields == 0 ? 1 : 2;
            given.dpop = field.value;
        }
    }
    if (const auto* own = exchange.route->own; own && own->dialect) {
        if (const auto wrong = read_dialect(exchange, *own->dialect, given)) return wrong;
    }
    if (given.dpop_fields != 0) {
        given.method = exchange.request().method_text;
        given.scheme = exchange.client_encrypted ? "https" : "http";
        given.authority = exchange.request().authority;
        given.path = exchange.path;
    }
    given.certificate = certificate_of(exchange);
    return {};
}

class WakesUp final : public access::Waiter {
 public:
    explicit WakesUp(net::Wakeup& wakeup) : wakeup_(wakeup) {}
    void wake() noexcept override { wakeup_.wake(); }

 private:
    net::Wakeup& wakeup_;
};

/// One of `count` while it lives.
class Counted {
 public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

 private:
    std::size_t& count_;
};

}  // namespace

void refuse_unauthenticated(Exchange& exchange, access::Refusal refusal, std::string_view reason,
                            access::Challenge challenge) {
    exchange.auth_reason = reason;
    exchange.refuse(401, "auth.required", access::text_of(refusal));
    exchange.add_field(http::FieldId::other, "WWW-Authenticate", access::text_of(challenge));
}

void refuse_revoked(Exchange& exchange) {
    refuse_unauthenticated(exchange, access::Refusal::token, "auth.revoked");
    exchange.outcome = outcome::revoked;
}

Verdict Authenticate::on_request(Exchange& exchange) {
    access::Credentials given;
    if (const auto wrong = read_credentials(exchange, given)) {
        refuse_unauthenticated(exchange, *wrong, "auth.repeated");
        return Verdict::answered;
    }
    const bool certificate_shown = exchange.client->connection().certificate != nullptr;
    const bool nothing =
        !given.has_authorization && !given.has_api_key && given.certificate == nullptr;
    if ((nothing && exchange.route->anyone) || exchange.snapshot->open) return Verdict::walk_on;
    auto verdict = authenticator_.authenticate(given, exchange.worker->loop.system_now());
    if (verdict.standing == Standing::pending && exchange.worker->waiting >= waiting_max)
        verdict = {nullptr, {}, "auth.busy", Standing::unavailable};
    if (nothing && certificate_shown) verdict.reason = "auth.certificate_over";
    return settle(exchange, std::move(verdict));
}

Task<Verdict> Authenticate::wait(Exchange& exchange) {
    auto& loop = exchange.worker->loop;
    auto& wakeup = exchange.client->wakeup();
    const Counted counted(exchange.worker->waiting);
    const telemetry::Span span("gateway.authenticate");
    WakesUp waiter(wakeup);
    const auto deadline = loop.now() + wait_max_;
    access::Credentials given;
    (void)read_credentials(exchange, given);  // nothing was wrong with them before
    for (;;) {
        const auto verdict =
            settle(exchange, authenticator_.authenticate(given, loop.system_now()));
        if (verdict != Verdict::wait) co_return verdict;
        if (exchange.client->gone()) {
            exchange.outcome = outcome::client_gone;
            co_return Verdict::answered;
        }
        if (loop.now() >= deadline) {
            co_return settle(exchange, {nullptr, {}, "auth.timeout", Standing::unavailable});
        }
        authenticator_.wait(given, waiter);
        wakeup.expire_at(std::min(deadline, loop.now() + ask_again));
        co_await wakeup.wait();
    }
}

Verdict Authenticate::settle(Exchange& exchange, access::Verdict verdict) {
    if (verdict.principal) {
        exchange.principal = std::move(verdict.principal);
        if (exchange.principal->revoked_by != access::RevokedBy::nothing ||
            exchange.client->connection().certificate)
            exchange.worker->hold(exchange);
        return Verdict::walk_on;
    }
    if (verdict.standing == Standing::pending) return Verdict::wait;
    if (exchange.route->anyone) return Verdict::walk_on;
    if (verdict.standing == Standing::unavailable) {
        exchange.auth_reason = verdict.reason;
        exchange.refuse(503, "auth.unavailable",
                        "Your credentials cannot be checked at the moment; see Retry-After.");
        exchange.add_field(http::FieldId::retry_after, "Retry-After", "1");
        return Verdict::answered;
    }
    house_.count.auth_refused.add();
    refuse_unauthenticated(exchange, verdict.refusal, verdict.reason, verdict.challenge);
    return Verdict::answered;
}

}  // namespace gh::gateway
