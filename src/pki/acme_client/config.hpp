#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/secret.hpp"
#include "config/type.hpp"

namespace gh::pki::acme_client {

/// Which proofs are given of a name.
enum class ChallengeChoice : std::uint8_t { any, http_01, tls_alpn_01 };

/// `pki.acme_client` of gatehouse.yaml: whose certificate listeners with `certificate: acme` serve with.
struct AcmeClientConfig {
    std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
    std::optional<std::filesystem::path> ca_file;  ///< unset: the system's authorities
    std::vector<std::string> contacts;             ///< "ops@example.com"
    std::vector<std::string> domains;              ///< empty: the names of allowed_hosts
    ChallengeChoice challenge = ChallengeChoice::any;
    struct ExternalAccount {
        std::string key_id;       ///< empty: there is none (RFC 8555 §7.3.4)
        config::Secret hmac_key;  ///< base64url
        friend bool operator==(const ExternalAccount&, const ExternalAccount&) = default;
    } external_account;
    friend bool operator==(const AcmeClientConfig&, const AcmeClientConfig&) = default;
};

/// How `pki.acme_client` is read, shown and described.
[[nodiscard]] config::Type<AcmeClientConfig> acme_client_type();

/// A URL of a directory as a key has it.
/// @return `invalid_argument` "config.value"
[[nodiscard]] Result<std::string> directory_of(const std::string& text);

}  // namespace gh::pki::acme_client
