#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// Asks of the principal what the route's `access` says.
class Authorize final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

}  // namespace gh::gateway
