#include "vault/rotation/uses.hpp"

#include <algorithm>
#include <iterator>

#include "access/revocable.hpp"

namespace gh::vault::rotation {

std::string consumer_of(const access::Principal& principal) {
    auto name = access::text_of({.type = principal.type, .name = principal.subject});
    if (name.size() <= consumer_bytes_max) return name;
    std::size_t end = consumer_bytes_max;
    while (end > 0 && (name[end] & 0xC0) == 0x80) --end;  // not within a character
    name.resize(end);
    return name;
}

void Uses::watch(std::vector<std::string> paths) {
    const std::scoped_lock lock(mutex_);
    paths_ = {std::make_move_iterator(paths.begin()), std::make_move_iterator(paths.end())};
    watching_.store(!paths_.empty(), std::memory_order_relaxed);
}

void Uses::watch_too(std::string path) {
    const std::scoped_lock lock(mutex_);
    paths_.insert(std::move(path));
    watching_.store(true, std::memory_order_relaxed);
}

void Uses::note(std::string_view path, const access::Principal& principal, std::uint64_t version,
                SystemTime now) {
    if (!watching_.load(std::memory_order_relaxed)) return;
    Use use{.path = std::string(path),
            .consumer = consumer_of(principal),
            .version = version,
            .at = now};
    const std::scoped_lock lock(mutex_);
    if (!paths_.contains(path)) return;
    Key key(use.path, use.consumer);
    if (uses_.size() >= uses_max && !uses_.contains(key)) return;
    const auto [known, is_new] = uses_.try_emplace(std::move(key), use);
    if (is_new) return;
    known->second.version = std::max(known->second.version, version);
    known->second.at = now;
}

std::vector<Use> Uses::take() {
    const std::scoped_lock lock(mutex_);
    std::vector<Use> some;
    while (!uses_.empty() && some.size() < batch_max) {
        some.push_back(std::move(uses_.begin()->second));
        uses_.erase(uses_.begin());
    }
    return some;
}

void Uses::put_back(const std::vector<Use>& uses) {
    const std::scoped_lock lock(mutex_);
    // What was noted meanwhile is newer.
    for (const auto& use : uses) {
        const auto [known, is_new] = uses_.try_emplace(Key(use.path, use.consumer), use);
        if (!is_new) known->second.version = std::max(known->second.version, use.version);
    }
}

Task<Result<void>> Uses::write(Repository& rotations) {
    for (;;) {
        auto some = take();
        if (some.empty()) co_return Result<void>{};
        auto copy = some;
        auto done = co_await rotations.note_uses(std::move(copy));
        if (done) continue;
        put_back(some);
        co_return done;
    }
}

}  // namespace gh::vault::rotation
