#include "identity/stored_keys.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/keyed_hash.hpp"

namespace gh::identity {
namespace {

using PrincipalPointer = std::shared_ptr<const access::Principal>;
using Answer = Result<PrincipalPointer>;
using Found = StoredKeys::Found;

/// A table of fixed size: what is put in takes one of four places, that of the one unused longest. Empty until the first.
template <class Value>
class Places {
 public:
    explicit Places(std::size_t size) : size_(size) {}

    [[nodiscard]] Value* find(const Hash128& hash) {
        if (entries_.empty()) return nullptr;
        auto* const first = first_of(hash);
        for (auto* entry = first; entry != first + ways; ++entry) {
            if (entry->used == 0 || entry->hash != hash) continue;
            entry->used = ++clock_;
            return &entry->value;
        }
        return nullptr;
    }
    void put(const Hash128& hash, Value value) {
        if (entries_.empty()) entries_.resize(size_);
        if (auto* same = find(hash)) {
            *same = std::move(value);
            return;
        }
        auto* const first = first_of(hash);
        auto* const entry = std::min_element(
            first, first + ways, [](const auto& a, const auto& b) { return a.used < b.used; });
        *entry = {hash, ++clock_, std::move(value)};
    }
    void erase(const Hash128& hash) {
        if (entries_.empty()) return;
        auto* const first = first_of(hash);
        for (auto* entry = first; entry != first + ways; ++entry) {
            if (entry->hash == hash) *entry = {};
        }
    }

 private:
    struct Entry {
        Hash128 hash;
        std::uint64_t used = 0;  // larger is later; 0: empty
        Value value;
    };
    static constexpr std::size_t ways = 4;

    [[nodiscard]] Entry* first_of(const Hash128& hash) {
        return &entries_[hash.low % (size_ / ways) * ways];
    }

    std::size_t size_;
    std::vector<Entry> entries_;
    std::uint64_t clock_ = 0;
};

struct Good {
    PrincipalPointer principal;
    SystemTime told_at;
    SystemTime retry_at;  // of a refresh that failed
};

struct Refused {
    std::string_view reason;
    SystemTime until;
    bool unavailable = false;  // nobody could tell
};

struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
};

/// Under way, with those who wait for it.
struct Flight {
    SystemTime began;
    access::WaitingLine line;
};

}  // namespace

struct StoredKeys::State : std::enable_shared_from_this<State> {
    State(LookUp asked, std::function<SystemTime()> time, KeyUses& noted)
        : look_up(std::move(asked)), clock(std::move(time)), uses(noted) {}

    [[nodiscard]] std::optional<Found> find(const Hash128& hash, std::string_view text,
                                            SystemTime now);
    [[nodiscard]] Found judge(const Good& known, const Hash128& hash, std::string_view text,
                              SystemTime now);
    /// What the tables say of a key that nobody looks up any more, or could not be.
    [[nodiscard]] std::optional<Found> told(const Hash128& hash, SystemTime now);
    void begin(const Hash128& hash, std::string_view text, SystemTime now, std::size_t flights_max);
    static Task<> fly(std::shared_ptr<State> state, Hash128 hash, Task<Answer> task);
    void land(const Hash128& hash, Answer answer, SystemTime now);
    void nobody_can_tell(const Hash128& hash, std::string_view reason, SystemTime now);

    const LookUp look_up;
    const std::function<SystemTime()> clock;
    KeyUses& uses;
    const KeyedHash hash_of = KeyedHash::random();
    Places<Good> good{good_max};
    Places<Refused> refused{refused_max};
    std::unordered_map<Hash128, Flight, HashOfHash> flights;
    bool away = false;  // says the last one that landed
};

StoredKeys::StoredKeys(LookUp look_up, std::function<SystemTime()> clock, KeyUses& uses)
    : state_(std::make_shared<State>(std::move(look_up), std::move(clock), uses)) {}

StoredKeys::~StoredKeys() = default;

std::optional<Found> StoredKeys::find(std::string_view text, SystemTime now) {
    return state_->find(state_->hash_of(text), text, now);
}

Found StoredKeys::ask(std::string_view text, SystemTime now) {
    const auto hash = state_->hash_of(text);
    if (auto known = state_->find(hash, text, now)) return *std::move(known);
    state_->begin(hash, text, now, look_ups_max);
    if (auto known = state_->find(hash, text, now)) return *std::move(known);
    return {Found::State::unavailable, nullptr, "key.busy"};
}

