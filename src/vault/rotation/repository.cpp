#include "vault/rotation/repository.hpp"

#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "vault/rotation/rows.hpp"
#include "vault/secret_path.hpp"
#include "vault/secret_rows.hpp"

// The rules: made, found, changed.

namespace gh::vault::rotation {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

constexpr Statement select_one{
    .name = "rotations.find",
    .sql =
        "SELECT path, id, rule, revision, state, serial, pending_role, previous_role, "
        "current_version, previous_version, rolled_back, verdict, due_at, wake_at, "
        "overlap_ends_at, held_until, rotated_at, failures, error, created_at, updated_at, "
        "server, claim, claimed_until, sealed FROM secret_rotations WHERE path = $1"};
constexpr Statement select_page{
    .name = "rotations.list",
    .sql =
        "SELECT path, id, rule, revision, state, serial, pending_role, previous_role, "
        "current_version, previous_version, rolled_back, verdict, due_at, wake_at, "
        "overlap_ends_at, held_until, rotated_at, failures, error, created_at, updated_at, "
        "server FROM secret_rotations WHERE path > $1 ORDER BY path LIMIT $2"};
constexpr Statement select_paths{.name = "rotations.paths",
                                 .sql = "SELECT path FROM secret_rotations ORDER BY path LIMIT $1"};
constexpr Statement count_all{.name = "rotations.count",
                              .sql = "SELECT count(*) FROM secret_rotations"};
constexpr Statement make_path_known{
    .name = "rotations.know_path",
    .sql =
        "INSERT INTO vault_secrets (path, current_version, created_at, updated_at) "
        "VALUES ($1, 0, $2, $2) ON CONFLICT (path) DO NOTHING"};
constexpr Statement insert_one{
    .name = "rotations.put",
    .sql =
        "INSERT INTO secret_rotations (path, id, rule, revision, state, due_at, wake_at, "
        "created_at, updated_at, server) VALUES ($1, $2, $3, 1, 'idle', $4, $4, $5, $5, $6)"};
constexpr Statement update_rule{
    .name = "rotations.change",
    .sql =
        "UPDATE secret_rotations SET rule = $2, revision = $3, due_at = $4, wake_at = $5, "
        "updated_at = $6, server = $7 WHERE path = $1"};
constexpr Statement update_state{
    .name = "rotations.move",
    .sql =
        "UPDATE secret_rotations SET state = $2, serial = $3, pending_role = $4, "
        "previous_role = $5, current_version = $6, previous_version = $7, rolled_back = $8, "
        "verdict = $9, due_at = $10, wake_at = $11, overlap_ends_at = $12, held_until = $13, "
        "rotated_at = $14, failures = $15, error = $16, claim = $17, claimed_until = $18 "
        "WHERE path = $1"};
constexpr Statement drop_pending{
    .name = "rotations.drop",
    .sql =
        "UPDATE secret_rotations SET state = 'idle', key_id = NULL, sealed = NULL, "
        "pending_role = '' WHERE path = $1"};
constexpr Statement forget_roles{.name = "rotations.forget_roles",
                                 .sql = "DELETE FROM secret_rotation_roles WHERE path = $1"};
constexpr Statement take_role{
    .name = "rotations.take_role",
    .sql =
        "INSERT INTO secret_rotation_roles (server, role, path) VALUES ($1, $2, $3) "
        "ON CONFLICT (server, role) DO NOTHING"};
constexpr Statement end_claim{
    .name = "rotations.end_claim",
    .sql = "UPDATE secret_rotations SET claim = '', claimed_until = 0 WHERE path = $1"};
constexpr Statement delete_one{.name = "rotations.remove",
                               .sql = "DELETE FROM secret_rotations WHERE path = $1"};

std::optional<State> state_named(std::string_view name) {
    for (const auto state :
         {State::idle, State::pending, State::overlap, State::held, State::retiring}) {
        if (name_of(state) == name) return state;
    }
    return std::nullopt;
}

Verdict verdict_named(std::string_view name) {
    if (name == name_of(Verdict::proceed)) return Verdict::proceed;
    if (name == name_of(Verdict::roll_back)) return Verdict::roll_back;
    return Verdict::none;
}

std::uint64_t count_of(const storage::Row& row, std::size_t column) {
    return static_cast<std::uint64_t>(row.integer(column));
}

Result<Rotation> rotation_of(const storage::Row& row) {
    Rotation rotation;
    rotation.path = row.text(0);
    rotation.id = row.text(1);
    auto rule = parse_rule(row.text(2));
    const auto state = state_named(row.text(4));
    if (!rule || !state) {
        return fail(ErrorKind::corrupt, "rotation.stored",
                    "the rotation of " + rotation.path +
                        " is not understood: " + (rule ? row.text(4) : rule.error().detail));
    }
    rotation.rule = *std::move(rule);
    rotation.revision = row.integer(3);
    rotation.state = *state;
    rotation.serial = count_of(row, 5);
    rotation.pending_role = row.text(6);
    rotation.previous_role = row.text(7);
    rotation.current_version = count_of(row, 8);
    rotation.previous_version = count_of(row, 9);
    rotation.rolled_back = row.boolean(10);
    rotation.verdict = verdict_named(row.text(11));
    rotation.due_at = row.optional_time(12);
    rotation.wake_at = row.optional_time(13);
    rotation.overlap_ends_at = row.optional_time(14);
    rotation.held_until = row.optional_time(15);
    rotation.rotated_at = row.optional_time(16);
    rotation.failures = static_cast<std::uint32_t>(row.integer(17));
    rotation.error = row.text(18);
    rotation.created_at = row.time(19);
    rotation.updated_at = row.time(20);
    rotation.server = row.text(21);
    return rotation;
}

std::unexpected<Error> in_progress(const Rotation& rotation) {
    const auto path = rotation.path;
    switch (rotation.state) {
        case State::pending:
            return fail(ErrorKind::conflict, "rotation.in_progress",
                        "a rotation of " + path + " is under way; wait until it has ended");
        case State::retiring:
            return fail(ErrorKind::conflict, "rotation.in_progress",
                        "the version before of " + path + " is about to end; wait for that");
        default:
            return fail(ErrorKind::conflict, "rotation.in_progress",
                        "the version before of " + path +
                            " is good still; wait, or end that: proceed or roll back");
    }
}

struct Wanted {
    std::string path;
    Rule rule;
    SystemTime now;
    std::optional<storage::PostgresUrl> server;

