#include "identity/signing_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/jwk.hpp"
#include "crypto/digest.hpp"
#include "crypto/jose_key.hpp"

namespace gh::identity {
namespace {

using codec::JoseAlgorithm;

constexpr std::string_view stored_as = "token-signing-keys";
constexpr std::size_t hmac_key_bytes = 64;

crypto::KeyKind kind_for(JoseAlgorithm algorithm) {
    switch (algorithm) {
        case JoseAlgorithm::es256: return crypto::KeyKind::ec_p256;
        case JoseAlgorithm::es384: return crypto::KeyKind::ec_p384;
        case JoseAlgorithm::es512: return crypto::KeyKind::ec_p521;
        case JoseAlgorithm::eddsa: return crypto::KeyKind::ed25519;
        default: return crypto::KeyKind::rsa;
    }
}

codec::Jwk jwk_of(const crypto::PublicKey& key) {
    auto parts = key.components();
    codec::Jwk jwk;
    jwk.modulus = std::move(parts.modulus);
    jwk.exponent = std::move(parts.exponent);
    jwk.x = std::move(parts.x);
    jwk.y = std::move(parts.y);
    switch (key.kind()) {
        case crypto::KeyKind::rsa: jwk.type = codec::Jwk::Type::rsa; return jwk;
        case crypto::KeyKind::ec_p256: jwk.curve = "P-256"; break;
        case crypto::KeyKind::ec_p384: jwk.curve = "P-384"; break;
        case crypto::KeyKind::ec_p521: jwk.curve = "P-521"; break;
        case crypto::KeyKind::ed25519:
            jwk.type = codec::Jwk::Type::okp;
            jwk.curve = "Ed25519";
            return jwk;
    }
    jwk.type = codec::Jwk::Type::ec;
    return jwk;
}

std::unexpected<Error> unreadable(std::string detail) {
    return fail(ErrorKind::corrupt, "signing_key.unreadable", std::move(detail));
}

/// {"keys":[{"id":"...","algorithm":"ES256","active_from":1700000000,"material":"..."}]}
crypto::Secret written(const std::vector<SigningKey>& keys) {
    std::string text = R"({"keys":[)";
    for (const auto& key : keys) {
        const auto material = key.material();
        auto encoded = codec::encode_base64(crypto::text_of(material.bytes()));
        text += fmt::format(
            R"({}{{"id":"{}","algorithm":"{}","active_from":{},"material":"{}"}})",
            text.back() == '[' ? "" : ",", key.id(), name_of(key.algorithm()),
            std::chrono::duration_cast<seconds>(key.active_from().time_since_epoch()).count(),
            encoded);
        crypto::wipe(encoded.data(), encoded.size());
    }
    text += "]}";
    crypto::Secret secret(text);
    crypto::wipe(text.data(), text.size());
    return secret;
}

Result<SigningKey> read_one(const codec::json::Value& value) {
    const auto* id = value.find_string("id");
    const auto* algorithm = value.find_string("algorithm");
    const auto* material = value.find_string("material");
    const auto* from = value.find("active_from");
    if (!id || !algorithm || !material || !from || !from->integer())
        return unreadable("a member is missing");
    const auto known = codec::algorithm_of(*algorithm);
    auto decoded = codec::decode_base64(*material);
    if (!known || !decoded) return unreadable("algorithm or material");
    auto key = SigningKey::restore(*known, *id, SystemTime(seconds(*from->integer())), *decoded);
    crypto::wipe(decoded->data(), decoded->size());
    return key;
}

Result<std::vector<SigningKey>> read(crypto::KeyStore& store) {
    std::vector<SigningKey> keys;
    const auto stored = store.load(stored_as);
    if (!stored) {
        if (stored.error().kind == ErrorKind::not_found) return keys;
        return std::unexpected(stored.error());
    }
    const auto document = codec::json::parse(crypto::text_of(stored->bytes()));
    const auto* list = document ? document->find("keys") : nullptr;
    if (list == nullptr || list->array() == nullptr) return unreadable("no JSON object with keys");
    for (const auto& each : *list->array()) {
        GH_TRY(auto key, read_one(each));
        keys.push_back(std::move(key));
    }
    std::ranges::sort(keys, {}, &SigningKey::active_from);
    return keys;
}

SystemTime whole_second(SystemTime time) {
    return SystemTime(std::chrono::duration_cast<seconds>(time.time_since_epoch()));
}

/// Adds what is due and removes what is over. True when anything changed.
bool rotate(std::vector<SigningKey>& keys, JoseAlgorithm algorithm, const KeyRotation& rotation,
            SystemTime now) {
    const auto before = keys.size();
    bool changed = false;
    // A new algorithm counts from now: the operator has said so.
    if (keys.empty() || keys.back().algorithm() != algorithm) {
        keys.push_back(SigningKey::generate(algorithm, whole_second(now)));
        changed = true;
    } else if (const auto next = keys.back().active_from() + rotation.period;
               next - rotation.announced <= now) {
        keys.push_back(SigningKey::generate(
            algorithm, std::max(next, whole_second(now) + rotation.announced)));
        changed = true;
    }
    while (keys.size() > 1 && keys[1].active_from() + rotation.kept <= now)
        keys.erase(keys.begin());
    return changed || keys.size() != before;
}

}  // namespace

SigningKey::SigningKey(JoseAlgorithm algorithm, std::string id, SystemTime active_from, Key key)
    : algorithm_(algorithm), id_(std::move(id)), active_from_(active_from), key_(std::move(key)) {}

SigningKey SigningKey::generate(JoseAlgorithm algorithm, SystemTime active_from) {
    if (is_symmetric(algorithm)) {
        return {algorithm, std::string(view(uuid_v4())), active_from,
                std::make_shared<const crypto::Secret>(crypto::Secret::random(hmac_key_bytes))};
    }
    auto key = crypto::PrivateKey::generate(kind_for(algorithm));
    const auto thumbprint = crypto::sha256(codec::thumbprint_input(jwk_of(key.public_key())));
    auto id = codec::encode_base64url(crypto::text_of(thumbprint));
    return {algorithm, std::move(id), active_from, std::move(key)};
}

Result<SigningKey> SigningKey::restore(JoseAlgorithm algorithm, std::string_view id,
                                       SystemTime active_from, std::string_view material) {
    if (is_symmetric(algorithm)) {
        if (material.size() < crypto::code_bytes(crypto::hash_of(algorithm)))
            return unreadable("too short");
        return SigningKey(algorithm, std::string(id), active_from,
                          std::make_shared<const crypto::Secret>(crypto::Secret(material)));
    }
    auto key = crypto::PrivateKey::from_pem(material);
    if (!key) return unreadable(describe(key.error()));
    if (!fits(key->public_key().kind(), crypto::signature_of(algorithm)))
        return unreadable("the key is of another kind");
    return SigningKey(algorithm, std::string(id), active_from, *std::move(key));
}

std::string SigningKey::sign(std::string_view claims, std::string_view type) const {
    auto input = codec::encode_base64url(
        fmt::format(R"({{"alg":"{}","typ":"{}","kid":"{}"}})", name_of(algorithm_), type, id_));
    input += '.';
    input += codec::encode_base64url(claims);
    std::string signature;
    if (const auto* secret = std::get_if<1>(&key_)) {
        const crypto::HmacKey key(crypto::hash_of(algorithm_), (*secret)->copy());
        signature = crypto::text_of(key.code_of(input).bytes());
    } else {
        // It fits: it was made for this algorithm, or checked when it was restored.
        signature =
            crypto::text_of(std::get<0>(key_)
                                .sign(crypto::signature_of(algorithm_), crypto::bytes_of(input))
                                .value());
    }
    return input + '.' + codec::encode_base64url(signature);
}

VerificationKey SigningKey::verification_key() const {
    if (const auto* secret = std::get_if<1>(&key_))
        return VerificationKey::symmetric(algorithm_, (*secret)->copy(), id_).value();
    return VerificationKey::asymmetric(algorithm_, std::get<0>(key_).public_key(), id_).value();
}

std::string SigningKey::public_jwk() const {
    if (is_symmetric(algorithm_)) return {};
    auto jwk = jwk_of(std::get<0>(key_).public_key());
    jwk.algorithm = algorithm_;
    jwk.id = id_;
    std::string text;
    codec::append_jwk(text, jwk);
    return text;
}

crypto::Secret SigningKey::material() const {
    if (const auto* secret = std::get_if<1>(&key_)) return (*secret)->copy();
    return std::get<0>(key_).secret_pem();
}

SigningKeys::SigningKeys(std::vector<SigningKey> keys) : keys_(std::move(keys)) {
    std::vector<VerificationKey> verification;
    jwks_ = R"({"keys":[)";
    for (const auto& key : keys_) {
        verification.push_back(key.verification_key());
        const auto jwk = key.public_jwk();
        if (!jwk.empty() && jwks_.back() == '}') jwks_ += ',';
        jwks_ += jwk;
    }
    jwks_ += "]}";
    verification_ = std::make_shared<const KeySet>(std::move(verification));
}

Result<std::shared_ptr<const SigningKeys>> SigningKeys::keep(crypto::KeyStore& store,
                                                             JoseAlgorithm algorithm,
                                                             const KeyRotation& rotation,
                                                             SystemTime now) {
    GH_TRY(auto keys, read(store));
    if (rotate(keys, algorithm, rotation, now)) GH_TRY_VOID(store.store(stored_as, written(keys)));
    return std::shared_ptr<const SigningKeys>(new SigningKeys(std::move(keys)));
}

const SigningKey& SigningKeys::current(SystemTime now) const {
    const SigningKey* found = &keys_.front();
    for (const auto& key : keys_) {
        if (key.active_from() <= now) found = &key;
    }
    return *found;
}

}  // namespace gh::identity
