#include "gateway/incidents.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace gh::gateway {
namespace {

using Kind = access::Incident::Kind;

/// Reasons for which a request is unreadable that attackers make on purpose (RFC 9112 §11.2).
constexpr std::array<std::string_view, 9> ambiguous{
    "http.body_malformed", "http.chunk_end",         "http.chunk_extension",
    "http.chunk_size",     "http.content_length",    "http.folding",
    "http.framing",        "http.transfer_encoding", "http.line_end"};

/// Why a credential that once was good is refused: that is nobody's guess.
constexpr std::array<std::string_view, 4> honest{"auth.missing", "auth.scheme", "auth.revoked",
                                                 "jwt.expired"};

bool is_known(const Exchange& exchange) {
    return exchange.principal->type != access::PrincipalType::anonymous;
}

/// @param status  401, or 403 in the words of another protocol
bool is_guess(const Exchange& exchange, unsigned status) {
    if (!exchange.auth_reason.empty())
        return std::ranges::find(honest, exchange.auth_reason) == honest.end();
    if (status != 401) return false;
    if (!exchange.code.empty()) return true;  // a page of ours where people sign in
    // An upstream's own: a form that was posted is one, a page without a session is none.
    return exchange.request().method == http::Method::post;
}

std::optional<Kind> kind_of(const Exchange& exchange, unsigned status) {
    switch (status) {
        case 400:
            if (std::ranges::find(ambiguous, exchange.code) != ambiguous.end())
                return Kind::smuggling;
            break;
        case 401:
        case 403:
            if (is_guess(exchange, status)) return Kind::guess;
            break;
        case 404:
            // Who is known asks for what is gone, or not there yet, all day long.
            if (!is_known(exchange) || exchange.route == nullptr) return Kind::probe;
            break;
        case 429:
            if (!exchange.code.empty()) return Kind::block;
            break;
        default: break;
    }
    return {};
}

}  // namespace

std::optional<access::Incident> incident_of(const Exchange& exchange, unsigned status) {
    const auto kind = kind_of(exchange, status);
    if (!kind) return {};
    return access::Incident{
        .kind = *kind,
        .network = access::ClientNetwork::from_v6(exchange.client_address.octets()),
        .client_ip = exchange.client_ip,
        .principal =
            is_known(exchange) ? std::string_view(exchange.principal->subject) : std::string_view{},
        .route =
            exchange.route ? std::string_view(exchange.route->config.name) : std::string_view{},
        .code = exchange.code};
}

}  // namespace gh::gateway
