#include "net/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/signal_stack.hpp"

namespace gh::net {
namespace {

constexpr int events_per_turn_max = 512;
constexpr int wait_milliseconds_max = 60'000;

thread_local Loop* running = nullptr;

int check(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

}  // namespace

Wakeup::~Wakeup() {
    if (queued_) loop_.unlink(*this);
    if (heap_index_ != not_in_heap) loop_.remove_from_heap(heap_index_);
}

void Wakeup::wake() noexcept {
    if (!queued_) loop_.enqueue(*this);
}

void Wakeup::expire_at(SteadyTime deadline) {
    deadline_ = deadline;
    if (deadline != SteadyTime::max()) loop_.schedule(*this);
}

bool Wakeup::expired() const { return deadline_ <= loop_.now(); }

int Watched::control(int operation, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = this;
    return ::epoll_ctl(loop_.epoll_, operation, fd_, &event) == 0 ? 0 : errno;
}

Descriptor::Descriptor(Loop& loop, int fd) : Watched(loop, fd) {
    if (const int reason = control(EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
        ::close(fd_);
        throw std::system_error(reason, std::generic_category(), "epoll_ctl");
    }
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

int Descriptor::release() {
    std::ignore = control(EPOLL_CTL_DEL, 0);
    return std::exchange(fd_, -1);
}

BorrowedDescriptor::BorrowedDescriptor(Loop& loop, int fd) : Watched(loop, fd) {
    if (const int reason = control(EPOLL_CTL_ADD, events_))
        throw std::system_error(reason, std::generic_category(), "epoll_ctl");
}

BorrowedDescriptor::~BorrowedDescriptor() { std::ignore = control(EPOLL_CTL_DEL, 0); }

void BorrowedDescriptor::want(bool read, bool write) {
    const auto events = (read ? EPOLLIN | EPOLLRDHUP : 0U) | (write ? EPOLLOUT : 0U);
    if (events == events_) return;
    events_ = events;
    if (const int reason = control(EPOLL_CTL_MOD, events_))
        throw std::system_error(reason, std::generic_category(), "epoll_ctl");
}

void BorrowedDescriptor::follow(int fd) {
    std::ignore = control(EPOLL_CTL_DEL, 0);  // closed already: nothing to take out
    fd_ = fd;
    if (const int reason = control(EPOLL_CTL_ADD, events_))
        throw std::system_error(reason, std::generic_category(), "epoll_ctl");
}

Mailbox::Mailbox() : event_fd_(check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {}

Mailbox::~Mailbox() { ::close(event_fd_); }

void Mailbox::post(std::move_only_function<void()> call) {
    {
        const std::scoped_lock lock(mutex_);
        if (closed_) return;
        calls_.push_back(std::move(call));
        if (calls_.size() > 1) return;  // who came first rings, or has rung
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof one);
}

void Mailbox::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    post([] {});
}

bool Mailbox::stopping() {
    const std::scoped_lock lock(mutex_);
    return stopping_;
}

Mailbox::Calls Mailbox::take() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_fd_, &count, sizeof count);
    const std::scoped_lock lock(mutex_);
    return std::exchange(calls_, {});
}

void Mailbox::close() {
    Calls dropped;  // their destructors may take other locks: not below ours
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    dropped.swap(calls_);
}

Loop::Loop()
    : mailbox_(std::make_shared<Mailbox>()),
      scratch_(std::make_unique_for_overwrite<char[]>(scratch_size)),
      record_scratch_(std::make_unique_for_overwrite<RecordScratch>()) {
    epoll_ = check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, mailbox_->event_fd_, &event), "epoll_ctl");
    read_clocks();
}

Loop::~Loop() {
    mailbox_->close();
    ::close(epoll_);
}

void Loop::read_clocks() {
    now_ = std::chrono::steady_clock::now();
    system_now_ = std::chrono::system_clock::now();
}

int Loop::wait_milliseconds() const {
    if (ready_head_ != nullptr) return 0;
    if (heap_.empty()) return wait_milliseconds_max;
    const auto left = std::chrono::ceil<milliseconds>(heap_.front().at - now_).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, wait_milliseconds_max));
}

Loop* Loop::current() noexcept { return running; }

void Loop::run() {
    struct Restore {
        Loop* before = running;
        ~Restore() { running = before; }
    } const restore;
    running = this;
    keep_signal_stack();
    occupation_.run_by(::gettid());
    turn_until_stopped();
}

