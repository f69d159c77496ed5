#include "identity/build_trust.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/try.hpp"
#include "codec/hex.hpp"
#include "codec/jwk.hpp"
#include "config/file.hpp"
#include "crypto/burned.hpp"
#include "crypto/secret.hpp"

namespace gh::identity {
namespace {

constexpr std::size_t pem_bytes_max = 16 * 1024;

std::unexpected<Error> invalid(std::string_view what, const Error& why) {
    return fail(ErrorKind::invalid_argument, "auth.invalid",
                std::string(what) + ": " + describe(why));
}

Result<std::shared_ptr<const KeySet>> set_of(Result<VerificationKey> key) {
    if (!key) return std::unexpected(std::move(key).error());
    return std::make_shared<const KeySet>(std::vector{*std::move(key)});
}

Result<std::shared_ptr<const KeySet>> set_of_secret(const TrustedIssuerConfig& config,
                                                    BuildOptions options) {
    const auto text = config.secret.view();
    if (!options.weak_secrets_allowed) GH_TRY_VOID(crypto::check_secret_strength(text));
    return set_of(VerificationKey::symmetric(*config.algorithm, crypto::Secret(text)));
}

Result<std::shared_ptr<const KeySet>> set_of_pem(const TrustedIssuerConfig& config) {
    GH_TRY(const auto pem, config::read_file(*config.public_key_file, pem_bytes_max));
    GH_TRY(auto key, crypto::PublicKey::from_pem(pem));
    return set_of(VerificationKey::asymmetric(*config.algorithm, std::move(key)));
}

Result<std::shared_ptr<const KeySet>> set_of_file(const TrustedIssuerConfig& config) {
    GH_TRY(const auto text, config::read_file(*config.jwks_file, codec::jwk_set_bytes_max));
    GH_TRY(auto parsed, codec::parse_jwk_set(text));
    auto keys = KeySet::from_jwks(std::move(parsed), {.only = config.algorithm});
    if (keys.size() == 0)
        return fail(ErrorKind::invalid_argument, "jwks.empty", "no key in it can be used");
    return std::make_shared<const KeySet>(std::move(keys));
}

/// The cache that already stands for this issuer, if all it depends on is the same.
std::shared_ptr<JwksCache> kept_cache(const TrustedIssuerConfig& config, const Trust* previous) {
    if (previous == nullptr) return nullptr;
    for (const auto& issuer : previous->issuers()) {
        if (issuer.policy.issuer == config.issuer && issuer.jwks &&
            issuer.jwks->uri() == config.jwks_uri && issuer.jwks->only() == config.algorithm &&
            issuer.jwks->times().refresh == config.refresh) {
            return issuer.jwks;
        }
    }
    return nullptr;
}

Result<TrustedIssuer> issuer_of(const TrustedIssuerConfig& config, const Trust* previous,
                                BuildOptions options) {
    TrustedIssuer issuer;
    issuer.policy = {.issuer = config.issuer,
                     .issuer_required = config.issuer_required,
                     .audience = config.audience,
                     .any_audience = config.any_audience,
                     .subject_claim = config.subject_claim,
                     .roles_claim = config.roles_claim,
                     .scopes_claim = config.scopes_claim,
                     .leeway = config.leeway};
    if (!config.jwks_uri.empty()) {
        issuer.jwks = kept_cache(config, previous);
        if (!issuer.jwks) {
            issuer.jwks = std::make_shared<JwksCache>(config.jwks_uri, config.algorithm,
                                                      JwksTimes{.refresh = config.refresh});
        }
        issuer.keys = issuer.jwks->keys();
        return issuer;
    }
    if (!config.jwks_file && !config.algorithm) {
        return fail(ErrorKind::invalid_argument, "key.algorithm", "a single key needs one");
    }
    auto keys = config.jwks_file         ? set_of_file(config)
                : config.public_key_file ? set_of_pem(config)
                                         : set_of_secret(config, options);
    if (!keys) return std::unexpected(std::move(keys).error());
    issuer.keys = *std::move(keys);
    return issuer;
}

Result<ApiKeyHash> hash_of(const ApiKeyConfig& config, const ApiKeyHasher& hasher,
                           BuildOptions options) {
    const auto text = config.value.view();
    if (!config.sha256.empty()) {
        GH_TRY(const auto raw, codec::decode_hex(config.sha256));
        crypto::Sha256Digest digest{};
        if (raw.size() != digest.size())
            return fail(ErrorKind::invalid_argument, "key.malformed", "not 64 hex digits");
        std::ranges::copy(crypto::bytes_of(raw), digest.begin());
        if (digest == crypto::sha256(""))
            return fail(ErrorKind::invalid_argument, "secret.empty", "it is of nothing");
        return hasher.of_digest(digest);
    }
    if (text.empty())
        return fail(ErrorKind::invalid_argument, "secret.empty", "an empty key is nobody's");
    if (text.size() > api_key_bytes_max)
        return fail(ErrorKind::invalid_argument, "key.malformed", "above 512 bytes");
    if (text.starts_with("gh_") && !api_key_id(text)) {
        return fail(ErrorKind::invalid_argument, "key.malformed",
                    "gh_<id>_<secret> is cut short or mistyped");
    }
    if (!options.weak_secrets_allowed)
        GH_TRY_VOID(crypto::check_secret_strength(text, api_key_bytes_min));
    return hasher.of_text(text);
}

}  // namespace

Result<std::shared_ptr<const Trust>> build_trust(const AuthConfig& config,
                                                 std::shared_ptr<const ApiKeyHasher> hasher,
                                                 const Trust* previous, BuildOptions options) {
    std::vector<TrustedIssuer> issuers;
    if (options.own != nullptr) issuers.push_back(options.own->trusted());
    for (const auto& entry : config.trusted_issuers) {
        auto issuer = issuer_of(entry, previous, options);
        if (!issuer) return invalid("issuer " + entry.issuer, issuer.error());
        issuers.push_back(*std::move(issuer));
    }
    std::vector<ApiKey> keys;
    for (const auto& entry : config.api_keys) {
        const auto hash = hash_of(entry, *hasher, options);
        if (!hash) return invalid("key " + entry.id, hash.error());
        keys.push_back({.hash = *hash,
                        .id = entry.id,
                        .subject = entry.subject,
                        .roles = entry.roles,
                        .scopes = entry.scopes,
                        .expires = entry.expires});
    }
    auto table = ApiKeyTable::make(std::move(hasher), std::move(keys));
    if (!table) return invalid("api_keys", table.error());
    auto trust =
        Trust::make(std::move(issuers), std::make_shared<const ApiKeyTable>(*std::move(table)),
                    options.own != nullptr ? options.own->name() : std::string());
    if (!trust) return invalid("trusted_issuers", trust.error());
    return trust;
}

}  // namespace gh::identity
