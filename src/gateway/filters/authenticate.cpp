#include "gateway/filters/authenticate.hpp"

#include "gateway/exchange.hpp"

namespace gh::gateway {

void refuse_unauthenticated(Exchange& exchange, access::Refusal refusal, std::string_view reason) {
    exchange.auth_reason = reason;
    exchange.refuse(401, "auth.required", access::text_of(refusal));
    exchange.add_field(http::FieldId::other, "WWW-Authenticate", "Bearer");
}

Verdict Authenticate::on_request(Exchange& exchange) {
    const auto& fields = exchange.request().fields;
    access::Credentials given;
    for (const auto& field : fields) {
        if (field.id == http::FieldId::authorization) {
            // Two of a kind: whoever reads the other one would see somebody else.
            if (given.has_authorization) {
                refuse_unauthenticated(exchange, access::Refusal::token, "auth.repeated");
                return Verdict::answered;
            }
            given.has_authorization = true;
            given.authorization = field.value;
        } else if (field.id == http::FieldId::x_api_key) {
            if (given.has_api_key) {
                refuse_unauthenticated(exchange, access::Refusal::missing, "auth.repeated");
                return Verdict::answered;
            }
            given.has_api_key = true;
            given.api_key = field.value;
        }
    }
    given.certificate = static_cast<const access::ClientCertificate*>(
        exchange.client->connection().certificate.get());
    const bool nothing =
        !given.has_authorization && !given.has_api_key && given.certificate == nullptr;
    if ((nothing && exchange.route->anyone) || exchange.snapshot->open) return Verdict::walk_on;

    auto verdict = authenticator_.authenticate(given, exchange.worker->loop.system_now());
    if (verdict.principal) {
        exchange.principal = std::move(verdict.principal);
        return Verdict::walk_on;
    }
    if (exchange.route->anyone) return Verdict::walk_on;
    house_.count.auth_refused.add();
    refuse_unauthenticated(exchange, verdict.refusal, verdict.reason);
    return Verdict::answered;
}

}  // namespace gh::gateway
