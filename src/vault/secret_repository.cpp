#include "vault/secret_repository.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "telemetry/trace.hpp"
#include "vault/secret_path.hpp"
#include "vault/secret_rows.hpp"

namespace gh::vault {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

constexpr Statement select_head{
    .name = "secrets.head",
    .sql =
        "SELECT current_version, max_versions, cas_required, created_at, updated_at, delete_after, "
        "custom_metadata FROM vault_secrets WHERE path = $1"};
constexpr Statement upsert_head{
    .name = "secrets.put_head",
    .sql =
        "INSERT INTO vault_secrets (path, current_version, created_at, updated_at) "
        "VALUES ($1, $2, $3, $3) "
        "ON CONFLICT (path) DO UPDATE SET current_version = $2, updated_at = $3"};
constexpr Statement insert_version{
    .name = "secrets.put",
    .sql =
        "INSERT INTO vault_versions (path, version, key_id, sealed, created_at, deleted_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr Statement delete_oldest{
    .name = "secrets.trim", .sql = "DELETE FROM vault_versions WHERE path = $1 AND version <= $2"};
constexpr Statement select_version{
    .name = "secrets.get",
    .sql =
        "SELECT v.version, v.key_id, v.created_at, v.deleted_at, v.sealed, s.custom_metadata "
        "FROM vault_versions v JOIN vault_secrets s ON s.path = v.path "
        "WHERE v.path = $1 AND v.version = $2"};
constexpr Statement select_newest{
    .name = "secrets.get_newest",
    .sql =
        "SELECT v.version, v.key_id, v.created_at, v.deleted_at, v.sealed, s.custom_metadata "
        "FROM vault_versions v JOIN vault_secrets s ON s.path = v.path "
        "WHERE v.path = $1 ORDER BY v.version DESC LIMIT 1"};

Result<void> check_cas(const std::optional<SecretHead>& head, std::optional<std::uint64_t> cas) {
    if (!cas) {
        if (!head || !head->cas_required) return {};
        return fail(ErrorKind::invalid_argument, "secret.cas_required",
                    "this secret is written with check-and-set only");
    }
    const auto current = head ? head->current_version : 0;
    if (*cas == current) return {};
    return fail(
        ErrorKind::conflict, "secret.cas",
        "the newest version is " + std::to_string(current) + ", not " + std::to_string(*cas));
}

/// A value to be written, alive as long as its transaction may run again.
struct Wanted {
    std::string path;
    crypto::Secret value;
    std::function<Result<crypto::Secret>(const crypto::Secret&)> make;  ///< it of the newest
    std::optional<std::uint64_t> cas;
    SystemTime now;
};

/// `too_long` also where a value was made of another.
Result<void> check_size(const crypto::Secret& value) {
    if (value.size() <= secret_bytes_max) return {};
    return fail(ErrorKind::invalid_argument, "secret.too_long", "a secret has at most 1 MiB");
}

Task<Result<SecretChange>> write_version(Session& session, Keyring& keyring,
                                         std::shared_ptr<const Wanted> wanted, SecretHead head,
                                         std::shared_ptr<const crypto::Secret> value) {
    const auto& path = wanted->path;
    GH_CO_TRY(const auto barrier, co_await keyring.for_sealing(session, wanted->now));
    const std::uint64_t version = head.current_version + 1;
    const std::uint64_t kept = head.max_versions > 0 ? head.max_versions : versions_kept;
    storage::Blob sealed{barrier.seal(value->bytes(), place_of(path, version))};
    SecretChange change;
    change.path = path;
    change.versions = {version};
    change.at = wanted->now;
    if (head.delete_after > seconds(0)) change.deletes_at = wanted->now + head.delete_after;
    change.custom_metadata = std::move(head.custom_metadata);
    GH_CO_TRY_VOID(co_await session.execute(upsert_head, path, version, wanted->now));
    GH_CO_TRY_VOID(co_await session.execute(insert_version, path, version, barrier.newest(),
                                            std::move(sealed), wanted->now, change.deletes_at));
    if (version > kept)
        GH_CO_TRY_VOID(co_await session.execute(delete_oldest, path, version - kept));
    co_return change;
}

Task<Result<SecretChange>> write(Session& session, Keyring& keyring,
                                 std::shared_ptr<const Wanted> wanted) {
    GH_CO_TRY(auto head, co_await find_head(session, wanted->path));
    GH_CO_TRY_VOID(check_cas(head, wanted->cas));
    std::shared_ptr<const crypto::Secret> value(wanted, &wanted->value);
    if (wanted->make) {
        GH_CO_TRY(const auto newest,
                  co_await read_secret(session, keyring, wanted->path, 0, wanted->now));
        if (!newest.value) co_return unknown_secret(wanted->path);
        GH_CO_TRY(auto made, wanted->make(*newest.value));
        GH_CO_TRY_VOID(check_size(made));
        value = std::make_shared<const crypto::Secret>(std::move(made));
    }
    auto known = std::move(head).value_or(SecretHead{});
    co_return co_await write_version(session, keyring, wanted, std::move(known), std::move(value));
}

}  // namespace

bool is_unopened(const Error& error) {
    return error.reason.starts_with("barrier.") || error.reason.starts_with("keyring.");
}

