#include "pki/enrolment_repository.hpp"

#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "pki/certificate_rows.hpp"
#include "pki/subject_names.hpp"
#include "storage/joined.hpp"

namespace gh::pki {
namespace {

using storage::Row;
using storage::Session;
using storage::Statement;

constexpr std::string_view holder_prefix = "enrolment:";
constexpr std::int64_t cleaned_at_once = 1'000;
constexpr std::string_view pki_door = "pki";
constexpr std::string_view agents_door = "agents";

constexpr Statement insert{
    .name = "enrolments.create",
    .sql =
        "INSERT INTO enrolments (id, profile, common_name, names, lifetime, created_by, "
        "created_at, expires_at, door) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
constexpr std::string_view select_all =
    "SELECT id, profile, common_name, names, lifetime, created_by, created_at, expires_at, "
    "used_at, ended_at, key_id, serial, door FROM enrolments WHERE";
constexpr std::string_view by_id = " id = $1";
constexpr std::string_view one_page = " id > $1 ORDER BY id LIMIT $2 OFFSET $3";
constexpr Statement select_one{.name = "enrolments.find",
                               .sql = storage::joined<select_all, by_id>};
constexpr Statement select_page{.name = "enrolments.list",
                                .sql = storage::joined<select_all, one_page>};
constexpr Statement update_used{
    .name = "enrolments.use",
    .sql =
        "UPDATE enrolments SET used_at = $2, key_id = $3, serial = $4 "
        "WHERE id = $1 AND used_at IS NULL AND ended_at IS NULL AND expires_at > $2"};
// Before a certificate of it is written: who ends it at the same time waits, or is seen.
constexpr Statement update_renewed{
    .name = "enrolments.renew",
    .sql =
        "UPDATE enrolments SET used_at = used_at "
        "WHERE id = $1 AND used_at IS NOT NULL AND ended_at IS NULL"};
constexpr Statement count_good{
    .name = "certificates.good_of_holder",
    .sql =
        "SELECT count(*) FROM certificates "
        "WHERE issued_to = $1 AND revoked_at IS NULL AND not_after > $2"};
constexpr Statement update_ended{
    .name = "enrolments.end",
    .sql = "UPDATE enrolments SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"};
constexpr Statement revoke_all{
    .name = "certificates.revoke_of_holder",
    .sql =
        "UPDATE certificates SET revoked_at = $2, reason = $3, revision = revision + 1 "
        "WHERE issued_to = $1 AND revoked_at IS NULL AND not_after > $2"};
constexpr Statement select_revoked{.name = "certificates.revoked_of_holder",
                                   .sql =
                                       "SELECT serial, issuer_key_id, not_after FROM certificates "
                                       "WHERE issued_to = $1 AND revoked_at = $2"};
constexpr Statement delete_old{
    .name = "enrolments.clean",
    .sql =
        "DELETE FROM enrolments WHERE id IN (SELECT id FROM enrolments e WHERE expires_at < $1 "
        "AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.issued_to = 'enrolment:' || e.id) "
        "LIMIT $2)"};

Enrolment enrolment_in(const Row& row) {
    Enrolment found;
    found.id = row.text(0);
    found.wanted.profile = profile_of(row.text(1)).value_or(Profile::client);
    found.wanted.common_name = row.text(2);
    found.wanted.names = names_of_text(row.text(3));
    if (!row.is_null(4)) found.wanted.lifetime = seconds(row.integer(4));
    found.created_by = row.text(5);
    found.created_at = row.time(6);
    found.expires_at = row.time(7);
    found.used_at = row.optional_time(8);
    found.ended_at = row.optional_time(9);
    found.key_id = row.text(10);
    found.serial = row.text(11);
    found.door = row.text(12) == agents_door ? Enrolment::Door::agents : Enrolment::Door::pki;
    return found;
}

Task<Result<Enrolment>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "enrolment.unknown");
    co_return enrolment_in(*row);
}

Task<Result<Enrolment>> put(Session& session, Enrolment made) {
    std::optional<std::int64_t> lifetime;
    if (made.wanted.lifetime) lifetime = made.wanted.lifetime->count();
    GH_CO_TRY_VOID(co_await session.execute(
        insert, made.id, rules_of(made.wanted.profile).name, made.wanted.common_name,
        text_of_names(made.wanted.names), lifetime, made.created_by, made.created_at,
        made.expires_at, made.door == Enrolment::Door::agents ? agents_door : pki_door));
    co_return co_await read(session, std::move(made.id));
}

std::unexpected<Error> refuse(std::string_view reason) {
    return fail(ErrorKind::permission_denied, reason);
}

bool is_good(const StoredCertificate& certificate, SystemTime now) {
    return !certificate.revoked_at && now < certificate.not_after;
}

Task<Result<StoredCertificate>> put_used(Session& session, std::string id, std::string key_id,
                                         IssuedCertificate issued, SystemTime now,
                                         storage::Also<StoredCertificate> also) {
    if (also.before) GH_CO_TRY_VOID(co_await also.before(session));
    GH_CO_TRY(const auto used,
              co_await session.execute(update_used, id, now, key_id, issued.serial));
    GH_CO_TRY(const auto enrolment, co_await read(session, std::move(id)));
    if (used == 0) {
        GH_CO_TRY_VOID(judge_use(enrolment, key_id, now));
        GH_CO_TRY(auto given, co_await read_certificate(session, enrolment.serial));
        if (!is_good(given, now)) co_return refuse("enrolment.superseded");
        co_return given;
    }
    GH_CO_TRY(auto kept,
              co_await put_certificate(session, std::move(issued), holder_of(enrolment), now));
    if (also.after) GH_CO_TRY_VOID(co_await also.after(session, kept));
    co_return kept;
}

Task<Result<StoredCertificate>> put_renewed(Session& session, std::string id, std::string shown,
                                            IssuedCertificate issued, SystemTime now) {
    GH_CO_TRY(const auto used, co_await session.execute(update_renewed, id));
    GH_CO_TRY(const auto enrolment, co_await read(session, std::move(id)));
    if (used == 0) co_return refuse(enrolment.ended_at ? "enrolment.ended" : "enrolment.unused");
    GH_CO_TRY(const auto before, co_await read_certificate(session, std::move(shown)));
    if (!is_good(before, now)) co_return refuse("enrolment.superseded");
    GH_CO_TRY(const auto rows, co_await session.query(count_good, holder_of(enrolment), now));
    if (rows[0].integer(0) >= EnrolmentRepository::certificates_max)
        co_return fail(ErrorKind::exhausted, "enrolment.many");
    co_return co_await put_certificate(session, std::move(issued), holder_of(enrolment), now);
}

Task<Result<EnrolmentRepository::Ended>> put_ended(Session& session, std::string id, SystemTime now,
                                                   storage::Also<Enrolment> also) {
    if (also.before) GH_CO_TRY_VOID(co_await also.before(session));
    GH_CO_TRY(const auto changed, co_await session.execute(update_ended, id, now));
    EnrolmentRepository::Ended ended;
    GH_CO_TRY(ended.enrolment, co_await read(session, std::move(id)));
    if (changed == 0) co_return ended;
    const auto reason = RevocationReason::privilege_withdrawn;
    const auto holder = holder_of(ended.enrolment);
    GH_CO_TRY_VOID(
        co_await session.execute(revoke_all, holder, now, static_cast<std::int64_t>(reason)));
    GH_CO_TRY(const auto rows, co_await session.query(select_revoked, holder, now));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        ended.certificates.push_back({.serial = rows[i].text(0),
                                      .issuer_key_id = rows[i].text(1),
                                      .reason = reason,
                                      .revoked_at = now,
                                      .not_after = rows[i].time(2)});
    }
    if (also.after) GH_CO_TRY_VOID(co_await also.after(session, ended.enrolment));
    co_return ended;
}

