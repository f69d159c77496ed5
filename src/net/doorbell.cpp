#include "net/doorbell.hpp"

#include <algorithm>
#include <utility>

namespace gh::net {

void Doorbell::tell(const std::shared_ptr<Ear>& ear) {
    if (ear->rung.exchange(true)) return;
    ear->mailbox->post([ear] {
        ear->rung.store(false);
        if (ear->wakeup != nullptr) ear->wakeup->wake();
    });
}

void Doorbell::ring(std::string_view name) {
    auto& stripe = stripe_of(name);
    const std::lock_guard lock(stripe.mutex);
    const auto visits = stripe.visits.find(name);
    if (visits == stripe.visits.end()) return;
    for (const auto& ear : visits->second) tell(ear);
}

void Doorbell::ring_all() {
    for (auto& stripe : stripes_) {
        const std::lock_guard lock(stripe.mutex);
        for (const auto& [name, ears] : stripe.visits) {
            for (const auto& ear : ears) tell(ear);
        }
    }
}

std::vector<std::string> Doorbell::names(std::size_t max) const {
    std::vector<std::string> all;
    for (const auto& stripe : stripes_) {
        const std::lock_guard lock(stripe.mutex);
        for (const auto& [name, ears] : stripe.visits) {
            if (all.size() == max) return all;
            all.push_back(name);
        }
    }
    return all;
}

std::size_t Doorbell::visitors(std::string_view name) {
    auto& stripe = stripe_of(name);
    const std::lock_guard lock(stripe.mutex);
    const auto visits = stripe.visits.find(name);
    return visits == stripe.visits.end() ? 0 : visits->second.size();
}

Doorbell::Visitor::Visitor(Doorbell& bell, std::string name, Wakeup& wakeup)
    : bell_(bell), name_(std::move(name)), ear_(std::make_shared<Ear>(wakeup)) {
    auto& stripe = bell_.stripe_of(name_);
    const std::lock_guard lock(stripe.mutex);
    stripe.visits[name_].push_back(ear_);
}

Doorbell::Visitor::~Visitor() {
    ear_->wakeup = nullptr;
    auto& stripe = bell_.stripe_of(name_);
    const std::lock_guard lock(stripe.mutex);
    const auto visits = stripe.visits.find(name_);
    auto& ears = visits->second;
    *std::ranges::find(ears, ear_) = std::move(ears.back());
    ears.pop_back();
    if (ears.empty()) stripe.visits.erase(visits);
}

}  // namespace gh::net