    [[nodiscard]] std::string url() const { return server ? storage::text_of(*server) : ""; }
};

/// A role that two rules change would never have the password that either has told.
Task<Result<void>> take_roles(Session& session, const Wanted& wanted) {
    GH_CO_TRY_VOID(co_await session.execute(forget_roles, wanted.path));
    if (!wanted.server) co_return Result<void>{};
    const auto address = wanted.server->host + ":" + std::to_string(wanted.server->port);
    for (const auto& role : wanted.rule.generator.roles) {
        GH_CO_TRY(const auto taken,
                  co_await session.execute(take_role, address, role, wanted.path));
        if (taken > 0) continue;
        co_return fail(ErrorKind::conflict, "rotation.role_taken",
                       "another rotation changes the password of " + role + " at " + address);
    }
    co_return Result<void>{};
}

Task<Result<Rotation>> add_rule(Session& session, const Wanted& wanted) {
    GH_CO_TRY(const auto count, co_await session.query(count_all));
    if (count[0].integer(0) >= rotations_max) {
        co_return fail(ErrorKind::conflict, "rotation.too_many",
                       "there are 10000 rotations already");
    }
    GH_CO_TRY_VOID(co_await session.execute(make_path_known, wanted.path, wanted.now));
    GH_CO_TRY(const auto head, co_await find_head(session, wanted.path));
    auto due = next_due(wanted.rule, wanted.now);
    if (due && head->current_version == 0) due = wanted.now;
    const std::string id(view(uuid_v4()));
    GH_CO_TRY_VOID(co_await session.execute(insert_one, wanted.path, id, text_of(wanted.rule), due,
                                            wanted.now, wanted.url()));
    GH_CO_TRY_VOID(co_await take_roles(session, wanted));
    GH_CO_TRY(auto made, co_await find_stored(session, wanted.path));
    co_return std::move(made.rotation);
}

Task<Result<Rotation>> set_rule(Session& session, Keyring& keyring,
                                std::shared_ptr<const Wanted> wanted) {
    auto found = co_await find_stored(session, wanted->path);
    if (!found) {
        if (found.error().reason != "rotation.unknown")
            co_return std::unexpected(std::move(found).error());
        co_return co_await add_rule(session, *wanted);
    }
    auto& before = found->rotation;
    const bool other = before.rule.generator != wanted->rule.generator;
    const bool stuck = before.state == State::pending && found->claimed_until <= wanted->now;
    const bool idle = before.state == State::idle || (other && stuck);
    if (other && !idle) co_return in_progress(before);
    // What cannot succeed, as with a connection that was misspelled, is made anew as it is meant now.
    if (other && stuck) {
        GH_CO_TRY_VOID(co_await keep_given_up(session, keyring, *found, wanted->now));
        GH_CO_TRY_VOID(co_await session.execute(drop_pending, wanted->path));
    }
    // Whoever is about to make a value by the rule before has it no longer.
    if (other) GH_CO_TRY_VOID(co_await session.execute(end_claim, wanted->path));
    auto due = before.due_at;
    if (before.rule.every != wanted->rule.every)
        due = next_due(wanted->rule, before.rotated_at.value_or(wanted->now));
    const auto wake = idle ? due : before.wake_at;
    GH_CO_TRY_VOID(co_await session.execute(update_rule, wanted->path, text_of(wanted->rule),
                                            before.revision + 1, due, wake, wanted->now,
                                            wanted->url()));
    GH_CO_TRY_VOID(co_await take_roles(session, *wanted));
    GH_CO_TRY(auto made, co_await find_stored(session, wanted->path));
    co_return std::move(made.rotation);
}

Task<Result<Rotation>> remove_rule(Session& session, Keyring& keyring, std::string path, bool force,
                                   SystemTime now) {
    GH_CO_TRY(auto found, co_await find_stored(session, path));
    if (found.rotation.state != State::idle && !force) co_return in_progress(found.rotation);
    GH_CO_TRY_VOID(co_await keep_given_up(session, keyring, found, now));
    GH_CO_TRY_VOID(co_await session.execute(delete_one, path));
    co_return std::move(found.rotation);
}

/// The claim of who works on it stays.
Task<Result<Rotation>> ask(Session& session, std::string path, SystemTime now) {
    GH_CO_TRY(auto found, co_await find_stored(session, path));
    auto& rotation = found.rotation;
    if (rotation.state != State::idle && rotation.state != State::pending)
        co_return in_progress(rotation);
    if (rotation.state == State::idle) rotation.due_at = now;
    rotation.wake_at = now;
    GH_CO_TRY_VOID(co_await write_state(session, rotation, found.claim, found.claimed_until));
    co_return rotation;
}

Task<Result<Rotation>> judge_now(Session& session, std::string path, Verdict verdict,
                                 SystemTime now) {
    GH_CO_TRY(auto found, co_await find_stored(session, path));
    auto& rotation = found.rotation;
    if (rotation.state != State::overlap && rotation.state != State::held) {
        co_return fail(ErrorKind::conflict, "rotation.in_progress",
                       "no version before the current one of " + path + " is good still");
    }
    if (verdict == Verdict::roll_back && rotation.rolled_back)
        co_return fail(ErrorKind::conflict, "rotation.in_progress", path + " was rolled back");
    rotation.verdict = verdict;
    rotation.wake_at = now;
    GH_CO_TRY_VOID(co_await write_state(session, rotation, found.claim, found.claimed_until));
    co_return rotation;
}

Task<Result<Rotation>> find_rotation(Session& session, std::string path) {
    GH_CO_TRY(auto found, co_await find_stored(session, std::move(path)));
    co_return std::move(found.rotation);
}

Task<Result<std::vector<Rotation>>> find_page(Session& session, RotationPage page) {
    GH_CO_TRY(const auto rows, co_await session.query(select_page, page.after, page.limit));
    std::vector<Rotation> found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        GH_CO_TRY(auto one, rotation_of(rows[i]));
        found.push_back(std::move(one));
    }
    co_return found;
}

