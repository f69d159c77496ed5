#include "crypto/signature.hpp"

#include <openssl/rsa.h>

#include <utility>

namespace gh::crypto {

EVP_MD* hash_of(SignatureAlgorithm algorithm) {
    switch (algorithm) {
        case SignatureAlgorithm::rs256:
        case SignatureAlgorithm::ps256:
        case SignatureAlgorithm::es256: return methods().sha256;
        case SignatureAlgorithm::rs384:
        case SignatureAlgorithm::ps384:
        case SignatureAlgorithm::es384: return methods().sha384;
        case SignatureAlgorithm::rs512:
        case SignatureAlgorithm::ps512:
        case SignatureAlgorithm::es512: return methods().sha512;
        case SignatureAlgorithm::eddsa: return nullptr;
    }
    std::unreachable();
}

bool is_pss(SignatureAlgorithm algorithm) {
    return algorithm == SignatureAlgorithm::ps256 || algorithm == SignatureAlgorithm::ps384 ||
           algorithm == SignatureAlgorithm::ps512;
}

std::size_t coordinate_bytes(KeyKind curve) {
    switch (curve) {
        case KeyKind::ec_p256: return 32;
        case KeyKind::ec_p384: return 48;
        case KeyKind::ec_p521: return 66;
        case KeyKind::rsa:
        case KeyKind::ed25519: return 0;
    }
    std::unreachable();
}

bool set_padding(EVP_PKEY_CTX* context, SignatureAlgorithm algorithm) {
    if (!is_pss(algorithm)) return true;  // PKCS #1 v1.5 is the library's own choice
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash_of(algorithm)) == 1;
}

}  // namespace gh::crypto
