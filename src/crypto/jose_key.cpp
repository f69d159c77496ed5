#include "crypto/jose_key.hpp"

#include <optional>
#include <utility>

namespace gh::crypto {
namespace {

using codec::JoseAlgorithm;

std::optional<KeyKind> curve_of(std::string_view name) {
    if (name == "P-256") return KeyKind::ec_p256;
    if (name == "P-384") return KeyKind::ec_p384;
    if (name == "P-521") return KeyKind::ec_p521;
    return std::nullopt;
}

std::unexpected<Error> unsupported(std::string detail) {
    return fail(ErrorKind::invalid_argument, "key.unsupported", std::move(detail));
}

}  // namespace

HmacHash hash_of(JoseAlgorithm algorithm) {
    switch (algorithm) {
        case JoseAlgorithm::hs384: return HmacHash::sha384;
        case JoseAlgorithm::hs512: return HmacHash::sha512;
        default: return HmacHash::sha256;
    }
}

// The two lists are in the same order.
SignatureAlgorithm signature_of(JoseAlgorithm algorithm) {
    constexpr auto offset = std::to_underlying(JoseAlgorithm::rs256);
    static_assert(std::to_underlying(JoseAlgorithm::ps256) - offset ==
                  std::to_underlying(SignatureAlgorithm::ps256));
    static_assert(std::to_underlying(JoseAlgorithm::es256) - offset ==
                  std::to_underlying(SignatureAlgorithm::es256));
    static_assert(std::to_underlying(JoseAlgorithm::eddsa) - offset ==
                  std::to_underlying(SignatureAlgorithm::eddsa));
    return static_cast<SignatureAlgorithm>(std::to_underlying(algorithm) - offset);
}

Result<PublicKey> public_key_of(const codec::Jwk& key) {
    switch (key.type) {
        case codec::Jwk::Type::rsa:
            return PublicKey::from_rsa(bytes_of(key.modulus), bytes_of(key.exponent));
        case codec::Jwk::Type::okp:
            if (key.curve != "Ed25519") return unsupported("curve " + key.curve);
            return PublicKey::from_ed25519(bytes_of(key.x));
        case codec::Jwk::Type::ec: break;
        case codec::Jwk::Type::oct: return unsupported("a secret");
    }
    const auto curve = curve_of(key.curve);
    if (!curve) return unsupported("curve " + key.curve);
    return PublicKey::from_ec(*curve, bytes_of(key.x), bytes_of(key.y));
}

}  // namespace gh::crypto
