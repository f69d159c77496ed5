#include "gateway/filters/limit.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/exchange.hpp"

namespace gh::gateway {
namespace {

using access::RateLimiter;

access::RateClient client_of(const RateLimiter& limiter, const RouteLimit& limit,
                             const Exchange& exchange) {
    const auto& principal = *exchange.principal;
    if (limit.by == RateLimitConfig::By::principal &&
        principal.type != access::PrincipalType::anonymous) {
        return limiter.client(principal);
    }
    if (limit.by == RateLimitConfig::By::route) return limiter.client(access::ClientNetwork{});
    return limiter.client(access::ClientNetwork::from_v6(exchange.client_address.octets()));
}

void refuse(Services& house, Exchange& exchange, std::string_view retry_after) {
    house.count.rate_limited.add();
    exchange.refuse(429, "rate.limited", "Too many requests; see Retry-After.");
    exchange.add_field(http::FieldId::retry_after, "Retry-After", retry_after);
}

/// Judges at once those of the route's limits that are, or are not, by principal.
Verdict judge(Services& house, Exchange& exchange, bool by_principal) {
    if (exchange.route->limits.empty()) return Verdict::walk_on;
    std::array<access::Charge, RateLimiter::charges_max> charges;
    const std::size_t first = exchange.limits_count;
    std::size_t count = 0;
    for (const auto& limit : exchange.route->limits) {
        if ((limit.by == RateLimitConfig::By::principal) != by_principal) continue;
        if (first + count == charges.size()) break;
        charges[count] = {&limit.limit, client_of(house.limiter, limit, exchange)};
        exchange.limits_judged[first + count] = &limit;
        ++count;
    }
    if (count == 0) return Verdict::walk_on;
    const auto decisions = std::span(exchange.limit_decisions).subspan(first, count);
    const bool admitted = house.limiter.admit(std::span(charges).first(count),
                                              exchange.worker->loop.now(), decisions);
    exchange.limits_count += count;
    if (admitted) return Verdict::walk_on;

    std::uint32_t wait = 1;
    for (const auto& decision : decisions) wait = std::max(wait, decision.retry_after_seconds);
    std::array<char, 12> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), wait).ptr;
    refuse(house, exchange,
           exchange.arena.copy({text.data(), static_cast<std::size_t>(end - text.data())}));
    return Verdict::answered;
}

}  // namespace

Verdict LimitByAddress::on_request(Exchange& exchange) { return judge(house_, exchange, false); }

Verdict LimitByPrincipal::on_request(Exchange& exchange) {
    const auto& principal = *exchange.principal;
    if (house_.agent_calls != nullptr && principal.type == access::PrincipalType::agent &&
        !house_.agent_calls->charge(principal.subject, exchange.worker->loop.system_now())) {
        refuse(house_, exchange, "60");  // by then a minute of the hour has passed
        return Verdict::answered;
    }
    return judge(house_, exchange, true);
}

void LimitByAddress::on_response(Exchange& exchange) {
    if (exchange.limits_count == 0) return;
    std::array<access::NamedDecision, RateLimiter::charges_max> items;
    for (std::size_t i = 0; i < exchange.limits_count; ++i) {
        const auto& limit = *exchange.limits_judged[i];
        items[i] = {limit.name, &limit.limit, exchange.limit_decisions[i]};
    }
    const auto judged = std::span(items).first(exchange.limits_count);
    std::array<char, access::rate_limit_field_bytes_max> text;
    exchange.add_field(http::FieldId::other, "RateLimit-Policy",
                       exchange.arena.copy(access::write_rate_limit_policy(judged, text)));
    exchange.add_field(http::FieldId::other, "RateLimit",
                       exchange.arena.copy(access::write_rate_limit(judged, text)));
}

}  // namespace gh::gateway
