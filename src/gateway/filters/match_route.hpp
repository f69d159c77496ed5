#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// Normalises the path (RFC 3986 §6.2.2) and finds the route. What is judged here is what the upstream receives.
class MatchRoute final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

}  // namespace gh::gateway
