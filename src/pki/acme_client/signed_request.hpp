#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "codec/jwk.hpp"
#include "crypto/private_key.hpp"
#include "crypto/secret.hpp"

namespace gh::pki::acme_client {

/// The key of our account with a CA: P-256, which every CA takes. Signs what is sent there (RFC 8555 §6.2).
class AccountKey {
 public:
    explicit AccountKey(crypto::PrivateKey key);
    [[nodiscard]] static AccountKey generate();
    /// What secret_pem() gave. @return `corrupt` "acme_client.account_key"
    [[nodiscard]] static Result<AccountKey> restore(const crypto::Secret& pem);
    /// For a crypto::KeyStore and nothing else.
    [[nodiscard]] crypto::Secret secret_pem() const { return key_.secret_pem(); }

    /// Of the public key (RFC 7638), base64url.
    [[nodiscard]] const std::string& thumbprint() const { return thumbprint_; }
    /// What proves a token (RFC 8555 §8.1).
    [[nodiscard]] std::string authorization_of(std::string_view token) const;

    struct Request {
        std::string_view url;
        std::string_view nonce;
        std::string_view account;  ///< its URL; empty: the key itself is shown
        std::string_view payload;  ///< empty: POST-as-GET (§6.3)
    };
    /// A flattened JWS.
    [[nodiscard]] std::string sign(const Request& request) const;

    /// Binds the account to be made to one that the CA knows (§7.3.4).
    /// @param key  as the CA gave it, decoded
    [[nodiscard]] std::string binding(std::string_view key_id, const crypto::Secret& key,
                                      std::string_view url) const;

 private:
    crypto::PrivateKey key_;
    std::string jwk_;  // the required members in order
    std::string thumbprint_;
};

}  // namespace gh::pki::acme_client
