#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// A request for a host that is not ours is misdirected (421, RFC 9110 §15.5.20): rebound names and forged Host fields end
/// here.
class CheckHost final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

}  // namespace gh::gateway
