#include "gateway/filters/request_ids.hpp"

#include <algorithm>

#include "gateway/exchange.hpp"
#include "gateway/exchange_trace.hpp"

namespace gh::gateway {

bool is_correlation_id(std::string_view text) {
    constexpr std::size_t length_max = 128;
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !text.empty() && text.size() <= length_max && std::ranges::all_of(text, allowed);
}

Verdict RequestIds::on_request(Exchange& exchange) {
    const auto& fields = exchange.request().fields;
    const auto given = fields.value(http::FieldId::x_correlation_id);
    if (is_correlation_id(given) && fields.count(http::FieldId::x_correlation_id) == 1) {
        exchange.correlation_id = given;
    } else {
        exchange.correlation_id = exchange.arena.copy(view(uuid_v4()));
    }
    begin_trace(exchange);
    return Verdict::walk_on;
}

void RequestIds::on_response(Exchange& exchange) {
    constexpr http::FieldSet ours{http::FieldId::x_request_id, http::FieldId::x_correlation_id};
    exchange.response.fields.remove(ours);
    exchange.add_field(http::FieldId::x_request_id, "X-Request-ID", exchange.request_id_text());
    exchange.add_field(http::FieldId::x_correlation_id, "X-Correlation-ID",
                       exchange.correlation_id);
}

}  // namespace gh::gateway
