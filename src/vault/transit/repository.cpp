#include "vault/transit/repository.hpp"

#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"

namespace gh::vault::transit {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

constexpr Statement select_key{
    .name = "transit.find",
    .sql =
        "SELECT name, id, type, key_bytes, derived, exportable, deletion_allowed, "
        "auto_rotate_seconds, latest_version, min_decryption_version, min_encryption_version, "
        "min_available_version, created_at, rotated_at FROM transit_keys WHERE name = $1"};
constexpr Statement select_due{
    .name = "transit.due",
    .sql =
        "SELECT name, id, type, key_bytes, derived, exportable, deletion_allowed, "
        "auto_rotate_seconds, latest_version, min_decryption_version, min_encryption_version, "
        "min_available_version, created_at, rotated_at FROM transit_keys "
        "WHERE auto_rotate_seconds > 0 AND rotated_at + auto_rotate_seconds * 1000000 <= $1 "
        "ORDER BY name"};  // all: what stays due hides nothing behind it
constexpr Statement select_names{.name = "transit.list",
                                 .sql = "SELECT name FROM transit_keys ORDER BY name"};
constexpr Statement count_keys{.name = "transit.count", .sql = "SELECT count(*) FROM transit_keys"};
constexpr Statement insert_key{
    .name = "transit.put",
    .sql =
        "INSERT INTO transit_keys (name, id, type, key_bytes, derived, exportable, "
        "auto_rotate_seconds, latest_version, created_at, rotated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)"};
constexpr Statement update_key{
    .name = "transit.change",
    .sql =
        "UPDATE transit_keys SET exportable = $2, deletion_allowed = $3, auto_rotate_seconds = $4, "
        "latest_version = $5, min_decryption_version = $6, min_encryption_version = $7, "
        "min_available_version = $8, rotated_at = $9 WHERE name = $1"};
constexpr Statement delete_key{.name = "transit.remove",
                               .sql = "DELETE FROM transit_keys WHERE name = $1"};
constexpr Statement select_versions{
    .name = "transit.versions",
    .sql =
        "SELECT version, created_at, sealed FROM transit_versions "
        "WHERE name = $1 AND version BETWEEN $2 AND $3 ORDER BY version"};
constexpr Statement insert_version{
    .name = "transit.put_version",
    .sql =
        "INSERT INTO transit_versions (name, version, key_id, sealed, created_at) "
        "VALUES ($1, $2, $3, $4, $5)"};
constexpr Statement update_version{
    .name = "transit.seal",
    .sql = "UPDATE transit_versions SET key_id = $3, sealed = $4 WHERE name = $1 AND version = $2"};
constexpr Statement delete_versions{
    .name = "transit.trim", .sql = "DELETE FROM transit_versions WHERE name = $1 AND version < $2"};

std::unexpected<Error> unknown(std::string_view name) {
    return fail(ErrorKind::not_found, "transit.unknown", "there is no key " + std::string(name));
}

std::uint32_t number(const storage::Row& row, std::size_t column) {
    return static_cast<std::uint32_t>(row.integer(column));
}

Result<KeyFacts> facts_of(const storage::Row& row) {
    KeyFacts facts;
    const auto type = type_named(row.text(2));
    if (!type) {
        return fail(ErrorKind::corrupt, "transit.material",
                    row.text(0) + " is of a type that is not known");
    }
    facts.key = {.name = row.text(0),
                 .type = *type,
                 .key_bytes = number(row, 3),
                 .derived = row.boolean(4),
                 .exportable = row.boolean(5),
                 .auto_rotate = seconds(row.integer(7))};
    facts.id = row.text(1);
    facts.deletion_allowed = row.boolean(6);
    facts.latest = number(row, 8);
    facts.min_decryption = number(row, 9);
    facts.min_encryption = number(row, 10);
    facts.min_available = number(row, 11);
    facts.created_at = row.time(12);
    facts.rotated_at = row.time(13);
    return facts;
}

Task<Result<KeyFacts>> read_facts(Session& session, std::string name) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_key, name));
    if (!row) co_return unknown(name);
    co_return facts_of(*row);
}