void StoredKeys::wait(std::string_view text, access::Waiter& waiter) {
    const auto flight = state_->flights.find(state_->hash_of(text));
    if (flight != state_->flights.end()) {
        flight->second.line.join(waiter);
    } else {
        waiter.wake();
    }
}

void StoredKeys::forget() {
    // Those under way land where nobody looks any more; who waits for them asks again.
    const auto before = std::exchange(
        state_, std::make_shared<State>(state_->look_up, state_->clock, state_->uses));
    for (auto& [hash, flight] : before->flights) flight.line.wake_all();
}

std::optional<Found> StoredKeys::State::find(const Hash128& hash, std::string_view text,
                                             SystemTime now) {
    const auto* const known = good.find(hash);
    // Over, as far as it was told: it may have been renewed since.
    if (known && known->principal->expires && now >= *known->principal->expires) {
        good.erase(hash);
    } else if (known) {
        return judge(*known, hash, text, now);
    }
    if (auto refusal = told(hash, now)) return refusal;
    if (flights.contains(hash)) return Found{Found::State::pending, nullptr, {}};
    return {};
}

std::optional<Found> StoredKeys::State::told(const Hash128& hash, SystemTime now) {
    const auto* known = refused.find(hash);
    if (!known || now >= known->until) return {};
    return Found{known->unavailable ? Found::State::unavailable : Found::State::refused, nullptr,
                 known->reason};
}

Found StoredKeys::State::judge(const Good& known, const Hash128& hash, std::string_view text,
                               SystemTime now) {
    const Found yes{Found::State::good, known.principal, {}};
    const auto age = now - known.told_at;
    const bool sane = age >= age.zero();  // a clock that went back makes everything stale
    const bool fresh = sane && age < good_for;
    if (fresh && age < refresh_after) return yes;
    const bool usable = sane && age < usable_for;
    if (now >= known.retry_at) begin(hash, text, now, 2 * look_ups_max);
    if (fresh) return yes;
    if (const auto flight = flights.find(hash); flight != flights.end()) {
        if (usable && (away || now - flight->second.began >= patience)) return yes;
        return {Found::State::pending, nullptr, {}};
    }
    // It landed at once, failed a moment ago, or too many are under way.
    if (const auto* anew = good.find(hash); anew && anew->told_at >= now)
        return {Found::State::good, anew->principal, {}};
    if (auto refusal = told(hash, now)) return *refusal;
    if (usable) return yes;
    return {Found::State::unavailable, nullptr, "key.busy"};
}

void StoredKeys::State::begin(const Hash128& hash, std::string_view text, SystemTime now,
                              std::size_t flights_max) {
    if (flights.size() >= flights_max || flights.contains(hash)) return;
    if (const auto* known = good.find(hash)) uses.note(known->principal->token_id, now);
    flights[hash].began = now;
    spawn(fly(shared_from_this(), hash, look_up(text, now)));
}

Task<> StoredKeys::State::fly(std::shared_ptr<State> state, Hash128 hash, Task<Answer> task) {
    Answer answer = fail(ErrorKind::internal, "key.exception");
    try {
        answer = co_await std::move(task);
    } catch (const std::exception&) {  // what it says is the log's of whoever threw
        answer = fail(ErrorKind::internal, "key.exception");
    }
    state->land(hash, std::move(answer), state->clock());
}

void StoredKeys::State::land(const Hash128& hash, Answer answer, SystemTime now) {
    if (answer) {
        away = false;
        refused.erase(hash);
        if (!good.find(hash)) uses.note((*answer)->token_id, now);
        good.put(hash, {*std::move(answer), now, {}});
    } else if (answer.error().kind == ErrorKind::unauthenticated) {
        away = false;
        good.erase(hash);
        refused.put(hash, {answer.error().reason, now + refused_for});
    } else {
        away = true;
        nobody_can_tell(hash, answer.error().reason, now);
    }
    auto flight = flights.extract(hash);
    if (flight) flight.mapped().line.wake_all();
}

void StoredKeys::State::nobody_can_tell(const Hash128& hash, std::string_view reason,
                                        SystemTime now) {
    if (auto* known = good.find(hash)) {
        known->retry_at = now + retry_after;
        if (now - known->told_at < usable_for) return;
        good.erase(hash);
    }
    refused.put(hash, {reason, now + retry_after, true});
}

}  // namespace gh::identity
