#include "app/clerk.hpp"

#include <algorithm>
#include <chrono>

#include "net/run_task.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {
namespace {

using std::chrono::days;
using std::chrono::hours;

// A revocation holds on every node within a second of its making.
constexpr auto learn_every = milliseconds(500);
// Clocks of nodes differ, and a transaction that began earlier may commit later.
constexpr auto learn_again = seconds(30);
constexpr auto bring_every = seconds(1);
constexpr auto write_uses_every = seconds(10);
constexpr auto clear_every = hours(1);
// How long a key that was revoked or has expired is still shown.
constexpr auto keys_shown = days(90);

}  // namespace

Clerk::Clerk(Parts parts) : parts_(parts) {
    loop_.post([this] {
        spawn(learn_revocations());
        spawn(learn_roles());
        spawn(bring_journal());
        spawn(write_uses());
        spawn(clear_away());
    });
    thread_ = std::jthread([this] { loop_.run(); });
}

Clerk::~Clerk() {
    loop_.stop();
    thread_.join();
    if (database_answers()) (void)net::run_to_end(parts_.uses.write(parts_.keys));
}

void Clerk::tell(bool answers, const Error* error) {
    if (answers_.exchange(answers, std::memory_order_relaxed) == answers) return;
    if (answers) {
        parts_.log.info("storage", "the database answers again");
    } else {
        parts_.log.error("storage", "the database does not answer").error(*error);
    }
}

Task<> Clerk::learn_revocations() {
    SystemTime since{};
    for (;;) {
        const auto now = std::chrono::system_clock::now();
        const auto found = co_await parts_.repository.list(since, now);
        tell(found.has_value(), found ? nullptr : &found.error());
        if (found) {
            parts_.revocations.add(*found, now);
            since = now - learn_again;
        }
        co_await net::Sleep(loop_, learn_every);
    }
}

Task<> Clerk::learn_roles() {
    for (;;) {
        // Away, it is the revocations' to tell; those of now stay.
        if (const auto found = co_await parts_.role_repository.list())
            parts_.roles.publish(identity::custom_roles_of(*found));
        co_await net::Sleep(loop_, learn_every);
    }
}

Task<> Clerk::bring_journal() {
    for (;;) {
        const auto brought = co_await parts_.fallback.replay(std::chrono::system_clock::now());
        if (!brought) {
            parts_.log.error("storage", "the journal could not be brought into the database")
                .error(brought.error());
        } else if (*brought > 0) {
            parts_.log.info("storage", "writes that waited are in the database")
                .field("records", *brought);
        }
        co_await net::Sleep(loop_, bring_every);
    }
}

Task<> Clerk::write_uses() {
    for (;;) {
        co_await net::Sleep(loop_, write_uses_every);
        // Not while it is away: they wait, and so would this.
        if (database_answers()) (void)co_await parts_.uses.write(parts_.keys);
    }
}

Task<> Clerk::clear_away() {
    for (;;) {
        co_await net::Sleep(loop_, clear_every);
        const auto now = std::chrono::system_clock::now();
        auto revocations = co_await parts_.repository.clean(now);
        auto keys = co_await parts_.keys.clean(now - keys_shown);
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

}  // namespace gh::app
