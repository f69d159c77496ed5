#include <algorithm>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "vault/foreign_text.hpp"
#include "vault/kv_json.hpp"
#include "vault/rotation/repository.hpp"
#include "vault/rotation/rows.hpp"
#include "vault/secret_rows.hpp"

// What becomes of a rotation, each step in a transaction of its own.

namespace gh::vault::rotation {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

using Work = std::shared_ptr<const Claimed>;

constexpr Statement select_due{
    .name = "rotations.due",
    .sql =
        "SELECT path FROM secret_rotations WHERE wake_at <= $1 AND claimed_until <= $1 "
        "ORDER BY wake_at LIMIT $2"};
constexpr Statement set_pending{
    .name = "rotations.keep",
    .sql = "UPDATE secret_rotations SET key_id = $2, sealed = $3 WHERE path = $1"};
constexpr Statement interrupt_runs{
    .name = "rotations.interrupt",
    .sql =
        "UPDATE secret_rotation_runs SET state = 'interrupted', ended_at = $2 "
        "WHERE path = $1 AND state = 'running'"};
constexpr Statement insert_run{
    .name = "rotations.put_run",
    .sql =
        "INSERT INTO secret_rotation_runs (id, path, kind, state, attempt, started_at) "
        "VALUES ($1, $2, $3, 'running', $4, $5)"};
constexpr Statement end_run{
    .name = "rotations.end_run",
    .sql =
        "UPDATE secret_rotation_runs SET state = $2, version = $3, reason = $4, detail = $5, "
        "ended_at = $6, next_at = $7 WHERE id = $1"};
constexpr Statement trim_runs{
    .name = "rotations.trim_runs",
    .sql =
        "DELETE FROM secret_rotation_runs WHERE path = $1 AND id <= (SELECT id FROM "
        "secret_rotation_runs WHERE path = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)"};

RunKind kind_of(Step step) {
    switch (step) {
        case Step::hold: return RunKind::hold;
        case Step::retire: return RunKind::retire;
        case Step::roll_back: return RunKind::roll_back;
        default: return RunKind::rotate;
    }
}

/// The role of a pair that takes turns whose password these are.
std::string role_in(const Rotation& rotation, std::string_view fields) {
    if (!rotation.rule.takes_turns() || fields.empty()) return {};
    const auto name = text_field(fields, username_field);
    if (!name) return {};
    const auto& roles = rotation.rule.generator.roles;
    const auto at = std::ranges::find(roles, crypto::text_of(name->bytes()));
    return at == roles.end() ? std::string() : *at;
}

/// Nobody works on it any more.
Task<Result<void>> release(Session& session, const Rotation& rotation) {
    const SystemTime over{};
    std::string nobody;
    return write_state(session, rotation, std::move(nobody), over);
}

/// Ours still?
Task<Result<Stored>> find_ours(Session& session, Work work) {
    GH_CO_TRY(auto stored, co_await find_stored(session, work->rotation.path));
    if (stored.claim == work->claim) co_return stored;
    co_return fail(ErrorKind::conflict, "rotation.lost",
                   "another node goes on with the rotation of " + work->rotation.path);
}

Task<Result<void>> start_run(Session& session, const Claimed& claimed, SystemTime now) {
    const auto& path = claimed.rotation.path;
    GH_CO_TRY_VOID(co_await session.execute(interrupt_runs, path, now));
    GH_CO_TRY_VOID(co_await session.execute(insert_run, claimed.run, path,
                                            name_of(kind_of(claimed.step)),
                                            claimed.rotation.failures + 1, now));
    GH_CO_TRY_VOID(co_await session.execute(trim_runs, path, runs_kept));
    co_return Result<void>{};
}

Task<Result<std::optional<Claimed>>> claim_one(Session& session, std::string path, SystemTime now) {
    GH_CO_TRY(auto stored, co_await find_stored(session, path));
    Claimed claimed;
    auto& rotation = claimed.rotation = std::move(stored.rotation);
    const bool theirs = !stored.claim.empty() && stored.claimed_until > now;
    if (theirs || !rotation.wake_at || *rotation.wake_at > now) co_return std::nullopt;
    std::vector<Consumer> lag;
    if (rotation.state == State::overlap || rotation.state == State::held) {
        GH_CO_TRY(const auto seen, co_await find_consumers(session, path));
        lag = lagging(rotation, seen, now);
    }
    const auto decision = decide(rotation, lag, now);
    if (decision.step == Step::nothing) {
        rotation.wake_at = decision.wake_at;
        GH_CO_TRY_VOID(co_await release(session, rotation));
        co_return std::nullopt;
    }
    // From here on the server may have ended that password: nobody takes the version back any more.
    if (decision.step == Step::retire) rotation.state = State::retiring;
    claimed.step = decision.step;
    claimed.claim = view(uuid_v4());
    claimed.run = view(uuid_v7(now));
    GH_CO_TRY_VOID(co_await write_state(session, rotation, claimed.claim, now + claim_length));
    GH_CO_TRY_VOID(co_await start_run(session, claimed, now));
    co_return claimed;
}

Task<Result<void>> extend_ours(Session& session, Work work, SystemTime until) {
    GH_CO_TRY(const auto stored, co_await find_ours(session, work));
    co_return co_await write_state(session, stored.rotation, work->claim, until);
}

Task<Result<Values>> read_values(Session& session, Keyring& keyring, Work work, SystemTime now) {
    GH_CO_TRY(const auto stored, co_await find_ours(session, work));
    Values values;
    GH_CO_TRY(values.pending, co_await open_pending(session, keyring, stored));
    GH_CO_TRY(const auto newest,
              co_await read_version(session, keyring, stored.rotation.path, 0, now));
    values.newest = newest.value;
    const auto before = stored.rotation.previous_version;
    if (before == 0) co_return values;
    GH_CO_TRY(const auto previous,
              co_await read_version(session, keyring, stored.rotation.path, before, now));
    values.previous = previous.value;
    co_return values;
}

/// The step has done its work: nobody works on it any more.
Task<Result<Rotation>> finish(Session& session, Work work, Rotation rotation, std::uint64_t version,
                              SystemTime now) {
    rotation.failures = 0;
    rotation.error.clear();
    GH_CO_TRY_VOID(co_await release(session, rotation));
    GH_CO_TRY_VOID(co_await session.execute(end_run, work->run, name_of(RunState::succeeded),
                                            version, "", "", now, rotation.wake_at));
    co_return rotation;
}

Task<Result<Rotation>> keep_pending(Session& session, Keyring& keyring, Work work,
                                    std::shared_ptr<const Candidate> candidate, SystemTime now) {
    GH_CO_TRY(auto stored, co_await find_ours(session, work));
    auto& rotation = stored.rotation;
    // What no version could hold later is told to no server.
    GH_CO_TRY(const auto newest, co_await read_version(session, keyring, rotation.path, 0, now));
    const auto old = newest.value ? text_of(newest.value) : std::string_view("{}");
    const auto fields = crypto::text_of(candidate->fields.bytes());
    if (kv::merged(old, fields).size() > secret_bytes_max) {
        co_return fail(ErrorKind::invalid_argument, "secret.too_long",
                       "with the new value the secret is longer than 1 MiB");
    }
    ++rotation.serial;
    rotation.state = State::pending;
    rotation.pending_role = candidate->role;
    GH_CO_TRY(const auto barrier, co_await keyring.for_sealing(session, now));
    const auto path = pending_path(rotation);
    storage::Blob sealed{barrier.seal(candidate->fields.bytes(), pending_place(rotation, path))};
    GH_CO_TRY_VOID(
        co_await session.execute(set_pending, rotation.path, barrier.newest(), std::move(sealed)));
    GH_CO_TRY_VOID(co_await write_state(session, rotation, work->claim, stored.claimed_until));
    co_return std::move(rotation);
}

/// Where it stands once its value is the newest version.
void settle(Rotation& rotation, SystemTime now) {
    rotation.pending_role.clear();
    rotation.rolled_back = false;
    rotation.verdict = Verdict::none;
    rotation.rotated_at = now;
    rotation.due_at = next_due(rotation.rule, now);
    rotation.overlap_ends_at.reset();
    rotation.held_until.reset();
    if (rotation.previous_version == 0) {
        rotation.state = State::idle;
        rotation.wake_at = rotation.due_at;
    } else if (rotation.rule.overlap > seconds(0)) {
        rotation.state = State::overlap;
        rotation.overlap_ends_at = rotation.wake_at = now + rotation.rule.overlap;
    } else {
        rotation.state = State::retiring;
        rotation.wake_at = now;
    }
}

Task<Result<Rotation>> make_newest(Session& session, Keyring& keyring, Work work, SystemTime now) {
    GH_CO_TRY(auto stored, co_await find_ours(session, work));
    auto& rotation = stored.rotation;
    const auto path = rotation.path;
    GH_CO_TRY(const auto pending, co_await open_pending(session, keyring, stored));
    if (!pending)
        co_return fail(ErrorKind::conflict, "rotation.lost", "nothing is pending for " + path);
    GH_CO_TRY(const auto before, co_await read_version(session, keyring, path, 0, now));
    const auto old = before.value ? text_of(before.value) : std::string_view("{}");
    const auto value = std::make_shared<const crypto::Secret>(kv::merged(old, text_of(pending)));
    GH_CO_TRY(const auto made, co_await add_secret_version(session, keyring, path, value, now));
    GH_CO_TRY_VOID(co_await session.execute(set_pending, path, nullptr, nullptr));
    rotation.current_version = made.versions.front();
    rotation.previous_version = before.value ? before.version.version : 0;
    rotation.previous_role = role_in(rotation, text_of(before.value));
    if (rotation.previous_role == rotation.pending_role) rotation.previous_role.clear();
    const bool one_role =
        rotation.rule.generator.kind == Kind::postgresql && !rotation.rule.takes_turns();
    if (one_role && rotation.previous_version != 0) {  // the server takes it no longer
        GH_CO_TRY_VOID(
            co_await delete_secret_version(session, path, rotation.previous_version, now));
        rotation.previous_version = 0;
    }
    settle(rotation, now);
    const auto version = rotation.current_version;
    co_return co_await finish(session, work, std::move(rotation), version, now);
}

Task<Result<Rotation>> hold_previous(Session& session, Work work, SystemTime now) {
    GH_CO_TRY(auto stored, co_await find_ours(session, work));
    auto& rotation = stored.rotation;
    rotation.state = State::held;
    rotation.held_until = now + rotation.rule.hold_max;
    rotation.wake_at = std::min(*rotation.held_until, now + held_look_every);
    const auto version = rotation.previous_version;
    co_return co_await finish(session, work, std::move(rotation), version, now);
}

Task<Result<Rotation>> end_previous(Session& session, Work work, SystemTime now) {
    GH_CO_TRY(auto stored, co_await find_ours(session, work));
    auto& rotation = stored.rotation;
    const auto ended = rotation.previous_version;
    if (ended != 0)
        GH_CO_TRY_VOID(co_await delete_secret_version(session, rotation.path, ended, now));
    rotation.state = State::idle;
    rotation.previous_version = 0;
    rotation.previous_role.clear();
    rotation.rolled_back = false;
    rotation.verdict = Verdict::none;
    rotation.overlap_ends_at.reset();
    rotation.held_until.reset();
    rotation.wake_at = rotation.due_at;
    co_return co_await finish(session, work, std::move(rotation), ended, now);
}

Task<Result<Rotation>> take_back(Session& session, Keyring& keyring, Work work, SystemTime now) {
    GH_CO_TRY(auto stored, co_await find_ours(session, work));
    auto& rotation = stored.rotation;
    const auto path = rotation.path;
    GH_CO_TRY(const auto good,
              co_await read_version(session, keyring, path, rotation.previous_version, now));
    if (!good.value) {
        co_return fail(
            ErrorKind::conflict, "rotation.gone",
            "the version before of " + path + " is gone and cannot become current again: it ends");
    }
    GH_CO_TRY(const auto bad, co_await read_version(session, keyring, path, 0, now));
    GH_CO_TRY(const auto made,
              co_await add_secret_version(session, keyring, path, good.value, now));
    const auto back = role_in(rotation, text_of(good.value));
    rotation.current_version = made.versions.front();
    rotation.previous_version = bad.version.version;
    rotation.previous_role = role_in(rotation, text_of(bad.value));
    if (rotation.previous_role == back) rotation.previous_role.clear();
    settle(rotation, now);
    rotation.rolled_back = true;
    const auto version = rotation.current_version;
    co_return co_await finish(session, work, std::move(rotation), version, now);
}

Task<Result<Rotation>> note_failure(Session& session, Work work, Error error, SystemTime now) {
    GH_CO_TRY(auto stored, co_await find_ours(session, work));
    auto& rotation = stored.rotation;
    ++rotation.failures;
    error.detail = storable(std::move(error.detail));
    rotation.error = describe(error);
    rotation.wake_at = now + pause_after(rotation, error.reason);
    if (error.reason == "rotation.changed") {  // what was made is for nobody any more
        GH_CO_TRY_VOID(co_await session.execute(set_pending, rotation.path, nullptr, nullptr));
        rotation.state = State::idle;
        rotation.pending_role.clear();
        rotation.due_at = now;
    }
    if (error.reason == "rotation.gone") rotation.verdict = Verdict::proceed;
    GH_CO_TRY_VOID(co_await release(session, rotation));
    GH_CO_TRY_VOID(co_await session.execute(end_run, work->run, name_of(RunState::failed), 0,
                                            error.reason, error.detail, now, rotation.wake_at));
    co_return std::move(rotation);
}

Task<Result<std::vector<std::string>>> find_due(Session& session, SystemTime now) {
    GH_CO_TRY(const auto rows, co_await session.query(select_due, now, due_at_once));
    std::vector<std::string> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(rows[i].text(0));
    co_return found;
}

Work shared(const Claimed& claimed) { return std::make_shared<const Claimed>(claimed); }

}  // namespace

