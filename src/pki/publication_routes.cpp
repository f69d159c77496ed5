#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "access/lookup.hpp"
#include "api/precondition.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "net/loop.hpp"
#include "pki/ocsp.hpp"
#include "pki/room.hpp"

namespace gh::pki {
namespace {

using access::Access;

// A cache may go on with what it has for so long: what was revoked is known to those who ask us within a second.
constexpr std::string_view cached = "public, max-age=60";
constexpr std::size_t serial_digits_max = 32;  // ours are 128 bits: longer ones are nobody's

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

Result<api::Reply> list(const api::Call& call, const std::shared_ptr<const Crl>& crl) {
    if (auto answer = api::judge_preconditions(call, crl->etag)) return *std::move(answer);
    auto reply = document("application/pkix-crl", {});
    reply.shared_body = std::shared_ptr<const std::string>(crl, &crl->der);
    reply.fields.emplace_back("ETag", crl->etag);
    return reply;
}

Task<Result<api::Reply>> show_root_crl(Room& room, api::Call call) {
    const auto crl = room.root_crl();
    if (!crl) {
        co_return api::refusal(call, 404, "crl.root_none",
                               "The root has not signed a list yet, and its key is kept elsewhere: "
                               "gatehouse ca renew --offline-root FILE makes one.");
    }
    co_return list(call, crl);
}

Task<Result<api::Reply>> show_crl(Room& room, api::Call call) {
    const auto crl = room.crl.current();
    // A list that might lack something is worse than none.
    if (!crl) {
        co_return fail(ErrorKind::unavailable, "crl.unknown",
                       "what was revoked is not known before the database has answered once");
    }
    co_return list(call, crl);
}

OcspStatus status_in(const std::vector<CertificateStanding>& known, std::string_view serial) {
    const auto found = std::ranges::find(known, serial, &CertificateStanding::serial);
    if (found == known.end()) return {};
    if (!found->revoked_at) return {.kind = OcspStatus::Kind::good};
    return {OcspStatus::Kind::revoked, *found->revoked_at,
            found->reason.value_or(RevocationReason::unspecified)};
}

/// Which of the certificates asked for only the database knows; the others have their status already.
std::vector<std::size_t> judge_at_once(const Room& room, const OcspRequest& request,
                                       const Authority& issuer, std::vector<OcspStatus>& statuses) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        const auto& serial = request.serials()[i];
        if (serial.size() > serial_digits_max || !request.is_about(i, issuer)) continue;
        if (const auto known = room.revoked.find(serial)) {
            statuses[i] = {OcspStatus::Kind::revoked, known->revoked_at, known->reason};
        } else {
            open.push_back(i);
        }
    }
    return open;
}

struct OcspAnswer {
    std::string der;
    bool is_signed = true;

    static OcspAnswer failed(OcspFailure failure) { return {ocsp_failure(failure), false}; }
};

Task<Result<OcspAnswer>> answer(Room& room, std::string_view der) {
    const auto request = OcspRequest::parse(der);
    if (!request) co_return OcspAnswer::failed(OcspFailure::malformed_request);
    const auto issuer = room.issuer();
    std::vector<OcspStatus> statuses(request->serials().size());
    const auto open = judge_at_once(room, *request, *issuer, statuses);
    if (!open.empty()) {
        const access::Lookup lookup(room.lookups);
        if (!lookup.admitted()) co_return OcspAnswer::failed(OcspFailure::try_later);
        std::vector<std::string> serials;
        for (const auto i : open) serials.push_back(request->serials()[i]);
        const auto known = co_await room.certificates.standings(std::move(serials));
        if (!known) co_return OcspAnswer::failed(OcspFailure::try_later);
        for (const auto i : open) statuses[i] = status_in(*known, request->serials()[i]);
    }
    OcspAnswer answered;
    GH_CO_TRY(answered.der,
              answer_ocsp(*request, *issuer, statuses, net::Loop::current()->system_now()));
    co_return answered;
}

Task<Result<api::Reply>> post_ocsp(Room& room, api::Call, std::string_view body) {
    GH_CO_TRY(auto answered, co_await answer(room, body));
    auto reply = document("application/ocsp-response", std::move(answered.der));
    reply.fields.clear();
    co_return reply;
}

/// RFC 6960 appendix A.1: base64 in the path, its '/' escaped. Caches may keep it: two who ask the same have the same answer.
Task<Result<api::Reply>> get_ocsp(Room& room, api::Call call) {
    const auto request = codec::decode_base64(call.param("request"));
    const std::string bytes = request ? *request : std::string();
    GH_CO_TRY(auto answered, co_await answer(room, bytes));
    auto reply = document("application/ocsp-response", std::move(answered.der));
    if (!answered.is_signed) reply.fields.clear();
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
        {.method = "GET",
         .path = "/pki/root.crl",
         .access = Access::anyone(),
         .handle = api::with(room, show_root_crl),
         .summary = "Which intermediates the root has revoked (RFC 5280).",
         .answers = answers("A list, DER.", "application/pkix-crl")},
        {.method = "POST",
         .path = "/pki/ocsp",
         .access = Access::anyone(),
         .handle = api::with(room, post_ocsp, api::raw_body({"application/ocsp-request"})),
         .summary = "Whether certificates are good (RFC 6960).",
         .answers = answers("A signed answer, DER.", "application/ocsp-response"),
         .body_bytes_max = ocsp_request_bytes_max},
        {.method = "GET",
         .path = "/pki/ocsp/{request}",
         .access = Access::anyone(),
         .handle = api::with(room, get_ocsp),
         .summary = "The same with the request in the path, in base64.",
         .answers = answers("A signed answer, DER.", "application/ocsp-response"),
         .encoded_slash = true},
    };
}

}  // namespace gh::pki
