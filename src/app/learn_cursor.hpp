#pragma once

#include <chrono>

#include "base/clock.hpp"

namespace gh::app {

/// Since when what other nodes have written is read again: since a moment ago mostly, for clocks of nodes differ a little, and
/// a transaction that began earlier may commit later; since ever now and then, so that what a clock far behind has dated is
/// not missed for long.
class LearnCursor {
 public:
    static constexpr std::chrono::seconds again{30};

    explicit LearnCursor(std::chrono::seconds all_every) : all_every_(all_every) {}

    [[nodiscard]] SystemTime since(SystemTime now) const {
        return now >= all_at_ && now < all_at_ + all_every_ ? since_ : SystemTime{};
    }
    /// All since since(now) was read.
    void learnt(SystemTime now) {
        if (since(now) == SystemTime{}) all_at_ = now;
        since_ = now - again;
    }

 private:
    std::chrono::seconds all_every_;
    SystemTime since_{};
    SystemTime all_at_{};
};

}  // namespace gh::app
