#include "export/log_queue.hpp"

#include <algorithm>
#include <utility>

namespace gh::exporting {

LogQueue::LogQueue(std::size_t bytes_max, std::size_t batch_bytes) noexcept
    : bytes_max_(bytes_max),
      batch_bytes_(batch_bytes),
      step_(std::max<std::size_t>(1, std::min(batch_bytes, bytes_max / 128))) {}

bool LogQueue::reserve(Shard& shard, std::size_t bytes) noexcept {
    const auto step = std::max(step_, bytes - shard.share);
    if (reserved_.fetch_add(step, std::memory_order_relaxed) + step > bytes_max_) {
        reserved_.fetch_sub(step, std::memory_order_relaxed);
        return false;
    }
    shard.share += step;
    return true;
}

LogQueue::Added LogQueue::add(std::string_view line) {
    Shard& shard = shards_[telemetry::shard()];
    const std::scoped_lock lock(shard.mutex);
    if (shut_.load(std::memory_order_acquire)) return Added::no_room;
    const auto bytes = shard.text.size() + line.size();
    if (bytes > shard.share && !reserve(shard, bytes)) return Added::no_room;
    shard.text.append(line);
    return bytes >= batch_bytes_ ? Added::batch_is_full : Added::yes;
}

bool LogQueue::take(std::size_t index, Batch& batch) {
    Shard& shard = shards_[index];
    {
        const std::scoped_lock lock(shard.mutex);
        if (shard.text.empty()) return false;
    }
    batch.text.reserve(batch_bytes_ + batch_bytes_ / 4);  // here, so that no worker has to
    const std::scoped_lock lock(shard.mutex);
    std::swap(shard.text, batch.text);
    batch.share = std::exchange(shard.share, 0);
    return true;
}

void LogQueue::give_back(Batch& batch) {
    reserved_.fetch_sub(std::exchange(batch.share, 0), std::memory_order_relaxed);
    if (batch.text.capacity() > 4 * batch_bytes_) batch.text = {};  // swollen by a bad time
    batch.text.clear();
}

}  // namespace gh::exporting
