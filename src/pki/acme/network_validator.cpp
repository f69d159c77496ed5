#include "pki/acme/network_validator.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/host.hpp"
#include "crypto/digest.hpp"
#include "net/loop.hpp"
#include "net/shown_certificate.hpp"
#include "pki/acme/identifier.hpp"
#include "pki/acme/reachable.hpp"
#include "pki/acme/tls_proof.hpp"
#include "pki/host_names.hpp"

namespace gh::pki::acme {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view challenge_path = "/.well-known/acme-challenge/";
constexpr milliseconds patience{10'000};     // for one try, names and redirects among it
constexpr milliseconds one_patience{5'000};  // for one address
constexpr std::size_t addresses_max = 4;     // of one name that are tried
constexpr std::size_t answer_bytes_max = 4096;
constexpr std::size_t location_bytes_max = 2048;

std::unexpected<Error> wrong(std::string why) {
    return fail(ErrorKind::invalid_argument, "acme.response", std::move(why));
}

/// What a caller's own queue refuses is no fault of the client's name, but is tried again like one.
Error connection_error(const HttpPlace& place, const Error& error) {
    const bool answered = error.kind == ErrorKind::corrupt;
    const bool tls = error.reason == "fetch.tls";
    return {ErrorKind::invalid_argument,
            answered ? "acme.response"
            : tls    ? "acme.tls"
                     : "acme.connection",
            place.host + ":" + std::to_string(place.port) + ": " + std::string(error.reason)};
}

bool is_redirect(std::uint16_t status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

milliseconds until(SteadyTime deadline) {
    return std::chrono::duration_cast<milliseconds>(deadline - net::Loop::current()->now());
}

/// Clients end their files with a line break (RFC 8555 §8.3).
std::string_view without_end(std::string_view body) {
    const auto last = body.find_last_not_of(" \t\r\n");
    return body.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

Result<void> judge(const http::Fetched& answer, const std::string& host, const Proof& proof) {
    if (answer.status != 200) return wrong(host + " answered " + std::to_string(answer.status));
    if (without_end(answer.body) != proof.key_authorization)
        return wrong(host + " answered something else than the key authorization");
    return {};
}

}  // namespace

Result<HttpPlace> follow(const HttpPlace& from, std::string_view location) {
    location = location.substr(0, location.find('#'));
    const bool plain = std::ranges::all_of(location, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!plain || location.empty() || location.size() > location_bytes_max)
        return wrong("a redirect leads nowhere");
    HttpPlace to = from;
    const bool same_scheme = location.starts_with("//");
    if (location.starts_with('/') && !same_scheme) {
        to.target = location;
        return to;
    }
    const bool tls = same_scheme ? from.tls : location.starts_with("https://");
    if (!tls && !same_scheme && !location.starts_with("http://"))
        return wrong("a redirect leads to what is neither http nor https");
    location.remove_prefix(location.find("//") + 2);
    const auto end = std::min(location.find_first_of("/?"), location.size());
    const auto host = codec::parse_host(location.substr(0, end));
    if (!host || host->address() || !valid_dns_name(host->name()))
        return wrong("a redirect leads to no host name");
    to.tls = tls;
    to.host = host->name();
    to.port = host->port().value_or(tls ? 443 : 80);
    to.target = location.substr(end);
    if (!to.target.starts_with('/')) to.target.insert(0, 1, '/');
    return to;
}

Result<std::unique_ptr<NetworkValidator>> NetworkValidator::make(AcmeConfig config) {
    GH_TRY(auto tls, net::TlsClientContext::make_unverified());
    return std::make_unique<NetworkValidator>(Key{}, std::move(config), std::move(tls));
}

Task<Result<void>> NetworkValidator::check(Proof proof) {
    const auto deadline = net::Loop::current()->now() + patience;
    switch (proof.type) {
        case ChallengeType::http_01: co_return co_await check_http(std::move(proof), deadline);
        case ChallengeType::tls_alpn_01: co_return co_await check_tls(std::move(proof), deadline);
        case ChallengeType::dns_01: co_return co_await check_dns(std::move(proof), deadline);
    }
    std::unreachable();
}

Task<Result<std::vector<net::Address>>> NetworkValidator::reach(std::string name,
                                                                std::uint16_t port,
                                                                Networks allowed,
                                                                SteadyTime deadline) const {
    GH_CO_TRY(auto found, co_await names_.addresses(name, port, deadline));
    std::erase_if(found,
                  [&](const net::Address& address) { return !may_connect(address, allowed); });
    if (found.empty()) {
        // Which they are is not told: our resolver may know more than a stranger's.
        co_return fail(ErrorKind::invalid_argument, "acme.connection",
                       name + ": no address of it is public, or in pki.acme.challenge_networks");
    }
    if (found.size() > addresses_max) found.resize(addresses_max);
    co_return found;
}

Task<Result<http::Fetched>> NetworkValidator::fetch(HttpPlace place, Networks allowed,
                                                    SteadyTime deadline) const {
    GH_CO_TRY(const auto addresses,
              co_await reach(place.host, place.port, std::move(allowed), deadline));
    auto& loop = *net::Loop::current();
    const bool usual = place.port == (place.tls ? 443 : 80);
    Error last{ErrorKind::invalid_argument, "acme.connection", place.host + ": too slow"};
    for (const auto& address : addresses) {
        const auto left = until(deadline);
        if (left <= milliseconds(0)) break;
        http::FetchRequest request{
            .address = address,
            .tls = place.tls ? tls_.get() : nullptr,
            .server_name = place.host,
            .authority = usual ? place.host : place.host + ":" + std::to_string(place.port),
            .target = place.target,
            .timeout = std::min(left, one_patience),
            .body_bytes_max = answer_bytes_max};
        auto answer = co_await http::fetch(loop, std::move(request));
        if (answer) co_return answer;
        last = connection_error(place, answer.error());
    }
    co_return std::unexpected(std::move(last));
}

Task<Result<void>> NetworkValidator::check_http(Proof proof, SteadyTime deadline) {
    HttpPlace place{.tls = false,
                    .host = proof.name,
                    .port = config_.http_port,
                    .target = std::string(challenge_path) + proof.token};
    GH_CO_TRY(const auto answer, co_await fetch(place, config_.challenge_networks, deadline));
    if (!is_redirect(answer.status)) co_return judge(answer, place.host, proof);
    GH_CO_TRY(place, follow(place, answer.location));
    const auto first = place.host;
    const auto proven = co_await check_redirected(std::move(proof), std::move(place), deadline);
    // One text: what there is and what is not, on hosts that we reach and a stranger does not, is not told.
    if (!proven) co_return wrong("a redirect to " + first + " led to no key authorization");
    co_return Result<void>{};
}

Task<Result<void>> NetworkValidator::check_redirected(Proof proof, HttpPlace place,
                                                      SteadyTime deadline) {
    const std::array<std::uint16_t, 4> ports{80, 443, config_.http_port, config_.tls_port};
    for (std::size_t hops = 1; hops <= redirects_max; ++hops) {
        if (std::ranges::find(ports, place.port) == ports.end())
            co_return wrong("another port than those of http and https");
        // Nobody has us ask what he likes of a host inside, nor of one that he has no say over.
        const bool harmless = !place.target.contains('?') &&
                              place.target.ends_with(std::string(challenge_path) + proof.token);
        if (!harmless && !is_within(place.host, config_.domains))
            co_return wrong("another page of a host outside of pki.acme.domains");
        auto allowed = harmless ? config_.challenge_networks : Networks{};
        GH_CO_TRY(const auto answer, co_await fetch(place, std::move(allowed), deadline));
        if (!is_redirect(answer.status)) co_return judge(answer, place.host, proof);
        GH_CO_TRY(place, follow(place, answer.location));
    }
    co_return wrong("too many redirects");
}

Task<Result<void>> NetworkValidator::check_dns(Proof proof, SteadyTime deadline) {
    const auto digest = crypto::sha256(proof.key_authorization);
    const auto wanted = codec::encode_base64url(crypto::text_of(digest));
    auto name = "_acme-challenge." + proof.name;
    GH_CO_TRY(const auto texts, co_await names_.texts(name, deadline));
    if (std::ranges::find(texts, wanted) != texts.end()) co_return Result<void>{};
    co_return wrong(name + (texts.empty() ? " has no TXT record"
                                          : " has no TXT record of this key authorization"));
}

Task<Result<void>> NetworkValidator::check_tls(Proof proof, SteadyTime deadline) {
    GH_CO_TRY(const auto addresses,
              co_await reach(proof.name, config_.tls_port, config_.challenge_networks, deadline));
    auto& loop = *net::Loop::current();
    Error last{ErrorKind::invalid_argument, "acme.connection", proof.name + ": too slow"};
    for (const auto& address : addresses) {
        const auto left = until(deadline);
        if (left <= milliseconds(0)) break;
        net::ShowRequest request{.address = address,
                                 .server_name = proof.name,
                                 .protocol = std::string(tls_proof_protocol),
                                 .timeout = std::min(left, one_patience)};
        const auto shown = co_await net::shown_certificate(loop, std::move(request));
        if (shown) co_return check_tls_proof(shown->get(), proof.name, proof.key_authorization);
        const bool tls = shown.error().reason == "fetch.tls";
        last = {ErrorKind::invalid_argument, tls ? "acme.tls" : "acme.connection",
                proof.name + ":" + std::to_string(config_.tls_port) + ": " +
                    std::string(shown.error().reason)};
    }
    co_return std::unexpected(std::move(last));
}

}  // namespace gh::pki::acme
