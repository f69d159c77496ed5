#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "net/buffer_pool.hpp"

namespace gh::net {

class Loop;

/// Where one coroutine waits. Any number of sources (descriptors, a deadline, other coroutines) may wake it; however many
/// do within a turn, it is resumed once and looks for itself at what has changed. Belongs to its loop's thread.
class Wakeup {
 public:
    explicit Wakeup(Loop& loop) : loop_(loop) {}
    ~Wakeup();
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    [[nodiscard]] Loop& loop() const { return loop_; }

    /// Resumes the waiting coroutine in this turn or the next; remembered when nobody waits yet.
    void wake() noexcept;

    /// Wakes at `deadline` unless it is moved first. Moving it later costs one store.
    void expire_at(SteadyTime deadline);
    void never_expire() { deadline_ = SteadyTime::max(); }
    [[nodiscard]] SteadyTime deadline() const { return deadline_; }
    [[nodiscard]] bool expired() const;

    struct Awaiter {
        Wakeup& wakeup;
        bool await_ready() const noexcept {
            if (!wakeup.pending_) return false;
            wakeup.pending_ = false;
            return true;
        }
        void await_suspend(std::coroutine_handle<> waiter) const noexcept {
            wakeup.waiter_ = waiter;
        }
        void await_resume() const noexcept {}
    };
    /// Returns when woken; at once when that has happened since the last wait.
    [[nodiscard]] Awaiter wait() { return Awaiter{*this}; }

 private:
    friend class Loop;
    static constexpr std::size_t not_in_heap = static_cast<std::size_t>(-1);

    Loop& loop_;
    std::coroutine_handle<> waiter_;
    Wakeup* next_ = nullptr;  // ready list
    Wakeup* previous_ = nullptr;
    SteadyTime deadline_ = SteadyTime::max();
    std::size_t heap_index_ = not_in_heap;
    bool queued_ = false;
    bool pending_ = false;
};

/// A descriptor registered for both directions, edge-triggered, once. Owns it. Its bits say what the kernel last told;
/// whoever reads or writes clears them on a short count, so that no system call is made just to hear EAGAIN.
class Descriptor {
 public:
    /// Takes `fd`, which must be non-blocking.
    Descriptor(Loop& loop, int fd);
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    /// Takes the descriptor out of the loop and hands it over; this object is of no further use.
    [[nodiscard]] int release();
    /// Who is woken when a bit appears; nullptr: nobody.
    void notify(Wakeup* wakeup) { wakeup_ = wakeup; }

    bool readable = false;
    bool writable = false;
    bool hangup = false;  ///< the peer sends no more (RDHUP), or the connection is over
    bool error = false;

 private:
    friend class Loop;
    Loop& loop_;
    int fd_;
    Wakeup* wakeup_ = nullptr;
};

/// Where other threads leave calls for a loop. It may outlive the loop: what is posted to one that is gone is dropped.
class Mailbox {
 public:
    Mailbox();
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// Has `call` run on the loop's thread. From any thread.
    void post(std::move_only_function<void()> call);

 private:
    friend class Loop;
    using Calls = std::vector<std::move_only_function<void()>>;

    void stop();
    [[nodiscard]] bool stopping();
    [[nodiscard]] Calls take();
    void close();

    int event_fd_ = -1;
    std::mutex mutex_;  // what follows is under it
    Calls calls_;
    bool stopping_ = false;
    bool closed_ = false;
};

/// One thread's turn of the world: wait for descriptors, deadlines and posted calls, then resume who is woken.
/// The clock is read once a turn. No lock but the one around posted calls.
class Loop {
 public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// The loop that runs on this thread; null where none does.
    [[nodiscard]] static Loop* current() noexcept;

    /// Runs on the calling thread until stop().
    void run();
    /// From any thread; run() returns at the end of its turn.
    void stop() { mailbox_->stop(); }
    /// Runs `call` on the loop's thread. From any thread, as long as the loop lives.
    void post(std::move_only_function<void()> call) { mailbox_->post(std::move(call)); }
    /// For who may want to post when the loop is gone.
    [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

    [[nodiscard]] SteadyTime now() const { return now_; }
    [[nodiscard]] SystemTime system_now() const { return system_now_; }
    [[nodiscard]] BufferPool& buffers() { return buffers_; }

    /// 128 KiB that anyone may use between two suspensions: what is read is handed on before the next one reads.
    [[nodiscard]] std::span<char> scratch() { return {scratch_.get(), scratch_size}; }
    /// The same, for transports that encrypt: what was received, what is about to be sent, one record being filled.
    struct RecordScratch {
        std::array<char, 64 * 1024> received;
        std::array<char, 16 * 1024> record;
        std::vector<char> sending;
    };
    [[nodiscard]] RecordScratch& record_scratch() { return *record_scratch_; }

    static constexpr std::size_t scratch_size = 128 * 1024;

 private:
    friend class Wakeup;
    friend class Descriptor;
    struct HeapEntry {
        SteadyTime at;
        Wakeup* wakeup;
    };

    void turn_until_stopped();
    void read_clocks();
    [[nodiscard]] int wait_milliseconds() const;
    void run_ready();
    void expire();
    void enqueue(Wakeup& wakeup) noexcept;
    void unlink(Wakeup& wakeup) noexcept;
    void schedule(Wakeup& wakeup);
    void remove_from_heap(std::size_t index);
    void sift_up(std::size_t index);
    void sift_down(std::size_t index);
    void place(std::size_t index, HeapEntry entry);

    int epoll_ = -1;
    std::shared_ptr<Mailbox> mailbox_;
    SteadyTime now_;
    SystemTime system_now_;
    Wakeup* ready_head_ = nullptr;
    Wakeup* ready_tail_ = nullptr;
    std::size_t ready_count_ = 0;
    std::vector<HeapEntry> heap_;
    BufferPool buffers_;
    std::unique_ptr<char[]> scratch_;
    std::unique_ptr<RecordScratch> record_scratch_;
};

/// Suspends for `duration` on `loop`'s clock.
struct Sleep {
    Wakeup wakeup;
    Sleep(Loop& loop, std::chrono::nanoseconds duration) : wakeup(loop) {
        wakeup.expire_at(loop.now() + duration);
    }
    [[nodiscard]] Wakeup::Awaiter operator co_await() { return wakeup.wait(); }
};

}  // namespace gh::net
