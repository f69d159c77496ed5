#include "identity/dpop.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/host.hpp"
#include "codec/jose.hpp"
#include "codec/json.hpp"
#include "codec/jwk.hpp"
#include "codec/path.hpp"
#include "crypto/digest.hpp"
#include "identity/key_set.hpp"

namespace gh::identity {
namespace {

using codec::json::Value;

std::unexpected<Error> refuse(std::string_view reason, std::string detail = {}) {
    return fail(ErrorKind::unauthenticated, reason, std::move(detail));
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string digest_text(std::string_view text) {
    return codec::encode_base64url(crypto::text_of(crypto::sha256(text)));
}

Result<std::string_view> text_claim(const Value& claims, std::string_view name) {
    const auto* text = claims.find_string(name);
    if (text == nullptr || text->empty()) return refuse("dpop.claims", std::string(name));
    return std::string_view(*text);
}

/// scheme "://" authority path, without query and fragment. Views.
struct Uri {
    std::string_view scheme, authority, path;
};

std::optional<Uri> split_uri(std::string_view text) {
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) return {};
    Uri uri{.scheme = text.substr(0, colon), .authority = {}, .path = {}};
    text.remove_prefix(colon + 3);
    text = text.substr(0, text.find_first_of("?#"));
    const auto slash = std::min(text.find('/'), text.size());
    uri.authority = text.substr(0, slash);
    uri.path = text.substr(slash);
    return uri;
}

bool same_authority(std::string_view a, std::string_view b, std::uint16_t usual_port) {
    const auto one = codec::parse_host(a), other = codec::parse_host(b);
    return one && other && one->name() == other->name() &&
           one->port().value_or(usual_port) == other->port().value_or(usual_port);
}

bool same_path(std::string_view a, std::string_view b) {
    constexpr codec::PathRules all{.allow_encoded_slash = true, .allow_parameters = true};
    const auto one = codec::normalise_path(a.empty() ? "/" : a, all);
    const auto other = codec::normalise_path(b.empty() ? "/" : b, all);
    return one && other && one->view() == other->view();
}

bool is_for(std::string_view text, const DpopRequest& request) {
    const auto uri = split_uri(text);
    if (!uri || !equals_ignoring_case(uri->scheme, request.scheme)) return false;
    const std::uint16_t usual_port = request.scheme == "https" ? 443 : 80;
    return same_authority(uri->authority, request.authority, usual_port) &&
           same_path(uri->path, request.path);
}

Result<void> check_time(const Value& claims, SystemTime now) {
    const auto* claim = claims.find("iat");
    const auto issued = claim ? claim->number() : std::nullopt;
    if (!issued || !std::isfinite(*issued)) return refuse("dpop.claims", "iat");
    const auto age = std::chrono::duration<double>(now.time_since_epoch()) -
                     std::chrono::duration<double>(*issued);
    if (age > dpop_age_max || age < -dpop_ahead_max) return refuse("dpop.time");
    return {};
}

/// Everything but the key.
/// @return `jti`
Result<std::string> check_claims(const std::string& payload, const DpopRequest& request,
                                 SystemTime now) {
    const auto claims =
        codec::json::parse(payload, {.bytes_max = codec::jws_bytes_max, .depth_max = 16});
    if (!claims || claims->object() == nullptr) return refuse("dpop.malformed", "claims");
    GH_TRY(const auto method, text_claim(*claims, "htm"));
    if (method != request.method) return refuse("dpop.method");
    GH_TRY(const auto uri, text_claim(*claims, "htu"));
    if (!is_for(uri, request)) return refuse("dpop.uri");
    GH_TRY_VOID(check_time(*claims, now));
    GH_TRY(const auto id, text_claim(*claims, "jti"));
    if (id.size() > dpop_id_bytes_max) return refuse("dpop.claims", "jti");
    if (!request.access_token.empty()) {
        GH_TRY(const auto hash, text_claim(*claims, "ath"));
        if (hash != digest_text(request.access_token)) return refuse("dpop.token");
    }
    return std::string(id);
}

/// The public key that a proof brings along; it proves possession of the other half.
Result<codec::Jwk> read_key(std::string_view header_part) {
    const auto text = codec::decode_base64url(header_part);
    if (!text) return refuse("dpop.malformed");
    const auto header =
        codec::json::parse(*text, {.bytes_max = codec::jws_bytes_max, .depth_max = 16});
    const auto* value = header ? header->find("jwk") : nullptr;
    if (value == nullptr || value->object() == nullptr) return refuse("dpop.key", "no jwk");
    for (const std::string_view secret : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
        if (value->find(secret)) return refuse("dpop.key", "a private key");
    }
    auto key = codec::read_jwk(*value);
    if (!key) return refuse("dpop.key", std::move(key.error().detail));
    return key;
}

}  // namespace

Result<DpopProof> check_dpop_proof(std::string_view proof, const DpopRequest& request,
                                   SystemTime now) {
    const auto jws = codec::parse_jws(proof);
    if (!jws && jws.error().reason == "jwt.algorithm") return refuse("dpop.algorithm");
    if (!jws) return refuse("dpop.malformed", jws.error().detail);
    if (!equals_ignoring_case(jws->header->type, "dpop+jwt")) return refuse("dpop.type");
    if (codec::is_symmetric(jws->header->algorithm)) return refuse("dpop.algorithm");
    DpopProof good;
    GH_TRY(good.id, check_claims(jws->payload, request, now));
    GH_TRY(auto jwk, read_key(jws->header_part));
    good.thumbprint = digest_text(codec::thumbprint_input(jwk));
    if (!request.thumbprint.empty() && request.thumbprint != good.thumbprint)
        return refuse("dpop.other_key");
    const auto key = VerificationKey::from_jwk(std::move(jwk), jws->header->algorithm);
    if (!key) return refuse("dpop.key", key.error().detail);
    if (!key->verify(jws->signing_input, jws->signature)) return refuse("dpop.signature");
    return good;
}

}  // namespace gh::identity
