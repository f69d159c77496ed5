#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// A listener with `redirect_to` answers every request with the same target over TLS.
class Redirect final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

}  // namespace gh::gateway