Task<Result<std::vector<std::string>>> Repository::due(SystemTime now) {
    auto work = [now](Session& session) { return find_due(session, now); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::optional<Claimed>>> Repository::claim(std::string path, SystemTime now) {
    auto work = [path = std::move(path), now](Session& session) {
        return claim_one(session, path, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> Repository::extend(const Claimed& claimed, SystemTime now) {
    auto work = [ours = shared(claimed), until = now + claim_length](Session& session) {
        return extend_ours(session, ours, until);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Values>> Repository::values(const Claimed& claimed, SystemTime now) {
    auto work = [&keyring = keyring_, ours = shared(claimed), now](Session& session) {
        return read_values(session, keyring, ours, now);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Rotation>> Repository::begin(const Claimed& claimed, Candidate candidate,
                                         SystemTime now) {
    const auto kept = std::make_shared<const Candidate>(std::move(candidate));
    Rows rows = [&keyring = keyring_, ours = shared(claimed), kept, now](Session& session) {
        return keep_pending(session, keyring, ours, kept, now);
    };
    Also<Rotation> nothing;
    co_return co_await change(std::move(rows), std::move(nothing));
}

Task<Result<Rotation>> Repository::promote(const Claimed& claimed, SystemTime now,
                                           Also<Rotation> also) {
    Rows rows = [&keyring = keyring_, ours = shared(claimed), now](Session& session) {
        return make_newest(session, keyring, ours, now);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::hold(const Claimed& claimed, SystemTime now,
                                        Also<Rotation> also) {
    Rows rows = [ours = shared(claimed), now](Session& session) {
        return hold_previous(session, ours, now);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::retire(const Claimed& claimed, SystemTime now,
                                          Also<Rotation> also) {
    Rows rows = [ours = shared(claimed), now](Session& session) {
        return end_previous(session, ours, now);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::roll_back(const Claimed& claimed, SystemTime now,
                                             Also<Rotation> also) {
    Rows rows = [&keyring = keyring_, ours = shared(claimed), now](Session& session) {
        return take_back(session, keyring, ours, now);
    };
    co_return co_await change(std::move(rows), std::move(also));
}

Task<Result<Rotation>> Repository::fail_step(const Claimed& claimed, const Error& error,
                                             SystemTime now) {
    Rows rows = [ours = shared(claimed), error, now](Session& session) {
        return note_failure(session, ours, error, now);
    };
    Also<Rotation> nothing;
    co_return co_await change(std::move(rows), std::move(nothing));
}

}  // namespace gh::vault::rotation
