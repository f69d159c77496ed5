#include "crypto/openssl.hpp"

#include <openssl/err.h>

#include <stdexcept>

namespace gh::crypto {

const Methods& methods() {
    // Never freed: threads that end late may still use them.
    static const Methods fetched = [] {
        Methods m{
            .sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr),
            .sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr),
            .sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr),
            .hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr),
            .aes_128_cbc = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr),
            .aes_128_gcm = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr),
            .aes_256_ecb = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr),
            .aes_256_gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
            .chacha20_poly1305 = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr),
        };
        must(m.sha256 && m.sha384 && m.sha512 && m.hmac && m.aes_128_cbc && m.aes_128_gcm &&
                 m.aes_256_ecb && m.aes_256_gcm && m.chacha20_poly1305,
             "fetching SHA-2, HMAC, AES and ChaCha20");
        return m;
    }();
    return fetched;
}

void must(bool worked, const char* what) {
    if (worked) return;
    const auto code = ERR_get_error();
    char text[256] = "no reason given";
    if (code != 0) ERR_error_string_n(code, text, sizeof text);
    throw std::runtime_error(std::string("OpenSSL: ") + what + ": " + text);
}

void clear_errors() noexcept { ERR_clear_error(); }

}  // namespace gh::crypto
