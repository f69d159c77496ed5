#include "pki/acme/jws.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/digest.hpp"
#include "crypto/jose_key.hpp"

namespace gh::pki::acme {
namespace {

using codec::JoseAlgorithm;
using codec::json::Value;

constexpr codec::json::Limits limits{.bytes_max = request_bytes_max, .depth_max = 8};

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::invalid_argument, "acme.malformed", std::move(detail));
}

Result<std::string> decoded(const Value& value, std::string_view name) {
    const auto* text = value.find_string(name);
    auto octets =
        text ? codec::decode_base64url(*text) : fail(ErrorKind::invalid_argument, "acme.malformed");
    if (!octets) return malformed(std::string(name) + " of the JWS is no base64url text");
    return octets;
}

Result<std::string> text_in(const Value& header, std::string_view name) {
    const auto* text = header.find_string(name);
    if (text == nullptr || text->empty())
        return malformed("the protected header wants " + std::string(name));
    return *text;
}

Result<JoseAlgorithm> algorithm_in(const Value& header, JwsUse use) {
    const auto* name = header.find_string("alg");
    const auto known = name ? codec::algorithm_of(*name) : std::nullopt;
    const bool good = known && (use == JwsUse::external_account
                                    ? codec::is_symmetric(*known)
                                    : std::ranges::find(signature_algorithms, *known) !=
                                          signature_algorithms.end());
    if (good) return *known;
    return fail(ErrorKind::invalid_argument, "acme.algorithm",
                use == JwsUse::external_account ? "wanted: HS256, HS384 or HS512"
                                                : "wanted: ES256, ES384, ES512, EdDSA or RS256");
}

/// Exactly one of `jwk` and `kid` (RFC 8555 §6.2), and the one that this use wants.
Result<void> read_signer(const Value& header, JwsUse use, Jws& jws) {
    const auto* key = header.find("jwk");
    const auto* id = header.find("kid");
    if ((key == nullptr) == (id == nullptr))
        return malformed("the protected header wants exactly one of jwk and kid");
    if (use == JwsUse::key_change && key == nullptr) return malformed("the inner JWS wants jwk");
    if (use == JwsUse::external_account && id == nullptr)
        return malformed("the external account binding wants kid");
    if (key != nullptr) {
        GH_TRY(jws.key, read_account_key(*key));
        return {};
    }
    GH_TRY(jws.key_id, text_in(header, "kid"));
    return {};
}

Result<void> read_header(const Value& header, JwsUse use, Jws& jws) {
    if (header.object() == nullptr) return malformed("the protected header is no JSON object");
    // We understand no extension, so that what needs one is refused (RFC 7515 §4.1.11).
    if (header.find("crit") || header.find("b64"))
        return malformed("the protected header wants an extension that is not known here");
    GH_TRY(jws.algorithm, algorithm_in(header, use));
    GH_TRY_VOID(read_signer(header, use, jws));
    GH_TRY(jws.url, text_in(header, "url"));
    if (use == JwsUse::request) {
        GH_TRY(jws.nonce, text_in(header, "nonce"));
    } else if (header.find("nonce") != nullptr) {
        return malformed("an inner JWS has no nonce");
    }
    return {};
}

}  // namespace

Result<codec::Jwk> read_account_key(const Value& value) {
    const auto refused = [](std::string why) {
        return fail(ErrorKind::invalid_argument, "acme.public_key", std::move(why));
    };
    if (value.object() == nullptr) return refused("jwk is no JSON object");
    for (const std::string_view secret : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
        if (value.find(secret)) return refused("jwk is a private key; it must not leave its owner");
    }
    auto key = codec::read_jwk(value);
    if (!key) return refused("jwk cannot be used: " + describe(key.error()));
    // Or the same key would have many thumbprints (RFC 7518 §6.3.1).
    if (key->modulus.starts_with('\0') || key->exponent.starts_with('\0'))
        return refused("n and e must not begin with a zero octet");
    if (const auto usable = public_key_of(*key); !usable) return std::unexpected(usable.error());
    return key;
}

Result<Jws> parse_jws(std::string_view json, JwsUse use) {
    const auto value = codec::json::parse(json, limits);
    if (!value) return malformed("the body is no JSON that can be read");
    return read_jws(*value, use);
}

Result<Jws> read_jws(const Value& value, JwsUse use) {
    if (value.object() == nullptr) return malformed("a flattened JWS is wanted");
    if (value.find("header") || value.find("signatures"))
        return malformed("a JWS with one signature and without an unprotected header is wanted");
    Jws jws;
    GH_TRY(const auto header_text, decoded(value, "protected"));
    GH_TRY(jws.payload, decoded(value, "payload"));
    GH_TRY(jws.signature, decoded(value, "signature"));
    const auto header = codec::json::parse(header_text, limits);
    if (!header) return malformed("the protected header is no JSON that can be read");
    GH_TRY_VOID(read_header(*header, use, jws));
    jws.signing_input = *value.find_string("protected") + "." + *value.find_string("payload");
    return jws;
}

bool Jws::signed_by(const crypto::PublicKey& by) const {
    return by.verify(crypto::signature_of(algorithm), crypto::bytes_of(signing_input),
                     crypto::bytes_of(signature));
}

bool Jws::signed_by(const crypto::Secret& hmac_key) const {
    const crypto::HmacKey code(crypto::hash_of(algorithm), hmac_key.copy());
    return code.verify(crypto::bytes_of(signing_input), crypto::bytes_of(signature));
}

std::string thumbprint_of(const codec::Jwk& key) {
    const auto digest = crypto::sha256(codec::thumbprint_input(key));
    return codec::encode_base64url(crypto::text_of(digest));
}

Result<crypto::PublicKey> public_key_of(const codec::Jwk& key) {
    auto open = crypto::public_key_of(key);
    if (open) return open;
    return fail(ErrorKind::invalid_argument, "acme.public_key",
                "the key cannot be used: " + describe(open.error()));
}

}  // namespace gh::pki::acme
