#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// Who the client is: the peer, or, where the peer is a trusted proxy, the last address in X-Forwarded-For that is not one.
/// Anything a stranger writes into that field is not believed.
class FindClient final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
};

}  // namespace gh::gateway
