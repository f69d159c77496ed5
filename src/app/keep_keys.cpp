#include <algorithm>

#include "app/house.hpp"
#include "codec/jwk.hpp"
#include "http/fetch.hpp"
#include "identity/jwks.hpp"
#include "identity/jwks_uri.hpp"
#include "net/certificate_files.hpp"

// Fetching the key sets of trusted issuers: off the request path, over verified https.

namespace gh::app {
namespace {

constexpr std::chrono::milliseconds fetch_timeout{5'000};
constexpr std::chrono::milliseconds look_interval{250};

class Fetcher final : public identity::JwksFetcher {
 public:
    Fetcher(net::Loop& loop, net::Resolver& resolver,
            std::shared_ptr<const net::TlsClientContext> tls)
        : loop_(loop), resolver_(resolver), tls_(std::move(tls)) {}

    Task<Result<std::string>> fetch(std::string uri) override {
        auto parts = identity::parse_jwks_uri(uri);
        if (!parts) co_return std::unexpected(std::move(parts).error());
        http::FetchRequest request;
        auto address = net::Address::parse(parts->host, parts->port);
        if (!address) {
            auto found = co_await net::look_up(loop_, resolver_, parts->host, parts->port);
            if (!found) co_return std::unexpected(std::move(found).error());
            request.address = found->front();
        } else {
            request.address = *address;
        }
        if (parts->tls) request.tls = tls_.get();
        request.server_name = parts->host;
        request.authority = parts->authority;
        request.target = parts->target;
        request.timeout = fetch_timeout;
        request.body_bytes_max = codec::jwk_set_bytes_max;
        auto answer = co_await http::fetch(loop_, std::move(request));
        if (!answer) co_return std::unexpected(std::move(answer).error());
        if (answer->status != 200) {
            co_return fail(ErrorKind::unavailable, "jwks.status", std::to_string(answer->status));
        }
        co_return std::move(answer->body);
    }

 private:
    net::Loop& loop_;
    net::Resolver& resolver_;
    std::shared_ptr<const net::TlsClientContext> tls_;
};

/// As long as anybody else holds the cache, which is as long as some Trust names it.
Task<> keep(std::weak_ptr<identity::JwksCache> cache, std::shared_ptr<Fetcher> fetcher,
            identity::TrustSource& source, net::Loop& loop, telemetry::Log& log) {
    bool failing = false;
    while (auto held = cache.lock()) {
        if (held->next_fetch() <= loop.now()) {
            auto clock = [&loop] { return loop.now(); };
            std::function<SteadyTime()> now = clock;
            const auto changed = co_await identity::refresh_keys(held, *fetcher, std::move(now));
            if (changed && *changed) source.publish_fetched_keys();
            if (!changed && !failing) {
                log.warning("auth", "a key set could not be fetched; the last good one stays")
                    .field("jwks_uri", held->uri())
                    .error(changed.error());
            }
            failing = !changed;
        }
        held.reset();
        co_await net::Sleep(loop, look_interval);
    }
}

}  // namespace

void keep_keys(const identity::Trust& trust, identity::TrustSource& source,
               const identity::AuthConfig& config,
               std::vector<std::weak_ptr<identity::JwksCache>>& kept, net::Loop& loop,
               net::Resolver& resolver, telemetry::Log& log) {
    std::erase_if(kept, [](const auto& cache) { return cache.expired(); });
    for (const auto& issuer : trust.issuers()) {
        if (!issuer.jwks ||
            std::ranges::any_of(kept, [&](const auto& c) { return c.lock() == issuer.jwks; }))
            continue;
        net::TlsClientSettings settings;
        for (const auto& configured : config.trusted_issuers) {
            if (configured.jwks_uri != issuer.jwks->uri() || !configured.ca_file) continue;
            if (auto pem = net::read_pem_file(*configured.ca_file))
                settings.ca_pem = std::move(*pem);
            settings.ca_source = configured.ca_file->string();
        }
        auto context = net::TlsClientContext::make(settings);
        if (!context) {
            log.error("auth", "a key set cannot be fetched")
                .field("jwks_uri", issuer.jwks->uri())
                .error(context.error());
            continue;
        }
        kept.push_back(issuer.jwks);
        spawn(keep(issuer.jwks, std::make_shared<Fetcher>(loop, resolver, std::move(*context)),
                   source, loop, log));
    }
}

}  // namespace gh::app
