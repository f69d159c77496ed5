#include "app/clerk.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "net/run_task.hpp"
#include "net/within.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {
namespace {

using std::chrono::days;
using std::chrono::hours;

// A revocation holds on every node within a second of its making.
constexpr auto learn_every = milliseconds(500);
constexpr auto learn_revocations_every = milliseconds(250);  // and what was open is closed by then
constexpr auto learn_all_every = seconds(20);  // for what a node with another clock has recorded
constexpr auto bring_every = seconds(1);
constexpr auto write_uses_every = seconds(10);
constexpr auto clear_every = hours(1);
constexpr auto ask_ca_every = seconds(1);
constexpr auto rotate_every = std::chrono::minutes(10);
constexpr auto rotate_secrets_every = seconds(1);
constexpr auto watch_rotations_every = seconds(2);
constexpr auto end_leases_every = milliseconds(250);
constexpr auto keep_messages_every = seconds(1);
constexpr auto end_patience = milliseconds(500);
constexpr auto last_patience = seconds(2);
constexpr auto sign_every = seconds(60);
// How long a key that was revoked or has expired is still shown.
constexpr auto keys_shown = days(90);
constexpr auto tokens_shown = days(1);

}  // namespace

Clerk::Clerk(Parts parts)
    : parts_(std::move(parts)),
      answers_(parts_.revocations.known()),
      audit_records_(parts_.registry.one_gauge("audit_log_records",
                                               "Records in the audit log, as of the last minute.")),
      checkpoint_records_(parts_.registry.one_gauge(
          "audit_checkpoint_records", "Records under the newest checkpoint of the audit log.")),
      checkpoint_failures_(parts_.registry.one_counter(
          "audit_checkpoint_failures_total", "Checkpoints that could not be signed or kept.")) {
    loop_.post([this] {
        spawn(counted(learn_revocations()));
        spawn(counted(say_alive()));
        spawn(counted(learn_roles()));
        spawn(counted(bring_journal()));
        spawn(counted(write_uses()));
        spawn(counted(clear_away()));
        spawn(counted(sign_checkpoints()));
        spawn(counted(keep_certificates()));
        spawn(counted(ask_ca()));
        spawn(counted(rotate_keys()));
        spawn(counted(rotate_secrets()));
        spawn(counted(watch_rotations()));
        spawn(counted(end_leases()));
        spawn(counted(keep_agents()));
        spawn(counted(keep_messages()));
        spawn(counted(keep_plans()));
        spawn(counted(check_health()));
    });
    thread_ = std::jthread([this] { loop_.run(); });
    ::pthread_setname_np(thread_.native_handle(), "clerk");
}

Clerk::~Clerk() {
    loop_.post([this] { spawn(end()); });
    thread_.join();
    if (!database_answers()) return;
    const auto written =
        net::run_to_end(net::within(last_patience, "storage.patience", write_last()));
    if (!written && storage::is_away(written.error())) {
        parts_.log.warning("storage", "the database did not take what was left at the end")
            .error(written.error());
    }
}

Task<> Clerk::counted(Task<> rounds) {
    ++running_;
    co_await std::move(rounds);
    if (--running_ == 0) all_ended_.wake();
}

Task<bool> Clerk::pause(std::chrono::nanoseconds duration) {
    if (ending_) co_return false;
    net::Sleep sleep(loop_, duration);
    pauses_.push_back(&sleep.wakeup);
    co_await sleep;
    std::erase(pauses_, &sleep.wakeup);
    co_return !ending_;
}

Task<> Clerk::end() {
    ending_ = true;
    for (auto* each : pauses_) each->wake();
    all_ended_.expire_at(loop_.now() + end_patience);
    while (running_ > 0 && !all_ended_.expired()) co_await all_ended_.wait();
    loop_.stop();
}

Task<Result<void>> Clerk::write_last() {
    const auto uses = co_await parts_.uses.write(parts_.keys);
    GH_CO_TRY_VOID(co_await parts_.kills.leave());
    GH_CO_TRY_VOID(co_await parts_.write_heartbeats());
    GH_CO_TRY_VOID(co_await parts_.watch_rotations());
    GH_CO_TRY_VOID(co_await sign_checkpoint());
    co_return uses;
}

