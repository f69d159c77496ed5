#include "gateway/gateway.hpp"

#include <exception>
#include <string>

#include "gateway/access_log.hpp"
#include "gateway/own_answer.hpp"
#include "gateway/proxy/proxy.hpp"
#include "gateway/talking_client.hpp"
#include "gateway/waiting_client.hpp"
#include "http/h1_write.hpp"

namespace gh::gateway {
namespace {

/// Sends the answer that filters, a handler or the proxy left in the exchange.
net::IoState send_own_answer(Exchange& exchange) {
    auto& response = exchange.response;
    exchange.worker->pipeline.on_response(exchange);
    exchange.add_field(http::FieldId::date, "Date",
                       http::date_text(exchange.worker->loop.system_now()));
    const bool head_only = exchange.request().method == http::Method::head;
    if (exchange.talk) {
        response.body = {http::Framing::tunnel, 0};
        const auto state = exchange.client->respond(response, {}, true);
        response.fields.clear();
        return state;
    }
    if (exchange.tell) {
        if (head_only) exchange.tell = nullptr;
        response.body = {head_only ? http::Framing::none : http::Framing::chunked, 0};
        const auto state = exchange.client->respond(response, {}, head_only);
        response.fields.clear();
        return state;
    }
    std::string_view body = exchange.shared_body ? *exchange.shared_body : exchange.body;
    response.body = {http::Framing::length, body.size()};
    if (response.status == 204 || response.status == 304) {
        response.body = {};
        body = {};
    } else if (head_only) {
        response.body = {};
        exchange.add_field(http::FieldId::content_length, "Content-Length",
                           exchange.arena.copy(std::to_string(body.size())));
        body = {};
    }
    const auto state = exchange.client->respond(response, body, true);
    response.fields.clear();
    return state;
}

void log_bug(const Exchange& exchange, const std::exception& bug) {
    exchange.worker->services.log.error("gateway", "a request met a bug of ours")
        .request_id(exchange.request_id_text())
        .field("trace_id", exchange.traceparent.trace_id())
        .field("detail", bug.what());
}

}  // namespace

Task<> Gateway::handle(http::Downstream& client) {
    auto exchange = worker_.take_exchange();
    exchange->begin(client, worker_, worker_.snapshot);
    co_await answer(*exchange);
    co_await finish(*exchange);
    close_exchange(*exchange);
    worker_.give_back(std::move(exchange));
}

Task<> Gateway::answer(Exchange& exchange) {
    bool failed = false;
    try {
        std::size_t door = 0;
        auto verdict = worker_.pipeline.on_request(exchange, door);
        if (auto* metrics =
                exchange.route ? exchange.route->metrics : exchange.snapshot->unmatched) {
            metrics->started(static_cast<std::size_t>(exchange.request().method));
            exchange.counted = true;
        }
        if (verdict == Verdict::wait) verdict = co_await worker_.pipeline.wait(exchange, door);
        if (verdict == Verdict::walk_on) {
            if (exchange.route->own) {
                co_await answer_ourselves(exchange);
            } else {
                co_await proxy::forward(exchange);
            }
        }
    } catch (const std::exception& bug) {
        failed = true;
        log_bug(exchange, bug);
    }
    auto& client = *exchange.client;
    if (client.responded()) {
        if (failed) client.abort();
        co_return;
    }
    if (failed) exchange.refuse(500, "internal", "The gateway met an error of its own.");
    if (exchange.response.status == 0) {
        client.abort();  // nobody is left to answer
    } else if (send_own_answer(exchange) == net::IoState::failed) {
        exchange.outcome = outcome::client_gone;
        client.abort();
    } else if (exchange.tell || exchange.talk) {
        try {
            if (exchange.talk) {
                co_await talk_on(exchange);
            } else {
                co_await tell_answer(exchange);
            }
        } catch (const std::exception& bug) {
            log_bug(exchange, bug);
            client.abort();
        }
    }
}

/// Waits until the last byte has left, so that log and metrics tell of the whole exchange. Of one that was revoked meanwhile
/// nothing waits.
Task<> Gateway::finish(Exchange& exchange) {
    auto& client = *exchange.client;
    auto& wakeup = client.wakeup();
    const auto patience =
        exchange.revoked ? milliseconds(0) : exchange.snapshot->limits.send_timeout;
    wakeup.expire_at(worker_.loop.now() + patience);
    for (;;) {
        const auto state = client.flush();
        if (state == net::IoState::done) co_return;
        if (state == net::IoState::failed || wakeup.expired()) {
            if (exchange.revoked) {
                exchange.outcome = outcome::revoked;
            } else if (exchange.outcome == outcome::ok) {
                exchange.outcome =
                    state == net::IoState::failed ? outcome::client_gone : outcome::client_slow;
            }
            client.abort();
            co_return;
        }
        co_await wakeup.wait();
    }
}

}  // namespace gh::gateway
