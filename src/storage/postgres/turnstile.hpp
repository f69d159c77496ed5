#pragma once

#include <deque>
#include <utility>

#include "base/task.hpp"
#include "net/loop.hpp"

namespace gh::storage::postgres {

/// Lets many in side by side, or one alone: a transaction that has met others too often runs while nobody else of this
/// program writes, and so comes to its end. First come, first served, so that neither kind waits for good. Of one loop.
class Turnstile {
 public:
    explicit Turnstile(net::Loop& loop) : loop_(loop) {}

    /// Who holds one is inside.
    class Pass {
     public:
        explicit Pass(Turnstile* of) : of_(of) {}
        Pass(Pass&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        Pass& operator=(Pass&&) = delete;
        ~Pass() {
            if (of_) of_->leave();
        }

     private:
        Turnstile* of_;
    };

    [[nodiscard]] Task<Pass> enter(bool alone) {
        if (!line_.empty() || !may_enter(alone)) {
            Waiter waiter(loop_, alone);
            line_.push_back(&waiter);
            while (!waiter.inside) co_await waiter.wakeup.wait();
        } else {
            let_in(alone);
        }
        co_return Pass(this);
    }

 private:
    struct Waiter {
        Waiter(net::Loop& loop, bool wants_to_be_alone) : wakeup(loop), alone(wants_to_be_alone) {}
        net::Wakeup wakeup;
        bool alone;
        bool inside = false;
    };

    [[nodiscard]] bool may_enter(bool alone) const { return !alone_ && (!alone || inside_ == 0); }
    void let_in(bool alone) {
        ++inside_;
        alone_ = alone;
    }
    void leave() {
        --inside_;
        alone_ = false;
        while (!line_.empty() && may_enter(line_.front()->alone)) {
            auto* waiter = line_.front();
            line_.pop_front();
            let_in(waiter->alone);
            waiter->inside = true;
            waiter->wakeup.wake();
        }
    }

    net::Loop& loop_;
    std::deque<Waiter*> line_;
    std::size_t inside_ = 0;
    bool alone_ = false;  // who is inside is alone
};

}  // namespace gh::storage::postgres