void Clerk::tell(const Result<void>& outcome) {
    const auto now = outcome                             ? Standing::well
                     : storage::is_away(outcome.error()) ? Standing::away
                                                         : Standing::unusable;
    answers_.store(now == Standing::well, std::memory_order_relaxed);
    if (std::exchange(standing_, now) == now) return;
    switch (now) {
        case Standing::well: parts_.log.info("storage", "the database answers again"); break;
        case Standing::away:
            parts_.log.error("storage", "the database does not answer").error(outcome.error());
            break;
        case Standing::unusable:
            parts_.log.error("storage", "the database answers and cannot be used")
                .error(outcome.error());
            break;
    }
}

Task<> Clerk::learn_revocations() {
    LearnCursor cursor(learn_all_every);
    do {
        telemetry::JobTrace job(parts_.tracer, "clerk.learn_revocations",
                                telemetry::JobTrace::Kind::poll);
        const auto learnt = co_await learn_some(cursor);
        job.heed(learnt);
        tell(learnt);
    } while (co_await pause(learn_revocations_every));
}

Task<Result<void>> Clerk::learn_some(LearnCursor& cursor) {
    if (!parts_.revocations.known()) GH_CO_TRY_VOID(co_await parts_.greet());
    const auto now = std::chrono::system_clock::now();
    GH_CO_TRY(const auto found, co_await parts_.repository.list(cursor.since(now), now));
    // What is open is counted before it ends.
    auto begun = co_await parts_.kills.begin();
    parts_.revocations.add(found, now);
    cursor.learnt(now);
    if (!begun) co_return std::unexpected(std::move(begun).error());
    // Beside it: what is open may take a while to end, and revocations are learnt meanwhile.
    if (!begun->empty()) spawn(counted(finish_kills(*std::move(begun))));
    co_return Result<void>{};
}

Task<> Clerk::finish_kills(std::vector<KillWatch::Seen> begun) {
    const auto done = co_await parts_.kills.finish(std::move(begun));
    tell_unless_away("what was seen of kills could not be written down", done, "app");
}

Task<> Clerk::say_alive() {
    do {
        if (!parts_.revocations.known()) continue;
        const auto done = co_await parts_.kills.say_alive();
        tell_unless_away("this node could not say that it is there", done, "app");
    } while (co_await pause(parts_.revocations.known() ? KillWatch::alive_every : learn_every));
}

Task<> Clerk::learn_roles() {
    do {
        // Away, it is the revocations' to tell; those of now stay.
        if (const auto found = co_await parts_.role_repository.list())
            parts_.roles.publish(identity::custom_roles_of(*found));
    } while (co_await pause(learn_every));
}

Task<> Clerk::keep_certificates() {
    do {
        // A list from a schema that is not ours might lack something.
        if (parts_.revocations.known()) co_await parts_.keep_certificates();
    } while (co_await pause(learn_every));
}

Task<> Clerk::ask_ca() {
    do {
        co_await parts_.ask_ca(resolver_);
    } while (co_await pause(ask_ca_every));
}

Task<> Clerk::rotate_keys() {
    do {
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.rotate_keys");
        const auto rotated = co_await parts_.rotate_keys();
        job.heed(rotated);
        if (!rotated) {
            if (storage::is_away(rotated.error())) continue;
            parts_.log.warning("vault", "transit keys that are due could not be rotated")
                .error(rotated.error());
        } else if (*rotated > 0) {
            parts_.log.info("vault", "rotated transit keys that were due").field("keys", *rotated);
        }
    } while (co_await pause(rotate_every));
}

void Clerk::tell_unless_away(std::string_view message, const Result<void>& outcome,
                             std::string_view room) {
    if (outcome || storage::is_away(outcome.error())) return;
    parts_.log.warning(room, message).error(outcome.error());
}

Task<> Clerk::keep_agents() {
    do {
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.keep_agents",
                                telemetry::JobTrace::Kind::poll);
        const auto done = co_await parts_.keep_agents();
        job.heed(done);
        tell_unless_away("heartbeats could not be written down", done, "agents");
    } while (co_await pause(parts_.keep_agents_every / 2));  // the other half is for the round
}

Task<> Clerk::keep_messages() {
    do {
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.keep_messages",
                                telemetry::JobTrace::Kind::poll);
        const auto done = co_await parts_.keep_messages();
        job.heed(done);
        tell_unless_away("messages that are due could not be looked for", done, "bus");
    } while (co_await pause(keep_messages_every));
}

