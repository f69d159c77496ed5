#pragma once

#include <utility>

namespace gh {

/// What the code that runs on this thread works for: a trace. It follows a coroutine over its suspensions (net::Wakeup keeps
/// it meanwhile) and does not follow spawn(): what is detached may outlive it.
class Ambient {
 public:
    /// Null: for nothing in particular.
    [[nodiscard]] static Ambient* current() noexcept { return current_; }
    static void set_current(Ambient* ambient) noexcept { current_ = ambient; }

    /// Another one, or none, until this object ends. Within one coroutine, not over a suspension of it.
    class Scope {
     public:
        explicit Scope(Ambient* ambient) noexcept : before_(std::exchange(current_, ambient)) {}
        ~Scope() { current_ = before_; }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

     private:
        Ambient* before_;
    };

 protected:
    Ambient() = default;
    ~Ambient() {
        if (current_ == this) current_ = nullptr;
    }
    Ambient(const Ambient&) = default;
    Ambient& operator=(const Ambient&) = default;

 private:
    static inline thread_local Ambient* current_ = nullptr;
};

}  // namespace gh
