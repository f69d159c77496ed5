#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/xaes.hpp"
#include "net/run_task.hpp"
#include "vault/backend/azure_client.hpp"
#include "vault/backend/azure_keys.hpp"
#include "vault/wrapping.hpp"

// The master key sealed with a random key, which an RSA key of an Azure Key Vault has wrapped (RSA-OAEP-256). That has no
// associated data: what binds the recipient is the seal around the master key.

namespace gh::vault {
namespace {

using azure::Client;
using crypto::Secret;

constexpr std::string_view lost =
    "; where it is lost for good, a recovery key opens the vault: configure another key, or a "
    "version "
    "that wraps and unwraps, then gatehouse secrets unseal --recovery-key-stdin";

std::string operation_of(const azure::KeyId& key, std::string_view operation) {
    return "/keys/" + key.name + "/" + key.version + "/" + std::string(operation) +
           "?api-version=" + std::string(azure::api_version);
}

class AzureProtector final : public Protector {
 public:
    AzureProtector(AzureConfig config, std::string key)
        : config_(std::move(config)), key_(std::move(key)) {}

    [[nodiscard]] std::string_view kind() const override { return "azure"; }
    [[nodiscard]] std::string name() const override {
        return "the key " + key_ + " of the Azure Key Vault " + config_.url;
    }

    Result<Recipient> wrap(const Secret& master) override {
        GH_TRY(auto client, Client::make(config_));
        const auto key = Secret::random(crypto::Xaes::key_bytes);
        GH_TRY(auto recipient, net::run_to_end(wrapped_there(client, key)));
        return wrap_with(key.copy(), std::move(recipient), master);
    }

    Result<Secret> unwrap(const Recipient& recipient) override {
        GH_TRY(auto client, Client::make(config_));
        GH_TRY(auto key, net::run_to_end(unwrapped_there(client, recipient)));
        return unwrap_with(std::move(key), recipient, name());
    }

 private:
    /// By its newest version.
    Task<Result<Recipient>> wrapped_there(Client& client, const Secret& key) {
        const auto newest = "/keys/" + key_ + "?api-version=" + std::string(azure::api_version);
        GH_CO_TRY(const auto shown, co_await asked(client, "GET", newest, {}));
        GH_CO_TRY(const auto key_id, azure::parse_key(shown.body));
        GH_CO_TRY(const auto id, ours(key_id));
        const auto body = azure::key_operation(key.bytes());
        GH_CO_TRY(const auto wrapped, co_await operated(client, id, "wrapkey", body));
        Recipient recipient;
        recipient.kind = kind();
        recipient.parameters = {
            {"kid", key_id}, {"wrapped", codec::encode_base64(crypto::text_of(wrapped.bytes()))}};
        co_return recipient;
    }

    /// By the version that wrapped it, whichever is the newest now.
    Task<Result<Secret>> unwrapped_there(Client& client, const Recipient& recipient) {
        const auto* kid = recipient.parameter("kid");
        const auto* text = recipient.parameter("wrapped");
        const auto wrapped = text ? codec::decode_base64(*text) : Result<std::string>();
        if (kid == nullptr || !wrapped || wrapped->empty() ||
            wrapped->size() > azure::wrapped_bytes_max)
            co_return fail(ErrorKind::corrupt, "seal.malformed",
                           "the recipient azure lacks kid or wrapped");
        GH_CO_TRY(const auto id, ours(*kid));
        const auto body = azure::key_operation(crypto::bytes_of(*wrapped));
        GH_CO_TRY(auto key, co_await operated(client, id, "unwrapkey", body));
        if (key.size() == crypto::Xaes::key_bytes) co_return key;
        co_return fail(ErrorKind::permission_denied, "seal.wrong_key",
                       name() + " unwraps something else than the seal's key");
    }

    Task<Result<Secret>> operated(Client& client, azure::KeyId id, std::string_view operation,
                                  const Secret& body) {
        const auto target = operation_of(id, operation);
        GH_CO_TRY(auto answer, co_await asked(client, "POST", target,
                                              std::string(crypto::text_of(body.bytes()))));
        auto result = azure::parse_key_result(answer.body);
        crypto::wipe(answer.body.data(), answer.body.size());
        if (!result) co_return std::unexpected(std::move(result).error());
        GH_CO_TRY(const auto by, ours(result->key_id));
        if (by.version == id.version) co_return std::move(result->value);
        co_return fail(ErrorKind::corrupt, "backend.malformed",
                       name() + " answers with another version than it was asked for");
    }

    /// What a file or an answer names is asked for only where it is the key that the configuration names.
    [[nodiscard]] Result<azure::KeyId> ours(std::string_view key_id) const {
        auto id = azure::parse_key_id(key_id);
        if (!id) {
            return fail(ErrorKind::corrupt, "seal.malformed",
                        "it names a key of an Azure Key Vault by an id that is none");
        }
        GH_TRY(const auto authority, azure::authority_of(config_.url));
        if (id->authority == authority && id->name == key_) return id;
        return fail(ErrorKind::permission_denied, "seal.wrong_key",
                    "the key " + id->name + " of " + id->authority +
                        " is named, and not the one of the configuration, " + name() +
                        ": nothing else is asked. Set vault.azure.url and vault.azure_key to what "
                        "the vault is sealed for, or move the seal: gatehouse secrets unseal "
                        "--help");
    }

    Task<Result<azure::Answer>> asked(Client& client, std::string_view method, std::string target,
                                      std::string body) {
        auto answer = co_await client.ask(method, std::move(target), std::move(body));
        if (!answer) {
            auto& error = answer.error();
            if (error.kind == ErrorKind::unavailable) error.detail += away();
            co_return answer;
        }
        co_return judged(*std::move(answer));
    }

    [[nodiscard]] std::string away() const {
        return "; " + name() +
               " opens the vault, and nothing starts without it: try again once it answers. What "
               "runs does not need it" +
               std::string(lost);
    }

    [[nodiscard]] Result<azure::Answer> judged(azure::Answer answer) const {
        if (answer.status == 200) return answer;
        auto said = azure::parse_error(answer.body);
        said =
            name() + " says " + std::to_string(answer.status) + (said.empty() ? "" : ", " + said);
        switch (answer.status) {
            case 400:
                return fail(ErrorKind::permission_denied, "seal.wrong_key",
                            said +
                                "; keys/seal.json was changed, or this is another key than the "
                                "one it is sealed for");
            case 401:
            case 403:
                return fail(ErrorKind::permission_denied, "seal.azure_denied",
                            said +
                                "; enable the version of the key that the seal names, and give the "
                                "application the role Key Vault Crypto Service Encryption User" +
                                std::string(lost));
            case 404:
                return fail(ErrorKind::not_found, "seal.key_missing",
                            said + "; bring the key or its version back: az keyvault key recover" +
                                std::string(lost));
            default: return fail(ErrorKind::unavailable, "backend.away", said + away());
        }
    }

    AzureConfig config_;
    std::string key_;
};

}  // namespace

std::unique_ptr<Protector> azure_protector(AzureConfig config, std::string key) {
    return std::make_unique<AzureProtector>(std::move(config), std::move(key));
}

}  // namespace gh::vault
