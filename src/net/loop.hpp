#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/ambient.hpp"
#include "base/clock.hpp"
#include "net/buffer_pool.hpp"
#include "net/occupation.hpp"

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
        Ambient* ambient = Ambient::current();
        bool await_ready() const noexcept {
            if (!wakeup.pending_) return false;
            wakeup.pending_ = false;
            return true;
        }
        void await_suspend(std::coroutine_handle<> waiter) const noexcept {
            wakeup.waiter_ = waiter;
        }
        void await_resume() const noexcept { Ambient::set_current(ambient); }
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

/// What the kernel told about a descriptor, and who hears of it.
class Watched {
 public:
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    /// Who is woken when a bit appears; nullptr: nobody.
    void notify(Wakeup* wakeup) { wakeup_ = wakeup; }

    bool readable = false;
    bool writable = false;
    bool hangup = false;  ///< the peer sends no more (RDHUP), or the connection is over
    bool error = false;

 protected:
    Watched(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
    ~Watched() = default;
    /// epoll_ctl on this descriptor; errno's number, or 0.
    [[nodiscard]] int control(int operation, std::uint32_t events);

    Loop& loop_;
    int fd_;

 private:
    friend class Loop;
    Wakeup* wakeup_ = nullptr;
};

/// A descriptor registered for both directions, edge-triggered, once. Owns it. Its bits say what the kernel last told;
/// whoever reads or writes clears them on a short count, so that no system call is made just to hear EAGAIN.
class Descriptor : public Watched {
 public:
    /// Takes `fd`, which must be non-blocking.
    Descriptor(Loop& loop, int fd);
    ~Descriptor();

    /// Takes the descriptor out of the loop and hands it over; this object is of no further use.
    [[nodiscard]] int release();
};

/// A descriptor that a library owns and reads in its own way. Level-triggered: what the library leaves unread is told
/// again in the next turn. Whoever is woken clears the bits and lets the library look. Ends before the library closes it,
/// or is told of the next one with follow().
class BorrowedDescriptor : public Watched {
 public:
    BorrowedDescriptor(Loop& loop, int fd);
    ~BorrowedDescriptor();

    /// What is told; neither at first.
    void want(bool read, bool write);
    /// The library may have closed its descriptor and opened another, even under the same number. Keeps what is wanted.
    void follow(int fd);

 private:
    std::uint32_t events_ = 0;
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
    /// From any thread; run() returns at the end of its turn, and what was posted before has run by then.
    void stop() { mailbox_->stop(); }
    /// Runs `call` on the loop's thread. From any thread, as long as the loop lives.
    void post(std::move_only_function<void()> call) { mailbox_->post(std::move(call)); }
    /// For who may want to post when the loop is gone.
    [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

    [[nodiscard]] SteadyTime now() const { return now_; }
    [[nodiscard]] SystemTime system_now() const { return system_now_; }
    [[nodiscard]] BufferPool& buffers() { return buffers_; }
    /// For who watches whether it gets on.
    [[nodiscard]] const Occupation& occupation() const { return occupation_; }

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
    friend class Watched;
    struct HeapEntry {
        SteadyTime at;
        Wakeup* wakeup;
    };

    void turn_until_stopped();
    void run_posted();
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
    Occupation occupation_;
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
