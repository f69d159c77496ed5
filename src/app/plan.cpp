#include "app/plan.hpp"

#include <ifaddrs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "app/acme_aim.hpp"
#include "base/try.hpp"
#include "pki/host_names.hpp"

namespace gh::app {
namespace {

using gateway::Route;
using gateway::Snapshot;

/// Tells limits apart, and knows them again after a reload (FNV-1a).
std::uint64_t limit_id(std::string_view route, std::size_t index) {
    std::uint64_t hash = 14695981039346656037U;
    const auto mix = [&hash](unsigned char octet) { hash = (hash ^ octet) * 1099511628211U; };
    for (const char c : route) mix(static_cast<unsigned char>(c));
    mix(static_cast<unsigned char>(index));
    return hash;
}

/// As clients see it: whom it counts, its window, and "-2" for the second of a route that agrees in both. Made of the
/// route's own list alone, so that a reload which leaves that as it is leaves the names as they are.
std::string limit_name(const std::vector<gateway::RateLimitConfig>& limits, std::size_t index) {
    const auto& config = limits[index];
    using By = gateway::RateLimitConfig::By;
    const std::string_view by = config.by == By::principal ? "principal"
                                : config.by == By::route   ? "route"
                                                           : "client";
    const auto ms = config.per.count();
    const auto same =
        1 + std::count_if(limits.begin(), limits.begin() + static_cast<std::ptrdiff_t>(index),
                          [&](const auto& earlier) {
                              return earlier.by == config.by && earlier.per == config.per;
                          });
    return std::string(by) + "-" +
           (ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms") +
           (same == 1 ? std::string() : "-" + std::to_string(same));
}

access::Access access_of(const gateway::AccessConfig& config) {
    using Kind = gateway::AccessConfig::Kind;
    switch (config.kind) {
        case Kind::nobody: break;
        case Kind::anyone: return access::Access::anyone();
        case Kind::authenticated: return access::Access::authenticated();
        case Kind::role: return access::Access::role(config.role);
        case Kind::scopes: return access::Access::scopes(config.scopes);
        case Kind::client_certificate: return access::Access::client_certificate();
        case Kind::agent: return access::Access::agent();
    }
    return {};
}

std::uint32_t method_bits(const std::vector<std::string>& methods) {
    std::uint32_t bits = 0;
    for (const auto& method : methods) bits |= 1U << static_cast<unsigned>(http::method_of(method));
    return bits;
}

gateway::proxy::Timeouts timeouts_of(const gateway::RouteConfig& route,
                                     const gateway::UpstreamConfig& upstream) {
    const auto& own = route.timeouts;
    const auto& base = upstream.timeouts;
    return {.connect = base.connect,
            .response = own.response.value_or(base.response),
            .idle = own.idle.value_or(base.idle),
            .tunnel_idle = own.tunnel_idle.value_or(base.tunnel_idle),
            .total = own.total ? own.total : base.total};
}

std::unique_ptr<Route> make_route(const gateway::RouteConfig& config, const Snapshot& snapshot,
                                  telemetry::HttpMetrics& metrics) {
    auto route = std::make_unique<Route>();
    route->config = config;
    route->access = access_of(config.access);
    route->anyone = config.access.kind == gateway::AccessConfig::Kind::anyone;
    route->methods = method_bits(config.match.methods);
    for (std::size_t i = 0; i < config.rate_limit.size(); ++i) {
        const auto& limit = config.rate_limit[i];
        route->limits.push_back({limit.by,
                                 access::Limit(limit_id(config.name, i), limit.requests, limit.per),
                                 limit_name(config.rate_limit, i)});
    }
    for (const auto& upstream : snapshot.upstreams) {
        if (upstream->config().name != config.upstream) continue;
        route->upstream = upstream;
        route->timeouts = timeouts_of(config, upstream->config());
    }
    route->metrics = &metrics.route(config.name);
    if (config.kind == gateway::RouteKind::query)
        route->queries.emplace(metrics.queries(config.name));
    return route;
}

/// A path of ours as a route, so that it passes the same doors.
/// @param open  wants no credentials, whatever it says itself
std::unique_ptr<Route> make_own(const api::Route& own, bool open, telemetry::HttpMetrics& metrics,
                                std::vector<std::unique_ptr<api::Route>>& kept) {
    kept.push_back(std::make_unique<api::Route>(own));
    auto route = std::make_unique<Route>();
    route->config.name = own.path;
    route->config.match.path = own.path;
    route->config.match.methods = {own.method};
    if (own.method == "GET") route->config.match.methods.emplace_back("HEAD");
    route->config.allow_encoded_slash = own.encoded_slash;
    route->config.access_log = own.counted;
    if (!own.handle.contract().media_types.empty())
        route->config.request_body_max = own.body_bytes_max;
    route->access = open ? access::Access::anyone() : own.access;
    route->anyone = route->access.kind() == access::Access::Kind::anyone;
    route->methods = method_bits(route->config.match.methods);
    route->own = kept.back().get();
    if (own.counted) route->metrics = &metrics.route(own.path);
    return route;
}

std::shared_ptr<const http::ServerLimits> server_limits(const net::LimitsConfig& limits) {
    http::ServerLimits server;
    server.head = {.bytes_max = limits.header_bytes_max,
                   .fields_max = limits.header_count_max,
                   .target_bytes_max = limits.uri_bytes_max};
    server.requests_max = limits.requests_per_connection_max;
    server.streams_max = limits.streams_per_connection_max;
    server.header_timeout = limits.header_timeout;
    server.keep_alive_timeout = limits.keep_alive_timeout;
    server.send_timeout = limits.send_timeout;
    return std::make_shared<const http::ServerLimits>(server);
}

Result<void> add_upstreams(Snapshot& snapshot, const Settings& settings, PlanParts& parts,
                           const Snapshot* previous) {
    for (const auto& config : settings.upstreams) {
        std::shared_ptr<gateway::proxy::Upstream> same;
        for (const auto& known : previous ? previous->upstreams : decltype(snapshot.upstreams){}) {
            if (known->config() == config) same = known;
        }
        if (!same) {
            GH_TRY(same,
                   gateway::proxy::Upstream::make(config, parts.workers, parts.upstream_metrics));
        }
        snapshot.upstreams.push_back(std::move(same));
    }
    return {};
}

/// What one route tells an upstream, another one of that upstream may bring to light.
void hide_injected(Snapshot& snapshot) {
    std::map<std::string_view, std::shared_ptr<gateway::proxy::HiddenTexts>> hidden;
    for (const auto& route : snapshot.routes) {
        auto& texts = hidden[route->config.upstream];
        if (!texts) texts = std::make_shared<gateway::proxy::HiddenTexts>();
        texts->add(route->config.inject);
    }
    for (const auto& route : snapshot.routes) {
        const auto& texts = hidden.at(route->config.upstream);
        if (route->config.inject.hide && !texts->empty()) route->hidden = texts;
    }
}

void add_host(Snapshot& snapshot, std::string host) {
    for (char& c : host) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (host.starts_with("*.")) {
        snapshot.allowed_host_suffixes.push_back(host.substr(1));
    } else {
        if (host.contains(':') && !host.starts_with('[')) host = "[" + host + "]";
        snapshot.allowed_hosts.insert(std::move(host));
    }
}

std::vector<std::string> interface_addresses() {
    std::vector<std::string> found;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return found;
    for (const auto* each = list; each; each = each->ifa_next) {
        if (!each->ifa_addr) continue;
        const auto family = each->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        sockaddr_storage storage{};
        std::memcpy(&storage, each->ifa_addr,
                    family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        found.push_back(net::Address(storage).ip_text());
    }
    ::freeifaddrs(list);
    return found;
}

/// What watches over us wants no credentials where only this machine reaches it. The control plane wants them everywhere:
/// whatever runs here, or is made to ask by somebody who does not, is not an operator for that.
Result<void> add_own(gateway::ListenerPlan& plan, Snapshot& snapshot, PlanParts& parts) {
    using net::Service;
    std::set<std::pair<std::string, std::string>> taken;
    for (const auto service : {Service::health, Service::metrics, Service::api}) {
        if (!plan.config.serves(service)) continue;
        for (const auto& row : own_routes(service, parts.own)) {
            // The control plane has the other two as well: said for themselves, they are as they are by themselves.
            if (service != Service::api) {
                taken.emplace(row.method, row.path);
            } else if (taken.contains({row.method, row.path})) {
                continue;
            }
            const bool open = service != Service::api && plan.config.bind.loopback();
            GH_TRY_VOID(plan.own.add(make_own(row, open, parts.http_metrics, snapshot.own)));
        }
    }
    return {};
}

/// What certificates of the internal CA speak for: alike on all listeners, so that there is one to look after. One that
/// stands in for a CA's speaks for its names as well, as far as the internal CA may.
std::vector<std::string> internal_names(const Settings& settings, const PlanParts& parts,
                                        const std::vector<std::string>& hosts, SystemTime now) {
    bool stands_in = false, alone = true;
    for (const auto& listener : settings.listeners) {
        if (!listener.tls || !listener.tls->certificates.empty()) continue;
        if (listener.tls->acme) stands_in = !parts.of_ca;
        if (!listener.tls->acme) alone = false;
    }
    if (!stands_in) return hosts;
    // Where nobody has asked for the internal CA, names that it may not sign are no mistake.
    auto names = alone ? parts.tls.permitted(hosts, now) : hosts;
    for (auto& name : parts.tls.permitted(acme_domains(settings), now)) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names.empty() ? hosts : names;
}

Result<void> add_listeners(Snapshot& snapshot, const Settings& settings, PlanParts& parts,
                           const std::vector<std::string>& hosts, SystemTime now) {
    parts.tls.begin_plan();
    const auto names = internal_names(settings, parts, hosts, now);
    for (const auto& config : settings.listeners) {
        gateway::ListenerPlan plan;
        plan.config = config;
        if (config.tls) {
            GH_TRY(plan.tls, parts.tls.context(config, names, now, parts.of_ca));
            plan.hsts = config.hsts.header_value();
            if (settings.allowed_hosts.empty()) {
                for (const auto& name : plan.tls->names()) add_host(snapshot, name);
            }
        }
        if (const auto* target = settings.find_listener(config.redirect_to))
            plan.redirect_port = target->bind.port;
        GH_TRY_VOID(add_own(plan, snapshot, parts));
        if (config.serves(net::Service::gateway)) {
            for (const auto& route : snapshot.routes) {
                const auto& wanted = route->config.match.listener;
                if (wanted.empty() || wanted == config.name) plan.routes.push_back(route.get());
            }
        }
        snapshot.listeners.push_back(std::move(plan));
    }
    parts.tls.end_plan();
    return {};
}

}  // namespace

std::vector<std::string> default_hosts(const Settings& settings) {
    std::vector<std::string> hosts = {"localhost", "127.0.0.1", "::1"};
    const auto add = [&hosts](std::string host) {
        if (!host.empty() && std::ranges::find(hosts, host) == hosts.end())
            hosts.push_back(std::move(host));
    };
    std::array<char, 256> name{};
    // A machine may be called what no certificate can carry, "42" say: that must not keep us from starting.
    if (::gethostname(name.data(), name.size() - 1) == 0 &&
        pki::names_from_hosts(std::array{std::string(name.data())})) {
        add(name.data());
    }
    for (const auto& listener : settings.listeners) {
        if (listener.bind.host != "::" && listener.bind.host != "0.0.0.0") {
            add(listener.bind.host);
        } else {
            for (auto& address : interface_addresses()) add(std::move(address));
        }
    }
    return hosts;
}

Result<std::shared_ptr<const Snapshot>> make_plan(const Settings& settings, PlanParts& parts,
                                                  const Snapshot* previous, SystemTime now) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->limits = settings.limits;
    snapshot->server_limits = server_limits(settings.limits);
    snapshot->trusted_proxies = settings.trusted_proxies;
    snapshot->open = !settings.auth.enabled;
    snapshot->roles = parts.roles;
    snapshot->body_directory = settings.data_dir;
    snapshot->unmatched = &parts.http_metrics.route("unmatched");
    const auto hosts =
        settings.allowed_hosts.empty() ? default_hosts(settings) : settings.allowed_hosts;
    for (const auto& host : hosts) add_host(*snapshot, host);
    GH_TRY_VOID(add_upstreams(*snapshot, settings, parts, previous));
    for (const auto& config : settings.routes) {
        snapshot->routes.push_back(make_route(config, *snapshot, parts.http_metrics));
        for (const auto& header : config.match.headers) {
            auto& judged = snapshot->judged_headers;
            if (std::ranges::find(judged, header.first) == judged.end())
                judged.push_back(header.first);
        }
    }
    hide_injected(*snapshot);
    GH_TRY_VOID(add_listeners(*snapshot, settings, parts, hosts, now));
    return snapshot;
}

}  // namespace gh::app
