#include "crypto/key_pair.hpp"

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.hpp"
#include "crypto/openssl.hpp"
#include "crypto/secret_space.hpp"
#include "crypto/signature.hpp"

namespace gh::crypto {
namespace {

EVP_PKEY* generated(KeyPairKind kind) {
    switch (kind) {
        case KeyPairKind::ed25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
        case KeyPairKind::ecdsa_p256: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
        case KeyPairKind::ecdsa_p384: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
        case KeyPairKind::ecdsa_p521: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521");
        case KeyPairKind::rsa_2048:
            return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
        case KeyPairKind::rsa_3072:
            return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{3072});
        case KeyPairKind::rsa_4096:
            return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{4096});
    }
    std::unreachable();
}

std::shared_ptr<EVP_PKEY> owned(EVP_PKEY* key) {
    return {key, [](EVP_PKEY* k) { EVP_PKEY_free(k); }};
}

std::size_t coordinate_bytes(KeyPairKind kind) {
    switch (kind) {
        case KeyPairKind::ecdsa_p256: return 32;
        case KeyPairKind::ecdsa_p384: return 48;
        case KeyPairKind::ecdsa_p521: return 66;
        default: return 0;
    }
}

std::unexpected<Error> unfit(std::string detail) {
    clear_errors();
    return fail(ErrorKind::invalid_argument, "key.input", std::move(detail));
}

/// What a memory BIO holds, wiped there.
Secret taken(BIO* bio) {
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &data));
    Secret secret(std::string_view(data, size));
    wipe(data, size);
    return secret;
}

int salt_of(const SignatureForm& form, bool signs) {
    switch (form.salt) {
        case SignatureForm::Salt::most: return signs ? RSA_PSS_SALTLEN_MAX : RSA_PSS_SALTLEN_AUTO;
        case SignatureForm::Salt::as_hash: return RSA_PSS_SALTLEN_DIGEST;
        case SignatureForm::Salt::counted: return form.salt_bytes;
    }
    std::unreachable();
}

/// Of a digest; null when the key has no room for that form.
PkeyContextPtr prepared(EVP_PKEY* key, KeyPairKind kind, const SignatureForm& form, bool signs) {
    PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    must(context &&
             (signs ? EVP_PKEY_sign_init(context.get()) : EVP_PKEY_verify_init(context.get())) == 1,
         "preparing a signature");
    if (!is_rsa(kind)) return context;
    const int padding = form.is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    bool fits = EVP_PKEY_CTX_set_rsa_padding(context.get(), padding) == 1;
    if (form.hash) {
        fits = fits && EVP_PKEY_CTX_set_signature_md(context.get(), method_of(*form.hash)) == 1;
    }
    if (form.is_pss) {
        fits = fits && form.hash &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), salt_of(form, signs)) == 1;
    }
    if (fits) return context;
    clear_errors();
    return nullptr;
}

/// Of ECDSA, which looks at as many octets as the curve has (FIPS 186-5 §6.4). Where they are zero a signature is made of the
/// public half alone: r = s = x(Q).
bool is_digest(KeyPairKind kind, const SignatureForm& form, Bytes input) {
    if (!form.hash || input.size() != digest_bytes(*form.hash)) return false;
    const auto seen = input.first(std::min(input.size(), coordinate_bytes(kind)));
    return std::ranges::any_of(seen, [](unsigned char octet) { return octet != 0; });
}

std::string raw_of(std::string_view der, std::size_t coordinate) {
    const auto* in = bytes_of(der).data();
    const EcdsaSigPtr signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
    must(signature != nullptr, "reading our own signature");
    std::string raw(2 * coordinate, '\0');
    auto* const out = reinterpret_cast<unsigned char*>(raw.data());
    const auto size = static_cast<int>(coordinate);
    must(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, size) == size &&
             BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + coordinate, size) == size,
         "writing a signature");
    return raw;
}

/// Empty where that is no r and s of the curve.
std::string der_of(Bytes raw, std::size_t coordinate) {
    if (raw.size() != 2 * coordinate) return {};
    const auto number = [](Bytes bytes) {
        return BignumPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    };
    const EcdsaSigPtr signature(ECDSA_SIG_new());
    auto r = number(raw.first(coordinate));
    auto s = number(raw.last(coordinate));
    must(signature && r && s, "reading a signature");
    must(ECDSA_SIG_set0(signature.get(), r.release(), s.release()) == 1, "reading a signature");
    std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)), '\0');
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    i2d_ECDSA_SIG(signature.get(), &out);
    return der;
}

bool is_of(EVP_PKEY* key, KeyPairKind kind) {
    if (kind == KeyPairKind::ed25519) return EVP_PKEY_is_a(key, "ED25519") == 1;
    const auto bits = EVP_PKEY_get_bits(key);
    if (is_ecdsa(kind)) {
        std::array<char, 64> name{};
        std::size_t size = 0;
        const int wanted = kind == KeyPairKind::ecdsa_p256   ? 256
                           : kind == KeyPairKind::ecdsa_p384 ? 384
                                                             : 521;
        return EVP_PKEY_is_a(key, "EC") == 1 && bits == wanted &&
               EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1;
    }
    const int wanted = kind == KeyPairKind::rsa_2048   ? 2048
                       : kind == KeyPairKind::rsa_3072 ? 3072
                                                       : 4096;
    return EVP_PKEY_is_a(key, "RSA") == 1 && bits == wanted;
}

