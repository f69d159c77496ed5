#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// The CORS protocol (Fetch standard) for routes that have `cors`. Preflights are answered here, and the fields that the
/// protocol reads are ours to say on such a route: an upstream's own are removed.
class Cors final : public Filter {
 public:
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
    void on_response(Exchange& exchange) override;
};

}  // namespace gh::gateway
