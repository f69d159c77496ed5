#pragma once

#include "access/authenticator.hpp"
#include "gateway/filter.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {

/// Finds out who asks. A route that is open to anyone takes a valid credential into account and does not mind a bad one.
class Authenticate final : public Filter {
 public:
    Authenticate(Services& house, access::Authenticator& authenticator)
        : house_(house), authenticator_(authenticator) {}
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;

 private:
    Services& house_;
    access::Authenticator& authenticator_;
};

/// 401 with the challenge that RFC 9110 §15.5.2 wants.
void refuse_unauthenticated(Exchange& exchange, access::Refusal refusal, std::string_view reason);

}  // namespace gh::gateway
