#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"
#include "vault/secret_path.hpp"
#include "vault/secret_repository.hpp"
#include "vault/secret_rows.hpp"

// What becomes of versions: deleted, taken back, destroyed, forgotten; and what is known of them.

namespace gh::vault {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

constexpr std::size_t versions_at_once_max = 1'000;

constexpr Statement select_versions{
    .name = "secrets.versions",
    .sql =
        "SELECT version, key_id, created_at, deleted_at FROM vault_versions WHERE path = $1 "
        "ORDER BY version"};
constexpr Statement mark_deleted{
    .name = "secrets.delete",
    .sql =
        "UPDATE vault_versions SET deleted_at = $3 WHERE path = $1 AND version = $2 "
        "AND (deleted_at IS NULL OR deleted_at > $3) AND sealed IS NOT NULL"};
constexpr Statement unmark_deleted{
    .name = "secrets.undelete",
    .sql =
        "UPDATE vault_versions SET deleted_at = NULL WHERE path = $1 AND version = $2 "
        "AND deleted_at IS NOT NULL AND sealed IS NOT NULL"};
constexpr Statement destroy_value{
    .name = "secrets.destroy",
    .sql =
        "UPDATE vault_versions SET sealed = NULL, key_id = NULL WHERE path = $1 AND version = $2 "
        "AND sealed IS NOT NULL"};
constexpr Statement touch_head{.name = "secrets.touch",
                               .sql = "UPDATE vault_secrets SET updated_at = $2 WHERE path = $1"};
constexpr Statement delete_head{.name = "secrets.forget",
                                .sql = "DELETE FROM vault_secrets WHERE path = $1"};
constexpr Statement upsert_configuration{
    .name = "secrets.configure",
    .sql =
        "INSERT INTO vault_secrets (path, current_version, max_versions, cas_required, created_at, "
        "updated_at, delete_after, custom_metadata) VALUES ($1, 0, $2, $3, $4, $4, $5, $6) "
        "ON CONFLICT (path) DO UPDATE SET max_versions = $2, cas_required = $3, updated_at = $4, "
        "delete_after = $5, custom_metadata = $6"};

enum class Fate : std::uint8_t { deleted, restored, destroyed };

/// What somebody asks for some versions of a path.
struct Asked {
    std::string path;
    std::vector<std::uint64_t> versions;
    SystemTime now;
    Fate fate;
};

SecretChange change_of(const Asked& asked) {
    SecretChange change;
    change.path = asked.path;
    change.at = asked.now;
    return change;
}

Task<Result<std::uint64_t>> meet(Session& session, const Asked& asked, std::uint64_t version) {
    switch (asked.fate) {
        case Fate::deleted: return session.execute(mark_deleted, asked.path, version, asked.now);
        case Fate::restored: return session.execute(unmark_deleted, asked.path, version);
        case Fate::destroyed: return session.execute(destroy_value, asked.path, version);
    }
    std::unreachable();
}

Task<Result<SecretChange>> apply(Session& session, std::shared_ptr<const Asked> asked) {
    GH_CO_TRY(const auto head, co_await find_head(session, asked->path));
    if (!head) co_return unknown_secret(asked->path);
    auto versions = asked->versions;
    if (versions.empty()) versions = {head->current_version};
    auto change = change_of(*asked);
    for (const auto version : versions) {
        GH_CO_TRY(const auto touched, co_await meet(session, *asked, version));
        if (touched > 0) change.versions.push_back(version);
    }
    if (!change.versions.empty())
        GH_CO_TRY_VOID(co_await session.execute(touch_head, asked->path, asked->now));
    co_return change;
}

/// No versions mean the newest, where one is deleted only.
Result<std::shared_ptr<const Asked>> asked_of(std::string path, std::vector<std::uint64_t> versions,
                                              SystemTime now, Fate fate) {
    if ((versions.empty() && fate != Fate::deleted) || versions.size() > versions_at_once_max) {
        return fail(ErrorKind::invalid_argument, "secret.versions",
                    "1 to 1000 versions are to be named");
    }
    return std::make_shared<const Asked>(Asked{std::move(path), std::move(versions), now, fate});
}

Task<Result<SecretFacts>> read_facts(Session& session, std::string path) {
    GH_CO_TRY(const auto head, co_await find_head(session, path));
    if (!head) co_return unknown_secret(path);
    GH_CO_TRY(const auto rows, co_await session.query(select_versions, path));
    SecretFacts facts;
    facts.path = std::move(path);
    facts.current_version = head->current_version;
    facts.max_versions = head->max_versions;
    facts.cas_required = head->cas_required;
    facts.delete_after = head->delete_after;
    facts.custom_metadata = head->custom_metadata;
    facts.created_at = head->created_at;
    facts.updated_at = head->updated_at;
    for (std::size_t i = 0; i < rows.size(); ++i) facts.versions.push_back(version_of(rows[i], 0));
    co_return facts;
}

Task<Result<SecretChange>> erase(Session& session, std::shared_ptr<const Asked> asked) {
    GH_CO_TRY(const auto facts, co_await read_facts(session, asked->path));
    GH_CO_TRY_VOID(co_await session.execute(delete_head, asked->path));
    auto change = change_of(*asked);
    for (const auto& each : facts.versions) change.versions.push_back(each.version);
    co_return change;
}

struct Configuration {
    Asked asked;
    SecretSettings settings;
};

Result<void> check_settings(const SecretSettings& settings) {
    if (settings.max_versions && *settings.max_versions > versions_kept_max)
        return fail(ErrorKind::invalid_argument, "secret.versions",
                    "at most 1000 versions are kept");
    const auto after = settings.delete_after.value_or(seconds(0));
    if (after >= seconds(0) && after <= delete_after_max) return {};
    return fail(ErrorKind::invalid_argument, "secret.settings",
                "versions delete themselves within 100 years");
}

bool is_custom_text(std::string_view text, std::size_t bytes_max) {
    return text.size() <= bytes_max && codec::is_utf8(text) && !codec::has_control_character(text);
}

/// What is said of a secret from now on: a JSON object, or nothing where nothing is left.
Result<std::optional<std::string>> custom_metadata_of(std::string_view before,
                                                      const SecretSettings& settings) {
    std::map<std::string, std::string, std::less<>> texts;
    if (!before.empty() && !settings.forgets_other_metadata) {
        GH_TRY(const auto known, codec::json::parse(before));
        for (const auto& [name, text] : *known.object()) texts[name] = *text.string();
    }
    for (const auto& [name, text] : settings.custom_metadata) {
        if (!text) {
            texts.erase(name);
        } else if (!name.empty() && is_custom_text(name, custom_metadata_name_bytes_max) &&
                   is_custom_text(*text, custom_metadata_text_bytes_max)) {
            texts[name] = *text;
        } else {
            return fail(ErrorKind::invalid_argument, "secret.settings",
                        "custom_metadata has names of 1 to 128 bytes and texts of at most 512, "
                        "without control characters");
        }
    }
    if (texts.size() > custom_metadata_max)
        return fail(ErrorKind::invalid_argument, "secret.settings",
                    "custom_metadata has at most 64 names");
    if (texts.empty()) return std::nullopt;
    std::string json;
    codec::json::Writer out(json);
    out.begin_object();
    for (const auto& [name, text] : texts) out.name(name).string(text);
    out.end_object();
    return json;
}

Task<Result<SecretChange>> write_configuration(Session& session,
                                               std::shared_ptr<const Configuration> wanted) {
    const auto& path = wanted->asked.path;
    const auto& settings = wanted->settings;
    GH_CO_TRY(auto head, co_await find_head(session, path));
    if (!head && settings.must_exist) co_return unknown_secret(path);
    if (head && settings.must_be_new)
        co_return fail(ErrorKind::conflict, "secret.cas", path + " is known already");
    const auto before = std::move(head).value_or(SecretHead{});
    const auto max_versions = settings.max_versions.value_or(before.max_versions);
    const auto cas_required = settings.cas_required.value_or(before.cas_required);
    const auto after = settings.delete_after.value_or(before.delete_after).count();
    GH_CO_TRY(const auto custom, custom_metadata_of(before.custom_metadata, settings));
    GH_CO_TRY_VOID(co_await session.execute(upsert_configuration, path, max_versions, cas_required,
                                            wanted->asked.now, after, custom));
    co_return change_of(wanted->asked);
}

using Rows = std::function<Task<Result<SecretChange>>(Session&)>;

}  // namespace

