#include "pki/acme_client/transport.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/try.hpp"
#include "codec/https_url.hpp"
#include "http/fetch.hpp"
#include "net/certificate_files.hpp"
#include "net/loop.hpp"
#include "pki/acme_client/documents.hpp"

namespace gh::pki::acme_client {
namespace {

constexpr std::chrono::milliseconds patience{15'000};  // for one answer of one address
constexpr std::size_t addresses_max = 3;               // of one name that are tried
constexpr std::size_t field_bytes_max = 512;

std::string field_of(const http::Fetched& fetched, std::string_view name) {
    return std::string(fetched.field(name).substr(0, field_bytes_max));
}

Task<Result<std::vector<net::Address>>> addresses_of(net::Loop& loop, net::Resolver& resolver,
                                                     std::string host, std::uint16_t port) {
    if (auto literal = net::Address::parse(host, port))
        co_return std::vector<net::Address>{*literal};
    co_return co_await net::look_up(loop, resolver, std::move(host), port);
}

}  // namespace

Task<Result<Answer>> NetworkTransport::ask(std::string url, std::string body) {
    const auto place = codec::parse_https_url(url);
    if (!place || (!place->tls && !plain_)) {
        co_return fail(ErrorKind::corrupt, "acme_client.malformed",
                       "the CA names a URL that is not asked");
    }
    auto& loop = *net::Loop::current();
    GH_CO_TRY(auto addresses, co_await addresses_of(loop, resolver_, place->host, place->port));
    if (addresses.size() > addresses_max) addresses.resize(addresses_max);
    Error last{ErrorKind::unavailable, "net.resolve", place->host};
    for (const auto& address : addresses) {
        http::FetchRequest request;
        request.address = address;
        request.tls = place->tls ? tls_.get() : nullptr;
        request.server_name = place->host;
        request.authority = place->authority;
        request.target = place->target;
        request.timeout = patience;
        request.body_bytes_max = document_bytes_max;
        request.wanted = {"Replay-Nonce", "Retry-After"};
        if (!body.empty()) {
            request.content_type = "application/jose+json";
            request.body = body;
        }
        auto fetched = co_await http::fetch(loop, std::move(request));
        if (fetched) {
            co_return Answer{.status = fetched->status,
                             .location = fetched->location.substr(0, url_bytes_max),
                             .nonce = field_of(*fetched, "Replay-Nonce"),
                             .retry_after = field_of(*fetched, "Retry-After"),
                             .body = std::move(fetched->body)};
        }
        last = std::move(fetched.error());
        last.detail = place->authority + (last.detail.empty() ? "" : ": " + last.detail);
        // Only one that was not reached may be asked elsewhere: a nonce is good for one request.
        if (last.reason != "fetch.connect") break;
    }
    co_return std::unexpected(std::move(last));
}

Result<std::unique_ptr<Transport>> way_to(const AcmeClientConfig& config, net::Resolver& resolver) {
    net::TlsClientSettings settings;
    if (config.ca_file) {
        GH_TRY(settings.ca_pem, net::read_pem_file(*config.ca_file));
        settings.ca_source = config.ca_file->string();
    }
    GH_TRY(auto tls, net::TlsClientContext::make(settings));
    return std::make_unique<NetworkTransport>(resolver, std::move(tls),
                                              config.directory.starts_with("http://"));
}

}  // namespace gh::pki::acme_client
