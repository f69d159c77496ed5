#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "config/reader.hpp"
#include "config/type.hpp"
#include "net/config.hpp"

namespace gh::gateway {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// One address of an upstream.
struct EndpointConfig {
    bool tls = false;  ///< https: the certificate is verified, always
    std::string host;  ///< lower case; without brackets when it is an IPv6 address
    std::uint16_t port = 80;

    /// "http://127.0.0.1:8000", "https://[::1]:8443".
    [[nodiscard]] std::string text() const;
    /// "127.0.0.1:8000": what Host says when the endpoint is asked on its own behalf; default ports left out.
    [[nodiscard]] std::string authority() const;
    friend bool operator==(const EndpointConfig&, const EndpointConfig&) = default;
};

/// Scheme http or https, host, optional port; a path, a query or credentials are refused.
/// @return `invalid_argument` "config.endpoint" with what is wrong
[[nodiscard]] Result<EndpointConfig> parse_endpoint(std::string_view text);

struct BalanceConfig {
    enum class Kind : std::uint8_t { round_robin, least_requests, hash_header, hash_client_ip };
    Kind kind = Kind::least_requests;
    std::string header;  ///< with hash_header
    friend bool operator==(const BalanceConfig&, const BalanceConfig&) = default;
};

/// Active probes: GET `path` on every endpoint, healthy when 2xx or 3xx answers in time.
struct HealthCheckConfig {
    std::string path = "/health";
    milliseconds interval{5'000};
    milliseconds timeout{2'000};
    std::uint32_t unhealthy_after = 3;
    std::uint32_t healthy_after = 2;
    friend bool operator==(const HealthCheckConfig&, const HealthCheckConfig&) = default;
};

struct CircuitBreakerConfig {
    bool enabled = true;
    std::uint32_t failures = 5;  ///< within `window`, to open
    milliseconds window{10'000};
    milliseconds open_for{30'000};
    std::uint32_t half_open_requests =
        1;  ///< at once, while it finds out; each must succeed to close
    friend bool operator==(const CircuitBreakerConfig&, const CircuitBreakerConfig&) = default;
};

struct TimeoutsConfig {
    milliseconds connect{2'000};    ///< name, TCP and TLS together
    milliseconds response{30'000};  ///< request sent to the head of the answer
    milliseconds idle{
        60'000};  ///< between two bytes of an answer; streams that send anything live on
    milliseconds tunnel_idle{3'600'000};  ///< WebSocket, both ways silent
    std::optional<milliseconds> total;    ///< the whole exchange; unset: none
    friend bool operator==(const TimeoutsConfig&, const TimeoutsConfig&) = default;
};

/// Idempotent requests only (RFC 9110 §9.2.2), and only while no byte of the answer was passed on.
struct RetryConfig {
    std::uint32_t attempts = 2;  ///< in all: 1 never tries again
    bool on_connect = true;      ///< the endpoint was not reached, or closed before it answered
    std::vector<std::uint16_t> on_statuses = {502, 503, 504};
    std::uint32_t budget_percent =
        20;  ///< retries per hundred requests; a dead upstream is not hammered
    friend bool operator==(const RetryConfig&, const RetryConfig&) = default;
};

struct UpstreamTlsConfig {
    std::optional<std::filesystem::path> ca_file;  ///< unset: the system's certificate authorities
    std::string server_name;                       ///< unset: the endpoint's host
    std::optional<std::filesystem::path>
        cert_file;  ///< our certificate, where the upstream wants one
    std::optional<std::filesystem::path> key_file;
    friend bool operator==(const UpstreamTlsConfig&, const UpstreamTlsConfig&) = default;
};

struct UpstreamConfig {
    std::string name;
    std::vector<EndpointConfig> endpoints;
    BalanceConfig balance;
    std::optional<HealthCheckConfig> health_check;  ///< unset: judged by the traffic alone
    CircuitBreakerConfig circuit_breaker;
    TimeoutsConfig timeouts;
    RetryConfig retry;
    std::uint32_t connections_max = 256;  ///< over all workers and endpoints
    std::uint32_t pending_max = 1024;     ///< requests waiting for one of them; more get 503
    milliseconds resolve_interval{30'000};
    UpstreamTlsConfig tls;
    friend bool operator==(const UpstreamConfig&, const UpstreamConfig&) = default;
};

/// What a request must look like; everything said must hold. Judged on the normalised path.
struct RouteMatch {
    std::string path;  ///< exactly this one; empty: not asked
    std::string
        path_prefix;  ///< "/api/": below it; "/api": itself or below "/api/"; exactly one of the two is set
    std::vector<std::string> methods;  ///< upper case; empty: every one
    std::string
        host;  ///< lower case, without port; "*.example.com": one label more; empty: every one
    std::string listener;  ///< name; empty: every one that serves the gateway
    std::vector<std::pair<std::string, std::string>> headers;  ///< name and its exact value
    friend bool operator==(const RouteMatch&, const RouteMatch&) = default;
};

/// Who may. One made by default lets nobody in.
struct AccessConfig {
    enum class Kind : std::uint8_t {
        nobody,
        anyone,
        authenticated,
        role,
        scopes,
        client_certificate,
        agent
    };
    Kind kind = Kind::nobody;
    std::string role;  ///< with Kind::role: built-in ones admit those above them, others themselves
    std::vector<std::string> scopes;  ///< with Kind::scopes: every one of them
    friend bool operator==(const AccessConfig&, const AccessConfig&) = default;
};

struct RateLimitConfig {
    enum class By : std::uint8_t { client_ip, principal, route };
    std::uint32_t requests = 0;
    milliseconds per{0};
    By by = By::client_ip;
    friend bool operator==(const RateLimitConfig&, const RateLimitConfig&) = default;
};

/// Cross-origin requests (Fetch standard, CORS protocol).
struct CorsConfig {
    bool any_origin = false;           ///< `*`; never together with credentials
    std::vector<std::string> origins;  ///< serialised origins, compared exactly
    std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    std::vector<std::string> headers = {"Authorization", "Content-Type", "X-API-Key",
                                        "X-Correlation-ID"};
    std::vector<std::string> expose = {"X-Request-ID", "X-Correlation-ID", "Retry-After"};
    bool credentials = false;
    seconds max_age{600};
    friend bool operator==(const CorsConfig&, const CorsConfig&) = default;
};

/// What `${...}` in an injected header may name.
enum class RequestFact : std::uint8_t {
    none,  // literal text
    principal_subject,
    principal_type,
    principal_roles,
    principal_scopes,
    principal_issuer,
    client_ip,
    request_id,
    correlation_id,
};

struct HeaderPart {
    RequestFact fact = RequestFact::none;
    std::string text;                           ///< with RequestFact::none
    std::vector<config::TextRange> referenced;  ///< what of it is nobody's to see

    friend bool operator==(const HeaderPart& a, const HeaderPart& b) {
        return a.fact == b.fact && a.text == b.text;
    }
};

/// A field set on the way to the upstream; the client's own of that name are removed.
struct HeaderInjection {
    std::string name;
    std::vector<HeaderPart> parts;
    friend bool operator==(const HeaderInjection&, const HeaderInjection&) = default;
};

struct InjectConfig {
    std::vector<HeaderInjection> headers;
    bool hide = true;  ///< what came through references is hunted in answers
    friend bool operator==(const InjectConfig&, const InjectConfig&) = default;
};

enum class BodyMode : std::uint8_t { stream, buffer };
enum class SecurityHeaders : std::uint8_t { api, page, none };

/// What a route's requests are: `query` has them counted as questions, too.
enum class RouteKind : std::uint8_t { request, query };

/// One route of gatehouse.yaml. `access` has no default in the file: it must be said.
struct RouteConfig {
    std::string
        name;  ///< label in metrics and log; unset in the file: the path or prefix it matches
    RouteMatch match;
    std::string upstream;
    AccessConfig access;
    RouteKind kind = RouteKind::request;
    std::vector<RateLimitConfig> rate_limit;
    std::uint64_t request_body_max = 10 * 1024 * 1024;
    BodyMode request_body = BodyMode::stream;
    std::optional<CorsConfig> cors;
    InjectConfig inject;
    bool access_log = true;
    bool allow_encoded_slash = false;
    SecurityHeaders security_headers = SecurityHeaders::api;
    std::string csp;   ///< Content-Security-Policy for HTML of the upstream; empty: none is added
    struct Timeouts {  ///< set: instead of the upstream's
        std::optional<milliseconds> response, idle, tunnel_idle, total;
        friend bool operator==(const Timeouts&, const Timeouts&) = default;
    } timeouts;
    friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};

/// A route that another answers for.
struct HiddenRoute {
    std::size_t route;  ///< index in the list
    std::size_t by;     ///< of an earlier one, wider in every respect
};

/// Path templates that answer on a listener which serves these; they win over routes.
[[nodiscard]] std::vector<std::string_view> built_in_paths(std::span<const net::Service> serve);

/// Routes that can never be reached.
[[nodiscard]] std::vector<HiddenRoute> hidden_routes(const std::vector<RouteConfig>& routes);
/// Does `path` match, hosts and methods aside?
[[nodiscard]] bool covers_path(const RouteMatch& match, std::string_view path);

/// How `upstreams[]` and `routes[]` are read, shown and described.
[[nodiscard]] config::Type<UpstreamConfig> upstream_type();
[[nodiscard]] config::Type<RouteConfig> route_type();
/// `allowed_hosts[]`: lower case, no port; "*.example.com" allowed.
[[nodiscard]] config::Type<std::string> host_type();
/// A serialised origin (RFC 6454 §6.1) or "*".
[[nodiscard]] config::Type<std::string> origin_type();

}  // namespace gh::gateway
