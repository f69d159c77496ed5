#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/call_budget.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::agents {

/// What agents call within an hour: counted here, summed in the database, so that all nodes know of each other's and a restart
/// forgets nothing but the last second's.
///
/// A node learns of the others' when it writes its own: of one agent every ten seconds, or once its calls here since then are
/// a fiftieth of what it may. So it may call more than its limit by at most that for each node besides this.
class Calls final : public access::CallBudget {
 public:
    static constexpr std::size_t agents_max =
        100'000;  ///< counted at once; the rest is let through
    static constexpr std::chrono::seconds exchanged_every{10};

    /// @param per_hour  0: nobody is counted
    Calls(storage::Database& database, std::uint64_t per_hour)
        : database_(database), per_hour_(per_hour) {}
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

    [[nodiscard]] bool charge(std::string_view agent_id, SystemTime now) noexcept override;

    /// Writes what was counted and reads what others counted, of those whose time has come. From one place, in rounds.
    [[nodiscard]] Task<Result<void>> exchange(SystemTime now);
    /// Everybody's, whether their time has come or not: at the end.
    [[nodiscard]] Task<Result<void>> write(SystemTime now);

 private:
    using Minute = std::int64_t;  // since the epoch
    struct Account {
        std::map<Minute, std::uint64_t> uncounted;  // calls that are not in the database
        std::uint64_t here = 0;                     // their sum
        std::uint64_t counted = 0;                  // what the database had of the last hour
        bool known = false;                         // it has been asked
        bool refused = false;                       // since then
        SystemTime exchanged_at;
    };
    struct Due {
        std::string agent_id;
        std::map<Minute, std::uint64_t> calls;
        std::uint64_t sum = 0;
    };
    static constexpr std::size_t stripes = 256;  // so that none is held for long
    static constexpr std::size_t batch_max = 1'000;
    struct Stripe {
        std::mutex mutex;
        std::unordered_map<std::string, Account> accounts;
    };

    [[nodiscard]] Stripe& stripe_of(std::string_view agent_id) {
        return stripes_[std::hash<std::string_view>{}(agent_id) % stripes];
    }
    [[nodiscard]] bool is_due(const Account& account, SystemTime now) const;
    [[nodiscard]] std::vector<Due> take(SystemTime now, bool all);
    void put_back(std::vector<Due> due);
    void learn(const std::vector<Due>& due, const std::vector<std::uint64_t>& counted,
               SystemTime now);
    /// @return whether there may be more
    [[nodiscard]] Task<Result<bool>> exchange_some(SystemTime now, bool all);

    storage::Database& database_;
    const std::uint64_t per_hour_;
    std::array<Stripe, stripes> stripes_;
    SystemTime cleaned_at_;
};

}  // namespace gh::agents
