#include "identity/oauth/authorization_request.hpp"

#include <algorithm>
#include <charconv>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "identity/names.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/uri.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::size_t login_hint_bytes_max = 256;

bool is_sha256_text(std::string_view text) {
    const auto decoded = codec::decode_base64url(text);
    return decoded && decoded->size() == 32;
}

/// What this server does not do, it says, instead of doing less than was asked.
Result<void> check_kind(const Parameters& parameters) {
    if (parameters.has("request")) return refuse("oauth.request_object");
    if (parameters.has("request_uri")) return refuse("oauth.request_uri");
    GH_TRY(const auto response_type, parameters.required("response_type"));
    if (response_type != "code") return refuse("oauth.response_type");
    if (parameters.has("response_mode") && parameters["response_mode"] != "query")
        return refuse("oauth.response_mode");
    return {};
}

Result<void> read_prompt(const Parameters& parameters, AuthorizationRequest& request) {
    const auto words = split_names(parameters["prompt"], ' ');
    for (const auto& word : words) {
        if (word == "none") {
            request.prompt_none = true;
        } else if (word == "login" || word == "select_account") {
            request.prompt_login = true;
        } else if (word == "consent") {
            request.prompt_consent = true;
        } else {
            return refuse("oauth.prompt");
        }
    }
    if (request.prompt_none && words.size() > 1) return refuse("oauth.prompt");
    const auto age = parameters["max_age"];
    if (age.empty()) return {};
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(age.data(), age.data() + age.size(), count);
    if (error != std::errc() || end != age.data() + age.size()) return refuse("oauth.prompt");
    request.max_age = seconds(count);
    return {};
}

Result<void> read_binding(const Parameters& parameters, AuthorizationRequest& request) {
    // `plain`, which is also what no method means, protects from nobody who sees the request (RFC 9700 §2.1.1).
    if (parameters["code_challenge_method"] != "S256" ||
        !is_sha256_text(parameters["code_challenge"])) {
        return refuse("oauth.challenge");
    }
    request.challenge = parameters["code_challenge"];
    request.dpop_jkt = parameters["dpop_jkt"];
    if (!request.dpop_jkt.empty() && !is_sha256_text(request.dpop_jkt))
        return refuse("oauth.malformed");
    return {};
}

}  // namespace

Result<std::string> proven_redirect_uri(const Client& client, const Parameters& parameters) {
    const auto asked = parameters["redirect_uri"];
    // Left out, it is the only one there is (RFC 6749 §3.1.2.3).
    if (asked.empty() && client.redirect_uris.size() == 1) return client.redirect_uris.front();
    if (!redirect_uri_allowed(client.redirect_uris, asked))
        return fail(ErrorKind::invalid_argument, "oauth.redirect_uri");
    return std::string(asked);
}

Result<AuthorizationRequest> read_authorization_request(const Client& client,
                                                        const Parameters& parameters,
                                                        std::string redirect_uri,
                                                        std::string_view issuer) {
    if (!client.may_use(grant_code)) return refuse("oauth.grant_not_allowed");
    AuthorizationRequest request;
    request.redirect_uri = std::move(redirect_uri);
    request.state = parameters["state"];
    request.nonce = parameters["nonce"];
    if (request.state.size() > state_bytes_max || request.nonce.size() > nonce_bytes_max)
        return refuse("oauth.malformed");
    GH_TRY_VOID(check_kind(parameters));
    GH_TRY_VOID(read_binding(parameters, request));
    GH_TRY_VOID(read_prompt(parameters, request));
    GH_TRY(auto scopes, read_scopes(parameters["scope"]));
    GH_TRY(auto resources, read_resources(parameters.all("resource")));
    GH_TRY(request.portion,
           allowed_portion(client, std::move(scopes), std::move(resources), issuer));
    if (const auto hint = parameters["login_hint"]; hint.size() <= login_hint_bytes_max)
        request.login_hint = hint;
    request.query = parameters.query();
    return request;
}

}  // namespace gh::identity::oauth
