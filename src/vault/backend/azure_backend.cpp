#include "vault/backend/azure_backend.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "base/file.hpp"
#include "base/try.hpp"
#include "codec/https_url.hpp"
#include "codec/percent.hpp"
#include "http/fetch.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "net/tls_client_context.hpp"
#include "vault/backend/azure_documents.hpp"

namespace gh::vault {
namespace {

constexpr std::chrono::seconds patience{20};
constexpr std::chrono::seconds before_its_end{60};
constexpr std::chrono::seconds longest_pause{10};
constexpr int tries_max = 4;
constexpr int pages_max = 400;
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

class AzureBackend final : public Backend {
 public:
    AzureBackend(AzureConfig config, std::shared_ptr<const net::TlsClientContext> tls)
        : config_(std::move(config)), url_(trimmed_url(config_.url)), tls_(std::move(tls)) {}

    [[nodiscard]] std::string name() const override { return "the Azure Key Vault " + url_; }

    Task<Result<crypto::Secret>> get(std::string path) override {
        GH_CO_TRY(auto bundle, co_await read(std::move(path)));
        co_return std::move(bundle.fields);
    }

    Task<Result<void>> set(std::string path, crypto::Secret fields) override {
        GH_CO_TRY(const auto url, secret_url(path));
        // One name may stand for two paths; whose it is must not change unasked.
        const auto before = co_await read(path);
        if (!before && before.error().kind != ErrorKind::not_found)
            co_return std::unexpected(before.error());
        GH_CO_TRY(auto body, azure::bundle_of(path, fields));
        GH_CO_TRY_VOID(co_await ask("PUT", url, std::move(body)));
        co_return Result<void>{};
    }

    Task<Result<std::vector<std::string>>> list(std::string folder) override {
        std::vector<std::string> paths;
        std::string next = url_ + "/secrets?api-version=" + std::string(azure::api_version);
        for (int pages = 0; !next.empty(); ++pages) {
            if (pages == pages_max || !next.starts_with(url_ + "/")) {
                co_return fail(ErrorKind::corrupt, "backend.malformed",
                               "the Key Vault's list leads elsewhere, or has no end");
            }
            GH_CO_TRY(const auto answer, co_await ask("GET", next, {}));
            GH_CO_TRY(auto page, azure::parse_page(answer.body));
            std::ranges::move(page.paths, std::back_inserter(paths));
            next = std::move(page.next);
        }
        co_return names_below(paths, folder);
    }

    Task<Result<void>> remove(std::string path) override {
        GH_CO_TRY_VOID(co_await read(path));
        GH_CO_TRY(const auto url, secret_url(path));
        GH_CO_TRY_VOID(co_await ask("DELETE", url, {}));
        co_return Result<void>{};
    }

 private:
    [[nodiscard]] Result<std::string> secret_url(std::string_view path) const {
        GH_TRY(const auto name, azure::name_of(path));
        return url_ + "/secrets/" + name + "?api-version=" + std::string(azure::api_version);
    }

    Task<Result<azure::Bundle>> read(std::string path) {
        GH_CO_TRY(const auto url, secret_url(path));
        GH_CO_TRY(const auto answer, co_await ask("GET", url, {}));
        GH_CO_TRY(auto bundle, azure::parse_bundle(answer.body));
        if (bundle.path && *bundle.path != path) {
            co_return fail(ErrorKind::conflict, "backend.name",
                           "the same name there holds " + *bundle.path + ": choose another path");
        }
        co_return bundle;
    }

    /// With a token, and once more with another where that one is refused; again where it says later.
    Task<Result<http::Fetched>> ask(std::string_view method, std::string url, std::string body) {
        bool renewed = false;
        for (int tries = 1;; ++tries) {
            GH_CO_TRY_VOID(co_await sign_in());
            http::FetchRequest request;
            request.method = method;
            request.fields = {{"Authorization", "Bearer " + token_text()}};
            if (!body.empty()) {
                request.content_type = "application/json";
                request.body = body;
            }
            auto answer = co_await fetch(url, std::move(request));
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
            co_return judged(*std::move(answer));
        }
    }

