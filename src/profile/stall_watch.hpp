#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "net/loop.hpp"
#include "profile/names.hpp"
#include "profile/stack.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::profile {

/// Something held a worker, and whoever else is on it waited.
struct Stall {
    std::uint64_t number = 0;  ///< counts from 1
    std::size_t worker = 0;
    SystemTime began;
    milliseconds held{0};
    milliseconds cpu{0};  ///< of these, how long it had a processor
    bool over = false;
    std::string name;                ///< the coroutine, or what else is known
    std::vector<std::string> stack;  ///< innermost first; empty: the thread did not answer
};

/// Looks a hundred times a second whether the workers' loops get on, and asks a worker that does not where it is.
class StallWatch {
 public:
    struct Options {
        milliseconds held_min{50};          ///< less is no stall
        milliseconds interval{10};          ///< between two looks: as exact as `held` is
        std::size_t kept_max = 256;         ///< the last so many can be read
        milliseconds log_interval{10'000};  ///< at most one line so often
        milliseconds long_held{1'000};      ///< then it is told while it goes on
    };

    /// @param loops  in the order of the workers; they, registry, log and names outlive this
    StallWatch(std::vector<const net::Loop*> loops, Names& names, telemetry::Registry& registry,
               telemetry::Log& log, Options options);
    StallWatch(std::vector<const net::Loop*> loops, Names& names, telemetry::Registry& registry,
               telemetry::Log& log)
        : StallWatch(std::move(loops), names, registry, log, Options{}) {}
    ~StallWatch();
    StallWatch(const StallWatch&) = delete;
    StallWatch& operator=(const StallWatch&) = delete;

    /// The last ones, oldest first. Names functions: not for a worker.
    [[nodiscard]] std::vector<Stall> stalls() const;

 private:
    /// As it is kept: names are for who reads.
    struct Record {
        Stall stall;
        const void* function = nullptr;
        std::optional<Stack> stack;
    };
    /// What was seen of one worker.
    struct Watched {
        const net::Loop* loop;
        net::Occupation::Look last{0, nullptr};
        SteadyTime since;  ///< when it was first seen at this
        SystemTime began;
        std::chrono::nanoseconds cpu{0};
        std::uint64_t stall = 0;  ///< 0: it gets on
        int asked = 0;            ///< how often it was asked where it is
        bool told = false;
    };

    void watch(const std::stop_token& stop);
    void look_at(std::size_t worker, SteadyTime now);
    void begin_stall(std::size_t worker, SteadyTime now);
    /// A thread that gets no processor cannot answer: it is asked again.
    void ask_where(Watched& watched);
    void update_stall(Watched& watched, SteadyTime now, bool over);
    void tell(Watched& watched, const Record& record);
    [[nodiscard]] Stall told(const Record& record) const;

    const Options options_;
    Names& names_;
    telemetry::Log& log_;
    telemetry::Family<telemetry::Counter>& stalls_total_;
    telemetry::Histogram& held_;
    std::vector<Watched> workers_;
    SteadyTime log_next_;
    std::uint64_t untold_ = 0;
    std::uint64_t number_ = 0;
    mutable std::mutex mutex_;  // what follows is under it
    std::deque<Record> records_;
    std::condition_variable_any pause_;
    std::jthread thread_;  // last: it uses the rest
};

/// gatehouse_worker_busy_seconds_total and gatehouse_worker_resumes_total, read when asked.
void collect_workers(telemetry::Registry& registry, std::vector<const net::Loop*> loops);

}  // namespace gh::profile
