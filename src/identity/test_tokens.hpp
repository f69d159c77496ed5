#pragma once

// For tests: tokens as their issuers make them, and as attackers do.

#include <string>
#include <string_view>
#include <utility>

#include "codec/base64.hpp"
#include "crypto/hmac.hpp"
#include "crypto/private_key.hpp"

namespace gh::identity::testing {

inline constexpr std::string_view test_secret =
    "q8Zr2Vw7Rt5Yp1Xn4Bm9Lc6Hd3Gf0JsU";  // secret-scan: allow made for tests

inline std::string signing_input(std::string_view header, std::string_view claims) {
    return codec::encode_base64url(header) + "." + codec::encode_base64url(claims);
}

inline std::string hs256(std::string_view claims, std::string_view secret = test_secret,
                         std::string_view header = R"({"alg":"HS256","typ":"JWT"})") {
    const crypto::HmacKey key(crypto::HmacHash::sha256, crypto::Secret(secret));
    const auto input = signing_input(header, claims);
    return input + "." + codec::encode_base64url(crypto::text_of(key.code_of(input).bytes()));
}

inline std::string signed_by(const crypto::PrivateKey& key, crypto::SignatureAlgorithm algorithm,
                             std::string_view header, std::string_view claims) {
    const auto input = signing_input(header, claims);
    const auto signature = key.sign(algorithm, crypto::bytes_of(input)).value();
    return input + "." + codec::encode_base64url(crypto::text_of(signature));
}

/// A key of P-256 as a JWK.
inline std::string jwk_of(const crypto::PublicKey& key) {
    const auto parts = key.components();
    return R"({"kty":"EC","crv":"P-256","x":")" + codec::encode_base64url(parts.x) + R"(","y":")" +
           codec::encode_base64url(parts.y) + R"("})";
}

}  // namespace gh::identity::testing
