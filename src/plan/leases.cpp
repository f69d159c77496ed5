#include "plan/leases.hpp"

namespace gh::plan {

void Leases::drop(Held::iterator found) {
    const auto of_step = of_step_.find({found->second.plan_id, found->second.step_id});
    if (of_step != of_step_.end() && of_step->second == found->first) of_step_.erase(of_step);
    owed_.erase(found->first);
    held_.erase(found);
}

void Leases::add(const std::string& lease, HeldLease held) {
    const std::scoped_lock lock(mutex_);
    StepName step(held.plan_id, held.step_id);
    if (const auto older = of_step_.find(step); older != of_step_.end()) {
        const auto found = held_.find(older->second);
        of_step_.erase(older);
        if (found != held_.end()) drop(found);
    }
    if (held_.size() >= leases_max) return;
    of_step_.insert_or_assign(std::move(step), lease);
    held_.insert_or_assign(lease, std::move(held));
}

std::optional<HeldLease> Leases::find(const std::string& lease) const {
    const std::scoped_lock lock(mutex_);
    const auto found = held_.find(lease);
    if (found == held_.end()) return {};
    return found->second;
}

void Leases::heard(const std::string& lease, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    const auto found = held_.find(lease);
    if (found != held_.end()) found->second.heard = now;
}

bool Leases::owe(const std::string& lease, SystemTime until) {
    const std::scoped_lock lock(mutex_);
    if (!held_.contains(lease)) return false;
    owed_.insert_or_assign(lease, until);
    return true;
}

std::vector<Renewal> Leases::owed(std::size_t most) const {
    const std::scoped_lock lock(mutex_);
    std::vector<Renewal> renewals;
    for (const auto& [lease, until] : owed_) {
        if (renewals.size() == most) break;
        const auto& held = held_.at(lease);
        renewals.push_back({.lease = lease,
                            .plan_id = held.plan_id,
                            .step_id = held.step_id,
                            .expires_at = until});
    }
    return renewals;
}

void Leases::settle(const std::vector<Renewal>& renewals) {
    const std::scoped_lock lock(mutex_);
    for (const auto& renewal : renewals) {
        const auto found = owed_.find(renewal.lease);
        if (found != owed_.end() && found->second == renewal.expires_at) owed_.erase(found);
    }
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
    const auto found = held_.find(lease);
    if (found != held_.end()) drop(found);
}

void Leases::forget(SteadyTime before) {
    const std::scoped_lock lock(mutex_);
    for (auto each = held_.begin(); each != held_.end();) {
        const auto here = each++;
        if (here->second.heard < before) drop(here);
    }
}

std::size_t Leases::size() const {
    const std::scoped_lock lock(mutex_);
    return held_.size();
}

}  // namespace gh::plan
