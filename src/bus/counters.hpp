#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/message.hpp"
#include "bus/message_repository.hpp"
#include "telemetry/metrics.hpp"

namespace gh::bus {

/// What this room counts.
class Counters {
 public:
    // Inboxes that are shown. Those of agents are as many as agents; whoever sends can think of others.
    static constexpr std::size_t agents_max = 10'000, others_max = 1'000;

    /// @param registry  outlives it, and shows the depths as long as it lives: so may this
    explicit Counters(telemetry::Registry& registry);

    void sent(const Draft& draft, const Sent& sent);
    /// A notification that another room has posted, and its commit is over.
    void notified(Kind kind, std::string_view sender, std::string_view recipient,
                  std::string_view type);
    void given_out(const Batch& batch, SystemTime now);
    void expired(std::uint64_t messages) { expired_.add(messages); }
    void task(std::string_view operation) { tasks_.with({operation}).add(); }
    /// How full the inboxes are, for the scrape page.
    void set_depths(std::vector<MessageRepository::Depth> depths);

 private:
    telemetry::Family<telemetry::Counter>&sent_, &refused_, &notifications_, &tasks_;
    telemetry::Counter &redelivered_, &dead_, &expired_;
    telemetry::Histogram& delivery_;
    /// One sender can make so many new series, and all together: then it is the type "other".
    static constexpr std::size_t series_of_sender_max = 2'000, series_max = 50'000;
    [[nodiscard]] std::string_view type_shown(std::string_view sender, std::string_view agent,
                                              std::string_view type);
    std::mutex series_mutex_;
    std::set<std::pair<std::string, std::string>> series_;  // agent, type
    std::map<std::string, std::size_t, std::less<>> series_of_;
    std::mutex depths_mutex_;
    std::vector<MessageRepository::Depth> depths_;
};

}  // namespace gh::bus
