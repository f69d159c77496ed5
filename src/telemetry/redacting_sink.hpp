#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "telemetry/log.hpp"
#include "telemetry/redaction.hpp"

namespace gh::telemetry {

/// Who redacts at the moment; nobody, when it is null. Shared by the sinks of a process, and changed while they run.
class RedactorSource {
 public:
    RedactorSource();
    void publish(std::shared_ptr<const Redactor> redactor);

    /// Changes with every publication.
    [[nodiscard]] std::uint64_t generation() const noexcept {
        return generation_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::shared_ptr<const Redactor> current() const;

 private:
    std::atomic<std::uint64_t> generation_;  ///< never that of another source
    mutable std::mutex mutex_;
    std::shared_ptr<const Redactor> redactor_;
};

/// Stands in front of a sink: what passes has been redacted. A line that cannot be redacted because memory is short is
/// dropped.
class RedactingSink final : public LogSink {
 public:
    /// Both outlive this object.
    RedactingSink(LogSink& behind, const RedactorSource& source) noexcept
        : behind_(behind), source_(source) {}
    void append(std::string_view line) noexcept override;

 private:
    LogSink& behind_;
    const RedactorSource& source_;
};

}  // namespace gh::telemetry
