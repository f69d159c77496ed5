#pragma once

#include <mutex>
#include <string_view>
#include <vector>

#include "bus/message.hpp"
#include "bus/message_repository.hpp"
#include "telemetry/metrics.hpp"

namespace gh::bus {

/// What this room counts.
class Counters {
 public:
    static constexpr std::size_t queues_max = 1'000;

    /// @param registry  outlives it, and shows the depths as long as it lives: so may this
    explicit Counters(telemetry::Registry& registry);

    void sent(const Draft& draft, const Sent& sent);
    /// A notification that another room has posted, and its commit is over.
    void notified(Kind kind, std::string_view recipient, std::string_view type);
    void given_out(const Batch& batch, SystemTime now);
    void expired(std::uint64_t messages) { expired_.add(messages); }
    void task(std::string_view operation) { tasks_.with({operation}).add(); }
    /// How full the inboxes are, for the scrape page.
    void set_depths(std::vector<MessageRepository::Depth> depths);

 private:
    telemetry::Family<telemetry::Counter>&sent_, &refused_, &notifications_, &tasks_;
    telemetry::Counter &redelivered_, &dead_, &expired_;
    telemetry::Histogram& delivery_;
    std::mutex depths_mutex_;
    std::vector<MessageRepository::Depth> depths_;
};

}  // namespace gh::bus
