#include "net/staple.hpp"

#include <utility>

namespace gh::net {

void Staple::put(std::string ocsp_response, SystemTime good_until) {
    auto response = std::make_shared<const std::string>(std::move(ocsp_response));
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    good_until_ = good_until;
}

void Staple::take_away() {
    const std::lock_guard lock(mutex_);
    response_.reset();
}

std::shared_ptr<const std::string> Staple::at(SystemTime now) const {
    const std::lock_guard lock(mutex_);
    return now < good_until_ ? response_ : nullptr;
}

}  // namespace gh::net
