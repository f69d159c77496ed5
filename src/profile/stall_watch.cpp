#include "profile/stall_watch.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

#include "base/signal_stack.hpp"
#include "profile/interrupt.hpp"
#include "profile/thread_clock.hpp"

namespace gh::profile {
namespace {

using std::chrono::nanoseconds;

constexpr double ticks_per_second = 1e9;
constexpr int asked_max = 5;
constexpr std::array held_bounds{0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0};

bool is_same(const net::Occupation::Look& left, const net::Occupation::Look& right) {
    return left.count == right.count && left.function == right.function;
}

nanoseconds cpu_of(const net::Loop& loop) {
    return cpu_time_of(loop.occupation().thread()).value_or(nanoseconds(0));
}

template <class Add>
void collect(telemetry::Registry& registry, const char* name, const char* help,
             const std::vector<const net::Loop*>& loops, Add value) {
    registry.collect({.name = name, .help = help, .labels = {"worker"}},
                     telemetry::MetricType::counter, [loops, value](telemetry::Samples& samples) {
                         for (std::size_t i = 0; i < loops.size(); ++i)
                             samples.add({std::to_string(i)}, value(loops[i]->occupation()));
                     });
}

}  // namespace

StallWatch::StallWatch(std::vector<const net::Loop*> loops, Names& names,
                       telemetry::Registry& registry, telemetry::Log& log, Options options)
    : options_(options),
      names_(names),
      log_(log),
      stalls_total_(registry.counter({.name = "gatehouse_worker_stalls_total",
                                      .help = "How often something held a worker over 50 ms.",
                                      .labels = {"worker"}})),
      held_(registry
                .histogram({.name = "gatehouse_worker_stall_seconds",
                            .help = "How long workers were held, of times over 50 ms.",
                            .labels = {}},
                           telemetry::Buckets(held_bounds, ticks_per_second))
                .with({})) {
    install_interrupt();
    for (std::size_t i = 0; i < loops.size(); ++i) {
        workers_.push_back({.loop = loops[i]});
        stalls_total_.with({std::to_string(i)}).add(0);
    }
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    ::pthread_setname_np(thread_.native_handle(), "stalls");
}

StallWatch::~StallWatch() = default;

void StallWatch::watch(const std::stop_token& stop) {
    keep_signal_stack();
    std::mutex alone;
    std::unique_lock lock(alone);
    auto due = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
        due += options_.interval;
        pause_.wait_until(lock, stop, due, [] { return false; });
        const auto now = std::chrono::steady_clock::now();
        // Who did not get to run itself cannot tell how long others were held: that time counts for nobody.
        const auto late = now - due;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            if (late > options_.interval) workers_[i].since += late;
            try {
                look_at(i, now);
            } catch (const std::bad_alloc&) {
                // Who only watches ends nothing: without memory it looks again.
            }
        }
        due = std::max(due, std::chrono::steady_clock::now() - options_.interval);
    }
}

void StallWatch::look_at(std::size_t worker, SteadyTime now) {
    auto& watched = workers_[worker];
    const auto look = watched.loop->occupation().look();
    if (look.function != nullptr && is_same(look, watched.last)) {
        if (watched.stall != 0) {
            ask_where(watched);
            update_stall(watched, now, false);
        } else if (now - watched.since >= options_.held_min) {
            begin_stall(worker, now);
        }
        return;
    }
    if (watched.stall != 0) update_stall(watched, now, true);
    watched.last = look;
    watched.stall = 0;
    if (look.function == nullptr) return;
    watched.since = now;
    watched.began = std::chrono::system_clock::now();
    watched.cpu = cpu_of(*watched.loop);
}

