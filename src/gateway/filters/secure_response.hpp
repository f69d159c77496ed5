#pragma once

#include "gateway/filter.hpp"

namespace gh::gateway {

/// Security headers on every response. What an upstream says itself stays, Strict-Transport-Security aside: that one is
/// the listener's to say (RFC 6797 §7.1), over TLS only.
class SecureResponse final : public Filter {
 public:
    void on_response(Exchange& exchange) override;
};

}  // namespace gh::gateway
