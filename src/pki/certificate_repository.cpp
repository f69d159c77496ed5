#include "pki/certificate_repository.hpp"

#include <utility>

#include "codec/json_writer.hpp"
#include "pki/certificate_rows.hpp"
#include "pki/subject_names.hpp"
#include "storage/joined.hpp"

namespace gh::pki {
namespace {

using storage::Row;
using storage::Session;
using storage::Statement;

constexpr Statement select_one{
    .name = "certificates.find",
    .sql =
        "SELECT serial, issuer_key_id, common_name, names, profile, fingerprint, chain, issued_to, "
        "not_before, not_after, created_at, revoked_at, reason, revision FROM certificates "
        "WHERE serial = $1"};
constexpr Statement select_standings{
    .name = "certificates.standings",
    .sql =
        "SELECT serial, revoked_at, reason FROM certificates "
        "WHERE serial IN (SELECT value FROM json_each($1))",
    .postgres =
        "SELECT serial, revoked_at, reason FROM certificates "
        "WHERE serial IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))"};
constexpr std::string_view all_without_chain =
    "SELECT serial, issuer_key_id, common_name, names, profile, fingerprint, '', issued_to, "
    "not_before, not_after, created_at, revoked_at, reason, revision FROM certificates c WHERE";
// What may end unnoticed; agents renew daily, and do not count.
constexpr std::string_view alive = " not_after > $1 AND revoked_at IS NULL AND profile <> 'agent'";
constexpr std::string_view ends_unsucceeded =
    " not_after < $2 AND NOT EXISTS (SELECT 1 FROM certificates n "
    "WHERE n.common_name = c.common_name AND n.names = c.names AND n.profile = c.profile "
    "AND n.not_after > c.not_after AND n.revoked_at IS NULL)";
constexpr std::string_view this_one = " serial = $1";
constexpr Statement select_facts{.name = "certificates.find_facts",
                                 .sql = storage::joined<all_without_chain, this_one>};
constexpr std::string_view conjunction = " AND";
constexpr std::string_view one_page =
    " (created_at, serial) > ($1, $2) ORDER BY created_at, serial LIMIT $3 OFFSET $4";
constexpr std::string_view page_of_ending =
    " (created_at, serial) > ($3, $4) ORDER BY created_at, serial LIMIT $5 OFFSET $6";
constexpr std::string_view count_those = "SELECT count(*), count(CASE WHEN";
constexpr std::string_view and_the_next = " THEN 1 END), min(not_after) FROM certificates c WHERE";
constexpr Statement select_page{.name = "certificates.list",
                                .sql = storage::joined<all_without_chain, one_page>};
constexpr Statement select_ending{
    .name = "certificates.list_ending",
    .sql = storage::joined<all_without_chain, alive, conjunction, ends_unsucceeded, conjunction,
                           page_of_ending>};
constexpr Statement select_expiring{
    .name = "certificates.expiring",
    .sql = storage::joined<count_those, ends_unsucceeded, and_the_next, alive>};
constexpr Statement insert{
    .name = "certificates.add",
    .sql =
        "INSERT INTO certificates (serial, issuer_key_id, common_name, names, profile, "
        "fingerprint, chain, issued_to, not_before, not_after, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
constexpr Statement update_revoked{
    .name = "certificates.revoke",
    .sql =
        "UPDATE certificates SET revoked_at = $2, reason = $3, revision = revision + 1 "
        "WHERE serial = $1 AND revoked_at IS NULL"};
constexpr Statement select_revoked{
    .name = "certificates.revoked",
    .sql =
        "SELECT serial, issuer_key_id, reason, revoked_at, not_after FROM certificates "
        "WHERE revoked_at IS NOT NULL AND (revoked_at, serial) > ($1, $2) "
        "ORDER BY revoked_at, serial LIMIT $3"};
constexpr Statement delete_old{.name = "certificates.clean",
                               .sql = "DELETE FROM certificates WHERE not_after < $1"};

RevocationReason reason_of(std::int64_t code) { return static_cast<RevocationReason>(code); }

StoredCertificate certificate_of(const Row& row) {
    StoredCertificate found;
    found.serial = row.text(0);
    found.issuer_key_id = row.text(1);
    found.common_name = row.text(2);
    found.names = names_of_text(row.text(3));
    found.profile = profile_of(row.text(4)).value_or(Profile::server);
    found.fingerprint = row.text(5);
    found.chain_pem = row.text(6);
    found.issued_to = row.text(7);
    found.not_before = row.time(8);
    found.not_after = row.time(9);
    found.created_at = row.time(10);
    found.revoked_at = row.optional_time(11);
    if (!row.is_null(12)) found.reason = reason_of(row.integer(12));
    found.revision = row.integer(13);
    return found;
}

Task<Result<StoredCertificate>> read(Session& session, std::string serial,
                                     const Statement& statement) {
    GH_CO_TRY(const auto row, co_await session.query_one(statement, std::move(serial)));
    if (!row) co_return fail(ErrorKind::not_found, "certificate.unknown");
    co_return certificate_of(*row);
}

/// What belongs to it is done where it ends only, not when it has ended before.
Task<Result<StoredCertificate>> put_revoked(Session& session, std::string serial,
                                            RevocationReason reason,
                                            std::optional<std::int64_t> expected_revision,
                                            SystemTime now, storage::Also<StoredCertificate> also) {
    if (also.before) GH_CO_TRY_VOID(co_await also.before(session));
    GH_CO_TRY(auto before, co_await read_certificate(session, serial));
    if (expected_revision && *expected_revision != before.revision) {
        co_return fail(ErrorKind::conflict, "certificate.changed",
                       "somebody changed the certificate since it was read: read it again");
    }
    if (before.revoked_at) co_return before;
    GH_CO_TRY_VOID(
        co_await session.execute(update_revoked, serial, now, static_cast<std::int64_t>(reason)));
    GH_CO_TRY(auto ended, co_await read_certificate(session, serial));
    if (also.after) GH_CO_TRY_VOID(co_await also.after(session, ended));
    co_return ended;
}

}  // namespace

Task<Result<StoredCertificate>> read_certificate(Session& session, std::string serial) {
    return read(session, std::move(serial), select_one);
}

Task<Result<StoredCertificate>> put_certificate(Session& session, IssuedCertificate issued,
                                                std::string issued_to, SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(
        insert, issued.serial, issued.issuer_key_id, issued.common_name,
        text_of_names(issued.names), rules_of(issued.profile).name, issued.fingerprint,
        issued.chain_pem, issued_to, issued.not_before, issued.not_after, now));
    co_return co_await read_certificate(session, issued.serial);
}

Task<Result<StoredCertificate>> CertificateRepository::add(IssuedCertificate issued,
                                                           std::string issued_to, SystemTime now,
                                                           storage::Also<StoredCertificate> also) {
    issued.key_pem.clear();  // never a column, and no copy of it in the work
    auto work = [issued = std::move(issued), issued_to = std::move(issued_to), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_certificate(session, issued, issued_to, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<bool>> CertificateRepository::add_once(IssuedCertificate issued, std::string issued_to,
                                                   SystemTime now,
                                                   storage::Also<StoredCertificate> also) {
    const auto known = co_await find(issued.serial);
    if (known) co_return false;
    if (known.error().kind != ErrorKind::not_found) co_return std::unexpected(known.error());
    const auto added = co_await add(std::move(issued), std::move(issued_to), now, std::move(also));
    if (!added && added.error().reason == "storage.unique") co_return false;  // another process
    if (!added) co_return std::unexpected(added.error());
    co_return true;
}

Task<Result<StoredCertificate>> CertificateRepository::find_facts(std::string serial) {
    auto work = [serial = std::move(serial)](Session& session) {
        return read(session, serial, select_facts);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<StoredCertificate>> CertificateRepository::find(std::string serial) {
    auto work = [serial = std::move(serial)](Session& session) {
        return read_certificate(session, serial);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<CertificateStanding>>> CertificateRepository::standings(
    std::vector<std::string> serials) {
    std::string list;
    codec::json::Writer out(list);
    out.begin_array();
    for (const auto& serial : serials) out.string(serial);
    out.end_array();
    GH_CO_TRY(const auto rows, co_await database_.query(select_standings, std::move(list)));
    std::vector<CertificateStanding> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = rows[i];
        CertificateStanding one{
            .serial = row.text(0), .revoked_at = row.optional_time(1), .reason = {}};
        if (!row.is_null(2)) one.reason = reason_of(row.integer(2));
        found.push_back(std::move(one));
    }
    co_return found;
}

Task<Result<std::vector<StoredCertificate>>> CertificateRepository::list(CertificatePage page) {
    const auto after =
        page.after.value_or(CertificatePage::After{SystemTime{} - std::chrono::seconds(1), ""});
    const auto limit = static_cast<std::int64_t>(page.limit);
    const auto offset = static_cast<std::int64_t>(page.offset);
    auto asked = page.ending
                     ? database_.query(select_ending, page.ending->now, page.ending->soon,
                                       after.created_at, after.serial, limit, offset)
                     : database_.query(select_page, after.created_at, after.serial, limit, offset);
    GH_CO_TRY(const auto rows, co_await std::move(asked));
    std::vector<StoredCertificate> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(certificate_of(rows[i]));
    co_return found;
}

Task<Result<StoredCertificate>> CertificateRepository::revoke(
    std::string serial, RevocationReason reason, std::optional<std::int64_t> expected_revision,
    SystemTime now, storage::Also<StoredCertificate> also) {
    auto work = [serial = std::move(serial), reason, expected_revision, now,
                 also = std::move(also)](Session& session) {
        return put_revoked(session, serial, reason, expected_revision, now, also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<RevokedCertificate>>> CertificateRepository::revoked(SystemTime since,
                                                                             std::string after) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_revoked, since, std::move(after),
                                                        static_cast<std::int64_t>(revoked_page)));
    std::vector<RevokedCertificate> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = rows[i];
        found.push_back({.serial = row.text(0),
                         .issuer_key_id = row.text(1),
                         .reason = reason_of(row.integer(2)),
                         .revoked_at = row.time(3),
                         .not_after = row.time(4)});
    }
    co_return found;
}

Task<Result<ExpiringCertificates>> CertificateRepository::expiring(SystemTime now,
                                                                   SystemTime soon) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_expiring, now, soon));
    co_return ExpiringCertificates{.valid = rows[0].integer(0),
                                   .expiring = rows[0].integer(1),
                                   .next_not_after = rows[0].optional_time(2)};
}

Task<Result<std::uint64_t>> CertificateRepository::clean(SystemTime before) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_old, before));
    co_return rows.affected();
}

}  // namespace gh::pki
