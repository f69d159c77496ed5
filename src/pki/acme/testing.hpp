#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "codec/json_writer.hpp"
#include "codec/jwk.hpp"
#include "crypto/hmac.hpp"
#include "crypto/jose_key.hpp"
#include "crypto/private_key.hpp"
#include "crypto/x509.hpp"
#include "pki/openssl.hpp"

// A client's half of the protocol, for tests.

namespace gh::pki::acme {

inline codec::Jwk jwk_of(const crypto::PublicKey& key) {
    auto parts = key.components();
    codec::Jwk jwk;
    switch (key.kind()) {
        case crypto::KeyKind::rsa: jwk.type = codec::Jwk::Type::rsa; break;
        case crypto::KeyKind::ed25519:
            jwk.type = codec::Jwk::Type::okp;
            jwk.curve = "Ed25519";
            break;
        case crypto::KeyKind::ec_p256: jwk.curve = "P-256"; break;
        case crypto::KeyKind::ec_p384: jwk.curve = "P-384"; break;
        case crypto::KeyKind::ec_p521: jwk.curve = "P-521"; break;
    }
    if (jwk.type == codec::Jwk::Type{} && key.kind() != crypto::KeyKind::rsa)
        jwk.type = codec::Jwk::Type::ec;
    jwk.modulus = std::move(parts.modulus);
    jwk.exponent = std::move(parts.exponent);
    jwk.x = std::move(parts.x);
    jwk.y = std::move(parts.y);
    return jwk;
}

inline std::string flattened(std::string_view header, std::string_view payload,
                             std::string_view signature) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("protected").string(codec::encode_base64url(header));
    out.name("payload").string(codec::encode_base64url(payload));
    out.name("signature").string(codec::encode_base64url(signature)).end_object();
    return text;
}

inline std::string signing_input(std::string_view header, std::string_view payload) {
    return codec::encode_base64url(header) + "." + codec::encode_base64url(payload);
}

/// A key pair that signs requests.
class Signer {
 public:
    explicit Signer(codec::JoseAlgorithm algorithm = codec::JoseAlgorithm::es256)
        : algorithm_(algorithm), key_(crypto::PrivateKey::generate(kind_of(algorithm))) {}

    [[nodiscard]] codec::Jwk jwk() const { return jwk_of(key_.public_key()); }
    [[nodiscard]] std::string jwk_text() const { return codec::thumbprint_input(jwk()); }
    [[nodiscard]] const crypto::PrivateKey& key() const { return key_; }

    /// The header's members, from `alg` on; `who` is `"jwk":{...}` or `"kid":"..."`.
    [[nodiscard]] std::string header(std::string_view who, std::string_view url,
                                     std::string_view nonce) const {
        std::string text = R"({"alg":")" + std::string(codec::name_of(algorithm_)) + R"(",)";
        text += std::string(who) + R"(,"url":")" + std::string(url) + '"';
        if (!nonce.empty()) text += R"(,"nonce":")" + std::string(nonce) + '"';
        return text + "}";
    }
    [[nodiscard]] std::string by_key() const { return R"("jwk":)" + jwk_text(); }
    static std::string by_account(std::string_view url) {
        return R"("kid":")" + std::string(url) + '"';
    }
    [[nodiscard]] std::string sign(std::string_view header, std::string_view payload) const {
        const auto input = signing_input(header, payload);
        const auto signature =
            key_.sign(crypto::signature_of(algorithm_), crypto::bytes_of(input)).value();
        return flattened(header, payload, crypto::text_of(signature));
    }

 private:
    static crypto::KeyKind kind_of(codec::JoseAlgorithm algorithm) {
        switch (algorithm) {
            case codec::JoseAlgorithm::es384: return crypto::KeyKind::ec_p384;
            case codec::JoseAlgorithm::es512: return crypto::KeyKind::ec_p521;
            case codec::JoseAlgorithm::eddsa: return crypto::KeyKind::ed25519;
            case codec::JoseAlgorithm::rs256: return crypto::KeyKind::rsa;
            default: return crypto::KeyKind::ec_p256;
        }
    }
    codec::JoseAlgorithm algorithm_;
    crypto::PrivateKey key_;
};

/// A PKCS #10 request, DER.
inline std::string request_for(const std::vector<std::string>& names, EVP_PKEY* key,
                               const std::string& common_name = {}) {
    const std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>> request(X509_REQ_new());
    X509_REQ_set_pubkey(request.get(), key);
    if (!common_name.empty()) {
        X509_NAME_add_entry_by_NID(
            X509_REQ_get_subject_name(request.get()), NID_commonName, MBSTRING_UTF8,
            reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    }
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "DNS:" : ",DNS:") + name;
    auto* list = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(
        list, X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str()));
    X509_REQ_add_extensions(request.get(), list);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    X509_REQ_sign(request.get(), key, EVP_sha256());
    unsigned char* der = nullptr;
    const int size = i2d_X509_REQ(request.get(), &der);
    std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return octets;
}

inline crypto::KeyHandle key_of(const crypto::PrivateKey& key) {
    const auto pem = key.secret_pem();
    return crypto::read_private_key(crypto::text_of(pem.bytes())).value();
}

/// An external account binding (RFC 8555 §7.3.4).
inline std::string bound(std::string_view key_id, const crypto::Secret& secret,
                         std::string_view url, std::string_view jwk) {
    const auto header = R"({"alg":"HS256","kid":")" + std::string(key_id) + R"(","url":")" +
                        std::string(url) + R"("})";
    const crypto::HmacKey key(crypto::HmacHash::sha256, secret.copy());
    const auto code = key.code_of(signing_input(header, jwk));
    return flattened(header, jwk, crypto::text_of(code.bytes()));
}

}  // namespace gh::pki::acme