std::string describe_unopened(const Place& place, const Error& error) {
    const std::string path(place.path);
    auto text = "version " + std::to_string(place.version) + " of " + path +
                " does not open: " + error.detail;
    if (error.reason.starts_with("keyring."))
        return text;  // its key does not, and that said what to do
    return text +
           "; somebody changed it or moved it here: restore the database from a backup, or give "
           "the secret up: gatehouse secrets delete " +
           path + " --all";
}

Task<Result<OpenedSecret>> read_secret(Session& session, Keyring& keyring, std::string path,
                                       std::uint64_t version, SystemTime now) {
    storage::MaybeRow row;
    if (version == 0) {
        GH_CO_TRY(row, co_await session.query_one(select_newest, path));
    } else {
        GH_CO_TRY(row, co_await session.query_one(select_version, path, version));
    }
    if (!row) co_return unknown_secret(path);
    OpenedSecret opened;
    opened.version = version_of(*row, 0);
    opened.custom_metadata = (*row).optional_text(5).value_or(std::string());
    const bool deleted = opened.version.deleted_at && *opened.version.deleted_at <= now;
    if (deleted || !opened.version.key_id) co_return opened;
    const auto sealed = crypto::bytes_of((*row).octets(4));
    const auto place = place_of(path, opened.version.version);
    auto value = co_await keyring.open(session, sealed, place);
    if (!value) {
        if (is_unopened(value.error()))
            value.error().detail = describe_unopened(place, value.error());
        co_return std::unexpected(std::move(value).error());
    }
    opened.value = std::make_shared<const crypto::Secret>(*std::move(value));
    co_return opened;
}

Task<Result<SecretChange>> add_secret_version(Session& session, Keyring& keyring, std::string path,
                                              std::shared_ptr<const crypto::Secret> value,
                                              SystemTime now) {
    GH_CO_TRY_VOID(check_size(*value));
    GH_CO_TRY(auto head, co_await find_head(session, path));
    const auto wanted = std::make_shared<const Wanted>(Wanted{std::move(path), {}, {}, {}, now});
    auto known = std::move(head).value_or(SecretHead{});
    co_return co_await write_version(session, keyring, wanted, std::move(known), std::move(value));
}

Place place_of(std::string_view path, std::uint64_t version) {
    return {.kind = "secret", .path = path, .version = version};
}

SecretVersion version_of(const storage::Row& row, std::size_t column) {
    SecretVersion version;
    version.version = static_cast<std::uint64_t>(row.integer(column));
    if (!row.is_null(column + 1)) version.key_id = static_cast<KeyId>(row.integer(column + 1));
    version.created_at = row.time(column + 2);
    version.deleted_at = row.optional_time(column + 3);
    return version;
}

Task<Result<std::optional<SecretHead>>> find_head(Session& session, std::string path) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_head, path));
    if (!row) co_return std::nullopt;
    SecretHead head;
    head.current_version = static_cast<std::uint64_t>((*row).integer(0));
    head.max_versions = static_cast<std::uint32_t>((*row).integer(1));
    head.cas_required = (*row).boolean(2);
    head.created_at = (*row).time(3);
    head.updated_at = (*row).time(4);
    head.delete_after = seconds((*row).integer(5));
    head.custom_metadata = (*row).optional_text(6).value_or(std::string());
    co_return head;
}

std::unexpected<Error> unknown_secret(std::string_view path) {
    return fail(ErrorKind::not_found, "secret.unknown", "there is no " + std::string(path));
}

Task<Result<SecretChange>> SecretRepository::put(std::string path, crypto::Secret value,
                                                 std::optional<std::uint64_t> cas, SystemTime now,
                                                 Also<SecretChange> also) {
    GH_CO_TRY_VOID(check_size(value));
    auto wanted = std::make_shared<const Wanted>(Wanted{path, std::move(value), {}, cas, now});
    std::function<Task<Result<SecretChange>>(Session&)> rows =
        [&keyring = keyring_, wanted](Session& session) { return write(session, keyring, wanted); };
    co_return co_await change(std::move(path), std::move(rows), std::move(also));
}

Task<Result<SecretChange>> SecretRepository::revise(
    std::string path, std::function<Result<crypto::Secret>(const crypto::Secret&)> make,
    std::optional<std::uint64_t> cas, SystemTime now, Also<SecretChange> also) {
    auto wanted = std::make_shared<const Wanted>(Wanted{path, {}, std::move(make), cas, now});
    std::function<Task<Result<SecretChange>>(Session&)> rows =
        [&keyring = keyring_, wanted](Session& session) { return write(session, keyring, wanted); };
    co_return co_await change(std::move(path), std::move(rows), std::move(also));
}

Task<Result<OpenedSecret>> SecretRepository::get(std::string path, std::uint64_t version,
                                                 SystemTime now) {
    const telemetry::Span span("vault.read");
    GH_CO_TRY_VOID(check_secret_path(path));
    auto work = [&keyring = keyring_, path = std::move(path), version, now](Session& session) {
        return read_secret(session, keyring, path, version, now);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<SecretChange>> SecretRepository::change(
    std::string path, std::function<Task<Result<SecretChange>>(Session&)> rows,
    Also<SecretChange> also) {
    const telemetry::Span span("vault.write");
    GH_CO_TRY_VOID(check_secret_path(path));
    auto work = [rows = std::move(rows), also = std::move(also)](Session& session) {
        return storage::with_also(session, rows(session), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::vault
