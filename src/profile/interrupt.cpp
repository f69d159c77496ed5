#include "profile/interrupt.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <new>
#include <thread>

#include "base/signal_stack.hpp"

namespace gh::profile {
namespace {

constexpr auto patience = std::chrono::milliseconds(50);

/// One question to one thread, and its answer.
struct Question {
    std::atomic<pid_t> thread{0};
    std::atomic<bool> answered{false};
    const MemoryMap* map = nullptr;
    Stack stack;
};

// What a handler can reach is global by nature.
Question question;                           // NOLINT(*-avoid-non-const-global-variables)
std::atomic<SampleBuffer*> buffer{nullptr};  // NOLINT(*-avoid-non-const-global-variables)
std::atomic<unsigned> handlers_running{0};   // NOLINT(*-avoid-non-const-global-variables)

/// Behind the stack of the thread that runs. What the map has as one piece may go on beyond it, with memory that comes and
/// goes; but glibc keeps a thread's descriptor above its stack, in memory that lives as long as the thread. (The first thread's
/// is elsewhere, and nothing comes to lie above its stack.)
std::uint64_t end_of_own_stack(std::uint64_t stack, const MemoryMap& map) noexcept {
    const auto end = map.stack_end(stack);
    const auto descriptor = static_cast<std::uint64_t>(::pthread_self());
    return descriptor > stack && descriptor < end ? descriptor : end;
}

void walk_from(Stack& stack, const void* context, const MemoryMap& map) noexcept {
    const auto registers = registers_of(context);
    walk(stack, registers, end_of_own_stack(registers.stack, map), &map);
}

void on_interrupt(int, siginfo_t* about, void* context) {
    const int error_before = errno;
    handlers_running.fetch_add(1);  // before it looks: who takes something away waits for zero
    if (about->si_code == SI_TIMER) {
        if (auto* taker = buffer.load()) taker->take(context);
    } else if (auto asked = ::gettid(); question.thread.compare_exchange_strong(asked, 0)) {
        walk_from(question.stack, context, *question.map);
        question.answered.store(true, std::memory_order_release);
    }
    handlers_running.fetch_sub(1);
    errno = error_before;
}

void wait_for_handlers() noexcept {
    while (handlers_running.load() != 0) std::this_thread::yield();
}

}  // namespace

void install_interrupt() {
    struct sigaction action{};
    action.sa_sigaction = &on_interrupt;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigfillset(&action.sa_mask);
    leave_fault_signals(action.sa_mask);  // a fault in here is told like any other
    ::sigaction(SIGPROF, &action, nullptr);
}

std::optional<Stack> stack_of(pid_t thread, const MemoryMap& map) {
    static std::mutex one_at_a_time;
    const std::scoped_lock lock(one_at_a_time);
    question.map = &map;
    question.answered = false;
    question.thread = thread;
    const bool sent = ::syscall(SYS_tgkill, ::getpid(), thread, SIGPROF) == 0;
    const auto until = std::chrono::steady_clock::now() + patience;
    while (sent && !question.answered.load(std::memory_order_acquire) &&
           std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    question.thread = 0;  // too late now
    wait_for_handlers();
    if (!question.answered.load(std::memory_order_acquire)) return {};
    return question.stack;
}

SampleBuffer::SampleBuffer(std::size_t samples_max)
    : samples_max_(samples_max), memory_(samples_max * sizeof(Sample)) {}

SampleBuffer::~SampleBuffer() { stop(); }

bool SampleBuffer::start() {
    SampleBuffer* none = nullptr;
    return buffer.compare_exchange_strong(none, this);
}

void SampleBuffer::stop() noexcept {
    auto* self = this;
    if (buffer.compare_exchange_strong(self, nullptr)) wait_for_handlers();
}

std::size_t SampleBuffer::size() const noexcept {
    return std::min(taken_.load(std::memory_order_acquire), samples_max_);
}

const Sample& SampleBuffer::operator[](std::size_t index) const noexcept {
    return *std::launder(reinterpret_cast<const Sample*>(memory_.data() + index * sizeof(Sample)));
}

std::uint64_t SampleBuffer::dropped() const noexcept {
    return taken_.load(std::memory_order_acquire) - size();
}

void SampleBuffer::take(const void* context) noexcept {
    const auto place = taken_.fetch_add(1);
    if (place >= samples_max_) return;
    auto* sample = ::new (memory_.data() + place * sizeof(Sample)) Sample;  // zeros: not ready
    sample->thread = ::gettid();
    walk_from(sample->stack, context, map_);
    sample->ready.store(true, std::memory_order_release);
}

}  // namespace gh::profile
