#include "gateway/own_answer.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "api/path_tree.hpp"
#include "api/problem.hpp"
#include "gateway/filters/authenticate.hpp"
#include "gateway/filters/check_body_size.hpp"
#include "gateway/talking_client.hpp"
#include "gateway/waiting_client.hpp"
#include "gateway/worker.hpp"
#include "http/characters.hpp"

namespace gh::gateway {
namespace {

using http::BodyPiece;

/// A body that must not outlive its exchange: passwords come in bodies.
struct HeldBody {
    HeldBody() = default;
    HeldBody(const HeldBody&) = delete;
    HeldBody& operator=(const HeldBody&) = delete;
    ~HeldBody() { ::explicit_bzero(text.data(), text.size()); }

    /// Room that is given back is wiped, too.
    void append(std::string_view bytes) {
        if (text.size() + bytes.size() > text.capacity()) {
            std::string larger;
            larger.reserve(std::max(text.capacity() * 2, text.size() + bytes.size()));
            larger = std::string_view(text);
            ::explicit_bzero(text.data(), text.size());
            text = std::move(larger);
        }
        text += bytes;
    }
    std::string text;
};

std::string_view media_type_of(const http::Fields& fields) {
    const auto value = fields.value(http::FieldId::content_type);
    return http::trim(value.substr(0, value.find(';')));
}

/// Does the route take a body like this one? It says so itself where it does not.
bool takes_body(Exchange& exchange, const api::Contract& contract) {
    const auto& fields = exchange.request().fields;
    if (contract.media_types.empty()) {
        // Of unknown length it may yet turn out to be empty: HTTP/2 clients often leave it open.
        if (exchange.request().body.kind == http::Framing::chunked) return true;
        exchange.refuse(415, "body.unexpected", "This takes no request body.");
        return false;
    }
    const auto type = media_type_of(fields);
    const bool known = std::ranges::any_of(contract.media_types, [&](const auto& taken) {
        return taken == api::any_media_type || (http::equals_ignoring_case(taken, type) &&
                                                fields.count(http::FieldId::content_type) == 1);
    });
    if (known && !fields.has(http::FieldId::content_encoding)) return true;
    std::string taken;
    for (const auto& each : contract.media_types) taken += (taken.empty() ? "" : ", ") + each;
    exchange.refuse(
        415, "body.media_type",
        "The request body must be of this media type, without a coding: " + taken + ".");
    exchange.add_field(http::FieldId::accept, "Accept", exchange.arena.copy(taken));
    return false;
}

void refuse_slow(Exchange& exchange) {
    exchange.refuse(408, "http.body_timeout", "The request body did not arrive in time.");
    exchange.outcome = outcome::client_slow;
    exchange.client->close_after();
}

/// Reads the body to its end.
/// @return false when it is answered, or nobody is left to be
Task<bool> read_body(Exchange& exchange, std::uint64_t bytes_max, HeldBody& into) {
    auto& client = *exchange.client;
    auto& wakeup = client.wakeup();
    auto& loop = exchange.worker->loop;
    const auto patience = exchange.snapshot->limits.body_idle_timeout;
    const auto deadline = loop.now() + 2 * patience;
    client.send_continue();
    wakeup.expire_at(std::min(deadline, loop.now() + patience));
    for (;;) {
        const auto piece = client.body();
        switch (piece.state) {
            case BodyPiece::State::data:
                if (piece.bytes.size() > bytes_max - into.text.size()) {
                    refuse_too_large(exchange);
                    co_return false;
                }
                into.append(piece.bytes);
                if (loop.now() >= deadline) {
                    refuse_slow(exchange);
                    co_return false;
                }
                wakeup.expire_at(std::min(deadline, loop.now() + patience));
                break;
            case BodyPiece::State::end: co_return true;
            case BodyPiece::State::malformed:
                exchange.refuse(400, "http.body_malformed", "The request body is malformed.");
                exchange.outcome = outcome::client_malformed;
                client.close_after();
                co_return false;
            case BodyPiece::State::closed: exchange.outcome = outcome::client_gone; co_return false;
            case BodyPiece::State::blocked:
                if (client.gone()) {
                    exchange.outcome = outcome::client_gone;
                    co_return false;
                }
                if (exchange.revoked) {
                    refuse_revoked(exchange);
                    co_return false;
                }
                if (wakeup.expired()) {
                    refuse_slow(exchange);
                    co_return false;
                }
                co_await wakeup.wait();
        }
    }
}

bool has_body(const http::BodyFraming& body) {
    return body.kind != http::Framing::none &&
           !(body.kind == http::Framing::length && body.length == 0);
}

void log_failure(Exchange& exchange, const Error& error) {
    auto& log = exchange.worker->services.log;
    const bool ours = error.kind == ErrorKind::internal || error.kind == ErrorKind::corrupt;
    if (!ours && api::status_of(error.kind) != 503) return;  // the caller's, who was told
    (ours ? log.error("gateway", "handler failed") : log.warning("gateway", "handler failed"))
        .request_id(exchange.request_id_text())
        .field("trace_id", exchange.traceparent.trace_id())
        .error(error);
}

void refuse_for(Exchange& exchange, const Error& error) {
    const auto status = api::status_of(error.kind);
    exchange.refuse(status, error.reason, {});
    if (status == 503) exchange.add_field(http::FieldId::retry_after, "Retry-After", "1");
    log_failure(exchange, error);
}

void take_reply(Exchange& exchange, api::Reply reply) {
    if (reply.failure) log_failure(exchange, *reply.failure);
    if (reply.talk) return begin_talk(exchange, std::move(reply.talk));
    exchange.response.status = reply.status;
    exchange.body = std::move(reply.body);
    exchange.shared_body = std::move(reply.shared_body);
    exchange.tell = std::move(reply.tell);
    if (!reply.code.empty()) {
        exchange.code = reply.code;
        exchange.outcome = outcome::refused;
    }
    if (reply.status != 204 && reply.status != 304) {
        exchange.add_field(http::FieldId::content_type, "Content-Type",
                           exchange.arena.copy(reply.content_type));
    }
    for (const auto& [name, value] : reply.fields) {
        const auto kept = exchange.arena.copy(name);
        exchange.add_field(http::field_id(kept), kept, exchange.arena.copy(value));
    }
    if (!exchange.response.fields.has(http::FieldId::cache_control))
        exchange.add_field(http::FieldId::cache_control, "Cache-Control", "no-store");
}

}  // namespace

Task<> answer_ourselves(Exchange& exchange) {
    const auto& own = *exchange.route->own;
    HeldBody body;
    if (has_body(exchange.request().body)) {
        const auto& contract = own.handle.contract();
        if (!takes_body(exchange, contract)) co_return;
        const auto bytes_max = contract.media_types.empty() ? 0 : own.body_bytes_max;
        if (!co_await read_body(exchange, bytes_max, body)) co_return;
    }
    const auto parameters = api::parameters_of(own.path, exchange.path);
    if (!parameters) {
        exchange.refuse(400, parameters.error().reason, "A part of the path is not acceptable.");
        co_return;
    }
    WaitingClient client(exchange);
    const api::Call call{
        .head = exchange.request(),
        .path = exchange.path,
        .query = exchange.query,
        .principal = *exchange.principal,
        .request_id = exchange.request_id_text(),
        .correlation_id = exchange.correlation_id,
        .client_ip = exchange.client_ip,
        .certificate = certificate_of(exchange),
        .client_network = access::ClientNetwork::from_v6(exchange.client_address.octets()),
        .parameters = *parameters,
        .body = body.text,
        .client = &client};
    auto reply = co_await own.handle(call);
    if (reply) {
        take_reply(exchange, *std::move(reply));
    } else {
        refuse_for(exchange, reply.error());
    }
}

}  // namespace gh::gateway
