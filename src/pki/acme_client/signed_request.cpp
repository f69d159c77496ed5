#include "pki/acme_client/signed_request.hpp"

#include <utility>

#include "codec/base64.hpp"
#include "codec/json_writer.hpp"
#include "crypto/digest.hpp"
#include "crypto/hmac.hpp"
#include "crypto/x509.hpp"

namespace gh::pki::acme_client {
namespace {

using codec::json::Writer;

codec::Jwk jwk_of(const crypto::PublicKey& key) {
    auto parts = key.components();
    codec::Jwk jwk;
    jwk.type = codec::Jwk::Type::ec;
    jwk.curve = "P-256";
    jwk.x = std::move(parts.x);
    jwk.y = std::move(parts.y);
    return jwk;
}

std::string flattened(std::string_view header, std::string_view payload,
                      std::string_view signature) {
    std::string text;
    Writer out(text);
    out.begin_object().name("protected").string(header).name("payload").string(payload);
    out.name("signature").string(codec::encode_base64url(signature)).end_object();
    return text;
}

}  // namespace

AccountKey::AccountKey(crypto::PrivateKey key)
    : key_(std::move(key)), jwk_(codec::thumbprint_input(jwk_of(key_.public_key()))) {
    const auto digest = crypto::sha256(jwk_);
    thumbprint_ = codec::encode_base64url(crypto::text_of(digest));
}

AccountKey AccountKey::generate() {
    return AccountKey(crypto::PrivateKey::generate(crypto::KeyKind::ec_p256));
}

Result<AccountKey> AccountKey::restore(const crypto::Secret& pem) {
    auto key = crypto::PrivateKey::from_pem(crypto::text_of(pem.bytes()));
    if (key && key->public_key().kind() == crypto::KeyKind::ec_p256)
        return AccountKey(*std::move(key));
    return fail(ErrorKind::corrupt, "acme_client.account_key",
                "the key of the account with the CA cannot be read; restore it from a backup");
}

std::string AccountKey::authorization_of(std::string_view token) const {
    return std::string(token) + "." + thumbprint_;
}

std::string AccountKey::sign(const Request& request) const {
    std::string head;
    Writer out(head);
    out.begin_object().name("alg").string("ES256");
    if (request.account.empty()) {
        out.name("jwk").raw(jwk_);
    } else {
        out.name("kid").string(request.account);
    }
    out.name("nonce").string(request.nonce).name("url").string(request.url).end_object();
    const auto header = codec::encode_base64url(head);
    const auto payload = codec::encode_base64url(request.payload);
    const auto input = header + "." + payload;
    // A P-256 key signs ES256: it cannot refuse.
    const auto signature =
        key_.sign(crypto::SignatureAlgorithm::es256, crypto::bytes_of(input)).value();
    return flattened(header, payload, crypto::text_of(signature));
}

std::string AccountKey::binding(std::string_view key_id, const crypto::Secret& key,
                                std::string_view url) const {
    std::string head;
    Writer out(head);
    out.begin_object().name("alg").string("HS256").name("kid").string(key_id);
    out.name("url").string(url).end_object();
    const auto header = codec::encode_base64url(head);
    const auto payload = codec::encode_base64url(jwk_);
    const crypto::HmacKey hmac(crypto::HmacHash::sha256, key.copy());
    const auto code = hmac.code_of(header + "." + payload);
    return flattened(header, payload, crypto::text_of(code.bytes()));
}

}  // namespace gh::pki::acme_client
