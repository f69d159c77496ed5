#include "vault/backend/sealed_backend.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/try.hpp"

namespace gh::vault {
namespace {

SystemTime now() { return std::chrono::system_clock::now(); }

class SealedBackend final : public Backend {
 public:
    SealedBackend(SecretRepository secrets, SealedActs acts)
        : secrets_(secrets), acts_(std::move(acts)) {}

    [[nodiscard]] std::string name() const override { return "the sealed store"; }

    Task<Result<crypto::Secret>> get(std::string path) override {
        auto found = co_await secrets_.get(path, 0);
        if (!found && found.error().reason == "secret.unknown")
            found.error().detail = "there is none; write it with gatehouse secrets set " + path;
        GH_CO_TRY(const auto secret, std::move(found));
        if (!secret.value)
            co_return fail(ErrorKind::not_found, "secret.deleted",
                           "its newest version was deleted");
        GH_CO_TRY_VOID(co_await acts_.read(std::move(path), secret.version.version));
        co_return secret.value->copy();
    }

    Task<Result<void>> set(std::string path, crypto::Secret fields) override {
        auto also = acts_.changed("secret.put");
        GH_CO_TRY_VOID(
            co_await secrets_.put(std::move(path), std::move(fields), {}, now(), std::move(also)));
        co_return Result<void>{};
    }

    Task<Result<std::vector<std::string>>> list(std::string folder) override {
        std::vector<std::string> all;
        SecretPage page;
        page.folder = std::move(folder);
        for (;;) {
            GH_CO_TRY(auto some, co_await secrets_.list(page));
            if (some.empty()) co_return all;
            page.after = some.back();
            std::ranges::move(some, std::back_inserter(all));
        }
    }

    Task<Result<void>> remove(std::string path) override {
        auto also = acts_.changed("secret.delete");
        GH_CO_TRY_VOID(co_await secrets_.remove(std::move(path), {}, now(), std::move(also)));
        co_return Result<void>{};
    }

 private:
    SecretRepository secrets_;
    SealedActs acts_;
};

}  // namespace

std::unique_ptr<Backend> sealed_backend(SecretRepository secrets, SealedActs acts) {
    return std::make_unique<SealedBackend>(secrets, std::move(acts));
}

}  // namespace gh::vault
