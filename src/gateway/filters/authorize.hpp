#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// Asks everything the route's `access` says of the principal. All of it must hold.
class Authorize final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

}  // namespace gh::gateway
