#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/precondition.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "pki/enrolment_room.hpp"
#include "pki/issue.hpp"
#include "pki/route_words.hpp"

namespace gh::pki {
namespace {

using access::Access;
using access::Permission;
using api::Object;

struct ShownCertificate {
    std::string serial;
    Profile profile{};
    std::vector<std::string> names;
    std::string issued_to, fingerprint;
    SystemTime not_before, not_after, created_at;
    std::optional<SystemTime> revoked_at;
    std::optional<std::string> reason;
    std::int64_t version = 1;
    std::optional<std::string> certificate;
};

ShownCertificate shown(const StoredCertificate& kept) {
    ShownCertificate one{.serial = kept.serial,
                         .profile = kept.profile,
                         .names = list_of_names(kept.names),
                         .issued_to = kept.issued_to,
                         .fingerprint = kept.fingerprint,
                         .not_before = kept.not_before,
                         .not_after = kept.not_after,
                         .created_at = kept.created_at,
                         .revoked_at = kept.revoked_at,
                         .reason = {},
                         .version = kept.revision,
                         .certificate = {}};
    if (kept.reason) one.reason = std::string(name_of(*kept.reason));
    if (!kept.chain_pem.empty()) one.certificate = kept.chain_pem;
    return one;
}

const api::Type<ShownCertificate>& certificate_type() {
    using C = ShownCertificate;
    static const auto type =
        Object<C>("Certificate", "What the internal CA has signed.")
            .required("serial", &C::serial, api::text(), "Lower-case hex.")
            .required("profile", &C::profile, profile_type(), "What it proves.")
            .required("names", &C::names, names_type(), "Each with its kind: dns:, ip:, uri:.")
            .required("issued_to", &C::issued_to, api::text(), "Who asked for it.")
            .required("fingerprint", &C::fingerprint, api::text(), "SHA-256, lower-case hex.")
            .required("not_before", &C::not_before, api::time(), "When it begins.")
            .required("not_after", &C::not_after, api::time(), "When it ends.")
            .required("created_at", &C::created_at, api::time(), "When it was signed.")
            .optional("revoked_at", &C::revoked_at, api::maybe(api::time()), "When it was revoked.")
            .optional("reason", &C::reason, api::maybe(api::text()), "Why.")
            .required("version", &C::version,
                      api::integer_64(1, std::numeric_limits<std::int64_t>::max()), "The ETag.")
            .optional("certificate", &C::certificate, api::maybe(pem_type()),
                      "The chain in PEM, without the root; not in lists.")
            .type();
    return type;
}

struct NewCertificate : WantedLeaf {
    std::string csr;
};

const api::Type<NewCertificate>& new_certificate_type() {
    using N = NewCertificate;
    static const auto type =
        Object<N>("NewCertificate", "A request to be signed.")
            .required("csr", &N::csr, pem_type(), "PKCS #10, PEM.")
            .required("profile", static_cast<Profile N::*>(&N::profile), profile_type(),
                      "What it is to prove.")
            .optional("names", static_cast<std::vector<std::string> N::*>(&N::names), names_type(),
                      "What the request must ask for, no more and no fewer.")
            .optional("lifetime_seconds",
                      static_cast<std::optional<std::int64_t> N::*>(&N::lifetime_seconds),
                      api::maybe(api::integer_64(1, std::int64_t{1} << 32)),
                      "The profile's, where left out.")
            .type();
    return type;
}

struct Revocation {
    std::string reason = "unspecified";
};

const api::Type<Revocation>& revocation_type() {
    static const auto type =
        Object<Revocation>("Revocation", "Why a certificate ends.")
            .optional("reason", &Revocation::reason,
                      api::text({.form = {.holds =
                                              [](std::string_view word) {
                                                  return revocation_reason_of(word).has_value();
                                              },
                                          .said = "unspecified, key_compromise, "
                                                  "affiliation_changed, superseded, "
                                                  "cessation_of_operation or privilege_withdrawn",
                                          .pattern = {},
                                          .format = {}}}),
                      "unspecified, where left out.")
            .type();
    return type;
}

api::Reply with_tag(api::Reply reply, const StoredCertificate& kept) {
    reply.fields.emplace_back("ETag",
                              api::etag_of_version(static_cast<std::uint64_t>(kept.revision)));
    return reply;
}

Task<Result<api::Reply>> list(EnrolmentRoom& room, api::Call /*call*/, api::Page query) {
    CertificatePage page{.limit = query.limit + std::size_t{1},
                         .after = {},
                         .offset = static_cast<std::size_t>(query.offset),
                         .ending = {}};
    if (query.after) {
        GH_CO_TRY(const auto when, api::time_of_key((*query.after)[0]));
        page.after = CertificatePage::After{when, (*query.after)[1]};
    }
    GH_CO_TRY(auto found, co_await room.room.certificates.list(std::move(page)));
    api::Items<ShownCertificate> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        const auto& last = found.back();
        items.next_cursor =
            api::encode_cursor("certificates", {api::key_of_time(last.created_at), last.serial});
    }
    for (const auto& each : found) items.items.push_back(shown(each));
    static const auto page_type = api::page_of("CertificatePage", certificate_type());
    co_return api::reply(200, page_type, items);
}

Task<Result<api::Reply>> show(EnrolmentRoom& room, api::Call call) {
    GH_CO_TRY(const auto kept,
              co_await room.room.certificates.find(std::string(call.param("serial"))));
    const auto tag = api::etag_of_version(static_cast<std::uint64_t>(kept.revision));
    if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
    co_return with_tag(api::reply(200, certificate_type(), shown(kept)), kept);
}

Task<Result<api::Reply>> issue(EnrolmentRoom& room, api::Call call, NewCertificate wanted) {
    const auto now = net::Loop::current()->system_now();
    auto leaf = leaf_of(wanted);
    if (!leaf) co_return refused_by_ca(call, std::move(leaf).error());
    auto issued = issue_for(wanted.csr, *leaf, *room.room.issuer(), now);
    if (!issued) co_return refused_by_ca(call, std::move(issued).error());
    auto also = audit::also<StoredCertificate>(
        audit::act_of(call, "certificate.issue", "certificate"), tell_certificate);
    GH_CO_TRY(const auto kept, co_await room.room.certificates.add(
                                   *std::move(issued), holder_name(call), now, std::move(also)));
    co_return with_tag(
        api::created("/api/v1/certificates/" + kept.serial, certificate_type(), shown(kept)), kept);
}

Task<Result<api::Reply>> revoke(EnrolmentRoom& room, api::Call call, Revocation wanted) {
    const std::string serial(call.param("serial"));
    std::optional<std::int64_t> expected;
    if (call.head.fields.find("If-Match") != nullptr ||
        call.head.fields.find("If-None-Match") != nullptr) {
        GH_CO_TRY(const auto before, co_await room.room.certificates.find_facts(serial));
        const auto tag = api::etag_of_version(static_cast<std::uint64_t>(before.revision));
        if (auto answer = api::judge_preconditions(call, tag)) co_return *std::move(answer);
        expected = before.revision;
    }
    auto also = audit::also<StoredCertificate>(
        audit::act_of(call, "certificate.revoke", "certificate"), tell_certificate);
    const auto reason = revocation_reason_of(wanted.reason).value_or(RevocationReason::unspecified);
    GH_CO_TRY(const auto ended,
              co_await room.room.certificates.revoke(
                  serial, reason, expected, net::Loop::current()->system_now(), std::move(also)));
    room.room.revoked.add({revoked_of(ended)});
    co_return with_tag(api::reply(200, certificate_type(), shown(ended)), ended);
}

}  // namespace

