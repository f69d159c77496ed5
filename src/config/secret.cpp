#include "config/secret.hpp"

#include <cstring>

namespace gh::config {

void Secret::wipe() noexcept {
    // The capacity, not the size: a moved-from short string still holds its characters behind the terminator.
    value_.resize(value_.capacity());
    ::explicit_bzero(value_.data(), value_.size());
    value_.clear();
}

}  // namespace gh::config
