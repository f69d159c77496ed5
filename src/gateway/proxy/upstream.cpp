#include "gateway/proxy/upstream.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/try.hpp"

namespace gh::gateway::proxy {
namespace {

constexpr std::size_t idle_max = 512;  // kept by one worker for one upstream

balance::CircuitBreakerOptions breaker_options(const CircuitBreakerConfig& config) {
    return {.failures = config.failures,
            .window = config.window,
            .open_for = config.open_for,
            .half_open_requests = config.half_open_requests};
}

balance::EndpointHealthOptions health_options(const UpstreamConfig& config) {
    balance::EndpointHealthOptions options;
    if (config.health_check) {
        options.unhealthy_after = config.health_check->unhealthy_after;
        options.healthy_after = config.health_check->healthy_after;
    }
    return options;
}

balance::Policy policy_of(BalanceConfig::Kind kind) {
    switch (kind) {
        case BalanceConfig::Kind::round_robin: return balance::Policy::round_robin;
        case BalanceConfig::Kind::least_requests: return balance::Policy::least_requests;
        case BalanceConfig::Kind::hash_header:
        case BalanceConfig::Kind::hash_client_ip: break;
    }
    return balance::Policy::hash;
}

Result<std::string> read_pem(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(ErrorKind::invalid_argument, "upstream.tls_file",
                    "cannot read " + path.string());
    return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::shared_ptr<const net::TlsClientContext>> client_context(const UpstreamConfig& config) {
    if (std::ranges::none_of(config.endpoints, &EndpointConfig::tls)) return nullptr;
    net::TlsClientSettings settings;
    if (config.tls.ca_file) {
        GH_TRY(settings.ca_pem, read_pem(*config.tls.ca_file));
        settings.ca_source = config.tls.ca_file->string();
    }
    if (config.tls.cert_file && config.tls.key_file) {
        net::CertificateChain chain;
        GH_TRY(chain.cert_pem, read_pem(*config.tls.cert_file));
        GH_TRY(chain.key_pem, read_pem(*config.tls.key_file));
        chain.source = config.tls.cert_file->string();
        settings.certificate = std::move(chain);
    }
    return net::TlsClientContext::make(settings);
}

}  // namespace

std::optional<net::Address> Target::address() {
    const std::scoped_lock lock(mutex_);
    if (addresses_.empty()) return {};
    return addresses_[next_++ % addresses_.size()];
}

void Target::set_addresses(std::vector<net::Address> addresses) {
    const std::scoped_lock lock(mutex_);
    addresses_ = std::move(addresses);
}

std::unique_ptr<Connection> Pool::take(const Target& target) {
    for (std::size_t i = idle_.size(); i > 0; --i) {
        if (idle_[i - 1]->target != &target) continue;
        auto connection = std::move(idle_[i - 1]);
        idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i - 1));
        if (!connection->stream->peer_closed()) return connection;
    }
    return nullptr;
}

void Pool::put(std::unique_ptr<Connection> connection, SteadyTime now) {
    if (idle_.size() >= idle_max) idle_.erase(idle_.begin());
    connection->stream->notify(nullptr);
    connection->idle_since = now;
    idle_.push_back(std::move(connection));
}

void Pool::sweep(SteadyTime now, std::chrono::nanoseconds kept_for) {
    std::erase_if(idle_, [&](const std::unique_ptr<Connection>& connection) {
        return connection->stream->peer_closed() || connection->idle_since + kept_for <= now;
    });
}

bool Pool::drop_one() {
    if (idle_.empty()) return false;
    idle_.erase(idle_.begin());
    return true;
}

Result<std::shared_ptr<Upstream>> Upstream::make(const UpstreamConfig& config, std::size_t workers,
                                                 const Metrics& metrics) {
    GH_TRY(auto tls, client_context(config));
    return std::make_shared<Upstream>(config, workers, metrics, std::move(tls));
}

Upstream::Upstream(const UpstreamConfig& config, std::size_t workers, const Metrics& metrics,
                   std::shared_ptr<const net::TlsClientContext> tls)
    : answered(metrics.requests.with({config.name, "answered"})),
      failed(metrics.requests.with({config.name, "failed"})),
      rejected(metrics.requests.with({config.name, "rejected"})),
      connected(metrics.connects.with({config.name, "ok"})),
      connect_failed(metrics.connects.with({config.name, "failed"})),
      circuit_opened(metrics.circuit_opened.with({config.name})),
      config_(config),
      breaker_(breaker_options(config.circuit_breaker)),
      retries_(balance::RetryBudgetOptions{.percent = config.retry.budget_percent}),
      connections_(config.connections_max),
      tls_(std::move(tls)),
      pools_(workers) {
    std::vector<std::shared_ptr<balance::Endpoint>> endpoints;
    for (const auto& endpoint : config.endpoints) {
        auto target = std::make_unique<Target>();
        target->config = endpoint;
        target->text = endpoint.text();
        target->authority = endpoint.authority();
        target->endpoint =
            std::make_shared<balance::Endpoint>(target->text, health_options(config));
        if (auto literal = net::Address::parse(endpoint.host, endpoint.port))
            target->set_addresses({*literal});
        endpoints.push_back(target->endpoint);
        targets_.push_back(std::move(target));
    }
    balancer_ =
        std::make_unique<balance::Balancer>(policy_of(config.balance.kind), std::move(endpoints));
}

Target& Upstream::target_of(const balance::Endpoint& endpoint) {
    const auto found = std::ranges::find_if(targets_, [&](const std::unique_ptr<Target>& target) {
        return target->endpoint.get() == &endpoint;
    });
    return **found;
}

}  // namespace gh::gateway::proxy
