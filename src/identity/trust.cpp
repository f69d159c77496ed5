#include "identity/trust.hpp"

#include <utility>

namespace gh::identity {

Result<std::shared_ptr<const Trust>> Trust::make(std::vector<TrustedIssuer> issuers,
                                                 std::shared_ptr<const ApiKeyTable> api_keys,
                                                 std::string own_issuer) {
    const auto refuse = [](std::string detail) {
        return fail(ErrorKind::invalid_argument, "trust.issuer", std::move(detail));
    };
    if (issuers.size() > issuers_max) return refuse("more than 100 issuers");
    for (std::size_t i = 0; i < issuers.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            const auto &a = issuers[i].policy, &b = issuers[k].policy;
            if (a.issuer == b.issuer) return refuse("issuer " + a.issuer + " is there twice");
            if (!a.issuer_required && !b.issuer_required)
                return refuse("two issuers that tokens need not state");
        }
    }
    auto trust = std::make_shared<Trust>();
    trust->issuers_ = std::move(issuers);
    trust->own_issuer_ = std::move(own_issuer);
    if (api_keys) trust->api_keys_ = std::move(api_keys);
    return trust;
}

const TrustedIssuer* Trust::find_issuer(std::string_view name) const {
    for (const auto& issuer : issuers_) {
        if (name.empty() ? !issuer.policy.issuer_required : issuer.policy.issuer == name)
            return &issuer;
    }
    return nullptr;
}

std::shared_ptr<const Trust> Trust::with_fetched_keys() const {
    auto fresh = std::make_shared<Trust>(*this);
    for (auto& issuer : fresh->issuers_) {
        if (issuer.jwks) issuer.keys = issuer.jwks->keys();
    }
    return fresh;
}

void TrustSource::publish(std::shared_ptr<const Trust> trust) {
    const std::lock_guard lock(mutex_);
    trust_ = trust->with_fetched_keys();
    generation_.fetch_add(1, std::memory_order_release);
}

void TrustSource::publish_fetched_keys() {
    const std::lock_guard lock(mutex_);
    trust_ = trust_->with_fetched_keys();
    generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Trust> TrustSource::current() const {
    const std::lock_guard lock(mutex_);
    return trust_;
}

}  // namespace gh::identity