Task<Result<std::vector<std::string>>> find_paths(Session& session) {
    GH_CO_TRY(const auto rows, co_await session.query(select_paths, rotations_max));
    std::vector<std::string> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(rows[i].text(0));
    co_return found;
}

}  // namespace

std::unexpected<Error> unknown_rotation(std::string_view path) {
    return fail(ErrorKind::not_found, "rotation.unknown",
                "there is no rotation of " + std::string(path));
}

std::string pending_path(const Rotation& rotation) { return rotation.id + "/" + rotation.path; }

Place pending_place(const Rotation& rotation, const std::string& path) {
    return {.kind = "rotation", .path = path, .version = rotation.serial};
}

Task<Result<Stored>> find_stored(Session& session, std::string path) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, path));
    if (!row) co_return unknown_rotation(path);
    Stored stored;
    GH_CO_TRY(stored.rotation, rotation_of(*row));
    stored.claim = (*row).text(22);
    stored.claimed_until = (*row).time(23);
    if (!(*row).is_null(24)) stored.sealed = (*row).octets(24);
    co_return stored;
}

Task<Result<void>> write_state(Session& session, const Rotation& rotation, std::string claim,
                               SystemTime claimed_until) {
    GH_CO_TRY_VOID(co_await session.execute(
        update_state, rotation.path, name_of(rotation.state), rotation.serial,
        rotation.pending_role, rotation.previous_role, rotation.current_version,
        rotation.previous_version, rotation.rolled_back, name_of(rotation.verdict), rotation.due_at,
        rotation.wake_at, rotation.overlap_ends_at, rotation.held_until, rotation.rotated_at,
        rotation.failures, rotation.error, claim, claimed_until));
    co_return Result<void>{};
}

