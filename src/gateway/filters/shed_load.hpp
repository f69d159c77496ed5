#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// Refuses what cannot be served well: requests that could not be read, and those beyond what this worker can hold.
class ShedLoad final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

}  // namespace gh::gateway
