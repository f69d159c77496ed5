#include "export/loki_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gh::exporting {
namespace {

struct Head {
    std::int64_t nanoseconds;
    std::uint32_t bytes;
    loki::Stream stream;
};

/// Cuts what add() has put together.
void read_entries(std::string_view text, std::vector<loki::Entry>& out) {
    while (text.size() >= sizeof(Head)) {
        Head head{};
        std::memcpy(&head, text.data(), sizeof head);
        auto lines = text.substr(sizeof head, head.bytes);
        text.remove_prefix(sizeof head + lines.size());
        while (!lines.empty()) {
            const auto end = std::min(lines.find('\n'), lines.size());
            if (end > 0) out.push_back({head.nanoseconds, head.stream, lines.substr(0, end)});
            lines.remove_prefix(std::min(end + 1, lines.size()));
        }
    }
}

}  // namespace

LogQueue::Added LokiQueue::add(loki::Stream stream, std::string_view lines,
                               std::int64_t nanoseconds) {
    thread_local std::string whole;
    const Head head{nanoseconds, static_cast<std::uint32_t>(lines.size()), stream};
    char bytes[sizeof head] = {};
    std::memcpy(bytes, &head, sizeof head);
    whole.assign(bytes, sizeof bytes).append(lines);
    return queue_.add(whole);
}

std::vector<LokiQueue::Body> LokiQueue::take(const loki::Labels& labels) {
    std::vector<LogQueue::Batch> batches;
    std::vector<loki::Entry> entries;
    for (std::size_t shard = 0; shard < telemetry::shards_max; ++shard) {
        LogQueue::Batch batch;
        if (queue_.take(shard, batch)) batches.push_back(std::move(batch));
    }
    for (const auto& batch : batches) read_entries(batch.text, entries);
    // Those of one moment stay as they stand in their buffer.
    std::ranges::sort(entries, {}, [](const loki::Entry& entry) {
        return std::pair(entry.nanoseconds, reinterpret_cast<std::uintptr_t>(entry.line.data()));
    });
    std::vector<Body> bodies;
    std::vector<loki::Entry> some;
    std::size_t bytes = 0;
    const auto end = [&] {
        Body body{.lines = static_cast<std::uint32_t>(some.size()), .text = {}};
        body.text.reserve(bytes + bytes / 4);
        loki::append_body(body.text, labels, some);
        bodies.push_back(std::move(body));
        some.clear();
        bytes = 0;
    };
    for (auto& entry : entries) {
        entry.nanoseconds = stamps_.stamp(entry.nanoseconds);
        bytes += entry.line.size();
        some.push_back(entry);
        if (bytes >= batch_bytes_) end();
    }
    if (!some.empty()) end();
    for (auto& batch : batches) queue_.give_back(batch);
    return bodies;
}

}  // namespace gh::exporting
