#include "identity/key_uses.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace gh::identity {

void KeyUses::note(std::string_view id, SystemTime now) {
    const std::scoped_lock lock(mutex_);
    std::string key(id);
    if (times_.size() >= keys_max && !times_.contains(key)) return;
    auto& time = times_[std::move(key)];
    time = std::max(time, now);
}

std::size_t KeyUses::size() const {
    const std::scoped_lock lock(mutex_);
    return times_.size();
}

KeyUses::Times KeyUses::take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(times_, {});
}

Task<Result<void>> KeyUses::write(KeyRepository& keys) {
    auto times = take();
    while (!times.empty()) {
        std::vector<std::pair<std::string, SystemTime>> batch;
        for (auto at = times.begin(); at != times.end() && batch.size() < batch_max; ++at)
            batch.push_back(*at);
        auto done = co_await keys.touch(batch);
        if (!done) {
            for (const auto& [id, time] : times) note(id, time);
            co_return std::unexpected(std::move(done).error());
        }
        for (const auto& [id, time] : batch) times.erase(id);
    }
    co_return Result<void>{};
}

}  // namespace gh::identity
