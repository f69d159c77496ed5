#pragma once

#include <cstddef>

#include "access/authenticator.hpp"
#include "gateway/filter.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {

/// Finds out who asks. A route that is open to anyone takes a valid credential into account and does not mind a bad one.
class Authenticate final : public Filter {
 public:
    Authenticate(Services& house, access::Authenticator& authenticator,
                 milliseconds wait_max = seconds(5))
        : house_(house), authenticator_(authenticator), wait_max_(wait_max) {}
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;
    /// Until the database has told who it is, the client has gone, or it has taken too long (503).
    [[nodiscard]] Task<Verdict> wait(Exchange& exchange) override;

    static constexpr std::size_t waiting_max = 1024;  ///< exchanges of one worker; beyond: 503

 private:
    [[nodiscard]] Verdict settle(Exchange& exchange, access::Verdict verdict);

    Services& house_;
    access::Authenticator& authenticator_;
    milliseconds wait_max_;
};

/// 401 with the challenge that RFC 9110 §15.5.2 wants.
void refuse_unauthenticated(Exchange& exchange, access::Refusal refusal, std::string_view reason,
                            access::Challenge challenge = access::Challenge::bearer);
/// The same to whom was let in and has lost the right since.
void refuse_revoked(Exchange& exchange);

}  // namespace gh::gateway
