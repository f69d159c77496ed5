#include "profile/allocations.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include "base/mapped_memory.hpp"
#include "base/spin_lock.hpp"
#include "profile/stack.hpp"

namespace gh::profile {
namespace {

// A sampled block lies at the beginning of a page, where others hardly ever are: whether a block may be a sample is seen
// from its address, and giving back the others stays as cheap as it was.
constexpr std::size_t sample_alignment = 4096;
constexpr std::uint32_t samples_max = 65'536;
constexpr std::uint32_t none = 0;  // entries count from 1
constexpr auto mean = static_cast<double>(bytes_between_samples);

struct Entry {
    const void* memory;
    std::size_t size;
    std::uint32_t next;  // in its chain, or of those that are free
    Stack stack;
};

/// All samples that live, by address. In memory of its own: it must not allocate from what it counts.
class Table {
 public:
    Table()
        : chains_(samples_max * sizeof(std::uint32_t)),
          entries_((samples_max + std::size_t{1}) * sizeof(Entry)) {}

    void add(const void* memory, std::size_t size, const Stack& stack) noexcept {
        const std::scoped_lock lock(lock_);
        auto place = free_;
        if (place != none) {
            free_ = entry(place).next;
        } else if (used_ < samples_max) {
            place = ++used_;
        } else {
            ++dropped_;
            return;
        }
        auto& chain = chain_of(memory);
        auto& made = entry(place);
        made.memory = memory;
        made.size = size;
        made.stack.depth = stack.depth;
        std::copy_n(stack.frames.begin(), stack.depth, made.stack.frames.begin());
        made.next = std::exchange(chain, place);
        ++live_;
    }

    void remove(const void* memory) noexcept {
        const std::scoped_lock lock(lock_);
        for (auto* link = &chain_of(memory); *link != none; link = &entry(*link).next) {
            auto& found = entry(*link);
            if (found.memory != memory) continue;
            found.memory = nullptr;
            const auto place = std::exchange(*link, found.next);
            found.next = std::exchange(free_, place);
            --live_;
            return;
        }
    }

    /// @return how many had no room
    template <class Call>
    std::uint64_t each(const Call& call) {
        for (std::uint32_t place = 1;; ++place) {  // one at a time: nobody waits for long
            const std::scoped_lock lock(lock_);
            if (place > used_) return dropped_;
            if (entry(place).memory != nullptr) call(entry(place));
        }
    }

 private:
    std::uint32_t& chain_of(const void* memory) const noexcept {
        const auto page = reinterpret_cast<std::uint64_t>(memory) / sample_alignment;
        const auto index = (page * 0x9e3779b97f4a7c15U) >> 48;  // 16 bits: samples_max
        return reinterpret_cast<std::uint32_t*>(chains_.data())[index];
    }
    Entry& entry(std::uint32_t place) const noexcept {
        return reinterpret_cast<Entry*>(entries_.data())[place];
    }

