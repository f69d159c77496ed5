#pragma once

#include "gateway/pipeline.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {

/// The doors every request passes, with the reason for their order.
[[nodiscard]] Pipeline standard_pipeline(Services& house, access::Authenticator& authenticator);

}  // namespace gh::gateway
