#include "vault/rotation/rotator.hpp"

#include <chrono>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "config/unit.hpp"
#include "net/at_once.hpp"

namespace gh::vault::rotation {
namespace {

SystemTime now() { return std::chrono::system_clock::now(); }

constexpr std::size_t workers = 16;  // of a round: a server that hangs takes one for some seconds
/// What is left of a claim for the clocks of other nodes.
constexpr seconds clocks_differ_max{5};

/// Another node was faster, or the rule is gone: nothing failed.
bool is_over(const Error& error) {
    return error.reason == "rotation.lost" || error.reason == "rotation.unknown";
}

bool is_slow(const Generator& by) {
    return by.kind == Kind::key_pair && crypto::is_rsa(by.key_type);
}

}  // namespace

Rotator::Rotator(Parts parts)
    : parts_(std::move(parts)),
      done_(parts_.registry.one_counter(
          "gatehouse_rotation_steps_total",
          "Steps of rotations that were done here: rotated, held, ended, rolled back.")),
      failed_(parts_.registry.one_counter("gatehouse_rotation_failures_total",
                                          "Steps of rotations that failed here.")),
      rules_(
          parts_.registry.one_gauge("gatehouse_rotation_rules", "Secrets that have a rotation.")),
      due_(parts_.registry.one_gauge("gatehouse_rotation_due",
                                     "Rotations that are due and have not happened.")),
      held_(parts_.registry.one_gauge(
          "gatehouse_rotation_held",
          "Rotations whose version before is kept good for a consumer that has not moved.")),
      failing_(parts_.registry.one_gauge("gatehouse_rotation_failing",
                                         "Rotations whose last try has failed.")),
      last_success_(parts_.registry.one_gauge(
          "gatehouse_rotation_last_success_seconds",
          "When a secret was rotated last, in seconds since 1970; 0: never.")) {}

storage::Also<Rotation> Rotator::recorded(const Claimed& claimed, std::string action,
                                          audit::Severity severity) {
    auto record = parts_.record(std::move(action), claimed.rotation.path);
    record.severity = severity;
    const auto before = claimed.rotation;
    return audit::also<Rotation>(
        std::move(record), [before](audit::Record& told, const Rotation& after) {
            const auto& by = after.rule.generator;
            told.details.push_back({"generator", std::string(name_of(by.kind))});
            if (!by.connection.empty()) told.details.push_back({"connection", by.connection});
            told.details.push_back({"version", static_cast<std::int64_t>(after.current_version)});
            const auto previous =
                after.previous_version != 0 ? after.previous_version : before.previous_version;
            if (previous != 0)
                told.details.push_back({"previous_version", static_cast<std::int64_t>(previous)});
            if (!before.pending_role.empty()) told.details.push_back({"role", before.pending_role});
        });
}

Task<Result<void>> Rotator::run_due() {
    GH_CO_TRY(auto paths, co_await parts_.rotations.due(now()));
    std::function<Task<Result<void>>(std::string)> work = [this](std::string path) {
        return advance_due(std::move(path));
    };
    co_return co_await net::at_once(std::move(paths), workers, std::move(work));
}

Task<Result<void>> Rotator::advance_due(std::string path) {
    const auto done = co_await advance(std::move(path));
    if (!done && storage::is_away(done.error())) co_return std::unexpected(done.error());
    co_return Result<void>{};
}

Task<Result<bool>> Rotator::advance(std::string path) {
    GH_CO_TRY(const auto claimed, co_await parts_.rotations.claim(std::move(path), now()));
    if (!claimed) co_return false;
    const auto done = co_await take_step(*claimed);
    if (done) {
        tell(*claimed, *done);
        co_return true;
    }
    if (is_over(done.error())) co_return false;
    const auto noted = co_await parts_.rotations.fail_step(*claimed, done.error(), now());
    if (!noted && is_over(noted.error())) co_return false;
    tell_failure(*claimed, done.error(), noted ? *noted : claimed->rotation);
    if (!noted) co_return std::unexpected(noted.error());
    co_return std::unexpected(Error{ErrorKind::conflict, "rotation.failed", noted->error});
}

Task<Result<Rotation>> Rotator::take_step(const Claimed& claimed) {
    using enum audit::Severity;
    auto& rotations = parts_.rotations;
    switch (claimed.step) {
        case Step::begin: {
            GH_CO_TRY_VOID(co_await begin(claimed));
            co_return co_await apply(claimed);
        }
        case Step::hold: {
            auto also = recorded(claimed, "secret.rotation_hold", medium);
            co_return co_await rotations.hold(claimed, now(), std::move(also));
        }
        case Step::retire: co_return co_await retire(claimed);
        case Step::roll_back: co_return co_await roll_back(claimed);
        default: co_return co_await apply(claimed);
    }
}

Task<Result<void>> Rotator::begin(const Claimed& claimed) {
    GH_CO_TRY(const auto values, co_await parts_.rotations.values(claimed, now()));
    const auto& by = claimed.rotation.rule.generator;
    auto make = [by, newest = values.newest]() -> Result<Candidate> {
        return generate(by, newest ? crypto::text_of(newest->bytes()) : std::string_view());
    };
    Candidate made;
    if (is_slow(by)) {
        GH_CO_TRY(made, co_await parts_.making.run(std::move(make)));
    } else {
        GH_CO_TRY(made, make());
    }
    GH_CO_TRY_VOID(co_await parts_.rotations.begin(claimed, std::move(made), now()));
    co_return Result<void>{};
}

Task<Result<storage::OncePatience>> Rotator::extend(Claimed claimed) {
    storage::OncePatience patience;
    patience.until = std::chrono::steady_clock::now() + claim_length - clocks_differ_max;
    GH_CO_TRY_VOID(co_await parts_.rotations.extend(claimed, now()));
    co_return patience;
}

StillOurs Rotator::still(const Claimed& claimed) {
    return [this, claimed] { return extend(claimed); };
}

Task<Result<Rotation>> Rotator::apply(const Claimed& claimed) {
    auto ours = claimed;
    GH_CO_TRY(ours.rotation, co_await parts_.rotations.find(claimed.rotation.path));
    const auto& by = ours.rotation.rule.generator;
    if (by.kind == Kind::postgresql) {
        GH_CO_TRY(auto values, co_await parts_.rotations.values(ours, now()));
        GH_CO_TRY(auto server, co_await server_of(parts_.secrets, ours.rotation, now()));
        GH_CO_TRY_VOID(co_await apply_password(std::move(server), ours.rotation, std::move(values),
                                               still(claimed)));
    }
    auto also = recorded(ours, "secret.rotate", audit::Severity::info);
    co_return co_await parts_.rotations.promote(ours, now(), std::move(also));
}

Task<Result<Rotation>> Rotator::retire(const Claimed& claimed) {
    const auto& by = claimed.rotation.rule.generator;
    if (by.kind == Kind::postgresql && !claimed.rotation.previous_role.empty()) {
        GH_CO_TRY(auto values, co_await parts_.rotations.values(claimed, now()));
        GH_CO_TRY(auto server, co_await server_of(parts_.secrets, claimed.rotation, now()));
        GH_CO_TRY_VOID(co_await end_password(std::move(server), claimed.rotation, std::move(values),
                                             still(claimed)));
    }
    auto also = recorded(claimed, "secret.rotation_end", audit::Severity::info);
    co_return co_await parts_.rotations.retire(claimed, now(), std::move(also));
}

Task<Result<Rotation>> Rotator::roll_back(const Claimed& claimed) {
    const auto& by = claimed.rotation.rule.generator;
    if (by.kind == Kind::postgresql) {
        GH_CO_TRY(auto values, co_await parts_.rotations.values(claimed, now()));
        GH_CO_TRY(auto server, co_await server_of(parts_.secrets, claimed.rotation, now()));
        GH_CO_TRY_VOID(co_await give_back_password(std::move(server), claimed.rotation,
                                                   std::move(values), still(claimed)));
    }
    auto also = recorded(claimed, "secret.rotation_roll_back", audit::Severity::medium);
    co_return co_await parts_.rotations.roll_back(claimed, now(), std::move(also));
}

void Rotator::tell(const Claimed& claimed, const Rotation& after) {
    done_.add();
    const auto& path = after.path;
    switch (claimed.step) {
        case Step::hold:
            parts_.log
                .warning("vault",
                         "a consumer has not moved: the version before is kept good for a while")
                .field("path", path)
                .field("version", after.previous_version)
                .field("until", config::time_text(after.held_until.value_or(now())));
            break;
        case Step::roll_back:
            parts_.log.warning("vault", "a secret was rolled back to the version before")
                .field("path", path)
                .field("version", after.current_version);
            break;
        case Step::retire:
            parts_.log.info("vault", "the version before of a secret has ended")
                .field("path", path);
            break;
        default:
            parts_.log.info("vault", "a secret was rotated")
                .field("path", path)
                .field("version", after.current_version);
    }
}

void Rotator::tell_failure(const Claimed& claimed, const Error& error, const Rotation& after) {
    failed_.add();
    auto line = parts_.log.warning("vault", "a rotation failed and is tried again");
    line.field("path", claimed.rotation.path).field("failures", after.failures);
    if (after.wake_at) line.field("next", config::time_text(*after.wake_at));
    line.error(error);
}

Task<Result<void>> Rotator::observe() {
    GH_CO_TRY(const auto seen, co_await parts_.rotations.overview(now()));
    rules_.set(seen.rotations);
    due_.set(seen.overdue);
    held_.set(seen.held);
    failing_.set(seen.failing);
    if (seen.last_success) {
        const auto since_1970 = seen.last_success->time_since_epoch();
        last_success_.set(std::chrono::duration_cast<seconds>(since_1970).count());
    }
    co_return Result<void>{};
}

}  // namespace gh::vault::rotation
