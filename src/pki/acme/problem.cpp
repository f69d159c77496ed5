#include "pki/acme/problem.hpp"

#include <algorithm>
#include <array>

#include "api/problem.hpp"
#include "codec/json_writer.hpp"
#include "pki/acme/jws.hpp"

namespace gh::pki::acme {
namespace {

constexpr std::array rows{
    ProblemRow{"acme.malformed", "malformed", 400, "The request cannot be understood"},
    ProblemRow{"acme.signature", "malformed", 400, "The signature does not verify"},
    ProblemRow{"acme.not_found", "malformed", 404, "There is no such resource"},
    ProblemRow{"acme.bad_nonce", "badNonce", 400, "The nonce is used, old or of another server"},
    ProblemRow{"acme.algorithm", "badSignatureAlgorithm", 400, "The algorithm is not taken"},
    ProblemRow{"acme.public_key", "badPublicKey", 400, "The key is not taken"},
    ProblemRow{"acme.url", "unauthorized", 401, "The request was signed for another URL"},
    ProblemRow{"acme.account_unknown", "accountDoesNotExist", 400, "There is no such account"},
    ProblemRow{"acme.account_ended", "unauthorized", 401, "The account is deactivated or revoked"},
    ProblemRow{"acme.not_yours", "unauthorized", 403, "Another account's"},
    ProblemRow{"acme.contact", "invalidContact", 400, "A contact is not taken"},
    ProblemRow{"acme.contact_scheme", "unsupportedContact", 400, "A contact is not taken"},
    ProblemRow{"acme.external_account", "externalAccountRequired", 403,
               "An external account binding is wanted"},
    ProblemRow{"acme.external_account_refused", "unauthorized", 403,
               "The external account binding is refused"},
    ProblemRow{"acme.key_in_use", "malformed", 409, "The key is another account's"},
    ProblemRow{"acme.identifier", "rejectedIdentifier", 400, "A name is not issued here"},
    ProblemRow{"acme.identifier_type", "unsupportedIdentifier", 400, "A name is not issued here"},
    ProblemRow{"acme.rate_limited", "rateLimited", 429, "Too many; come back later", "600"},
    ProblemRow{"acme.line_full", "rateLimited", 429, "Too many challenges wait", "10"},
    ProblemRow{"acme.busy", "rateLimited", 503, "Too many ask at once", "5"},
    ProblemRow{"acme.order_not_ready", "orderNotReady", 403, "The order is not ready"},
    ProblemRow{"acme.state", "malformed", 400, "That is over"},
    ProblemRow{"acme.csr", "badCSR", 400, "The signing request is not taken"},
    ProblemRow{"acme.already_revoked", "alreadyRevoked", 400, "The certificate is revoked"},
    ProblemRow{"acme.already_replaced", "alreadyReplaced", 409, "The certificate is replaced"},
    ProblemRow{"acme.reason", "badRevocationReason", 400, "The reason is not taken"},
    // What a validation found (§8).
    ProblemRow{"acme.dns", "dns", 400, "The name could not be looked up"},
    ProblemRow{"acme.connection", "connection", 400, "The server could not be reached"},
    ProblemRow{"acme.tls", "tls", 400, "The server's TLS is not as wanted"},
    ProblemRow{"acme.response", "incorrectResponse", 403, "The answer is not the challenge's"},
};

constexpr ProblemRow failed{"", "serverInternal", 500, "Something failed here", "5"};

std::uint16_t status_of(const ProblemRow* known, const Error& error) {
    constexpr std::uint16_t ours = 500;
    return known != nullptr ? known->status : std::max(ours, api::status_of(error.kind));
}

}  // namespace

const ProblemRow* problem_of(std::string_view reason) {
    const auto* found = std::ranges::find(rows, reason, &ProblemRow::reason);
    return found == rows.end() ? nullptr : found;
}

std::string problem_text(const Error& error) {
    const auto* known = problem_of(error.reason);
    const auto& row = known != nullptr ? *known : failed;
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("type").string("urn:ietf:params:acme:error:" + std::string(row.type));
    std::string detail(row.title);
    if (known != nullptr && !error.detail.empty()) detail += ": " + error.detail;
    out.name("detail").string(detail);
    out.name("status").integer(status_of(known, error));
    // RFC 8555 §6.2: which would do.
    if (row.type == "badSignatureAlgorithm") {
        out.name("algorithms").begin_array();
        for (const auto each : signature_algorithms) out.string(codec::name_of(each));
        out.end_array();
    }
    out.end_object();
    return text;
}

api::Reply problem_reply(const Error& error) {
    const auto* known = problem_of(error.reason);
    api::Reply reply;
    reply.status = status_of(known, error);
    const auto& row = known != nullptr ? *known : failed;
    if (!row.retry_after.empty() && reply.status != 500)
        reply.fields.emplace_back("Retry-After", row.retry_after);
    reply.content_type = api::problem_content_type;
    reply.body = problem_text(error);
    reply.code = known != nullptr ? known->reason : std::string_view("acme.failed");
    if (known == nullptr) reply.failure = error;
    return reply;
}

}  // namespace gh::pki::acme
