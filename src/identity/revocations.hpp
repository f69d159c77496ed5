#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "access/principal.hpp"
#include "access/revocations.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/user.hpp"
#include "storage/database.hpp"

namespace gh::identity {

/// No access token of ours lives longer.
inline constexpr std::chrono::hours token_lifetime_max{24};

enum class RevocationKind : std::uint8_t { token, subject, client, key };
[[nodiscard]] std::string_view name_of(RevocationKind kind);
[[nodiscard]] std::optional<RevocationKind> revocation_kind_of(std::string_view name);

/// Ends tokens and stored keys of ours before their time.
struct Revocation {
    RevocationKind kind{};
    std::string value;  ///< `jti`, `sub` (in any case), `client_id`, or the id of a key
    /// Tokens issued at this moment or later stay good: whole milliseconds, as tokens know theirs, see next_millisecond. Of a
    /// key, secrets made then or later.
    SystemTime issued_before;
    SystemTime
        expires_at;  ///< by then every token it could mean has expired, every worker has asked for the key anew
};

/// The first moment that a token made after `now` can bear.
[[nodiscard]] SystemTime next_millisecond(SystemTime now);

/// What the void tokens of a user look like.
[[nodiscard]] Revocation end_of_tokens(const User& user);

/// Those that hold at one moment. Immutable, and in parts: the list that comes next shares all but those that change.
class RevocationList {
 public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool covers(const access::Principal& principal) const;

    /// This list with `some` merged into it.
    /// @return null: it is the same
    [[nodiscard]] std::shared_ptr<const RevocationList> with(
        const std::vector<Revocation>& some) const;
    /// The same without those that have expired: looks at all of them.
    [[nodiscard]] std::shared_ptr<const RevocationList> without_expired(SystemTime now) const;

 private:
    static constexpr std::size_t parts_count = 256;
    using Part = std::unordered_map<std::string, Revocation>;  // a letter for the kind, the value

    [[nodiscard]] static std::size_t part_of(const std::string& key) {
        return std::hash<std::string>{}(key) % parts_count;
    }
    [[nodiscard]] const Revocation* find(const std::string& key) const;
    [[nodiscard]] bool covers(RevocationKind kind, std::string_view value, SystemTime issued) const;

    std::array<std::shared_ptr<const Part>, parts_count> parts_;  // null: empty
    std::size_t size_ = 0;
};

/// Where workers find the list of the moment, and where it grows.
class RevocationSource final : public access::Revocations {
 public:
    [[nodiscard]] std::uint64_t generation() const {
        return generation_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::shared_ptr<const RevocationList> current() const;

    /// Takes the list of the moment: for a look at many, once it has changed.
    [[nodiscard]] bool covers(const access::Principal& principal) const override;

    /// Holds on this node from the next request on. Known ones are merged; expired ones are dropped within a minute.
    void add(const std::vector<Revocation>& some, SystemTime now);
    /// The same with what the database holds. From the first time on the list is known.
    void learn(const std::vector<Revocation>& some, SystemTime now);
    /// Until then nobody can tell whether a token of ours is still good.
    [[nodiscard]] bool known() const { return known_.load(std::memory_order_acquire); }

    /// Called after each change, by whichever thread made it: has open exchanges looked at. Before the first add().
    void on_change(std::function<void()> call) { on_change_ = std::move(call); }

 private:
    [[nodiscard]] bool take(const std::vector<Revocation>& some, SystemTime now);

    std::function<void()> on_change_;
    std::atomic<std::uint64_t> generation_ = 1;
    std::atomic<bool> known_ = false;
    mutable std::mutex mutex_;
    SystemTime swept_at_;
    std::shared_ptr<const RevocationList> list_ = std::make_shared<const RevocationList>();
};

/// Revocations in the database: how they outlive a restart and reach other nodes.
class RevocationRepository {
 public:
    explicit RevocationRepository(storage::Database& database) : database_(database) {}

    /// Inside a transaction of the caller's, so that what takes a right away and what ends its tokens are one.
    [[nodiscard]] static Task<Result<void>> record(storage::Session& session, Revocation revocation,
                                                   SystemTime now);
    [[nodiscard]] Task<Result<void>> add(Revocation revocation, SystemTime now);
    /// Those recorded since `since` that still hold at `now`, however many. Page by page: who records one meanwhile with an
    /// earlier time is found by who asks again from a little before.
    [[nodiscard]] Task<Result<std::vector<Revocation>>> list(SystemTime since, SystemTime now);
    /// Removes those that have expired; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> clean(SystemTime now);

 private:
    storage::Database& database_;
};

}  // namespace gh::identity
