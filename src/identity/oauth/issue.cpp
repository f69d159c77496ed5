#include "identity/oauth/issue.hpp"

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/jose.hpp"
#include "codec/json_writer.hpp"
#include "crypto/digest.hpp"
#include "identity/names.hpp"
#include "identity/oauth/refusal.hpp"

namespace gh::identity::oauth {
namespace {

std::int64_t numeric_date(SystemTime time) {
    return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

/// RFC 7800 §3, as RFC 9449 §6.1 and RFC 8705 §3.1 fill it.
std::string confirmation_of(const Binding& binding) {
    if (binding.dpop_jkt.empty() && binding.certificate.empty()) return {};
    std::string text;
    codec::json::Writer out(text);
    out.begin_object();
    if (!binding.dpop_jkt.empty()) out.name("jkt").string(binding.dpop_jkt);
    if (!binding.certificate.empty()) out.name("x5t#S256").string(binding.certificate);
    out.end_object();
    return text;
}

std::string id_token(const Server& server, const TokenGrant& grant, const SignedIn& signed_in,
                     const IssuedToken& access_token, SystemTime now) {
    const auto keys = server.parts().issuer.keys();
    const auto& key = keys->current(now);
    std::string claims;
    codec::json::Writer out(claims);
    out.begin_object().name("iss").string(server.issuer());
    out.name("sub").string(grant.subject).name("aud").string(grant.client_id);
    out.name("iat").integer(numeric_date(now));
    out.name("exp").integer(numeric_date(access_token.expires));
    out.name("auth_time").integer(numeric_date(signed_in.at));
    if (!signed_in.nonce.empty()) out.name("nonce").string(signed_in.nonce);
    if (const auto hash = access_token_hash(key.algorithm(), access_token.text); !hash.empty())
        out.name("at_hash").string(hash);
    out.end_object();
    return key.sign(claims, "JWT");
}

}  // namespace

std::string access_token_hash(codec::JoseAlgorithm algorithm, std::string_view token) {
    using codec::JoseAlgorithm;
    if (algorithm != JoseAlgorithm::es256 && algorithm != JoseAlgorithm::rs256) return {};
    const auto digest = crypto::sha256(token);
    return codec::encode_base64url(crypto::text_of(digest).substr(0, digest.size() / 2));
}

Result<api::Reply> reply_with_tokens(const Server& server, TokenAnswer answer, SystemTime now) {
    answer.grant.confirmation = confirmation_of(answer.binding);
    const auto token = server.parts().issuer.issue(answer.grant, now);
    if (token.text.size() > codec::jws_bytes_max) return refuse("oauth.token_size");
    api::Reply reply;
    codec::json::Writer out(reply.body);
    out.begin_object().name("access_token").string(token.text);
    out.name("token_type").string(answer.binding.dpop_jkt.empty() ? "Bearer" : "DPoP");
    out.name("expires_in").integer(answer.grant.lifetime.count());
    out.name("scope").string(join_names(answer.grant.scopes, ' '));
    if (!answer.refresh_token.empty()) out.name("refresh_token").string(answer.refresh_token);
    if (!answer.issued_token_type.empty())
        out.name("issued_token_type").string(answer.issued_token_type);
    if (answer.signed_in) {
        out.name("id_token").string(id_token(server, answer.grant, *answer.signed_in, token, now));
    }
    out.end_object();
    reply.fields.emplace_back("Pragma", "no-cache");  // RFC 6749 §5.1
    return reply;
}

}  // namespace gh::identity::oauth
