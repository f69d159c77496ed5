#include "profile/cpu_profile.hpp"

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "base/try.hpp"
#include "profile/thread_clock.hpp"

namespace gh::profile {
namespace {

constexpr std::chrono::nanoseconds shortest_interval = std::chrono::milliseconds(10);
constexpr std::size_t threads_max = 4'096;

std::chrono::nanoseconds interval_for(seconds duration) {
    const auto cores = std::max(std::thread::hardware_concurrency(), 1U);
    const std::chrono::nanoseconds work = duration * cores;
    return std::max(shortest_interval, work / std::int64_t{CpuProfile::samples_max});
}

std::string name_of_thread(const std::filesystem::path& folder) {
    std::ifstream file(folder / "comm");
    std::string name;
    std::getline(file, name);
    return name;
}

}  // namespace

class CpuProfile::Timer {
 public:
    explicit Timer(timer_t id) : id_(id) {}
    Timer(Timer&& other) noexcept : id_(other.id_), owns_(std::exchange(other.owns_, false)) {}
    Timer& operator=(Timer&&) = delete;
    ~Timer() {
        if (owns_) ::timer_delete(id_);
    }

    [[nodiscard]] bool set(std::chrono::nanoseconds interval) const {
        const timespec each{.tv_sec = interval / std::chrono::seconds(1),
                            .tv_nsec = (interval % std::chrono::seconds(1)).count()};
        const itimerspec times{.it_interval = each, .it_value = each};
        return ::timer_settime(id_, 0, &times, nullptr) == 0;
    }

 private:
    timer_t id_;
    bool owns_ = true;
};

CpuProfile::CpuProfile(std::chrono::nanoseconds interval)
    : interval_(interval), buffer_(samples_max) {}

CpuProfile::~CpuProfile() { stop(); }

Result<std::shared_ptr<CpuProfile>> CpuProfile::start(seconds duration) {
    auto profile = std::make_shared<CpuProfile>(interval_for(duration));
    if (!profile->buffer_.start())
        return fail(ErrorKind::conflict, "profile.running", "another profile is being taken");
    GH_TRY_VOID(profile->watch_threads());
    return profile;
}

Result<void> CpuProfile::watch_threads() {
    std::error_code error;
    std::filesystem::directory_iterator task("/proc/self/task", error);
    for (; !error && task != std::filesystem::directory_iterator() && timers_.size() < threads_max;
         task.increment(error)) {
        const auto number = task->path().filename().native();
        pid_t thread = 0;
        std::from_chars(number.data(), number.data() + number.size(), thread);
        sigevent event{};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = SIGPROF;
        event._sigev_un._tid = thread;
        timer_t id{};
        if (::timer_create(clock_of_thread(thread), &event, &id) != 0) continue;  // just gone
        Timer timer(id);
        if (!timer.set(interval_)) continue;
        timers_.push_back(std::move(timer));
        names_.emplace(thread, name_of_thread(task->path()));
    }
    if (timers_.empty())
        return fail(ErrorKind::unavailable, "profile.threads", "no thread can be watched");
    return {};
}

void CpuProfile::stop() noexcept {
    if (!std::exchange(running_, false)) return;
    timers_.clear();
    buffer_.stop();
    duration_ = std::chrono::system_clock::now() - began_;
}

std::vector<CpuProfile::Counted> CpuProfile::counted() const {
    std::map<std::pair<pid_t, std::vector<std::uint64_t>>, std::uint64_t> counts;
    for (std::size_t i = 0; i < buffer_.size(); ++i) {
        const auto& sample = buffer_[i];
        if (!sample.ready.load(std::memory_order_acquire)) continue;
        const auto* first = sample.stack.frames.data();
        ++counts[{sample.thread, {first, first + sample.stack.depth}}];
    }
    std::vector<Counted> all;
    for (const auto& [key, count] : counts) {
        const auto name = names_.find(key.first);
        all.push_back({name != names_.end() ? name->second : "", key.second, count});
    }
    return all;
}

}  // namespace gh::profile
