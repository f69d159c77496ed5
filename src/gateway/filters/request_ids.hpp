#pragma once

#include <string_view>

#include "gateway/filter.hpp"

namespace gh::gateway {

/// X-Request-ID names this hop's exchange and is always ours; X-Correlation-ID names a whole story across hops, so that a
/// valid one is kept and a new one made otherwise. Both go to the upstream, the client and the log.
class RequestIds final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
    void on_response(Exchange& exchange) override;
};

/// 1 to 128 of A-Z a-z 0-9 . _ - : nothing that could forge a log line or a header.
[[nodiscard]] bool is_correlation_id(std::string_view text);

}  // namespace gh::gateway