    SpinLock lock_;
    MappedMemory chains_, entries_;
    std::uint32_t used_ = 0, free_ = none;
    std::uint64_t live_ = 0, dropped_ = 0;
};

// Allocation is global by nature. The table is never taken down: blocks are given back until the very end.
std::atomic<Table*> table{nullptr};                    // NOLINT(*-avoid-non-const-global-variables)
alignas(Table) std::byte table_memory[sizeof(Table)];  // NOLINT(*-avoid-non-const-global-variables)

/// Of one thread. No constructor: it is used before main() and after the thread's own objects are gone.
struct Countdown {
    std::int64_t bytes;       // until the next sample
    std::uint64_t random;     // 0: not yet begun
    std::uint64_t stack_end;  // 0: not yet known
    bool busy;
};
thread_local constinit Countdown countdown{};

double next_random(std::uint64_t& state) noexcept {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    constexpr double steps = 9007199254740992.0;  // 2^53
    return (static_cast<double>(state >> 11) + 1) / (steps + 1);
}

/// Bytes between samples are exponentially distributed, so that sites that allocate in step are not missed.
std::int64_t next_distance(std::uint64_t& state) noexcept {
    return static_cast<std::int64_t>(-std::log(next_random(state)) * mean) + 1;
}

std::uint64_t end_of_own_stack() noexcept {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return 1;
    void* begin = nullptr;
    std::size_t size = 0;
    ::pthread_attr_getstack(&attributes, &begin, &size);
    ::pthread_attr_destroy(&attributes);
    return reinterpret_cast<std::uint64_t>(begin) + size;
}

[[gnu::noinline]] void remember(Table& samples, const void* memory, std::size_t size) noexcept {
    if (countdown.stack_end == 0) countdown.stack_end = end_of_own_stack();
    Stack stack;
    const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    walk(stack, {reinterpret_cast<std::uint64_t>(&remember) + 1, here, here}, countdown.stack_end,
         nullptr);
    samples.add(memory, size, stack);
}

[[gnu::noinline]] void* allocate_sample(Table& samples, std::size_t size) noexcept {
    if (countdown.random == 0) {  // the thread's first: where its sequence begins is its own
        countdown.random = reinterpret_cast<std::uint64_t>(&countdown) | 1;
        countdown.bytes = next_distance(countdown.random);
        if (countdown.bytes > static_cast<std::int64_t>(size)) return nullptr;
    }
    countdown.bytes = next_distance(countdown.random);
    const auto rounded = (size + sample_alignment - 1) / sample_alignment * sample_alignment;
    if (countdown.busy || rounded < size) return nullptr;
    void* memory = std::aligned_alloc(sample_alignment, rounded);
    if (memory == nullptr) return nullptr;
    countdown.busy = true;
    remember(samples, memory, size);
    countdown.busy = false;
    return memory;
}

[[gnu::noinline]] void* allocate_in_need(std::size_t size) {
    for (;;) {
        const auto handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
        if (void* memory = std::malloc(size)) return memory;  // check: allow malloc: this is it
    }
}

/// Without what belongs to allocation itself: how many frames that are depends on the compiler.
std::vector<std::uint64_t> callers_in(const Stack& stack, Names& names) {
    const auto* frame = stack.frames.data();
    const auto* const end = frame + stack.depth;
    const auto is_allocator = [&names](std::uint64_t address) {
        const auto name = names.of(address).name;
        return name.starts_with("operator new") || name.starts_with("gh::profile::heap::") ||
               name.starts_with("gh::profile::(anonymous namespace)::remember") ||
               name.starts_with("gh::profile::(anonymous namespace)::allocate_");
    };
    return {std::find_if_not(frame, end, is_allocator), end};
}

}  // namespace

namespace heap {

void* allocate(std::size_t size) {
    size = std::max<std::size_t>(size, 1);
    countdown.bytes -= static_cast<std::int64_t>(size);
    if (countdown.bytes < 0) [[unlikely]] {
        auto* samples = table.load(std::memory_order_acquire);
        if (void* memory = samples ? allocate_sample(*samples, size) : nullptr) return memory;
    }
    void* memory = std::malloc(size);  // check: allow malloc: this is operator new
    return memory != nullptr ? memory : allocate_in_need(size);
}

void release(void* memory) noexcept {
    if (reinterpret_cast<std::uint64_t>(memory) % sample_alignment == 0 && memory != nullptr)
        [[unlikely]] {
        if (auto* samples = table.load(std::memory_order_acquire)) samples->remove(memory);
    }
    std::free(memory);  // check: allow malloc: this is operator delete
}

}  // namespace heap

void begin_sampling() {
    if (table.load() == nullptr) table = ::new (table_memory) Table;
}

LiveHeap live_heap(Names& names) {
    LiveHeap heap;
    auto* samples = table.load();
    if (samples == nullptr) return heap;
    heap.counted = true;
    struct Sum {
        double objects = 0, bytes = 0;
    };
    std::map<std::vector<std::uint64_t>, Sum> sums;
    struct Copy {
        std::size_t size;
        Stack stack;
    };
    std::vector<Copy> copies;
    copies.reserve(
        samples_max);  // what is copied under the lock must not allocate: a sample would want the lock
    heap.dropped = samples->each([&](const Entry& entry) {
        if (copies.size() < copies.capacity()) copies.push_back({entry.size, entry.stack});
    });
    for (const auto& [size, stack] : copies) {
        ++heap.samples;
        const auto bytes = static_cast<double>(size);
        const auto stands_for = 1 / (1 - std::exp(-bytes / mean));  // Poisson: how many like it
        auto& sum = sums[callers_in(stack, names)];
        sum.objects += stands_for;
        sum.bytes += stands_for * bytes;
    }
    for (const auto& [frames, sum] : sums)
        heap.stacks.push_back({frames, {std::llround(sum.objects), std::llround(sum.bytes)}});
    return heap;
}

}  // namespace gh::profile
