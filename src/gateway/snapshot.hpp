#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "access/access.hpp"
#include "access/rate_limiter.hpp"
#include "api/path_tree.hpp"
#include "api/route.hpp"
#include "gateway/config.hpp"
#include "gateway/proxy/hidden_texts.hpp"
#include "gateway/proxy/upstream.hpp"
#include "http/h1_connection.hpp"
#include "net/config.hpp"
#include "net/tls_context.hpp"
#include "telemetry/http_metrics.hpp"

namespace gh::gateway {

/// A limit with the name that clients see.
struct RouteLimit {
    RateLimitConfig::By by;
    access::Limit limit;
    std::string name;
};

/// A route as requests need it: everything looked up that can be.
struct Route {
    RouteConfig config;
    access::Access access;      ///< made by default it lets nobody in
    bool anyone = false;        ///< no credentials are wanted
    std::uint32_t methods = 0;  ///< one bit per http::Method; 0: every one
    std::vector<RouteLimit> limits;
    std::shared_ptr<proxy::Upstream> upstream;  ///< null where a handler of ours answers
    const api::Route* own = nullptr;
    telemetry::RouteMetrics* metrics = nullptr;           ///< null: not counted
    std::optional<telemetry::QueryMetrics> queries = {};  ///< where requests are questions
    proxy::Timeouts timeouts;
    std::shared_ptr<const proxy::HiddenTexts> hidden;  ///< of its upstream; null: nothing is
};

/// Our own routes of one listener, by their paths.
class OwnRoutes {
 public:
    /// What it matches is its api::Route's method and path.
    /// @return `invalid_argument` "route.template", or `conflict` "route.duplicate"
    [[nodiscard]] Result<void> add(std::unique_ptr<Route> route);

    /// Those whose path this is, one for each method they were told; empty: the path is not ours. Allocates nothing.
    /// @param path  normalised
    [[nodiscard]] std::span<const Route* const> at(std::string_view path) const;

    [[nodiscard]] auto begin() const { return routes_.begin(); }
    [[nodiscard]] auto end() const { return routes_.end(); }

 private:
    api::PathTree paths_;
    std::vector<std::vector<const Route*>> by_path_;
    std::vector<std::unique_ptr<Route>> routes_;
};

/// What answers on one listener.
struct ListenerPlan {
    net::ListenerConfig config;
    std::shared_ptr<const net::TlsContext> tls;
    std::string hsts;                  ///< header value; empty: none
    std::uint16_t redirect_port = 0;   ///< 0: serves
    std::vector<const Route*> routes;  ///< first match wins
    OwnRoutes own;                     ///< built-in paths: they win over routes
};

struct HostHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view host) const {
        return std::hash<std::string_view>{}(host);
    }
};

/// The configuration as the request path reads it. Immutable: a reload makes another and every worker swaps its pointer
/// between two turns; requests under way keep the one they began with.
struct Snapshot {
    std::vector<ListenerPlan> listeners;
    std::vector<std::unique_ptr<Route>> routes;
    std::vector<std::unique_ptr<api::Route>>
        own;  ///< handlers of ours, for the listeners' built-in paths
    std::vector<std::shared_ptr<proxy::Upstream>> upstreams;
    access::CustomRoles roles;  ///< those that are not built in
    std::vector<net::AddressRange> trusted_proxies;
    std::unordered_set<std::string, HostHash, std::equal_to<>>
        allowed_hosts;                               ///< lower case, without port
    std::vector<std::string> allowed_host_suffixes;  ///< ".example.com" of "*.example.com"
    std::vector<std::string> judged_headers;         ///< names by which some route is chosen
    net::LimitsConfig limits;
    std::shared_ptr<const http::ServerLimits> server_limits;
    telemetry::RouteMetrics* unmatched = nullptr;  ///< counts what no route claimed
    std::filesystem::path body_directory;          ///< where request bodies are buffered
    bool open = false;                             ///< auth.enabled: false: everybody is let in

    [[nodiscard]] bool is_allowed_host(std::string_view authority) const;
    /// The plan of this name; one that serves nothing where a reload has removed it.
    [[nodiscard]] const ListenerPlan& listener(std::string_view name) const;
};

/// Finds the route that a request takes.
/// @param path  normalised
/// @return nullptr: none
[[nodiscard]] const Route* match_route(const ListenerPlan& listener, const http::RequestHead& head,
                                       std::string_view path);

/// Methods by which this request would have found a route, for Allow (RFC 9110 §15.5.6): those of our own path where it is
/// one, those of routes otherwise. Empty: no method would have helped.
[[nodiscard]] std::string allowed_methods(const ListenerPlan& listener,
                                          const http::RequestHead& head, std::string_view path);

/// `authority` without its port; brackets of an IPv6 literal stay.
[[nodiscard]] std::string_view host_of(std::string_view authority);

}  // namespace gh::gateway
