#pragma once

#include "gateway/filter.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {

/// Answers a CA that looks for the proof of http-01 (RFC 8555 §8.3), on every listener. Tokens that are not ours walk on: an
/// upstream may prove names of its own.
class AnswerProof final : public Filter {
 public:
    explicit AnswerProof(Services& house) : house_(house) {}
    [[nodiscard]] Verdict on_request(Exchange& exchange) override;

 private:
    Services& house_;
};

}  // namespace gh::gateway
