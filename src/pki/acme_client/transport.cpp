#include "pki/acme_client/transport.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "codec/https_url.hpp"
#include "net/certificate_files.hpp"
#include "net/loop.hpp"
#include "pki/acme_client/documents.hpp"

namespace gh::pki::acme_client {
namespace {

constexpr milliseconds answer_patience{20'000};
constexpr milliseconds connect_patience{5'000};  // of one address
constexpr std::size_t addresses_max = 3;         // of one name that are tried
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

Task<Result<http::Fetched>> fetch_of_any(std::vector<net::Address> addresses,
                                         http::FetchRequest request) {
    auto& loop = *net::Loop::current();
    const auto deadline = loop.now() + request.timeout;
    Error last{ErrorKind::unavailable, "net.resolve", request.authority};
    for (const auto& address : addresses) {
        auto one = request;
        one.address = address;
        one.timeout = std::chrono::ceil<milliseconds>(deadline - loop.now());
        if (one.timeout <= milliseconds(0)) break;
        auto fetched = co_await http::fetch(loop, std::move(one));
        if (fetched) co_return fetched;
        last = std::move(fetched.error());
        last.detail = request.authority + (last.detail.empty() ? "" : ": " + last.detail);
        // Only one that did not get the request may be followed by another: a nonce is good for one.
        if (last.reason != "fetch.connect" && last.reason != "fetch.tls") break;
    }
    co_return std::unexpected(std::move(last));
}

Task<Result<Answer>> NetworkTransport::ask(std::string url, std::string body,
                                           milliseconds patience) {
    const auto place = codec::parse_https_url(url);
    if (!place || (!place->tls && !plain_)) {
        co_return fail(ErrorKind::corrupt, "acme_client.malformed",
                       "the CA names a URL that is not asked");
    }
    auto& loop = *net::Loop::current();
    GH_CO_TRY(auto addresses, co_await addresses_of(loop, resolver_, place->host, place->port));
    if (addresses.size() > addresses_max) addresses.resize(addresses_max);
    http::FetchRequest request;
    request.tls = place->tls ? tls_.get() : nullptr;
    request.server_name = place->host;
    request.authority = place->authority;
    request.target = place->target;
    request.timeout = std::min(patience, answer_patience);
    request.connect_timeout = connect_patience;
    request.body_bytes_max = document_bytes_max;
    request.wanted = {"Replay-Nonce", "Retry-After"};
    if (!body.empty()) {
        request.content_type = "application/jose+json";
        request.body = std::move(body);
    }
    GH_CO_TRY(auto fetched, co_await fetch_of_any(std::move(addresses), std::move(request)));
    co_return Answer{.status = fetched.status,
                     .location = fetched.location.substr(0, url_bytes_max),
                     .nonce = field_of(fetched, "Replay-Nonce"),
                     .retry_after = field_of(fetched, "Retry-After"),
                     .body = std::move(fetched.body)};
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
