#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/tls_client_context.hpp"
#include "vault/backend/azure_documents.hpp"
#include "vault/config.hpp"

namespace gh::vault::azure {

struct Answer {
    std::uint16_t status = 0;
    std::string body;
};

/// Who asks a Key Vault by its REST API (7.4), as an application of Microsoft Entra ID (client credentials, RFC 6749 §4.4). Over
/// verified https. It looks names up while the caller waits: for the shell, a start and the reading of a configuration, not for
/// workers.
class Client {
 public:
    /// @return `invalid_argument` "backend.config" (what is missing), "url.malformed"; errors of net::TlsClientContext::make()
    [[nodiscard]] static Result<Client> make(const AzureConfig& config);

    /// Of the Key Vault, without a slash at its end.
    [[nodiscard]] const std::string& url() const { return url_; }

    /// Signs in, once more where the token is refused, and asks again where it says later: four tries of 20 s at most, and up to
    /// 10 s between them.
    /// @param target  behind url(): "/secrets?api-version=7.4"; so the token goes nowhere else
    /// @param body    JSON, which is wiped; empty: none
    /// @return any status; `unavailable` "backend.away", `permission_denied` "backend.denied" (no token)
    [[nodiscard]] Task<Result<Answer>> ask(std::string_view method, std::string target,
                                           std::string body);

 private:
    Client(AzureConfig config, std::shared_ptr<const net::TlsClientContext> tls);
    [[nodiscard]] Task<Result<void>> sign_in();

    AzureConfig config_;
    std::string url_;
    std::shared_ptr<const net::TlsClientContext> tls_;
    std::optional<Token> token_;
    std::chrono::steady_clock::time_point token_ends_;
};

}  // namespace gh::vault::azure
