#include "app/health.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/try.hpp"
#include "config/object.hpp"
#include "config/types.hpp"
#include "net/loop.hpp"
#include "net/within.hpp"

namespace gh::app {
namespace {

using Status = CheckState::Status;

// A round that is so many intervals late has stopped.
constexpr int stale_rounds = 3;

}  // namespace

std::string_view name_of(Dependency dependency) {
    switch (dependency) {
        case Dependency::database: return "database";
        case Dependency::upstreams: return "upstreams";
        case Dependency::disk: return "disk";
        case Dependency::vault: return "vault";
        case Dependency::ca: return "ca";
        case Dependency::certificate: return "certificate";
    }
    return {};
}

std::string_view name_of(CheckState::Status status) {
    switch (status) {
        case Status::healthy: return "healthy";
        case Status::degraded: return "degraded";
        case Status::unhealthy: return "unhealthy";
    }
    return {};
}

config::Type<HealthConfig> health_type() {
    std::vector<std::pair<std::string, Dependency>> words;
    for (const auto each : {Dependency::database, Dependency::upstreams, Dependency::disk,
                            Dependency::vault, Dependency::ca, Dependency::certificate})
        words.emplace_back(name_of(each), each);
    config::Object<HealthConfig> table;
    table.key("interval", &HealthConfig::interval,
              config::duration(milliseconds(100), std::chrono::minutes(5)),
              "How often is asked how what Gatehouse needs is.");
    table.key("timeout", &HealthConfig::timeout,
              config::duration(milliseconds(50), std::chrono::minutes(1)),
              "What has not answered by then is unhealthy.");
    table.key("required", &HealthConfig::required,
              config::list_of(config::choice<Dependency>(std::move(words)), {.items_max = 6}),
              "Without these it is not ready: database, upstreams, disk, vault, ca, certificate.");
    table.key("disk_free_min", &HealthConfig::disk_free_min,
              config::size_64(0, std::uint64_t{1} << 50),
              "The disk of data_dir is unhealthy with less room than this.");
    return table.type();
}

bool HealthReport::ready() const {
    return std::ranges::none_of(checks, [](const auto& named) {
        return named.second.required && named.second.status == Status::unhealthy;
    });
}

HealthReport judged(CheckStates states, const HealthConfig& config) {
    for (auto& [name, state] : states)
        state.required =
            std::ranges::find(config.required, state.dependency) != config.required.end();
    return {std::move(states)};
}

struct Health::Kept {
    Probe probe;
    bool asked = false;               // and has not answered; the rounds' alone
    std::optional<CheckState> state;  // under the mutex, and what follows
    SteadyTime asked_at;
    milliseconds interval{0};  // of then
};

/// Of one round, who has not ended.
struct Health::Round {
    net::Wakeup all_ended;
    std::size_t left;
};

Health::Health(HealthConfig config, std::vector<Probe> probes, telemetry::Log& log)
    : config_(std::make_shared<const HealthConfig>(std::move(config))), log_(log) {
    for (auto& probe : probes) {
        auto kept = std::make_shared<Kept>();
        kept->probe = std::move(probe);
        kept_.push_back(std::move(kept));
    }
}

Health::~Health() = default;

std::shared_ptr<const HealthConfig> Health::config() const {
    const std::scoped_lock lock(mutex_);
    return config_;
}

void Health::apply(HealthConfig config) {
    auto next = std::make_shared<const HealthConfig>(std::move(config));
    const std::scoped_lock lock(mutex_);
    config_ = std::move(next);
}

Task<> Health::check() {
    const auto timeout = config()->timeout;
    Round round{net::Wakeup(*net::Loop::current()), kept_.size()};
    for (const auto& kept : kept_) spawn(check_one(kept, timeout, round));
    while (round.left > 0) co_await round.all_ended.wait();
}

Task<Result<void>> Health::ask(std::shared_ptr<Kept> kept) {
    kept->asked = true;
    auto outcome = co_await kept->probe.run();
    kept->asked = false;
    co_return outcome;
}

Task<> Health::check_one(std::shared_ptr<Kept> kept, milliseconds timeout, Round& round) {
    const auto begun = std::chrono::steady_clock::now();
    Result<void> outcome = fail(ErrorKind::deadline_exceeded, "health.no_answer",
                                "what was asked before has not answered");
    if (!kept->asked) {
        auto asked = ask(kept);
        outcome = co_await net::within(timeout, "health.no_answer", std::move(asked));
    }
    const auto took = std::chrono::steady_clock::now() - begun;
    keep(*kept, outcome, std::chrono::floor<milliseconds>(took));
    if (--round.left == 0) round.all_ended.wake();
}

void Health::keep(Kept& kept, const Result<void>& outcome, milliseconds took) {
    const auto now = std::chrono::system_clock::now();
    CheckState next{.dependency = kept.probe.dependency,
                    .status = outcome ? Status::healthy : Status::unhealthy,
                    .why = outcome ? std::string() : describe(outcome.error()),
                    .since = now,
                    .checked = now,
                    .took = took};
    bool changed = !outcome;
    {
        const std::scoped_lock lock(mutex_);
        if (kept.state) {
            changed = kept.state->status != next.status;
            if (!changed) next.since = kept.state->since;
        }
        kept.state = std::move(next);
        kept.asked_at = std::chrono::steady_clock::now();
        kept.interval = config_->interval;
    }
    if (!changed) return;
    const auto name = name_of(kept.probe.dependency);
    if (outcome)
        log_.info("health", "it is well again").field("check", name);
    else
        log_.error("health", "a check fails").field("check", name).error(outcome.error());
}

HealthReport Health::report(CheckStates known, SteadyTime now) const {
    const auto config = this->config();
    const std::scoped_lock lock(mutex_);
    for (const auto& kept : kept_) {
        if (!kept->state) continue;  // the first round is under way
        auto state = *kept->state;
        // A reload that shortens the interval does not wake the pause that is under way.
        const auto interval = std::max(kept->interval, config->interval);
        if (now - kept->asked_at > interval * stale_rounds + config->timeout) {
            state.status = Status::unhealthy;
            state.why = "nobody has asked it for too long: is the process short of processor time?";
        }
        auto& shown = known[std::string(name_of(state.dependency))];
        state.circuit = shown.circuit;
        state.served = shown.served;
        state.backlog = shown.backlog;
        state.backlog_age_seconds = shown.backlog_age_seconds;
        if (shown.status > state.status) {
            state.status = shown.status;
            state.why = shown.why;
        }
        shown = std::move(state);
    }
    return judged(std::move(known), *config);
}

Result<void> check_disk(const std::filesystem::path& folder, std::uint64_t free_min) {
    struct statvfs found{};
    if (::statvfs(folder.c_str(), &found) != 0)
        return fail_errno(ErrorKind::unavailable, "disk.io", folder.native(), errno);
    const auto room = std::uint64_t{found.f_bavail} * found.f_frsize;
    if (room < free_min) {
        return fail(
            ErrorKind::exhausted, "disk.full",
            fmt::format("{} has room for {} bytes, wanted: {}", folder.native(), room, free_min));
    }
    if (found.f_files > 0 && found.f_favail == 0)
        return fail(ErrorKind::exhausted, "disk.full", folder.native() + " has no inodes left");
    const int file = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    // Some file systems have no files without a name; what they take is seen with the next write.
    if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) return {};
    if (file < 0) return fail_errno(ErrorKind::unavailable, "disk.io", folder.native(), errno);
    const bool written = ::write(file, "x", 1) == 1;
    const int reason = errno;
    ::close(file);
    if (written) return {};
    return fail_errno(
        reason == ENOSPC || reason == EDQUOT ? ErrorKind::exhausted : ErrorKind::unavailable,
        reason == ENOSPC || reason == EDQUOT ? "disk.full" : "disk.io", folder.native(), reason);
}

}  // namespace gh::app