Task<> Clerk::keep_plans() {
    do {
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.keep_plans", telemetry::JobTrace::Kind::poll);
        const auto done = co_await parts_.keep_plans();
        job.heed(done);
        tell_unless_away("leases of steps could not be looked after", done, "plans");
    } while (co_await pause(learn_every));
}

Task<> Clerk::rotate_secrets() {
    do {
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.rotate_secrets",
                                telemetry::JobTrace::Kind::poll);
        const auto done = co_await parts_.rotate_secrets();
        job.heed(done);
        tell_unless_away("secrets that are due could not be rotated", done);
    } while (co_await pause(rotate_secrets_every));
}

Task<> Clerk::watch_rotations() {
    do {
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.watch_rotations",
                                telemetry::JobTrace::Kind::poll);
        const auto done = co_await parts_.watch_rotations();
        job.heed(done);
        tell_unless_away("who reads rotated secrets could not be written down", done);
    } while (co_await pause(watch_rotations_every));
}

Task<> Clerk::end_leases() {
    do {
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.end_leases", telemetry::JobTrace::Kind::poll);
        const auto done = co_await parts_.end_leases();
        job.heed(done);
        tell_unless_away("leases that are over could not be ended", done);
    } while (co_await pause(end_leases_every));
}

Task<> Clerk::check_health() {
    do {
        co_await parts_.health.check();
    } while (co_await pause(parts_.health.interval()));
}

Task<> Clerk::bring_journal() {
    do {
        // A schema that is not ours would refuse what another would take.
        if (!parts_.revocations.known()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.bring_journal",
                                telemetry::JobTrace::Kind::poll);
        const auto brought = co_await parts_.fallback.replay(std::chrono::system_clock::now());
        job.heed(brought);
        if (!brought) {
            parts_.log.error("storage", "the journal could not be brought into the database")
                .error(brought.error());
        } else if (*brought > 0) {
            parts_.log.info("storage", "writes that waited are in the database")
                .field("records", *brought);
        }
    } while (co_await pause(bring_every));
}

Task<> Clerk::write_uses() {
    while (co_await pause(write_uses_every)) {
        // Not while it is away: they wait, and so would this.
        if (!database_answers()) continue;
        telemetry::JobTrace job(parts_.tracer, "clerk.write_uses", telemetry::JobTrace::Kind::poll);
        job.heed(co_await parts_.uses.write(parts_.keys));
    }
}

Task<> Clerk::clear_away() {
    while (co_await pause(clear_every)) {
        telemetry::JobTrace job(parts_.tracer, "clerk.clear_away");
        const auto now = std::chrono::system_clock::now();
        if (const auto renewed = co_await parts_.renew(); !renewed) {
            parts_.log.warning("storage", "what is due could not be renewed")
                .error(renewed.error());
        }
        auto revocations = co_await parts_.repository.clean(now);
        auto keys = co_await parts_.keys.clean(now - keys_shown, now - tokens_shown);
        auto grants = co_await parts_.oauth.clean();
        if (!revocations || !keys || !grants) {
            parts_.log.warning("storage", "what has expired could not be cleared away")
                .error(!revocations ? revocations.error()
                       : !keys      ? keys.error()
                                    : grants.error());
            continue;
        }
        parts_.log.info("storage", "cleared away what has expired")
            .field("revocations", *revocations)
            .field("keys", *keys)
            .field("oauth", *grants);
    }
}

Task<Result<void>> Clerk::sign_checkpoint() {
    const auto signed_now = co_await parts_.checkpoints.sign(std::chrono::system_clock::now());
    if (signed_now) {
        audit_records_.set(static_cast<std::int64_t>(signed_now->records));
        if (signed_now->newest)
            checkpoint_records_.set(static_cast<std::int64_t>(signed_now->newest->checkpoint.size));
        co_return Result<void>{};
    }
    checkpoint_failures_.add();
    // Away, it is the revocations' to tell.
    if (!storage::is_away(signed_now.error()))
        parts_.log.error("audit", "no checkpoint was signed").error(signed_now.error());
    co_return std::unexpected(signed_now.error());
}

Task<> Clerk::sign_checkpoints() {
    do {
        telemetry::JobTrace job(parts_.tracer, "clerk.sign_checkpoint");
        job.heed(co_await sign_checkpoint());
    } while (co_await pause(sign_every));
}

}  // namespace gh::app
