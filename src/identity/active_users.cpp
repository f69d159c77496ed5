#include "identity/active_users.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

namespace gh::identity {

void ActiveUsers::saw(const std::shared_ptr<const access::Principal>& principal) {
    if (principal->type != access::PrincipalType::user || !principal->expires ||
        principal->subject.empty())
        return;
    auto name = principal->issuer + '\n' + principal->subject;
    auto& stripe = stripes_[std::hash<std::string>{}(name) % stripes];
    const std::scoped_lock lock(stripe.mutex);
    auto found = stripe.users.find(name);
    if (found == stripe.users.end()) {
        if (stripe.users.size() >= users_max / stripes) return;
        found = stripe.users.emplace(std::move(name), Tokens{}).first;
    }
    auto& tokens = found->second;
    const auto same = [&](const auto& each) {
        return each->token_id == principal->token_id && each->expires == principal->expires;
    };
    if (std::ranges::any_of(tokens, same)) return;
    if (tokens.size() < tokens_max) {
        tokens.push_back(principal);
        return;
    }
    const auto ends = [](const auto& each) { return *each->expires; };
    const auto first = std::ranges::min_element(tokens, {}, ends);
    if (ends(*first) < *principal->expires) *first = principal;
}

std::size_t ActiveUsers::count(const access::Revocations& revocations, SystemTime now) {
    const auto is_over = [&](const auto& token) {
        return *token->expires <= now || revocations.covers(*token);
    };
    std::size_t active = 0;
    for (auto& stripe : stripes_) {
        const std::scoped_lock lock(stripe.mutex);
        for (auto user = stripe.users.begin(); user != stripe.users.end();) {
            std::erase_if(user->second, is_over);
            user = user->second.empty() ? stripe.users.erase(user) : std::next(user);
        }
        active += stripe.users.size();
    }
    return active;
}

}  // namespace gh::identity
