#include "gateway/proxy/proxy.hpp"

#include <optional>
#include <string>

#include "gateway/filters/authenticate.hpp"
#include "gateway/filters/check_body_size.hpp"
#include "gateway/proxy/connector.hpp"
#include "gateway/proxy/relay.hpp"
#include "gateway/proxy/request_body.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway::proxy {
namespace {

/// What a request is balanced by, under a policy that keeps a client with its endpoint.
std::optional<std::uint64_t> affinity(const Exchange& exchange, const BalanceConfig& balance) {
    if (balance.kind == BalanceConfig::Kind::hash_client_ip) {
        return balance::affinity_of(
            std::span<const std::uint8_t>(exchange.client_address.octets()));
    }
    if (balance.kind != BalanceConfig::Kind::hash_header) return {};
    const auto* field = exchange.request().fields.find(balance.header);
    if (field == nullptr) return {};
    return balance::affinity_of(field->value);
}

void refuse_with_retry(Exchange& exchange, std::uint16_t status, std::string_view code,
                       std::string_view detail, std::int64_t retry_after_seconds) {
    exchange.refuse(status, code, detail);
    exchange.add_field(http::FieldId::retry_after, "Retry-After",
                       exchange.arena.copy(std::to_string(retry_after_seconds)));
}

/// One attempt's settled end.
struct Attempt {
    Ended ended = Ended::no_answer;
    std::optional<ConnectFailure> connect_failure;
    bool stale = false;  ///< a kept connection that was closed before it said anything
};

/// Why an attempt failed, as its span tells it; empty: it did not.
std::string_view failure_of(Ended ended) {
    switch (ended) {
        case Ended::complete:
        case Ended::tunnelled:
        case Ended::client_gone:
        case Ended::client_slow:
        case Ended::client_malformed:
        case Ended::too_large: return {};
        case Ended::retry_status: return "upstream.status";
        case Ended::no_answer: return "upstream.no_answer";
        case Ended::malformed: return "upstream.malformed";
        case Ended::opaque: return "upstream.opaque";
        case Ended::timeout: return "upstream.timeout";
        case Ended::expired: return "gateway.expired";
        case Ended::cut: break;
    }
    return "upstream.cut";
}

/// Facts of an attempt, for its span.
void tell_attempt(telemetry::Span& span, const Exchange& exchange, const Attempt& attempt) {
    if (attempt.connect_failure) return span.fail("upstream.connect");
    if (exchange.response.status != 0) {
        span.attribute("http.response.status_code",
                       static_cast<std::int64_t>(exchange.response.status));
    }
    if (const auto why = failure_of(attempt.ended); !why.empty()) span.fail(why);
}

Task<Attempt> attempt(Exchange& exchange, Upstream& upstream, Target& target, RequestBody& body,
                      bool may_retry, bool fresh) {
    Attempt result;
    const auto& request = exchange.request();
    telemetry::Span span(request.method == http::Method::other ? "HTTP" : request.method_text,
                         telemetry::SpanKind::client);
    span.attribute("gatehouse.upstream", upstream.config().name)
        .attribute("server.address",
                   std::string_view(target.text).substr(target.text.find("://") + 3));
    auto connected = co_await connect(exchange, upstream, target, fresh);
    if (!connected) {
        result.connect_failure = connected.error();
        tell_attempt(span, exchange, result);
        co_return result;
    }
    auto connection = std::move(*connected);
    const bool kept = connection->requests > 0;
    bool reusable = false;
    {
        body.rewind();
        Relay relay(exchange, *connection, body, may_retry);
        result.ended = co_await relay.run();
        reusable = relay.reusable();
        result.stale = kept && result.ended == Ended::no_answer;
    }
    // A request that was cut off must not look complete to the upstream.
    if (!reusable && result.ended != Ended::tunnelled) connection->stream->reset_on_close();
    tell_attempt(span, exchange, result);
    give_back(*exchange.worker, upstream, std::move(connection), reusable);
    co_return result;
}

/// Tells the breaker what this attempt says about the upstream.
void settle(Upstream& upstream, std::optional<balance::CircuitBreaker::Pass>& pass,
            const Attempt& attempt, const Exchange& exchange, SteadyTime now) {
    bool failed = false;
    if (attempt.connect_failure) {
        if (*attempt.connect_failure == ConnectFailure::client_gone ||
            *attempt.connect_failure == ConnectFailure::exhausted) {
            return;
        }
        failed = true;
    } else {
        switch (attempt.ended) {
            case Ended::complete:
            case Ended::tunnelled: {
                const auto status = exchange.response.status;
                failed = status == 502 || status == 503 || status == 504;
                break;
            }
            case Ended::retry_status:
            case Ended::malformed:
            case Ended::timeout:
            case Ended::cut: failed = true; break;
            case Ended::no_answer: failed = !attempt.stale; break;
            case Ended::client_gone:
            case Ended::client_slow:
            case Ended::client_malformed:
            case Ended::too_large:
            case Ended::opaque:
            case Ended::expired: return;  // says nothing about the upstream
        }
        if (attempt.stale) return;
    }
    (failed ? upstream.failed : upstream.answered).add();
    if (!pass) return;
    auto& log = exchange.worker->services.log;
    if (failed && pass->failed(now)) {
        upstream.circuit_opened.add();
        log.warning("proxy", "circuit opened: the upstream is left alone for a while")
            .field("upstream", upstream.config().name);
    } else if (!failed && pass->succeeded()) {
        log.info("proxy", "circuit closed: the upstream answers again")
            .field("upstream", upstream.config().name);
    }
}

bool worth_another(const Attempt& attempt, const UpstreamConfig& config, const RequestBody& body,
                   http::Method method) {
    if (attempt.connect_failure) {
        const bool never_sent = *attempt.connect_failure == ConnectFailure::refused ||
                                *attempt.connect_failure == ConnectFailure::timeout;
        return never_sent && config.retry.on_connect;
    }
    if (!http::is_idempotent(method) || !body.replayable()) return false;
    return attempt.ended == Ended::retry_status ||
           (attempt.ended == Ended::no_answer && config.retry.on_connect);
}

/// Nobody is left to answer, and what had been read of the upstream's head by then is no answer.
void leave_unanswered(Exchange& exchange) {
    exchange.response.fields.clear();
    exchange.response.status = 0;
    exchange.response.reason = {};
    exchange.outcome = outcome::client_gone;
}

void answer_connect_failure(Exchange& exchange, ConnectFailure failure) {
    switch (failure) {
        case ConnectFailure::refused:
            exchange.refuse(502, "upstream.unreachable", "The upstream could not be reached.");
            break;
        case ConnectFailure::timeout:
            exchange.refuse(504, "upstream.connect_timeout",
                            "The upstream did not accept a connection in time.");
            break;
        case ConnectFailure::exhausted:
            refuse_with_retry(exchange, 503, "upstream.busy",
                              "All connections to the upstream are taken.", 1);
            break;
        case ConnectFailure::client_gone: leave_unanswered(exchange); return;
    }
    exchange.outcome = outcome::upstream_failed;
}

/// What the client hears when it has heard nothing yet.
void answer_failure(Exchange& exchange, const Attempt& attempt) {
    exchange
        .response = {};  // an interim answer's words lie in memory of the attempt, which is over
    if (exchange.revoked) return refuse_revoked(exchange);
    if (attempt.connect_failure) return answer_connect_failure(exchange, *attempt.connect_failure);
    switch (attempt.ended) {
        case Ended::retry_status:
        case Ended::no_answer:
            exchange.refuse(502, "upstream.no_answer",
                            "The upstream closed the connection without an answer.");
            exchange.outcome = outcome::upstream_failed;
            break;
        case Ended::malformed:
            exchange.refuse(502, "upstream.malformed", "The upstream's answer could not be read.");
            exchange.outcome = outcome::upstream_failed;
            break;
        case Ended::opaque:
            exchange.refuse(502, "upstream.opaque", "The upstream's answer cannot be passed on.");
            exchange.outcome = outcome::upstream_failed;
            break;
        case Ended::timeout:
            exchange.refuse(504, "upstream.timeout", "The upstream did not answer in time.");
            exchange.outcome = outcome::upstream_timeout;
            break;
        case Ended::client_slow:
            exchange.refuse(408, "http.body_timeout", "The request body did not arrive in time.");
            exchange.outcome = outcome::client_slow;
            exchange.client->close_after();
            break;
        case Ended::client_malformed:
            exchange.refuse(400, "http.body_malformed", "The request body is malformed.");
            exchange.outcome = outcome::client_malformed;
            exchange.client->close_after();
            break;
        case Ended::too_large: refuse_too_large(exchange); break;
        case Ended::expired:
            exchange.refuse(504, "gateway.expired", "The request took longer than it may.");
            exchange.outcome = outcome::expired;
            break;
        case Ended::client_gone: leave_unanswered(exchange); break;
        case Ended::complete:
        case Ended::tunnelled:
        case Ended::cut: break;
    }
}

/// The client has the beginning of an answer that will not be completed.
void cut_off(Exchange& exchange, Ended ended) {
    switch (ended) {
        case Ended::client_gone: exchange.outcome = outcome::client_gone; break;
        case Ended::client_slow: exchange.outcome = outcome::client_slow; break;
        case Ended::client_malformed:
        case Ended::too_large: exchange.outcome = outcome::client_malformed; break;
        case Ended::expired:
            exchange.outcome = exchange.revoked ? outcome::revoked : outcome::expired;
            break;
        default: exchange.outcome = outcome::upstream_cut; break;
    }
    exchange.client->abort();
}

/// @return false when the exchange is already answered
Task<bool> buffer_body(Exchange& exchange, RequestBody& body) {
    using Buffered = RequestBody::Buffered;
    const auto how = co_await body.buffer(exchange.snapshot->body_directory);
    Attempt attempt;
    switch (how) {
        case Buffered::complete: co_return true;
        case Buffered::too_large: attempt.ended = Ended::too_large; break;
        case Buffered::malformed: attempt.ended = Ended::client_malformed; break;
        case Buffered::client_gone: attempt.ended = Ended::client_gone; break;
        case Buffered::client_slow: attempt.ended = Ended::client_slow; break;
        case Buffered::no_room:
            exchange.refuse(507, "gateway.no_room", "There is no room to keep the request body.");
            co_return false;
    }
    answer_failure(exchange, attempt);
    co_return false;
}

/// Leave to ask once, and whom.
struct Turn {
    std::optional<balance::CircuitBreaker::Pass> pass;  // nothing where no breaker watches
    balance::Lease lease;
};

/// @return false when nobody may be asked; the exchange is answered then
bool take_turn(Exchange& exchange, Upstream& upstream, const balance::Endpoint* avoid, Turn& turn) {
    const auto now = exchange.worker->loop.now();
    if (upstream.config().circuit_breaker.enabled) {
        turn.pass = upstream.breaker().try_pass(now);
        if (!turn.pass) {
            upstream.rejected.add();
            refuse_with_retry(exchange, 503, "upstream.circuit_open",
                              "The upstream is failing and is left alone.",
                              upstream.breaker().retry_after(now).count());
            exchange.outcome = outcome::circuit_open;
            return false;
        }
    }
    turn.lease =
        upstream.balancer().pick(now, affinity(exchange, upstream.config().balance), avoid);
    if (turn.lease) return true;
    upstream.failed.add();
    refuse_with_retry(exchange, 503, "upstream.unhealthy",
                      "No endpoint of the upstream is healthy.", 1);
    exchange.outcome = outcome::upstream_failed;
    return false;
}

/// Within the attempts and the budget. An answer that was held back for a retry has been paid for.
bool may_retry(Upstream& upstream, const Attempt& attempt, unsigned tries, SteadyTime now) {
    if (!attempt.connect_failure && attempt.ended == Ended::retry_status) return true;
    return tries < upstream.config().retry.attempts && upstream.retries().try_retry(now);
}

}  // namespace

