#include "bus/config.hpp"

#include <algorithm>

#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::bus {
namespace {

constexpr std::size_t names_max = 256;

}  // namespace

config::Type<BusConfig> bus_type() {
    using std::chrono::days;
    using std::chrono::hours;
    using std::chrono::milliseconds;
    using std::chrono::minutes;
    constexpr std::uint64_t kib = 1024;
    const auto conversation = config::integer_64(0, conversation_messages_most);
    config::Object<BusConfig> table;
    table.key("message_bytes_max", &BusConfig::message_bytes_max,
              config::size<std::uint64_t>(kib, 1024 * kib), "Of the body of a message.");
    table.key("inbox_messages_max", &BusConfig::inbox_messages_max,
              config::integer_64(1, 10'000'000),
              "Messages that wait in one inbox; more are refused (429).");
    table.key("sender_messages_max", &BusConfig::sender_messages_max,
              config::integer_64(1, 10'000'000),
              "Of one sender that wait in one inbox; more are refused (429).");
    table.key("sender_bytes_max", &BusConfig::sender_bytes_max,
              config::size<std::uint64_t>(1024 * kib, kib * kib * kib * kib),
              "Of one sender that wait in all inboxes together (429), and of all that is kept of "
              "it while the house is nearly full (507).");
    table.key(
        "bytes_max", &BusConfig::bytes_max,
        config::size<std::uint64_t>(1024 * kib, kib * kib * kib * kib),
        "Of all messages that are kept, those that have ended among them; when it is full, the "
        "oldest of these go early, ten minutes after their end at the earliest, and what finds no "
        "place is refused (507).");
    table.key("lease", &BusConfig::lease, config::duration(milliseconds(1'000), hours(12)),
              "How long a receiver has to acknowledge, where it says nothing else.");
    table.key("deliveries_max", &BusConfig::deliveries_max, config::integer_64(1, 100),
              "A message that was given out so often in vain is given up.");
    table.key("waiting_kept", &BusConfig::waiting_kept,
              config::whole_seconds(minutes(1), days(3'650)),
              "What waits longer, after it was sent or due, expires.");
    table.key("history_kept", &BusConfig::history_kept,
              config::whole_seconds(minutes(1), days(3'650)),
              "How long messages are shown after their end, and their ids known.");
    table.key("dead_letters_kept", &BusConfig::dead_letters_kept,
              config::whole_seconds(minutes(1), days(3'650)), "The same for those given up.");
    table.key("tasks_max", &BusConfig::tasks_max, config::integer_64(1, 10'000'000),
              "Of all makers, those that are over among them; when there are nearly as many, the "
              "oldest of these go early; more are refused (507).");
    table.key("tasks_bytes_max", &BusConfig::tasks_bytes_max,
              config::size<std::uint64_t>(1024 * kib, kib * kib * kib * kib), "The same.");
    table.key("maker_tasks_max", &BusConfig::maker_tasks_max, config::integer_64(1, 10'000'000),
              "Of one maker; its oldest that are over go for new ones, then these are refused "
              "(429).");
    table.key("maker_tasks_bytes_max", &BusConfig::maker_tasks_bytes_max,
              config::size<std::uint64_t>(1024 * kib, kib * kib * kib * kib), "The same.");
    table.key("tasks_kept", &BusConfig::tasks_kept, config::whole_seconds(minutes(1), days(3'650)),
              "How long tasks are shown that are over.");
    table.key("conversation_messages_max", &BusConfig::conversation_messages_max, conversation,
              "Messages of one conversation; 0: no limit.");
    table.key("conversation_messages_max_of", &BusConfig::conversation_messages_max_of,
              config::map_of(conversation, names_max),
              "Instead, for conversations with agents of these names: {weather-agent: 10}.");
    return table.type();
}

std::string plain_name(std::string_view name) {
    std::string plain(name);
    for (char& c : plain) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (c == '-' || c == '.') c = '_';
    }
    return plain;
}

std::int64_t conversation_limit(const BusConfig& config, const std::vector<std::string>& names) {
    std::int64_t limit = 0;
    const auto heed = [&limit](std::int64_t one) {
        if (one > 0) limit = limit == 0 ? one : std::min(limit, one);
    };
    for (const auto& name : names) {
        auto of_name = config.conversation_messages_max;
        for (const auto& [called, most] : config.conversation_messages_max_of)
            if (plain_name(called) == plain_name(name)) of_name = most;
        heed(of_name);
    }
    if (names.empty()) heed(config.conversation_messages_max);
    return limit;
}

}  // namespace gh::bus
