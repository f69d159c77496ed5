#include "vault/backend/azure_backend.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/try.hpp"
#include "vault/backend/azure_client.hpp"
#include "vault/backend/azure_documents.hpp"

namespace gh::vault {
namespace {

constexpr int pages_max = 400;

class AzureBackend final : public Backend {
 public:
    explicit AzureBackend(azure::Client client) : client_(std::move(client)) {}

    [[nodiscard]] std::string name() const override { return "the Azure Key Vault " + url(); }

    Task<Result<crypto::Secret>> get(std::string path) override {
        GH_CO_TRY(auto bundle, co_await read(std::move(path)));
        co_return std::move(bundle.fields);
    }

    Task<Result<void>> set(std::string path, crypto::Secret fields) override {
        GH_CO_TRY(const auto target, secret_target(path));
        // One name may stand for two paths; whose it is must not change unasked.
        const auto before = co_await read(path);
        if (!before && before.error().kind != ErrorKind::not_found)
            co_return std::unexpected(before.error());
        GH_CO_TRY(auto body, azure::bundle_of(path, fields));
        GH_CO_TRY_VOID(co_await ask("PUT", target, std::move(body)));
        co_return Result<void>{};
    }

    Task<Result<std::vector<std::string>>> list(std::string folder) override {
        std::vector<std::string> paths;
        std::string next = url() + "/secrets?api-version=" + std::string(azure::api_version);
        for (int pages = 0; !next.empty(); ++pages) {
            if (pages == pages_max || !next.starts_with(url() + "/")) {
                co_return fail(ErrorKind::corrupt, "backend.malformed",
                               "the Key Vault's list leads elsewhere, or has no end");
            }
            GH_CO_TRY(const auto answer, co_await ask("GET", next.substr(url().size()), {}));
            GH_CO_TRY(auto page, azure::parse_page(answer.body));
            std::ranges::move(page.paths, std::back_inserter(paths));
            next = std::move(page.next);
        }
        co_return names_below(paths, folder);
    }

    Task<Result<void>> remove(std::string path) override {
        GH_CO_TRY_VOID(co_await read(path));
        GH_CO_TRY(const auto target, secret_target(path));
        GH_CO_TRY_VOID(co_await ask("DELETE", target, {}));
        co_return Result<void>{};
    }

 private:
    [[nodiscard]] const std::string& url() const { return client_.url(); }

    [[nodiscard]] Result<std::string> secret_target(std::string_view path) const {
        GH_TRY(const auto name, azure::name_of(path));
        return "/secrets/" + name + "?api-version=" + std::string(azure::api_version);
    }

    Task<Result<azure::Bundle>> read(std::string path) {
        GH_CO_TRY(const auto target, secret_target(path));
        GH_CO_TRY(const auto answer, co_await ask("GET", target, {}));
        GH_CO_TRY(auto bundle, azure::parse_bundle(answer.body));
        if (bundle.path && *bundle.path != path) {
            co_return fail(ErrorKind::conflict, "backend.name",
                           "the same name there holds " + *bundle.path + ": choose another path");
        }
        co_return bundle;
    }

    Task<Result<azure::Answer>> ask(std::string_view method, std::string target, std::string body) {
        GH_CO_TRY(auto answer, co_await client_.ask(method, std::move(target), std::move(body)));
        co_return judged(std::move(answer));
    }

    [[nodiscard]] Result<azure::Answer> judged(azure::Answer answer) const {
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

    azure::Client client_;
};

}  // namespace

Result<std::unique_ptr<Backend>> azure_backend(const AzureConfig& config) {
    GH_TRY(auto client, azure::Client::make(config));
    return std::make_unique<AzureBackend>(std::move(client));
}

}  // namespace gh::vault