Task<Result<SharedMaterial>> material_of(Session& session, Keyring& keyring, KeyType type,
                                         const storage::Row& row, Place place) {
    const auto sealed = crypto::bytes_of(row.octets(2));
    GH_CO_TRY(const auto packed, co_await keyring.open(session, sealed, place));
    GH_CO_TRY(auto material, Material::unpack(type, packed));
    co_return std::make_shared<const Material>(std::move(material));
}

/// Opens those between and adds them.
Task<Result<void>> open_into(Session& session, Keyring& keyring, OpenedKey& opened,
                             std::uint32_t first, std::uint32_t last) {
    const auto path = sealed_path(opened.facts);
    GH_CO_TRY(const auto rows,
              co_await session.query(select_versions, opened.facts.key.name, first, last));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        OpenedVersion version;
        version.version = number(rows[i], 0);
        version.created_at = rows[i].time(1);
        GH_CO_TRY(version.material, co_await material_of(session, keyring, opened.facts.key.type,
                                                         rows[i], place_of(path, version.version)));
        opened.versions.push_back(std::move(version));
    }
    co_return Result<void>{};
}

Task<Result<OpenedKey>> read_key(Session& session, Keyring& keyring, std::string name, Span span) {
    OpenedKey opened;
    GH_CO_TRY(opened.facts, co_await read_facts(session, name));
    const auto first = span.first == 0 ? opened.facts.latest : span.first;
    const auto last = span.last == 0 ? opened.facts.latest : span.last;
    GH_CO_TRY_VOID(co_await open_into(session, keyring, opened, first, last));
    co_return opened;
}

Task<Result<OpenedKey>> read_named(Session& session, Keyring& keyring, std::string name,
                                   std::set<std::uint32_t> versions) {
    OpenedKey opened;
    GH_CO_TRY(opened.facts, co_await read_facts(session, name));
    for (const auto version : versions)
        GH_CO_TRY_VOID(co_await open_into(session, keyring, opened, version, version));
    co_return opened;
}

/// What is told of a key: pairs are opened, as far as they open; nothing is told of other keys but when they were made.
Task<Result<OpenedKey>> read_shown(Session& session, Keyring& keyring, std::string name) {
    OpenedKey shown;
    GH_CO_TRY(shown.facts, co_await read_facts(session, name));
    const auto& facts = shown.facts;
    const auto path = sealed_path(facts);
    GH_CO_TRY(const auto rows,
              co_await session.query(select_versions, name, facts.min_decryption, facts.latest));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto& version = shown.versions.emplace_back();
        version.version = number(rows[i], 0);
        version.created_at = rows[i].time(1);
        if (!pair_of(facts.key.type)) continue;
        auto material = co_await material_of(session, keyring, facts.key.type, rows[i],
                                             place_of(path, version.version));
        if (!material && material.error().kind != ErrorKind::corrupt)
            co_return std::unexpected(std::move(material).error());
        if (material) version.material = *std::move(material);
    }
    co_return shown;
}

Task<Result<void>> write_version(Session& session, Keyring& keyring, const KeyFacts& facts,
                                 const crypto::Secret& packed, SystemTime now) {
    GH_CO_TRY(const auto barrier, co_await keyring.for_sealing(session, now));
    const auto path = sealed_path(facts);
    storage::Blob sealed{barrier.seal(packed.bytes(), place_of(path, facts.latest))};
    GH_CO_TRY_VOID(co_await session.execute(insert_version, facts.key.name, facts.latest,
                                            barrier.newest(), std::move(sealed), now));
    co_return Result<void>{};
}

Task<Result<void>> write_facts(Session& session, const KeyFacts& facts) {
    GH_CO_TRY_VOID(co_await session.execute(
        update_key, facts.key.name, facts.key.exportable, facts.deletion_allowed,
        facts.key.auto_rotate.count(), facts.latest, facts.min_decryption, facts.min_encryption,
        facts.min_available, facts.rotated_at));
    co_return Result<void>{};
}

using SharedPacked = std::shared_ptr<const crypto::Secret>;

