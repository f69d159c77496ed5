#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "access/principal.hpp"
#include "base/error.hpp"
#include "identity/api_keys.hpp"
#include "identity/jwks.hpp"
#include "identity/jwt.hpp"
#include "identity/key_set.hpp"

namespace gh::identity {

inline constexpr std::size_t issuers_max = 100;

/// Somebody whose tokens are believed.
struct TrustedIssuer {
    JwtPolicy policy;
    access::PrincipalType type = access::PrincipalType::user;
    std::shared_ptr<const KeySet> keys;  ///< never null
    std::shared_ptr<JwksCache> jwks;     ///< where the keys come from; null when they never change
};

/// Everything credentials are judged by, at one moment. Immutable.
class Trust {
 public:
    /// @return `invalid_argument` "trust.issuer" when two issuers have one name, or two believe
    /// tokens without `iss`,
    ///         or there are more than `issuers_max`
    /// @param own_issuer  the one among them whose tokens we make; empty: we make none
    [[nodiscard]] static Result<std::shared_ptr<const Trust>> make(
        std::vector<TrustedIssuer> issuers, std::shared_ptr<const ApiKeyTable> api_keys,
        std::string own_issuer = {});

    /// By the name a token states; one that states none finds the issuer that need not be stated.
    /// Null: nobody.
    [[nodiscard]] const TrustedIssuer* find_issuer(std::string_view name) const;
    [[nodiscard]] const std::vector<TrustedIssuer>& issuers() const { return issuers_; }
    [[nodiscard]] const std::string& own_issuer() const { return own_issuer_; }
    [[nodiscard]] const ApiKeyTable& api_keys() const { return *api_keys_; }

    /// The same with the keys that fetched sets have now.
    [[nodiscard]] std::shared_ptr<const Trust> with_fetched_keys() const;

 private:
    std::vector<TrustedIssuer> issuers_;
    std::string own_issuer_;
    std::shared_ptr<const ApiKeyTable> api_keys_ = std::make_shared<const ApiKeyTable>();
};

/// Where workers find the Trust of the moment. Publishing is rare; asking whether anything changed
/// costs one load.
class TrustSource {
 public:
    explicit TrustSource(std::shared_ptr<const Trust> trust) : trust_(std::move(trust)) {}

    /// Swaps the whole of it: a new configuration. Fetched keys are those of now, not of when it
    /// was made.
    void publish(std::shared_ptr<const Trust> trust);
    /// After a JwksCache took new keys.
    void publish_fetched_keys();

    /// Changes with every publication.
    [[nodiscard]] std::uint64_t generation() const {
        return generation_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::shared_ptr<const Trust> current() const;

 private:
    std::atomic<std::uint64_t> generation_ = 1;
    mutable std::mutex mutex_;
    std::shared_ptr<const Trust> trust_;
};

}  // namespace gh::identity
