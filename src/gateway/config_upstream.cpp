#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/try.hpp"
#include "config/object.hpp"
#include "config/text.hpp"
#include "config/types.hpp"
#include "config/unit.hpp"
#include "gateway/config.hpp"
#include "gateway/config_words.hpp"

namespace gh::gateway {
namespace {

using config::Node;
using config::Object;
using config::Reader;
using config::Type;
using std::chrono::hours;

constexpr std::string_view endpoint_allowed = "allowed: http://HOST:PORT or https://HOST:PORT";

std::unexpected<Error> bad_endpoint(std::string_view detail) {
    return fail(ErrorKind::invalid_argument, "config.endpoint",
                fmt::format("{}, {}", detail, endpoint_allowed));
}

bool is_v6(const std::string& text) {
    in6_addr ignored{};
    return ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

}  // namespace

std::string EndpointConfig::authority() const {
    const auto name = host.contains(':') ? fmt::format("[{}]", host) : host;
    return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::string EndpointConfig::text() const {
    return fmt::format("{}://{}", tls ? "https" : "http", authority());
}

Result<EndpointConfig> parse_endpoint(std::string_view text) {
    EndpointConfig out;
    if (text.starts_with("https://")) {
        out.tls = true;
        text.remove_prefix(8);
    } else if (text.starts_with("http://")) {
        text.remove_prefix(7);
    } else {
        return bad_endpoint("is not an http or https URL");
    }
    out.port = out.tls ? 443 : 80;
    if (text.contains('@'))
        return bad_endpoint("holds credentials, which belong into inject.headers");
    if (text.ends_with('/')) text.remove_suffix(1);
    if (text.find_first_of("/?#") != std::string_view::npos)
        return bad_endpoint("holds more than scheme, host and port");

    const bool bracketed = text.starts_with('[');
    const auto host_end = bracketed ? text.find(']') : text.find(':');
    if (bracketed && host_end == std::string_view::npos)
        return bad_endpoint("has a [ that is not closed");
    out.host = config::lower(bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end));
    if (bracketed ? !is_v6(out.host) : !is_host_name(out.host))
        return bad_endpoint("has no host name or address");
    const auto rest = bracketed ? text.substr(host_end + 1)
                                : (host_end == std::string_view::npos ? std::string_view{}
                                                                      : text.substr(host_end));
    if (rest.empty()) return out;
    const auto port =
        rest.starts_with(':') ? config::parse_integer(rest.substr(1)) : config::parse_integer("");
    if (!port || *port < 1 || *port > 65'535) return bad_endpoint("has no port from 1 to 65535");
    out.port = static_cast<std::uint16_t>(*port);
    return out;
}

namespace {

Type<BalanceConfig> balance_type() {
    using Kind = BalanceConfig::Kind;
    const auto parse = [](std::string_view word) -> Result<BalanceConfig> {
        constexpr std::string_view by_header = "hash:header:";
        if (word == "round_robin") return BalanceConfig{.kind = Kind::round_robin, .header = {}};
        if (word == "least_requests")
            return BalanceConfig{.kind = Kind::least_requests, .header = {}};
        if (word == "hash:client_ip")
            return BalanceConfig{.kind = Kind::hash_client_ip, .header = {}};
        if (word.starts_with(by_header) && is_token(word.substr(by_header.size()))) {
            return BalanceConfig{.kind = Kind::hash_header,
                                 .header = std::string(word.substr(by_header.size()))};
        }
        return fail(
            ErrorKind::invalid_argument, "config.balance",
            "is unknown, allowed: round_robin, least_requests, hash:header:NAME, hash:client_ip");
    };
    const auto print = [](const BalanceConfig& balance) -> std::string {
        switch (balance.kind) {
            case Kind::round_robin: return "round_robin";
            case Kind::least_requests: return "least_requests";
            case Kind::hash_client_ip: return "hash:client_ip";
            case Kind::hash_header: return "hash:header:" + balance.header;
        }
        return {};
    };
    return config::parsed_text<BalanceConfig>(parse, print);
}

Type<HealthCheckConfig> health_check_type() {
    Object<HealthCheckConfig> table;
    table.key("path", &HealthCheckConfig::path, path_type(),
              "What is asked of each endpoint, with GET.");
    table.key("interval", &HealthCheckConfig::interval,
              config::duration(milliseconds(100), hours(1)), "Between two checks of an endpoint.");
    table.key("timeout", &HealthCheckConfig::timeout, config::duration(milliseconds(10), hours(1)),
              "How long an answer may take: 2xx or 3xx is healthy.");
    table.key("unhealthy_after", &HealthCheckConfig::unhealthy_after, config::integer(1U, 100U),
              "Failed checks in a row.");
    table.key("healthy_after", &HealthCheckConfig::healthy_after, config::integer(1U, 100U),
              "Passed checks in a row.");
    return table.type();
}

Type<CircuitBreakerConfig> circuit_breaker_type() {
    Object<CircuitBreakerConfig> table;
    table.key("enabled", &CircuitBreakerConfig::enabled, config::boolean(),
              "Stop asking an upstream that fails.");
    table.key("failures", &CircuitBreakerConfig::failures, config::integer(1U, 10'000U),
              "As many within the window open the circuit.");
    table.key("window", &CircuitBreakerConfig::window,
              config::duration(milliseconds(100), hours(1)), "In which failures are counted.");
    table.key("open_for", &CircuitBreakerConfig::open_for,
              config::duration(milliseconds(100), hours(1)),
              "How long nothing is asked; clients get 503 with Retry-After.");
    table.key("half_open_requests", &CircuitBreakerConfig::half_open_requests,
              config::integer(1U, 1000U),
              "Requests let through to find out, and successes wanted to close the circuit.");
    return table.type();
}

Type<TimeoutsConfig> timeouts_type() {
    const auto wait = config::duration(milliseconds(1), hours(24));
    Object<TimeoutsConfig> table;
    table.key("connect", &TimeoutsConfig::connect, wait, "TCP and TLS to the endpoint.");
    table.key("response", &TimeoutsConfig::response, wait,
              "Request sent to the head of the answer; then 504.");
    table.key("idle", &TimeoutsConfig::idle, wait,
              "Between two bytes of an answer; streams that send anything live on.");
    table.key("tunnel_idle", &TimeoutsConfig::tunnel_idle, wait,
              "WebSocket: while both sides are silent.");
    table.key("total", &TimeoutsConfig::total, config::maybe(wait),
              "The whole exchange. Left out: no limit.");
    return table.type();
}

/// What `retry.on` lists: `connect` or a status.
struct RetryOn {
    bool connect = false;
    std::vector<std::uint16_t> statuses;
};

Type<RetryOn> retry_on_type() {
    using Words = std::vector<std::string>;
    constexpr std::string_view allowed[] = {"connect", "500", "502", "503", "504", "429"};
    return config::mapped<std::vector<std::size_t>, RetryOn>(
        config::list_of(config::word_of(Words(std::begin(allowed), std::end(allowed))),
                        {.items_max = 8}),
        [allowed](const std::vector<std::size_t>& picked) -> Result<RetryOn> {
            RetryOn out;
            for (const auto index : picked) {
                if (index == 0) {
                    out.connect = true;
                } else {
                    out.statuses.push_back(
                        static_cast<std::uint16_t>(*config::parse_integer(allowed[index])));
                }
            }
            return out;
        },
        [allowed](const RetryOn& on) {
            std::vector<std::size_t> out;
            if (on.connect) out.push_back(0);
            for (const auto status : on.statuses) {
                const auto* found = std::ranges::find(allowed, fmt::format("{}", status));
                out.push_back(static_cast<std::size_t>(found - std::begin(allowed)));
            }
            return out;
        });
}

Type<RetryConfig> retry_type() {
    Object<RetryConfig> table;
    table.key("attempts", &RetryConfig::attempts, config::integer(1U, 10U),
              "In all; 1 never tries again.");
    table.part<RetryOn>(
        "on",
        [](RetryConfig& retry, RetryOn on) {
            retry.on_connect = on.connect;
            retry.on_statuses = std::move(on.statuses);
        },
        [](const RetryConfig& retry) { return RetryOn{retry.on_connect, retry.on_statuses}; },
        retry_on_type(),
        "What is tried again, for idempotent requests only: connect (not reached), or these "
        "statuses.");
    table.key("budget_percent", &RetryConfig::budget_percent, config::integer(0U, 100U),
              "Retries per hundred requests, so that an upstream in trouble is not drowned.");
    return table.type();
}

Type<UpstreamTlsConfig> upstream_tls_type() {
    Object<UpstreamTlsConfig> table;
    table.key("ca_file", &UpstreamTlsConfig::ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for the endpoints. Left out: the system's authorities.");
    table.key("server_name", &UpstreamTlsConfig::server_name, host_type(),
              "The name its certificate must hold. Left out: the host of the endpoint.");
    table.key("cert_file", &UpstreamTlsConfig::cert_file, config::maybe(config::file_path()),
              "PEM: our certificate, where the upstream wants one.");
    table.key("key_file", &UpstreamTlsConfig::key_file, config::maybe(config::file_path()),
              "PEM: its private key.");
    table.check([](const Node& node, Reader& reader, const UpstreamTlsConfig& tls) {
        if (tls.cert_file.has_value() == tls.key_file.has_value()) return true;
        reader.refuse(node, "has one of cert_file and key_file, wanted: both or neither");
        return false;
    });
    return table.type();
}

bool check_upstream(const Node& node, Reader& reader, const UpstreamConfig& upstream) {
    bool good = true;
    const bool any_tls = std::ranges::any_of(upstream.endpoints, &EndpointConfig::tls);
    if (upstream.tls != UpstreamTlsConfig{} && !any_tls) {
        reader.refuse(node, "has tls, but no endpoint is https");
        good = false;
    }
    for (std::size_t i = 0; i < upstream.endpoints.size(); ++i) {
        if (std::find(upstream.endpoints.begin(),
                      upstream.endpoints.begin() + static_cast<std::ptrdiff_t>(i),
                      upstream.endpoints[i]) ==
            upstream.endpoints.begin() + static_cast<std::ptrdiff_t>(i)) {
            continue;
        }
        reader.refuse(node, fmt::format("has the endpoint {} twice", upstream.endpoints[i].text()));
        good = false;
    }
    return good;
}

}  // namespace

Type<UpstreamConfig> upstream_type() {
    constexpr std::size_t endpoints_max = 256;
    Object<UpstreamConfig> table;
    table.required("name", &UpstreamConfig::name, config::name(),
                   "What routes, metrics and the log call it.");
    table.required(
        "endpoints", &UpstreamConfig::endpoints,
        config::list_of(config::parsed_text<EndpointConfig>(
                            parse_endpoint, [](const EndpointConfig& one) { return one.text(); }),
                        {.items_min = 1, .items_max = endpoints_max}),
        "http or https URLs; several are balanced, https is always verified.");
    table.key("balance", &UpstreamConfig::balance, balance_type(),
              "round_robin, least_requests, hash:header:NAME or hash:client_ip.");
    table.key("health_check", &UpstreamConfig::health_check, config::maybe(health_check_type()),
              "Asks each endpoint how it is; {} for all defaults. Left out: judged by the traffic "
              "alone.");
    table.key("circuit_breaker", &UpstreamConfig::circuit_breaker, circuit_breaker_type(),
              "Spares an upstream that fails, and its clients the wait.");
    table.key("timeouts", &UpstreamConfig::timeouts, timeouts_type(),
              "How long an upstream may take.");
    table.key("retry", &UpstreamConfig::retry, retry_type(), "A second try at another endpoint.");
    table.key("connections_max", &UpstreamConfig::connections_max, config::integer(1U, 100'000U),
              "Connections to all endpoints together.");
    table.key("pending_max", &UpstreamConfig::pending_max, config::integer(0U, 1'000'000U),
              "Requests that may wait for a connection; more get 503.");
    table.key("resolve_interval", &UpstreamConfig::resolve_interval,
              config::duration(milliseconds(1000), hours(24)),
              "How often host names are looked up again.");
    table.key("tls", &UpstreamConfig::tls, upstream_tls_type(), "For https endpoints.");
    table.check(check_upstream);
    return table.type();
}

}  // namespace gh::gateway