Task<Result<KeyChange>> make(Session& session, Keyring& keyring, NewKey key, SharedPacked packed,
                             SystemTime now) {
    KeyChange change;
    GH_CO_TRY(const auto row, co_await session.query_one(select_key, key.name));
    if (row) {
        GH_CO_TRY(change.facts, facts_of(*row));
        change.was_there = true;
        co_return change;
    }
    GH_CO_TRY(const auto count, co_await session.query(count_keys));
    if (count[0].integer(0) >= keys_max)
        co_return fail(ErrorKind::conflict, "transit.too_many", "there are 10000 keys already");
    auto& facts = change.facts;
    facts.key = key;
    facts.id = view(uuid_v4());
    facts.latest = 1;
    facts.created_at = facts.rotated_at = now;
    GH_CO_TRY_VOID(co_await session.execute(insert_key, key.name, facts.id, name_of(key.type),
                                            key.key_bytes, key.derived, key.exportable,
                                            key.auto_rotate.count(), now));
    GH_CO_TRY_VOID(co_await write_version(session, keyring, facts, *packed, now));
    co_return change;
}

Task<Result<KeyChange>> add_version(Session& session, Keyring& keyring, KeyFacts before,
                                    SharedPacked packed, SystemTime now) {
    KeyChange change;
    GH_CO_TRY(change.facts, co_await read_facts(session, before.key.name));
    auto& facts = change.facts;
    if (facts.id != before.id)
        co_return fail(ErrorKind::conflict, "transit.changed", "the key is another one by now");
    if (facts.latest != before.latest)
        co_return fail(ErrorKind::conflict, "transit.changed", "the key was rotated meanwhile");
    GH_CO_TRY_VOID(check_rotation(facts));
    ++facts.latest;
    facts.rotated_at = now;
    GH_CO_TRY_VOID(co_await write_facts(session, facts));
    GH_CO_TRY_VOID(co_await write_version(session, keyring, facts, *packed, now));
    co_return change;
}

/// What a version may be used for is bound to it: all of them are sealed anew where that changes.
Task<Result<void>> seal_anew(Session& session, Keyring& keyring, const KeyFacts& after,
                             SystemTime now) {
    const Span all{.first = 1, .last = 0};
    GH_CO_TRY(const auto key, co_await read_key(session, keyring, after.key.name, all));
    GH_CO_TRY(const auto barrier, co_await keyring.for_sealing(session, now));
    const auto path = sealed_path(after);
    std::vector<storage::Parameters> sets;
    for (const auto& each : key.versions) {
        const auto packed = each.material->packed();
        sets.push_back({after.key.name, std::int64_t{each.version}, std::int64_t{barrier.newest()},
                        storage::Blob{barrier.seal(packed.bytes(), place_of(path, each.version))}});
    }
    GH_CO_TRY_VOID(co_await session.execute_many(update_version, std::move(sets)));
    co_return Result<void>{};
}

Task<Result<KeyChange>> set(Session& session, Keyring& keyring, std::string name,
                            KeySettings settings, SystemTime now) {
    GH_CO_TRY(const auto before, co_await read_facts(session, name));
    KeyChange change;
    GH_CO_TRY(change.facts, with_settings(before, settings));
    if (change.facts.key.exportable != before.key.exportable)
        GH_CO_TRY_VOID(co_await seal_anew(session, keyring, change.facts, now));
    GH_CO_TRY_VOID(co_await write_facts(session, change.facts));
    co_return change;
}

Task<Result<KeyChange>> cut(Session& session, std::string name, std::uint32_t available) {
    GH_CO_TRY(const auto before, co_await read_facts(session, name));
    KeyChange change;
    GH_CO_TRY(change.facts, trimmed_to(before, available));
    GH_CO_TRY_VOID(co_await write_facts(session, change.facts));
    GH_CO_TRY_VOID(co_await session.execute(delete_versions, name, available));
    co_return change;
}

Task<Result<KeyChange>> erase(Session& session, std::string name) {
    KeyChange change;
    GH_CO_TRY(change.facts, co_await read_facts(session, name));
    if (!change.facts.deletion_allowed) {
        co_return fail(ErrorKind::conflict, "transit.deletion",
                       "deletion is not allowed for this policy");
    }
    GH_CO_TRY_VOID(co_await session.execute(delete_key, name));
    co_return change;
}

Task<Result<std::vector<std::string>>> read_names(Session& session) {
    GH_CO_TRY(const auto rows, co_await session.query(select_names));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < rows.size(); ++i) names.push_back(rows[i].text(0));
    co_return names;
}

