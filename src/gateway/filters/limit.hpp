#pragma once

#include "gateway/config.hpp"
#include "gateway/filter.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {

/// The route's limits by address and for the route as a whole; judged before authentication, since guessing credentials
/// must be limited too.
class LimitByAddress final : public Filter {
 public:
    explicit LimitByAddress(Services& house) : house_(house) {}
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
    /// RateLimit and RateLimit-Policy of all limits that were judged, on every answer.
    void on_response(Exchange& exchange) override;

 private:
    Services& house_;
};

/// What an agent may call within an hour, and the route's limits by principal. Who is not known is limited by address instead.
class LimitByPrincipal final : public Filter {
 public:
    explicit LimitByPrincipal(Services& house) : house_(house) {}
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;

 private:
    Services& house_;
};

}  // namespace gh::gateway
