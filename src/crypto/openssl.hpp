#pragma once

// For the .cpp files of this room only: OpenSSL objects with owners, and methods fetched once.

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>
#include <string_view>

namespace gh::crypto {

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using CipherContextPtr = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using MacContextPtr = std::unique_ptr<EVP_MAC_CTX, Freed<EVP_MAC_CTX_free>>;
using MdContextPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using PkeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

/// Fetched once: asking the providers again for every call costs more than hashing a short message.
struct Methods {
    EVP_MD* sha256;
    EVP_MD* sha384;
    EVP_MD* sha512;
    EVP_MAC* hmac;
    EVP_CIPHER* aes_128_cbc;
    EVP_CIPHER* aes_128_gcm;
    EVP_CIPHER* aes_256_ecb;
    EVP_CIPHER* aes_256_gcm;
    EVP_CIPHER* chacha20_poly1305;
};
[[nodiscard]] const Methods& methods();

/// For calls that can fail only when memory is exhausted or the library is broken: throws
/// std::runtime_error.
void must(bool worked, const char* what);

/// Forgets what failed checks left in the thread's error queue: it would be taken for somebody
/// else's error later.
void clear_errors() noexcept;

}  // namespace gh::crypto