Task<Result<void>> delete_secret_version(Session& session, std::string path, std::uint64_t version,
                                         SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(mark_deleted, path, version, now));
    co_return Result<void>{};
}

Task<Result<SecretFacts>> SecretRepository::facts(std::string path) {
    GH_CO_TRY_VOID(check_secret_path(path));
    auto work = [path = std::move(path)](Session& session) { return read_facts(session, path); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<SecretChange>> SecretRepository::configure(std::string path, SecretSettings settings,
                                                       SystemTime now, Also<SecretChange> also) {
    GH_CO_TRY_VOID(check_settings(settings));
    auto wanted = std::make_shared<const Configuration>(
        Configuration{{path, {}, now, Fate::restored}, std::move(settings)});
    Rows rows = [wanted](Session& session) { return write_configuration(session, wanted); };
    co_return co_await change(std::move(path), std::move(rows), std::move(also));
}

Task<Result<SecretChange>> SecretRepository::remove(std::string path,
                                                    std::vector<std::uint64_t> versions,
                                                    SystemTime now, Also<SecretChange> also) {
    GH_CO_TRY(auto asked, asked_of(path, std::move(versions), now, Fate::deleted));
    Rows rows = [asked](Session& session) { return apply(session, asked); };
    co_return co_await change(std::move(path), std::move(rows), std::move(also));
}

Task<Result<SecretChange>> SecretRepository::restore(std::string path,
                                                     std::vector<std::uint64_t> versions,
                                                     SystemTime now, Also<SecretChange> also) {
    GH_CO_TRY(auto asked, asked_of(path, std::move(versions), now, Fate::restored));
    Rows rows = [asked](Session& session) { return apply(session, asked); };
    co_return co_await change(std::move(path), std::move(rows), std::move(also));
}

Task<Result<SecretChange>> SecretRepository::destroy(std::string path,
                                                     std::vector<std::uint64_t> versions,
                                                     SystemTime now, Also<SecretChange> also) {
    GH_CO_TRY(auto asked, asked_of(path, std::move(versions), now, Fate::destroyed));
    Rows rows = [asked](Session& session) { return apply(session, asked); };
    co_return co_await change(std::move(path), std::move(rows), std::move(also));
}

Task<Result<SecretChange>> SecretRepository::forget(std::string path, SystemTime now,
                                                    Also<SecretChange> also) {
    GH_CO_TRY(auto asked, asked_of(path, {}, now, Fate::deleted));
    Rows rows = [asked](Session& session) { return erase(session, asked); };
    co_return co_await change(std::move(path), std::move(rows), std::move(also));
}

}  // namespace gh::vault
