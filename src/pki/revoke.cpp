#include "pki/revoke.hpp"

#include <utility>

#include "base/try.hpp"
#include "pki/enrolment_repository.hpp"
#include "pki/revoked.hpp"
#include "pki/subject_names.hpp"
#include "storage/joined.hpp"

namespace gh::pki {
namespace {

using access::Target;
using storage::Session;
using storage::Statement;

// $1 is who asked for them, a list; $2 the names of an agent; of an enrolment that is not ended the certificates are good.
constexpr Statement count_certificates{
    .name = "certificates.count_of_principal",
    .sql =
        "SELECT count(*) FROM certificates WHERE revoked_at IS NULL AND not_after > $3 "
        "AND (issued_to IN (SELECT value FROM json_each($1)) OR issued_to IN "
        "(SELECT 'enrolment:' || id FROM enrolments WHERE names = $2 AND ended_at IS NULL))",
    .postgres =
        "SELECT count(*) FROM certificates WHERE revoked_at IS NULL AND not_after > $3 "
        "AND (issued_to IN (SELECT json_array_elements_text(CAST($1 AS json))) OR issued_to IN "
        "(SELECT 'enrolment:' || id FROM enrolments WHERE names = $2 AND ended_at IS NULL))"};
// Those that would bring an agent certificates, and those that it has made and nobody has used.
constexpr std::string_view count_them =
    "SELECT count(*) FROM enrolments WHERE ended_at IS NULL AND ";
constexpr std::string_view select_them = "SELECT id FROM enrolments WHERE ended_at IS NULL AND ";
constexpr std::string_view of_either =
    "(names = $2 OR (used_at IS NULL AND expires_at > $3 "
    "AND created_by IN (SELECT value FROM json_each($1))))";
constexpr std::string_view of_either_postgres =
    "(names = $2 OR (used_at IS NULL AND expires_at > $3 "
    "AND created_by IN (SELECT json_array_elements_text(CAST($1 AS json)))))";
constexpr Statement count_enrolments{.name = "enrolments.count_of_principal",
                                     .sql = storage::joined<count_them, of_either>,
                                     .postgres = storage::joined<count_them, of_either_postgres>};
constexpr Statement select_enrolments{.name = "enrolments.of_principal",
                                      .sql = storage::joined<select_them, of_either>,
                                      .postgres = storage::joined<select_them, of_either_postgres>};
constexpr Statement revoke_all{
    .name = "certificates.revoke_of_principal",
    .sql =
        "UPDATE certificates SET revoked_at = $2, reason = $3, revision = revision + 1 "
        "WHERE issued_to IN (SELECT value FROM json_each($1)) AND revoked_at IS NULL "
        "AND not_after > $2",
    .postgres =
        "UPDATE certificates SET revoked_at = $2, reason = $3, revision = revision + 1 "
        "WHERE issued_to IN (SELECT json_array_elements_text(CAST($1 AS json))) "
        "AND revoked_at IS NULL AND not_after > $2"};

}  // namespace

/// A text that no names are, for who is no agent.
std::string RevocableCertificates::names_of(const Target& target) const {
    if (target.type != access::PrincipalType::agent) return "-";
    crypto::CertificateNames names;
    names.uris = {uri_of_agent_(target.name)};
    return text_of_names(names);
}

Task<Result<std::vector<access::Holding>>> RevocableCertificates::look(Session& session,
                                                                       access::Whom whom,
                                                                       SystemTime now) {
    const auto names = names_of(whom.target);
    const auto holders = access::list_of_holders(whom);
    GH_CO_TRY(const auto good, co_await session.query(count_certificates, holders, names, now));
    GH_CO_TRY(const auto open, co_await session.query(count_enrolments, holders, names, now));
    std::vector<access::Holding> held{{.kind = "certificates", .count = good[0].integer(0)},
                                      {.kind = "enrolments", .count = open[0].integer(0)}};
    co_return held;
}

Task<Result<void>> RevocableCertificates::end(Session& session, access::Whom whom, SystemTime now) {
    const auto holders = access::list_of_holders(whom);
    GH_CO_TRY(const auto rows,
              co_await session.query(select_enrolments, holders, names_of(whom.target), now));
    for (std::size_t i = 0; i < rows.size(); ++i)
        GH_CO_TRY_VOID(co_await EnrolmentRepository::end(session, rows[i].text(0), now));
    const auto reason = static_cast<std::int64_t>(RevocationReason::privilege_withdrawn);
    GH_CO_TRY_VOID(co_await session.execute(revoke_all, holders, now, reason));
    co_return Result<void>{};
}

}  // namespace gh::pki
