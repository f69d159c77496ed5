#pragma once

#include <algorithm>

#include "api/stream.hpp"
#include "gateway/exchange.hpp"

namespace gh::gateway {

/// Who waits for an answer of ours, as handlers see it.
class WaitingClient final : public api::Stream {
 public:
    /// From now on the exchange ends with the credential it came with.
    explicit WaitingClient(Exchange& exchange) : exchange_(exchange) {
        exchange.ends_at = std::min(exchange.ends_at, credential_end(exchange));
    }

    [[nodiscard]] bool gone() const override;
    [[nodiscard]] net::Wakeup& wakeup() override { return exchange_.client->wakeup(); }
    [[nodiscard]] net::Wakeup::Awaiter wait(SteadyTime deadline) override;
    [[nodiscard]] Task<bool> write(std::string_view octets) override;

 private:
    Exchange& exchange_;
};

/// Has the answer told whose head has just left, and ends it. Where its credential ended meanwhile the log says so; the client
/// learns it when it asks again.
[[nodiscard]] Task<> tell_answer(Exchange& exchange);

}  // namespace gh::gateway
