#include <algorithm>

#include "config/text.hpp"
#include "gateway/config.hpp"

namespace gh::gateway {
namespace {

/// Does every path that `inner` matches match `outer` as well?
bool path_within(const RouteMatch& inner, const RouteMatch& outer) {
    if (!inner.path.empty()) return covers_path(outer, inner.path);
    if (!outer.path.empty()) return false;
    // "/api" holds "/api" and all below "/api/"; "/api/" lacks "/api" itself.
    return covers_path(outer, inner.path_prefix);
}

bool host_within(std::string_view inner, std::string_view outer) {
    if (outer.empty() || inner == outer) return true;
    if (!outer.starts_with("*.") || inner.empty() || inner.starts_with("*.")) return false;
    const auto dot = inner.find('.');
    return dot != std::string_view::npos && inner.substr(dot) == outer.substr(1);
}

bool within(const RouteMatch& inner, const RouteMatch& outer) {
    const auto has_header = [&](const auto& wanted) {
        return std::ranges::any_of(inner.headers, [&](const auto& header) {
            return config::lower(header.first) == config::lower(wanted.first) &&
                   header.second == wanted.second;
        });
    };
    const auto has_method = [&](const auto& method) {
        return std::ranges::find(outer.methods, method) != outer.methods.end();
    };
    const bool methods = outer.methods.empty() ||
                         (!inner.methods.empty() && std::ranges::all_of(inner.methods, has_method));
    return methods && path_within(inner, outer) && host_within(inner.host, outer.host) &&
           (outer.listener.empty() || outer.listener == inner.listener) &&
           std::ranges::all_of(outer.headers, has_header);
}

/// Of all rooms, in alphabetical order.
constexpr std::string_view control_plane[] = {
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
    "/.well-known/openid-configuration",
    "/api/v1/agents",
    "/api/v1/agents/by-hostname/{hostname}",
    "/api/v1/agents/enrol",
    "/api/v1/agents/refresh",
    "/api/v1/agents/self",
    "/api/v1/agents/{agent}",
    "/api/v1/agents/{agent}/enrolment",
    "/api/v1/agents/{agent}/heartbeat",
    "/api/v1/agents/{agent}/tokens",
    "/api/v1/agents/{agent}/tokens/{token}",
    "/api/v1/auth/login",
    "/api/v1/auth/logout",
    "/api/v1/auth/password",
    "/api/v1/certificates",
    "/api/v1/certificates/{serial}",
    "/api/v1/certificates/{serial}/revoke",
    "/api/v1/enrolments",
    "/api/v1/enrolments/{enrolment}",
    "/api/v1/health",
    "/api/v1/keys",
    "/api/v1/keys/{key}",
    "/api/v1/keys/{key}/rotate",
    "/api/v1/kill-switch",
    "/api/v1/kill-switch/{receipt}",
    "/api/v1/log-level",
    "/api/v1/message_history",
    "/api/v1/messages",
    "/api/v1/messages/ack",
    "/api/v1/messages/batch",
    "/api/v1/messages/dead",
    "/api/v1/messages/inboxes",
    "/api/v1/messages/inboxes/empty",
    "/api/v1/messages/nack",
    "/api/v1/messages/receive",
    "/api/v1/messages/renew",
    "/api/v1/messages/socket",
    "/api/v1/messages/stream",
    "/api/v1/messages/{message}",
    "/api/v1/messages/{message}/replay",
    "/api/v1/notifications",
    "/api/v1/openapi.json",
    "/api/v1/plans",
    "/api/v1/plans/claim",
    "/api/v1/plans/statistics",
    "/api/v1/plans/{plan}",
    "/api/v1/plans/{plan}/cancel",
    "/api/v1/plans/{plan}/events",
    "/api/v1/plans/{plan}/pause",
    "/api/v1/plans/{plan}/resume",
    "/api/v1/plans/{plan}/steps",
    "/api/v1/plans/{plan}/steps/{step}",
    "/api/v1/plans/{plan}/steps/{step}/approve",
    "/api/v1/plans/{plan}/steps/{step}/cancel",
    "/api/v1/plans/{plan}/steps/{step}/complete",
    "/api/v1/plans/{plan}/steps/{step}/fail",
    "/api/v1/plans/{plan}/steps/{step}/heartbeat",
    "/api/v1/plans/{plan}/steps/{step}/reject",
    "/api/v1/plans/{plan}/steps/{step}/result",
    "/api/v1/profiles/allocations",
    "/api/v1/profiles/cpu",
    "/api/v1/profiles/stalls",
    "/api/v1/roles",
    "/api/v1/roles/{role}",
    "/api/v1/secrets/consumers/{path...}",
    "/api/v1/secrets/rotation-runs/{path...}",
    "/api/v1/secrets/rotations",
    "/api/v1/secrets/rotations/{path...}",
    "/api/v1/tasks",
    "/api/v1/tasks/{task}",
    "/api/v1/threats",
    "/api/v1/threats/{threat}",
    "/api/v1/users",
    "/api/v1/users/{user}",
    "/api/v1/users/{user}/password",
    "/api/v1/users/{user}/tokens",
    "/auth/me",
    "/auth/status",
    "/auth/token",
    "/db/pool",
    "/oauth/authorize",
    "/oauth/device",
    "/oauth/device/approve",
    "/oauth/introspect",
    "/oauth/register",
    "/oauth/revoke",
    "/oauth/token",
    "/oauth/userinfo",
    "/pki/ca.pem",
    "/pki/crl",
    "/pki/enrol",
    "/pki/issuer.crt",
    "/pki/ocsp",
    "/pki/ocsp/{request}",
    "/pki/renew",
    "/pki/root.crl",
    "/v1/auth/token/accessors",
    "/v1/auth/token/accessors/",
    "/v1/auth/token/create",
    "/v1/auth/token/create-orphan",
    "/v1/auth/token/lookup",
    "/v1/auth/token/lookup-accessor",
    "/v1/auth/token/lookup-self",
    "/v1/auth/token/renew",
    "/v1/auth/token/renew-accessor",
    "/v1/auth/token/renew-self",
    "/v1/auth/token/revoke",
    "/v1/auth/token/revoke-accessor",
    "/v1/auth/token/revoke-orphan",
    "/v1/auth/token/revoke-self",
    "/v1/database/config",
    "/v1/database/config/",
    "/v1/database/config/{name}",
    "/v1/database/creds/{name}",
    "/v1/database/roles",
    "/v1/database/roles/",
    "/v1/database/roles/{name}",
    "/v1/secret/data/{path...}",
    "/v1/secret/delete/{path...}",
    "/v1/secret/destroy/{path...}",
    "/v1/secret/metadata",
    "/v1/secret/metadata/",
    "/v1/secret/metadata/{path...}",
    "/v1/secret/undelete/{path...}",
    "/v1/sys/capabilities-self",
    "/v1/sys/health",
    "/v1/sys/init",
    "/v1/sys/internal/ui/mounts/{path...}",
    "/v1/sys/leader",
    "/v1/sys/leases/lookup",
    "/v1/sys/leases/lookup/{path...}",
    "/v1/sys/leases/renew",
    "/v1/sys/leases/revoke",
    "/v1/sys/leases/revoke-prefix/{path...}",
    "/v1/sys/mounts",
    "/v1/sys/policies/acl",
    "/v1/sys/policies/acl/",
    "/v1/sys/policies/acl/{name}",
    "/v1/sys/policy",
    "/v1/sys/policy/",
    "/v1/sys/policy/{name}",
    "/v1/sys/seal-status",
    "/v1/sys/tools/hash",
    "/v1/sys/tools/hash/{algorithm}",
    "/v1/sys/tools/random",
    "/v1/sys/tools/random/{bytes}",
    "/v1/sys/wrapping/lookup",
    "/v1/sys/wrapping/rewrap",
    "/v1/sys/wrapping/unwrap",
    "/v1/sys/wrapping/wrap",
    "/v1/transit/datakey/{kind}/{name}",
    "/v1/transit/decrypt/{name}",
    "/v1/transit/encrypt/{name}",
    "/v1/transit/export/{kind}/{name}",
    "/v1/transit/export/{kind}/{name}/{version}",
    "/v1/transit/hash",
    "/v1/transit/hash/{algorithm}",
    "/v1/transit/hmac/{name}",
    "/v1/transit/hmac/{name}/{algorithm}",
    "/v1/transit/keys",
    "/v1/transit/keys/",
    "/v1/transit/keys/{name}",
    "/v1/transit/keys/{name}/config",
    "/v1/transit/keys/{name}/rotate",
    "/v1/transit/keys/{name}/trim",
    "/v1/transit/random",
    "/v1/transit/random/{bytes}",
    "/v1/transit/rewrap/{name}",
    "/v1/transit/sign/{name}",
    "/v1/transit/sign/{name}/{algorithm}",
    "/v1/transit/verify/{name}",
    "/v1/transit/verify/{name}/{algorithm}",
};

}  // namespace

std::vector<std::string_view> built_in_paths(std::span<const net::Service> serve) {
    using net::Service;
    const auto serves = [serve](Service one) {
        return std::ranges::find(serve, one) != serve.end();
    };
    std::vector<std::string_view> out;
    if (serves(Service::health) || serves(Service::api))
        out = {"/health", "/health/live", "/health/ready", "/api/system/health", "/system/info"};
    if (serves(Service::metrics) || serves(Service::api)) out.emplace_back("/metrics");
    if (serves(Service::api))
        out.insert(out.end(), std::begin(control_plane), std::end(control_plane));
    return out;
}

bool covers_path(const RouteMatch& match, std::string_view path) {
    if (!match.path.empty()) return match.path == path;
    const std::string_view prefix = match.path_prefix;
    if (!path.starts_with(prefix)) return false;
    return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

std::vector<HiddenRoute> hidden_routes(const std::vector<RouteConfig>& routes) {
    std::vector<HiddenRoute> out;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (!within(routes[i].match, routes[j].match)) continue;
            out.push_back(HiddenRoute{i, j});
            break;
        }
    }
    return out;
}

}  // namespace gh::gateway
