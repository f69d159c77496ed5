#include "pki/acme/turns.hpp"

#include <utility>

namespace gh::pki::acme {

Turns::Place::Place(Turns& turns, std::string account_id, std::string what)
    : turns_(turns), account_id_(std::move(account_id)), what_(std::move(what)) {}

Turns::Place::~Place() {
    give_back();
    turns_.leave(account_id_, what_);
}

Task<> Turns::Place::turn() {
    const net::Answer<bool> called(*net::Loop::current());
    turns_.wait(account_id_, called.giver());
    begun_ = co_await called.wait();
}

void Turns::Place::give_back() {
    if (std::exchange(begun_, false)) turns_.end(account_id_);
}

std::unique_ptr<Turns::Place> Turns::line_up(const std::string& account_id,
                                             const std::string& what) {
    const std::scoped_lock lock(mutex_);
    const auto own = accounts_.find(account_id);
    if (line_.size() >= places_max) return nullptr;
    if (own != accounts_.end() && own->second.places >= places_of_account_max) return nullptr;
    auto place = std::make_unique<Place>(*this, account_id, what);
    ++accounts_[account_id].places;
    line_.insert(what);
    return place;
}

bool Turns::contains(const std::string& what) const {
    const std::scoped_lock lock(mutex_);
    return line_.contains(what);
}

std::size_t Turns::in_line() const {
    const std::scoped_lock lock(mutex_);
    return line_.size();
}

void Turns::wait(const std::string& account_id, Waiter waiter) {
    const std::scoped_lock lock(mutex_);
    accounts_.at(account_id).waiting.push_back(std::move(waiter));
    call_next();
}

void Turns::end(const std::string& account_id) {
    const std::scoped_lock lock(mutex_);
    --trying_;
    --accounts_.at(account_id).trying;
    call_next();
}

void Turns::leave(const std::string& account_id, const std::string& what) {
    const std::scoped_lock lock(mutex_);
    line_.erase(line_.find(what));
    const auto own = accounts_.find(account_id);
    if (--own->second.places == 0) accounts_.erase(own);
}

void Turns::call_next() {
    // Once round the accounts, from the one behind whose turn came last; one that was called begins a new round.
    std::size_t passed = 0;
    while (trying_ < at_once_max && passed < accounts_.size()) {
        auto next = accounts_.upper_bound(last_);
        if (next == accounts_.end()) next = accounts_.begin();
        last_ = next->first;
        auto& account = next->second;
        if (account.waiting.empty() || account.trying >= of_account_max) {
            ++passed;
            continue;
        }
        passed = 0;
        ++trying_;
        ++account.trying;
        account.waiting.front()(true);
        account.waiting.pop_front();
    }
}

}  // namespace gh::pki::acme
