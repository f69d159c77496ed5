#include "identity/key_set.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "crypto/jose_key.hpp"

namespace gh::identity {
namespace {

using codec::JoseAlgorithm;

std::unexpected<Error> refuse(std::string_view reason, std::string detail = {}) {
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

/// What a key without `alg` is for.
JoseAlgorithm usual_algorithm(crypto::KeyKind kind) {
    switch (kind) {
        case crypto::KeyKind::rsa: return JoseAlgorithm::rs256;
        case crypto::KeyKind::ec_p256: return JoseAlgorithm::es256;
        case crypto::KeyKind::ec_p384: return JoseAlgorithm::es384;
        case crypto::KeyKind::ec_p521: return JoseAlgorithm::es512;
        case crypto::KeyKind::ed25519: return JoseAlgorithm::eddsa;
    }
    std::unreachable();
}

}  // namespace

Result<VerificationKey> VerificationKey::symmetric(JoseAlgorithm algorithm, crypto::Secret secret,
                                                   std::optional<std::string> id) {
    if (!codec::is_symmetric(algorithm))
        return refuse("key.algorithm", "a secret is for HS256, HS384 or HS512");
    const auto hash = crypto::hash_of(algorithm);
    if (secret.size() < crypto::code_bytes(hash)) {
        return refuse("key.weak", std::string(name_of(algorithm)) + " needs a secret of " +
                                      std::to_string(crypto::code_bytes(hash)) + " bytes");
    }
    return VerificationKey(
        algorithm, std::make_shared<const crypto::HmacKey>(hash, std::move(secret)), std::move(id));
}

Result<VerificationKey> VerificationKey::asymmetric(JoseAlgorithm algorithm, crypto::PublicKey key,
                                                    std::optional<std::string> id) {
    if (codec::is_symmetric(algorithm) ||
        !crypto::fits(key.kind(), crypto::signature_of(algorithm))) {
        return refuse("key.algorithm", "the key is not for " + std::string(name_of(algorithm)));
    }
    return VerificationKey(algorithm, std::move(key), std::move(id));
}

Result<VerificationKey> VerificationKey::from_jwk(codec::Jwk key,
                                                  std::optional<JoseAlgorithm> only) {
    if (only && key.algorithm && *only != *key.algorithm)
        return refuse("key.algorithm", "another one is wanted");
    const auto stated = key.algorithm ? key.algorithm : only;
    if (key.type == codec::Jwk::Type::oct) {
        crypto::Secret secret(key.secret);
        crypto::wipe(key.secret.data(), key.secret.size());
        if (!stated) return refuse("key.algorithm", "a secret key must say what it is for");
        return symmetric(*stated, std::move(secret), std::move(key.id));
    }
    GH_TRY(auto open, crypto::public_key_of(key));
    const auto algorithm = stated.value_or(usual_algorithm(open.kind()));
    return asymmetric(algorithm, std::move(open), std::move(key.id));
}

bool VerificationKey::verify(std::string_view signing_input, std::string_view signature) const {
    const auto message = crypto::bytes_of(signing_input), code = crypto::bytes_of(signature);
    if (const auto* secret = std::get_if<std::shared_ptr<const crypto::HmacKey>>(&key_)) {
        return (*secret)->verify(message, code);
    }
    return std::get<crypto::PublicKey>(key_).verify(crypto::signature_of(algorithm_), message,
                                                    code);
}

KeySet KeySet::from_jwks(codec::JwkSet set, Options options) {
    std::vector<VerificationKey> keys;
    for (auto& jwk : set.keys) {
        if (jwk.type == codec::Jwk::Type::oct && !options.symmetric_allowed) continue;
        auto key = VerificationKey::from_jwk(std::move(jwk), options.only);
        if (key) keys.push_back(*std::move(key));
    }
    return KeySet(std::move(keys));
}

Result<const VerificationKey*> KeySet::find(const codec::JoseHeader& header) const {
    const bool named = header.key_id && std::ranges::any_of(keys_, [&](const auto& key) {
                           return key.id() == header.key_id;
                       });
    const auto is_meant = [&](const VerificationKey& key) {
        if (named) return key.id() == header.key_id;
        return !header.key_id || !key.id();
    };
    const VerificationKey* found = nullptr;
    bool meant = false, several = false;
    for (const auto& key : keys_) {
        if (!is_meant(key)) continue;
        meant = true;
        if (key.algorithm() != header.algorithm) continue;
        several = several || found != nullptr;
        found = &key;
    }
    if (!meant) return fail(ErrorKind::unauthenticated, "jwt.key");
    if (found == nullptr) return fail(ErrorKind::unauthenticated, "jwt.algorithm");
    if (several) return fail(ErrorKind::unauthenticated, "jwt.key_ambiguous");
    return found;
}

}  // namespace gh::identity
