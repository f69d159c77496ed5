#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "config/type.hpp"
#include "telemetry/log.hpp"

namespace gh::app {

/// What is checked. Upstreams are one word here, and one check each.
enum class Dependency : std::uint8_t { database, upstreams, disk, vault, ca, certificate };

[[nodiscard]] std::string_view name_of(Dependency dependency);

struct HealthConfig {
    milliseconds interval{2000};
    milliseconds timeout{2000};  ///< of one check
    std::uint64_t disk_free_min = std::uint64_t{256} * 1024 * 1024;
    std::vector<Dependency> required{Dependency::database, Dependency::upstreams};
    friend bool operator==(const HealthConfig&, const HealthConfig&) = default;
};

[[nodiscard]] config::Type<HealthConfig> health_type();

/// How one thing that Gatehouse needs is.
struct CheckState {
    enum class Status : std::uint8_t { healthy, degraded, unhealthy };
    Dependency dependency = Dependency::database;
    Status status = Status::healthy;
    bool required = false;
    std::string why;  ///< for operators alone; empty: it is well
    std::optional<std::string> circuit = {}, served = {};
    std::optional<std::int64_t> backlog = {}, backlog_age_seconds = {};
    std::optional<SystemTime> since = {};    ///< when it came to be so
    std::optional<SystemTime> checked = {};  ///< unset: it is known without asking
    milliseconds took{0};
};

[[nodiscard]] std::string_view name_of(CheckState::Status status);

using CheckStates = std::map<std::string, CheckState, std::less<>>;

struct HealthReport {
    CheckStates checks;
    /// Nothing that is required is unhealthy.
    [[nodiscard]] bool ready() const;
};

/// Says of each which are required.
[[nodiscard]] HealthReport judged(CheckStates states, const HealthConfig& config);

/// Asks what Gatehouse needs how it is, all at once and every interval, and keeps the answers: whoever wants to know costs
/// none of them anything. Any thread, but for check().
class Health {
 public:
    struct Probe {
        Dependency dependency;
        std::function<Task<Result<void>>()> run;  ///< an error says why it is unhealthy
    };
    /// @param log  outlives it
    Health(HealthConfig config, std::vector<Probe> probes, telemetry::Log& log);
    ~Health();
    Health(const Health&) = delete;
    Health& operator=(const Health&) = delete;

    /// One round, which ends within the timeout. What has not answered by then is unhealthy, and is not asked again before it
    /// has. From a coroutine of the loop that all rounds run on.
    [[nodiscard]] Task<> check();
    [[nodiscard]] milliseconds interval() const { return config()->interval; }
    [[nodiscard]] std::uint64_t disk_free_min() const { return config()->disk_free_min; }
    void apply(HealthConfig config);

    /// @param known  what needs no asking; of the same name as a check, the worse of the two counts
    [[nodiscard]] HealthReport report(CheckStates known, SteadyTime now) const;

 private:
    struct Kept;
    struct Round;
    [[nodiscard]] std::shared_ptr<const HealthConfig> config() const;
    [[nodiscard]] static Task<Result<void>> ask(std::shared_ptr<Kept> kept);
    [[nodiscard]] Task<> check_one(std::shared_ptr<Kept> kept, milliseconds timeout, Round& round);
    void keep(Kept& kept, const Result<void>& outcome, milliseconds took);

    mutable std::mutex mutex_;  // of the configuration, and of what is kept
    std::shared_ptr<const HealthConfig> config_;
    std::vector<std::shared_ptr<Kept>> kept_;
    telemetry::Log& log_;
};

/// Is there room in this folder, and does it take a file? Blocks.
/// @return `exhausted` "disk.full"; `unavailable` "disk.io"
[[nodiscard]] Result<void> check_disk(const std::filesystem::path& folder, std::uint64_t free_min);

}  // namespace gh::app
