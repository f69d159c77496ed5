#include "crypto/public_key.hpp"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <utility>
#include <vector>

#include "base/try.hpp"
#include "crypto/openssl.hpp"
#include "crypto/roca.hpp"
#include "crypto/signature.hpp"

namespace gh::crypto {
namespace {

constexpr std::size_t pem_bytes_max = 16 * 1024;

std::unexpected<Error> malformed(std::string detail) {
    clear_errors();
    return fail(ErrorKind::invalid_argument, "key.malformed", std::move(detail));
}

BignumPtr number_of(Bytes bytes) {
    return BignumPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

/// A key of parts; null when the library refuses them (a point off the curve, for one).
PkeyPtr key_of(const char* type, OSSL_PARAM_BLD* parts) {
    const ParamsPtr params(OSSL_PARAM_BLD_to_param(parts));
    const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    must(params && context, "preparing a key");
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        clear_errors();
        return nullptr;
    }
    return PkeyPtr(key);
}

Result<void> check_rsa(EVP_PKEY* key) {
    const auto bits = EVP_PKEY_get_bits(key);
    if (bits < rsa_bits_min) {
        return fail(ErrorKind::invalid_argument, "key.weak",
                    "RSA needs 2048 bits, this key has " + std::to_string(bits));
    }
    if (bits > rsa_bits_max) {
        return fail(ErrorKind::invalid_argument, "key.too_large", "RSA is taken up to 8192 bits");
    }
    BIGNUM* raw_n = nullptr;
    BIGNUM* raw_e = nullptr;
    must(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &raw_n) == 1, "reading a modulus");
    const BignumPtr n(raw_n);
    must(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw_e) == 1, "reading an exponent");
    const BignumPtr e(raw_e);
    // An exponent of 1 makes every message its own signature; beyond 64 bits it only burns time.
    if (!BN_is_odd(n.get()) || !BN_is_odd(e.get()) || BN_is_one(e.get()) ||
        BN_num_bits(e.get()) > 64) {
        return fail(ErrorKind::invalid_argument, "key.weak",
                    "RSA modulus or exponent is not usable");
    }
    if (has_roca_fingerprint(n.get())) {
        return fail(ErrorKind::invalid_argument, "key.weak",
                    "RSA modulus is of the kind that CVE-2017-15361 breaks");
    }
    return {};
}

Result<KeyKind> kind_of(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA")) return KeyKind::rsa;
    if (EVP_PKEY_is_a(key, "ED25519")) return KeyKind::ed25519;
    if (EVP_PKEY_is_a(key, "EC")) {
        std::array<char, 64> name{};
        std::size_t size = 0;
        if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1) {
            const std::string_view group(name.data(), size);
            if (group == "prime256v1") return KeyKind::ec_p256;
            if (group == "secp384r1") return KeyKind::ec_p384;
            if (group == "secp521r1") return KeyKind::ec_p521;
        }
    }
    clear_errors();
    return fail(ErrorKind::invalid_argument, "key.unsupported",
                "RSA, P-256, P-384, P-521 or Ed25519");
}

/// Without it the library would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

/// r and s of JOSE to the DER that the library reads.
std::vector<std::uint8_t> der_of(Bytes raw) {
    const auto half = raw.size() / 2;
    const EcdsaSigPtr signature(ECDSA_SIG_new());
    BignumPtr r = number_of(raw.first(half));
    BignumPtr s = number_of(raw.last(half));
    must(signature && r && s, "reading a signature");
    must(ECDSA_SIG_set0(signature.get(), r.release(), s.release()) == 1, "reading a signature");
    std::vector<std::uint8_t> der(
        static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
    auto* out = der.data();
    i2d_ECDSA_SIG(signature.get(), &out);
    return der;
}

}  // namespace

bool fits(KeyKind kind, SignatureAlgorithm algorithm) {
    switch (algorithm) {
        case SignatureAlgorithm::rs256:
        case SignatureAlgorithm::rs384:
        case SignatureAlgorithm::rs512:
        case SignatureAlgorithm::ps256:
        case SignatureAlgorithm::ps384:
        case SignatureAlgorithm::ps512: return kind == KeyKind::rsa;
        case SignatureAlgorithm::es256: return kind == KeyKind::ec_p256;
        case SignatureAlgorithm::es384: return kind == KeyKind::ec_p384;
        case SignatureAlgorithm::es512: return kind == KeyKind::ec_p521;
        case SignatureAlgorithm::eddsa: return kind == KeyKind::ed25519;
    }
    std::unreachable();
}

Result<PublicKey> PublicKey::adopt(evp_pkey_st* raw) {
    std::shared_ptr<EVP_PKEY> key(raw, [](EVP_PKEY* k) { EVP_PKEY_free(k); });
    GH_TRY(const auto kind, kind_of(raw));
    if (kind == KeyKind::rsa) GH_TRY_VOID(check_rsa(raw));
    return PublicKey(std::move(key), kind);
}

