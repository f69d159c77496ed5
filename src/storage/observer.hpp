#pragma once

#include <array>
#include <chrono>

#include "base/error.hpp"
#include "storage/statement.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::storage {

/// Counts and times every statement, and logs the slow ones: their name and fingerprint, never their values.
class Observer {
 public:
    /// @param log  may be null: slow statements are then only counted
    Observer(telemetry::Registry& registry, telemetry::Log* log, milliseconds slow);
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;

    [[nodiscard]] telemetry::Registry& registry() const { return registry_; }

    /// From any thread.
    virtual void done(const Statement& statement, std::chrono::nanoseconds took,
                      const Error* error);

 private:
    static constexpr std::array<std::string_view, 5> kinds{"select", "insert", "update", "delete",
                                                           "other"};
    struct Series {
        telemetry::Histogram* duration;
        telemetry::Counter* errors;
    };
    telemetry::Registry& registry_;
    std::array<Series, kinds.size()> series_;
    telemetry::Counter& slow_;
    telemetry::Log* log_;
    const milliseconds slow_after_;
};

/// First 16 hex digits of the SHA-256 of the statement's text: the same on every node and in every version that has it.
[[nodiscard]] std::string fingerprint(const Statement& statement);

}  // namespace gh::storage