PkeyContextPtr oaep(EVP_PKEY* key, bool encrypts) {
    PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    must(context &&
             (encrypts ? EVP_PKEY_encrypt_init(context.get())
                       : EVP_PKEY_decrypt_init(context.get())) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), methods().sha256) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), methods().sha256) == 1,
         "preparing OAEP");
    return context;
}

}  // namespace

KeyPair KeyPair::generate(KeyPairKind kind) {
    auto* key = generated(kind);
    must(key != nullptr, "making a key");
    return {owned(key), kind};
}

Result<KeyPair> KeyPair::from_der(KeyPairKind kind, const Secret& der) {
    const auto* in = der.bytes().data();
    auto key = owned(d2i_AutoPrivateKey(nullptr, &in, static_cast<long>(der.size())));
    if (key && is_of(key.get(), kind)) return KeyPair(std::move(key), kind);
    clear_errors();
    return fail(ErrorKind::invalid_argument, "key.malformed", "no private key of this kind");
}

Result<KeyPair> KeyPair::from_ed25519(const Secret& seed) {
    if (seed.size() != 32)
        return fail(ErrorKind::invalid_argument, "key.malformed", "Ed25519 seeds have 32 bytes");
    auto key = owned(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr,
                                                     seed.bytes().data(), seed.size()));
    must(key != nullptr, "making a key");
    return KeyPair(std::move(key), KeyPairKind::ed25519);
}

Secret KeyPair::secret_der() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    must(bio && i2d_PKCS8PrivateKey_bio(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                        nullptr) == 1,
         "writing a key");
    return taken(bio.get());
}

Result<Secret> KeyPair::secret_pem() const {
    if (kind_ == KeyPairKind::ed25519)
        return fail(ErrorKind::invalid_argument, "key.unsupported", "Ed25519 has no such form");
    const BioPtr bio(BIO_new(BIO_s_mem()));
    must(bio && PEM_write_bio_PrivateKey_traditional(bio.get(), key_.get(), nullptr, nullptr, 0,
                                                     nullptr, nullptr) == 1,
         "writing a key");
    return taken(bio.get());
}

Secret KeyPair::ed25519_seed() const {
    SecretSpace seed(32);
    std::size_t size = seed.size();
    must(EVP_PKEY_get_raw_private_key(key_.get(), seed.data(), &size) == 1, "reading a key");
    return seed.secret();
}

std::string KeyPair::public_pem() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    must(bio && PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1, "writing a public key");
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio.get(), &data));
    return {data, size};
}

std::string KeyPair::ed25519_public() const {
    std::string key(32, '\0');
    std::size_t size = key.size();
    must(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(key.data()),
                                     &size) == 1,
         "reading a key");
    return key;
}

Result<std::string> KeyPair::sign(const SignatureForm& form, Bytes input) const {
    std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    auto* const out = reinterpret_cast<unsigned char*>(signature.data());
    std::size_t size = signature.size();
    if (kind_ == KeyPairKind::ed25519) {
        const MdContextPtr context(EVP_MD_CTX_new());
        must(context &&
                 EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
                 EVP_DigestSign(context.get(), out, &size, input.data(), input.size()) == 1,
             "signing");
        signature.resize(size);
        return signature;
    }
    if (is_ecdsa(kind_) && !is_digest(kind_, form, input))
        return unfit("the input is no digest of this hash");
    const auto context = prepared(key_.get(), kind_, form, true);
    if (!context) return unfit("the key has no room for a signature of this form");
    if (EVP_PKEY_sign(context.get(), out, &size, input.data(), input.size()) != 1)
        return unfit("the input is no digest of this hash, or the key has no room for this salt");
    signature.resize(size);
    if (form.is_raw && is_ecdsa(kind_)) return raw_of(signature, coordinate_bytes(kind_));
    return signature;
}

bool KeyPair::verify(const SignatureForm& form, Bytes input, Bytes signature) const {
    if (is_ecdsa(kind_) && !is_digest(kind_, form, input)) return false;
    bool holds = false;
    if (kind_ == KeyPairKind::ed25519) {
        const MdContextPtr context(EVP_MD_CTX_new());
        must(context &&
                 EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1,
             "preparing a check");
        holds = EVP_DigestVerify(context.get(), signature.data(), signature.size(), input.data(),
                                 input.size()) == 1;
    } else if (const auto context = prepared(key_.get(), kind_, form, false)) {
        std::string der;
        if (form.is_raw && is_ecdsa(kind_)) {
            der = der_of(signature, coordinate_bytes(kind_));
            signature = bytes_of(der);
        }
        holds =
            !signature.empty() && EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                                                  input.data(), input.size()) == 1;
    }
    clear_errors();
    return holds;
}

Result<std::string> KeyPair::encrypt(Bytes text) const {
    const auto context = oaep(key_.get(), true);
    std::string sealed(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    std::size_t size = sealed.size();
    if (EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(sealed.data()), &size,
                         text.data(), text.size()) != 1)
        return unfit("too long for this key");
    sealed.resize(size);
    return sealed;
}

Result<Secret> KeyPair::decrypt(Bytes sealed) const {
    const auto context = oaep(key_.get(), false);
    SecretSpace text(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
    std::size_t size = text.size();
    if (EVP_PKEY_decrypt(context.get(), text.data(), &size, sealed.data(), sealed.size()) != 1) {
        clear_errors();
        return fail(ErrorKind::corrupt, "key.decrypt", "not sealed so for this key");
    }
    return Secret(text.bytes().first(size));
}

}  // namespace gh::crypto
