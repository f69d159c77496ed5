#include "identity/oauth/client_authentication.hpp"

#include <optional>
#include <utility>

#include "base/try.hpp"
#include "codec/authorization.hpp"
#include "codec/base64.hpp"
#include "codec/form.hpp"
#include "codec/hex.hpp"
#include "identity/names.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/secret.hpp"
#include "identity/oauth/uri.hpp"

namespace gh::identity::oauth {
namespace {

/// What a request says of its client.
struct Said {
    std::string id;
    std::string secret;
    bool by_basic = false;
    bool by_post = false;
};

/// Both parts are encoded as in a form (RFC 6749 §2.3.1, §B); ids and secrets of ours read the same either way.
Result<std::string> form_decoded(std::string_view text) {
    std::string pair = "x=";
    for (const char c : text) {
        if (c == '&') return refuse("oauth.client_unknown");
        pair += c;
    }
    const auto form = codec::parse_form(pair);
    if (!form) return refuse("oauth.client_unknown");
    return form->pairs().front().second;
}

Result<Said> said_by_basic(std::string_view value) {
    const auto parts = codec::parse_authorization(value);
    if (!parts || parts->scheme != codec::AuthScheme::basic) return refuse("oauth.client_method");
    const auto decoded = codec::decode_base64(parts->token);
    if (!decoded) return refuse("oauth.client_unknown");
    const auto colon = decoded->find(':');
    if (colon == std::string::npos) return refuse("oauth.client_unknown");
    Said said{.id = {}, .secret = {}, .by_basic = true, .by_post = false};
    GH_TRY(said.id, form_decoded(std::string_view(*decoded).substr(0, colon)));
    GH_TRY(said.secret, form_decoded(std::string_view(*decoded).substr(colon + 1)));
    return said;
}

Result<Said> said_of(const api::Call& call, const Parameters& parameters) {
    const auto& fields = call.head.fields;
    const auto headers = fields.count(http::FieldId::authorization);
    if (headers > 1) return refuse("oauth.two_authentications");
    if (headers == 0) {
        return Said{.id = std::string(parameters["client_id"]),
                    .secret = std::string(parameters["client_secret"]),
                    .by_basic = false,
                    .by_post = parameters.has("client_secret")};
    }
    if (parameters.has("client_secret") || parameters.has("client_assertion"))
        return refuse("oauth.two_authentications");
    GH_TRY(auto said, said_by_basic(fields.value(http::FieldId::authorization)));
    if (parameters.has("client_id") && parameters["client_id"] != said.id)
        return refuse("oauth.client_unknown");
    return said;
}

bool secret_matches(const Client& client, const std::string& secret, const ApiKeyHasher& hasher) {
    if (!client.secret_hash) return false;
    const bool same = is_hash_of(*client.secret_hash, secret, hasher);
    return same && id_of_secret(SecretKind::client, secret) == client_secret_id(client.id);
}

bool certificate_matches(const Client& client, const api::Call& call) {
    return call.certificate != nullptr && !client.certificate_name.empty() &&
           has_name(call.certificate->names, client.certificate_name);
}

Result<void> prove(const Client& client, const Said& said, const api::Call& call,
                   const ApiKeyHasher& hasher) {
    switch (client.authentication) {
        case ClientAuthentication::none:
            if (said.by_basic || said.by_post) return refuse("oauth.client_method");
            return {};
        case ClientAuthentication::secret_basic:
            if (!said.by_basic) return refuse("oauth.client_method");
            break;
        case ClientAuthentication::secret_post:
            if (!said.by_post) return refuse("oauth.client_method");
            break;
        case ClientAuthentication::certificate:
            if (said.by_basic || said.by_post) return refuse("oauth.client_method");
            if (!certificate_matches(client, call)) return refuse("oauth.client_certificate");
            return {};
    }
    if (!secret_matches(client, said.secret, hasher)) return refuse("oauth.client_secret");
    return {};
}

/// The request's proof, if there is one. It names us as our metadata do, whatever stands between.
Result<std::optional<DpopProof>> proof_of(const Server& server, const api::Call& call,
                                          SystemTime now) {
    const auto& fields = call.head.fields;
    if (!fields.has(http::FieldId::dpop)) return std::nullopt;
    if (fields.count(http::FieldId::dpop) != 1) return refuse("oauth.dpop_proof", "dpop.repeated");
    const auto origin = origin_of(server.issuer());
    const auto scheme = origin.substr(0, origin.find(':'));
    const DpopRequest request{.method = call.head.method_text,
                              .scheme = scheme,
                              .authority = origin.substr(scheme.size() + 3),
                              .path = call.path,
                              .access_token = {},
                              .thumbprint = {}};
    auto proof = check_dpop_proof(fields.value(http::FieldId::dpop), request, now);
    if (!proof) return refuse("oauth.dpop_proof", std::string(proof.error().reason));
    return *std::move(proof);
}

}  // namespace

Task<Result<Client>> authenticate_client(Server& server, api::Call call,
                                         const Parameters& parameters) {
    // Before, a token that was ended would pass for a good one.
    if (!server.parts().revocations.known())
        co_return fail(ErrorKind::unavailable, "oauth.revocations_unknown");
    GH_CO_TRY(const auto said, said_of(call, parameters));
    if (said.id.empty()) co_return refuse("oauth.client_unknown");
    auto client = co_await server.clients().find(said.id);
    if (!client && client.error().kind == ErrorKind::not_found)
        co_return refuse("oauth.client_unknown");
    if (!client) co_return std::unexpected(std::move(client).error());
    GH_CO_TRY_VOID(prove(*client, said, call, *server.parts().hasher));
    if (client->disabled_at) co_return refuse("oauth.client_disabled");
    co_return client;
}

std::string certificate_thumbprint(const api::Call& call) {
    if (call.certificate == nullptr) return {};
    const auto digest = codec::decode_hex(call.certificate->fingerprint);
    return digest ? codec::encode_base64url(*digest) : std::string();
}

struct Proof::State {
    DpopReplays& replays;
    DpopProof proof;
    SystemTime now;
    std::optional<DpopReplays::Seen> seen;
};

Proof::Proof(DpopReplays& replays, DpopProof proof, SystemTime now)
    : state_(std::make_shared<State>(State{replays, std::move(proof), now, {}})) {}

Result<void> Proof::take() const {
    if (!state_) return {};
    if (!state_->seen) state_->seen = state_->replays.take(state_->proof, state_->now);
    if (*state_->seen == DpopReplays::Seen::never) return {};
    if (*state_->seen == DpopReplays::Seen::full)
        return fail(ErrorKind::unavailable, "oauth.dpop_full", "too many proofs are remembered");
    return refuse("oauth.dpop_proof", "dpop.replayed");
}

Result<Proven> proven_by(const Server& server, const api::Call& call, const Client& client,
                         SystemTime now) {
    Proven proven;
    GH_TRY(auto proof, proof_of(server, call, now));
    if (client.require_dpop && !proof) return refuse("oauth.dpop_missing");
    if (client.certificate_bound) {
        proven.binding.certificate = certificate_thumbprint(call);
        if (proven.binding.certificate.empty()) return refuse("oauth.client_certificate");
    }
    if (proof) {
        proven.binding.dpop_jkt = proof->thumbprint;
        proven.proof = Proof(server.parts().replays, *std::move(proof), now);
    }
    return proven;
}

}  // namespace gh::identity::oauth
