#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "access/principal.hpp"
#include "access/waiter.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/key_uses.hpp"

namespace gh::identity {

/// The keys of the database as one worker knows them: what a request costs is a hash and a look into a table. Belongs to one
/// thread, whose loop runs the look-ups.
///
/// A text is known by a hash of 128 bits under a key of this process, and kept nowhere. Whom it stands for is believed for
/// `good_for` and asked anew, in the background, before a busy key would have to wait. While the database is away it is
/// believed for `usable_for`, counted from when it was last told. What was refused is kept for `refused_for`, in a table of
/// its own: guessing does not push good keys out. A key that several wait for is looked up once.
///
/// Revocations are for the caller to hold against the answer: they do not wait for the database to be asked.
class StoredKeys {
 public:
    static constexpr milliseconds good_for{1'000};
    static constexpr milliseconds refresh_after{500};
    static constexpr milliseconds refused_for{1'000};
    static constexpr std::chrono::minutes usable_for{5};
    /// Nobody waits longer for the confirmation of what is still usable.
    static constexpr milliseconds patience{1'000};
    /// A database that is away is asked for the same key no more often.
    static constexpr milliseconds retry_after{500};
    static constexpr std::size_t good_max = 8'192;
    static constexpr std::size_t refused_max = 1'024;
    /// At a time, of keys that are not known yet; refreshing those that are may take as many again.
    static constexpr std::size_t look_ups_max = 256;

    /// Whom a text stands for: KeyRepository::recognise, or a test's. Errors other than `unauthenticated` mean that nobody
    /// can tell now.
    using LookUp = std::function<Task<Result<std::shared_ptr<const access::Principal>>>(
        std::string_view text, SystemTime now)>;

    /// @param clock  of the loop, for what comes back from the database
    /// @param uses   outlives this, and every look-up that has begun
    StoredKeys(LookUp look_up, std::function<SystemTime()> clock, KeyUses& uses);
    ~StoredKeys();
    StoredKeys(const StoredKeys&) = delete;
    StoredKeys& operator=(const StoredKeys&) = delete;

    struct Found {
        enum class State : unsigned char { good, refused, pending, unavailable };
        State state = State::refused;
        std::shared_ptr<const access::Principal> principal;
        std::string_view
            reason;  ///< "key.unknown", "key.revoked", ...; "key.busy"; those of storage
    };
    /// What can be said at once; nothing of a text that was not asked for lately.
    [[nodiscard]] std::optional<Found> find(std::string_view text, SystemTime now);
    /// The same, and asks the database where find() has nothing to say.
    [[nodiscard]] Found ask(std::string_view text, SystemTime now);
    /// After `pending`, in the same turn.
    void wait(std::string_view text, access::Waiter& waiter);

    /// As if nothing had ever been asked.
    void forget();

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace gh::identity
