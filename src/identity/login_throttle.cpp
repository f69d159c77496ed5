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

std::optional<milliseconds> LoginThrottle::wait_of_key(const std::string& key, SteadyTime now) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || found->second->blocked_until <= now) return {};
    return std::chrono::ceil<milliseconds>(found->second->blocked_until - now);
}

std::optional<milliseconds> LoginThrottle::wait_of(std::string_view name, std::string_view network,
                                                   SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    const auto of_pair = wait_of_key(pair_key(name, network), now);
    const auto of_network = wait_of_key(std::string(network), now);
    return std::max(of_pair, of_network);
}

std::expected<LoginThrottle::Attempt, milliseconds> LoginThrottle::begin(std::string_view name,
                                                                         std::string_view network,
                                                                         SteadyTime now) {
    constexpr milliseconds until_one_ends{1'000};
    if (const auto wait = wait_of(name, network, now)) return std::unexpected(*wait);
    std::string key(network);
    const std::scoped_lock lock(mutex_);
    auto& running = at_once_[key];
    if (running >= options_.at_once) return std::unexpected(until_one_ends);
    ++running;
    return Attempt(*this, std::move(key));
}

void LoginThrottle::leave(const std::string& network) {
    const std::scoped_lock lock(mutex_);
    const auto found = at_once_.find(network);
    if (--found->second == 0) at_once_.erase(found);
}

void LoginThrottle::count(const std::string& key, unsigned free, SteadyTime now) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) {
        if (entries_.size() >= options_.entries_max) {
            by_key_.erase(entries_.back().key);
            entries_.pop_back();
        }
        entries_.push_front({.key = key, .failures = 0, .last = now, .blocked_until = {}});
        found = by_key_.emplace(entries_.front().key, entries_.begin()).first;
    }
    auto& entry = *found->second;
    entries_.splice(entries_.begin(), entries_, found->second);
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

void LoginThrottle::forget(const std::string& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    const auto entry = found->second;
    by_key_.erase(found);
    entries_.erase(entry);
}

void LoginThrottle::succeeded(std::string_view name, std::string_view network) {
    const std::scoped_lock lock(mutex_);
    forget(pair_key(name, network));
}

std::size_t LoginThrottle::size() const {
    const std::scoped_lock lock(mutex_);
    return entries_.size();
}

}  // namespace gh::identity
