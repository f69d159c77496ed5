#include "vault/transit/key_type.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gh::vault::transit {
namespace {

constexpr std::array<std::string_view, 11> names = {
    "aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "ed25519",  "ecdsa-p256", "ecdsa-p384",
    "ecdsa-p521",   "rsa-2048",     "rsa-3072",          "rsa-4096", "hmac"};

}  // namespace

std::string_view name_of(KeyType type) { return names.at(std::to_underlying(type)); }

std::optional<KeyType> type_named(std::string_view name) {
    const auto* const found = std::ranges::find(names, name);
    if (found == names.end()) return {};
    return static_cast<KeyType>(found - names.begin());
}

std::optional<crypto::Aead> cipher_of(KeyType type) {
    switch (type) {
        case KeyType::aes128_gcm96: return crypto::Aead::aes_128_gcm;
        case KeyType::aes256_gcm96: return crypto::Aead::aes_256_gcm;
        case KeyType::chacha20_poly1305: return crypto::Aead::chacha20_poly1305;
        default: return {};
    }
}

std::optional<crypto::KeyPairKind> pair_of(KeyType type) {
    switch (type) {
        case KeyType::ed25519: return crypto::KeyPairKind::ed25519;
        case KeyType::ecdsa_p256: return crypto::KeyPairKind::ecdsa_p256;
        case KeyType::ecdsa_p384: return crypto::KeyPairKind::ecdsa_p384;
        case KeyType::ecdsa_p521: return crypto::KeyPairKind::ecdsa_p521;
        case KeyType::rsa_2048: return crypto::KeyPairKind::rsa_2048;
        case KeyType::rsa_3072: return crypto::KeyPairKind::rsa_3072;
        case KeyType::rsa_4096: return crypto::KeyPairKind::rsa_4096;
        default: return {};
    }
}

bool encrypts(KeyType type) { return cipher_of(type).has_value() || is_slow(type); }

bool derives(KeyType type) { return cipher_of(type).has_value() || type == KeyType::ed25519; }

bool is_slow(KeyType type) {
    const auto pair = pair_of(type);
    return pair && crypto::is_rsa(*pair);
}

}  // namespace gh::vault::transit