Task<Result<Rotation>> Repository::set(std::string path, Rule rule, SystemTime now,
                                       Also<Rotation> also,
                                       std::optional<storage::PostgresUrl> server) {
    GH_CO_TRY_VOID(check_secret_path(path));
    const auto wanted = std::make_shared<const Wanted>(
        Wanted{std::move(path), std::move(rule), now, std::move(server)});
    Rows rows = [&keyring = keyring_, wanted](Session& session) {
        return set_rule(session, keyring, wanted);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::find(std::string path) {
    auto work = [path = std::move(path)](Session& session) { return find_rotation(session, path); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Rotation>>> Repository::list(RotationPage page) {
    auto work = [page = std::move(page)](Session& session) { return find_page(session, page); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<std::string>>> Repository::paths() {
    auto work = [](Session& session) { return find_paths(session); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Rotation>> Repository::remove(std::string path, bool force, SystemTime now,
                                          Also<Rotation> also) {
    Rows rows = [&keyring = keyring_, path = std::move(path), force, now](Session& session) {
        return remove_rule(session, keyring, path, force, now);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::ask_for(std::string path, SystemTime now, Also<Rotation> also) {
    Rows rows = [path = std::move(path), now](Session& session) { return ask(session, path, now); };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::judge(std::string path, Verdict verdict, SystemTime now,
                                         Also<Rotation> also) {
    Rows rows = [path = std::move(path), verdict, now](Session& session) {
        return judge_now(session, path, verdict, now);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::change(Rows rows, Also<Rotation> also) {
    auto work = [rows = std::move(rows), also = std::move(also)](Session& session) {
        return storage::with_also(session, rows(session), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::vault::rotation