Task<> forward(Exchange& exchange) {
    auto& upstream = *exchange.route->upstream;
    const auto& config = upstream.config();
    auto& loop = exchange.worker->loop;
    exchange.upstream_name = config.name;
    if (exchange.route->hidden && exchange.request().upgrade_websocket) {
        exchange.refuse(502, "upstream.opaque", "No tunnel leads to this upstream.");
        co_return;
    }
    RequestBody body(exchange);
    if (exchange.route->config.request_body == BodyMode::buffer &&
        exchange.request().body.kind != http::Framing::none) {
        if (!co_await buffer_body(exchange, body)) co_return;
    }
    upstream.retries().requested(loop.now());
    const balance::Endpoint* failed_endpoint = nullptr;
    bool fresh = false;
    for (unsigned tries = 1;; ++tries) {
        Turn turn;
        if (!take_turn(exchange, upstream, failed_endpoint, turn)) co_return;
        auto& target = upstream.target_of(turn.lease.endpoint());
        exchange.upstream_address = target.text;
        exchange.attempts = tries;
        const bool more = tries < config.retry.attempts &&
                          http::is_idempotent(exchange.request().method) && body.replayable();
        const auto result = co_await attempt(exchange, upstream, target, body, more, fresh);
        settle(upstream, turn.pass, result, exchange, loop.now());

        if (exchange.client->responded()) {
            if (result.ended != Ended::complete && result.ended != Ended::tunnelled) {
                cut_off(exchange, result.ended);
            }
            co_return;
        }
        // A kept connection that had gone stale says nothing about the upstream: asking anew is no retry.
        const bool anew = result.stale && !fresh;
        if (!worth_another(result, config, body, exchange.request().method) ||
            !(anew || may_retry(upstream, result, tries, loop.now()))) {
            answer_failure(exchange, result);
            co_return;
        }
        if (anew) {
            --tries;
        } else {
            exchange.worker->services.count.retries.add();
        }
        fresh = result.stale;
        failed_endpoint = anew ? nullptr : target.endpoint.get();
        exchange.response = {};
    }
}

}  // namespace gh::gateway::proxy
