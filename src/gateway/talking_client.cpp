#include "gateway/talking_client.hpp"

#include <algorithm>
#include <utility>

#include "codec/utf8.hpp"
#include "gateway/worker.hpp"
#include "http/field.hpp"

namespace gh::gateway {

namespace websocket = http::websocket;
using net::IoState;
using websocket::CloseCode;
using websocket::Opcode;

namespace {

constexpr std::size_t frames_at_once = 32, reads_at_once = 8;  // then the others have their turn
constexpr std::size_t write_bytes_max = 128 * 1024;
constexpr seconds farewell_max{2};
// Of one whose credential has ended: it is told why, and not waited for.
constexpr milliseconds revoked_farewell_max{200};

/// Of a field that is there once (RFC 6455 §11.3); else empty.
std::string_view only_value(const http::Fields& fields, std::string_view name) {
    const auto is_it = [name](const http::Field& each) {
        return http::equals_ignoring_case(each.name, name);
    };
    const auto* found = fields.find(name);
    return found && std::ranges::count_if(fields, is_it) == 1 ? found->value : std::string_view{};
}

/// A page of another origin would come with its reader's cookies.
bool is_of_another_origin(const Exchange& exchange) {
    const auto& request = exchange.request();
    const auto origins = request.fields.count(http::FieldId::origin);
    if (origins != 1) return origins > 1;
    auto origin = request.fields.value(http::FieldId::origin);
    const std::string_view scheme = exchange.client_encrypted ? "https://" : "http://";
    if (!origin.starts_with(scheme)) return true;
    origin.remove_prefix(scheme.size());
    return origin != request.authority;
}

void ask_for_upgrade(Exchange& exchange, std::string_view detail) {
    exchange.refuse(426, "websocket.wanted", detail);
    exchange.add_field(http::FieldId::upgrade, "Upgrade", "websocket");
    exchange.add_field(http::FieldId::other, "Sec-WebSocket-Version", "13");
}

}  // namespace

void begin_talk(Exchange& exchange, std::function<Task<>(api::Talk&)> talk) {
    const auto& request = exchange.request();
    if (!request.upgrade_websocket || exchange.client->tunnel() == nullptr)
        return ask_for_upgrade(exchange, "Ask for a WebSocket, by HTTP/1.1.");
    if (only_value(request.fields, "Sec-WebSocket-Version") != "13")
        return ask_for_upgrade(exchange, "Sec-WebSocket-Version is 13.");
    const auto key = only_value(request.fields, "Sec-WebSocket-Key");
    if (!websocket::is_key(key))
        return exchange.refuse(400, "websocket.key", "Sec-WebSocket-Key is 16 octets in base64.");
    if (is_of_another_origin(exchange))
        return exchange.refuse(403, "websocket.origin", "Pages of other origins open none.");
    exchange.response.status = 101;
    exchange.add_field(http::FieldId::upgrade, "Upgrade", "websocket");
    exchange.add_field(http::FieldId::other, "Sec-WebSocket-Accept",
                       exchange.arena.copy(websocket::accept_of(key)));
    exchange.talk = std::move(talk);
}

TalkingClient::TalkingClient(Exchange& exchange)
    : exchange_(exchange),
      client_(exchange),
      stream_(*exchange.client->tunnel()),
      heard_at_(exchange.worker->loop.now()),
      beat_at_(heard_at_ + beat_every) {
    take_octets(exchange.client->tunnel_leftover());
}

net::Wakeup::Awaiter TalkingClient::wait(SteadyTime deadline) {
    send_owed();
    frames_ = reads_ = 0;
    return client_.wait(std::min(deadline, beat_at_));
}

void TalkingClient::take_octets(std::string_view octets) {
    if (octets.empty()) return;
    exchange_.tunnelled_up += octets.size();
    heard_at_ = exchange_.worker->loop.now();
    reader_.append(octets);
}

/// @return whether more may be there
bool TalkingClient::read() {
    const auto scratch = exchange_.worker->loop.scratch();
    const auto io = stream_.read(scratch);
    if (io.state == IoState::ended || io.state == IoState::failed) lose(outcome::client_gone);
    if (io.state != IoState::done) return false;
    take_octets({scratch.data(), io.bytes});
    return true;
}

std::optional<std::string> TalkingClient::heard() {
    while (!over_) {
        if (frames_ >= frames_at_once || reads_ >= reads_at_once) {
            wakeup().wake();
            break;
        }
        if (auto received = reader_.next()) {
            ++frames_;
            if (auto text = take(*std::move(received))) return text;
        } else if (const auto fault = reader_.fault()) {
            close(*fault, outcome::client_malformed);
        } else if (read()) {
            ++reads_;
        } else {
            beat();  // all that came is heard: now silence is silence
            break;
        }
    }
    send_owed();
    return {};
}

std::optional<std::string> TalkingClient::take(websocket::Received received) {
    switch (received.opcode) {
        case Opcode::text:
            if (!codec::is_utf8(received.payload)) {
                close(CloseCode::invalid_payload, outcome::client_malformed);
            } else if (!may_speak()) {
                close(CloseCode::policy_violation, outcome::refused);
            } else {
                return std::move(received.payload);
            }
            break;
        case Opcode::ping:
            // Of several that were not answered yet the last one is (RFC 6455 §5.5.3).
            owed_.clear();
            websocket::append_frame(owed_, Opcode::pong, received.payload);
            break;
        case Opcode::close:
            close(codec::is_utf8(received.payload) ? received.code : CloseCode::invalid_payload,
                  outcome::ok);
            break;
        case Opcode::pong: break;
        default: close(CloseCode::unsupported_data, outcome::client_malformed);
    }
    return {};
}

/// Each message is a call, as each request is.
bool TalkingClient::may_speak() const {
    auto* calls = exchange_.worker->services.agent_calls;
    const auto& principal = *exchange_.principal;
    return calls == nullptr || principal.type != access::PrincipalType::agent ||
           calls->charge(principal.subject, exchange_.worker->loop.system_now());
}

void TalkingClient::beat() {
    const auto now = exchange_.worker->loop.now();
    if (now < beat_at_) return;
    beat_at_ = now + beat_every;
    if (now - heard_at_ >= silence_max) return lose(outcome::client_slow);
    if (owed_.empty()) websocket::append_frame(owed_, Opcode::ping, {});
}

void TalkingClient::close(CloseCode code, std::string_view outcome) {
    closing_ = code;
    exchange_.outcome = outcome;
    over_ = true;
}

void TalkingClient::lose(std::string_view outcome) {
    if (!lost_) exchange_.outcome = outcome;
    over_ = lost_ = true;
    wakeup().wake();
}

void TalkingClient::send_owed() {
    if (lost_) return;
    if (stream_.pending() && stream_.flush() == IoState::failed) return lose(outcome::client_gone);
    if (stream_.pending() || owed_.empty()) return;
    exchange_.tunnelled_down += owed_.size();
    if (stream_.write(std::exchange(owed_, {})) == IoState::failed) lose(outcome::client_gone);
}

Task<bool> TalkingClient::sent(SteadyTime deadline) {
    for (send_owed(); !lost_ && (stream_.pending() || !owed_.empty()); send_owed()) {
        if (client_.is_over()) co_return false;
        if (exchange_.worker->loop.now() >= deadline) {
            lose(outcome::client_slow);
            co_return false;
        }
        co_await client_.wait(deadline);
    }
    co_return !lost_;
}

Task<bool> TalkingClient::write(std::string_view octets) {
    if (gone()) co_return false;
    std::string frame;
    websocket::append_frame(frame, Opcode::text, octets);
    const auto deadline = exchange_.worker->loop.now() + exchange_.snapshot->limits.send_timeout;
    for (std::string_view rest = frame; !rest.empty();) {
        if (!co_await sent(deadline)) co_return false;
        const auto piece = rest.substr(0, write_bytes_max);
        exchange_.tunnelled_down += piece.size();
        if (stream_.write(piece) == IoState::failed) lose(outcome::client_gone);
        rest.remove_prefix(piece.size());
    }
    co_return co_await sent(deadline);
}

CloseCode TalkingClient::why() const {
    if (closing_) return *closing_;
    const auto& worker = *exchange_.worker;
    if (exchange_.revoked || worker.loop.now() >= exchange_.ends_at)
        return CloseCode::policy_violation;
    // Nobody else ends it: what the handler could not go on with is its own.
    return worker.draining ? CloseCode::going_away : CloseCode::internal_error;
}

/// Until the client has closed, too. What it still sends is read away: a reset would take back what it has not read yet.
Task<bool> TalkingClient::heard_farewell(SteadyTime deadline) {
    auto& wakeup = client_.wakeup();
    wakeup.expire_at(deadline);
    bool said = false;
    for (std::size_t reads = 1; !lost_; ++reads) {
        send_owed();
        if (!lost_ && !said && !stream_.pending()) {
            stream_.finish_writing();
            said = true;
        }
        const auto io = stream_.read(exchange_.worker->loop.scratch());
        if (io.state == IoState::failed) break;
        if (io.state == IoState::ended && said) co_return true;
        if (wakeup.expired()) break;
        if (io.state == IoState::done && reads % reads_at_once != 0) continue;
        if (io.state == IoState::done) wakeup.wake();
        co_await wakeup.wait();
    }
    co_return false;
}

Task<> TalkingClient::end() {
    auto& worker = *exchange_.worker;
    const auto code = why();
    const bool by_us = !closing_ && !lost_;
    if (exchange_.revoked) {
        exchange_.outcome = outcome::revoked;
    } else if (by_us && worker.loop.now() >= exchange_.ends_at) {
        exchange_.outcome = outcome::expired;
    }
    if (by_us && code == CloseCode::internal_error)
        worker.services.log.error("gateway", "a handler could not go on with a WebSocket")
            .request_id(exchange_.request_id_text());
    over_ = true;
    if (stream_.pending()) {
        lose(exchange_.outcome);  // a message is cut: nothing can be said behind it
    } else {
        const bool ended = by_us && code == CloseCode::policy_violation;
        websocket::append_close(owed_, code, ended ? "the credential has ended" : "");
        send_owed();
    }
    const auto patience = exchange_.revoked ? revoked_farewell_max : milliseconds(farewell_max);
    const bool heard = co_await heard_farewell(worker.loop.now() + patience);
    if (!heard) exchange_.client->abort();
}

Task<> talk_on(Exchange& exchange) {
    TalkingClient client(exchange);
    const auto talk = std::exchange(exchange.talk, nullptr);
    co_await talk(client);
    co_await client.end();
}

}  // namespace gh::gateway
