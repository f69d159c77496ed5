#include "identity/login_throttle.hpp"

#include <algorithm>

#include "identity/user.hpp"

namespace gh::identity {
namespace {

constexpr std::size_t name_bytes_kept = user_name_bytes_max;  // longer ones are nobody's

std::string pair_key(std::string_view name, std::string_view network) {
    return std::string(network) + '\n' + folded(name.substr(0, name_bytes_kept));
}

}  // namespace

LoginThrottle::Entry* LoginThrottle::find(const std::string& key) {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &*found->second;
}

LoginThrottle::Entry& LoginThrottle::put(const std::string& key) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) {
        if (entries_.size() >= options_.entries_max) {
            by_key_.erase(entries_.back().key);
            entries_.pop_back();
        }
        entries_.push_front({.key = key});
        found = by_key_.emplace(entries_.front().key, entries_.begin()).first;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return *found->second;
}

std::optional<milliseconds> LoginThrottle::wait_within(const std::string& pair,
                                                       const std::string& network, SteadyTime now) {
    const auto wait = [now](const Entry* entry) -> std::optional<milliseconds> {
        if (entry == nullptr || entry->blocked_until <= now) return {};
        return std::chrono::ceil<milliseconds>(entry->blocked_until - now);
    };
    const auto* own = find(pair);
    if (own != nullptr && own->at_home) return wait(own);
    return std::max(wait(own), wait(find(network)));
}

std::optional<milliseconds> LoginThrottle::wait_of(std::string_view name, std::string_view network,
                                                   SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    return wait_within(pair_key(name, network), std::string(network), now);
}

/// Takes the attempt that a network which has to wait is given now and then, for a name that is not the reason of it.
bool LoginThrottle::trickles(const std::string& pair, const std::string& network, SteadyTime now) {
    const auto* own = find(pair);
    auto* all = find(network);
    if ((own != nullptr && own->failures > 0) || all == nullptr || now < all->trickles_at)
        return false;
    all->trickles_at = now + options_.trickle;
    return true;
}

std::expected<LoginThrottle::Attempt, milliseconds> LoginThrottle::begin(std::string_view name,
                                                                         std::string_view network,
                                                                         SteadyTime now) {
    constexpr milliseconds until_one_ends{1'000};
    const auto pair = pair_key(name, network);
    std::string key(network);
    const std::scoped_lock lock(mutex_);
    const auto wait = wait_within(pair, key, now);
    const auto found = at_once_.find(key);
    if (found != at_once_.end() && found->second >= options_.at_once)
        return std::unexpected(std::max(wait.value_or(until_one_ends), until_one_ends));
    if (wait && !trickles(pair, key, now)) return std::unexpected(*wait);
    ++at_once_[key];
    return Attempt(*this, std::move(key));
}

void LoginThrottle::leave(const std::string& network) {
    const std::scoped_lock lock(mutex_);
    const auto found = at_once_.find(network);
    if (--found->second == 0) at_once_.erase(found);
}

void LoginThrottle::count(const std::string& key, unsigned free, SteadyTime now) {
    auto& entry = put(key);
    if (now - entry.last > options_.forgotten_after) entry.failures = 0;
    entry.last = now;
    ++entry.failures;
    if (entry.failures < free) return;
    const auto doublings = std::min(entry.failures - free, 30U);
    const auto wait =
        std::min(options_.first_wait * (std::int64_t{1} << doublings), options_.longest_wait);
    entry.blocked_until = now + wait;
}

void LoginThrottle::failed(std::string_view name, std::string_view network, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    count(pair_key(name, network), options_.free_failures, now);
    count(std::string(network), options_.network_free_failures, now);
}

void LoginThrottle::succeeded(std::string_view name, std::string_view network, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    auto& entry = put(pair_key(name, network));
    entry.failures = 0;
    entry.blocked_until = {};
    entry.at_home = true;
    entry.last = now;
}

std::size_t LoginThrottle::size() const {
    const std::scoped_lock lock(mutex_);
    return entries_.size();
}

}  // namespace gh::identity