std::vector<api::Route> certificate_routes(EnrolmentRoom& room) {
    static const auto page_type = api::page_of("CertificatePage", certificate_type());
    return {
        {.method = "GET",
         .path = "/api/v1/certificates",
         .access = Access::permission(Permission::certificates_read),
         .handle = api::with(room, list, api::query(api::page_query("certificates", 2))),
         .summary = "What the internal CA has signed, in the order of its making.",
         .answers = {api::answers(200, "A page of them.", page_type)}},
        {.method = "POST",
         .path = "/api/v1/certificates",
         .access = Access::permission(Permission::certificates_write),
         .handle = api::with(room, issue, api::json_body(new_certificate_type())),
         .summary = "Signs a request.",
         .answers = {api::answers(201, "The certificate with its chain.", certificate_type())},
         .body_bytes_max = 256 * 1024},
        {.method = "GET",
         .path = "/api/v1/certificates/{serial}",
         .access = Access::permission(Permission::certificates_read),
         .handle = api::with(room, show),
         .summary = "One certificate with its chain.",
         .answers = {api::answers(200, "The certificate.", certificate_type())}},
        {.method = "POST",
         .path = "/api/v1/certificates/{serial}/revoke",
         .access = Access::permission(Permission::certificates_write),
         .handle = api::with(room, revoke, api::json_body(revocation_type())),
         .summary = "Ends a certificate for good.",
         .answers = {api::answers(200, "The certificate.", certificate_type())},
         .body_bytes_max = 1024},
    };
}

}  // namespace gh::pki
