#include "access/http_proofs.hpp"

#include <utility>

namespace gh::access {

Result<void> HttpProofs::put(std::string token, std::string proof) {
    auto shared = std::make_shared<const std::string>(std::move(proof));
    const std::scoped_lock lock(mutex_);
    if (proofs_.size() >= proofs_max) return fail(ErrorKind::exhausted, "acme.proofs");
    proofs_.insert_or_assign(std::move(token), std::move(shared));
    return {};
}

void HttpProofs::take_away(std::string_view token) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = proofs_.find(token); found != proofs_.end()) proofs_.erase(found);
}

std::shared_ptr<const std::string> HttpProofs::find(std::string_view target) const {
    if (!target.starts_with(path)) return nullptr;  // no lock for all others
    const std::scoped_lock lock(mutex_);
    const auto found = proofs_.find(target.substr(path.size()));
    return found == proofs_.end() ? nullptr : found->second;
}

}  // namespace gh::access
