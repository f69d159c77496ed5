#include "crypto/private_key.hpp"

#include <openssl/ecdsa.h>
#include <openssl/x509.h>

#include <utility>

#include "base/try.hpp"
#include "crypto/openssl.hpp"
#include "crypto/signature.hpp"
#include "crypto/x509.hpp"

namespace gh::crypto {
namespace {

EVP_PKEY* generated(KeyKind kind) {
    switch (kind) {
        case KeyKind::rsa:
            return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{rsa_bits_min});
        case KeyKind::ec_p256: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
        case KeyKind::ec_p384: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
        case KeyKind::ec_p521: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521");
        case KeyKind::ed25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    }
    std::unreachable();
}

/// The library's DER to r and s of the curve's size, as JOSE carries them (RFC 7518 §3.4).
std::vector<std::uint8_t> raw_of(Bytes der, std::size_t coordinate) {
    const auto* in = der.data();
    const EcdsaSigPtr signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
    must(signature != nullptr, "reading our own signature");
    std::vector<std::uint8_t> raw(2 * coordinate);
    const auto size = static_cast<int>(coordinate);
    must(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), size) == size &&
             BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + coordinate, size) == size,
         "writing a signature");
    return raw;
}

/// Through its bytes, so that the public half holds nothing of the private one. The caller owns it.
EVP_PKEY* public_half(EVP_PKEY* key) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    must(bio && i2d_PUBKEY_bio(bio.get(), key) == 1, "writing a public key");
    EVP_PKEY* half = d2i_PUBKEY_bio(bio.get(), nullptr);
    must(half != nullptr, "reading a public key");
    return half;
}

}  // namespace

PrivateKey PrivateKey::generate(KeyKind kind) {
    auto* key = generated(kind);
    must(key != nullptr, "making a key");
    return {std::shared_ptr<EVP_PKEY>(key, [](EVP_PKEY* k) { EVP_PKEY_free(k); }), kind};
}

Result<PrivateKey> PrivateKey::from_ed25519(const Secret& seed) {
    if (seed.size() != 32) {
        return fail(ErrorKind::invalid_argument, "key.malformed", "Ed25519 seeds have 32 bytes");
    }
    auto* key = EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, seed.bytes().data(),
                                                seed.size());
    must(key != nullptr, "making a key");
    return PrivateKey(std::shared_ptr<EVP_PKEY>(key, [](EVP_PKEY* k) { EVP_PKEY_free(k); }),
                      KeyKind::ed25519);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
    GH_TRY(auto handle, read_private_key(pem));
    std::shared_ptr<EVP_PKEY> key(std::move(handle));
    GH_TRY(const auto judged, PublicKey::adopt(public_half(key.get())));
    return PrivateKey(std::move(key), judged.kind());
}

Secret PrivateKey::secret_pem() const {
    auto text = to_pem(key_.get());
    Secret secret(text);
    wipe(text.data(), text.size());
    return secret;
}

PublicKey PrivateKey::public_key() const {
    return {
        std::shared_ptr<EVP_PKEY>(public_half(key_.get()), [](EVP_PKEY* k) { EVP_PKEY_free(k); }),
        kind_};
}

Result<std::vector<std::uint8_t>> PrivateKey::sign(SignatureAlgorithm algorithm,
                                                   Bytes message) const {
    if (!fits(kind_, algorithm)) return fail(ErrorKind::invalid_argument, "key.algorithm");
    const MdContextPtr context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;  // belongs to `context`
    must(context &&
             EVP_DigestSignInit(context.get(), &padding, hash_of(algorithm), nullptr, key_.get()) ==
                 1 &&
             set_padding(padding, algorithm),
         "preparing a signature");
    std::size_t size = 0;
    must(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1,
         "sizing a signature");
    std::vector<std::uint8_t> signature(size);
    must(
        EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1,
        "signing");
    signature.resize(size);
    if (const auto coordinate = coordinate_bytes(kind_); coordinate != 0)
        return raw_of(signature, coordinate);
    return signature;
}

}  // namespace gh::crypto