Task<Result<std::vector<KeyFacts>>> read_due(Session& session, SystemTime now) {
    GH_CO_TRY(const auto rows, co_await session.query(select_due, now));
    std::vector<KeyFacts> due;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto facts = facts_of(rows[i]);
        if (facts) due.push_back(*std::move(facts));  // a newer node may know more types
    }
    co_return due;
}

}  // namespace

std::string sealed_path(const KeyFacts& facts) {
    return sealed_path_of(name_of(facts.key.type), facts.key.derived, facts.key.exportable,
                          facts.id, facts.key.name);
}

std::string sealed_path_of(std::string_view type, bool derived, bool exportable,
                           std::string_view id, std::string_view name) {
    std::string path(type);
    path += derived ? "/derived" : "";
    path += exportable ? "/exportable" : "";
    path.append("/").append(id).append("/").append(name);  // none of them holds a '/'
    return path;
}

Place place_of(std::string_view path, std::uint64_t version) {
    return {.kind = "transit key", .path = path, .version = version};
}

Task<Result<KeyChange>> Repository::create(NewKey key, Material material, SystemTime now,
                                           Also<KeyChange> also) {
    GH_CO_TRY_VOID(check_key_name(key.name));
    GH_CO_TRY_VOID(check_auto_rotate(key.auto_rotate));
    const auto packed = std::make_shared<const crypto::Secret>(material.packed());
    std::function<Task<Result<KeyChange>>(Session&)> rows =
        [&keyring = keyring_, key = std::move(key), packed, now](Session& session) {
            return make(session, keyring, key, packed, now);
        };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<KeyFacts>> Repository::find(std::string name) {
    auto work = [name = std::move(name)](Session& session) { return read_facts(session, name); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<OpenedKey>> Repository::open(std::string name, Span span) {
    auto work = [&keyring = keyring_, name = std::move(name), span](Session& session) {
        return read_key(session, keyring, name, span);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<OpenedKey>> Repository::open(std::string name, std::set<std::uint32_t> versions) {
    auto work = [&keyring = keyring_, name = std::move(name), versions = std::move(versions)](
                    Session& session) { return read_named(session, keyring, name, versions); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<OpenedKey>> Repository::show(std::string name) {
    auto work = [&keyring = keyring_, name = std::move(name)](Session& session) {
        return read_shown(session, keyring, name);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<std::string>>> Repository::list() {
    auto work = [](Session& session) { return read_names(session); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<KeyChange>> Repository::configure(std::string name, KeySettings settings,
                                              SystemTime now, Also<KeyChange> also) {
    std::function<Task<Result<KeyChange>>(Session&)> rows =
        [&keyring = keyring_, name = std::move(name), settings, now](Session& session) {
            return set(session, keyring, name, settings, now);
        };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<KeyChange>> Repository::rotate(KeyFacts before, Material material, SystemTime now,
                                           Also<KeyChange> also) {
    const auto packed = std::make_shared<const crypto::Secret>(material.packed());
    std::function<Task<Result<KeyChange>>(Session&)> rows =
        [&keyring = keyring_, before = std::move(before), packed, now](Session& session) {
            return add_version(session, keyring, before, packed, now);
        };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<KeyChange>> Repository::trim(std::string name, std::uint32_t available,
                                         Also<KeyChange> also) {
    std::function<Task<Result<KeyChange>>(Session&)> rows = [name = std::move(name),
                                                             available](Session& session) {
        return cut(session, name, available);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<KeyChange>> Repository::remove(std::string name, Also<KeyChange> also) {
    std::function<Task<Result<KeyChange>>(Session&)> rows =
        [name = std::move(name)](Session& session) { return erase(session, name); };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<std::vector<KeyFacts>>> Repository::due(SystemTime now) {
    auto work = [now](Session& session) { return read_due(session, now); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<KeyChange>> Repository::change(std::function<Task<Result<KeyChange>>(Session&)> rows,
                                           Also<KeyChange> also) {
    auto work = [rows = std::move(rows), also = std::move(also)](Session& session) {
        return storage::with_also(session, rows(session), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::vault::transit
