#include "vault/backend/azure_client.hpp"

#include <algorithm>
#include <utility>

#include "base/file.hpp"
#include "base/try.hpp"
#include "codec/https_url.hpp"
#include "codec/percent.hpp"
#include "http/fetch.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"

namespace gh::vault::azure {
namespace {

constexpr std::chrono::seconds patience{20};
constexpr std::chrono::seconds before_its_end{60};
constexpr std::chrono::seconds longest_pause{10};
constexpr int tries_max = 4;
constexpr std::size_t ca_bytes_max = std::size_t{1} << 20;
constexpr std::string_view scope = "https://vault.azure.net/.default";

std::string trimmed_url(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

Error away(const std::string& where, const Error& why) {
    return {ErrorKind::unavailable, "backend.away",
            where + " does not answer: " + describe(why) + "; look at the network and the URL"};
}

/// For how long to wait before the next try; nothing: it would not help.
std::optional<std::chrono::seconds> pause_of(const http::Fetched& answer, int tries) {
    if (answer.status != 429 && answer.status / 100 != 5) return {};
    if (tries >= tries_max) return {};
    const auto text = answer.field("Retry-After");
    const bool number = !text.empty() && text.size() <= 4 &&
                        std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    const std::chrono::seconds wanted(number ? std::stoi(std::string(text)) : 1 << (tries - 1));
    if (wanted > longest_pause) return {};
    return wanted;
}

/// Whose end wipes it.
struct Burning {
    std::string& text;
    ~Burning() { crypto::wipe(text.data(), text.size()); }
};

Task<Result<http::Fetched>> fetch(const net::TlsClientContext& tls, std::string url,
                                  http::FetchRequest request) {
    GH_CO_TRY(const auto place, codec::parse_https_url(url));
    GH_CO_TRY(const auto addresses, net::resolve_now(place.host, place.port));
    if (addresses.empty()) co_return fail(ErrorKind::unavailable, "net.resolve", place.host);
    request.address = addresses.front();
    request.tls = place.tls ? &tls : nullptr;
    request.server_name = place.host;
    request.authority = place.authority;
    request.target = place.target;
    request.timeout = patience;
    request.body_bytes_max = document_bytes_max;
    request.wanted = {"Retry-After"};
    co_return co_await http::fetch(*net::Loop::current(), std::move(request));
}

Result<void> check_config(const AzureConfig& config) {
    const std::pair<std::string_view, bool> wanted[] = {
        {"url", !config.url.empty()},
        {"tenant", !config.tenant.empty()},
        {"client_id", !config.client_id.empty()},
        {"client_secret", !config.client_secret.empty()}};
    for (const auto& [key, there] : wanted) {
        if (!there) {
            return fail(ErrorKind::invalid_argument, "backend.config",
                        "vault.azure." + std::string(key) + " is missing");
        }
    }
    for (const auto* url : {&config.url, &config.authority})
        GH_TRY_VOID(codec::parse_https_url(*url));
    return {};
}

}  // namespace

Client::Client(AzureConfig config, std::shared_ptr<const net::TlsClientContext> tls)
    : config_(std::move(config)), url_(trimmed_url(config_.url)), tls_(std::move(tls)) {}

Result<Client> Client::make(const AzureConfig& config) {
    GH_TRY_VOID(check_config(config));
    net::TlsClientSettings settings;
    if (config.ca_file) {
        GH_TRY(settings.ca_pem, read_file_at(*config.ca_file, ca_bytes_max));
        settings.ca_source = config.ca_file->string();
    }
    GH_TRY(auto tls, net::TlsClientContext::make(settings));
    return Client(config, std::move(tls));
}

Task<Result<Answer>> Client::ask(std::string_view method, std::string target, std::string body) {
    const Burning burning{body};
    bool renewed = false;
    for (int tries = 1;; ++tries) {
        GH_CO_TRY_VOID(co_await sign_in());
        http::FetchRequest request;
        request.method = method;
        request.fields = {
            {"Authorization", "Bearer " + std::string(crypto::text_of(token_->text.bytes()))}};
        if (!body.empty()) {
            request.content_type = "application/json";
            request.body = body;
        }
        auto answer = co_await fetch(*tls_, url_ + target, std::move(request));
        if (!answer) co_return std::unexpected(away(url_, answer.error()));
        if (answer->status == 401 && !renewed) {
            renewed = true;
            token_.reset();
            continue;
        }
        if (const auto pause = pause_of(*answer, tries)) {
            co_await net::Sleep(*net::Loop::current(), *pause);
            continue;
        }
        co_return Answer{.status = answer->status, .body = std::move(answer->body)};
    }
}

Task<Result<void>> Client::sign_in() {
    const auto now = std::chrono::steady_clock::now();
    if (token_ && now < token_ends_) co_return Result<void>{};
    const auto url = trimmed_url(config_.authority) + "/" + codec::percent_encode(config_.tenant) +
                     "/oauth2/v2.0/token";
    http::FetchRequest request;
    request.content_type = "application/x-www-form-urlencoded";
    request.body =
        "grant_type=client_credentials&client_id=" + codec::percent_encode(config_.client_id) +
        "&client_secret=" + codec::percent_encode(config_.client_secret.view()) +
        "&scope=" + codec::percent_encode(scope);
    auto answer = co_await fetch(*tls_, url, std::move(request));
    if (!answer) co_return std::unexpected(away(config_.authority, answer.error()));
    const Burning burning{answer->body};
    if (answer->status != 200) {
        const auto said = parse_error(answer->body);
        const bool passes = answer->status / 100 == 5 || answer->status == 429;
        co_return fail(passes ? ErrorKind::unavailable : ErrorKind::permission_denied,
                       passes ? "backend.away" : "backend.denied",
                       config_.authority + " gives no token (" + std::to_string(answer->status) +
                           (said.empty() ? "" : ", " + said) +
                           "); look at vault.azure.tenant, client_id and client_secret");
    }
    GH_CO_TRY(auto token, parse_token(answer->body));
    const std::chrono::seconds lifetime(token.expires_in);
    token_ends_ = now + std::max(lifetime - before_its_end, lifetime / 2);
    token_.emplace(std::move(token));
    co_return Result<void>{};
}

}  // namespace gh::vault::azure