    [[nodiscard]] Result<http::Fetched> judged(http::Fetched answer) const {
        if (answer.status == 200) return answer;
        auto said = azure::parse_error(answer.body);
        said =
            name() + " says " + std::to_string(answer.status) + (said.empty() ? "" : ", " + said);
        switch (answer.status) {
            case 400: return fail(ErrorKind::invalid_argument, "backend.refused", said);
            case 401:
            case 403:
                return fail(ErrorKind::permission_denied, "backend.denied",
                            said + "; give the application the role Key Vault Secrets Officer");
            case 404: return fail(ErrorKind::not_found, "secret.unknown", said);
            case 409:
                return fail(ErrorKind::conflict, "backend.deleted",
                            said +
                                "; a deleted secret of this name is kept there: recover or purge "
                                "it first (az keyvault secret purge)");
            default: return fail(ErrorKind::unavailable, "backend.away", said);
        }
    }

    [[nodiscard]] std::string token_text() const {
        return std::string(crypto::text_of(token_->text.bytes()));
    }

    Task<Result<void>> sign_in() {
        const auto now = std::chrono::steady_clock::now();
        if (token_ && now < token_ends_) co_return Result<void>{};
        const auto url = trimmed_url(config_.authority) + "/" +
                         codec::percent_encode(config_.tenant) + "/oauth2/v2.0/token";
        http::FetchRequest request;
        request.content_type = "application/x-www-form-urlencoded";
        request.body =
            "grant_type=client_credentials&client_id=" + codec::percent_encode(config_.client_id) +
            "&client_secret=" + codec::percent_encode(config_.client_secret.view()) +
            "&scope=" + codec::percent_encode(scope);
        const auto answer = co_await fetch(url, std::move(request));
        if (!answer) co_return std::unexpected(away(config_.authority, answer.error()));
        if (answer->status != 200) {
            const auto said = azure::parse_error(answer->body);
            co_return fail(
                answer->status / 100 == 5 ? ErrorKind::unavailable : ErrorKind::permission_denied,
                answer->status / 100 == 5 ? "backend.away" : "backend.denied",
                config_.authority + " gives no token (" + std::to_string(answer->status) +
                    (said.empty() ? "" : ", " + said) +
                    "); look at vault.azure.tenant, client_id and client_secret");
        }
        GH_CO_TRY(auto token, azure::parse_token(answer->body));
        const std::chrono::seconds lifetime(token.expires_in);
        token_ends_ = now + std::max(lifetime - before_its_end, lifetime / 2);
        token_.emplace(std::move(token));
        co_return Result<void>{};
    }

    Task<Result<http::Fetched>> fetch(std::string url, http::FetchRequest request) {
        GH_CO_TRY(const auto place, codec::parse_https_url(url));
        GH_CO_TRY(const auto addresses, net::resolve_now(place.host, place.port));
        if (addresses.empty()) co_return fail(ErrorKind::unavailable, "net.resolve", place.host);
        request.address = addresses.front();
        request.tls = place.tls ? tls_.get() : nullptr;
        request.server_name = place.host;
        request.authority = place.authority;
        request.target = place.target;
        request.timeout = patience;
        request.body_bytes_max = azure::document_bytes_max;
        request.wanted = {"Retry-After"};
        co_return co_await http::fetch(*net::Loop::current(), std::move(request));
    }

    AzureConfig config_;
    std::string url_;
    std::shared_ptr<const net::TlsClientContext> tls_;
    std::optional<azure::Token> token_;
    std::chrono::steady_clock::time_point token_ends_;
};

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
    return {};
}

}  // namespace

Result<std::unique_ptr<Backend>> azure_backend(const AzureConfig& config) {
    GH_TRY_VOID(check_config(config));
    for (const auto* url : {&config.url, &config.authority})
        GH_TRY_VOID(codec::parse_https_url(*url));
    net::TlsClientSettings settings;
    if (config.ca_file) {
        GH_TRY(settings.ca_pem, read_file_at(*config.ca_file, ca_bytes_max));
        settings.ca_source = config.ca_file->string();
    }
    GH_TRY(auto tls, net::TlsClientContext::make(settings));
    return std::make_unique<AzureBackend>(config, std::move(tls));
}

}  // namespace gh::vault
