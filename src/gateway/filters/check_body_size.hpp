#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// A body that says it is too large is refused before anyone upstream hears of it. One that does not say is counted by the
/// proxy as it comes.
class CheckBodySize final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

void refuse_too_large(Exchange& exchange);

}  // namespace gh::gateway
