#include "gateway/filters/answer_proof.hpp"

#include <utility>

#include "gateway/exchange.hpp"

namespace gh::gateway {

Verdict AnswerProof::on_request(Exchange& exchange) {
    const auto& request = exchange.request();
    const bool reads = request.method == http::Method::get || request.method == http::Method::head;
    if (house_.proofs == nullptr || !reads) return Verdict::walk_on;
    auto proof = house_.proofs->find(request.target);
    if (!proof) return Verdict::walk_on;
    exchange.response.status = 200;
    exchange.shared_body = std::move(proof);
    exchange.add_field(http::FieldId::content_type, "Content-Type", "application/octet-stream");
    return Verdict::answered;
}

}  // namespace gh::gateway