PublicKey::Components PublicKey::components() const {
    const auto number = [this](const char* name, std::size_t size) {
        BIGNUM* raw = nullptr;
        must(EVP_PKEY_get_bn_param(key_.get(), name, &raw) == 1, "reading a key");
        const BignumPtr value(raw);
        std::string octets(size == 0 ? static_cast<std::size_t>(BN_num_bytes(raw)) : size, '\0');
        must(BN_bn2binpad(raw, reinterpret_cast<unsigned char*>(octets.data()),
                          static_cast<int>(octets.size())) >= 0,
             "writing a key");
        return octets;
    };
    Components parts;
    if (kind_ == KeyKind::rsa) {
        parts.modulus = number(OSSL_PKEY_PARAM_RSA_N, 0);
        parts.exponent = number(OSSL_PKEY_PARAM_RSA_E, 0);
    } else if (kind_ == KeyKind::ed25519) {
        parts.x.resize(32);
        std::size_t size = parts.x.size();
        must(EVP_PKEY_get_raw_public_key(
                 key_.get(), reinterpret_cast<unsigned char*>(parts.x.data()), &size) == 1,
             "reading a key");
    } else {
        parts.x = number(OSSL_PKEY_PARAM_EC_PUB_X, coordinate_bytes(kind_));
        parts.y = number(OSSL_PKEY_PARAM_EC_PUB_Y, coordinate_bytes(kind_));
    }
    return parts;
}

Result<PublicKey> PublicKey::from_rsa(Bytes modulus, Bytes exponent) {
    if (modulus.empty() || exponent.empty() || exponent.size() > 8)
        return malformed("RSA wants a modulus and an exponent");
    if (modulus.size() > rsa_bits_max / 8) {
        return fail(ErrorKind::invalid_argument, "key.too_large", "RSA is taken up to 8192 bits");
    }
    const BignumPtr n = number_of(modulus);
    const BignumPtr e = number_of(exponent);
    const ParamBuilderPtr parts(OSSL_PARAM_BLD_new());
    must(n && e && parts &&
             OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
             OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
         "preparing an RSA key");
    auto key = key_of("RSA", parts.get());
    if (!key) return malformed("not an RSA key");
    return adopt(key.release());
}

Result<PublicKey> PublicKey::from_ec(KeyKind curve, Bytes x, Bytes y) {
    const char* group = curve == KeyKind::ec_p256   ? "prime256v1"
                        : curve == KeyKind::ec_p384 ? "secp384r1"
                        : curve == KeyKind::ec_p521 ? "secp521r1"
                                                    : nullptr;
    if (group == nullptr)
        return fail(ErrorKind::invalid_argument, "key.unsupported", "no such curve");
    const auto size = coordinate_bytes(curve);
    if (x.size() != size || y.size() != size)
        return malformed("coordinates have the size of the curve");
    std::vector<std::uint8_t> point{4};  // uncompressed (SEC 1 §2.3.3)
    point.insert(point.end(), x.begin(), x.end());
    point.insert(point.end(), y.begin(), y.end());
    const ParamBuilderPtr parts(OSSL_PARAM_BLD_new());
    must(parts &&
             OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) ==
                 1 &&
             OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                              point.size()) == 1,
         "preparing an EC key");
    auto key = key_of("EC", parts.get());
    if (!key) return fail(ErrorKind::invalid_argument, "key.off_curve", "not a point of the curve");
    return adopt(key.release());
}

Result<PublicKey> PublicKey::from_ed25519(Bytes bytes) {
    if (bytes.size() != 32) return malformed("Ed25519 keys have 32 bytes");
    PkeyPtr key(
        EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes.data(), bytes.size()));
    if (!key) return malformed("not an Ed25519 key");
    return adopt(key.release());
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return malformed("a key of more than 16 KiB");
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    must(bio != nullptr, "reading a key");
    PkeyPtr key(
        PEM_read_bio_PUBKEY_ex(bio.get(), nullptr, no_passphrase, nullptr, nullptr, nullptr));
    if (!key) return malformed("wants -----BEGIN PUBLIC KEY-----");
    return adopt(key.release());
}

std::string PublicKey::pem() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    must(bio && PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1, "writing a key");
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

Result<std::array<std::uint8_t, 32>> PublicKey::ed25519_bytes() const {
    if (kind_ != KeyKind::ed25519) {
        return fail(ErrorKind::invalid_argument, "key.unsupported", "not an Ed25519 key");
    }
    std::array<std::uint8_t, 32> bytes;
    std::size_t size = bytes.size();
    must(EVP_PKEY_get_raw_public_key(key_.get(), bytes.data(), &size) == 1 && size == bytes.size(),
         "writing a key");
    return bytes;
}

bool PublicKey::verify(SignatureAlgorithm algorithm, Bytes message, Bytes signature) const {
    if (!fits(kind_, algorithm)) return false;
    std::vector<std::uint8_t> der;
    if (algorithm == SignatureAlgorithm::eddsa) {
        if (signature.size() != 64) return false;
    } else if (kind_ == KeyKind::rsa) {
        if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())))
            return false;
    } else {
        if (signature.size() != 2 * coordinate_bytes(kind_)) return false;
        der = der_of(signature);
        signature = der;
    }

    const MdContextPtr context(EVP_MD_CTX_new());
    must(context != nullptr, "checking a signature");
    EVP_PKEY_CTX* padding = nullptr;  // belongs to `context`
    const bool right = EVP_DigestVerifyInit(context.get(), &padding, hash_of(algorithm), nullptr,
                                            key_.get()) == 1 &&
                       set_padding(padding, algorithm) &&
                       EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                        message.data(), message.size()) == 1;
    if (!right) clear_errors();
    return right;
}

}  // namespace gh::crypto
