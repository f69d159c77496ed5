#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "telemetry/log.hpp"

namespace gh::telemetry {

/// Hands each line to a sink, and to others that join later and leave again.
class TeeSink final : public LogSink {
 public:
    static constexpr std::size_t others_max = 4;

    /// @param first  outlives this object
    explicit TeeSink(LogSink& first) noexcept : first_(first) {}

    /// Has lines from now on. @return false: there are others_max already
    bool join(LogSink& sink) noexcept {
        for (auto& other : others_) {
            LogSink* nobody = nullptr;
            if (other.compare_exchange_strong(nobody, &sink)) return true;
        }
        return false;
    }
    /// Has none any more. When nobody logs at the same moment.
    void leave(LogSink& sink) noexcept {
        for (auto& other : others_) {
            LogSink* it = &sink;
            other.compare_exchange_strong(it, nullptr);
        }
    }

    void append(std::string_view line) noexcept override {
        first_.append(line);
        for (auto& other : others_) {
            if (auto* sink = other.load(std::memory_order_acquire)) sink->append(line);
        }
    }

 private:
    LogSink& first_;
    std::array<std::atomic<LogSink*>, others_max> others_{};
};

}  // namespace gh::telemetry
