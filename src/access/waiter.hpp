#pragma once

namespace gh::access {

/// Somebody who asks again once told to. Leaves the line he stands in when destroyed. Belongs, with the line, to one thread.
class Waiter {
 public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// Not from within: whoever is woken runs later.
    virtual void wake() noexcept = 0;

 protected:
    virtual ~Waiter() { leave(); }

 private:
    friend class WaitingLine;
    void leave() noexcept {
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = this;
    }

    Waiter* next_ = this;  // a ring, through the head of the line he stands in
    Waiter* previous_ = this;
};

/// Who waits for one thing. Whoever still stands in it when it is destroyed is not woken.
class WaitingLine {
 public:
    WaitingLine() = default;
    WaitingLine(const WaitingLine&) = delete;
    WaitingLine& operator=(const WaitingLine&) = delete;
    ~WaitingLine() {
        while (!empty()) head_.next_->leave();
    }

    [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
    /// Out of the line where it stood before, if in any.
    void join(Waiter& waiter) noexcept {
        waiter.leave();
        waiter.previous_ = head_.previous_;
        waiter.next_ = &head_;
        head_.previous_->next_ = &waiter;
        head_.previous_ = &waiter;
    }
    /// Each leaves and is woken, in the order of their coming.
    void wake_all() noexcept {
        while (!empty()) {
            auto& first = *head_.next_;
            first.leave();
            first.wake();
        }
    }

 private:
    struct Head final : Waiter {
        void wake() noexcept override {}
    };
    Head head_;
};

}  // namespace gh::access
