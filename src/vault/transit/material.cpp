#include "vault/transit/material.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "crypto/append_number.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/secret_space.hpp"

namespace gh::vault::transit {
namespace {

using crypto::Secret;

constexpr std::size_t hmac_bytes = 32;
constexpr std::size_t length_bytes = 4;
constexpr std::size_t seed_bytes = 32;

std::unexpected<Error> unreadable() {
    return fail(ErrorKind::corrupt, "transit.material", "what was sealed is no key of its type");
}

}  // namespace

Material Material::generate(KeyType type, std::uint32_t key_bytes) {
    Material made;
    if (const auto pair = pair_of(type)) {
        made.pair_ = crypto::KeyPair::generate(*pair);
    } else if (const auto cipher = cipher_of(type)) {
        made.key_ = Secret::random(crypto::key_bytes(*cipher));
    } else {
        made.key_ = Secret::random(key_bytes == 0 ? hmac_bytes : key_bytes);
        return made;
    }
    made.hmac_key_ = Secret::random(hmac_bytes);
    return made;
}

/// The length of the key, the key (PKCS #8 of a pair), the other key for HMACs.
Secret Material::packed() const {
    const auto key = pair_ ? pair_->secret_der() : key_.copy();
    std::string length;
    crypto::append_number(length, key.size(), length_bytes);
    crypto::SecretSpace space(length_bytes + key.size() + hmac_key_.size());
    auto* at = std::ranges::copy(length, space.data()).out;
    at = std::ranges::copy(key.bytes(), at).out;
    std::ranges::copy(hmac_key_.bytes(), at);
    return space.secret();
}

Result<Material> Material::unpack(KeyType type, const Secret& packed) {
    const auto bytes = packed.bytes();
    if (bytes.size() < length_bytes) return unreadable();
    std::size_t size = 0;
    for (const auto octet : bytes.first(length_bytes)) size = size << 8 | octet;
    const auto rest = bytes.subspan(length_bytes);
    const bool is_hmac = type == KeyType::hmac;
    if (size == 0 || size > rest.size() || rest.size() - size != (is_hmac ? 0 : hmac_bytes))
        return unreadable();
    Material opened;
    opened.key_ = Secret(rest.first(size));
    opened.hmac_key_ = Secret(rest.subspan(size));
    if (const auto pair = pair_of(type)) {
        auto read = crypto::KeyPair::from_der(*pair, opened.key_);
        if (!read) return unreadable();
        opened.pair_ = *std::move(read);
        opened.key_ = {};
    } else if (const auto cipher = cipher_of(type); cipher && crypto::key_bytes(*cipher) != size) {
        return unreadable();
    }
    return opened;
}

bool Material::is_of(KeyType type) const {
    if (const auto pair = pair_of(type)) return pair_ && pair_->kind() == *pair;
    if (pair_) return false;
    const auto cipher = cipher_of(type);
    return cipher ? key_.size() == crypto::key_bytes(*cipher) : !key_.empty();
}

Secret Material::derived_key(std::string_view context) const {
    return crypto::hkdf_sha256(key_, {}, context, key_.size());
}

crypto::KeyPair Material::derived_pair(std::string_view context) const {
    // What their key is in its 64 bytes: the seed, and behind it the public half.
    crypto::SecretSpace both(2 * seed_bytes);
    const auto seed = pair_->ed25519_seed();
    const auto half = pair_->ed25519_public();
    auto* const at = std::ranges::copy(seed.bytes(), both.data()).out;
    std::ranges::copy(half, at);
    const auto derived = crypto::hkdf_sha256(both.secret(), {}, context, seed_bytes);
    return *crypto::KeyPair::from_ed25519(derived);  // a seed may be anything of that size
}

}  // namespace gh::vault::transit