Enrolment made_of(std::string id, LeafRequest wanted, std::string created_by, SystemTime now,
                  SystemTime expires_at) {
    return {.id = std::move(id),
            .wanted = std::move(wanted),
            .created_by = std::move(created_by),
            .created_at = now,
            .expires_at = expires_at,
            .used_at = {},
            .ended_at = {},
            .key_id = {},
            .serial = {}};
}

}  // namespace

Result<void> judge_use(const Enrolment& enrolment, std::string_view key_id, SystemTime now) {
    if (enrolment.ended_at) return refuse("enrolment.ended");
    if (enrolment.used_at && enrolment.key_id != key_id) return refuse("enrolment.used");
    // A token is nothing to keep: whoever asks again must be in time, too.
    if (now >= enrolment.expires_at) return refuse("enrolment.expired");
    return {};
}

std::string holder_of(const Enrolment& enrolment) {
    return std::string(holder_prefix) + enrolment.id;
}

std::optional<std::string> enrolment_of(std::string_view holder) {
    if (!holder.starts_with(holder_prefix)) return {};
    return std::string(holder.substr(holder_prefix.size()));
}

Task<Result<Enrolment>> EnrolmentRepository::add(LeafRequest wanted, std::string created_by,
                                                 SystemTime now, SystemTime expires_at,
                                                 storage::Also<Enrolment> also) {
    auto made = made_of(std::string(view(uuid_v7(now))), std::move(wanted), std::move(created_by),
                        now, expires_at);
    auto work = [made = std::move(made), also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, made), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Enrolment>> EnrolmentRepository::add(Session& session, std::string id,
                                                 LeafRequest wanted, std::string created_by,
                                                 SystemTime now, SystemTime expires_at,
                                                 Enrolment::Door door) {
    auto made = made_of(std::move(id), std::move(wanted), std::move(created_by), now, expires_at);
    made.door = door;
    return put(session, std::move(made));
}

Task<Result<EnrolmentRepository::Ended>> EnrolmentRepository::end(Session& session, std::string id,
                                                                  SystemTime now) {
    return put_ended(session, std::move(id), now, {});
}

Task<Result<Enrolment>> EnrolmentRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Enrolment>>> EnrolmentRepository::list(std::string after, std::size_t limit,
                                                               std::size_t offset) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_page, std::move(after),
                                                        static_cast<std::int64_t>(limit),
                                                        static_cast<std::int64_t>(offset)));
    std::vector<Enrolment> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(enrolment_in(rows[i]));
    co_return found;
}

Task<Result<StoredCertificate>> EnrolmentRepository::use(std::string id, std::string key_id,
                                                         IssuedCertificate issued, SystemTime now,
                                                         storage::Also<StoredCertificate> also) {
    auto work = [id = std::move(id), key_id = std::move(key_id), issued = std::move(issued), now,
                 also = std::move(also)](Session& session) {
        return put_used(session, id, key_id, issued, now, also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<StoredCertificate>> EnrolmentRepository::renew(std::string id, std::string shown,
                                                           IssuedCertificate issued, SystemTime now,
                                                           storage::Also<StoredCertificate> also) {
    auto work = [id = std::move(id), shown = std::move(shown), issued = std::move(issued), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_renewed(session, id, shown, issued, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<EnrolmentRepository::Ended>> EnrolmentRepository::end(std::string id, SystemTime now,
                                                                  storage::Also<Enrolment> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return put_ended(session, id, now, also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> EnrolmentRepository::clean(SystemTime before) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_old, before, cleaned_at_once));
    co_return rows.affected();
}

}  // namespace gh::pki
