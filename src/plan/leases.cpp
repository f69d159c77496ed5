#include "plan/leases.hpp"

#include <utility>

namespace gh::plan {

void Leases::add(const std::string& lease, HeldLease held) {
    const std::scoped_lock lock(mutex_);
    if (held_.size() < leases_max) held_.insert_or_assign(lease, std::move(held));
}

std::optional<HeldLease> Leases::find(const std::string& lease) const {
    const std::scoped_lock lock(mutex_);
    const auto found = held_.find(lease);
    if (found == held_.end()) return {};
    return found->second;
}

void Leases::renew(const std::string& lease, SystemTime expires_at) {
    const std::scoped_lock lock(mutex_);
    const auto found = held_.find(lease);
    if (found != held_.end()) found->second.expires_at = expires_at;
}

void Leases::report(const std::string& lease, bool completed, milliseconds took) {
    const std::scoped_lock lock(mutex_);
    const auto found = held_.find(lease);
    if (found == held_.end()) return;
    found->second.completed = completed;
    found->second.took = took;
}

void Leases::remove(const std::string& lease) {
    const std::scoped_lock lock(mutex_);
    held_.erase(lease);
}

void Leases::forget(SystemTime before) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(held_, [before](const auto& each) { return each.second.expires_at < before; });
}

std::size_t Leases::size() const {
    const std::scoped_lock lock(mutex_);
    return held_.size();
}

}  // namespace gh::plan
