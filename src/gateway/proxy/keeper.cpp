#include "gateway/proxy/keeper.hpp"

#include <algorithm>

#include "http/fetch.hpp"

namespace gh::gateway::proxy {
namespace {

constexpr std::chrono::milliseconds look_up_again{1'000};  // while a name has no address yet
constexpr std::chrono::milliseconds sweep_interval{1'000};
constexpr std::chrono::milliseconds idle_max{60'000};  // of a kept connection

Task<> keep_resolved(std::shared_ptr<Upstream> upstream, Target& target, net::Loop& loop,
                     net::Resolver& resolver, telemetry::Log& log) {
    bool failing = false;
    while (!upstream->retired()) {
        auto addresses =
            co_await net::look_up(loop, resolver, target.config.host, target.config.port);
        if (addresses) {
            target.set_addresses(std::move(*addresses));
        } else if (!failing) {
            log.warning("proxy", "an upstream's name cannot be resolved")
                .field("upstream", upstream->config().name)
                .error(addresses.error());
        }
        failing = !addresses;  // what was known before stays in use
        const auto pause =
            failing && !target.address() ? look_up_again : upstream->config().resolve_interval;
        co_await net::Sleep(loop, pause);
    }
}

Task<bool> probe(Upstream& upstream, Target& target, net::Loop& loop,
                 const HealthCheckConfig& check) {
    const auto address = target.address();
    if (!address) co_return false;
    http::FetchRequest request;
    request.address = *address;
    if (target.config.tls) {
        request.tls = upstream.tls();
        const auto& wanted = upstream.config().tls.server_name;
        request.server_name = wanted.empty() ? target.config.host : wanted;
    }
    request.authority = target.authority;
    request.target = check.path;
    request.timeout = check.timeout;
    const auto answer = co_await http::fetch(loop, std::move(request));
    co_return answer && answer->status >= 200 && answer->status < 400;
}

Task<> keep_checked(std::shared_ptr<Upstream> upstream, Target& target, net::Loop& loop,
                    telemetry::Log& log) {
    const auto& check = *upstream->config().health_check;
    while (!upstream->retired()) {
        const bool well = co_await probe(*upstream, target, loop, check);
        auto& health = target.endpoint->health;
        const bool changed = well ? health.check_passed() : health.check_failed();
        if (changed) {
            log.warning("proxy", well ? "an endpoint is healthy again" : "an endpoint is unhealthy")
                .field("upstream", upstream->config().name)
                .field("endpoint", target.text);
        }
        co_await net::Sleep(loop, check.interval);
    }
}

Task<> keep_swept(std::shared_ptr<Upstream> upstream, std::size_t worker, net::Loop& loop) {
    auto& pool = upstream->pool(worker);
    while (!upstream->retired()) {
        pool.sweep(loop.now(), idle_max);
        co_await net::Sleep(loop, sweep_interval);
    }
    pool.clear();
}

}  // namespace

void keep_pool(std::shared_ptr<Upstream> upstream, std::size_t worker, net::Loop& loop) {
    spawn(keep_swept(std::move(upstream), worker, loop));
}

void keep_upstream(std::shared_ptr<Upstream> upstream, net::Loop& loop, net::Resolver& resolver,
                   telemetry::Log& log) {
    for (auto& target : upstream->targets()) {
        if (!net::Address::parse(target->config.host, target->config.port)) {
            spawn(keep_resolved(upstream, *target, loop, resolver, log));
        }
        if (upstream->config().health_check) spawn(keep_checked(upstream, *target, loop, log));
    }
}

}  // namespace gh::gateway::proxy
