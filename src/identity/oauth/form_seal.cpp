#include "identity/oauth/form_seal.hpp"

#include <charconv>

#include "base/id.hpp"
#include "codec/base64.hpp"
#include "crypto/secret.hpp"
#include "identity/oauth/cookies.hpp"
#include "identity/oauth/uri.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::string_view cookie = "gatehouse_form";
constexpr std::size_t token_bytes = 32;
constexpr long cookie_seconds = 86'400;

bool is_token(std::string_view text) {
    const auto decoded = codec::decode_base64url(text);
    return decoded && decoded->size() == token_bytes;
}

std::int64_t second_of(SystemTime time) {
    return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

std::string code_of(const Server& server, std::string_view browser, std::string_view purpose,
                    std::int64_t made) {
    // None of the parts before the last holds a line break.
    return server.seal("form\n" + std::string(browser) + "\n" + std::to_string(made) + "\n" +
                       std::string(purpose));
}

/// A browser says where a form comes from; what says nothing is older than that, or no browser.
bool from_ourselves(const Server& server, const api::Call& call) {
    const auto& fields = call.head.fields;
    if (!fields.has(http::FieldId::origin)) return true;
    return fields.count(http::FieldId::origin) == 1 &&
           fields.value(http::FieldId::origin) == origin_of(server.issuer());
}

}  // namespace

Browser browser_of(const Server& server, const api::Call& call) {
    const auto found = find_cookie(call.head.fields, cookie_name(cookie, server.is_https()));
    if (found && is_token(*found)) return {std::string(*found), false};
    const auto token = crypto::Secret::random(token_bytes);
    return {codec::encode_base64url(crypto::text_of(token.bytes())), true};
}

void set_browser_cookie(const Server& server, const Browser& browser, api::Reply& reply) {
    if (!browser.is_new) return;
    const bool secure = server.is_https();
    reply.fields.emplace_back("Set-Cookie", set_cookie(cookie_name(cookie, secure), browser.token,
                                                       cookie_seconds, secure));
}

std::string seal_form(const Server& server, const Browser& browser, std::string_view purpose,
                      SystemTime now) {
    const auto made = second_of(now);
    return std::to_string(made) + "." + code_of(server, browser.token, purpose, made);
}

bool is_sealed(const Server& server, const api::Call& call, std::string_view seal,
               std::string_view purpose, SystemTime now) {
    const auto browser = find_cookie(call.head.fields, cookie_name(cookie, server.is_https()));
    if (!browser || !is_token(*browser) || !from_ourselves(server, call)) return false;
    const auto dot = std::min(seal.find('.'), seal.size());
    std::int64_t made = 0;
    const auto [end, error] = std::from_chars(seal.data(), seal.data() + dot, made);
    if (error != std::errc() || end != seal.data() + dot || dot == seal.size()) return false;
    const auto age = second_of(now) - made;
    if (age < 0 || age > seconds(form_lifetime).count()) return false;
    return crypto::constant_time_equal(seal.substr(dot + 1),
                                       code_of(server, *browser, purpose, made));
}

}  // namespace gh::identity::oauth