void Loop::turn_until_stopped() {
    std::array<epoll_event, events_per_turn_max> events;
    read_clocks();
    for (;;) {
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                       wait_milliseconds());
        if (count < 0 && errno != EINTR) check(count, "epoll_wait");
        read_clocks();
        bool posted = false;
        for (int i = 0; i < count; ++i) {
            auto* descriptor = static_cast<Watched*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (descriptor == nullptr) {
                posted = true;
                continue;
            }
            const auto bits = events[static_cast<std::size_t>(i)].events;
            if (bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) descriptor->readable = true;
            if (bits & (EPOLLOUT | EPOLLHUP | EPOLLERR)) descriptor->writable = true;
            if (bits & (EPOLLRDHUP | EPOLLHUP)) descriptor->hangup = true;
            if (bits & EPOLLERR) descriptor->error = true;
            if (descriptor->wakeup_) descriptor->wakeup_->wake();
        }
        expire();
        run_ready();
        if (posted) {
            run_posted();
            if (mailbox_->stopping()) {
                run_posted();  // another thread may have posted more before it said so
                occupation_.rest();
                return;
            }
        }
        occupation_.rest();
    }
}

void Loop::run_posted() {
    for (auto& call : mailbox_->take()) {
        occupation_.begin(Occupation::posted);
        call();
    }
}

void Loop::enqueue(Wakeup& wakeup) noexcept {
    wakeup.queued_ = true;
    ++ready_count_;
    wakeup.next_ = nullptr;
    wakeup.previous_ = ready_tail_;
    (ready_tail_ ? ready_tail_->next_ : ready_head_) = &wakeup;
    ready_tail_ = &wakeup;
}

void Loop::unlink(Wakeup& wakeup) noexcept {
    (wakeup.previous_ ? wakeup.previous_->next_ : ready_head_) = wakeup.next_;
    (wakeup.next_ ? wakeup.next_->previous_ : ready_tail_) = wakeup.previous_;
    wakeup.queued_ = false;
    --ready_count_;
}

void Loop::run_ready() {
    // Only as many as are ready now: whoever is woken meanwhile waits for the next turn, so that the kernel is heard too.
    // Counted, as the last of them may be destroyed by one before it.
    for (auto left = ready_count_; left > 0 && ready_head_ != nullptr; --left) {
        Wakeup& wakeup = *ready_head_;
        unlink(wakeup);
        if (const auto waiter = std::exchange(wakeup.waiter_, nullptr)) {
            // Where the frame of a coroutine begins stands what resuming it calls, with clang as with gcc.
            occupation_.begin(*static_cast<void* const*>(waiter.address()));
            waiter.resume();
            Ambient::set_current(nullptr);  // whatever it has become, it works elsewhere
        } else {
            wakeup.pending_ = true;
        }
    }
}

void Loop::expire() {
    while (!heap_.empty() && heap_.front().at <= now_) {
        Wakeup& wakeup = *heap_.front().wakeup;
        if (wakeup.deadline_ > now_ && wakeup.deadline_ != SteadyTime::max()) {
            heap_.front().at = wakeup.deadline_;  // moved later since: wait on
            sift_down(0);
            continue;
        }
        remove_from_heap(0);
        if (wakeup.deadline_ != SteadyTime::max()) wakeup.wake();
    }
}

void Loop::schedule(Wakeup& wakeup) {
    const auto index = wakeup.heap_index_;
    if (index == Wakeup::not_in_heap) {
        heap_.push_back({wakeup.deadline_, &wakeup});
        wakeup.heap_index_ = heap_.size() - 1;
        sift_up(heap_.size() - 1);
    } else if (wakeup.deadline_ < heap_[index].at) {
        heap_[index].at = wakeup.deadline_;
        sift_up(index);
    }
}

void Loop::remove_from_heap(std::size_t index) {
    heap_[index].wakeup->heap_index_ = Wakeup::not_in_heap;
    const HeapEntry last = heap_.back();
    heap_.pop_back();
    if (index == heap_.size()) return;
    place(index, last);
    sift_up(index);
    sift_down(last.wakeup->heap_index_);
}

void Loop::place(std::size_t index, HeapEntry entry) {
    heap_[index] = entry;
    entry.wakeup->heap_index_ = index;
}

void Loop::sift_up(std::size_t index) {
    const HeapEntry entry = heap_[index];
    while (index > 0) {
        const std::size_t parent = (index - 1) / 4;
        if (heap_[parent].at <= entry.at) break;
        place(index, heap_[parent]);
        index = parent;
    }
    place(index, entry);
}

void Loop::sift_down(std::size_t index) {
    const HeapEntry entry = heap_[index];
    for (;;) {
        const std::size_t first = index * 4 + 1;
        if (first >= heap_.size()) break;
        std::size_t least = first;
        for (std::size_t child = first + 1; child < std::min(first + 4, heap_.size()); ++child) {
            if (heap_[child].at < heap_[least].at) least = child;
        }
        if (entry.at <= heap_[least].at) break;
        place(index, heap_[least]);
        index = least;
    }
    place(index, entry);
}

}  // namespace gh::net
