#pragma once

#include <chrono>
#include <string>

#include "api/call.hpp"
#include "base/clock.hpp"

namespace gh::identity::oauth {

/// Whose failures are counted together.
[[nodiscard]] inline std::string network_of(const api::Call& call) {
    const auto bytes = call.client_network.bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Whole seconds, as the field says them.
[[nodiscard]] inline std::string retry_after(milliseconds wait) {
    return std::to_string(std::chrono::ceil<seconds>(wait).count());
}

}  // namespace gh::identity::oauth
