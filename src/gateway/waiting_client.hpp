#pragma once

#include "api/stream.hpp"
#include "gateway/exchange.hpp"

namespace gh::gateway {

/// Who waits for an answer of ours, as handlers see it.
class WaitingClient final : public api::Stream {
 public:
    explicit WaitingClient(Exchange& exchange) : exchange_(exchange) {}

    [[nodiscard]] bool gone() const override;
    /// The same without the client's own part: its credential has ended, or the house is about to stop.
    [[nodiscard]] bool is_over() const;
    [[nodiscard]] net::Wakeup& wakeup() override { return exchange_.client->wakeup(); }
    [[nodiscard]] net::Wakeup::Awaiter wait(SteadyTime deadline) override;
    [[nodiscard]] Task<bool> write(std::string_view octets) override;

 private:
    /// With its credential, or now where that was revoked. Most answers are there before anybody asks.
    [[nodiscard]] SteadyTime ends_at() const;

    Exchange& exchange_;
    mutable bool bounded_ = false;  // its credential's end is in exchange_.ends_at
};

/// Has the answer told whose head has just left, and ends it. Where its credential ended meanwhile the log says so; the client
/// learns it when it asks again.
[[nodiscard]] Task<> tell_answer(Exchange& exchange);

}  // namespace gh::gateway
