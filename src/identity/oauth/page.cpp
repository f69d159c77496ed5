#include "identity/oauth/page.hpp"

#include <fmt/format.h>

#include "codec/base64.hpp"
#include "crypto/digest.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;margin:10vh auto;max-width:26rem;padding:0 1rem;"
    "color:#1b1f24;background:#f6f7f9}"
    "main{background:#fff;border:1px solid #d5dae1;border-radius:8px;padding:1.5rem}"
    "h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:.75rem 0 .25rem}"
    "input{box-sizing:border-box;font:inherit;width:100%;padding:.5rem;border:1px solid #8a94a3;"
    "border-radius:4px}"
    "button{font:inherit;margin:1rem .5rem 0 0;padding:.5rem 1rem;border-radius:4px;"
    "border:1px solid #30507c;background:#fff;color:#30507c}"
    "button.first{background:#30507c;color:#fff}[role=alert]{color:#a1260d}"
    "@media(prefers-color-scheme:dark){body{background:#14171b;color:#e4e7eb}"
    "main{background:#1d2126;border-color:#3a414b}input{background:#14171b;color:inherit}"
    "button{background:#1d2126;color:#a9c3ea;border-color:#a9c3ea}"
    "button.first{background:#a9c3ea;color:#14171b}[role=alert]{color:#ff9d87}}";

std::string policy(std::string_view form_target) {
    static const auto style_hash = [] {
        const auto digest = crypto::sha256(style);
        return codec::encode_base64(crypto::text_of(digest));
    }();
    return fmt::format(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'{}{}; "
        "frame-ancestors 'none'; base-uri 'none'",
        style_hash, form_target.empty() ? "" : " ", form_target);
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '"': escaped += "&quot;"; break;
            case '\'': escaped += "&#39;"; break;
            default: escaped += c;
        }
    }
    return escaped;
}

api::Reply page(std::uint16_t status, std::string_view title, std::string_view content,
                std::string_view form_target) {
    api::Reply reply;
    reply.status = status;
    reply.content_type = "text/html; charset=utf-8";
    const auto heading = escape_html(title);
    reply.body = fmt::format(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\">"
        "<title>{}</title><style>{}</style></head><body><main><h1>{}</h1>{}</main></body></html>\n",
        heading, style, heading, content);
    reply.fields.emplace_back("Content-Security-Policy", policy(form_target));
    // Not to other sites; without it browsers leave out the Origin that forms are judged by.
    reply.fields.emplace_back("Referrer-Policy", "same-origin");
    return reply;
}

api::Reply failure_page(std::uint16_t status, std::string_view code, std::string_view text) {
    auto reply = page(status, "This did not work", "<p>" + escape_html(text) + "</p>");
    reply.code = code;
    return reply;
}

api::Reply see_other(std::string location) {
    api::Reply reply;
    reply.status = 303;
    reply.content_type = "text/plain";
    reply.fields.emplace_back("Location", std::move(location));
    return reply;
}

}  // namespace gh::identity::oauth
