#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/type.hpp"

namespace gh::bus {

/// `bus` of gatehouse.yaml.
struct BusConfig {
    std::uint64_t message_bytes_max = 256 * 1024;      ///< of a body
    std::int64_t inbox_messages_max = 10'000;          ///< that wait in one inbox
    std::int64_t sender_messages_max = 2'000;          ///< of one sender that wait in one inbox
    std::uint64_t sender_bytes_max = 256ULL << 20;     ///< of one sender that wait in all of them
    std::uint64_t bytes_max = std::uint64_t{4} << 30;  ///< of all messages that are kept
    std::chrono::milliseconds lease{30'000};           ///< where a receiver says no other
    std::int64_t deliveries_max = 5;                   ///< of one message
    std::chrono::seconds waiting_kept{30 * 86'400};    ///< what waits longer expires
    std::chrono::seconds history_kept{7 * 86'400};     ///< what has ended is shown
    std::chrono::seconds dead_letters_kept{30 * 86'400};  ///< what was given up is shown
    std::int64_t tasks_max = 100'000;                     ///< over ones too
    std::uint64_t tasks_bytes_max = std::uint64_t{1} << 30;
    std::int64_t maker_tasks_max = 10'000;  ///< of one maker, over ones too
    std::uint64_t maker_tasks_bytes_max = 128ULL << 20;
    std::chrono::seconds tasks_kept{30 * 86'400};  ///< those that are over
    std::int64_t conversation_messages_max = 0;    ///< 0: no limit
    /// The same for conversations of agents with these names.
    std::vector<std::pair<std::string, std::int64_t>> conversation_messages_max_of;
    friend bool operator==(const BusConfig&, const BusConfig&) = default;
};

/// How `bus` is read, shown and described.
[[nodiscard]] config::Type<BusConfig> bus_type();
inline constexpr std::int64_t conversation_messages_most = 1'000'000;

/// What agents are called, in one spelling: "weather-agent" is "WEATHER_AGENT".
[[nodiscard]] std::string plain_name(std::string_view name);
/// The smallest limit of those that the names have, by themselves or as all; 0: none.
[[nodiscard]] std::int64_t conversation_limit(const BusConfig& config,
                                              const std::vector<std::string>& names);

}  // namespace gh::bus