void StallWatch::begin_stall(std::size_t worker, SteadyTime now) {
    auto& watched = workers_[worker];
    Record record{.stall = {.number = ++number_, .worker = worker, .began = watched.began},
                  .function = watched.last.function,
                  .stack = {}};
    watched.stall = number_;
    watched.asked = 0;
    watched.told = false;
    stalls_total_.with({std::to_string(worker)}).add();
    {
        const std::scoped_lock lock(mutex_);
        if (records_.size() >= options_.kept_max) records_.pop_front();
        records_.push_back(std::move(record));
    }
    ask_where(watched);
    update_stall(watched, now, false);
}

void StallWatch::ask_where(Watched& watched) {
    if (watched.asked >= asked_max) return;
    ++watched.asked;
    const auto stack = stack_of(watched.loop->occupation().thread(), MemoryMap::read());
    // By now it may be at something else: then the stack is another's.
    if (!stack || !is_same(watched.loop->occupation().look(), watched.last)) return;
    watched.asked = asked_max;
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(records_, watched.stall,
                                         [](const Record& each) { return each.stall.number; });
    if (found != records_.end()) found->stack = stack;
}

void StallWatch::update_stall(Watched& watched, SteadyTime now, bool over) {
    const auto held = std::chrono::duration_cast<milliseconds>(now - watched.since);
    const auto cpu = std::chrono::duration_cast<milliseconds>(cpu_of(*watched.loop) - watched.cpu);
    if (over) held_.observe(held);
    Record record;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = std::ranges::find(records_, watched.stall,
                                             [](const Record& each) { return each.stall.number; });
        if (found == records_.end()) return;  // many others came since
        found->stall.held = held;
        found->stall.cpu = std::clamp(cpu, milliseconds(0), held);
        found->stall.over = over;
        if (watched.told || (!over && held < options_.long_held)) return;
        record = *found;
    }
    tell(watched, record);
}

void StallWatch::tell(Watched& watched, const Record& record) {
    watched.told = true;
    const auto now = std::chrono::steady_clock::now();
    if (now < log_next_) {
        ++untold_;
        return;
    }
    log_next_ = now + options_.log_interval;
    const auto stall = told(record);
    log_.warning("profile", "a worker was held; others on it waited")
        .field("worker", stall.worker)
        .field("coroutine", stall.name)
        .field("held_ms", stall.held.count())
        .field("cpu_ms", stall.cpu.count())
        .field("over", stall.over)
        .field("untold", std::exchange(untold_, 0));
}

/// The innermost coroutine of the stack: what is resumed may have handed on to another. Without a stack, what was resumed.
Stall StallWatch::told(const Record& record) const {
    auto stall = record.stall;
    if (record.function == net::Occupation::posted) {
        stall.name = "a posted call";
    } else {
        stall.name = names_.of(reinterpret_cast<std::uint64_t>(record.function)).name;
    }
    if (!record.stack) return stall;
    bool found = false;
    for (std::uint64_t i = 0; i < record.stack->depth; ++i) {
        auto function = names_.of(record.stack->frames[i]);
        if (!found && function.coroutine) {
            stall.name = function.name;
            found = true;
        }
        stall.stack.push_back(std::move(function.name));
    }
    return stall;
}

std::vector<Stall> StallWatch::stalls() const {
    std::deque<Record> records;
    {
        const std::scoped_lock lock(mutex_);
        records = records_;
    }
    std::vector<Stall> all;
    for (const auto& record : records) all.push_back(told(record));
    return all;
}

void collect_workers(telemetry::Registry& registry, std::vector<const net::Loop*> loops) {
    collect(registry, "gatehouse_worker_busy_seconds_total",
            "Processor time that the worker's thread has used.", loops,
            [](const net::Occupation& occupation) {
                const auto used = cpu_time_of(occupation.thread()).value_or(nanoseconds(0));
                return std::chrono::duration<double>(used).count();
            });
    collect(registry, "gatehouse_worker_resumes_total",
            "How often the worker has taken something up: a coroutine or a posted call.", loops,
            [](const net::Occupation& occupation) {
                return static_cast<double>(occupation.look().count);
            });
}

}  // namespace gh::profile
