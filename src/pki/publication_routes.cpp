#include <string>
#include <utility>
#include <vector>

#include "api/precondition.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "pki/ocsp.hpp"
#include "pki/room.hpp"

namespace gh::pki {
namespace {

using access::Access;

// A cache may go on with what it has for so long: what was revoked is known to those who ask us within a second.
constexpr std::string_view cached = "public, max-age=60";

api::Reply document(std::string content_type, std::string body) {
    api::Reply reply;
    reply.content_type = std::move(content_type);
    reply.body = std::move(body);
    reply.fields = {{"Cache-Control", std::string(cached)}};
    return reply;
}

Task<Result<api::Reply>> show_root(Room& room, api::Call) {
    co_return document("application/x-pem-file", room.root_pem);
}

Task<Result<api::Reply>> show_issuer(Room& room, api::Call) {
    co_return document("application/pkix-cert", room.issuer()->certificate_der());
}

Task<Result<api::Reply>> show_crl(Room& room, api::Call call) {
    const auto crl = room.crl.current();
    // A list that might lack something is worse than none.
    if (!crl) co_return fail(ErrorKind::unavailable, "crl.unknown");
    if (auto answer = api::judge_preconditions(call, crl->etag)) co_return *std::move(answer);
    auto reply = document("application/pkix-crl", crl->der);
    reply.fields.emplace_back("ETag", crl->etag);
    co_return reply;
}

OcspStatus revoked_status(SystemTime at, RevocationReason reason) {
    return {OcspStatus::Kind::revoked, at, reason};
}

Task<Result<OcspStatus>> status_of(Room& room, std::string serial) {
    if (const auto known = room.revoked.find(serial))
        co_return revoked_status(known->revoked_at, known->reason);
    auto found = co_await room.certificates.find(std::move(serial));
    if (!found && found.error().kind == ErrorKind::not_found) co_return OcspStatus{};
    if (!found) co_return std::unexpected(std::move(found).error());
    if (found->revoked_at)
        co_return revoked_status(*found->revoked_at,
                                 found->reason.value_or(RevocationReason::unspecified));
    co_return OcspStatus{.kind = OcspStatus::Kind::good};
}

Task<Result<std::string>> answer(Room& room, std::string_view der) {
    const auto request = OcspRequest::parse(der);
    if (!request) co_return ocsp_failure(OcspFailure::malformed_request);
    const auto issuer = room.issuer();
    std::vector<OcspStatus> statuses;
    for (std::size_t i = 0; i < request->serials().size(); ++i) {
        if (!request->is_about(i, *issuer)) {
            statuses.emplace_back();
            continue;
        }
        auto status = co_await status_of(room, request->serials()[i]);
        if (!status) co_return ocsp_failure(OcspFailure::try_later);
        statuses.push_back(*status);
    }
    co_return answer_ocsp(*request, *issuer, statuses, net::Loop::current()->system_now());
}

Task<Result<api::Reply>> post_ocsp(Room& room, api::Call, std::string_view body) {
    GH_CO_TRY(auto der, co_await answer(room, body));
    auto reply = document("application/ocsp-response", std::move(der));
    reply.fields.clear();
    co_return reply;
}

}  // namespace

std::vector<api::Route> publication_routes(Room& room) {
    const auto answers = [](std::string doc, std::string type) {
        return std::vector<api::Answer>{{200, std::move(doc), std::move(type), nullptr}};
    };
    return {
        {.method = "GET",
         .path = "/pki/ca.pem",
         .access = Access::anyone(),
         .handle = api::with(room, show_root),
         .summary = "The root that clients trust.",
         .answers = answers("A certificate, PEM.", "application/x-pem-file")},
        {.method = "GET",
         .path = "/pki/issuer.crt",
         .access = Access::anyone(),
         .handle = api::with(room, show_issuer),
         .summary = "The intermediate that signs certificates.",
         .answers = answers("A certificate, DER.", "application/pkix-cert")},
        {.method = "GET",
         .path = "/pki/crl",
         .access = Access::anyone(),
         .handle = api::with(room, show_crl),
         .summary = "What was revoked (RFC 5280).",
         .answers = answers("A list, DER.", "application/pkix-crl")},
        {.method = "POST",
         .path = "/pki/ocsp",
         .access = Access::anyone(),
         .handle = api::with(room, post_ocsp, api::raw_body({"application/ocsp-request"})),
         .summary = "Whether certificates are good (RFC 6960).",
         .answers = answers("A signed answer, DER.", "application/ocsp-response"),
         .body_bytes_max = ocsp_request_bytes_max},
    };
}

}  // namespace gh::pki
